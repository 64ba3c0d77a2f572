//! Decoders and encoders of a text stream: UTF-8, ASCII and Latin-1 natively, others as Python objects.

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::str::Str;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread, Trace, Word};
use typhon_text::codecs::{Codec, ErrorMode, Failure, Fault, single_byte, utf8};
use typhon_text::{StrBuf, StrData};

use crate::io::newlines::{Newlines, split_state};

/// The codecs that are done here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Native {
    pub codec: Codec,
    pub errors: ErrorMode,
}

impl Native {
    /// A codec for an encoding and an error handler by their names, if both are known here.
    pub fn by_names(encoding: &str, errors: &str) -> Option<Native> {
        let codec = Codec::by_name(encoding)?;
        if !matches!(codec, Codec::Utf8 | Codec::Ascii | Codec::Latin1) {
            return None;
        }
        Some(Native { codec, errors: ErrorMode::by_name(errors)? })
    }
}

/// Turns bytes into text, piece by piece.
pub enum Decoder {
    Native {
        native: Native,
        /// The begin of a character whose rest has not come yet.
        pending: Vec<u8>,
    },
    /// An incremental decoder of the `codecs` module.
    Object(Owned),
}

impl Trace for Decoder {
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        if let Decoder::Object(o) = self {
            o.trace(visit)
        }
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        if let Decoder::Object(o) = self {
            o.clear(drop)
        }
    }
}

/// What decoding gave: text of our own or a str object.
pub enum Text {
    Buf(StrBuf),
    Object(Owned),
}

impl Text {
    pub fn data(&self) -> StrData<'_> {
        match self {
            Text::Buf(b) => b.data(),
            Text::Object(o) => o.payload::<Str>().data(),
        }
    }
}

/// A decoder that can be used without the lock of its stream: native state by value, an object by count.
pub enum Handle {
    Native(Native, Vec<u8>),
    Object(Owned),
}

impl Decoder {
    /// Takes what decoding needs out of the stream's state.
    pub fn take(&mut self) -> Handle {
        match self {
            Decoder::Native { native, pending } => Handle::Native(*native, core::mem::take(pending)),
            Decoder::Object(o) => Handle::Object(o.clone()),
        }
    }

    /// Gives it back.
    pub fn put_back(&mut self, handle: Handle) {
        if let (Decoder::Native { pending, .. }, Handle::Native(_, p)) = (self, handle) {
            *pending = p;
        }
    }
}

impl Handle {
    /// Decodes `input` after what was pending.
    pub fn decode(
        &mut self,
        th: &mut Thread,
        input: &[u8],
        last: bool,
        newlines: Option<&mut Newlines>,
    ) -> PyResult<Text> {
        let text = match self {
            Handle::Native(native, pending) => Text::Buf(decode_native(th, *native, pending, input, last)?),
            Handle::Object(o) => {
                let (bytes, flag) = (th.new_bytes(input), Owned::bool(last));
                let r = o.borrow().call_method_str(th, "decode", &[bytes.borrow(), flag.borrow()])?;
                if r.downcast::<Str>().is_none() {
                    let msg =
                        format!("decoder should return a string result, not '{}'", r.borrow().type_name(th));
                    return Err(th.type_error(&msg));
                }
                Text::Object(r)
            }
        };
        Ok(match newlines.and_then(|n| n.treat(text.data(), last)) {
            Some(treated) => Text::Buf(treated),
            None => text,
        })
    }

    /// `(undecoded bytes, flags)`, as `getstate()` of an incremental decoder gives it.
    pub fn state(&self, th: &mut Thread) -> PyResult<(Vec<u8>, i64)> {
        match self {
            Handle::Native(_, pending) => Ok((pending.clone(), 0)),
            Handle::Object(o) => {
                let s = o.borrow().call_method_str(th, "getstate", &[])?;
                let (bytes, flags) = split_state(th, s.borrow())?;
                Ok((bytes.payload::<Bytes>().as_bytes().to_vec(), flags))
            }
        }
    }

    pub fn set_state(&mut self, th: &mut Thread, bytes: &[u8], flags: i64) -> PyResult<()> {
        match self {
            Handle::Native(_, pending) => *pending = bytes.to_vec(),
            Handle::Object(o) => {
                let (bytes, flags) = (th.new_bytes(bytes), th.new_int(flags));
                let state = th.new_tuple(vec![bytes, flags]);
                o.borrow().call_method_str(th, "setstate", &[state.borrow()])?;
            }
        }
        Ok(())
    }

    pub fn reset(&mut self, th: &mut Thread) -> PyResult<()> {
        match self {
            Handle::Native(_, pending) => pending.clear(),
            Handle::Object(o) => drop(o.borrow().call_method_str(th, "reset", &[])?),
        }
        Ok(())
    }
}

fn decode_native(
    th: &mut Thread,
    native: Native,
    pending: &mut Vec<u8>,
    input: &[u8],
    last: bool,
) -> PyResult<StrBuf> {
    let joined;
    let bytes = if pending.is_empty() {
        input
    } else {
        pending.extend_from_slice(input);
        joined = core::mem::take(pending);
        &joined
    };
    let mut out = StrBuf::with_capacity(bytes.len());
    let mut errors = native.errors;
    let r = match native.codec {
        Codec::Utf8 => utf8::decode(bytes, &mut errors, last, &mut out),
        Codec::Ascii => single_byte::decode_ascii(bytes, &mut errors, &mut out).map(|()| bytes.len()),
        _ => {
            single_byte::decode_latin1(bytes, &mut out);
            Ok(bytes.len())
        }
    };
    match r {
        Ok(used) => {
            pending.extend_from_slice(&bytes[used..]);
            Ok(out)
        }
        Err(Failure::Fault(fault)) => Err(decode_error(th, &fault, bytes)),
        Err(Failure::EncodeOnly) => {
            Err(th.type_error("don't know how to handle UnicodeDecodeError in error callback"))
        }
    }
}

/// Raises the UnicodeDecodeError for a fault.
#[cold]
pub fn decode_error(th: &mut Thread, fault: &Fault, bytes: &[u8]) -> Raised {
    let class = crate::support::builtin(th, "UnicodeDecodeError");
    let args = [
        th.new_str(fault.encoding),
        th.new_bytes(bytes),
        th.new_int(fault.start as i64),
        th.new_int(fault.end as i64),
        th.new_str(fault.reason),
    ];
    let args: Vec<Borrowed<'_>> = args.iter().map(Owned::borrow).collect();
    match class.borrow().call(th, &args) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

/// Raises the UnicodeEncodeError for a fault.
#[cold]
pub fn encode_error(th: &mut Thread, fault: &Fault, text: StrData<'_>) -> Raised {
    let class = crate::support::builtin(th, "UnicodeEncodeError");
    let args = [
        th.new_str(fault.encoding),
        th.new_str_data(text),
        th.new_int(fault.start as i64),
        th.new_int(fault.end as i64),
        th.new_str(fault.reason),
    ];
    let args: Vec<Borrowed<'_>> = args.iter().map(Owned::borrow).collect();
    match class.borrow().call(th, &args) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

/// Turns text into bytes.
pub enum Encoder {
    Native(Native),
    /// An incremental encoder of the `codecs` module.
    Object(Owned),
}

impl Trace for Encoder {
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        if let Encoder::Object(o) = self {
            o.trace(visit)
        }
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        if let Encoder::Object(o) = self {
            o.clear(drop)
        }
    }
}

/// Appends the bytes of `text`.
pub fn encode_native(th: &mut Thread, native: Native, text: StrData<'_>, out: &mut Vec<u8>) -> PyResult<()> {
    if let Some(ascii) = text.as_ascii_str() {
        out.extend_from_slice(ascii.as_bytes());
        return Ok(());
    }
    let mut errors = native.errors;
    let start = out.len();
    let r = match native.codec {
        Codec::Utf8 => utf8::encode(text, &mut errors, out),
        Codec::Ascii => single_byte::encode_ascii(text, &mut errors, out),
        _ => single_byte::encode_latin1(text, &mut errors, out),
    };
    match r {
        Ok(()) => Ok(()),
        Err(failure) => {
            out.truncate(start);
            match failure {
                Failure::Fault(fault) => Err(encode_error(th, &fault, text)),
                Failure::EncodeOnly => {
                    Err(th.type_error("don't know how to handle UnicodeEncodeError in error callback"))
                }
            }
        }
    }
}
