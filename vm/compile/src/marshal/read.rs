//! Reading.

use super::{MarshalError, code};
use crate::{
    code::{Code, Const, kind},
    fold,
    pystr::PyStr,
};

/// Objects inside one another that are read.
const MAX_DEPTH: u32 = 1000;

type Res<T> = Result<T, MarshalError>;

/// Reads one value; nothing may follow it.
pub fn load(data: &[u8]) -> Res<Const> {
    let (value, len) = load_prefix(data)?;
    if len == data.len() { Ok(value) } else { Err(MarshalError::Bad("data behind the object")) }
}

/// Reads one value and tells how many bytes it took.
pub fn load_prefix(data: &[u8]) -> Res<(Const, usize)> {
    let mut reader = Reader { data, at: 0, refs: Vec::new(), depth: 0 };
    let value = reader.value()?;
    Ok((value, reader.at))
}

/// Reads a code object; bytes behind it are ignored.
pub fn load_code(data: &[u8]) -> Res<Code> {
    match load_prefix(data)?.0 {
        Const::Code(code) => Ok(*code),
        _ => Err(MarshalError::Bad("not a code object")),
    }
}

struct Reader<'d> {
    data: &'d [u8],
    at: usize,
    /// Objects that can be referred to.
    refs: Vec<Option<Const>>,
    depth: u32,
}

impl<'d> Reader<'d> {
    fn take(&mut self, len: usize) -> Res<&'d [u8]> {
        let end = self.at.checked_add(len).ok_or(MarshalError::Truncated)?;
        let bytes = self.data.get(self.at..end).ok_or(MarshalError::Truncated)?;
        self.at = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Res<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| MarshalError::Truncated)
    }

    fn u8(&mut self) -> Res<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Res<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn f64(&mut self) -> Res<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// A count of things that take at least a byte each.
    fn count(&mut self) -> Res<usize> {
        let count = self.u32()? as usize;
        if count > self.data.len() - self.at {
            return Err(MarshalError::Truncated);
        }
        Ok(count)
    }

    fn value(&mut self) -> Res<Const> {
        if self.depth >= MAX_DEPTH {
            return Err(MarshalError::TooDeep);
        }
        self.depth += 1;
        let value = crate::symtable::grow(|| self.value_inner());
        self.depth -= 1;
        value
    }

    fn value_inner(&mut self) -> Res<Const> {
        let byte = self.u8()?;
        let kept = (byte & code::FLAG_REF != 0).then(|| {
            self.refs.push(None);
            self.refs.len() - 1
        });
        let value = self.typed(byte & !code::FLAG_REF)?;
        if let Some(at) = kept {
            if matches!(value, Const::Code(_)) {
                return Err(MarshalError::Bad("reference to code"));
            }
            self.refs[at] = Some(value.clone());
        }
        Ok(value)
    }

    fn typed(&mut self, kind: u8) -> Res<Const> {
        Ok(match kind {
            code::NONE => Const::None,
            code::TRUE => Const::True,
            code::FALSE => Const::False,
            code::ELLIPSIS => Const::Ellipsis,
            code::INT => Const::Int(i64::from(i32::from_le_bytes(self.array()?))),
            code::LONG => self.long()?,
            code::FLOAT => Const::Float(self.f64()?),
            code::COMPLEX => Const::Complex(self.f64()?, self.f64()?),
            code::BYTES => Const::Bytes(self.sized()?.to_vec()),
            code::UNICODE | code::INTERNED => {
                let text = PyStr::from_wtf8(self.sized()?);
                Const::Str(text.ok_or(MarshalError::Bad("not a string"))?)
            }
            code::ASCII | code::ASCII_INTERNED => Const::Str(ascii(self.sized()?)?),
            code::SHORT_ASCII | code::SHORT_ASCII_INTERNED => {
                let len = self.u8()?;
                Const::Str(ascii(self.take(usize::from(len))?)?)
            }
            code::TUPLE => {
                let count = self.count()?;
                Const::Tuple(self.values(count)?)
            }
            code::SMALL_TUPLE => {
                let count = self.u8()?;
                Const::Tuple(self.values(usize::from(count))?)
            }
            code::FROZENSET => {
                let count = self.count()?;
                Const::FrozenSet(self.values(count)?)
            }
            code::SLICE => Const::Slice(Box::new([self.value()?, self.value()?, self.value()?])),
            code::CODE => Const::Code(Box::new(self.code()?)),
            code::REF => {
                let at = self.u32()? as usize;
                let known = self.refs.get(at).and_then(Option::as_ref);
                known.cloned().ok_or(MarshalError::Bad("invalid reference"))?
            }
            _ => return Err(MarshalError::Bad("unknown type code")),
        })
    }

    fn sized(&mut self) -> Res<&'d [u8]> {
        let len = self.u32()? as usize;
        self.take(len)
    }

    fn values(&mut self, count: usize) -> Res<Vec<Const>> {
        if count > self.data.len() - self.at {
            return Err(MarshalError::Truncated);
        }
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value()?);
        }
        Ok(values)
    }

    fn long(&mut self) -> Res<Const> {
        let count = i32::from_le_bytes(self.array()?);
        let len = count.unsigned_abs() as usize;
        let bytes = self.take(len.checked_mul(2).ok_or(MarshalError::Truncated)?)?;
        let mut digits = Vec::with_capacity(len * 4);
        let (mut pending, mut bits) = (0_u32, 0);
        for limb in bytes.chunks_exact(2) {
            let limb = u32::from(u16::from_le_bytes([limb[0], limb[1]]));
            if limb > 0x7FFF {
                return Err(MarshalError::Bad("digit out of range in long"));
            }
            pending |= limb << bits;
            bits += 15;
            while bits >= 4 {
                digits.push(char::from_digit(pending & 15, 16).unwrap_or('0'));
                pending >>= 4;
                bits -= 4;
            }
        }
        digits.push(char::from_digit(pending & 15, 16).unwrap_or('0'));
        while digits.len() > 1 && digits.last() == Some(&'0') {
            digits.pop();
        }
        if count < 0 {
            digits.push('-');
        }
        Ok(fold::from_digits(digits.iter().rev().collect()))
    }

    fn string(&mut self) -> Res<PyStr> {
        match self.value()? {
            Const::Str(text) => Ok(text),
            _ => Err(MarshalError::Bad("not a string")),
        }
    }

    fn strings(&mut self) -> Res<Vec<PyStr>> {
        let Const::Tuple(items) = self.value()? else { return Err(MarshalError::Bad("not a tuple")) };
        let string = |item| match item {
            Const::Str(text) => Ok(text),
            _ => Err(MarshalError::Bad("not a string")),
        };
        items.into_iter().map(string).collect()
    }

    fn bytes(&mut self) -> Res<Vec<u8>> {
        match self.value()? {
            Const::Bytes(bytes) => Ok(bytes),
            _ => Err(MarshalError::Bad("not bytes")),
        }
    }

    fn code(&mut self) -> Res<Code> {
        let (argcount, posonlyargcount, kwonlyargcount) = (self.u32()?, self.u32()?, self.u32()?);
        let (stacksize, flags) = (self.u32()?, self.u32()?);
        let units = self.bytes()?;
        let Const::Tuple(consts) = self.value()? else { return Err(MarshalError::Bad("not a tuple")) };
        let code = Code {
            argcount,
            posonlyargcount,
            kwonlyargcount,
            flags,
            stacksize,
            code: units,
            consts,
            names: self.strings()?,
            localsplusnames: self.strings()?,
            localspluskinds: self.bytes()?,
            filename: self.string()?,
            name: self.string()?,
            qualname: self.string()?,
            firstlineno: self.u32()?,
            linetable: self.bytes()?,
            exceptiontable: self.bytes()?,
        };
        check(&code)?;
        Ok(code)
    }
}

fn ascii(bytes: &[u8]) -> Res<PyStr> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => Ok(text.into()),
        _ => Err(MarshalError::Bad("not a string")),
    }
}

/// Sizes that belong together. Whether the instructions make sense is for [`crate::verify`] to say.
fn check(code: &Code) -> Res<()> {
    use crate::code::flags as f;
    let variadic =
        [f::VARARGS, f::VARKEYWORDS].into_iter().filter(|flag| code.flags & flag != 0).count() as u64;
    let parameters = u64::from(code.argcount) + u64::from(code.kwonlyargcount) + variadic;
    let locals = code.localspluskinds.iter().filter(|&&k| k & kind::FREE == 0).count() as u64;
    let sound = code.code.len().is_multiple_of(2)
        && !code.code.is_empty()
        && code.localsplusnames.len() == code.localspluskinds.len()
        && code.posonlyargcount <= code.argcount
        && parameters <= locals
        && code.stacksize <= 1 << 20;
    if sound { Ok(()) } else { Err(MarshalError::Bad("inconsistent code")) }
}
