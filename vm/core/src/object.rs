//! References: who owns a count, who only looks, and how a shared slot is read.
//!
//! * [`Owned`] holds one count (or needs none) and gives it back when dropped.
//! * [`Borrowed`] is a word that somebody else keeps alive for `'a`.
//! * [`Slot`] is a shared field of an object: any thread may read it at any time.
//!
//! Invariants
//! * OB-1: a pointer in an `Owned` has bit 3 clear and owns one count, or has bit 3 set and is
//!   immortal.
//! * OB-2: a pointer in a `Slot` with bit 3 clear owns one count; with bit 3 set it is immortal, or of a
//!   deferred kind and still owns one count (bit 3 then only permits loading it without a count).
//! * OB-3: a pointer on the evaluation stack with bit 3 set owns nothing: its object is immortal, or of a deferred
//!   kind, or shared ([`crate::reaper`]), or held by a local of the frame or its caller for as long.

use core::marker::PhantomData;
use core::num::NonZeroU64;
use typhon_sync::prim::{AtomicU64, Ordering};

use typhon_sync::header::{Header, OwnerId, gc_bits};

use crate::shape::{self, Shape};
use crate::thread::{self, Thread};
use crate::typedef::{TypeDef, TypeId};
use crate::types::Type;
use crate::word::{UNCOUNTED, Word};

/// "A Python exception is set on the thread." Zero-size, so a `PyResult` is one word.
#[derive(Debug)]
#[must_use = "the exception is on the thread: return it or clear it"]
pub struct Raised(pub(crate) ());

/// What everything that can raise returns.
pub type PyResult<T = Owned> = Result<T, Raised>;

/// A value that holds its own count.
#[repr(transparent)]
pub struct Owned(NonZeroU64);

/// A value that somebody else keeps alive for `'a`: an argument on the stack, a field of an object
/// that is itself held.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Borrowed<'a>(NonZeroU64, PhantomData<&'a Header>);

const _: () = assert!(size_of::<PyResult>() == 8);

impl Owned {
    /// Takes over the count that `w` owns.
    ///
    /// # Safety
    /// * `w` is a live value (not [`Word::ZERO`]) and obeys OB-1.
    /// * The count is not given back by anybody else.
    #[inline(always)]
    pub unsafe fn from_raw(w: Word) -> Owned {
        debug_assert!(w.0 != 0);
        // SAFETY: a live value is never the word 0.
        Owned(unsafe { NonZeroU64::new_unchecked(w.0) })
    }

    /// The owned value of a word that came out of a slot.
    ///
    /// # Safety
    /// The word owned what slot words own (OB-2) and is forgotten elsewhere; it is not empty.
    pub unsafe fn from_slot_word(w: Word) -> Owned {
        // SAFETY: by contract.
        unsafe { own_slot_word(w) }.expect("the word of a value")
    }

    /// An int, float or constant word, or an immortal object: no count to own.
    #[inline(always)]
    pub fn from_const(w: Word) -> Owned {
        debug_assert!(!w.is_counted() && w.0 != 0);
        // SAFETY: without a count there is nothing that could be given back twice.
        unsafe { Owned::from_raw(w) }
    }

    #[inline(always)]
    pub fn none() -> Owned {
        Owned::from_const(Word::NONE)
    }

    #[inline(always)]
    pub fn bool(b: bool) -> Owned {
        Owned::from_const(Word::bool(b))
    }

    #[inline(always)]
    pub fn not_implemented() -> Owned {
        Owned::from_const(Word::NOT_IMPLEMENTED)
    }

    /// Gives the count to the caller.
    #[inline(always)]
    pub fn into_raw(self) -> Word {
        let w = Word(self.0.get());
        core::mem::forget(self);
        w
    }

    #[inline(always)]
    pub fn word(&self) -> Word {
        Word(self.0.get())
    }

    #[inline(always)]
    pub fn borrow(&self) -> Borrowed<'_> {
        Borrowed(self.0, PhantomData)
    }

    /// Is this the very same object? (Python's `is`.)
    #[inline(always)]
    pub fn is(&self, w: Word) -> bool {
        self.word().is(w)
    }

    #[inline(always)]
    pub fn is_none(&self) -> bool {
        self.word() == Word::NONE
    }

    #[inline(always)]
    pub fn is_not_implemented(&self) -> bool {
        self.word() == Word::NOT_IMPLEMENTED
    }

    /// The payload, if the type is `T` or a subclass of it.
    #[inline(always)]
    pub fn downcast<T: Payload>(&self) -> Option<&T> {
        self.borrow().downcast::<T>()
    }

    /// The payload of an object that was just made as a `T`.
    #[inline(always)]
    pub fn payload<T: Payload>(&self) -> &T {
        debug_assert!(self.downcast::<T>().is_some());
        // SAFETY: by contract the object is a `T` (checked in debug builds).
        unsafe { &*(self.word().ptr() as *const T) }
    }
}

impl Clone for Owned {
    #[inline(always)]
    fn clone(&self) -> Owned {
        self.borrow().to_owned()
    }
}

impl Drop for Owned {
    #[inline(always)]
    fn drop(&mut self) {
        let w = self.word();
        if w.is_counted() {
            // SAFETY: OB-1, this value owns the count.
            unsafe { thread::drop_count(w.ptr()) }
        }
    }
}

impl core::fmt::Debug for Owned {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.word().fmt(f)
    }
}

impl core::fmt::Debug for Borrowed<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.word().fmt(f)
    }
}

impl<'a> Borrowed<'a> {
    /// # Safety
    /// `w` is a live value (or [`Word::NULL`]) that stays alive for `'a`.
    #[inline(always)]
    pub unsafe fn from_raw(w: Word) -> Borrowed<'a> {
        debug_assert!(w.0 != 0);
        // SAFETY: a live value is never the word 0.
        Borrowed(unsafe { NonZeroU64::new_unchecked(w.0) }, PhantomData)
    }

    /// A word that is not a reference.
    #[inline(always)]
    pub fn from_const(w: Word) -> Borrowed<'static> {
        debug_assert!(!w.is_ptr());
        // SAFETY: not a reference, so it lives for ever.
        unsafe { Borrowed::from_raw(w) }
    }

    #[inline(always)]
    pub fn none() -> Borrowed<'static> {
        Borrowed::from_const(Word::NONE)
    }

    /// "Argument not given."
    #[inline(always)]
    pub fn null() -> Borrowed<'static> {
        Borrowed::from_const(Word::NULL)
    }

    /// The object at `h`, kept alive by whoever lends `h`.
    #[inline(always)]
    pub fn from_header(h: &'a Header) -> Borrowed<'a> {
        // SAFETY: `h` is alive for 'a, hence so is the object.
        unsafe { Borrowed::from_raw(Word(Word::from_ptr(h).0 | UNCOUNTED)) }
    }

    #[inline(always)]
    pub fn from_payload<T: Payload>(p: &'a T) -> Borrowed<'a> {
        // SAFETY: `Payload` promises a header at offset 0.
        Borrowed::from_header(unsafe { &*(p as *const T as *const Header) })
    }

    #[inline(always)]
    pub fn word(self) -> Word {
        Word(self.0.get())
    }

    /// Keeps the value beyond `'a`: one increment, or none for numbers, constants and immortals.
    #[inline(always)]
    pub fn to_owned(self) -> Owned {
        let w = self.word();
        if !w.is_ptr() {
            return Owned(self.0);
        }
        // SAFETY: alive for 'a.
        let h = unsafe { &*w.ptr() };
        h.incref(thread::me());
        // An immortal object keeps bit 3 (OB-1): nobody needs to look at its header again.
        let bit = if w.0 & UNCOUNTED != 0 && h.is_immortal() { UNCOUNTED } else { 0 };
        // SAFETY: the count was just taken, or is not needed.
        unsafe { Owned::from_raw(Word(w.ptr() as u64 | bit)) }
    }

    #[inline(always)]
    pub fn is(self, w: Word) -> bool {
        self.word().is(w)
    }

    #[inline(always)]
    pub fn is_none(self) -> bool {
        self.word() == Word::NONE
    }

    /// Was this optional argument not given?
    #[inline(always)]
    pub fn is_null(self) -> bool {
        self.word() == Word::NULL
    }

    /// The header, if the value is an object on the heap.
    #[inline(always)]
    pub fn header(self) -> Option<&'a Header> {
        let w = self.word();
        // SAFETY: a pointer word points at a live header for 'a.
        if w.is_ptr() { Some(unsafe { &*w.ptr() }) } else { None }
    }

    /// The shape id: of the object, or of the built-in type of a number or constant.
    #[inline(always)]
    pub fn shape_id(self) -> u32 {
        shape_id_of(self.word())
    }

    #[inline(always)]
    pub fn shape(self) -> &'static Shape {
        shape::get(self.shape_id())
    }

    /// The type (class) of the value.
    #[inline(always)]
    pub fn ty(self) -> &'a Type {
        // SAFETY: a class lives at least as long as its instances; the world keeps built-in ones.
        unsafe { &*self.shape().ty() }
    }

    /// Is the type exactly this built-in one?
    #[inline(always)]
    pub fn is_exact(self, id: TypeId) -> bool {
        self.shape_id() == id.shape()
    }

    /// The payload, if the type is exactly `T` (no subclass).
    #[inline(always)]
    pub fn downcast_exact<T: Payload>(self) -> Option<&'a T> {
        let w = self.word();
        if !w.is_ptr() {
            return None;
        }
        // SAFETY: pointer words point at live headers; the shape id proves the layout.
        unsafe {
            // ORDERING Relaxed: a built-in type's own shape never changes after birth.
            if (*w.ptr()).shape.load(Ordering::Relaxed) == T::DEF.id.shape() {
                Some(&*(w.ptr() as *const T))
            } else {
                None
            }
        }
    }

    /// The payload, if the type is `T` or a subclass of it.
    #[inline(always)]
    pub fn downcast<T: Payload>(self) -> Option<&'a T> {
        if let Some(p) = self.downcast_exact::<T>() {
            return Some(p);
        }
        if self.word().is_ptr() && self.is_instance_of(T::DEF) {
            // SAFETY: a subclass begins with the layout of its base.
            Some(unsafe { &*(self.word().ptr() as *const T) })
        } else {
            None
        }
    }

    /// Real (not virtual) instance of a built-in type or a subclass of it.
    #[inline]
    pub fn is_instance_of(self, def: &'static TypeDef) -> bool {
        let shape = self.shape();
        if def.kind != 0 { shape.kind() & def.kind != 0 } else { self.ty().is_subtype_of(def.ty()) }
    }

    /// A longer life, for values that the caller keeps alive by other means.
    ///
    /// # Safety
    /// The value stays alive for `'b`.
    #[inline(always)]
    pub unsafe fn extend<'b>(self) -> Borrowed<'b> {
        Borrowed(self.0, PhantomData)
    }
}

/// Shape id of any word.
#[inline(always)]
pub fn shape_id_of(w: Word) -> u32 {
    if w.is_ptr() {
        // SAFETY: pointer words point at live headers.
        // ORDERING Relaxed: a shape id is published by the store that published the object; a later
        // transition is re-checked by whoever relies on it.
        unsafe { (*w.ptr()).shape.load(Ordering::Relaxed) }
    } else {
        shape::id_of_immediate(w)
    }
}

/// A type whose instances live on our heap.
///
/// # Safety
/// * The type is `#[repr(C)]` and its first field is a [`Header`].
/// * [`Trace::trace`] reports every counted reference that the payload holds.
///
/// The macro [`crate::payload!`] is the only implementor.
pub unsafe trait Payload: Trace + Sized + 'static {
    const DEF: &'static TypeDef;
}

/// How a value is traced while the world is not stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// At any time: every reference is a [`Slot`] or fixed at birth, and lies in the object itself or in a
    /// buffer that is freed through [`crate::quarantine`].
    Always,
    /// Under the object's lock, which whoever changes the value holds as well; or the value never changes.
    Locked,
    /// Not at all: what it refers to counts as held by somebody unknown.
    Never,
}

impl Beside {
    /// How both of two values may be traced.
    #[must_use]
    pub const fn and(self, other: Beside) -> Beside {
        match (self, other) {
            (Beside::Never, _) | (_, Beside::Never) => Beside::Never,
            (Beside::Locked, _) | (_, Beside::Locked) => Beside::Locked,
            _ => Beside::Always,
        }
    }
}

/// Reports the references inside a value to the collector (each counted reference once).
pub trait Trace {
    /// How a collector may call [`Trace::trace`] while mutators use the value.
    const BESIDE: Beside = Beside::Never;

    /// Whether [`Trace::trace_uncounted`] reports anything.
    const UNCOUNTED: bool = false;

    fn trace(&self, visit: &mut dyn FnMut(Word));
    /// Reports the objects that the value keeps alive without counting them ([`crate::held::Held`]).
    fn trace_uncounted(&self, _visit: &mut dyn FnMut(*const Header)) {}
    /// Drops every reference inside, leaving a value that can still be dropped and looked at.
    fn clear(&mut self, _drop: &mut dyn FnMut(Word)) {}
}

/// A shared field that holds one value or is empty ([`Word::UNBOUND`]).
///
/// Who may write: anyone, by a swap; a container with several related fields writes under its
/// object lock. A reader sees some value that the slot held at one instant during the read.
#[repr(transparent)]
pub struct Slot(AtomicU64);

impl Slot {
    #[inline(always)]
    pub fn empty() -> Slot {
        Slot(AtomicU64::new(Word::UNBOUND.0))
    }

    #[inline(always)]
    pub fn new(v: Owned) -> Slot {
        Slot(AtomicU64::new(v.into_raw().0))
    }

    #[inline(always)]
    pub fn from_option(v: Option<Owned>) -> Slot {
        v.map_or_else(Slot::empty, Slot::new)
    }

    /// The word as it stands; for identity tests and for the collector.
    #[inline(always)]
    pub fn peek(&self) -> Word {
        // ORDERING Acquire: pairs with the Release of `set`: the object's body is visible.
        Word(self.0.load(Ordering::Acquire))
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.peek() == Word::UNBOUND
    }

    /// The value of a slot that nobody changes after construction (tuple items, a function's code):
    /// no re-check, no lock, alive as long as its object.
    #[inline(always)]
    pub fn fixed(&self) -> Option<Borrowed<'_>> {
        let w = self.peek();
        // SAFETY: by contract the slot is not written while `self` is borrowed.
        if w == Word::UNBOUND { None } else { Some(unsafe { Borrowed::from_raw(w.uncounted()) }) }
    }

    /// The present value, owned; `of` is the object that the slot is a part of (its lock is the
    /// fallback when another thread's object is seen for the first time).
    ///
    /// Cost: two loads and an increment for objects of this thread.
    #[inline(always)]
    pub fn get(&self, of: &Header) -> Option<Owned> {
        let w = self.peek();
        if !w.is_ptr() {
            return if w == Word::UNBOUND { None } else { Some(Owned::from_const(w)) };
        }
        // SAFETY: slots of the heap are type-stable, so even a stale pointer points at a header; the
        // owner test and the re-check below decide whether it may be used.
        let h = unsafe { &*w.ptr() };
        if h.is_owned_by(thread::me()) {
            h.incref(thread::me());
            // SAFETY: the count was just taken.
            return Some(unsafe { Owned::from_raw(Word(w.ptr() as u64)) });
        }
        if w.0 & UNCOUNTED != 0 && h.is_immortal() && self.peek() == w {
            return Some(Owned::from_const(w));
        }
        self.get_foreign(of)
    }

    #[cold]
    #[inline(never)]
    fn get_foreign(&self, of: &Header) -> Option<Owned> {
        for _ in 0..3 {
            let w = self.peek();
            if !w.is_ptr() {
                return if w == Word::UNBOUND { None } else { Some(Owned::from_const(w)) };
            }
            // SAFETY: type-stable memory, as in `get`.
            let h = unsafe { &*w.ptr() };
            if h.is_immortal() {
                return Some(Owned::from_const(Word(w.ptr() as u64 | UNCOUNTED)));
            }
            if h.try_incref(thread::me()) {
                // SAFETY: the count was just taken.
                let v = unsafe { Owned::from_raw(Word(w.ptr() as u64)) };
                if self.peek() == w {
                    crate::reaper::note_count(h);
                    return Some(v);
                }
            } else if self.peek() == w {
                break;
            }
        }
        // Under the container's lock nobody can take the value out of the slot, so it is alive, and
        // publishing it makes the next optimistic read succeed.
        let _guard = thread::lock_object(of);
        let w = self.peek();
        if !w.is_ptr() {
            return if w == Word::UNBOUND { None } else { Some(Owned::from_const(w)) };
        }
        // SAFETY: pinned by the lock.
        let h = unsafe { &*w.ptr() };
        h.publish();
        // SAFETY: pinned by the lock for the time of this call.
        Some(unsafe { Borrowed::from_raw(Word(w.ptr() as u64 | UNCOUNTED)) }.to_owned())
    }

    /// Stores a value and returns the old one. The caller holds the lock of the slot's object in free
    /// mode whenever a concurrent reader could be in [`Slot::get`]'s locked fallback.
    #[inline(always)]
    pub fn swap(&self, v: Owned) -> Option<Owned> {
        self.swap_word(v.into_raw())
    }

    /// Empties the slot.
    #[inline(always)]
    pub fn take(&self) -> Option<Owned> {
        self.swap_word(Word::UNBOUND)
    }

    /// As [`Slot::take`], without a read-modify-write.
    ///
    /// # Safety
    /// Nobody else writes the slot: its object is dead, or garbage that the caller takes apart, or the world
    /// is stopped. A collector may read it.
    #[inline(always)]
    pub unsafe fn take_alone(&self) -> Option<Owned> {
        let w = self.peek();
        // ORDERING Relaxed: an empty slot publishes nothing.
        self.0.store(Word::UNBOUND.0, Ordering::Relaxed);
        // SAFETY: the slot's count is now ours (OB-2).
        unsafe { own_slot_word(w) }
    }

    #[inline(always)]
    fn swap_word(&self, w: Word) -> Option<Owned> {
        // ORDERING AcqRel: Release publishes the new object's body; Acquire covers the old one's.
        let old = Word(self.0.swap(w.0, Ordering::AcqRel));
        // SAFETY: the slot's count is now ours (OB-2).
        unsafe { own_slot_word(old) }
    }

    /// Stores a value under the lock of object `of` (skipped in GIL mode) and drops the old one.
    #[inline]
    pub fn set(&self, of: &Header, v: Owned) {
        let old = {
            let _guard = thread::lock_object(of);
            self.swap(v)
        };
        drop(old);
    }

    /// Empties the slot under the lock of object `of`.
    #[inline]
    pub fn clear(&self, of: &Header) -> Option<Owned> {
        let _guard = thread::lock_object(of);
        self.take()
    }

    /// Plain store of a word; the caller owns the place (birth, lock held) and the old content.
    #[inline(always)]
    pub fn store_raw(&self, w: Word) {
        // ORDERING Release: publishes the new object's body to `peek`.
        self.0.store(w.0, Ordering::Release);
    }
}

/// Turns what was taken out of a slot into an owned value.
///
/// # Safety
/// `w` came out of a slot (OB-2) and the slot no longer holds it.
#[inline(always)]
pub unsafe fn own_slot_word(w: Word) -> Option<Owned> {
    if w == Word::UNBOUND || w.0 == 0 {
        return None;
    }
    let w = if w.0 & 15 == UNCOUNTED {
        // SAFETY: the slot kept it alive and its count (if any) is now ours.
        if unsafe { (*w.ptr()).is_immortal() } { w } else { Word(w.0 & !UNCOUNTED) }
    } else {
        w
    };
    // SAFETY: OB-2 turned into OB-1 above.
    Some(unsafe { Owned::from_raw(w) })
}

/// Drops what the slots of a dead object's buffer hold. Nobody else looks at them, so they keep their words.
///
/// # Safety
/// The words came out of slots (OB-2) and are forgotten there; the calling thread counts as `me`.
#[inline(always)]
pub(crate) unsafe fn drop_words(me: OwnerId, words: impl Iterator<Item = Word>) {
    for w in words {
        // SAFETY: the slot's count, if it has one, is ours.
        unsafe {
            if w.is_counted() {
                if w != Word::ZERO {
                    thread::drop_count_of(me, w.ptr());
                }
            } else if w.is_ptr() {
                core::hint::cold_path();
                drop(own_slot_word(w));
            }
        }
    }
}

/// The word that a module or class namespace stores for `v`: deferred kinds carry bit 3, so that
/// loading them touches no count (OB-2).
#[inline]
pub fn namespace_word(v: Owned) -> Word {
    let w = v.into_raw();
    if w.is_counted() {
        // SAFETY: owned, hence alive.
        // ORDERING Relaxed: DEFERRED is set at birth.
        let gc = unsafe { (*w.ptr()).gc.load(Ordering::Relaxed) };
        if gc & gc_bits::DEFERRED != 0 {
            return Word(w.0 | UNCOUNTED);
        }
    }
    w
}

impl Drop for Slot {
    fn drop(&mut self) {
        // SAFETY: dropped, so nobody uses the slot.
        drop(unsafe { self.take_alone() });
    }
}

impl Trace for Slot {
    const BESIDE: Beside = Beside::Always;
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        let w = self.peek();
        if w.is_ptr() && w.0 != 0 {
            visit(w)
        }
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        // SAFETY: whoever may clear is the only one who writes.
        if let Some(v) = unsafe { self.take_alone() } {
            drop(v.into_raw())
        }
    }
}

impl Trace for Owned {
    const BESIDE: Beside = Beside::Always;
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        if self.word().is_ptr() {
            visit(self.word())
        }
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        drop(core::mem::replace(self, Owned::none()).into_raw())
    }
}

impl<T: Trace> Trace for Option<T> {
    const BESIDE: Beside = T::BESIDE;
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        if let Some(v) = self {
            v.trace(visit)
        }
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        if let Some(mut v) = self.take() {
            v.clear(drop)
        }
    }
}

impl<T: Trace> Trace for Vec<T> {
    const BESIDE: Beside = Beside::Locked.and(T::BESIDE);
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        self.iter().for_each(|v| v.trace(visit))
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        for mut v in core::mem::take(self) {
            v.clear(drop)
        }
    }
}

impl<T: Trace> Trace for std::collections::VecDeque<T> {
    const BESIDE: Beside = Beside::Locked.and(T::BESIDE);
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        self.iter().for_each(|v| v.trace(visit))
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        for mut v in core::mem::take(self) {
            v.clear(drop)
        }
    }
}

impl<T: Trace> Trace for Box<T> {
    const BESIDE: Beside = Beside::Locked.and(T::BESIDE);
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        (**self).trace(visit)
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        (**self).clear(drop)
    }
}

impl<T> Trace for typhon_sync::prim::AtomicPtr<T> {
    const BESIDE: Beside = Beside::Always;
    fn trace(&self, _: &mut dyn FnMut(Word)) {}
}

impl<A: Trace, B: Trace> Trace for (A, B) {
    const BESIDE: Beside = A::BESIDE.and(B::BESIDE);
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        self.0.trace(visit);
        self.1.trace(visit)
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        self.0.clear(drop);
        self.1.clear(drop)
    }
}

/// Declares that values of a type hold no references.
#[macro_export]
macro_rules! holds_no_references {
    ($($t:ty),* $(,)?) => {
        $(impl $crate::Trace for $t {
            const BESIDE: $crate::Beside = $crate::Beside::Always;
            fn trace(&self, _: &mut dyn FnMut($crate::Word)) {}
        })*
    };
}
holds_no_references!(
    Header,
    (),
    bool,
    u8,
    u16,
    u32,
    u64,
    usize,
    i8,
    i16,
    i32,
    i64,
    isize,
    f32,
    f64,
    char,
    String,
    &'static str,
    typhon_sync::prim::AtomicBool,
    typhon_sync::prim::AtomicU8,
    typhon_sync::prim::AtomicU16,
    typhon_sync::prim::AtomicU32,
    typhon_sync::prim::AtomicU64,
    typhon_sync::prim::AtomicUsize,
    typhon_sync::prim::AtomicI64,
    typhon_sync::prim::AtomicI32,
    typhon_sync::prim::AtomicI8,
    typhon_sync::prim::AtomicIsize,
    dashu_int::IBig,
    dashu_int::UBig,
);

/// Plain data without references inside a payload: `Data<Vec<u8>>`, `Data<std::fs::File>`, ….
///
/// The bound keeps references out only by convention of the caller: use it for types that cannot
/// hold an [`Owned`] or [`Slot`].
pub struct Data<T>(pub T);
impl<T> Trace for Data<T> {
    const BESIDE: Beside = Beside::Always;
    fn trace(&self, _: &mut dyn FnMut(Word)) {}
}

/// State of an object that is read and written under the object's lock only.
pub struct Locked<T>(core::cell::UnsafeCell<T>);

// SAFETY: every access goes through `lock`, which holds the object's lock (or the GIL).
unsafe impl<T: Send> Sync for Locked<T> {}

impl<T> Locked<T> {
    pub fn new(v: T) -> Locked<T> {
        Locked(core::cell::UnsafeCell::new(v))
    }

    /// Locks the object. The guard borrows the thread, and everything that can run Python code takes
    /// `&mut Thread`, so calling user code under the lock does not compile. References dropped under
    /// the guard wait on the thread's list.
    ///
    /// `of` must be the header of the object that contains `self`.
    #[inline]
    pub fn lock<'g>(&'g self, of: &'g Header, th: &'g mut Thread) -> LockedGuard<'g, T> {
        let _ = th;
        LockedGuard { _lock: thread::lock_object(of), value: self.0.get(), _life: PhantomData }
    }

    /// Access for whoever is alone with the object (birth, destruction, the collector in a stop).
    ///
    /// # Safety
    /// No other access to the value happens meanwhile.
    #[expect(clippy::mut_from_ref, reason = "the caller promises exclusiveness")]
    pub unsafe fn alone(&self) -> &mut T {
        // SAFETY: promised by the caller.
        unsafe { &mut *self.0.get() }
    }
}

impl<T: Trace> Trace for Locked<T> {
    const BESIDE: Beside = Beside::Locked.and(T::BESIDE);
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        // SAFETY: the collector traces while the world is stopped, or under the object's lock.
        unsafe { &*self.0.get() }.trace(visit)
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        self.0.get_mut().clear(drop)
    }
}

/// Guard of [`Locked::lock`].
pub struct LockedGuard<'g, T> {
    _lock: thread::ObjectGuard<'g>,
    value: *mut T,
    _life: PhantomData<&'g mut T>,
}

impl<T> core::ops::Deref for LockedGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the object's lock is held.
        unsafe { &*self.value }
    }
}

impl<T> core::ops::DerefMut for LockedGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the object's lock is held, and the guard is borrowed mutably.
        unsafe { &mut *self.value }
    }
}

/// Declares a part of a payload that holds references: a struct with derived tracing.
///
/// ```ignore
/// traced! {
///     /// What the lock of a deque protects.
///     pub struct State {
///         items: VecDeque<Owned>,   // every field type implements Trace
///     }
/// }
/// ```
#[macro_export]
macro_rules! traced {
    (impl $name:ident { $($f:ident : $t:ty),* }) => {
        impl $crate::Trace for $name {
            const BESIDE: $crate::Beside = $crate::Beside::Always$(.and(<$t as $crate::Trace>::BESIDE))*;
            const UNCOUNTED: bool = false $(|| <$t as $crate::Trace>::UNCOUNTED)*;
            #[allow(unused_variables, reason = "a payload may have no fields")]
            fn trace(&self, visit: &mut dyn FnMut($crate::Word)) { $($crate::Trace::trace(&self.$f, visit);)* }
            #[allow(unused_variables, reason = "a payload may have no fields")]
            fn trace_uncounted(&self, visit: &mut dyn FnMut(*const $crate::Header)) {
                $($crate::Trace::trace_uncounted(&self.$f, visit);)*
            }
            #[allow(unused_variables, reason = "a payload may have no fields")]
            fn clear(&mut self, drop: &mut dyn FnMut($crate::Word)) { $($crate::Trace::clear(&mut self.$f, drop);)* }
        }
    };
    ($(#[$m:meta])* $v:vis struct $name:ident { $($(#[$fm:meta])* $fv:vis $f:ident : $t:ty),* $(,)? }) => {
        $(#[$m])*
        $v struct $name { $($(#[$fm])* $fv $f: $t),* }
        $crate::traced!(impl $name { $($f: $t),* });
    };
}

/// Declares the payload of a built-in type: a `#[repr(C)]` struct behind a [`Header`], with derived
/// tracing and its [`TypeDef`].
///
/// ```ignore
/// payload! {
///     /// `collections.deque`.
///     pub struct Deque: DEQUE {
///         items: Locked<VecDeque<Owned>>,
///         maxlen: Option<usize>,   // every field type implements Trace
///     }
/// }
/// ```
#[macro_export]
macro_rules! payload {
    ($(#[$m:meta])* $v:vis struct $name:ident : $def:path { $($(#[$fm:meta])* $fv:vis $f:ident : $t:ty),* $(,)? }) => {
        $(#[$m])*
        #[repr(C)]
        $v struct $name { pub header: $crate::Header, $($(#[$fm])* $fv $f: $t),* }
        $crate::traced!(impl $name { $($f: $t),* });
        // SAFETY: repr(C) with the header first; tracing is derived from the fields.
        unsafe impl $crate::Payload for $name { const DEF: &'static $crate::TypeDef = &$def; }
    };
}
