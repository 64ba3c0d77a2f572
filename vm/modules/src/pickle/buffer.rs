//! `PickleBuffer` (PEP 574): a buffer that may be pickled beside its pickle.

use typhon_core::buffer::{self, Buffer};
use typhon_core::{
    Args, Borrowed, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload, signature,
    type_flags, unborn,
};

use crate::args::{made, this};

payload! {
    /// `pickle.PickleBuffer`: holds a memoryview of its object until it is released.
    pub struct PickleBuffer: PICKLE_BUFFER {
        view: Slot,
        /// What others get the buffer from: a view of this is a view of the object itself.
        base: Slot,
    }
}

pub static PICKLE_BUFFER: TypeDef = TypeDef {
    module: "_pickle",
    flags: type_flags::GC | type_flags::WEAKREF,
    doc: "Wrapper for potentially out-of-band buffers",
    slots: Slots {
        new: Some(new),
        buffer: Some(|th, o, flags| {
            let held = view(th, o)?;
            let buffer: &PickleBuffer = this(o);
            let base = buffer.base.get(&buffer.header).unwrap_or(held);
            match buffer::get_opt(th, base.borrow(), flags)? {
                Some(lent) => Ok(lent),
                None => Err(th.buffer_error("underlying buffer is not available")),
            }
        }),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "raw",
            "($self, /)",
            raw,
            "Return a memoryview of the raw memory underlying this buffer.\n\nWill raise BufferError is the buffer isn't contiguous.",
        ),
        NativeDef::new(
            "release",
            "($self, /)",
            |_, a| {
                let buffer: &PickleBuffer = this(a[0]);
                drop(buffer.view.clear(&buffer.header));
                drop(buffer.base.clear(&buffer.header));
                Ok(Owned::none())
            },
            "Release the underlying buffer controlled by the PickleBuffer object.",
        ),
    ],
    ..TypeDef::of::<PickleBuffer>("PickleBuffer")
};

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = signature::bind(th, "PickleBuffer", "(object, /)", args)?;
    let class = crate::support::builtin(th, "memoryview");
    let view = class.borrow().call(th, &[a[0]])?;
    made(th, ty, PickleBuffer { header: unborn(), view: Slot::new(view), base: Slot::new(a[0].to_owned()) })
}

/// The memoryview. Errors: ValueError if it was released.
fn view(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let buffer: &PickleBuffer = this(o);
    match buffer.view.get(&buffer.header) {
        Some(view) => Ok(view),
        None => Err(th.value_error("operation forbidden on released PickleBuffer object")),
    }
}

fn raw(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let view = view(th, a[0])?;
    let contiguous = view.borrow().getattr_str(th, "contiguous")?;
    if !contiguous.borrow().truth(th)? {
        return Err(th.buffer_error("cannot extract raw buffer from non-contiguous buffer"));
    }
    let format = th.intern("B");
    // A view of several dimensions is cast to bytes first.
    view.borrow().call_method_str(th, "cast", &[format.borrow()])
}

/// The bytes of a buffer, and whether they are read-only. Errors: PicklingError if it is not contiguous.
pub(super) fn content(th: &mut Thread, o: Borrowed<'_>) -> PyResult<(Vec<u8>, bool)> {
    let view = view(th, o)?;
    let contiguous = view.borrow().getattr_str(th, "contiguous")?;
    if !contiguous.borrow().truth(th)? {
        return Err(super::pickling_error(
            th,
            "PickleBuffer can not be pickled when pointing to a non-contiguous buffer",
        ));
    }
    let readonly = view.borrow().getattr_str(th, "readonly")?.borrow().truth(th)?;
    let lent: Buffer = buffer::get(th, view.borrow())?;
    Ok((lent.as_slice().to_vec(), readonly))
}
