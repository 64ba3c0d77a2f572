//! `_struct`: values as packed binary data.

use std::sync::Arc;

use parking_lot::Mutex;
use typhon_core::buffer::{self, Buffer};
use typhon_core::builtins::bytearray::ByteArray;
use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::complex::convert::to_complex;
use typhon_core::builtins::str::Str;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, GetSetDef, ModuleDef, NativeDef, Owned, PyResult, Raised, Slot, Slots,
    Thread, Type, TypeDef, payload, type_flags, unborn,
};
use typhon_text::error::{ErrorKind, TextError};
use typhon_text::struct_pack::{self as pack, Item, Kind, Layout};

use crate::args::{itself, this};
use crate::support::ModuleExt;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_struct",
    doc: "Functions to convert between Python values and C structs.\nPython bytes objects are used to hold the data \
          representing the C struct\nand also as format strings (explained below) to describe the layout of data\nin the C \
          struct.",
    functions: &[
        NativeDef::new(
            "_clearcache",
            "($module, /)",
            |_, _| {
                CACHE.lock().clear();
                Ok(Owned::none())
            },
            "Clear the internal cache.",
        ),
        NativeDef::new(
            "calcsize",
            "($module, format, /)",
            |th, a| {
                let l = layout(th, a[0])?;
                Ok(th.new_int(l.size as i64))
            },
            "Return size in bytes of the struct described by the format string.",
        ),
        NativeDef::raw(
            "pack",
            "($module, format, /, *v)",
            |th, args| {
                let (l, rest) = with_format(th, "pack", args)?;
                pack_bytes(th, &l, rest)
            },
            "Return a bytes object containing values packed according to the format string.",
        ),
        NativeDef::raw(
            "pack_into",
            "($module, format, buffer, offset, /, *v)",
            |th, args| {
                let (l, rest) = with_format(th, "pack_into", args)?;
                pack_into(th, &l, rest)
            },
            "Pack values and write the packed bytes into the buffer.",
        ),
        NativeDef::new(
            "unpack",
            "($module, format, buffer, /)",
            |th, a| {
                let l = layout(th, a[0])?;
                unpack(th, &l, a[1])
            },
            "Return a tuple containing values unpacked according to the format string.",
        ),
        NativeDef::new(
            "unpack_from",
            "($module, format, /, buffer, offset=0)",
            |th, a| {
                let l = layout(th, a[0])?;
                unpack_from(th, &l, a[1], a.opt(2))
            },
            "Return a tuple containing values unpacked according to the format string.",
        ),
        NativeDef::new(
            "iter_unpack",
            "($module, format, buffer, /)",
            |th, a| {
                let l = layout(th, a[0])?;
                iter_unpack(th, l, a[1])
            },
            "Return an iterator yielding tuples unpacked from the given bytes.",
        ),
    ],
    types: &[&STRUCT, &UNPACK_ITERATOR],
    setup: Some(setup),
};

const ERROR: &str = "struct.error";

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    let error = crate::args::exception_class(
        th,
        "struct",
        "error",
        typhon_core::builtins::exceptions::EXCEPTION.ty().as_value(),
    )?;
    th.rt.store(ERROR, error.clone());
    m.add(th, "error", error)
}

#[cold]
fn error(th: &mut Thread, msg: &str) -> Raised {
    let Some(class) = th.rt.stored(ERROR) else { return th.value_error(msg) };
    let msg = th.new_str(msg);
    match class.borrow().call(th, &[msg.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

#[cold]
fn text_error(th: &mut Thread, e: &TextError) -> Raised {
    if e.kind == ErrorKind::Struct { error(th, &e.message) } else { th.text_error(e) }
}

/// Layouts of formats used lately.
static CACHE: Mutex<Vec<(Box<[u8]>, Arc<Layout>)>> = Mutex::new(Vec::new());
const CACHE_MAX: usize = 64;

fn parse(th: &mut Thread, format: &[u8]) -> PyResult<Arc<Layout>> {
    {
        let mut cache = CACHE.lock();
        if let Some(i) = cache.iter().position(|(f, _)| **f == *format) {
            let found = cache[i].1.clone();
            // What is used often moves to the front, where the search begins.
            if i > 4 {
                cache.swap(i, i / 2);
            }
            return Ok(found);
        }
    }
    match Layout::parse(format) {
        Ok(l) => {
            let l = Arc::new(l);
            let mut cache = CACHE.lock();
            if cache.len() >= CACHE_MAX {
                cache.pop();
            }
            cache.push((format.into(), l.clone()));
            Ok(l)
        }
        Err(e) => Err(text_error(th, &e)),
    }
}

fn layout(th: &mut Thread, format: Borrowed<'_>) -> PyResult<Arc<Layout>> {
    if let Some(s) = format.downcast::<Str>() {
        return match s.as_ascii() {
            Some(t) => parse(th, t.as_bytes()),
            None => {
                drop(typhon_core::codecs::encode(th, format, "ascii", "strict")?);
                Err(error(th, "bad char in struct format"))
            }
        };
    }
    if let Some(b) = format.downcast::<Bytes>() {
        return parse(th, b.as_bytes());
    }
    if let Some(s) = format.downcast::<Struct>() {
        return Ok(s.layout.0.clone());
    }
    let msg = format!("Struct() argument 1 must be a str or bytes object, not {}", format.type_name(th));
    Err(th.type_error(&msg))
}

fn with_format<'a>(
    th: &mut Thread,
    name: &str,
    args: Args<'a>,
) -> PyResult<(Arc<Layout>, &'a [Borrowed<'a>])> {
    if args.has_keywords() {
        return Err(th.type_error(&format!("{name}() takes no keyword arguments")));
    }
    match args.pos() {
        [format, rest @ ..] => Ok((layout(th, *format)?, rest)),
        [] => Err(th.type_error("missing format argument")),
    }
}

/// Packs one value.
fn put(th: &mut Thread, l: &Layout, item: &Item, v: Borrowed<'_>, field: &mut [u8]) -> PyResult<()> {
    match item.kind {
        Kind::Signed | Kind::Unsigned => {
            let index;
            let int = match v.as_int() {
                Some(i) => i,
                None => {
                    if !typhon_core::number::is_index(v) {
                        return Err(text_error(th, &pack::wrong_type(item.kind, item.code)));
                    }
                    index = v.index(th)?;
                    match index.borrow().as_int() {
                        Some(i) => i,
                        None => return Err(text_error(th, &pack::wrong_type(item.kind, item.code))),
                    }
                }
            };
            pack::write_int(int, item, field, l.order).map_err(|e| text_error(th, &e))
        }
        Kind::Float => {
            let x = match v.as_float() {
                Some(x) => x,
                None => {
                    let r = v.to_f64(th);
                    match th.absorb(r, &typhon_core::builtins::exceptions::TYPE_ERROR)? {
                        Some(x) => x,
                        None => return Err(text_error(th, &pack::wrong_type(item.kind, item.code))),
                    }
                }
            };
            pack::write_float(x, field, l.order, !l.native).map_err(|e| text_error(th, &e))
        }
        Kind::Complex => {
            let Some((re, im)) = to_complex(th, v)? else {
                return Err(text_error(th, &pack::wrong_type(item.kind, item.code)));
            };
            let (a, b) = field.split_at_mut(item.size / 2);
            pack::write_float(re, a, l.order, !l.native)
                .and_then(|()| pack::write_float(im, b, l.order, !l.native))
                .map_err(|e| text_error(th, &e))
        }
        Kind::Bool => {
            field[0] = u8::from(v.truth(th)?);
            Ok(())
        }
        Kind::Char => match v.downcast::<Bytes>() {
            Some(b) if b.len() == 1 => {
                field[0] = b.as_bytes()[0];
                Ok(())
            }
            _ => Err(text_error(th, &pack::wrong_type(item.kind, item.code))),
        },
        Kind::Bytes | Kind::Pascal => {
            if v.downcast::<Bytes>().is_none() && v.downcast::<ByteArray>().is_none() {
                return Err(text_error(th, &pack::wrong_type(item.kind, item.code)));
            }
            let b = buffer::bytes_like(th, v)?;
            if item.kind == Kind::Bytes {
                let n = b.len().min(field.len());
                field[..n].copy_from_slice(&b[..n]);
            } else if let Some((length, rest)) = field.split_first_mut() {
                let n = b.len().min(rest.len());
                rest[..n].copy_from_slice(&b[..n]);
                *length = n.min(255) as u8;
            }
            Ok(())
        }
        Kind::Pad => Ok(()),
    }
}

/// Packs all values into `out`, which is `l.size` zero bytes.
fn put_all(th: &mut Thread, l: &Layout, values: &[Borrowed<'_>], out: &mut [u8]) -> PyResult<()> {
    let mut values = values.iter();
    for item in &l.items {
        if item.kind == Kind::Pad {
            continue;
        }
        let mut at = item.offset;
        for _ in 0..item.count {
            let Some(v) = values.next() else { return Ok(()) };
            put(th, l, item, *v, &mut out[at..at + item.size])?;
            at += item.size;
        }
    }
    Ok(())
}

fn pack_bytes(th: &mut Thread, l: &Layout, values: &[Borrowed<'_>]) -> PyResult {
    if values.len() != l.values {
        return Err(text_error(th, &pack::wrong_count("pack", l.values, values.len())));
    }
    if l.size <= 128 {
        let mut out = [0u8; 128];
        put_all(th, l, values, &mut out[..l.size])?;
        return Ok(th.new_bytes(&out[..l.size]));
    }
    th.check_size(l.size)?;
    let mut out = vec![0u8; l.size];
    put_all(th, l, values, &mut out)?;
    Ok(th.new_bytes(&out))
}

/// Offset of a field of `size` bytes in a buffer of `len`. `doing` is "pack" or "unpack".
fn offset(th: &mut Thread, given: isize, len: usize, size: usize, doing: &str) -> PyResult<usize> {
    let (what, into) = if doing == "pack" { ("packing", "pack_into") } else { ("unpacking", "unpack_from") };
    let mut at = given;
    if at < 0 {
        if at + size as isize > 0 {
            let msg = if doing == "pack" {
                format!("no space to pack {size} bytes at offset {given}")
            } else {
                format!("not enough data to unpack {size} bytes")
            };
            return Err(error(th, &msg));
        }
        if at + (len as isize) < 0 {
            let msg = format!("offset {given} out of range for {len}-byte buffer");
            return Err(error(th, &msg));
        }
        at += len as isize;
    }
    let at = at as usize;
    if at > len || len - at < size {
        let msg = format!(
            "{into} requires a buffer of at least {} bytes for {what} {size} bytes at offset {at} (actual buffer size is {len})",
            at.saturating_add(size)
        );
        return Err(error(th, &msg));
    }
    Ok(at)
}

fn pack_into(th: &mut Thread, l: &Layout, rest: &[Borrowed<'_>]) -> PyResult {
    let [target, at, values @ ..] = rest else {
        let msg = if rest.is_empty() {
            "pack_into expected buffer argument"
        } else {
            "pack_into expected offset argument"
        };
        return Err(error(th, msg));
    };
    if values.len() != l.values {
        return Err(text_error(th, &pack::wrong_count("pack_into", l.values, values.len())));
    }
    let given = at.to_isize(th)?;
    let mut b = buffer::get_writable(th, *target)?;
    let at = offset(th, given, b.len, l.size, "pack")?;
    let mut out = vec![0u8; l.size];
    put_all(th, l, values, &mut out)?;
    b.as_mut_slice()[at..at + l.size].copy_from_slice(&out);
    Ok(Owned::none())
}

/// One value out of its field.
fn take(th: &mut Thread, l: &Layout, item: &Item, field: &[u8]) -> Owned {
    match item.kind {
        Kind::Signed => th.new_int(pack::read_signed(field, l.order)),
        Kind::Unsigned => th.new_uint(pack::read_unsigned(field, l.order)),
        Kind::Float => th.new_float(pack::read_float(field, l.order)),
        Kind::Complex => {
            let (a, b) = field.split_at(item.size / 2);
            th.new_complex(pack::read_float(a, l.order), pack::read_float(b, l.order))
        }
        Kind::Bool => Owned::bool(field.iter().any(|b| *b != 0)),
        Kind::Char | Kind::Bytes => th.new_bytes(field),
        Kind::Pascal => match field.split_first() {
            Some((n, rest)) => th.new_bytes(&rest[..(*n as usize).min(rest.len())]),
            None => th.new_bytes(b""),
        },
        Kind::Pad => Owned::none(),
    }
}

/// All values of a run of `l.size` bytes.
fn take_all(th: &mut Thread, l: &Layout, data: &[u8]) -> Owned {
    if let [item] = &l.items[..]
        && item.count == 1
        && item.kind != Kind::Pad
    {
        let v = take(th, l, item, &data[item.offset..item.offset + item.size]);
        let mut one = Some(v);
        return th.new_tuple_with(1, |_| one.take().unwrap_or_else(Owned::none));
    }
    let mut out = crate::args::Items::new();
    for item in l.items.iter().filter(|i| i.kind != Kind::Pad) {
        let mut at = item.offset;
        for _ in 0..item.count {
            out.push(take(th, l, item, &data[at..at + item.size]));
            at += item.size;
        }
    }
    out.into_tuple(th)
}

fn unpack(th: &mut Thread, l: &Layout, data: Borrowed<'_>) -> PyResult {
    let b = buffer::bytes_like(th, data)?;
    if b.len() != l.size {
        return Err(text_error(th, &pack::wrong_size(l.size)));
    }
    Ok(take_all(th, l, &b))
}

fn unpack_from(th: &mut Thread, l: &Layout, data: Borrowed<'_>, at: Option<Borrowed<'_>>) -> PyResult {
    let given = match at {
        Some(v) => v.to_isize(th)?,
        None => 0,
    };
    let b = buffer::bytes_like(th, data)?;
    let at = offset(th, given, b.len(), l.size, "unpack")?;
    Ok(take_all(th, l, &b[at..at + l.size]))
}

fn iter_unpack(th: &mut Thread, l: Arc<Layout>, data: Borrowed<'_>) -> PyResult {
    if l.size == 0 {
        return Err(error(th, "cannot iteratively unpack with a struct of length 0"));
    }
    let b = buffer::get(th, data)?;
    if !b.len.is_multiple_of(l.size) {
        let msg = format!("iterative unpacking requires a buffer of a multiple of {} bytes", l.size);
        return Err(error(th, &msg));
    }
    Ok(th.alloc(UnpackIterator {
        header: unborn(),
        layout: Data(l),
        buffer: Lent(b),
        at: typhon_sync::prim::AtomicUsize::new(0),
    }))
}

/// A buffer held by an object: its exporter is a reference.
struct Lent(Buffer);

impl typhon_core::Trace for Lent {
    fn trace(&self, visit: &mut dyn FnMut(typhon_core::Word)) {
        self.0.owner.trace(visit)
    }
}

payload! {
    /// Iterator of `iter_unpack`.
    pub struct UnpackIterator: UNPACK_ITERATOR {
        layout: Data<Arc<Layout>>,
        buffer: Lent,
        at: typhon_sync::prim::AtomicUsize,
    }
}

pub static UNPACK_ITERATOR: TypeDef = TypeDef {
    module: "_struct",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots {
        iter: Some(itself),
        next: Some(|th, o| {
            let it: &UnpackIterator = this(o);
            let l = &it.layout.0;
            // ORDERING Relaxed: a position.
            let at = it.at.fetch_add(l.size, typhon_sync::prim::Ordering::Relaxed);
            match it.buffer.0.as_slice().get(at..at.saturating_add(l.size)) {
                Some(data) => Ok(Some(take_all(th, l, data))),
                None => Ok(None),
            }
        }),
        ..Slots::NONE
    },
    methods: &[NativeDef::new(
        "__length_hint__",
        "($self, /)",
        |th, a| {
            let it: &UnpackIterator = this(a[0]);
            // ORDERING Relaxed: a position.
            let at = it.at.load(typhon_sync::prim::Ordering::Relaxed);
            let left = it.buffer.0.len.saturating_sub(at) / it.layout.0.size;
            Ok(th.new_int(left as i64))
        },
        "",
    )],
    ..TypeDef::of::<UnpackIterator>("unpack_iterator")
};

payload! {
    /// `struct.Struct`.
    pub struct Struct: STRUCT {
        layout: Data<Arc<Layout>>,
        format: Slot,
    }
}

pub static STRUCT: TypeDef = TypeDef {
    module: "_struct",
    flags: type_flags::BASE | type_flags::WEAKREF | type_flags::GC,
    doc: "Struct(fmt) --> compiled struct object",
    slots: Slots {
        new: Some(new),
        repr: Some(|th, o| {
            let format = this::<Struct>(o).format.fixed().unwrap_or(Borrowed::none()).repr_text(th)?;
            let name = o.ty().short_name();
            Ok(th.new_str(&format!("{name}({format})")))
        }),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::raw(
            "pack",
            "($self, /, *v)",
            |th, args| {
                let Some(s) = args.all[0].downcast::<Struct>() else {
                    return Err(th.type_error("descriptor 'pack' requires a '_struct.Struct' object"));
                };
                pack_bytes(th, &s.layout.0, &args.pos()[1..])
            },
            "S.pack(v1, v2, ...) -> bytes\n\nReturn a bytes object containing values v1, v2, ... packed according\nto the format string S.format.",
        ),
        NativeDef::raw(
            "pack_into",
            "($self, buffer, offset, /, *v)",
            |th, args| {
                let Some(s) = args.all[0].downcast::<Struct>() else {
                    return Err(th.type_error("descriptor 'pack_into' requires a '_struct.Struct' object"));
                };
                pack_into(th, &s.layout.0, &args.pos()[1..])
            },
            "S.pack_into(buffer, offset, v1, v2, ...)",
        ),
        NativeDef::new(
            "unpack",
            "($self, buffer, /)",
            |th, a| unpack(th, &this::<Struct>(a[0]).layout.0, a[1]),
            "Return a tuple containing unpacked values.",
        ),
        NativeDef::new(
            "unpack_from",
            "($self, /, buffer, offset=0)",
            |th, a| unpack_from(th, &this::<Struct>(a[0]).layout.0, a[1], a.opt(2)),
            "Return a tuple containing unpacked values.",
        ),
        NativeDef::new(
            "iter_unpack",
            "($self, buffer, /)",
            |th, a| iter_unpack(th, this::<Struct>(a[0]).layout.0.clone(), a[1]),
            "Return an iterator yielding tuples.",
        ),
    ],
    getset: &[
        GetSetDef::get("format", |_, o| {
            Ok(this::<Struct>(o).format.fixed().unwrap_or(Borrowed::none()).to_owned())
        }),
        GetSetDef::get("size", |th, o| Ok(th.new_int(this::<Struct>(o).layout.0.size as i64))),
    ],
    ..TypeDef::of::<Struct>("Struct")
};

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = crate::args::constructor::<Struct>(th, ty, "(format)", args)?;
    let l = layout(th, a[0])?;
    let format = match a[0].downcast::<Bytes>() {
        Some(b) => th.new_str(&String::from_utf8_lossy(b.as_bytes())),
        None => a[0].to_owned(),
    };
    crate::args::made(th, ty, Struct { header: unborn(), layout: Data(l), format: Slot::new(format) })
}
