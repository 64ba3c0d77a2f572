//! `compress` and the objects of `compressobj`.

use typhon_core::{
    ArgsExt, Borrowed, Data, NativeDef, Owned, PyResult, Safety, Shared, Thread, TypeDef, buffer, payload,
    type_flags, unborn,
};
use zlib_rs::{Deflate, DeflateFlush};

use super::stream::{self, STREAM_ERROR, Settings};
use super::{dictionary, error, fault, wbits};
use crate::args::this;
use crate::io::lock::{Guarded, IoLock};
use crate::support::{blocking, c_int_or};

const COMPRESSING: &str = "while compressing data";
const FLUSHING: &str = "while flushing";

pub fn at_once(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let data = buffer::bytes_like(th, a[0])?;
    let level = c_int_or(th, a.opt(1), -1)?;
    let settings = Settings { level, wbits: wbits(th, a.opt(2))?, ..Settings::default() };
    let Some(mut machine) = stream::compressor(settings) else {
        return Err(error(th, "Bad compression level"));
    };
    let (done, out) = blocking(th, || {
        let mut out = Vec::new();
        let done = stream::compress(&mut machine, &data, DeflateFlush::Finish, &mut out);
        drop(machine);
        (done, out)
    });
    match done {
        Ok(_) => Ok(th.new_bytes(&out)),
        Err(e) => Err(fault(th, e, COMPRESSING)),
    }
}

payload! {
    /// `zlib.Compress`
    pub struct Compress: COMPRESS {
        lock: IoLock,
        /// `None`: finished.
        machine: Guarded<Data<Option<Deflate>>>,
    }
}

pub static COMPRESS: TypeDef = TypeDef {
    module: "zlib",
    flags: type_flags::NO_NEW,
    methods: &[
        NativeDef::new(
            "compress",
            "($self, data, /)",
            |th, a| {
                let data = buffer::bytes_like(th, a[1])?;
                run(th, a[0], &data, DeflateFlush::NoFlush, COMPRESSING)
            },
            "Returns a bytes object containing compressed data.\n\nAfter calling this function, some of the input data \
             may still\nbe stored in internal buffers for later processing.\nCall the flush() method to clear these \
             buffers.",
        ),
        NativeDef::new(
            "flush",
            "($self, mode=zlib.Z_FINISH, /)",
            |th, a| {
                let mode = c_int_or(th, a.opt(1), DeflateFlush::Finish as i32)?;
                match DeflateFlush::try_from(mode) {
                    Ok(DeflateFlush::NoFlush) => Ok(th.new_bytes(b"")),
                    Ok(flush) => run(th, a[0], b"", flush, FLUSHING),
                    Err(()) => Err(fault(th, STREAM_ERROR, FLUSHING)),
                }
            },
            "Return a bytes object containing any remaining compressed data.\n\nIf mode == Z_FINISH, the compressor \
             object can no longer be\nused after calling the flush() method.  Otherwise, more data\ncan still be \
             compressed.",
        ),
    ],
    shared: Some(Shared::all(Safety::Locked)),
    ..TypeDef::of::<Compress>("Compress")
};

pub fn new(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let defaults = Settings::default();
    let settings = Settings {
        level: c_int_or(th, a.opt(0), defaults.level)?,
        wbits: wbits(th, a.opt(2))?,
        mem_level: c_int_or(th, a.opt(3), defaults.mem_level)?,
        strategy: c_int_or(th, a.opt(4), defaults.strategy)?,
    };
    let method = c_int_or(th, a.opt(1), 8)?;
    let dictionary = a.some(5).map(|v| dictionary(th, v)).transpose()?;
    let Some(mut machine) = stream::compressor(settings).filter(|_| method == 8) else {
        return Err(th.value_error("Invalid initialization option"));
    };
    if let Some(d) = dictionary
        && machine.set_dictionary(&d).is_err()
    {
        return Err(th.value_error("Invalid dictionary"));
    }
    let machine = Guarded::new(Data(Some(machine)));
    Ok(th.alloc(Compress { header: unborn(), lock: IoLock::new(), machine }))
}

fn run(th: &mut Thread, o: Borrowed<'_>, data: &[u8], flush: DeflateFlush, doing: &str) -> PyResult<Owned> {
    let c: &Compress = this(o);
    let mut guard = c.lock.enter(th, o)?;
    let state = &mut c.machine.get(&mut guard).0;
    let (done, out) = blocking(th, || {
        let mut out = Vec::new();
        let done = match state {
            Some(machine) => stream::compress(machine, data, flush, &mut out),
            None => Err(STREAM_ERROR),
        };
        if done == Ok(true) {
            *state = None;
        }
        (done, out)
    });
    drop(guard);
    match done {
        Ok(_) => Ok(th.new_bytes(&out)),
        Err(e) => Err(fault(th, e, doing)),
    }
}
