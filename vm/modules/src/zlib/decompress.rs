//! `decompress`, the objects of `decompressobj`, and `_ZlibDecompressor`, which `gzip` reads with.

use std::mem;

use typhon_core::builtins::exceptions as ex;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, GetSetDef, NativeDef, Owned, PyResult, Safety, Shared, Slots, Thread,
    Type, TypeDef, buffer, payload, type_flags, unborn,
};

use super::stream::{DECOMPRESSING, INCOMPLETE, Inflater, ROOM, STREAM_ERROR};
use super::{bytes_or, dictionary, fault, inflater, wbits};
use crate::args::{constructor, made, this};
use crate::io::lock::{Guarded, IoLock};
use crate::support::blocking;

pub fn at_once(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let data = buffer::bytes_like(th, a[0])?;
    let wbits = wbits(th, a.opt(1))?;
    let room = a.opt(2).map_or(Ok(ROOM as isize), |v| v.to_isize(th))?;
    let Ok(room) = usize::try_from(room) else {
        return Err(th.value_error("bufsize must be non-negative"));
    };
    let Some(Ok(mut inflater)) = Inflater::new(wbits, b"") else {
        return Err(fault(th, STREAM_ERROR, "while preparing to decompress data"));
    };
    let done = blocking(th, || {
        let (mut used, mut out) = (0, Vec::new());
        inflater.decompress(&data, &mut used, usize::MAX, room.min(1 << 30), &mut out)?;
        if inflater.eof { Ok(out) } else { Err((INCOMPLETE, DECOMPRESSING)) }
    });
    bytes_or(th, done)
}

/// What the lock of a decompressor protects.
pub struct State {
    inflater: Inflater,
    /// Input that waits.
    tail: Vec<u8>,
    /// Input behind the end of the stream.
    unused: Vec<u8>,
    needs_input: bool,
}

impl State {
    fn new(inflater: Inflater) -> Guarded<Data<State>> {
        Guarded::new(Data(State { inflater, tail: Vec::new(), unused: Vec::new(), needs_input: true }))
    }
}

payload! {
    /// `zlib.Decompress`
    pub struct Decompress: DECOMPRESS {
        lock: IoLock,
        state: Guarded<Data<State>>,
    }
}

payload! {
    /// `zlib._ZlibDecompressor`
    pub struct Decompressor: DECOMPRESSOR {
        lock: IoLock,
        state: Guarded<Data<State>>,
    }
}

/// Looks at the state of either type.
macro_rules! look {
    ($t:ty, $f:expr) => {
        |th, o| {
            let d: &$t = this(o);
            let mut guard = d.lock.enter(th, o)?;
            let f: fn(&mut Thread, &State) -> Owned = $f;
            let v = f(th, &d.state.get(&mut guard).0);
            Ok(v)
        }
    };
}

pub static DECOMPRESS: TypeDef = TypeDef {
    module: "zlib",
    flags: type_flags::NO_NEW,
    methods: &[
        NativeDef::new(
            "decompress",
            "($self, data, /, max_length=0)",
            decompress,
            "Return a bytes object containing the decompressed version of the data.\n\n  max_length\n    The maximum \
             allowable length of the decompressed data.\n    Unconsumed input data will be stored in\n    the \
             unconsumed_tail attribute.\n\nAfter calling this function, some of the input data may still be stored \
             in\ninternal buffers for later processing.\nCall the flush() method to clear these buffers.",
        ),
        NativeDef::new(
            "flush",
            "($self, length=zlib.DEF_BUF_SIZE, /)",
            flush,
            "Return a bytes object containing any remaining decompressed data.\n\n  length\n    the initial size of \
             the output buffer.",
        ),
    ],
    getset: &[
        GetSetDef::get("eof", look!(Decompress, |_, s| Owned::bool(s.inflater.eof))),
        GetSetDef::get("unconsumed_tail", look!(Decompress, |th, s| th.new_bytes(&s.tail))),
        GetSetDef::get("unused_data", look!(Decompress, |th, s| th.new_bytes(&s.unused))),
    ],
    shared: Some(Shared::all(Safety::Locked)),
    ..TypeDef::of::<Decompress>("Decompress")
};

pub static DECOMPRESSOR: TypeDef = TypeDef {
    module: "zlib",
    flags: 0,
    doc: "Create a decompressor object for decompressing data incrementally.\n\n  wbits = 15\n  zdict\n     The \
          predefined compression dictionary. This is a sequence of bytes\n     (such as a bytes object) containing \
          subsequences that are expected\n     to occur frequently in the data that is to be compressed.",
    slots: Slots { new: Some(new_decompressor), ..Slots::NONE },
    methods: &[NativeDef::new(
        "decompress",
        "($self, /, data, max_length=-1)",
        decompress_buffered,
        "Decompress *data*, returning uncompressed data as bytes.\n\nIf *max_length* is nonnegative, returns at most \
         *max_length* bytes of\ndecompressed data. If this limit is reached and further output can be\nproduced, \
         *self.needs_input* will be set to ``False``. In this case, the\nnext call to *decompress()* may provide \
         *data* as b'' to obtain more of\nthe output.",
    )],
    getset: &[
        GetSetDef::get("eof", look!(Decompressor, |_, s| Owned::bool(s.inflater.eof))),
        GetSetDef::get("needs_input", look!(Decompressor, |_, s| Owned::bool(s.needs_input))),
        GetSetDef::get("unused_data", look!(Decompressor, |th, s| th.new_bytes(&s.unused))),
    ],
    shared: Some(Shared::all(Safety::Locked)),
    ..TypeDef::of::<Decompressor>("_ZlibDecompressor")
};

pub fn new(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let wbits = wbits(th, a.opt(0))?;
    let dictionary = a.opt(1).map(|v| dictionary(th, v)).transpose()?;
    let inflater = inflater(th, wbits, dictionary.as_deref().unwrap_or(b""))?;
    Ok(th.alloc(Decompress { header: unborn(), lock: IoLock::new(), state: State::new(inflater) }))
}

fn new_decompressor(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Decompressor>(th, ty, "(wbits=15, zdict=b'')", args)?;
    let wbits = wbits(th, a.opt(0))?;
    let dictionary = a.opt(1).map(|v| dictionary(th, v)).transpose()?;
    let inflater = inflater(th, wbits, dictionary.as_deref().unwrap_or(b""))?;
    made(th, ty, Decompressor { header: unborn(), lock: IoLock::new(), state: State::new(inflater) })
}

fn decompress(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let data = buffer::bytes_like(th, a[1])?;
    let most = a.opt(2).map_or(Ok(0), |v| v.to_isize(th))?;
    let limit = match usize::try_from(most) {
        Ok(0) => usize::MAX,
        Ok(n) => n,
        Err(_) => return Err(th.value_error("max_length must be non-negative")),
    };
    let d: &Decompress = this(a[0]);
    let mut guard = d.lock.enter(th, a[0])?;
    let state = &mut d.state.get(&mut guard).0;
    let done = blocking(th, || {
        let (mut used, mut out) = (0, Vec::new());
        let done = state.inflater.decompress(&data, &mut used, limit, ROOM, &mut out);
        state.tail.clear();
        let rest = &data[used..];
        if state.inflater.eof {
            state.unused.extend(rest)
        } else {
            state.tail.extend(rest)
        }
        done.map(|()| out)
    });
    drop(guard);
    bytes_or(th, done)
}

fn flush(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let room = a.opt(1).map_or(Ok(ROOM as isize), |v| v.to_isize(th))?;
    if room <= 0 {
        return Err(th.value_error("length must be greater than zero"));
    }
    let room = (room as usize).min(1 << 30);
    let d: &Decompress = this(a[0]);
    let mut guard = d.lock.enter(th, a[0])?;
    let state = &mut d.state.get(&mut guard).0;
    let done = blocking(th, || {
        let (mut used, mut out) = (0, Vec::new());
        let mut rest = mem::take(&mut state.tail);
        let done = state.inflater.decompress(&rest, &mut used, usize::MAX, room, &mut out);
        rest.drain(..used);
        if state.inflater.eof {
            state.unused.append(&mut rest)
        } else {
            state.tail = rest
        }
        done.map(|()| out)
    });
    drop(guard);
    bytes_or(th, done)
}

fn decompress_buffered(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let data = buffer::bytes_like(th, a[1])?;
    let most = a.opt(2).map_or(Ok(-1), |v| v.to_isize(th))?;
    let limit = usize::try_from(most).unwrap_or(usize::MAX);
    let d: &Decompressor = this(a[0]);
    let mut guard = d.lock.enter(th, a[0])?;
    let state = &mut d.state.get(&mut guard).0;
    if state.inflater.eof {
        drop(guard);
        return Err(th.raise(&ex::EOF_ERROR, "End of stream already reached"));
    }
    let done = blocking(th, || {
        let (mut used, mut out) = (0, Vec::new());
        let mut input = mem::take(&mut state.tail);
        input.extend_from_slice(&data);
        let done = state.inflater.decompress(&input, &mut used, limit, ROOM, &mut out);
        input.drain(..used);
        let eof = state.inflater.eof;
        state.needs_input = !eof && input.is_empty();
        if eof {
            state.unused = input
        } else {
            state.tail = input
        }
        done.map(|()| out)
    });
    drop(guard);
    bytes_or(th, done)
}
