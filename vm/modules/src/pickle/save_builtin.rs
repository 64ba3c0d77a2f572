//! Saving what has instructions of its own: text, bytes, containers.

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::list::List;
use typhon_core::builtins::set::Set;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Thread};
use typhon_text::codecs::{Codec, ErrorMode};

use super::buffer;
use super::opcode as op;
use super::reduce::in_part;
use super::save::Saver;

/// Objects in one APPENDS, SETITEMS or ADDITEMS.
const BATCH: usize = 1000;

impl Saver {
    pub(super) fn save_str(&mut self, th: &mut Thread, o: Borrowed<'_>, s: &Str) -> PyResult<()> {
        if !self.is_binary() {
            let mut line = vec![op::UNICODE];
            for c in s.data().iter() {
                match c {
                    0x5c | 0 | 0x0a | 0x0d | 0x1a => line.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
                    0..=0xff => line.push(c as u8),
                    0x100..=0xffff => line.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
                    _ => line.extend_from_slice(format!("\\U{c:08x}").as_bytes()),
                }
            }
            line.push(b'\n');
            self.out.put(&line);
        } else if let Some(ascii) = s.as_ascii() {
            self.put_text(ascii.as_bytes());
        } else {
            match Codec::Utf8.encode(s.data(), &mut ErrorMode::SurrogatePass) {
                Ok(bytes) => self.put_text(&bytes),
                // The method raises the UnicodeEncodeError with all its fields.
                Err(_) => {
                    let (codec, errors) = (th.new_str("utf-8"), th.new_str("surrogatepass"));
                    let args = [codec.borrow(), errors.borrow()];
                    let bytes = o.call_method_str(th, "encode", &args)?;
                    let bytes = bytes.downcast::<Bytes>().map(|b| b.as_bytes().to_vec());
                    self.put_text(&bytes.unwrap_or_default());
                }
            }
        }
        self.memoize(o);
        Ok(())
    }

    fn put_text(&mut self, bytes: &[u8]) {
        let n = bytes.len();
        if self.settings.protocol >= 4 && n < 256 {
            self.out.put(&[op::SHORT_BINUNICODE, n as u8]);
            self.out.put(bytes);
        } else if u32::try_from(n).is_err() && self.settings.protocol >= 4 {
            self.out.put_large(&counted(op::BINUNICODE8, n as u64, 8), bytes);
        } else {
            self.out.put_large(&counted(op::BINUNICODE, n as u64, 4), bytes);
        }
    }

    pub(super) fn save_bytes(&mut self, th: &mut Thread, o: Borrowed<'_>, bytes: &[u8]) -> PyResult<()> {
        if self.settings.protocol >= 3 {
            self.put_bytes(bytes);
            self.memoize(o);
            return Ok(());
        }
        // Protocols for Python 2 have no bytes: text is encoded when it is loaded.
        if bytes.is_empty() {
            let empty = th.new_tuple(Vec::new());
            return self.save_call(th, o, o.ty().as_value(), empty.borrow());
        }
        let encode = crate::support::import_attr(th, "_codecs", "encode")?;
        let text: String = bytes.iter().map(|&b| char::from(b)).collect();
        let (text, codec) = (th.new_str(&text), th.intern("latin1"));
        let args = th.new_pair(text, codec);
        self.save_call(th, o, encode.borrow(), args.borrow())
    }

    pub(super) fn put_bytes(&mut self, bytes: &[u8]) {
        let n = bytes.len();
        if n < 256 {
            self.out.put(&[op::SHORT_BINBYTES, n as u8]);
            self.out.put(bytes);
        } else if u32::try_from(n).is_err() && self.settings.protocol >= 4 {
            self.out.put_large(&counted(op::BINBYTES8, n as u64, 8), bytes);
        } else {
            self.out.put_large(&counted(op::BINBYTES, n as u64, 4), bytes);
        }
    }

    pub(super) fn save_bytearray(&mut self, th: &mut Thread, o: Borrowed<'_>, bytes: &[u8]) -> PyResult<()> {
        if self.settings.protocol >= 5 {
            self.put_bytearray(bytes);
            self.memoize(o);
            return Ok(());
        }
        let args = if bytes.is_empty() { Vec::new() } else { vec![th.new_bytes(bytes)] };
        let args = th.new_tuple(args);
        self.save_call(th, o, o.ty().as_value(), args.borrow())
    }

    fn put_bytearray(&mut self, bytes: &[u8]) {
        self.out.put_large(&counted(op::BYTEARRAY8, bytes.len() as u64, 8), bytes);
    }

    /// A `PickleBuffer`: in the pickle, or beside it (PEP 574).
    pub(super) fn save_buffer(&mut self, th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
        if self.settings.protocol < 5 {
            return Err(super::pickling_error(th, "PickleBuffer can only be pickled with protocol >= 5"));
        }
        let (bytes, readonly) = buffer::content(th, o)?;
        let in_band = match &self.settings.buffer_callback {
            Some(callback) => callback.clone().borrow().call(th, &[o])?.borrow().truth(th)?,
            None => true,
        };
        match (in_band, readonly) {
            (true, true) => {
                self.put_bytes(&bytes);
                self.memoize(o);
            }
            (true, false) => {
                self.put_bytearray(&bytes);
                self.memoize(o);
            }
            (false, true) => self.out.put(&[op::NEXT_BUFFER, op::READONLY_BUFFER]),
            (false, false) => self.out.put(&[op::NEXT_BUFFER]),
        }
        Ok(())
    }

    pub(super) fn save_list(&mut self, th: &mut Thread, o: Borrowed<'_>, list: &List) -> PyResult<()> {
        self.out.put(if self.is_binary() { &[op::EMPTY_LIST] } else { &[op::MARK, op::LIST] });
        self.memoize(o);
        let items = list.to_vec();
        self.save_items(th, o, &items)
    }

    /// Items that are appended to the object on the stack.
    fn save_items(&mut self, th: &mut Thread, o: Borrowed<'_>, items: &[Owned]) -> PyResult<()> {
        let size = if self.is_binary() { BATCH } else { 1 };
        for (start, batch) in items.chunks(size).enumerate() {
            if batch.len() > 1 {
                self.out.put(&[op::MARK]);
            }
            for (i, item) in batch.iter().enumerate() {
                if let Err(raised) = self.save(th, item.borrow(), true) {
                    return Err(in_part(th, raised, o, &format!("item {}", start * size + i)));
                }
            }
            self.out.put(&[if batch.len() > 1 { op::APPENDS } else { op::APPEND }]);
        }
        Ok(())
    }

    /// As [`Saver::save_items`], of any iterator; those of a reduced object.
    pub(super) fn save_iterated(
        &mut self,
        th: &mut Thread,
        o: Borrowed<'_>,
        items: Borrowed<'_>,
    ) -> PyResult<()> {
        let items = items.to_vec(th)?;
        self.save_items(th, o, &items)
    }

    pub(super) fn save_dict(&mut self, th: &mut Thread, o: Borrowed<'_>, dict: &Dict) -> PyResult<()> {
        self.out.put(if self.is_binary() { &[op::EMPTY_DICT] } else { &[op::MARK, op::DICT] });
        self.memoize(o);
        let entries = dict.entries();
        self.save_entries(th, o, &entries)
    }

    /// Pairs that are set in the object on the stack.
    pub(super) fn save_entries(
        &mut self,
        th: &mut Thread,
        o: Borrowed<'_>,
        entries: &[(Owned, Owned)],
    ) -> PyResult<()> {
        let size = if self.is_binary() { BATCH } else { 1 };
        for batch in entries.chunks(size) {
            if batch.len() > 1 {
                self.out.put(&[op::MARK]);
            }
            for (key, value) in batch {
                self.save(th, key.borrow(), true)?;
                if let Err(raised) = self.save(th, value.borrow(), true) {
                    let exc = th.catch(raised);
                    let key = key.borrow().repr_text(th)?;
                    let raised = th.set_exc(exc);
                    return Err(in_part(th, raised, o, &format!("item {key}")));
                }
            }
            self.out.put(&[if batch.len() > 1 { op::SETITEMS } else { op::SETITEM }]);
        }
        Ok(())
    }

    pub(super) fn save_set(
        &mut self,
        th: &mut Thread,
        o: Borrowed<'_>,
        set: &Set,
        frozen: bool,
    ) -> PyResult<()> {
        let items = set.to_vec();
        if self.settings.protocol < 4 {
            let list = th.new_list(items);
            let args = th.new_tuple(vec![list]);
            return self.save_call(th, o, o.ty().as_value(), args.borrow());
        }
        if frozen {
            self.out.put(&[op::MARK]);
            self.save_elements(th, o, &items)?;
            // A frozenset that contains itself was saved inside.
            if self.is_known(o) {
                self.out.put(&[op::POP_MARK]);
                self.fetch(o);
                return Ok(());
            }
            self.out.put(&[op::FROZENSET]);
            self.memoize(o);
            return Ok(());
        }
        self.out.put(&[op::EMPTY_SET]);
        self.memoize(o);
        for batch in items.chunks(BATCH) {
            self.out.put(&[op::MARK]);
            self.save_elements(th, o, batch)?;
            self.out.put(&[op::ADDITEMS]);
        }
        Ok(())
    }

    fn save_elements(&mut self, th: &mut Thread, o: Borrowed<'_>, elements: &[Owned]) -> PyResult<()> {
        for element in elements {
            self.save(th, element.borrow(), true).map_err(|raised| in_part(th, raised, o, "element"))?;
        }
        Ok(())
    }

    pub(super) fn save_tuple(&mut self, th: &mut Thread, o: Borrowed<'_>, tuple: &Tuple) -> PyResult<()> {
        let n = tuple.len();
        if n == 0 {
            self.out.put(if self.is_binary() { &[op::EMPTY_TUPLE] } else { &[op::MARK, op::TUPLE] });
            return Ok(());
        }
        let short = n <= 3 && self.settings.protocol >= 2;
        if !short {
            self.out.put(&[op::MARK]);
        }
        for (i, item) in tuple.iter().enumerate() {
            if let Err(raised) = self.save(th, item, true) {
                return Err(in_part(th, raised, o, &format!("item {i}")));
            }
        }
        // A tuple that contains itself was saved inside.
        if self.is_known(o) {
            if short {
                self.out.put(&[op::POP, op::POP, op::POP][..n]);
            } else if self.is_binary() {
                self.out.put(&[op::POP_MARK]);
            } else {
                self.out.put(&vec![op::POP; n + 1]);
            }
            self.fetch(o);
            return Ok(());
        }
        self.out.put(&[if short { [op::TUPLE1, op::TUPLE2, op::TUPLE3][n - 1] } else { op::TUPLE }]);
        self.memoize(o);
        Ok(())
    }
}

/// An instruction and the number of bytes that follow.
fn counted(op: u8, n: u64, width: usize) -> Vec<u8> {
    let mut header = vec![op];
    header.extend_from_slice(&n.to_le_bytes()[..width]);
    header
}
