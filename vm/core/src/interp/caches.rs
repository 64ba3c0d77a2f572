//! Choosing inline caches: looks once at what an instruction met and rewrites it.

use typhon_sync::header::OwnerId;

use crate::attributes::{AttrPlan, StorePlan, load_attr_plan, store_attr_plan};
use crate::builtins::dict::Dict;
use crate::builtins::dict::table::Table;
use crate::builtins::module::Module;
use crate::builtins::type_::is_uncounted;
use crate::interp::handlers::attr::{CLASS_BITS, ClassKind, GUARD_BITS};
use crate::interp::handlers::cold::look;
use crate::interp::machine::{ARG_BITS, ARG_MASK, fetch, patch};
use crate::interp::opcodes::{Op, encode};
use crate::object::Slot;
use crate::sharing;
use crate::thread::Thread;
use crate::word::Word;

/// The place that a cache names: version of the key set (32) and index (32); with the table that it lies in. `None`:
/// the cache does not match.
#[inline(always)]
fn dict_slot(d: &Dict, me: OwnerId, cache: u64) -> Option<(&Table, &Slot)> {
    if !sharing::may_read(&d.header, me) {
        return None;
    }
    let t = d.table();
    if u64::from(t.version()) != cache >> 32 {
        return None;
    }
    // SAFETY: the version proves that the entry exists.
    Some((t, unsafe { &*t.value_slot(cache as u32) }))
}

/// The value at the place that a cache names ([`dict_slot`]). [`Word::ZERO`]: the cache does not match.
#[inline(always)]
pub fn dict_value(d: &Dict, me: OwnerId, cache: u64) -> Word {
    let Some((_, slot)) = dict_slot(d, me, cache) else { return Word::ZERO };
    let w = slot.peek();
    if w == Word::UNBOUND { Word::ZERO } else { w }
}

/// What [`dict_value`] names, as a stack word without a count, if threads may borrow it; [`Word::ZERO`] otherwise.
#[inline(always)]
pub fn borrow_dict_value(d: &Dict, me: OwnerId, cache: u64) -> Word {
    let Some((t, slot)) = dict_slot(d, me, cache) else { return Word::ZERO };
    let w = slot.peek();
    // SAFETY: read since the last safepoint.
    if w.is_ptr() { unsafe { sharing::borrow(slot, w, || d.is_current(t)) } } else { Word::ZERO }
}

/// As [`borrow_dict_value`] for the slot cache of an attribute of a module.
#[inline(always)]
pub fn borrow_module_value(d: &Dict, me: OwnerId, cache: u64) -> Word {
    if cache & OF_MODULE == 0 { Word::ZERO } else { borrow_dict_value(d, me, cache & !OF_MODULE) }
}

/// Marks the slot cache of a module's attribute.
const OF_MODULE: u64 = 1 << 63;

/// As [`dict_value`] for the slot cache of an attribute of a module.
#[inline(always)]
pub fn module_value(d: &Dict, me: OwnerId, cache: u64) -> Word {
    if cache & OF_MODULE == 0 { Word::ZERO } else { dict_value(d, me, cache & !OF_MODULE) }
}

/// The cache word of an attribute of a module.
fn module_cache(d: &Dict, name: Word) -> Option<u64> {
    dict_cache(d, name).filter(|c| c & OF_MODULE == 0).map(|c| c | OF_MODULE)
}

/// Misses of one site after which its own caches are given up.
const MAX_MISSES: u64 = 64;

/// Counts a miss of the unit at `at`, which runs, in its argument. False: there were too many.
///
/// # Safety
/// `at` is a unit whose argument is free.
unsafe fn count_miss(th: &Thread, at: *mut u64) -> bool {
    crate::opcode_stats::missed(th);
    // SAFETY: by contract.
    unsafe {
        let unit = fetch(at);
        if unit & ARG_MASK >= MAX_MISSES {
            return false;
        }
        patch(at, unit + 1);
        true
    }
}

/// Fills a cache word and keeps the old content, if the unit runs `op` now, as the second cache.
///
/// # Safety
/// `at` is an attribute unit; `word` is the number of its cache word, `second` of the second one; the guard begins
/// at bit `guard`.
unsafe fn fill_keeping(at: *mut u64, op: Op, word: usize, second: usize, guard: u32, new: u64) {
    // SAFETY: by contract.
    unsafe {
        let old = fetch(at.add(word));
        if fetch(at) >> ARG_BITS == encode(op) && old >> guard != new >> guard {
            patch(at.add(second), old);
        }
        patch(at.add(word), new);
        rewrite(at, op)
    }
}

/// The cache word of an interned name in a dict, if it is there.
#[inline(never)]
pub fn dict_cache(d: &Dict, name: Word) -> Option<u64> {
    let (version, index) = d.lookup_entry(name)?;
    if version == 0 { None } else { Some(u64::from(version) << 32 | u64::from(index)) }
}

/// Replaces the handler of the unit at `at`.
unsafe fn rewrite(at: *mut u64, op: Op) {
    // SAFETY: by contract of the callers.
    unsafe {
        let old = fetch(at);
        patch(at, encode(op) << 16 | old & ARG_MASK);
    }
}

/// How the value in a class cache is used.
enum Held {
    /// An object that needs no count: of a deferred kind, or immortal.
    Uncounted,
    /// One that does.
    Counted,
    /// No pointer.
    Word,
}

fn held(value: Word) -> Held {
    match value.is_ptr() {
        false => Held::Word,
        true if is_uncounted(value) => Held::Uncounted,
        true => Held::Counted,
    }
}

/// The class cache of this kind for a value found under the guard; `None`: it does not fit.
fn class_cache(th: &Thread, kind: ClassKind, guard: u32, value: Word) -> Option<u64> {
    let low = if value.is_ptr() {
        let place = (value.ptr() as u64).wrapping_sub(th.heap_base) >> 4;
        (place >> CLASS_BITS == 0).then_some(place)?
    } else {
        let kept = (value.0 << (64 - CLASS_BITS)) as i64 >> (64 - CLASS_BITS);
        (kept as u64 == value.0).then_some(value.0 & ((1 << CLASS_BITS) - 1))?
    };
    (guard >> GUARD_BITS == 0).then_some(kind.guard(guard) << CLASS_BITS | low)
}

/// Fills the class cache of the unit at `at` and has it run `op`, or `general` if the value does not fit.
///
/// # Safety
/// `at` is an attribute unit.
unsafe fn fill_class(at: *mut u64, cache: Option<u64>, op: Op, general: Op) {
    // SAFETY: by contract.
    unsafe {
        if let Some(c) = cache {
            patch(at.add(3), c);
        }
        rewrite(at, if cache.is_some() { op } else { general })
    }
}

/// Chooses a version of LOAD_ATTR for the object at hand.
///
/// # Safety
/// `at` is the unit; its name and caches follow.
#[cold]
#[inline(never)]
pub unsafe fn specialise_load_attr(th: &mut Thread, at: *mut u64, obj: Word) {
    // SAFETY: by contract.
    unsafe {
        if !count_miss(th, at) {
            return rewrite(at, Op::LoadAttrMany);
        }
        let name = Word(fetch(at.add(1)));
        let o = look(obj);
        let plan = load_attr_plan(th, o, look(name));
        let shape = u64::from(o.shape_id()) << 32;
        match plan {
            AttrPlan::Slot { offset } | AttrPlan::Member { offset } if offset < 1 << 16 && obj.is_ptr() => {
                fill_keeping(at, Op::LoadAttrSlot, 2, 4, 32, shape | u64::from(offset))
            }
            AttrPlan::Class { value, method: false } if obj.is_ptr() => {
                let (kind, op) = match held(value) {
                    Held::Uncounted => (ClassKind::Uncounted, Op::LoadAttrClass),
                    Held::Counted => (ClassKind::Counted, Op::LoadAttrClassValue),
                    Held::Word => (ClassKind::Word, Op::LoadAttrClassWord),
                };
                fill_class(at, class_cache(th, kind, o.shape_id(), value), op, Op::LoadAttrGeneric)
            }
            AttrPlan::Property { getter } if obj.is_ptr() => {
                let cache = class_cache(th, ClassKind::Getter, o.shape_id(), getter);
                fill_class(at, cache, Op::LoadAttrProperty, Op::LoadAttrGeneric)
            }
            AttrPlan::OfClass { value, class_method: false, version } => {
                let (kind, op) = match held(value) {
                    Held::Uncounted => (ClassKind::OfClass, Op::LoadAttrOfClass),
                    Held::Counted => (ClassKind::CountedOfClass, Op::LoadAttrOfClassValue),
                    Held::Word => (ClassKind::WordOfClass, Op::LoadAttrOfClassWord),
                };
                fill_class(at, class_cache(th, kind, version, value), op, Op::LoadAttrGeneric)
            }
            AttrPlan::Module => match o.downcast::<Module>().and_then(|m| module_cache(m.dict(), name)) {
                Some(c) => {
                    patch(at.add(2), c);
                    rewrite(at, Op::LoadAttrModule)
                }
                None => rewrite(at, Op::LoadAttrGeneric),
            },
            _ => rewrite(at, Op::LoadAttrGeneric),
        }
    }
}

/// As [`specialise_load_attr`], for a method about to be called.
///
/// # Safety
/// As there.
#[cold]
#[inline(never)]
pub unsafe fn specialise_load_method(th: &mut Thread, at: *mut u64, obj: Word) {
    // SAFETY: by contract.
    unsafe {
        if !count_miss(th, at) {
            return rewrite(at, Op::LoadMethodMany);
        }
        let name = Word(fetch(at.add(1)));
        let o = look(obj);
        match load_attr_plan(th, o, look(name)) {
            AttrPlan::Class { value, method: true } => {
                match class_cache(th, ClassKind::Uncounted, o.shape_id(), value) {
                    Some(c) => fill_keeping(at, Op::LoadMethodClass, 3, 4, CLASS_BITS, c),
                    None => rewrite(at, Op::LoadMethodGeneric),
                }
            }
            AttrPlan::Slot { offset } | AttrPlan::Member { offset } if offset < 1 << 16 && obj.is_ptr() => {
                patch(at.add(2), u64::from(o.shape_id()) << 32 | u64::from(offset));
                rewrite(at, Op::LoadMethodSlot)
            }
            AttrPlan::OfClass { value, class_method, version } if matches!(held(value), Held::Uncounted) => {
                let (kind, op) = if class_method {
                    (ClassKind::ClassMethod, Op::LoadMethodClassmethod)
                } else {
                    (ClassKind::OfClass, Op::LoadMethodOfClass)
                };
                fill_class(at, class_cache(th, kind, version, value), op, Op::LoadMethodGeneric)
            }
            AttrPlan::Module => match o.downcast::<Module>().and_then(|m| module_cache(m.dict(), name)) {
                Some(c) => {
                    patch(at.add(2), c);
                    rewrite(at, Op::LoadMethodModule)
                }
                None => rewrite(at, Op::LoadMethodGeneric),
            },
            _ => rewrite(at, Op::LoadMethodGeneric),
        }
    }
}

/// Chooses a version of STORE_ATTR.
///
/// # Safety
/// As [`specialise_load_attr`].
#[cold]
#[inline(never)]
pub unsafe fn specialise_store_attr(th: &mut Thread, at: *mut u64, obj: Word) {
    // SAFETY: by contract.
    unsafe {
        if !count_miss(th, at) {
            return rewrite(at, Op::StoreAttrMany);
        }
        let name = Word(fetch(at.add(1)));
        if !obj.is_ptr() {
            return rewrite(at, Op::StoreAttrGeneric);
        }
        let o = look(obj);
        let plan = store_attr_plan(th, o, look(name));
        let shape = u64::from(o.shape_id());
        match plan {
            StorePlan::Slot { offset } | StorePlan::Member { offset } if offset < 1 << 16 => {
                fill_keeping(at, Op::StoreAttrSlot, 2, 4, 32, shape << 32 | u64::from(offset))
            }
            StorePlan::Add { offset, shape: new } if offset < 1 << 16 && new < 1 << 24 && shape < 1 << 24 => {
                // Another format in a word of its own: shapes of 24 bits, offset of 16.
                patch(at.add(3), shape << 40 | u64::from(new) << 16 | u64::from(offset));
                rewrite(at, Op::StoreAttrAdd)
            }
            _ => rewrite(at, Op::StoreAttrGeneric),
        }
    }
}
