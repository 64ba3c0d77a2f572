//! `%`-formatting of str, and what it shares with that of bytes.

use typhon_text::StrBuf;
use typhon_text::printf::{self, Amount, Conversion, Field, Parser, Piece};

use super::Str;
use super::core::of;
use crate::builtins::exceptions as ex;
use crate::builtins::int::IntRef;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;

/// The right operand of `%`, taken apart.
pub(crate) struct Values<'a> {
    whole: Borrowed<'a>,
    tuple: Option<&'a Tuple>,
    next: usize,
    mapping: bool,
}

impl<'a> Values<'a> {
    pub(crate) fn new(v: Borrowed<'a>, is_text: bool) -> Values<'a> {
        let tuple = v.downcast::<Tuple>();
        let slots = &v.ty().slots;
        let mapping = tuple.is_none() && slots.getitem().is_some() && !is_text;
        Values { whole: v, tuple, next: 0, mapping }
    }

    /// The next positional value.
    pub(crate) fn next(&mut self, th: &mut Thread) -> PyResult<Borrowed<'a>> {
        let i = self.next;
        self.next += 1;
        match self.tuple {
            Some(t) if i < t.len() => Ok(t.get(i)),
            None if i == 0 => Ok(self.whole),
            _ => Err(th.type_error(printf::TOO_FEW)),
        }
    }

    /// The value under a key of a mapping.
    pub(crate) fn named(&mut self, th: &mut Thread, key: Borrowed<'_>) -> PyResult<Owned> {
        if !self.mapping {
            return Err(th.type_error(printf::NEEDS_MAPPING));
        }
        // A mapping that was asked by name counts as used up.
        self.next = self.next.max(1);
        self.whole.getitem(th, key)
    }

    /// Errors: TypeError when values are left over.
    pub(crate) fn finish(&self, th: &mut Thread, message: &str) -> PyResult<()> {
        let left = match self.tuple {
            Some(t) => self.next < t.len(),
            None => self.next == 0 && !self.mapping,
        };
        if left { Err(th.type_error(message)) } else { Ok(()) }
    }

    /// Width and precision of a conversion, from the values where it says `*`.
    pub(crate) fn field(&mut self, th: &mut Thread, c: &Conversion<'_>) -> PyResult<Field> {
        let mut field = c.field;
        match c.width {
            Amount::Argument => {
                let n = self.star(th)?;
                field = field.with_width(n).map_err(|e| th.text_error(&e))?;
            }
            Amount::Value(n) => field.width = n,
            Amount::None => {}
        }
        match c.precision {
            Amount::Argument => {
                let n = self.star(th)?;
                field = field.with_precision(n).map_err(|e| th.text_error(&e))?;
            }
            Amount::Value(n) => field.precision = Some(n),
            Amount::None => {}
        }
        Ok(field)
    }

    fn star(&mut self, th: &mut Thread) -> PyResult<i64> {
        let v = self.next(th)?;
        match v.as_int() {
            Some(IntRef::Small(n)) => Ok(n),
            Some(IntRef::Big(_)) => Err(th.overflow_error("Python int too large to convert to C ssize_t")),
            None => Err(th.type_error(printf::STAR_WANTS_INT)),
        }
    }
}

/// Appends a number for one of `d i u o x X e E f F g G`.
pub(crate) fn number(
    th: &mut Thread,
    v: Borrowed<'_>,
    code: u8,
    field: Field,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    if matches!(code, b'e' | b'E' | b'f' | b'F' | b'g' | b'G') {
        let f = match v.as_float() {
            Some(f) => f,
            None => crate::builtins::float::convert::real(th, v, "must be real number, not ")?,
        };
        return printf::write_float(f, code, field, out).map_err(|e| th.text_error(&e));
    }
    let owned;
    let value = match v.as_int() {
        Some(i) => i,
        None => {
            owned = to_integer(th, v, code)?;
            crate::builtins::int::of(owned.borrow())
        }
    };
    let limit = crate::builtins::int::convert::max_str_digits();
    printf::write_int(value, code, field, limit, out).map_err(|e| th.text_error(&e))
}

/// The int that `%d` (any real number) or `%x` (`__index__` only) shows.
fn to_integer(th: &mut Thread, v: Borrowed<'_>, code: u8) -> PyResult {
    let hex = matches!(code, b'o' | b'x' | b'X');
    let slots = &v.ty().slots;
    let r = if hex && slots.index().is_some() {
        v.index(th)
    } else if !hex && (slots.int().is_some() || slots.index().is_some()) {
        crate::builtins::int::convert::to_int(th, v)
    } else {
        let name = v.type_name(th);
        return Err(th.text_error(&printf::wrong_type(code.into(), &name)));
    };
    match r {
        Err(raised) if th.exc_is(&ex::TYPE_ERROR) => {
            drop(th.catch(raised));
            let name = v.type_name(th);
            Err(th.text_error(&printf::wrong_type(code.into(), &name)))
        }
        r => r,
    }
}

/// `format % values`
pub(super) fn format(th: &mut Thread, format: Borrowed<'_>, values: Borrowed<'_>) -> PyResult {
    let text = of(format);
    let mut values = Values::new(values, values.downcast::<Str>().is_some());
    let mut out = StrBuf::with_capacity(text.len() + 16);
    for piece in Parser::new(text.data()) {
        match piece.map_err(|e| th.text_error(&e))? {
            Piece::Literal(d) => out.push_data(d),
            Piece::Conversion(c) => convert(th, &c, &mut values, &mut out)?,
        }
    }
    values.finish(th, printf::TOO_MANY)?;
    Ok(th.new_str_buf(out))
}

fn convert(th: &mut Thread, c: &Conversion<'_>, values: &mut Values<'_>, out: &mut StrBuf) -> PyResult<()> {
    let named = match c.key {
        Some(key) => {
            let key = th.new_str_data(key);
            Some(values.named(th, key.borrow())?)
        }
        None => None,
    };
    let field = values.field(th, c)?;
    let code = u8::try_from(c.code).unwrap_or(0);
    if !b"sradiuoxXeEfFgGc".contains(&code) {
        return Err(th.text_error(&printf::unsupported(c.code, c.index)));
    }
    let v = match &named {
        Some(v) => v.borrow(),
        None => values.next(th)?,
    };
    let plain = field.width == 0 && field.precision.is_none();
    match code {
        b's' | b'r' | b'a' => {
            if code == b's' && v.word().is_int() && plain {
                out.push_int(v.word().int());
                return Ok(());
            }
            let s = match code {
                b's' => v.str(th)?,
                b'r' => v.repr(th)?,
                _ => super::format::ascii(th, v)?,
            };
            let d = of(s.borrow()).data();
            if plain {
                out.push_data(d);
                return Ok(());
            }
            printf::write_text(d, field, out).map_err(|e| th.text_error(&e))
        }
        b'c' => {
            let point = char_value(th, v)?;
            printf::write_char(point, field, out).map_err(|e| th.text_error(&e))
        }
        b'd' | b'i' | b'u' if v.word().is_int() && plain && field == Field::default() => {
            out.push_int(v.word().int());
            Ok(())
        }
        _ => out.extend_ascii(|bytes| number(th, v, code, field, bytes)),
    }
}

fn char_value(th: &mut Thread, v: Borrowed<'_>) -> PyResult<u32> {
    if let Some(s) = v.downcast::<Str>() {
        if s.len() == 1 {
            return Ok(s.data().get(0));
        }
        return Err(th.text_error(&printf::wrong_char(&printf::of_length("string", s.len()))));
    }
    if !crate::number::is_index(v) {
        let name = v.type_name(th);
        return Err(th.text_error(&printf::wrong_char(&name)));
    }
    let i = v.index(th)?;
    printf::char_from_int(crate::builtins::int::of(i.borrow())).map_err(|e| th.text_error(&e))
}
