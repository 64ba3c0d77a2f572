//! `memoryview`: a window on the buffer of another object (PEP 3118).

mod item;
mod methods;
mod ops;

use typhon_sync::prim::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use crate::buffer::{Buffer, Layout};
use crate::object::{Borrowed, Data, Owned, PyResult, Slot};
use crate::slots::{BufferFlags, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{Safety, Shared, TypeDef, TypeId, type_flags};

pub(crate) use item::Format;
pub use ops::ITERATOR_DEF;

crate::payload! {
    /// The one export that all views of an object share; given back with the last of them.
    pub struct ManagedBuffer: MANAGED_DEF {
        buffer: Buffer,
    }
}

pub static MANAGED_DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::MANAGED_BUFFER),
    flags: type_flags::GC | type_flags::NO_NEW,
    ..TypeDef::of::<ManagedBuffer>("managedbuffer")
};

crate::payload! {
    /// A view. Everything but the state at the end is fixed at birth.
    pub struct MemoryView: DEF {
        /// The [`ManagedBuffer`]; empty once released.
        managed: Slot,
        view: Data<View>,
        released: AtomicBool,
        /// Buffers of the view lent at the moment.
        exports: AtomicUsize,
        /// 0 = not computed yet.
        hash: AtomicI64,
    }
}

/// Geometry of a view.
#[derive(Clone)]
pub(crate) struct View {
    pub start: *mut u8,
    pub readonly: bool,
    pub format: &'static str,
    pub itemsize: usize,
    pub shape: Vec<usize>,
    /// Bytes between neighbours in each dimension.
    pub strides: Vec<isize>,
}

// SAFETY: the pointer is into the exporter's memory, which the managed buffer keeps in place; what threads
// do to the bytes concurrently is the Python programmer's business, as with every buffer.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    /// Items in all.
    pub(crate) fn items(&self) -> usize {
        self.shape.iter().product()
    }

    pub(crate) fn nbytes(&self) -> usize {
        self.items() * self.itemsize
    }

    /// Row-major without gaps?
    pub(crate) fn is_contiguous(&self) -> bool {
        let mut step = self.itemsize as isize;
        for (n, stride) in self.shape.iter().zip(&self.strides).rev() {
            if *n > 1 && *stride != step {
                return false;
            }
            step *= *n as isize;
        }
        true
    }

    /// Column-major without gaps?
    pub(crate) fn is_fortran(&self) -> bool {
        let mut step = self.itemsize as isize;
        for (n, stride) in self.shape.iter().zip(&self.strides) {
            if *n > 1 && *stride != step {
                return false;
            }
            step *= *n as isize;
        }
        true
    }

    /// The bytes of a contiguous view.
    pub(crate) fn bytes(&self) -> &[u8] {
        debug_assert!(self.is_contiguous());
        if self.nbytes() == 0 {
            return &[];
        }
        // SAFETY: the view lies inside the managed buffer, which its user holds.
        unsafe { ::core::slice::from_raw_parts(self.start, self.nbytes()) }
    }

    /// Calls `f` with the address of each item in row-major order; stops early when it returns false.
    pub(crate) fn each(&self, f: &mut dyn FnMut(*mut u8) -> bool) -> bool {
        self.each_from(0, self.start, f)
    }

    fn each_from(&self, dim: usize, at: *mut u8, f: &mut dyn FnMut(*mut u8) -> bool) -> bool {
        let Some(n) = self.shape.get(dim) else { return f(at) };
        // SAFETY: addresses inside the view.
        (0..*n).all(|i| self.each_from(dim + 1, unsafe { at.offset(self.strides[dim] * i as isize) }, f))
    }

    /// All items in row-major order.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        if self.is_contiguous() {
            return self.bytes().to_vec();
        }
        let mut out = Vec::with_capacity(self.nbytes());
        self.each(&mut |p| {
            // SAFETY: an item of the view.
            out.extend_from_slice(unsafe { ::core::slice::from_raw_parts(p, self.itemsize) });
            true
        });
        out
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::MEMORYVIEW),
    flags: type_flags::GC | type_flags::SEQUENCE | type_flags::WEAKREF,
    doc: "Create a new memoryview object which references the given object.",
    slots: Slots {
        repr: Some(ops::slot_repr),
        hash: Some(ops::slot_hash),
        compare: Some(ops::slot_compare),
        iter: Some(ops::slot_iter),
        new: Some(ops::new),
        len: Some(ops::slot_len),
        getitem: Some(ops::slot_getitem),
        setitem: Some(ops::slot_setitem),
        buffer: Some(slot_buffer),
        ..Slots::NONE
    },
    methods: methods::METHODS,
    getset: methods::GETSET,
    shared: Some(Shared::but(
        Safety::Bytes,
        &[
            (
                Safety::Constant,
                "c_contiguous contiguous f_contiguous format itemsize nbytes ndim obj readonly shape strides suboffsets",
            ),
            (Safety::Locked, "release"),
        ],
    )),
    ..TypeDef::of::<MemoryView>("memoryview")
};

impl MemoryView {
    /// The geometry, and the reference that keeps the memory in place while it is used. Errors: ValueError
    /// after `release`.
    pub(crate) fn hold<'a>(&'a self, th: &mut Thread) -> PyResult<(&'a View, Owned)> {
        // ORDERING Acquire: pairs with the Release of `release`.
        let alive = !self.released.load(Ordering::Acquire);
        match self.managed.get(&self.header).filter(|_| alive) {
            Some(m) => Ok((&self.view.0, m)),
            None => Err(th.value_error("operation forbidden on released memoryview object")),
        }
    }

    /// The object whose memory this is.
    fn owner(managed: &Owned) -> Owned {
        managed.payload::<ManagedBuffer>().buffer.owner.clone()
    }

    /// All items as bytes. Errors: ValueError after `release`.
    pub(crate) fn to_vec(&self, th: &mut Thread) -> PyResult<Vec<u8>> {
        let (view, _held) = self.hold(th)?;
        Ok(view.to_vec())
    }
}

/// A view of the memory that `managed` keeps.
pub(crate) fn make(th: &mut Thread, managed: Owned, view: View) -> Owned {
    th.alloc(MemoryView {
        header: unborn(),
        managed: Slot::new(managed),
        view: Data(view),
        released: AtomicBool::new(false),
        exports: AtomicUsize::new(0),
        hash: AtomicI64::new(0),
    })
}

/// `memoryview(o)`. Errors: TypeError "memoryview: a bytes-like object is required, not …".
pub fn of_object(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if let Some(m) = o.downcast::<MemoryView>() {
        let (view, managed) = m.hold(th)?;
        return Ok(make(th, managed, view.clone()));
    }
    let buffer = match crate::buffer::get_opt(th, o, BufferFlags { writable: false })? {
        Some(b) => b,
        None => {
            let msg = format!("memoryview: a bytes-like object is required, not '{}'", o.type_name(th));
            return Err(th.type_error(&msg));
        }
    };
    Ok(of_buffer(th, buffer))
}

/// A view that keeps `buffer` until it is released.
pub fn of_buffer(th: &mut Thread, buffer: Buffer) -> Owned {
    let layout = match &buffer.layout {
        Some(l) => (**l).clone(),
        None => Layout { shape: vec![buffer.items()], strides: vec![buffer.itemsize as isize] },
    };
    let view = View {
        start: buffer.ptr,
        readonly: buffer.readonly,
        format: buffer.format,
        itemsize: buffer.itemsize,
        shape: layout.shape,
        strides: layout.strides,
    };
    let managed = th.alloc(ManagedBuffer { header: unborn(), buffer });
    make(th, managed, view)
}

fn slot_buffer(th: &mut Thread, o: Borrowed<'_>, flags: BufferFlags) -> PyResult<Buffer> {
    let m = o.downcast::<MemoryView>().expect("self is a memoryview");
    let (view, held) = m.hold(th)?;
    if flags.writable && view.readonly {
        return Err(th.buffer_error("memoryview: underlying buffer is not writable"));
    }
    if !view.is_contiguous() {
        return Err(th.buffer_error("memoryview: underlying buffer is not C-contiguous"));
    }
    // ORDERING Relaxed: `release` looks under the GIL, or may lose the race like any earlier caller; the
    // managed buffer is held by the view in either case.
    m.exports.fetch_add(1, Ordering::Relaxed);
    drop(held);
    let layout = (view.shape.len() != 1)
        .then(|| Box::new(Layout { shape: view.shape.clone(), strides: view.strides.clone() }));
    Ok(Buffer {
        owner: o.to_owned(),
        ptr: view.start,
        len: view.nbytes(),
        readonly: view.readonly,
        format: view.format,
        itemsize: view.itemsize,
        release: Some(returned),
        layout,
    })
}

fn returned(owner: &Owned) {
    // ORDERING Release: our use of the bytes comes before what follows the view's release.
    owner.payload::<MemoryView>().exports.fetch_sub(1, Ordering::Release);
}
