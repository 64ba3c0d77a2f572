//! Saving: an object as instructions that make it again.

use dashu_int::IBig;
use typhon_core::builtins::bytearray::ByteArray;
use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::int::BigInt;
use typhon_core::builtins::list::List;
use typhon_core::builtins::set::{DEF as SET, FROZEN as FROZENSET, Set};
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Thread};

use super::buffer::PickleBuffer;
use super::memo::Memo;
use super::opcode as op;
use super::writer::Writer;

/// Settings of a pickler, and what its methods are.
pub struct Settings {
    pub protocol: i64,
    /// Instructions with binary arguments: protocols from 1 on, unless `bin` was set.
    pub binary: bool,
    pub fast: bool,
    pub fix_imports: bool,
    pub persistent_id: Option<Owned>,
    pub reducer_override: Option<Owned>,
    pub dispatch_table: Option<Owned>,
    pub buffer_callback: Option<Owned>,
}

/// One run of a pickler.
pub struct Saver {
    pub settings: Settings,
    pub out: Writer,
    pub memo: Memo,
    /// Containers that a fast pickler is inside of.
    pub(super) inside: Vec<u64>,
}

impl Saver {
    pub fn new(settings: Settings, memo: Memo) -> Saver {
        Saver { settings, out: Writer::default(), memo, inside: Vec::new() }
    }

    /// The whole pickle of an object.
    pub fn dump(&mut self, th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
        if self.settings.protocol >= 2 {
            self.out.put(&[op::PROTO, self.settings.protocol as u8]);
        }
        self.out.framing = self.settings.protocol >= 4;
        self.save(th, o, true)?;
        self.out.put(&[op::STOP]);
        self.out.close();
        self.out.framing = false;
        Ok(())
    }

    pub(super) fn is_binary(&self) -> bool {
        self.settings.binary
    }

    /// Saves an object; `persistently`: its persistent id, if it has one.
    pub fn save(&mut self, th: &mut Thread, o: Borrowed<'_>, persistently: bool) -> PyResult<()> {
        self.out.between();
        if persistently && let Some(f) = &self.settings.persistent_id {
            let id = f.clone().borrow().call(th, &[o])?;
            if !id.is_none() {
                return self.save_persistent(th, id.borrow());
            }
        }
        let w = o.word();
        if o.is_none() {
            self.out.put(&[op::NONE]);
            return Ok(());
        }
        if w.is_bool() {
            self.save_bool(o.truth(th)?);
            return Ok(());
        }
        if w.is_int() {
            self.save_small(w.int());
            return Ok(());
        }
        if let Some(x) = exact_float(o) {
            return self.save_float(th, o, x);
        }
        if self.fetch(o) {
            return Ok(());
        }
        th.check_native_stack(" while pickling an object")?;
        if self.save_builtin(th, o)? {
            return Ok(());
        }
        self.save_reducible(th, o)
    }

    fn save_persistent(&mut self, th: &mut Thread, id: Borrowed<'_>) -> PyResult<()> {
        if self.is_binary() {
            self.save(th, id, false)?;
            self.out.put(&[op::BINPERSID]);
            return Ok(());
        }
        let text = id.str_text(th)?;
        if !text.is_ascii() {
            return Err(super::pickling_error(th, "persistent IDs in protocol 0 must be ASCII strings"));
        }
        self.out.put(format!("P{text}\n").as_bytes());
        Ok(())
    }

    fn save_bool(&mut self, on: bool) {
        match (self.settings.protocol >= 2, on) {
            (true, true) => self.out.put(&[op::NEWTRUE]),
            (true, false) => self.out.put(&[op::NEWFALSE]),
            (false, true) => self.out.put(b"I01\n"),
            (false, false) => self.out.put(b"I00\n"),
        }
    }

    fn save_small(&mut self, n: i64) {
        if self.is_binary()
            && let Ok(n) = i32::try_from(n)
        {
            match n {
                0..=0xff => self.out.put(&[op::BININT1, n as u8]),
                0x100..=0xffff => self.out.put(&[op::BININT2, n as u8, (n >> 8) as u8]),
                _ => self.put_with(op::BININT, &n.to_le_bytes()),
            }
            return;
        }
        if self.settings.protocol >= 2 {
            self.save_long_bytes(&shortest(&n.to_le_bytes()));
        } else if i32::try_from(n).is_ok() {
            self.out.put(format!("I{n}\n").as_bytes());
        } else {
            self.out.put(format!("L{n}L\n").as_bytes());
        }
    }

    fn save_big(&mut self, th: &mut Thread, o: Borrowed<'_>, n: &IBig) -> PyResult<()> {
        if self.settings.protocol >= 2 {
            self.save_long_bytes(&shortest(&n.to_le_bytes()));
            return Ok(());
        }
        let text = o.repr_text(th)?;
        self.out.put(format!("L{text}L\n").as_bytes());
        Ok(())
    }

    fn save_long_bytes(&mut self, bytes: &[u8]) {
        match u8::try_from(bytes.len()) {
            Ok(n) => self.out.put(&[op::LONG1, n]),
            Err(_) => self.put_with(op::LONG4, &(bytes.len() as u32).to_le_bytes()),
        }
        self.out.put(bytes);
    }

    fn save_float(&mut self, th: &mut Thread, o: Borrowed<'_>, x: f64) -> PyResult<()> {
        if self.is_binary() {
            self.put_with(op::BINFLOAT, &x.to_be_bytes());
        } else {
            let text = o.repr_text(th)?;
            self.out.put(format!("F{text}\n").as_bytes());
        }
        Ok(())
    }

    /// One instruction with an argument.
    pub(super) fn put_with(&mut self, op: u8, argument: &[u8]) {
        self.out.put(&[op]);
        self.out.put(argument);
    }

    /// Was the object saved before?
    pub(super) fn is_known(&self, o: Borrowed<'_>) -> bool {
        self.memo.number(o).is_some()
    }

    /// Fetches an object, if it was saved before.
    pub(super) fn fetch(&mut self, o: Borrowed<'_>) -> bool {
        let Some(index) = self.memo.number(o) else { return false };
        if !self.is_binary() {
            self.out.put(format!("g{index}\n").as_bytes());
        } else if let Ok(index) = u8::try_from(index) {
            self.out.put(&[op::BINGET, index]);
        } else {
            self.put_with(op::LONG_BINGET, &index.to_le_bytes());
        }
        true
    }

    /// Gives the object that was just made a number.
    pub(super) fn memoize(&mut self, o: Borrowed<'_>) {
        if self.settings.fast {
            return;
        }
        let index = self.memo.add(o);
        if self.settings.protocol >= 4 {
            self.out.put(&[op::MEMOIZE]);
        } else if !self.is_binary() {
            self.out.put(format!("p{index}\n").as_bytes());
        } else if let Ok(index) = u8::try_from(index) {
            self.out.put(&[op::BINPUT, index]);
        } else {
            self.put_with(op::LONG_BINPUT, &index.to_le_bytes());
        }
    }

    /// Saves what is exactly of a built-in type. False: it is not.
    fn save_builtin(&mut self, th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
        if let Some(s) = o.downcast_exact::<Str>() {
            self.save_str(th, o, s)?;
        } else if let Some(b) = o.downcast_exact::<Bytes>() {
            self.save_bytes(th, o, b.as_bytes())?;
        } else if let Some(d) = o.downcast_exact::<Dict>() {
            self.guarded(th, o, |saver, th| saver.save_dict(th, o, d))?;
        } else if let Some(l) = o.downcast_exact::<List>() {
            self.guarded(th, o, |saver, th| saver.save_list(th, o, l))?;
        } else if let Some(t) = o.downcast_exact::<Tuple>() {
            self.guarded(th, o, |saver, th| saver.save_tuple(th, o, t))?;
        } else if o.shape_id() == SET.id.shape() || o.shape_id() == FROZENSET.id.shape() {
            let frozen = o.shape_id() == FROZENSET.id.shape();
            let set = o.downcast::<Set>().expect("a set or a frozenset");
            self.guarded(th, o, |saver, th| saver.save_set(th, o, set, frozen))?;
        } else if let Some(n) = exact_big(o) {
            self.save_big(th, o, n)?;
        } else if let Some(b) = o.downcast_exact::<ByteArray>() {
            let bytes = b.data.lock(&b.header, th).0.clone();
            self.save_bytearray(th, o, &bytes)?;
        } else if o.downcast_exact::<PickleBuffer>().is_some() {
            self.save_buffer(th, o)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Saves a container; a fast pickler, which has no memo, notices when it is inside of that already.
    fn guarded(
        &mut self,
        th: &mut Thread,
        o: Borrowed<'_>,
        save: impl FnOnce(&mut Saver, &mut Thread) -> PyResult<()>,
    ) -> PyResult<()> {
        if !self.settings.fast {
            return save(self, th);
        }
        let id = o.word().identity();
        if self.inside.len() >= MOST_INSIDE && self.inside.contains(&id) {
            let msg = format!(
                "fast mode: can't pickle cyclic objects including object type {}",
                super::class_name(th, o)
            );
            return Err(th.value_error(&msg));
        }
        self.inside.push(id);
        let saved = save(self, th);
        self.inside.pop();
        saved
    }
}

/// Containers inside each other before a fast pickler looks for cycles.
const MOST_INSIDE: usize = 50;

/// The value of what is exactly a float.
fn exact_float(o: Borrowed<'_>) -> Option<f64> {
    let exact = core::ptr::eq(o.ty(), typhon_core::builtins::float::DEF.ty());
    if exact { o.as_float() } else { None }
}

/// The value of what is exactly an int that does not fit into a word.
fn exact_big(o: Borrowed<'_>) -> Option<&IBig> {
    o.downcast_exact::<BigInt>().map(|n| &n.value)
}

/// The shortest bytes of a number in two's complement, last one first.
fn shortest(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    while let [.., before, last] = bytes[..]
        && (last == 0 && before < 0x80 || last == 0xff && before >= 0x80)
    {
        bytes.pop();
    }
    if bytes == [0] { Vec::new() } else { bytes }
}
