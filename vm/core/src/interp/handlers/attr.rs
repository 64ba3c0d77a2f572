//! Attributes, with one-word caches.
//!
//! Layout: `LOAD_ATTR`, name, slot cache, class cache, second cache; `STORE_ATTR`, name, slot cache, add cache,
//! second cache. Each cache word carries its own guard and its format can be told from any other that may
//! stand in its place, so a word can be read by any version of the instruction:
//!
//! | cache | bits 32..64 | bits 0..32                                                    |
//! |-------|-------------|---------------------------------------------------------------|
//! | slot  | shape id    | byte offset of the attribute                                  |
//! | slot, of a module | version of its dict, bit 63 set | number of the entry             |
//!
//! The class cache holds a [`ClassKind`] (3 bits), a shape id or a class's version (27 bits), and the address of an
//! object, relative to the heap, / 16, or a word that is no pointer (34 bits).
//!
//! A cached object of a deferred kind, or an immortal one, is used without a count. Another one is counted,
//! which only its own thread can do: nobody else can have freed it since the guard was checked (a change of
//! the class comes before the drop of the old value).
//!
//! The add cache holds the old shape id (24 bits), the new one (24) and the byte offset (16). The second
//! cache is what the slot cache (or, for methods, the class cache) held before the last miss: a site that
//! meets two shapes in turn hits both. The argument of the unit counts the misses; too many, and the site
//! asks the thread's table ([`super::attr_many`]).

use typhon_sync::prim::Ordering::{Acquire, Relaxed, Release};

use super::call::{enter_special, shape_of};
use super::cold::look;
use super::locals::{own_from_slot, own_local, own_to_store};
use crate::function::Function;
use crate::handlers;
use crate::interp::caches;
use crate::interp::machine::{drop_fast, fetch, save};
use crate::object::Slot;
use crate::shape;
use crate::sharing::borrow;
use crate::word::{UNCOUNTED, Word};
use crate::{drop_next, native, native_unit, next, tail};

/// Bits of a class cache below the guard, and of the guard below its kind.
pub const CLASS_BITS: u32 = 34;
pub const GUARD_BITS: u32 = 27;

/// What a class cache holds, and of what its guard is: a part of the guard, so that a handler never takes a word for
/// its own that was written for another.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ClassKind {
    /// Found through an instance, whose shape is the guard: an object that needs no count.
    Uncounted,
    /// One that does.
    Counted,
    /// A word that is no pointer.
    Word,
    /// The getter of a property.
    Getter,
    /// Found through the class, whose version is the guard: an object that needs no count.
    OfClass,
    /// One that does.
    CountedOfClass,
    /// A word that is no pointer.
    WordOfClass,
    /// A function that takes the class in front.
    ClassMethod,
}

impl ClassKind {
    /// The guard of this kind for a shape id or version.
    #[inline(always)]
    pub fn guard(self, id: u32) -> u64 {
        (self as u64) << GUARD_BITS | u64::from(id)
    }
}

/// The object in a class cache, as a word that owns no count.
///
/// # Safety
/// `th` is the running thread.
#[inline(always)]
unsafe fn class_object(th: *mut crate::Thread, cache: u64) -> Word {
    // SAFETY: by contract.
    Word((unsafe { (*th).heap_base } + ((cache & ((1 << CLASS_BITS) - 1)) << 4)) | UNCOUNTED)
}

/// The word in a class cache that is no pointer.
#[inline(always)]
fn class_word(cache: u64) -> Word {
    Word(((cache << (64 - CLASS_BITS)) as i64 >> (64 - CLASS_BITS)) as u64)
}

/// Words behind a LOAD_ATTR unit.
pub const LOAD_ATTR_WORDS: usize = 4;
/// Words behind a STORE_ATTR unit.
pub const STORE_ATTR_WORDS: usize = 4;

/// The slot at a byte offset of an object.
///
/// # Safety
/// The words are live.
#[inline(always)]
pub unsafe fn slot_at<'a>(o: Word, offset: u64) -> &'a Slot {
    // SAFETY: the shape guard proved that the object has a slot there.
    unsafe { &*((o.ptr() as *const u8).add(offset as usize) as *const Slot) }
}

/// Has an object this guard for its shape, which is valid?
///
/// # Safety
/// The words are live.
#[inline(always)]
unsafe fn has_shape(o: Word, guard: u64, of: impl FnOnce(u32) -> u64) -> bool {
    // SAFETY: by contract; a shape id is below the length of the table.
    o.is_ptr()
        && unsafe {
            let id = shape_of(o);
            of(id) == guard && (*shape::table().add(id as usize)).is_valid()
        }
}

/// Is a class cache of this kind, and for the shape of `o`?
///
/// # Safety
/// The words are live.
#[inline(always)]
unsafe fn is_cached(kind: ClassKind, o: Word, cache: u64) -> bool {
    // SAFETY: by contract.
    unsafe { has_shape(o, cache >> CLASS_BITS, |id| kind.guard(id)) }
}

/// Is a class cache of this kind, and for the class `o`?
///
/// # Safety
/// The words are live.
#[inline(always)]
unsafe fn is_cached_of_class(kind: ClassKind, o: Word, cache: u64) -> bool {
    // SAFETY: by contract; the kind of its shape says that it is a class.
    o.is_ptr()
        && unsafe {
            (*shape::table().add(shape_of(o) as usize)).kind() & crate::kind::TYPE != 0
                && kind.guard((*(o.ptr() as *const crate::Type)).version()) == cache >> CLASS_BITS
        }
}

/// Takes an object's lock for a few plain stores. False: take the cold way, for somebody holds it, no other thread than
/// the owner ever used the object (SH-1), or statistics are kept of such locks. In GIL mode there is nothing to take.
///
/// # Safety
/// The words are live.
#[inline(always)]
pub unsafe fn lock_fast(th: *mut crate::Thread, o: Word) -> bool {
    // SAFETY: a live object.
    unsafe {
        (*th).owner.has_gil()
            || (((*o.ptr()).is_owned_by((*th).owner)
                || (crate::sharing::may_read(&*o.ptr(), (*th).owner) && !crate::contention::is_on()))
                // ORDERING Acquire: pairs with the Release of `unlock_fast`.
                && (*o.ptr()).lock.compare_exchange(0, 1, Acquire, Relaxed).is_ok())
    }
}

/// Releases what [`lock_fast`] took. True: somebody waits; leave through [`unlocked`] or [`stored`].
///
/// # Safety
/// The words are live.
#[inline(always)]
#[must_use]
pub unsafe fn unlock_fast(th: *mut crate::Thread, o: Word) -> bool {
    // SAFETY: a live object, locked by this thread.
    unsafe { !(*th).owner.has_gil() && (*o.ptr()).release() }
}

/// Ends a store: drops the old content of a slot and then the object, which was locked for it.
#[macro_export]
macro_rules! stored_next {
    ($waiters:expr, $old:expr, $o:expr, $pc:ident, $sp:ident, $fp:ident, $th:ident) => {{
        let (old, o): ($crate::Word, $crate::Word) = ($old, $o);
        // A slot's word may be marked as uncounted and own a count all the same, unless the object is immortal.
        if $waiters || (old.0 & 15 == $crate::word::UNCOUNTED && !(*old.ptr()).is_immortal()) {
            (*$th).victim = old;
            $crate::tail!($crate::interp::handlers::attr::stored, $pc, $sp, $fp, $th, o, u64::from($waiters))
        }
        $crate::drop2_next!(old, o, $pc, $sp, $fp, $th, *$sp)
    }};
}

/// Overwrites the slot at this byte offset of an object that has this shape, or had it when that was looked up.
macro_rules! store_in_slot {
    ($pc:ident, $sp:ident, $fp:ident, $th:ident, $tos:ident, $arg:ident; $shape:expr, $offset:expr) => {{
        use $crate::interp::handlers::attr;
        let v = $crate::interp::handlers::locals::own_to_store($th, *$sp.sub(1));
        if v == Word::ZERO {
            tail!(attr::own_value, $pc.sub(1), $sp, $fp, $th, $tos, $arg)
        }
        *$sp.sub(1) = v;
        if !attr::lock_fast($th, $tos) {
            tail!(attr::store_attr_generic, $pc, $sp, $fp, $th, $tos, $arg)
        }
        if shape_of($tos) != $shape {
            tail!(attr::unlocked, $pc, $sp, $fp, $th, $tos, 0)
        }
        let slot = slot_at($tos, $offset);
        let old = slot.peek();
        slot.store_raw(*$sp.sub(1));
        let waiters = attr::unlock_fast($th, $tos);
        $sp = $sp.sub(2);
        $pc = $pc.add(STORE_ATTR_WORDS);
        $crate::stored_next!(waiters, old, $tos, $pc, $sp, $fp, $th)
    }};
}
pub(super) use store_in_slot;

handlers! {
    /// Not specialised yet: does the work and chooses a cache.
    fn load_attr(pc, sp, fp, th, tos, arg) {
        caches::specialise_load_attr(&mut *th, pc.sub(1).cast_mut(), tos);
        let name = Word(fetch(pc));
        pc = pc.add(LOAD_ATTR_WORDS);
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, look(tos).getattr(&mut *th, look(name)))
    }

    /// Gave up specialising.
    fn load_attr_generic(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(LOAD_ATTR_WORDS);
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, look(tos).getattr(&mut *th, look(name)))
    }

    /// An attribute in a slot of the object.
    fn load_attr_slot(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(1));
        if !has_shape(tos, c >> 32, u64::from) {
            tail!(load_attr_slot2, pc, sp, fp, th, tos, arg)
        }
        let w = slot_at(tos, c & 0xffff).peek();
        if w == Word::UNBOUND {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        let v = own_from_slot(th, w);
        if v == Word::ZERO {
            tail!(load_attr_foreign, pc, sp, fp, th, tos, c & 0xffff)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// As [`load_attr_slot`], for the shape before the last one.
    fn load_attr_slot2(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(3));
        if !has_shape(tos, c >> 32, u64::from) {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        let w = slot_at(tos, c & 0xffff).peek();
        if w == Word::UNBOUND {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        let v = own_from_slot(th, w);
        if v == Word::ZERO {
            tail!(load_attr_foreign, pc, sp, fp, th, tos, c & 0xffff)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// The slot at offset `arg` holds an object of another thread.
    fn load_attr_foreign(pc, sp, fp, th, tos, arg) {
        let slot = slot_at(tos, arg);
        let w = slot.peek();
        if w.is_ptr() {
            let v = borrow(slot, w, || true);
            if v != Word::ZERO {
                pc = pc.add(LOAD_ATTR_WORDS);
                drop_next!(tos, pc, sp, fp, th, v)
            }
        }
        tail!(load_attr_counted, pc, sp, fp, th, tos, arg)
    }

    /// As [`load_attr_foreign`]: one that must be counted.
    #[cold]
    fn load_attr_counted(pc, sp, fp, th, tos, arg) {
        match slot_at(tos, arg).get(&*tos.ptr()) {
            Some(v) => {
                let w = v.into_raw();
                pc = pc.add(LOAD_ATTR_WORDS);
                drop_next!(tos, pc, sp, fp, th, w)
            }
            None => tail!(load_attr_generic, pc, sp, fp, th, tos, arg),
        }
    }

    /// An attribute of a module: the slot cache holds the dict's version and the entry's index.
    fn load_attr_module(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(1));
        if tos.is_ptr() && shape_of(tos) == crate::builtins::ids::MODULE {
            let m = &*(tos.ptr() as *const crate::builtins::module::Module);
            let w = caches::module_value(m.dict(), (*th).owner, c);
            if w != Word::ZERO {
                if w.is_counted() && !own_local(th, w) {
                    tail!(load_attr_module_foreign, pc, sp, fp, th, tos, arg)
                }
                pc = pc.add(LOAD_ATTR_WORDS);
                drop_next!(tos, pc, sp, fp, th, w)
            }
        }
        tail!(load_attr, pc, sp, fp, th, tos, arg)
    }

    /// As [`load_attr_module`]: an object of another thread.
    fn load_attr_module_foreign(pc, sp, fp, th, tos, arg) {
        let m = &*(tos.ptr() as *const crate::builtins::module::Module);
        let v = caches::borrow_module_value(m.dict(), (*th).owner, fetch(pc.add(1)));
        if v == Word::ZERO {
            tail!(load_attr_generic, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// A deferred object found in the class: the class cache.
    fn load_attr_class(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !is_cached(ClassKind::Uncounted, tos, c) {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        let v = class_object(th, c);
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// As [`load_attr_class`]: an object that is counted.
    fn load_attr_class_value(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !is_cached(ClassKind::Counted, tos, c) {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        let v = class_object(th, c).owned_now();
        if !own_local(th, v) {
            tail!(load_attr_class_foreign, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// As [`load_attr_class_value`]: an object of another thread. The class still has it if the guard holds after the
    /// look at it.
    fn load_attr_class_foreign(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        let v = class_object(th, c);
        if !(*v.ptr()).borrow(|| is_cached(ClassKind::Counted, tos, c)) {
            tail!(load_attr_generic, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// As [`load_attr_class`]: a small int or a constant.
    fn load_attr_class_word(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !is_cached(ClassKind::Word, tos, c) {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, class_word(c))
    }

    /// A property: its getter, in the class cache, is entered with the object as its local.
    fn load_attr_property(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !is_cached(ClassKind::Getter, tos, c) {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        let getter = class_object(th, c);
        let code = (*(getter.ptr() as *const Function)).code();
        let fits = code.simple_argc == 1
            && (*th).ci.add(1) < (*th).ci_limit
            && sp.add(code.frame_size as usize) < (*th).stack_limit;
        if !fits {
            tail!(load_attr_generic, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        *sp = tos;
        sp = sp.add(1);
        tail!(enter_special, pc, sp, fp, th, getter, 1)
    }

    /// An attribute of a class, from its namespace or a base's.
    fn load_attr_of_class(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !is_cached_of_class(ClassKind::OfClass, tos, c) {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        let v = class_object(th, c);
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// As [`load_attr_of_class`]: an object that is counted.
    fn load_attr_of_class_value(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !is_cached_of_class(ClassKind::CountedOfClass, tos, c) {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        let v = class_object(th, c).owned_now();
        if !own_local(th, v) {
            tail!(load_attr_of_class_foreign, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// As [`load_attr_of_class_value`]: an object of another thread. The class still has it if the guard holds after the
    /// look at it.
    fn load_attr_of_class_foreign(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        let v = class_object(th, c);
        if !(*v.ptr()).borrow(|| is_cached_of_class(ClassKind::CountedOfClass, tos, c)) {
            tail!(load_attr_generic, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// As [`load_attr_of_class`]: a small int or a constant.
    fn load_attr_of_class_word(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !is_cached_of_class(ClassKind::WordOfClass, tos, c) {
            tail!(load_attr, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, class_word(c))
    }

    /// `obj -- function, obj` or `obj -- value, NULL`
    fn load_method(pc, sp, fp, th, tos, arg) {
        caches::specialise_load_method(&mut *th, pc.sub(1).cast_mut(), tos);
        tail!(load_method_generic, pc, sp, fp, th, tos, arg)
    }

    fn load_method_generic(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(LOAD_ATTR_WORDS);
        *sp = tos;
        save(th, pc, sp.add(1));
        match crate::interp::calls::load_method(&mut *th, look(tos), look(name)) {
            Ok((v, true)) => {
                // The method, and the object as its first argument.
                *sp = v.into_raw();
                sp = sp.add(1);
                crate::after_native!(pc, sp, fp, th, tos)
            }
            Ok((v, false)) => {
                *sp = v.into_raw();
                sp = sp.add(1);
                if !drop_fast(th, tos) {
                    tail!(super::cold::drop_one, pc, sp, fp, th, Word::NULL, tos.0)
                }
                crate::after_native!(pc, sp, fp, th, Word::NULL)
            }
            Err(crate::Raised(())) => {
                sp = sp.add(1);
                tail!(crate::interp::unwind::raised, pc, sp, fp, th, tos, 0)
            }
        }
    }

    /// A function of the class: no bound method is made.
    fn load_method_class(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        let id = if tos.is_ptr() { shape_of(tos) } else { shape::id_of_immediate(tos) };
        if ClassKind::Uncounted.guard(id) != c >> CLASS_BITS || !(*shape::table().add(id as usize)).is_valid() {
            tail!(load_method_class2, pc, sp, fp, th, tos, arg)
        }
        *sp = class_object(th, c);
        sp = sp.add(1);
        pc = pc.add(LOAD_ATTR_WORDS);
        next!(pc, sp, fp, th, tos)
    }

    /// As [`load_method_class`], for the shape before the last one.
    fn load_method_class2(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(3));
        let id = if tos.is_ptr() { shape_of(tos) } else { shape::id_of_immediate(tos) };
        if ClassKind::Uncounted.guard(id) != c >> CLASS_BITS || !(*shape::table().add(id as usize)).is_valid() {
            tail!(load_method, pc, sp, fp, th, tos, arg)
        }
        *sp = class_object(th, c);
        sp = sp.add(1);
        pc = pc.add(LOAD_ATTR_WORDS);
        next!(pc, sp, fp, th, tos)
    }

    /// Something callable in a slot of the object.
    fn load_method_slot(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(1));
        if !has_shape(tos, c >> 32, u64::from) {
            tail!(load_method, pc, sp, fp, th, tos, arg)
        }
        let w = slot_at(tos, c & 0xffff).peek();
        let v = if w == Word::UNBOUND { Word::ZERO } else { own_from_slot(th, w) };
        if v == Word::ZERO {
            tail!(load_method_foreign, pc, sp, fp, th, tos, arg)
        }
        *sp = v;
        sp = sp.add(1);
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, Word::NULL)
    }

    /// As [`load_method_slot`]: an object of another thread, or none.
    fn load_method_foreign(pc, sp, fp, th, tos, arg) {
        let slot = slot_at(tos, fetch(pc.add(1)) & 0xffff);
        let w = slot.peek();
        let v = if w.is_ptr() { borrow(slot, w, || true) } else { Word::ZERO };
        if v == Word::ZERO {
            tail!(load_method_generic, pc, sp, fp, th, tos, arg)
        }
        *sp = v;
        sp = sp.add(1);
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, Word::NULL)
    }

    /// A function of a class, called through the class.
    fn load_method_of_class(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !is_cached_of_class(ClassKind::OfClass, tos, c) {
            tail!(load_method, pc, sp, fp, th, tos, arg)
        }
        *sp = class_object(th, c);
        sp = sp.add(1);
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, Word::NULL)
    }

    /// A function to be called with the class that it was found in, through the class.
    fn load_method_classmethod(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !is_cached_of_class(ClassKind::ClassMethod, tos, c) {
            tail!(load_method, pc, sp, fp, th, tos, arg)
        }
        *sp = class_object(th, c);
        sp = sp.add(1);
        pc = pc.add(LOAD_ATTR_WORDS);
        next!(pc, sp, fp, th, tos)
    }

    /// A function in a module, called through it (`math.sqrt(x)`).
    fn load_method_module(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(1));
        if tos.is_ptr() && shape_of(tos) == crate::builtins::ids::MODULE {
            let m = &*(tos.ptr() as *const crate::builtins::module::Module);
            let w = caches::module_value(m.dict(), (*th).owner, c);
            if w != Word::ZERO && (!w.is_counted() || own_local(th, w)) {
                *sp = w;
                sp = sp.add(1);
                pc = pc.add(LOAD_ATTR_WORDS);
                drop_next!(tos, pc, sp, fp, th, Word::NULL)
            }
        }
        tail!(load_method, pc, sp, fp, th, tos, arg)
    }

    /// `value, obj --`
    fn store_attr(pc, sp, fp, th, tos, arg) {
        caches::specialise_store_attr(&mut *th, pc.sub(1).cast_mut(), tos);
        tail!(store_attr_generic, pc, sp, fp, th, tos, arg)
    }

    fn store_attr_generic(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(STORE_ATTR_WORDS);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(2, pc, sp, fp, th, look(tos).setattr(&mut *th, look(name), Some(look(*sp.sub(2)))))
    }

    /// Overwrites an attribute in its slot.
    fn store_attr_slot(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(1));
        if !tos.is_ptr() {
            tail!(store_attr, pc, sp, fp, th, tos, arg)
        }
        let id = shape_of(tos);
        if u64::from(id) != c >> 32 || !(*shape::table().add(id as usize)).is_valid() {
            tail!(store_attr_slot2, pc, sp, fp, th, tos, arg)
        }
        store_in_slot!(pc, sp, fp, th, tos, arg; id, c & 0xffff)
    }

    /// As [`store_attr_slot`], for the shape before the last one.
    fn store_attr_slot2(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(3));
        if !tos.is_ptr() {
            tail!(store_attr, pc, sp, fp, th, tos, arg)
        }
        let id = shape_of(tos);
        if u64::from(id) != c >> 32 || !(*shape::table().add(id as usize)).is_valid() {
            tail!(store_attr, pc, sp, fp, th, tos, arg)
        }
        store_in_slot!(pc, sp, fp, th, tos, arg; id, c & 0xffff)
    }

    /// Adds an attribute: stores the value, then publishes the new shape.
    fn store_attr_add(pc, sp, fp, th, tos, arg) {
        let c = fetch(pc.add(2));
        if !tos.is_ptr() {
            tail!(store_attr, pc, sp, fp, th, tos, arg)
        }
        let id = shape_of(tos);
        // Old shape 24 bits, new shape 24 bits, offset 16 bits.
        if u64::from(id) != c >> 40 || !(*shape::table().add(id as usize)).is_valid() {
            tail!(store_attr, pc, sp, fp, th, tos, arg)
        }
        let v = own_to_store(th, *sp.sub(1));
        if v == Word::ZERO {
            tail!(own_value, pc.sub(1), sp, fp, th, tos, arg)
        }
        *sp.sub(1) = v;
        if !lock_fast(th, tos) {
            tail!(store_attr_generic, pc, sp, fp, th, tos, arg)
        }
        if shape_of(tos) != id {
            tail!(unlocked, pc, sp, fp, th, tos, 0)
        }
        slot_at(tos, c & 0xffff).store_raw(*sp.sub(1));
        // ORDERING Release: whoever sees the new shape sees the attribute.
        (*tos.ptr()).shape.store((c >> 16 & 0xff_ffff) as u32, Release);
        let waiters = unlock_fast(th, tos);
        sp = sp.sub(2);
        pc = pc.add(STORE_ATTR_WORDS);
        crate::stored_next!(waiters, Word::UNBOUND, tos, pc, sp, fp, th)
    }

    /// Counts the value below the top (a borrow that is about to be stored), then runs the instruction
    /// at `pc` again.
    #[cold]
    fn own_value(pc, sp, fp, th, tos, arg) {
        let v = look(*sp.sub(1)).to_owned().into_raw();
        *sp.sub(1) = v;
        if v.0 & 15 == UNCOUNTED {
            // Immortal: nothing to count, which the fast way cannot know.
            pc = pc.add(1);
            tail!(store_attr_generic, pc, sp, fp, th, tos, arg)
        }
        next!(pc, sp, fp, th, tos)
    }

    /// The end of a store where somebody waits for the object (`arg` 1), or the slot held a word with bit 3
    /// set: drops the thread's `victim` as a slot's word, and the object `tos`.
    #[cold]
    fn stored(pc, sp, fp, th, tos, arg) {
        let old = (*th).victim;
        if arg != 0 {
            (*tos.ptr()).wake_waiter();
        }
        *sp.add(1) = tos;
        save(th, pc, sp.add(2));
        drop(crate::object::own_slot_word(old));
        (*th).drain_drops();
        drop_next!(tos, pc, sp, fp, th, *sp)
    }

    /// Gives back the lock of `tos` (of the container below it, if `arg` is 1), of which the handler had no
    /// use, and does the work in the careful way.
    #[cold]
    fn unlocked(pc, sp, fp, th, tos, arg) {
        let o = if arg == 1 { *sp.sub(1) } else { tos };
        if !(*th).owner.has_gil() {
            (*o.ptr()).unlock();
        }
        if arg == 1 {
            tail!(super::subscr::store_subscr_generic, pc, sp, fp, th, tos, arg)
        }
        tail!(store_attr_generic, pc, sp, fp, th, tos, arg)
    }

    fn delete_attr(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(1, pc, sp, fp, th, look(tos).setattr(&mut *th, look(name), None))
    }

    /// `super, class, self -- value` or `-- function, self` (bit 0), two-argument form (bit 1).
    fn load_super_attr(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        let (sup, class, me) = (*sp.sub(3), *sp.sub(2), tos);
        if arg & 1 != 0 && crate::interp::calls::is_super(look(sup)) {
            let f = crate::builtins::super_::super_method(look(class), look(me), look(name));
            if f != Word::ZERO && !class.is_counted() && !sup.is_counted() {
                *sp.sub(3) = f;
                sp = sp.sub(2);
                next!(pc, sp, fp, th, me)
            }
        }
        match crate::interp::calls::load_super(&mut *th, look(sup), look(class), look(me), look(name), arg) {
            Ok((v, bind)) => {
                let w = v.into_raw();
                let (f, s) = if bind { (w, me) } else { (w, Word::NULL) };
                sp = sp.sub(3);
                if arg & 1 != 0 {
                    *sp = f;
                    sp = sp.add(1);
                    crate::dealloc::drop_word(sup);
                    crate::dealloc::drop_word(class);
                    if !bind {
                        crate::dealloc::drop_word(me);
                    }
                    crate::after_native!(pc, sp, fp, th, s)
                }
                crate::dealloc::drop_word(sup);
                crate::dealloc::drop_word(class);
                crate::dealloc::drop_word(me);
                crate::after_native!(pc, sp, fp, th, f)
            }
            Err(crate::Raised(())) => tail!(crate::interp::unwind::raised, pc, sp, fp, th, tos, 0),
        }
    }
}
