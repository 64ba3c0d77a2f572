//! Weak references: `weakref.ref`, proxies, and what happens to them when their object dies.
//!
//! A weak reference holds the address of its object without a count. It is read by
//! [`typhon_gc::WeakTable::upgrade`], which takes a count or finds the object dead; the table of
//! [`typhon_gc::WeakTable`] knows who refers to whom.

pub mod proxy;

use typhon_sync::prim::{AtomicI64, AtomicPtr, Ordering};

use typhon_gc::WeakTable;
use typhon_sync::header::Header;

use crate::dealloc::interlude;
use crate::flags;
use crate::object::{Borrowed, Data, Owned, PyResult, Slot};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, drop_count, me, unborn};
use crate::typedef::{GetSetDef, TypeDef, type_flags};
use crate::types::Type;
use crate::word::Word;

/// Declares a payload with the fields of a weak reference: references and proxies share their layout.
macro_rules! weak_payload {
    ($(#[$m:meta])* $name:ident: $def:ident) => {
        crate::payload! {
            $(#[$m])*
            pub struct $name: $def {
                /// Address of the object; null once it died.
                pub(super) referent: Data<AtomicPtr<Header>>,
                /// Called with the reference when the object has died; empty for none.
                pub callback: Slot,
                /// Hash of the object, -1 = not asked for yet.
                pub(super) hash: AtomicI64,
                /// Address under which the table knows this reference; null once it has forgotten it.
                pub(super) registered: Data<AtomicPtr<Header>>,
            }
        }
    };
}
use weak_payload;

weak_payload! {
    /// A weak reference.
    WeakRef: REF
}

/// Frees like any payload, and leaves the table before.
const LAYOUT: crate::typedef::Layout = {
    unsafe fn drop_ref(o: *mut Header) {
        // SAFETY: used for weak references only.
        let w = unsafe { &*(o as *const WeakRef) };
        unregister(w);
        // SAFETY: the count is zero; dropped once.
        unsafe { core::ptr::drop_in_place(o as *mut WeakRef) }
    }
    crate::typedef::Layout { drop: drop_ref, ..crate::typedef::Layout::of::<WeakRef>() }
};

pub static REF: TypeDef = TypeDef {
    module: "weakref",
    flags: type_flags::GC | type_flags::BASE,
    layout: LAYOUT,
    slots: Slots {
        new: Some(new),
        init: Some(init),
        call: Some(call),
        hash: Some(hash),
        compare: Some(compare),
        repr: Some(repr),
        ..Slots::NONE
    },
    methods: &[crate::builtins::generic_alias::CLASS_GETITEM],
    getset: &[GetSetDef::get("__callback__", |_, o| {
        let w = this(o);
        Ok(w.callback.get(&w.header).filter(|_| is_alive(w)).unwrap_or_else(Owned::none))
    })],
    ..TypeDef::of::<WeakRef>("ReferenceType")
};

/// Types that this module makes.
pub static TYPES: &[&TypeDef] = &[&REF, &proxy::PROXY, &proxy::CALLABLE_PROXY];

fn this(o: Borrowed<'_>) -> &WeakRef {
    payload(o).expect("self")
}

/// The payload of a weak reference or proxy.
fn payload(o: Borrowed<'_>) -> Option<&WeakRef> {
    if let Some(w) = o.downcast::<WeakRef>() {
        return Some(w);
    }
    let ty = o.ty();
    if core::ptr::eq(ty, proxy::PROXY.ty()) || core::ptr::eq(ty, proxy::CALLABLE_PROXY.ty()) {
        // SAFETY: proxies have this payload.
        Some(unsafe { &*(o.word().ptr() as *const WeakRef) })
    } else {
        None
    }
}

fn table() -> &'static WeakTable {
    &crate::runtime::rt().collecting.collector.weakrefs
}

/// The object, if it is alive.
pub fn get(w: &WeakRef) -> Option<Owned> {
    // ORDERING Acquire: pairs with the Release that stored the address.
    let load = || w.referent.0.load(Ordering::Acquire).cast_const();
    // SAFETY: `upgrade` took a count.
    let p = table().upgrade(load, me(), |other| unsafe { drop_count(other.cast_mut()) })?;
    // SAFETY: `upgrade` took a count.
    Some(unsafe { Owned::from_raw(Word::from_ptr(p)) })
}

fn is_alive(w: &WeakRef) -> bool {
    // ORDERING Acquire: as in `get`.
    !w.referent.0.load(Ordering::Acquire).is_null()
}

/// Empties a reference; part of the object's death.
pub(crate) fn detach(w: &Header) {
    // SAFETY: the table holds weak references and proxies only.
    let w = unsafe { &*(w as *const Header as *const WeakRef) };
    // ORDERING Release: pairs with the Acquire in `get`.
    w.referent.0.store(core::ptr::null_mut(), Ordering::Release);
    // ORDERING Relaxed: the table has forgotten the reference, under the lock of its stripe.
    w.registered.0.store(core::ptr::null_mut(), Ordering::Relaxed);
}

/// Does the reference at `w` have a callback?
pub(crate) fn has_callback(w: &Header) -> bool {
    // SAFETY: as in `detach`.
    !unsafe { &*(w as *const Header as *const WeakRef) }.callback.is_empty()
}

fn unregister(w: &WeakRef) {
    // ORDERING Relaxed: this thread owns the dying reference.
    let p = w.registered.0.load(Ordering::Relaxed);
    if !p.is_null() {
        // SAFETY: registered for `p`, and not yet freed. False: the object died meanwhile.
        unsafe { table().unregister(p, &w.header) };
    }
}

/// May weak references to `o` be made?
fn is_weakly_referenceable(o: Borrowed<'_>) -> bool {
    o.header().is_some() && o.ty().has_flag(type_flags::WEAKREF)
}

/// A new reference of class `ty`, or the one without a callback that exists.
fn make(th: &mut Thread, ty: &Type, o: Borrowed<'_>, callback: Option<Borrowed<'_>>) -> PyResult {
    let Some(h) = o.header().filter(|_| is_weakly_referenceable(o)) else {
        let msg = format!("cannot create weak reference to '{}' object", o.type_name(th));
        return Err(th.type_error(&msg));
    };
    Ok(make_any(th, ty, h, callback))
}

fn make_any(th: &mut Thread, ty: &Type, h: &Header, callback: Option<Borrowed<'_>>) -> Owned {
    let shareable = callback.is_none() && ty.def.0.is_some();
    if shareable {
        let root = ty.root_shape();
        let found = table().find(h, me(), |w| {
            // ORDERING Relaxed: a built-in type's shape never changes.
            w.shape.load(Ordering::Relaxed) == root && !has_callback(w)
        });
        if let Some(p) = found {
            // SAFETY: `find` took a count.
            return unsafe { Owned::from_raw(Word::from_ptr(p)) };
        }
    }
    let address = h as *const Header as *mut Header;
    let w = WeakRef {
        header: unborn(),
        referent: Data(AtomicPtr::new(address)),
        callback: Slot::from_option(callback.map(|c| c.to_owned())),
        hash: AtomicI64::new(-1),
        registered: Data(AtomicPtr::new(address)),
    };
    let v = proxy::alloc(th, w, ty);
    table().register(h, v.borrow().header().expect("just made"));
    v
}

fn new(th: &mut Thread, ty: &Type, a: Args<'_>) -> PyResult {
    let (o, callback) = match a.pos() {
        &[o] => (o, None),
        &[o, c] => (o, Some(c).filter(|c| !c.is_none())),
        other => {
            let msg = if other.is_empty() {
                String::from("__new__ expected at least 1 argument, got 0")
            } else {
                format!("__new__ expected at most 2 arguments, got {}", other.len())
            };
            return Err(th.type_error(&msg));
        }
    };
    if a.has_keywords() && core::ptr::eq(ty, REF.ty()) {
        return Err(th.type_error("ref() takes no keyword arguments"));
    }
    make(th, ty, o, callback)
}

fn init(th: &mut Thread, _o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    // `__new__` did the work; a subclass passes on what it was called with.
    if a.pos().len() > 2 {
        let msg = format!("__init__ expected at most 2 arguments, got {}", a.pos().len());
        return Err(th.type_error(&msg));
    }
    Ok(())
}

fn call(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult {
    if !a.all.is_empty() {
        let msg = format!("ReferenceType() takes no arguments ({} given)", a.all.len());
        return Err(th.type_error(&msg));
    }
    Ok(get(this(o)).unwrap_or_else(Owned::none))
}

fn hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let w = this(o);
    // ORDERING Relaxed: every thread computes the same value.
    let known = w.hash.load(Ordering::Relaxed);
    if known != -1 {
        return Ok(known);
    }
    let Some(referent) = get(w) else { return Err(th.type_error("weak object has gone away")) };
    let h = referent.borrow().hash(th)?;
    // ORDERING Relaxed: as above.
    w.hash.store(h, Ordering::Relaxed);
    Ok(h)
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Owned::not_implemented());
    }
    let (Some(x), Some(y)) = (a.downcast::<WeakRef>(), b.downcast::<WeakRef>()) else {
        return Ok(Owned::not_implemented());
    };
    match (get(x), get(y)) {
        (Some(x), Some(y)) => x.borrow().compare(th, y.borrow(), op),
        _ => Ok(Owned::bool(a.is(b.word()) == (op == CompareOp::Eq))),
    }
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let address = o.word().identity();
    let kind = if o.downcast::<WeakRef>().is_some() { "weakref" } else { "weakproxy" };
    let text = match get(this(o)) {
        None => format!("<{kind} at {address:#x}; dead>"),
        Some(v) => {
            let target = v.word().identity();
            let class = crate::builtins::type_::full_name(th, v.borrow().ty());
            // As of the class alone: an object's own `__getattr__` is not asked.
            let name = th.rt.names.__name__.get();
            let name = v.borrow().special(th, name)?;
            match name.as_ref().and_then(|n| n.downcast::<crate::builtins::str::Str>()) {
                Some(n) => format!("<{kind} at {address:#x}; to '{class}' at {target:#x} ({})>", n.to_text()),
                None => format!("<{kind} at {address:#x}; to '{class}' at {target:#x}>"),
            }
        }
    };
    Ok(th.new_str(&text))
}

/// `weakref.ref(o)`
pub fn new_ref(th: &mut Thread, o: Borrowed<'_>, callback: Option<Borrowed<'_>>) -> PyResult {
    make(th, REF.ty(), o, callback)
}

/// As [`new_ref`], to an object of any type, also one that Python code can make no weak reference to. `None`: it is
/// not on the heap.
pub fn watch(th: &mut Thread, o: Borrowed<'_>) -> Option<Owned> {
    o.header().map(|h| make_any(th, REF.ty(), h, None))
}

/// Number of weak references and proxies to `o`.
pub fn count(o: Borrowed<'_>) -> usize {
    o.header().map_or(0, |h| table().count(h))
}

/// All living weak references and proxies to `o`: the one that everybody shares first, then the shared
/// proxy, then the others, the youngest first.
pub fn all(o: Borrowed<'_>) -> Vec<Owned> {
    let found = o.header().map_or_else(Vec::new, |h| table().all(h, me()));
    // SAFETY: `all` took a count of each.
    let mut all: Vec<Owned> =
        found.into_iter().rev().map(|p| unsafe { Owned::from_raw(Word::from_ptr(p)) }).collect();
    all.sort_by_key(|w| match w.borrow().header() {
        Some(h) if !has_callback(h) && core::ptr::eq(w.borrow().ty(), REF.ty()) => 0,
        Some(h) if !has_callback(h) && w.downcast::<WeakRef>().is_none() => 1,
        _ => 2,
    });
    all
}

/// Clears the weak references to a dying object and runs their callbacks, newest first.
pub fn clear_dead(th: &mut Thread, h: &Header) {
    // A callback may be where another thread's collection stops this one: the class is needed after.
    let _class = Borrowed::from_header(h).ty().as_value().to_owned();
    let taken = table().take_all(h, me(), detach);
    for p in taken {
        // SAFETY: `take_all` took a count of each.
        let w = unsafe { Owned::from_raw(Word::from_ptr(p)) };
        run_callback(th, w.borrow());
    }
}

/// Calls the callback of a detached reference, once, in an [`interlude`]; an exception in it is reported.
pub(crate) fn run_callback(th: &mut Thread, o: Borrowed<'_>) {
    let Some(w) = payload(o) else { return };
    let Some(callback) = w.callback.clear(&w.header) else { return };
    interlude(th, |th| {
        let Err(raised) = callback.borrow().call(th, &[o]) else { return };
        let exc = th.catch(raised);
        crate::report::unraisable(
            th,
            exc,
            Some("Exception ignored while calling weakref callback"),
            Some(callback.borrow()),
        );
    });
}

/// Has the object weak references at all? One load.
#[inline(always)]
pub fn has_any(h: &Header) -> bool {
    // ORDERING Relaxed: see `typhon_gc::weakref::has_weakrefs`.
    h.flags.load(Ordering::Relaxed) & flags::HAS_WEAKREFS != 0
}

/// The oldest weak reference to an object, for `__weakref__`.
pub fn first(_th: &mut Thread, o: Borrowed<'_>) -> Option<Owned> {
    let p = table().find(o.header()?, me(), |_| true)?;
    // SAFETY: `find` took a count.
    Some(unsafe { Owned::from_raw(Word::from_ptr(p)) })
}
