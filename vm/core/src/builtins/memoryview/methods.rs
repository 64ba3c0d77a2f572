//! Methods and attributes of memoryviews.

use typhon_sync::prim::Ordering;

use super::ops::{native, of, slot_getitem, slot_len};
use super::{Format, MemoryView, View, make};
use crate::buffer::Layout;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{ArgsExt, CompareOp};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, NativeDef};

pub(super) static METHODS: &[NativeDef] = &[
    NativeDef::new(
        "release",
        "($self, /)",
        release,
        "Release the underlying buffer exposed by the memoryview object.",
    ),
    NativeDef::new(
        "tobytes",
        "($self, /, order='C')",
        tobytes,
        "Return the data in the buffer as a byte string.",
    ),
    NativeDef::new(
        "hex",
        "($self, /, sep=None, bytes_per_sep=1)",
        hex,
        "Return the data in the buffer as a str of hexadecimal numbers.",
    ),
    NativeDef::new("tolist", "($self, /)", tolist, "Return the data in the buffer as a list of elements."),
    NativeDef::new(
        "cast",
        "($self, /, format, shape=None)",
        cast,
        "Cast a memoryview to a new format or shape.",
    ),
    NativeDef::new("toreadonly", "($self, /)", toreadonly, "Return a readonly version of the memoryview."),
    NativeDef::new("count", "($self, value, /)", count, "Count the number of occurrences of a value."),
    NativeDef::new(
        "index",
        "($self, value, start=0, stop=sys.maxsize, /)",
        index,
        "Return the index of the first occurrence of a value.\n\nRaises ValueError if the value is not present.",
    ),
    crate::builtins::generic_alias::CLASS_GETITEM,
    NativeDef::new("__enter__", "($self, /)", enter, ""),
    NativeDef::new(
        "__exit__",
        "($self, /, *exc_info)",
        exit,
        "Release the underlying buffer exposed by the memoryview object.",
    ),
];

pub(super) static GETSET: &[GetSetDef] = &[
    GetSetDef { name: "obj", get: obj, set: None, doc: "The underlying object of the memoryview." },
    GetSetDef {
        name: "nbytes",
        get: nbytes,
        set: None,
        doc: "The amount of space in bytes that the array would use in a contiguous representation.",
    },
    GetSetDef {
        name: "readonly",
        get: readonly,
        set: None,
        doc: "A bool indicating whether the memory is read only.",
    },
    GetSetDef {
        name: "itemsize",
        get: itemsize,
        set: None,
        doc: "The size in bytes of each element of the memoryview.",
    },
    GetSetDef {
        name: "format",
        get: format,
        set: None,
        doc: "A string containing the format (in struct module style) for each element in the view.",
    },
    GetSetDef {
        name: "ndim",
        get: ndim,
        set: None,
        doc: "An integer indicating how many dimensions of a multi-dimensional array the memory represents.",
    },
    GetSetDef {
        name: "shape",
        get: shape,
        set: None,
        doc: "A tuple of ndim integers giving the shape of the memory as an N-dimensional array.",
    },
    GetSetDef {
        name: "strides",
        get: strides,
        set: None,
        doc: "A tuple of ndim integers giving the size in bytes to access each element for each dimension of the array.",
    },
    GetSetDef {
        name: "suboffsets",
        get: suboffsets,
        set: None,
        doc: "A tuple of integers used internally for PIL-style arrays.",
    },
    GetSetDef {
        name: "c_contiguous",
        get: c_contiguous,
        set: None,
        doc: "A bool indicating whether the memory is C contiguous.",
    },
    GetSetDef {
        name: "f_contiguous",
        get: f_contiguous,
        set: None,
        doc: "A bool indicating whether the memory is Fortran contiguous.",
    },
    GetSetDef {
        name: "contiguous",
        get: contiguous,
        set: None,
        doc: "A bool indicating whether the memory is contiguous.",
    },
];

fn release(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m = of(a[0]);
    // ORDERING Acquire: pairs with the return of the last buffer.
    let n = m.exports.load(Ordering::Acquire);
    if n > 0 {
        let s = if n == 1 { "" } else { "s" };
        return Err(th.buffer_error(&format!("memoryview has {n} exported buffer{s}")));
    }
    // ORDERING Release: uses of the memory come before.
    m.released.store(true, Ordering::Release);
    drop(m.managed.clear(&m.header));
    th.drain_drops();
    Ok(Owned::none())
}

fn enter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).hold(th)?;
    Ok(a[0].to_owned())
}

fn exit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    release(th, a)
}

fn tobytes(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let order = match a.some(1) {
        None => b'C',
        Some(o) => match o.downcast::<Str>().and_then(Str::as_ascii) {
            Some("C") => b'C',
            Some("F") => b'F',
            Some("A") => b'A',
            _ => return Err(th.value_error("order must be 'C', 'F' or 'A'")),
        },
    };
    let (view, _held) = of(a[0]).hold(th)?;
    if order == b'F' || (order == b'A' && view.is_fortran() && !view.is_contiguous()) {
        let mut turned = view.clone();
        turned.shape.reverse();
        turned.strides.reverse();
        return Ok(th.new_bytes(&turned.to_vec()));
    }
    if view.is_contiguous() {
        return Ok(th.new_bytes(view.bytes()));
    }
    Ok(th.new_bytes(&view.to_vec()))
}

fn hex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (sep, group) = crate::builtins::bytes::transform::hex_arguments(th, a.some(1), a.opt(2))?;
    let (view, _held) = of(a[0]).hold(th)?;
    crate::builtins::bytes::transform::hex_text(th, &view.to_vec(), sep, group)
}

fn tolist(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (view, _held) = of(a[0]).hold(th)?;
    let format = native(th, view)?;
    let bytes = view.to_vec();
    if view.shape.is_empty() {
        return Ok(format.load(th, &bytes));
    }
    Ok(nested(th, format, view, &view.shape, &bytes))
}

fn nested(th: &mut Thread, format: Format, view: &View, shape: &[usize], bytes: &[u8]) -> Owned {
    let [n, inner @ ..] = shape else { return format.load(th, bytes) };
    let size = inner.iter().product::<usize>() * view.itemsize;
    let items = (0..*n).map(|i| nested(th, format, view, inner, &bytes[i * size..(i + 1) * size])).collect();
    th.new_list(items)
}

fn toreadonly(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (view, managed) = of(a[0]).hold(th)?;
    let view = View { readonly: true, ..view.clone() };
    Ok(make(th, managed, view))
}

fn cast(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(text) = a[1].downcast::<Str>() else {
        let msg = format!("cast() argument 'format' must be str, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    };
    let (view, managed) = of(a[0]).hold(th)?;
    let Some((format, itemsize)) = text.as_ascii().and_then(Format::constant) else {
        return Err(th.value_error(
            "memoryview: destination format must be a native single character format prefixed with an optional '@'",
        ));
    };
    if !view.is_contiguous() {
        return Err(th.type_error("memoryview: casts are restricted to C-contiguous views"));
    }
    if view.shape.len() > 1 && a.opt(2).is_some() {
        return Err(th.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
    }
    let to = Format::of(format).is_some_and(Format::is_byte);
    let from = Format::of(view.format);
    if from.is_none() {
        return Err(th.value_error(
            "memoryview: source format must be a native single character format prefixed with an optional '@'",
        ));
    }
    if !to && !from.is_some_and(Format::is_byte) {
        return Err(th.type_error("memoryview: cannot cast between two non-byte formats"));
    }
    let bytes = view.nbytes();
    if !bytes.is_multiple_of(itemsize) {
        return Err(th.type_error("memoryview: length is not a multiple of itemsize"));
    }
    let shape = match a.opt(2) {
        None => vec![bytes / itemsize],
        Some(s) => shape_argument(th, s, bytes, itemsize)?,
    };
    let Layout { shape, strides } = Layout::contiguous(shape, itemsize);
    let view = View { format, itemsize, shape, strides, ..view.clone() };
    Ok(make(th, managed, view))
}

fn shape_argument(th: &mut Thread, s: Borrowed<'_>, bytes: usize, itemsize: usize) -> PyResult<Vec<usize>> {
    let is_sequence = s.downcast::<crate::builtins::tuple::Tuple>().is_some()
        || s.downcast::<crate::builtins::list::List>().is_some();
    if !is_sequence {
        return Err(th.type_error("shape must be a list or a tuple"));
    }
    let items = s.to_vec(th)?;
    if items.len() > 64 {
        return Err(th.value_error("memoryview: number of dimensions must not exceed 64"));
    }
    let mut shape = Vec::with_capacity(items.len());
    let mut total = itemsize;
    for n in &items {
        if n.borrow().as_int().is_none() {
            return Err(th.type_error("memoryview.cast(): elements of shape must be integers"));
        }
        let n = n.borrow().to_isize(th)?;
        if n <= 0 {
            return Err(th.value_error("memoryview.cast(): elements of shape must be integers > 0"));
        }
        shape.push(n as usize);
        total = total.saturating_mul(n as usize);
    }
    if total != bytes {
        return Err(th.type_error("memoryview: product(shape) * itemsize != buffer size"));
    }
    Ok(shape)
}

fn count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = slot_len(th, a[0])?;
    let mut found = 0;
    for i in 0..n {
        let key = th.new_int(i as i64);
        let v = slot_getitem(th, a[0], key.borrow())?;
        found += i64::from(v.borrow().equals(th, a[1])?);
    }
    Ok(th.new_int(found))
}

fn index(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = slot_len(th, a[0])?;
    let (start, stop) = crate::builtins::subscript::bounds(th, a.opt(2), a.opt(3), n)?;
    for i in start..stop {
        let key = th.new_int(i as i64);
        let v = slot_getitem(th, a[0], key.borrow())?;
        if v.is(a[1].word()) || v.borrow().compare_bool(th, a[1], CompareOp::Eq)? {
            return Ok(key);
        }
    }
    Err(th.value_error("memoryview.index(x): x not found"))
}

fn obj(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let (_, managed) = of(o).hold(th)?;
    Ok(MemoryView::owner(&managed))
}

fn nbytes(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = of(o).hold(th)?.0.nbytes();
    Ok(th.new_int(n as i64))
}

fn readonly(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Owned::bool(of(o).hold(th)?.0.readonly))
}

fn itemsize(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = of(o).hold(th)?.0.itemsize;
    Ok(th.new_int(n as i64))
}

fn format(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = of(o).hold(th)?.0.format;
    Ok(th.new_str(f))
}

fn ndim(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = of(o).hold(th)?.0.shape.len();
    Ok(th.new_int(n as i64))
}

fn shape(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let (view, _held) = of(o).hold(th)?;
    let items = view.shape.iter().map(|n| th.new_int(*n as i64)).collect();
    Ok(th.new_tuple(items))
}

fn strides(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let (view, _held) = of(o).hold(th)?;
    let items = view.strides.iter().map(|n| th.new_int(*n as i64)).collect();
    Ok(th.new_tuple(items))
}

fn suboffsets(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    of(o).hold(th)?;
    Ok(th.new_tuple(Vec::new()))
}

fn c_contiguous(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Owned::bool(of(o).hold(th)?.0.is_contiguous()))
}

fn f_contiguous(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Owned::bool(of(o).hold(th)?.0.is_fortran()))
}

fn contiguous(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let (view, _held) = of(o).hold(th)?;
    Ok(Owned::bool(view.is_contiguous() || view.is_fortran()))
}
