//! Reading.

use dashu_int::{IBig, UBig};
use typhon_compile::{Code, Const, PyStr};
use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::list::List;
use typhon_core::builtins::set::Set;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread, Word};
use typhon_text::StrBuf;
use typhon_text::codecs::{Codec, ErrorMode, Failure};

use super::{MAX_DEPTH, code};
use crate::io::text::coder::decode_error;

/// Where the bytes come from.
pub enum Source<'a> {
    Bytes(&'a [u8]),
    /// An object with `read(n)`.
    File(Borrowed<'a>),
}

/// Reads one value.
pub struct Reader<'a> {
    source: Source<'a>,
    at: usize,
    /// Objects that a REF can name; `None` while one is being read.
    refs: Vec<Option<Owned>>,
    depth: usize,
    allow_code: bool,
    /// Folder put before the file names of code, and no verification.
    trusted: Option<String>,
    /// Bytes that the last read of a file gave.
    held: Vec<u8>,
}

#[cold]
fn bad(th: &mut Thread, what: &str) -> Raised {
    th.value_error(&format!("bad marshal data ({what})"))
}

#[cold]
fn too_short(th: &mut Thread) -> Raised {
    th.eof_error("marshal data too short")
}

impl<'a> Reader<'a> {
    pub fn new(source: Source<'a>, allow_code: bool) -> Reader<'a> {
        Reader { source, at: 0, refs: Vec::new(), depth: 0, allow_code, trusted: None, held: Vec::new() }
    }

    /// The data is our own: code is not verified, and its file names begin with `folder`.
    pub fn trust(&mut self, folder: &str) {
        self.trusted = Some(folder.to_owned());
    }

    /// The next `n` bytes.
    fn take(&mut self, th: &mut Thread, n: usize) -> PyResult<&[u8]> {
        match self.source {
            Source::Bytes(b) => {
                let Some(part) = b.get(self.at..self.at.saturating_add(n)) else { return Err(too_short(th)) };
                self.at += n;
                Ok(part)
            }
            Source::File(f) => {
                let size = th.new_int(n as i64);
                let name = th.rt.names.read.get();
                let r = f.call_method(th, name, &[size.borrow()])?;
                let Some(b) = r.downcast::<Bytes>() else {
                    let msg = format!("file.read() returned not bytes but {}", r.borrow().type_name(th));
                    return Err(th.type_error(&msg));
                };
                if b.len() > n {
                    let msg =
                        format!("read() returned too much data: {n} bytes requested, {} returned", b.len());
                    return Err(th.value_error(&msg));
                }
                if b.len() < n {
                    return Err(th.eof_error("EOF read where not expected"));
                }
                self.held.clear();
                self.held.extend_from_slice(b.as_bytes());
                Ok(&self.held)
            }
        }
    }

    fn byte(&mut self, th: &mut Thread) -> PyResult<u8> {
        if let Source::Bytes(b) = self.source {
            let Some(&v) = b.get(self.at) else { return Err(too_short(th)) };
            self.at += 1;
            return Ok(v);
        }
        Ok(self.take(th, 1)?[0])
    }

    fn i32(&mut self, th: &mut Thread) -> PyResult<i32> {
        let b = self.take(th, 4)?;
        Ok(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn u32(&mut self, th: &mut Thread) -> PyResult<u32> {
        Ok(self.i32(th)? as u32)
    }

    fn f64(&mut self, th: &mut Thread) -> PyResult<f64> {
        let b = self.take(th, 8)?;
        Ok(f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
    }

    /// A length. Each item takes at least a byte, so a length beyond the data is damage.
    fn len(&mut self, th: &mut Thread, what: &str) -> PyResult<usize> {
        let n = self.i32(th)?;
        if n < 0 {
            return Err(bad(th, &format!("{what} size out of range")));
        }
        if let Source::Bytes(b) = self.source
            && n as usize > b.len() - self.at
        {
            return Err(too_short(th));
        }
        Ok(n as usize)
    }

    fn float_text(&mut self, th: &mut Thread) -> PyResult<f64> {
        let n = self.byte(th)? as usize;
        let text = String::from_utf8_lossy(self.take(th, n)?).into_owned();
        match text.trim().parse() {
            Ok(v) => Ok(v),
            Err(_) => Err(bad(th, "float text")),
        }
    }

    fn long(&mut self, th: &mut Thread) -> PyResult {
        let n = self.i32(th)?;
        if n == i32::MIN {
            return Err(bad(th, "long size out of range"));
        }
        let digits = n.unsigned_abs() as usize;
        let bytes = self.take(th, digits * 2)?;
        let mut out = vec![0u8; digits * 15 / 8 + 2];
        let (mut acc, mut bits, mut at, mut last, mut damaged) = (0u32, 0u32, 0usize, 1u16, false);
        for d in bytes.chunks_exact(2) {
            last = u16::from_le_bytes([d[0], d[1]]);
            damaged |= last > 0x7fff;
            acc |= u32::from(last & 0x7fff) << bits;
            bits += 15;
            while bits >= 8 {
                out[at] = acc as u8;
                at += 1;
                acc >>= 8;
                bits -= 8;
            }
        }
        out[at] = acc as u8;
        if damaged {
            return Err(bad(th, "digit out of range in long"));
        }
        if last == 0 {
            return Err(bad(th, "unnormalized long data"));
        }
        let magnitude = IBig::from(UBig::from_le_bytes(&out));
        let v = if n < 0 { -magnitude } else { magnitude };
        Ok(match i64::try_from(&v) {
            Ok(small) => th.new_int(small),
            Err(_) => th.new_big(v),
        })
    }

    fn unicode(&mut self, th: &mut Thread, n: usize) -> PyResult<StrBuf> {
        let bytes = self.take(th, n)?.to_vec();
        match Codec::Utf8.decode(&bytes, &mut ErrorMode::SurrogatePass) {
            Ok(text) => Ok(text),
            Err(Failure::Fault(f)) => Err(decode_error(th, &f, &bytes)),
            Err(Failure::EncodeOnly) => Err(bad(th, "string")),
        }
    }

    /// The value. Errors: TypeError for a NULL where an object must be.
    pub fn object(&mut self, th: &mut Thread) -> PyResult {
        match self.value(th)? {
            Some(v) => Ok(v),
            None => Err(th.type_error("NULL object in marshal data for object")),
        }
    }

    fn item(&mut self, th: &mut Thread, what: &str) -> PyResult {
        match self.value(th)? {
            Some(v) => Ok(v),
            None => Err(th.type_error(&format!("NULL object in marshal data for {what}"))),
        }
    }

    /// One value; `None` is the NULL that ends a dict.
    fn value(&mut self, th: &mut Thread) -> PyResult<Option<Owned>> {
        let in_memory = matches!(self.source, Source::Bytes(_));
        let kind = match self.byte(th) {
            Ok(k) => k,
            Err(raised) if in_memory => {
                drop(th.catch(raised));
                return Err(th.eof_error("EOF read where object expected"));
            }
            Err(raised) => return Err(raised),
        };
        if self.depth >= MAX_DEPTH {
            return Err(th.value_error("recursion limit exceeded"));
        }
        th.check_native_stack(" while loading marshal data")?;
        self.depth += 1;
        let r = self.value_of(th, kind & !code::FLAG_REF, kind & code::FLAG_REF != 0);
        self.depth -= 1;
        r
    }

    fn remember(&mut self, flag: bool, v: &Owned) {
        if flag {
            self.refs.push(Some(v.clone()));
        }
    }

    /// A place for an object whose parts are read first.
    fn reserve(&mut self, flag: bool) -> Option<usize> {
        if !flag {
            return None;
        }
        self.refs.push(None);
        Some(self.refs.len() - 1)
    }

    fn fill(&mut self, place: Option<usize>, v: &Owned) {
        if let Some(i) = place {
            self.refs[i] = Some(v.clone());
        }
    }

    fn value_of(&mut self, th: &mut Thread, kind: u8, flag: bool) -> PyResult<Option<Owned>> {
        let v = match kind {
            code::NULL => return Ok(None),
            code::NONE => return Ok(Some(Owned::none())),
            code::FALSE => return Ok(Some(Owned::bool(false))),
            code::TRUE => return Ok(Some(Owned::bool(true))),
            code::ELLIPSIS => return Ok(Some(Owned::from_const(Word::ELLIPSIS))),
            code::STOP_ITERATION => return Ok(Some(crate::support::builtin(th, "StopIteration"))),
            code::REF => {
                let i = self.i32(th)?;
                return match usize::try_from(i).ok().and_then(|i| self.refs.get(i)) {
                    Some(Some(v)) => Ok(Some(v.clone())),
                    _ => Err(bad(th, "invalid reference")),
                };
            }
            code::TUPLE | code::SMALL_TUPLE => {
                let n = if kind == code::TUPLE { self.len(th, "tuple")? } else { self.byte(th)? as usize };
                let place = self.reserve(flag);
                let mut items = Vec::with_capacity(n.min(1 << 16));
                for _ in 0..n {
                    items.push(self.item(th, "tuple")?);
                }
                let v = th.new_tuple(items);
                self.fill(place, &v);
                return Ok(Some(v));
            }
            code::LIST => {
                let n = self.len(th, "list")?;
                let v = th.new_list(Vec::new());
                self.remember(flag, &v);
                for _ in 0..n {
                    let item = self.item(th, "list")?;
                    v.payload::<List>().push(item);
                }
                return Ok(Some(v));
            }
            code::DICT => {
                let v = th.new_dict();
                self.remember(flag, &v);
                while let Some(key) = self.value(th)? {
                    let Some(value) = self.value(th)? else { break };
                    v.payload::<Dict>().set(th, key.borrow(), value)?;
                }
                return Ok(Some(v));
            }
            code::SET => {
                let n = self.len(th, "set")?;
                let v = th.new_set();
                self.remember(flag, &v);
                for _ in 0..n {
                    let item = self.item(th, "set")?;
                    v.payload::<Set>().add(th, item.borrow())?;
                }
                return Ok(Some(v));
            }
            code::FROZENSET => {
                let n = self.len(th, "set")?;
                let place = self.reserve(flag);
                let mut items = Vec::with_capacity(n.min(1 << 16));
                for _ in 0..n {
                    items.push(self.item(th, "set")?);
                }
                let items: Vec<Borrowed<'_>> = items.iter().map(Owned::borrow).collect();
                let v = th.new_frozenset_of(&items)?;
                self.fill(place, &v);
                return Ok(Some(v));
            }
            code::SLICE => {
                let place = self.reserve(flag);
                let (start, stop) = (self.item(th, "slice")?, self.item(th, "slice")?);
                let step = self.item(th, "slice")?;
                let v = th.new_slice(start, stop, step);
                self.fill(place, &v);
                return Ok(Some(v));
            }
            code::CODE => {
                if !self.allow_code {
                    return Err(th.value_error("unmarshalling code objects is disallowed"));
                }
                let place = self.reserve(flag);
                let v = self.code(th)?;
                self.fill(place, &v);
                return Ok(Some(v));
            }
            _ => self.leaf(th, kind)?,
        };
        self.remember(flag, &v);
        Ok(Some(v))
    }

    /// A value without parts.
    fn leaf(&mut self, th: &mut Thread, kind: u8) -> PyResult {
        Ok(match kind {
            code::INT => {
                let v = self.i32(th)?;
                th.new_int(i64::from(v))
            }
            code::INT64 => {
                let (low, high) = (self.u32(th)?, self.i32(th)?);
                th.new_int(i64::from(high) << 32 | i64::from(low))
            }
            code::LONG => self.long(th)?,
            code::FLOAT => {
                let v = self.f64(th)?;
                th.new_float(v)
            }
            code::FLOAT_TEXT => {
                let v = self.float_text(th)?;
                th.new_float(v)
            }
            code::COMPLEX => {
                let (re, im) = (self.f64(th)?, self.f64(th)?);
                th.new_complex(re, im)
            }
            code::COMPLEX_TEXT => {
                let (re, im) = (self.float_text(th)?, self.float_text(th)?);
                th.new_complex(re, im)
            }
            code::BYTES => {
                let n = self.len(th, "bytes object")?;
                let b = self.take(th, n)?.to_vec();
                th.new_bytes(&b)
            }
            code::SHORT_ASCII | code::SHORT_ASCII_INTERNED => {
                let n = self.byte(th)? as usize;
                self.ascii(th, n, kind == code::SHORT_ASCII_INTERNED)?
            }
            code::ASCII | code::ASCII_INTERNED => {
                let n = self.len(th, "string")?;
                self.ascii(th, n, kind == code::ASCII_INTERNED)?
            }
            code::UNICODE | code::INTERNED => {
                let n = self.len(th, "string")?;
                let text = self.unicode(th, n)?;
                let v = th.new_str_buf(text);
                if kind == code::INTERNED { th.intern_str(v.borrow()) } else { v }
            }
            _ => return Err(bad(th, "unknown type code")),
        })
    }

    fn ascii(&mut self, th: &mut Thread, n: usize, interned: bool) -> PyResult {
        if let Source::Bytes(b) = self.source {
            let Some(part) = b.get(self.at..self.at.saturating_add(n)) else { return Err(too_short(th)) };
            self.at += n;
            return match core::str::from_utf8(part) {
                Ok(text) if interned => Ok(th.intern(text)),
                Ok(text) => Ok(th.new_str(text)),
                Err(_) => Err(bad(th, "string is not ASCII")),
            };
        }
        let part = self.take(th, n)?.to_vec();
        match core::str::from_utf8(&part) {
            Ok(text) if interned => Ok(th.intern(text)),
            Ok(text) => Ok(th.new_str(text)),
            Err(_) => Err(bad(th, "string is not ASCII")),
        }
    }

    fn text(&mut self, th: &mut Thread) -> PyResult<PyStr> {
        let v = self.item(th, "code")?;
        pystr(th, v.borrow())
    }

    fn texts(&mut self, th: &mut Thread) -> PyResult<Vec<PyStr>> {
        let v = self.item(th, "code")?;
        let Some(t) = v.downcast::<Tuple>() else { return Err(bad(th, "code names")) };
        let mut out = Vec::with_capacity(t.len());
        for s in t.iter() {
            out.push(pystr(th, s)?);
        }
        Ok(out)
    }

    fn blob(&mut self, th: &mut Thread) -> PyResult<Vec<u8>> {
        let v = self.item(th, "code")?;
        match v.downcast::<Bytes>() {
            Some(b) => Ok(b.as_bytes().to_vec()),
            None => Err(bad(th, "code bytes")),
        }
    }

    fn code(&mut self, th: &mut Thread) -> PyResult {
        let (argcount, posonlyargcount, kwonlyargcount) = (self.u32(th)?, self.u32(th)?, self.u32(th)?);
        let (stacksize, flags) = (self.u32(th)?, self.u32(th)?);
        let units = self.blob(th)?;
        let consts = self.item(th, "code")?;
        let Some(n_consts) = consts.downcast::<Tuple>().map(Tuple::len) else {
            return Err(bad(th, "code constants"));
        };
        let mut data = Code {
            argcount,
            posonlyargcount,
            kwonlyargcount,
            flags,
            stacksize,
            code: units,
            consts: Vec::new(),
            names: self.texts(th)?,
            localsplusnames: self.texts(th)?,
            localspluskinds: self.blob(th)?,
            filename: self.text(th)?,
            name: self.text(th)?,
            qualname: self.text(th)?,
            firstlineno: self.u32(th)?,
            linetable: self.blob(th)?,
            exceptiontable: self.blob(th)?,
        };
        match &self.trusted {
            Some(folder) => {
                if let Some(name) = data.filename.as_str() {
                    data.filename = PyStr::from(format!("{folder}/{name}"));
                }
            }
            None => {
                // The verifier only needs to know how many constants there are.
                data.consts = vec![Const::None; n_consts];
                check(&data).map_err(|what| bad(th, &what))?;
            }
        }
        th.new_code_with(data, consts)
    }
}

/// Sizes that must fit together, then the instructions.
fn check(code: &Code) -> Result<(), String> {
    use typhon_compile::code::{flags as f, kind};
    let variadic =
        [f::VARARGS, f::VARKEYWORDS].into_iter().filter(|bit| code.flags & bit != 0).count() as u64;
    let parameters = u64::from(code.argcount) + u64::from(code.kwonlyargcount) + variadic;
    let own = code.localspluskinds.iter().filter(|&&k| k & kind::FREE == 0).count() as u64;
    if code.localsplusnames.len() != code.localspluskinds.len()
        || code.posonlyargcount > code.argcount
        || parameters > own
        || code.stacksize > 1 << 20
    {
        return Err(String::from("inconsistent code"));
    }
    typhon_compile::verify(code)
}

/// A str as the compiler's string.
pub fn pystr(th: &mut Thread, v: Borrowed<'_>) -> PyResult<PyStr> {
    let Some(s) = v.downcast::<Str>() else { return Err(bad(th, "code name")) };
    Ok(match s.as_ascii() {
        Some(text) => PyStr::from(text),
        None => s.data().iter().collect(),
    })
}
