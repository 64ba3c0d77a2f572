//! Complex numbers from text and other objects, and as text.

use typhon_text::StrData;
use typhon_text::complex;

use super::{Complex, of};
use crate::builtins::float::convert::real_opt;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::types::Type;

pub(super) fn slot_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let (re, im) = of(o);
    let mut out = Vec::with_capacity(32);
    complex::write_repr(re, im, &mut out);
    Ok(th.new_ascii(&out))
}

pub(super) fn format(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let spec = a[1].expect_str(th, "__format__() argument")?;
    if spec.is_empty() {
        return a[0].str(th);
    }
    let (re, im) = of(a[0]);
    let name = a[0].type_name(th);
    match typhon_text::format_spec::format_complex(re, im, spec.data(), &name) {
        Ok(b) => Ok(th.new_str_buf(b)),
        Err(e) => Err(th.text_error(&e)),
    }
}

fn from_str(th: &mut Thread, s: &Str) -> PyResult<(f64, f64)> {
    let parsed = match s.data() {
        StrData::One(b) if s.is_ascii() => complex::parse(b),
        d => complex::parse(&typhon_text::unicode::to_ascii_number(d)),
    };
    match parsed {
        Ok(c) => Ok(c),
        Err(complex::ParseComplexError::Malformed) => {
            Err(th.value_error("complex() arg is a malformed string"))
        }
        Err(complex::ParseComplexError::Underscore) => {
            let repr = Borrowed::from_payload(s).repr_text(th)?;
            Err(th.value_error(&format!("could not convert string to complex: {repr}")))
        }
    }
}

/// What `__complex__` of an object gives, if it has one.
fn special(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<(f64, f64)>> {
    let name = th.rt.names.__complex__.get();
    let Some(r) = o.call_special(th, name, &[])? else { return Ok(None) };
    let Some(c) = r.downcast::<Complex>() else {
        let msg = format!(
            "{}.__complex__() must return a complex, not {}",
            o.type_name(th),
            r.borrow().type_name(th)
        );
        return Err(th.type_error(&msg));
    };
    Ok(Some((c.re, c.im)))
}

/// A complex, real, or object with `__complex__`, `__float__` or `__index__`.
pub fn to_complex(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<(f64, f64)>> {
    if let Some(c) = o.downcast_exact::<Complex>() {
        return Ok(Some((c.re, c.im)));
    }
    if let Some(v) = o.as_float() {
        return Ok(Some((v, 0.0)));
    }
    if let Some(c) = special(th, o)? {
        return Ok(Some(c));
    }
    Ok(real_opt(th, o)?.map(|v| (v, 0.0)))
}

pub(super) fn from_number(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[1].downcast_exact::<Complex>().is_some()
        && core::ptr::eq(a[0].word().ptr(), super::DEF.ty().as_value().word().ptr())
    {
        return Ok(a[1].to_owned());
    }
    let Some((re, im)) = to_complex(th, a[1])? else {
        let msg = format!("must be real number, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    };
    let v = th.new_complex(re, im);
    match a[0].downcast::<Type>() {
        Some(ty) if !core::ptr::eq(ty, super::DEF.ty()) => a[0].call(th, &[v.borrow()]),
        _ => Ok(v),
    }
}

pub(super) fn dunder_complex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    super::arith::slot_positive(th, a[0])
}

fn argument(th: &mut Thread, o: Borrowed<'_>, name: &str) -> PyResult<Owned> {
    let value = if let Some(c) = o.downcast::<Complex>() {
        let msg = format!("complex() argument '{name}' must be a real number, not {}", o.type_name(th));
        crate::builtins::int::warn_deprecated(th, &msg)?;
        Some((c.re, c.im))
    } else if o.downcast::<Str>().is_some() {
        None
    } else if let Some(v) = real_opt(th, o)? {
        return Ok(th.new_float(v));
    } else {
        special(th, o)?
    };
    match value {
        Some((re, im)) => Ok(th.new_complex(re, im)),
        None => {
            let msg = format!("complex() argument '{name}' must be a real number, not {}", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

pub(super) fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if args.all.len() > 2 {
        let msg = format!("complex() takes at most 2 arguments ({} given)", args.all.len());
        return Err(th.type_error(&msg));
    }
    let mut given = [args.pos().first().copied(), args.pos().get(1).copied()];
    for (name, value) in args.keywords() {
        let at = name.downcast::<Str>().and_then(|n| ["real", "imag"].iter().position(|k| n.is_text(k)));
        match at {
            Some(i) if given[i].is_none() => given[i] = Some(value),
            _ => {
                let msg = format!("complex() got an unexpected keyword argument '{}'", name.str_text(th)?);
                return Err(th.type_error(&msg));
            }
        }
    }
    let exact = core::ptr::eq(ty, super::DEF.ty());
    let (re, im) = match given {
        [Some(x), None] if !args.has_keywords() => {
            if exact && x.downcast_exact::<Complex>().is_some() {
                return Ok(x.to_owned());
            }
            if let Some(s) = x.downcast::<Str>() {
                from_str(th, s)?
            } else {
                match to_complex(th, x)? {
                    Some(c) => c,
                    None => {
                        let msg = format!(
                            "complex() argument must be a string or a number, not {}",
                            x.type_name(th)
                        );
                        return Err(th.type_error(&msg));
                    }
                }
            }
        }
        [re, im] => {
            let mut c = (0.0, 0.0);
            if let Some(re) = re {
                let v = argument(th, re, "real")?;
                c = match v.downcast::<Complex>() {
                    Some(v) => (v.re, v.im),
                    None => (v.borrow().as_float().unwrap_or(0.0), 0.0),
                };
            }
            if let Some(im) = im {
                let v = argument(th, im, "imag")?;
                match v.downcast::<Complex>() {
                    Some(v) => {
                        c.0 -= v.im;
                        c.1 += v.re;
                    }
                    None => {
                        let v = v.borrow().as_float().unwrap_or(0.0);
                        c.1 = if re.is_some_and(|r| r.downcast::<Complex>().is_some()) { c.1 + v } else { v };
                    }
                }
            }
            c
        }
    };
    Ok(th.new_complex_as(ty, re, im))
}
