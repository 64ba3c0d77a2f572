//! `str(…)`.

use super::Str;
use crate::builtins::bytearray::ByteArray;
use crate::builtins::bytes::Bytes;
use crate::object::{Borrowed, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::types::Type;

pub(super) fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if args.all.len() == 1 && args.n_positional == 1 && core::ptr::eq(ty, super::DEF.ty()) {
        let w = args.all[0].word();
        if w.is_int() {
            return Ok(crate::builtins::int::convert::small_to_str(th, w.int()));
        }
        if let Some(v) = w.unboxed_float() {
            return Ok(crate::builtins::float::convert::to_str(th, v));
        }
        return args.all[0].str(th);
    }
    if args.n_positional > 3 || args.all.len() > 3 {
        let msg = format!("str() takes at most 3 arguments ({} given)", args.all.len());
        return Err(th.type_error(&msg));
    }
    let at = |i: usize| args.pos().get(i).copied();
    let mut given = [at(0), at(1), at(2)];
    for (name, value) in args.keywords() {
        let which = name
            .downcast::<Str>()
            .and_then(|n| ["object", "encoding", "errors"].iter().position(|k| n.is_text(k)));
        match which {
            Some(i) if given[i].is_none() => given[i] = Some(value),
            Some(i) => {
                let msg = format!(
                    "argument for str() given by name ('{}') and position ({})",
                    name.str_text(th)?,
                    i + 1
                );
                return Err(th.type_error(&msg));
            }
            None => {
                let msg = format!("str() got an unexpected keyword argument '{}'", name.str_text(th)?);
                return Err(th.type_error(&msg));
            }
        }
    }
    let text = match given {
        [None, _, _] => th.empty_str(),
        [Some(x), None, None] => x.str(th)?,
        [Some(x), encoding, errors] => {
            let encoding = argument(th, encoding, "encoding")?;
            let errors = argument(th, errors, "errors")?;
            decode(th, x, encoding, errors)?
        }
    };
    if core::ptr::eq(ty, super::DEF.ty()) {
        return Ok(text);
    }
    Ok(th.new_str_as(ty, text.payload::<Str>()))
}

fn argument<'a>(th: &mut Thread, v: Option<Borrowed<'a>>, name: &str) -> PyResult<Option<&'a Str>> {
    let Some(v) = v else { return Ok(None) };
    match v.downcast::<Str>() {
        Some(s) => Ok(Some(s)),
        None => {
            let shown = super::methods::type_or_none(th, v);
            let msg = format!("str() argument '{name}' must be str, not {shown}");
            Err(th.type_error(&msg))
        }
    }
}

fn decode(th: &mut Thread, x: Borrowed<'_>, encoding: Option<&Str>, errors: Option<&Str>) -> PyResult {
    if x.downcast::<Str>().is_some() {
        return Err(th.type_error("decoding str is not supported"));
    }
    let Some(bytes) = crate::buffer::bytes_like_opt(th, x)? else {
        let msg = format!("decoding to str: need a bytes-like object, {} found", x.type_name(th));
        return Err(th.type_error(&msg));
    };
    if x.downcast::<Bytes>().is_none() && x.downcast::<ByteArray>().is_none() {
        let copy = th.new_bytes(&bytes);
        return crate::codecs::decode_arg(th, copy.borrow(), &bytes, encoding, errors);
    }
    crate::codecs::decode_arg(th, x, &bytes, encoding, errors)
}
