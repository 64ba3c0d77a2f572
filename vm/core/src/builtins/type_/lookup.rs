//! Looking an attribute up in a class and its bases, through a cache per thread.

use core::cell::Cell;
use typhon_sync::prim::{AtomicU32, Ordering};

use parking_lot::Mutex;
use typhon_sync::header::gc_bits;

use crate::builtins::ids;
use crate::builtins::staticmethod::StaticMethod;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, Payload};
use crate::thread::{self, ObjectGuard};
use crate::types::Type;
use crate::word::{UNCOUNTED, Word};

/// What a lookup found, held as cheaply as possible: immortal objects and those of deferred kinds
/// without a count, and shared functions and static methods; others with one.
///
/// Between two safepoints of its thread, or while its word is on the stack or in a call record, a
/// deferred or shared object cannot die.
pub struct Found(Word);

impl Found {
    #[inline(always)]
    pub fn borrow(&self) -> Borrowed<'_> {
        // SAFETY: held by the count, or not freed before this thread's next safepoint.
        unsafe { Borrowed::from_raw(self.0) }
    }

    #[inline(always)]
    pub fn into_owned(self) -> Owned {
        if self.0.is_counted() {
            // SAFETY: the count is handed over; `self` is forgotten.
            let v = unsafe { Owned::from_raw(self.0) };
            core::mem::forget(self);
            v
        } else {
            self.borrow().to_owned()
        }
    }

    /// As a word for the stack.
    #[inline(always)]
    pub fn into_stack_word(self) -> Word {
        let w = self.0;
        core::mem::forget(self);
        w
    }

    pub fn of(v: Owned) -> Found {
        Found(v.into_raw())
    }
}

impl Drop for Found {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.is_counted() {
            // SAFETY: this value owns the count.
            unsafe { thread::drop_count(self.0.ptr()) }
        }
    }
}

/// Is the object uncounted on stacks: immortal, or of a deferred kind?
#[inline(always)]
pub fn is_uncounted(w: Word) -> bool {
    if !w.is_ptr() {
        return true;
    }
    // SAFETY: slots of the heap are type-stable; the caller re-checks what it needs.
    let h = unsafe { &*w.ptr() };
    // ORDERING Relaxed: DEFERRED is set at birth.
    h.gc.load(Ordering::Relaxed) & gc_bits::DEFERRED != 0 || h.is_immortal()
}

/// Is this a function or a static method, of which nothing is needed once the stack has the function?
fn is_called(v: Borrowed<'_>) -> bool {
    v.shape_id() == ids::FUNCTION || v.downcast_exact::<StaticMethod>().is_some()
}

const ENTRIES: usize = 1024;

#[derive(Clone, Copy)]
struct Entry {
    version: u32,
    name: u64,
    /// 0 = the class has no such attribute.
    value: u64,
}

thread_local! {
    static CACHE: [Cell<Entry>; ENTRIES] =
        const { [const { Cell::new(Entry { version: 0, name: 0, value: 0 }) }; ENTRIES] };
}

/// What stands behind a class in the MRO of another: the hot part of `super().name`.
#[derive(Clone, Copy)]
struct Behind {
    start_version: u32,
    class_version: u32,
    name: u64,
    /// The word of an uncounted object.
    value: u64,
}

const BEHIND_ENTRIES: usize = 256;

thread_local! {
    static BEHIND: [Cell<Behind>; BEHIND_ENTRIES] = const {
        [const { Cell::new(Behind { start_version: 0, class_version: 0, name: 0, value: 0 }) }; BEHIND_ENTRIES]
    };
}

#[inline(always)]
fn place(version: u32, name: u64) -> usize {
    ((name >> 4) as usize ^ (version as usize).wrapping_mul(0x9e5)) % ENTRIES
}

/// Versions handed out so far. Never reused; when they run out, classes go uncached.
static LAST_VERSION: AtomicU32 = AtomicU32::new(0);

/// The lock of all classes: their namespaces, versions, MROs and slots change under it. Nothing that
/// can run Python code happens under it. Readers do not take it.
pub fn lock_types() -> ObjectGuard<'static> {
    thread::lock_object(&<Type as Payload>::DEF.ty().header)
}

/// Guards the links between classes; a leaf, held for a few loads and stores only.
static LINKS: Mutex<()> = Mutex::new(());

impl Type {
    /// The attribute `name` (interned str) of the class or the first base that has it, unbound.
    #[inline]
    pub fn find(&self, name: Borrowed<'_>) -> Option<Found> {
        // ORDERING Acquire: what the class held when the version was set is visible.
        let version = self.version.load(Ordering::Acquire);
        let id = name.word().identity();
        let e = CACHE.with(|c| c[place(version, id)].get());
        if version != 0 && e.version == version && e.name == id {
            if e.value == 0 {
                return None;
            }
            let w = Word(e.value);
            if is_uncounted(w) {
                return Some(Found(w.uncounted()));
            }
            // SAFETY: type-stable memory; the version is checked again below.
            let h = unsafe { &*w.ptr() };
            // ORDERING Acquire: if the version is still the same, the class held the value when it was borrowed or
            // the count was taken: a change zeroes the version before it drops the value.
            let same = || self.version.load(Ordering::Acquire) == version;
            // A shared object that was there lives until this thread's next safepoint.
            if h.borrow(same) && is_called(Borrowed::from_header(h)) {
                return Some(Found(w.uncounted()));
            }
            if h.try_incref(thread::me()) {
                let found = Found(Word(w.ptr() as u64));
                if same() {
                    crate::reaper::note_count(h);
                    return Some(found);
                }
            }
        }
        self.find_slow(name)
    }

    #[cold]
    #[inline(never)]
    fn find_slow(&self, name: Borrowed<'_>) -> Option<Found> {
        let version = self.version_tag();
        let found = self.lookup_uncached(name);
        if version != 0 && name.downcast_exact::<Str>().is_some_and(|s| s.is_interned()) {
            let id = name.word().identity();
            let value = found.as_ref().map_or(0, |v| v.word().identity());
            CACHE.with(|c| c[place(version, id)].set(Entry { version, name: id, value }));
        }
        found.map(Found::of)
    }

    /// As [`Type::find`], owned.
    #[inline]
    pub fn lookup(&self, name: Borrowed<'_>) -> Option<Owned> {
        self.find(name).map(Found::into_owned)
    }

    /// The word of a class attribute that needs no count (a function of a class, a descriptor of a
    /// built-in type, a constant): what an inline cache may hold while its shape is valid.
    pub fn lookup_uncounted(&self, name: Borrowed<'_>) -> Option<Word> {
        let w = self.find(name)?.borrow().word().uncounted();
        is_uncounted(w).then_some(w)
    }

    /// The first entry under `name` (interned str) behind `class` in the MRO of this class: what
    /// `super(class, object).name` finds. `None` too if `class` is not in it.
    pub fn find_behind(&self, class: &Type, name: Borrowed<'_>) -> Option<Found> {
        // ORDERING Acquire: as in `find`. A change of any class of the MRO, or of the MRO, zeroes the
        // version of `self`; that of `class` only tells which class it is.
        let versions = (self.version.load(Ordering::Acquire), class.version.load(Ordering::Acquire));
        let id = name.word().identity();
        let at = place(versions.0 ^ versions.1.rotate_left(7), id) % BEHIND_ENTRIES;
        let e = BEHIND.with(|c| c[at].get());
        if e.name == id
            && versions == (e.start_version, e.class_version)
            && versions.0 != 0
            && versions.1 != 0
        {
            return Some(Found(Word(e.value).uncounted()));
        }
        let (start_version, class_version) = (self.version_tag(), class.version_tag());
        let mut mro = self.mro_types().skip_while(|t| !core::ptr::eq(*t, class));
        mro.next()?;
        let found = mro.find_map(|t| t.namespace().get_interned(name.word()))?;
        if start_version != 0
            && class_version != 0
            && is_uncounted(found.word())
            && name.downcast_exact::<Str>().is_some_and(|s| s.is_interned())
        {
            let e = Behind { start_version, class_version, name: id, value: found.word().identity() };
            BEHIND.with(|c| c[at].set(e));
        }
        Some(Found::of(found))
    }

    /// The lookup itself: walks the MRO.
    pub fn lookup_uncached(&self, name: Borrowed<'_>) -> Option<Owned> {
        self.mro_types().find_map(|t| t.namespace().get_interned(name.word()))
    }

    /// As [`Type::lookup_uncached`], with the class that has the attribute.
    pub fn lookup_where(&self, name: Borrowed<'_>) -> Option<(&Type, Owned)> {
        self.mro_types().find_map(|t| t.namespace().get_interned(name.word()).map(|v| (t, v)))
    }

    /// The version for caches; assigned now if the class changed since the last one. 0: no more.
    pub fn version_tag(&self) -> u32 {
        // ORDERING Acquire: as in `find`.
        let v = self.version.load(Ordering::Acquire);
        if v != 0 {
            return v;
        }
        let _lock = lock_types();
        // ORDERING Relaxed: under the lock of all classes.
        let v = self.version.load(Ordering::Relaxed);
        if v != 0 {
            return v;
        }
        let last = LAST_VERSION.load(Ordering::Relaxed);
        if last == u32::MAX {
            return 0;
        }
        LAST_VERSION.store(last + 1, Ordering::Relaxed);
        // ORDERING Release: pairs with the Acquire in `find`.
        self.version.store(last + 1, Ordering::Release);
        last + 1
    }

    /// Takes the version from the class and everything below it. Under the lock of all classes, before
    /// the change.
    pub(super) fn invalidate(&self) {
        let links = LINKS.lock();
        fn down(t: &Type) {
            // ORDERING Release: comes before the change that it announces; the value that goes is
            // dropped after it.
            t.version.store(0, Ordering::Release);
            for &sub in t.subclasses.0.lock().iter() {
                // SAFETY: a dying class takes itself out first, under LINKS.
                down(unsafe { &*sub });
            }
        }
        down(self);
        drop(links);
    }

    /// The direct subclasses that are still alive.
    pub fn live_subclasses(&self) -> Vec<Owned> {
        let _links = LINKS.lock();
        let subs = self.subclasses.0.lock();
        subs.iter()
            .filter_map(|&t| {
                // SAFETY: as in `invalidate`; a class that is being destroyed refuses the count.
                let h = unsafe { &(*t).header };
                if h.is_immortal() {
                    return Some(Owned::from_const(Word(h as *const _ as u64 | UNCOUNTED)));
                }
                // SAFETY: the count was just taken.
                h.try_incref(thread::me()).then(|| unsafe { Owned::from_raw(Word::from_ptr(h)) })
            })
            .collect()
    }

    /// Enters the class in the lists of its bases, and out of those of `old`.
    pub(crate) fn link(&self, bases: &[&Type]) {
        let _links = LINKS.lock();
        unlink_parents(self);
        for b in bases {
            b.subclasses.0.lock().push(self);
            self.parents.0.lock().push(*b);
        }
    }
}

fn unlink_parents(t: &Type) {
    for p in core::mem::take(&mut *t.parents.0.lock()) {
        // SAFETY: a dying base takes itself out of `parents` first, under LINKS.
        unsafe { (*p).subclasses.0.lock().retain(|s| !core::ptr::eq(*s, t)) }
    }
}

/// Takes a dying class out of the lists of its bases and its subclasses.
pub(crate) fn unlink(t: &Type) {
    let _links = LINKS.lock();
    unlink_parents(t);
    for s in core::mem::take(&mut *t.subclasses.0.lock()) {
        // SAFETY: as above, for subclasses.
        unsafe { (*s).parents.0.lock().retain(|p| !core::ptr::eq(*p, t)) }
    }
}
