//! `bytes(…)`, and what `bytearray(…)` shares with it.

use super::{Bytes, collect};
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::types::Type;

/// Arguments of `bytes` and `bytearray`.
pub(crate) struct Source<'a> {
    pub source: Option<Borrowed<'a>>,
    encoding: Option<Borrowed<'a>>,
    errors: Option<Borrowed<'a>>,
}

impl<'a> Source<'a> {
    /// Binds `(source=…, encoding=…, errors=…)`.
    pub(crate) fn bind(th: &mut Thread, name: &str, args: Args<'a>) -> PyResult<Source<'a>> {
        if args.all.len() > 3 {
            let msg = format!("{name}() takes at most 3 arguments ({} given)", args.all.len());
            return Err(th.type_error(&msg));
        }
        let at = |i: usize| args.pos().get(i).copied();
        let mut given = [at(0), at(1), at(2)];
        for (key, value) in args.keywords() {
            let which = key
                .downcast::<Str>()
                .and_then(|n| ["source", "encoding", "errors"].iter().position(|k| n.is_text(k)));
            match which {
                Some(i) if given[i].is_none() => given[i] = Some(value),
                Some(i) => {
                    let msg = format!(
                        "argument for {name}() given by name ('{}') and position ({})",
                        key.str_text(th)?,
                        i + 1
                    );
                    return Err(th.type_error(&msg));
                }
                None => {
                    let msg = format!("{name}() got an unexpected keyword argument '{}'", key.str_text(th)?);
                    return Err(th.type_error(&msg));
                }
            }
        }
        let [source, encoding, errors] = given;
        Ok(Source { source, encoding, errors })
    }

    /// The encoded bytes, when the source is a str or an encoding is given.
    fn encoded(&self, th: &mut Thread, name: &str) -> PyResult<Option<Owned>> {
        let text = self.source.and_then(|s| s.downcast::<Str>());
        if self.encoding.is_none() && self.errors.is_none() {
            if text.is_some() {
                return Err(th.type_error("string argument without an encoding"));
            }
            return Ok(None);
        }
        let Some(text) = text else {
            let what = if self.encoding.is_some() { "encoding" } else { "errors" };
            return Err(th.type_error(&format!("{what} without a string argument")));
        };
        if self.encoding.is_none() {
            return Err(th.type_error("string argument without an encoding"));
        }
        let encoding = str_argument(th, self.encoding, name, "encoding")?;
        let errors = str_argument(th, self.errors, name, "errors")?;
        crate::codecs::encode_arg(th, Borrowed::from_payload(text), encoding, errors).map(Some)
    }

    /// The bytes that the arguments describe.
    pub(crate) fn bytes(&self, th: &mut Thread, name: &str) -> PyResult<Vec<u8>> {
        if let Some(b) = self.encoded(th, name)? {
            return Ok(b.payload::<Bytes>().as_bytes().to_vec());
        }
        match self.source {
            None => Ok(Vec::new()),
            Some(x) => match zeros(th, x)? {
                Some(n) => {
                    th.check_size(n)?;
                    Ok(vec![0; n])
                }
                None => collect(th, x),
            },
        }
    }
}

fn str_argument<'a>(
    th: &mut Thread,
    v: Option<Borrowed<'a>>,
    function: &str,
    name: &str,
) -> PyResult<Option<&'a Str>> {
    let Some(v) = v else { return Ok(None) };
    match v.downcast::<Str>() {
        Some(s) => Ok(Some(s)),
        None => {
            let msg = format!("{function}() argument '{name}' must be str, not {}", v.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// The length that an int asks for; `None` for what is not an int (or has `__bytes__`).
fn zeros(th: &mut Thread, x: Borrowed<'_>) -> PyResult<Option<usize>> {
    if !crate::number::is_index(x) {
        return Ok(None);
    }
    if !x.word().is_int() {
        let name = th.rt.names.__bytes__.get();
        if x.special(th, name)?.is_some() {
            return Ok(None);
        }
    }
    let r = x.to_isize(th);
    match r {
        Ok(n) if n < 0 => Err(th.value_error("negative count")),
        Ok(n) => Ok(Some(n as usize)),
        // An object that only pretends to be an index may still be iterable.
        Err(raised)
            if th.exc_is(&crate::builtins::exceptions::TYPE_ERROR) && x.ty().slots.iter().is_some() =>
        {
            drop(th.catch(raised));
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

pub(super) fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let exact = core::ptr::eq(ty, super::DEF.ty());
    let source = Source::bind(th, "bytes", args)?;
    if exact {
        if let Some(b) = source.encoded(th, "bytes")? {
            return Ok(b);
        }
        match source.source {
            Some(x) if x.downcast_exact::<Bytes>().is_some() => return Ok(x.to_owned()),
            Some(x) => {
                let name = th.rt.names.__bytes__.get();
                if !x.word().is_int()
                    && let Some(r) = x.call_special(th, name, &[])?
                {
                    if r.downcast::<Bytes>().is_none() {
                        let msg = format!("__bytes__ returned non-bytes (type {})", r.borrow().type_name(th));
                        return Err(th.type_error(&msg));
                    }
                    return Ok(r);
                }
                if let Some(n) = zeros(th, x)? {
                    return th.new_bytes_with(n, |_| ());
                }
                let v = collect(th, x)?;
                return Ok(th.new_bytes(&v));
            }
            None => return Ok(th.new_bytes(b"")),
        }
    }
    let v = source.bytes(th, "bytes")?;
    Ok(th.new_bytes_as(ty, &v))
}
