//! What a pattern is matched against: a str or the bytes of a buffer.

use typhon_core::buffer::{self, ByteArg};
use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::str::Str;
use typhon_core::{Borrowed, Owned, PyResult, Thread};
use typhon_text::StrData;

/// The text of a subject, borrowed for one operation.
pub enum Subject<'a> {
    Str(&'a Str),
    Bytes(ByteArg<'a>),
}

impl<'a> Subject<'a> {
    /// Errors: TypeError for what is neither a str nor bytes-like.
    #[inline]
    pub fn new(th: &mut Thread, o: Borrowed<'a>) -> PyResult<Subject<'a>> {
        if let Some(s) = o.downcast::<Str>() {
            return Ok(Subject::Str(s));
        }
        match buffer::bytes_like_opt(th, o)? {
            Some(b) => Ok(Subject::Bytes(b)),
            None => {
                let msg = format!("expected string or bytes-like object, got '{}'", o.type_name(th));
                Err(th.type_error(&msg))
            }
        }
    }

    #[inline]
    pub fn is_bytes(&self) -> bool {
        matches!(self, Subject::Bytes(_))
    }

    #[inline]
    pub fn data(&self) -> StrData<'_> {
        match self {
            Subject::Str(s) => s.data(),
            Subject::Bytes(b) => StrData::One(b),
        }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.data().len()
    }

    /// A part as a str or bytes of its own. `whole` is the subject's object.
    #[inline]
    pub fn slice(&self, th: &mut Thread, whole: Borrowed<'_>, start: usize, end: usize) -> Owned {
        match self {
            Subject::Str(s) => {
                if start == 0 && end == s.len() && whole.downcast_exact::<Str>().is_some() {
                    return whole.to_owned();
                }
                match s.data() {
                    StrData::One(b) if s.is_ascii() => th.new_ascii(&b[start..end]),
                    d => th.new_str_data(d.slice(start, end)),
                }
            }
            Subject::Bytes(b) => {
                if start == 0 && end == b.len() && whole.downcast_exact::<Bytes>().is_some() {
                    return whole.to_owned();
                }
                th.new_bytes(&b[start..end])
            }
        }
    }

    /// An empty str or bytes.
    pub fn empty(&self, th: &mut Thread) -> Owned {
        match self {
            Subject::Str(_) => th.empty_str(),
            Subject::Bytes(_) => th.new_bytes(b""),
        }
    }
}
