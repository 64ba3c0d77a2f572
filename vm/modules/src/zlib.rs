//! `zlib`: compression and checksums, by the crate `zlib-rs`.
//!
//! An object that compresses is used by one thread at a time, which lets others run meanwhile.

mod compress;
mod decompress;
mod stream;

use typhon_core::buffer::{self, ByteArg};
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::int::IntRef;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Raised, Thread};

use crate::args::exception_class;
use crate::support::{ModuleExt, blocking, c_int_or};
use stream::{Fault, InflateFault, Inflater, Settings};

pub static MODULE: ModuleDef = ModuleDef {
    name: "zlib",
    doc: "The functions in this module allow compression and decompression using the\nzlib library, which is based on \
          GNU zip.\n\nadler32(string[, start]) -- Compute an Adler-32 checksum.\ncompress(data[, level]) -- Compress \
          data, with compression level 0-9 or -1.\ncompressobj([level[, ...]]) -- Return a compressor \
          object.\ncrc32(string[, start]) -- Compute a CRC-32 checksum.\ndecompress(string,[wbits],[bufsize]) -- \
          Decompresses a compressed string.\ndecompressobj([wbits[, zdict]]) -- Return a decompressor object.",
    functions: &[
        NativeDef::new(
            "adler32",
            "($module, data, value=1, /)",
            |th, a| checksum(th, a, 1, zlib_rs::adler32::adler32),
            "Compute an Adler-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned \
             checksum is an integer.",
        ),
        NativeDef::new(
            "crc32",
            "($module, data, value=0, /)",
            |th, a| checksum(th, a, 0, zlib_rs::crc32::crc32),
            "Compute a CRC-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned \
             checksum is an integer.",
        ),
        NativeDef::new(
            "compress",
            "($module, data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS)",
            compress::at_once,
            "Returns a bytes object containing compressed data.\n\n  data\n    Binary data to be compressed.\n  \
             level\n    Compression level, in 0-9 or -1.\n  wbits\n    The window buffer size and container format.",
        ),
        NativeDef::new(
            "decompress",
            "($module, data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)",
            decompress::at_once,
            "Returns a bytes object containing the uncompressed data.\n\n  data\n    Compressed data.\n  wbits\n    \
             The window buffer size and container format.\n  bufsize\n    The initial output buffer size.",
        ),
        NativeDef::new(
            "compressobj",
            "($module, /, level=Z_DEFAULT_COMPRESSION, method=DEFLATED, wbits=MAX_WBITS, memLevel=DEF_MEM_LEVEL, \
             strategy=Z_DEFAULT_STRATEGY, zdict=None)",
            compress::new,
            "Return a compressor object.\n\n  level\n    The compression level (an integer in the range 0-9 or \
             -1).\n  method\n    The compression algorithm: DEFLATED.\n  wbits\n    The window buffer size and \
             container format.\n  memLevel\n    How much memory is used for the internal state, 1-9.\n  strategy\n    \
             Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE or Z_FIXED.\n  zdict\n    Byte sequences that \
             are expected to occur in the data.",
        ),
        NativeDef::new(
            "decompressobj",
            "($module, /, wbits=MAX_WBITS, zdict=b'')",
            decompress::new,
            "Return a decompressor object.\n\n  wbits\n    The window buffer size and container format.\n  zdict\n   \
              The predefined compression dictionary, the one that compressobj was given.",
        ),
    ],
    types: &[&compress::COMPRESS, &decompress::DECOMPRESS, &decompress::DECOMPRESSOR],
    setup: Some(setup),
};

/// The class `error` of this runtime.
const ERROR: &str = "zlib.error";

/// As zlib's own numbers are, for programs that look at them.
const VERSION: &str = "1.3.1.zlib-rs";

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    for (name, value) in [
        ("DEFLATED", 8),
        ("DEF_BUF_SIZE", stream::ROOM as i64),
        ("DEF_MEM_LEVEL", 8),
        ("MAX_WBITS", 15),
        ("Z_BEST_COMPRESSION", 9),
        ("Z_BEST_SPEED", 1),
        ("Z_BLOCK", 5),
        ("Z_DEFAULT_COMPRESSION", -1),
        ("Z_DEFAULT_STRATEGY", 0),
        ("Z_FILTERED", 1),
        ("Z_FINISH", 4),
        ("Z_FIXED", 4),
        ("Z_FULL_FLUSH", 3),
        ("Z_HUFFMAN_ONLY", 2),
        ("Z_NO_COMPRESSION", 0),
        ("Z_NO_FLUSH", 0),
        ("Z_PARTIAL_FLUSH", 1),
        ("Z_RLE", 3),
        ("Z_SYNC_FLUSH", 2),
        ("Z_TREES", 6),
    ] {
        m.add_int(th, name, value)?;
    }
    for name in ["ZLIB_VERSION", "ZLIB_RUNTIME_VERSION"] {
        let version = th.new_str(VERSION);
        m.add(th, name, version)?;
    }
    // These are made by functions.
    for name in ["Compress", "Decompress"] {
        let name = th.intern(name);
        m.setattr(th, name.borrow(), None)?;
    }
    let class = exception_class(th, "zlib", "error", ex::EXCEPTION.ty().as_value())?;
    drop(th.rt.store(ERROR, class.clone()));
    m.add(th, "error", class)
}

/// Raises `zlib.error(msg)`.
#[cold]
fn error(th: &mut Thread, msg: &str) -> Raised {
    let class = th.rt.stored(ERROR).expect("stored when the module was made");
    let text = th.new_str(msg);
    match class.borrow().call(th, &[text.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

/// Raises what zlib found wrong. `doing` as in `"while compressing data"`.
#[cold]
fn fault(th: &mut Thread, fault: Fault, doing: &str) -> Raised {
    if fault == stream::NO_MEMORY {
        return th.raise(&ex::MEMORY_ERROR, "Out of memory");
    }
    let msg = match fault.text {
        Some(text) => format!("Error {} {doing}: {text}", fault.code),
        None => format!("Error {} {doing}", fault.code),
    };
    error(th, &msg)
}

/// A stream to decompress. Errors: ValueError for a window that there is not, zlib.error.
fn inflater(th: &mut Thread, wbits: i32, dictionary: &[u8]) -> PyResult<Inflater> {
    match Inflater::new(wbits, dictionary) {
        Some(Ok(inflater)) => Ok(inflater),
        Some(Err((what, doing))) => Err(fault(th, what, doing)),
        None => Err(th.value_error("Invalid initialization option")),
    }
}

/// The bytes of a dictionary argument. Errors: TypeError.
fn dictionary<'a>(th: &mut Thread, v: Borrowed<'a>) -> PyResult<ByteArg<'a>> {
    match buffer::bytes_like_opt(th, v)? {
        Some(bytes) => Ok(bytes),
        None => Err(th.type_error("zdict argument must support the buffer protocol")),
    }
}

fn wbits(th: &mut Thread, v: Option<Borrowed<'_>>) -> PyResult<i32> {
    c_int_or(th, v, Settings::default().wbits)
}

fn checksum(th: &mut Thread, a: &[Borrowed<'_>], first: u32, f: impl FnOnce(u32, &[u8]) -> u32) -> PyResult {
    let data = buffer::bytes_like(th, a[0])?;
    let first = match a.opt(1) {
        Some(v) => low_bits(th, v)?,
        None => first,
    };
    // Short data is done with before another thread could take over.
    let sum = if data.len() > 4096 { blocking(th, || f(first, &data)) } else { f(first, &data) };
    Ok(th.new_int(i64::from(sum)))
}

/// The last 32 bits of an int of any size.
fn low_bits(th: &mut Thread, v: Borrowed<'_>) -> PyResult<u32> {
    let n = v.index(th)?;
    Ok(match n.borrow().as_int() {
        Some(IntRef::Small(n)) => n as u32,
        Some(IntRef::Big(n)) => {
            let low = n & dashu_int::IBig::from(u32::MAX);
            u32::try_from(low).unwrap_or(0)
        }
        None => 0,
    })
}

/// What a stream gave, or why it failed.
fn bytes_or(th: &mut Thread, done: Result<Vec<u8>, InflateFault>) -> PyResult<Owned> {
    match done {
        Ok(out) => Ok(th.new_bytes(&out)),
        Err((what, doing)) => Err(fault(th, what, doing)),
    }
}
