//! References that cost no count where their object is of a deferred kind: the collector is told of them
//! apart ([`Trace::trace_uncounted`]), and takes them for roots.

use typhon_sync::prim::{AtomicU64, Ordering};

use typhon_sync::header::Header;

use crate::builtins::type_::is_uncounted;
use crate::function::is_deferred;
use crate::object::{Beside, Borrowed, Trace};
use crate::thread;
use crate::word::Word;

/// A reference that is fixed at birth and held as cheaply as possible: without a count if the object is
/// immortal or of a deferred kind. So frames, generators and bound methods of one function, made by many
/// threads, write nothing to that function.
pub struct Held(Word);

impl Held {
    #[inline]
    pub fn new(v: Borrowed<'_>) -> Held {
        let w = v.word();
        Held(if is_uncounted(w) { w.uncounted() } else { v.to_owned().into_raw() })
    }

    /// Does it own a count?
    #[inline(always)]
    pub fn is_counted(&self) -> bool {
        self.0.is_counted()
    }

    #[inline(always)]
    pub fn get(&self) -> Borrowed<'_> {
        // SAFETY: kept alive by the count, or by the collector through `trace_uncounted`.
        unsafe { Borrowed::from_raw(self.0.uncounted()) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0.is_counted() {
            // SAFETY: this value owns the count.
            unsafe { thread::drop_count(self.0.ptr()) }
        }
    }
}

impl Trace for Held {
    const BESIDE: Beside = Beside::Always;
    const UNCOUNTED: bool = true;
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        if self.0.is_counted() {
            visit(self.0)
        }
    }
    fn trace_uncounted(&self, visit: &mut dyn FnMut(*const Header)) {
        if self.0.is_ptr() && !self.0.is_counted() {
            visit(self.0.ptr())
        }
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        let w = core::mem::replace(&mut self.0, Word::NONE);
        if w.is_counted() {
            drop(w)
        }
    }
}

/// A reference to an object that is always of a deferred kind, without a count. It can be replaced; a
/// reader may use what it got until its next safepoint.
pub struct DeferredSlot(AtomicU64);

impl DeferredSlot {
    pub fn new(v: Borrowed<'_>) -> DeferredSlot {
        debug_assert!(is_deferred(v));
        DeferredSlot(AtomicU64::new(v.word().ptr() as u64))
    }

    #[inline(always)]
    pub fn get(&self) -> *const Header {
        // ORDERING Acquire: who sees the address sees the object.
        self.0.load(Ordering::Acquire) as *const Header
    }

    pub fn set(&self, v: Borrowed<'_>) {
        debug_assert!(is_deferred(v));
        // ORDERING Release: publishes the object with its address.
        self.0.store(v.word().ptr() as u64, Ordering::Release);
    }
}

impl Trace for DeferredSlot {
    const BESIDE: Beside = Beside::Always;
    const UNCOUNTED: bool = true;
    fn trace(&self, _: &mut dyn FnMut(Word)) {}
    fn trace_uncounted(&self, visit: &mut dyn FnMut(*const Header)) {
        visit(self.get())
    }
}
