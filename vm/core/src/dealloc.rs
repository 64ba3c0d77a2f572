//! Destruction of objects whose count reached zero.
//!
//! Objects wait on the thread's list, so destroying a deep structure needs no recursion, and no
//! `__del__` runs while a native holds a lock or is in the middle of an update.

use core::ptr;
use typhon_sync::prim::Ordering;

use typhon_sync::count::Fate;
use typhon_sync::header::{Header, OwnerId, gc_bits};

use crate::flags;
use crate::generator::Generator;
use crate::object::{Beside, Borrowed, Owned, Slot, drop_words};
use crate::quarantine;
use crate::shape::{self, Shape};
use crate::thread::Thread;
use crate::types::Type;
use crate::word::{UNCOUNTED, Word};

/// Destroys everything on the thread's list, and what dies of it.
#[cold]
#[inline(never)]
pub fn drain(th: &mut Thread) {
    if th.draining {
        return;
    }
    th.draining = true;
    while let Some(p) = th.pending_drops.pop() {
        // SAFETY: only dead objects are put on the list, each once.
        unsafe { destroy(th, p) }
    }
    th.draining = false;
}

/// Destroys a dead object now (its children may go to the list, which is then worked off).
///
/// # Safety
/// The count of `p` is zero and this is the only call for it.
#[inline]
pub unsafe fn dealloc(th: &mut Thread, p: *mut Header) {
    // SAFETY: passed on.
    unsafe { destroy(th, p) }
    th.drain_drops();
}

/// # Safety
/// As [`dealloc`].
unsafe fn destroy(th: &mut Thread, p: *mut Header) {
    // SAFETY: dead but still allocated, and ours alone.
    let h = unsafe { &*p };
    if h.is_retired() {
        return crate::reaper::retire(th, p);
    }
    // SAFETY: as above.
    let (mut ty, mut shape) = unsafe { type_of_dead(h) };
    // ORDERING Relaxed: nobody else uses a dead object.
    let may_be_seen = h.flags.load(Ordering::Relaxed) & flags::HAS_WEAKREFS != 0;
    if may_be_seen || ty.slots.finalize().is_some() {
        if !say_goodbye(th, h, ty) {
            return;
        }
        // It may have got attributes, or another class.
        // SAFETY: as above.
        (ty, shape) = unsafe { type_of_dead(h) };
    }
    let beside = quarantine::is_active();
    // SAFETY: an instance of `ty`; the slot goes back once.
    unsafe {
        th.heap.count_death(h);
        drop_contents(h, ty, shape, th.owner, beside);
        recycle_slot(th, p, quarantine::takes_slots(th));
    }
}

/// Runs the finaliser of an object that died, and empties weak references to it. False: it lives on.
#[cold]
#[inline(never)]
fn say_goodbye(th: &mut Thread, h: &Header, ty: &Type) -> bool {
    // ORDERING Relaxed: nobody else uses a dead object.
    let bits = h.gc.load(Ordering::Relaxed);
    let is_over = || Generator::of(Borrowed::from_header(h)).is_some_and(Generator::is_over);
    if ty.slots.finalize().is_some() && bits & gc_bits::FINALIZED == 0 && !is_over() && !finalize(th, h) {
        return false;
    }
    // ORDERING Relaxed: as above.
    if h.flags.load(Ordering::Relaxed) & flags::HAS_WEAKREFS != 0 {
        crate::weakref::clear_dead(th, h);
    }
    true
}

/// Destroys garbage of which each member has one reference more than members hold: private to this thread,
/// without weak references and finalisers that are to run. What dies of it is destroyed behind it.
///
/// # Safety
/// As said; nobody uses a member afterwards.
pub unsafe fn destroy_private(th: &mut Thread, members: &[*const Header]) {
    let beside = quarantine::is_active();
    for &member in members {
        // SAFETY: pinned; its class is no member, classes being of a deferred kind.
        unsafe {
            let object = &*member;
            object.condemn_private();
            let (ty, shape) = type_of_dead(object);
            drop_contents(object, ty, shape, th.owner, beside);
        }
    }
    let waits = quarantine::takes_slots(th);
    // Not before now: to drop a reference to a member is to write to its header.
    for &member in members {
        // SAFETY: its contents are gone, and with them every reference to it.
        unsafe {
            (*member).drop_condemned_private();
            recycle_slot(th, member.cast_mut(), waits);
        }
    }
    th.drain_drops();
}

/// The class of an object that nobody else uses any more, and its shape.
///
/// # Safety
/// As said; the class lives as long as the reference is used, which it does while its instance is there.
#[inline(always)]
unsafe fn type_of_dead<'a>(object: &Header) -> (&'a Type, &'static Shape) {
    // ORDERING Relaxed: nobody else uses it.
    let shape = shape::get(object.shape.load(Ordering::Relaxed));
    // SAFETY: says the caller.
    (unsafe { &*shape.ty() }, shape)
}

/// Drops what an object holds: its values, then its payload. From now on no collection looks at the object, which
/// no longer keeps its class alive.
///
/// # Safety
/// Dead or condemned, and emptied once; its death has been counted. Its class and shape. `me`: who the calling thread
/// is. `beside`: whether a quarantine is active.
#[inline(always)]
unsafe fn drop_contents(object: &Header, ty: &Type, shape: &Shape, me: OwnerId, beside: bool) {
    // SAFETY: an instance of `ty`; nobody else looks at a dead object, whose slots go away.
    unsafe { drop_words(me, ty.values_by(object, shape).iter().map(Slot::peek)) };
    if beside && ty.layout.0.beside == Beside::Locked {
        quarantine::pass_lock(object);
    }
    // SAFETY: the table belongs to the type the object begins with.
    unsafe { (ty.layout.0.drop)(ptr::from_ref(object).cast_mut()) }
    // ORDERING Relaxed: walks that must not meet it stop the world first; others look at the count, which is zero. A
    // bit that a search beside sets at this moment may be lost: nobody asks a dead object for it.
    object.gc.store(0, Ordering::Relaxed);
}

/// # Safety
/// The object's contents were dropped and its death has been counted; its slot goes back once.
#[inline(always)]
unsafe fn recycle_slot(th: &mut Thread, object: *mut Header, waits: bool) {
    if waits {
        quarantine::hold_slot(th, object);
    } else {
        // SAFETY: passed on.
        unsafe { th.heap.recycle(object) }
    }
}

/// Runs the finaliser once. False = the object lives on.
fn finalize(th: &mut Thread, h: &Header) -> bool {
    h.resurrect_begin(th.owner);
    // ORDERING AcqRel: whoever sets the bit runs the finaliser; the collector may try as well.
    if h.gc.fetch_or(gc_bits::FINALIZED, Ordering::AcqRel) & gc_bits::FINALIZED == 0 {
        run_finalizer(th, Borrowed::from_header(h));
    }
    match h.resurrect_end(th.owner) {
        Fate::Dead if h.is_retired() => {
            crate::reaper::retire(th, ptr::from_ref(h).cast_mut());
            false
        }
        Fate::Dead => true,
        Fate::Alive => false,
        Fate::Queue => {
            // SAFETY: queued objects stay allocated until their owner merges them.
            unsafe { crate::runtime::enqueue(h as *const Header as *mut Header) };
            false
        }
    }
}

/// Runs Python code for an object that dies: objects that die in it are destroyed in it, not behind it; those that
/// wait go on waiting, and the exception on its way stays.
pub(crate) fn interlude(th: &mut Thread, run: impl FnOnce(&mut Thread)) {
    let saved = th.take_exc();
    let draining = core::mem::replace(&mut th.draining, false);
    let waiting = th.set_aside.len();
    th.set_aside.append(&mut th.pending_drops);
    run(th);
    th.drain_drops();
    th.pending_drops.extend(th.set_aside.drain(waiting..));
    th.draining = draining;
    if let Some(exc) = saved {
        let _ = th.set_exc(exc);
    }
}

/// Calls the type's finaliser in an [`interlude`]; an exception in it is reported as unraisable.
pub fn run_finalizer(th: &mut Thread, obj: Borrowed<'_>) {
    let Some(f) = obj.ty().slots.finalize() else { return };
    interlude(th, |th| {
        let Err(raised) = f(th, obj) else { return };
        let exc = th.catch(raised);
        // A built-in type's own finaliser has a wrapper of this name, too.
        let del = th.rt.names.__del__.get();
        let method = if Generator::of(obj).is_some() { None } else { obj.ty().lookup(del) };
        let (what, shown) = match method {
            Some(method) => ("calling deallocator", method.borrow().repr_text(th)),
            None => ("closing generator", obj.repr_text(th)),
        };
        let shown = shown.unwrap_or_else(|raised| {
            drop(th.catch(raised));
            String::from("<object repr() failed>")
        });
        let msg = format!("Exception ignored while {what} {shown}");
        crate::report::unraisable(th, exc, Some(&msg), None);
    });
}

/// Drops the count of a stack word whose fast drop failed, and destroys what dies of it now.
///
/// # Safety
/// A counted word that left the stack; the current record is saved.
#[inline(never)]
pub unsafe fn drop_last(th: &mut Thread, w: Word) {
    let p = w.ptr();
    // SAFETY: the word owns a count.
    match unsafe { (*p).decref(th.owner) } {
        Fate::Alive => {}
        Fate::Dead if th.draining => th.pending_drops.push(p),
        // SAFETY: just died.
        Fate::Dead => unsafe { destroy(th, p) },
        // SAFETY: queued objects stay allocated until their owner merges them.
        Fate::Queue => unsafe { crate::runtime::enqueue(p) },
    }
    th.drain_drops();
}

/// Drops a raw stack word: what owns a count gives it back.
///
/// # Safety
/// The word came off the stack and is forgotten there.
#[inline(always)]
pub unsafe fn drop_word(w: Word) {
    if w.is_counted() {
        // SAFETY: a counted word owns its count.
        drop(unsafe { Owned::from_raw(w) })
    }
}

/// The stack word of an owned value: bit 3 stays for immortals, all others own their count.
#[inline(always)]
pub fn stack_word(v: Owned) -> Word {
    debug_assert!(
        !v.word().is_ptr()
            || v.word().0 & UNCOUNTED == 0
            || v.borrow().header().is_some_and(|h| h.is_immortal())
    );
    v.into_raw()
}
