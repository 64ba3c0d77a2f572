//! Attributes at sites that met more shapes than their own caches can hold: one table per thread remembers, by name and
//! shape, what [`crate::attributes`] planned.
//!
//! An entry is as good as a cache word of a site with the same plan: it speaks of a shape, and holds while that is
//! valid. Names are interned, hence immortal, so one address is always one name.

use super::attr::{LOAD_ATTR_WORDS, STORE_ATTR_WORDS, slot_at, store_in_slot};
use super::call::shape_of;
use super::cold::look;
use super::locals::own_from_slot;
use crate::attributes::{AttrPlan, StorePlan, load_attr_plan, store_attr_plan};
use crate::builtins::type_::is_uncounted;
use crate::handlers;
use crate::interp::machine::fetch;
use crate::shape;
use crate::thread::Thread;
use crate::word::Word;
use crate::{drop_next, next, tail};

/// Places of a table: a power of two.
const PLACES: usize = 512;

/// What an entry says of reading an attribute, or of writing to it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
enum Plan {
    /// Nothing that helps.
    Generic,
    /// Lies at this byte offset.
    Slot,
    /// This object or word of the class, which needs no count.
    Value,
    /// This function of the class, which takes the object in front, and needs no count.
    Method,
    /// To be written to this byte offset.
    Store,
}

/// Bits of a guard below the shape id.
const PLAN_BITS: u32 = 3;

#[derive(Clone, Copy)]
struct Entry {
    name: u64,
    /// Shape id and [`Plan`].
    guard: u64,
    /// What the plan needs: an offset, or a word.
    content: u64,
}

/// A thread's table. Nobody else looks at it.
pub struct AttrTable([Entry; PLACES]);

impl AttrTable {
    pub(crate) fn new() -> Box<AttrTable> {
        Box::new(AttrTable([Entry { name: 0, guard: 0, content: 0 }; PLACES]))
    }

    /// Where a plan for this name and shape is, if anywhere. Reading and writing have places of their own.
    #[inline(always)]
    fn place(name: u64, shape: u32, writes: bool) -> usize {
        let mixed = (name >> 4) ^ (name >> 13) ^ u64::from(shape).wrapping_mul(37) ^ u64::from(writes);
        mixed as usize & (PLACES - 1)
    }

    #[inline(always)]
    fn at(&self, name: u64, shape: u32, writes: bool) -> &Entry {
        &self.0[Self::place(name, shape, writes)]
    }
}

impl Entry {
    /// Is this the plan for a name and an object's shape, which is valid?
    ///
    /// # Safety
    /// A shape id of a live object.
    #[inline(always)]
    unsafe fn is_for(&self, name: u64, shape: u32) -> bool {
        // SAFETY: a shape id is below the length of the table.
        self.name == name
            && self.guard >> PLAN_BITS == u64::from(shape)
            && unsafe { (*shape::table().add(shape as usize)).is_valid() }
    }

    #[inline(always)]
    fn is(&self, plan: Plan) -> bool {
        self.guard & ((1 << PLAN_BITS) - 1) == plan as u64
    }
}

/// Remembers the plan for reading or writing the attribute.
#[cold]
#[inline(never)]
fn remember(th: &mut Thread, object: Word, name: u64, writes: bool) {
    // SAFETY: words of the running instruction.
    let (o, attr) = unsafe { (look(object), look(Word(name))) };
    let (plan, content) = if writes {
        match store_attr_plan(th, o, attr) {
            StorePlan::Slot { offset } | StorePlan::Member { offset } => (Plan::Store, u64::from(offset)),
            _ => (Plan::Generic, 0),
        }
    } else {
        match load_attr_plan(th, o, attr) {
            AttrPlan::Slot { offset } | AttrPlan::Member { offset } => (Plan::Slot, u64::from(offset)),
            AttrPlan::Class { value, method: true } => (Plan::Method, value.uncounted().0),
            AttrPlan::Class { value, .. } if !value.is_ptr() => (Plan::Value, value.0),
            AttrPlan::Class { value, .. } if is_uncounted(value) => (Plan::Value, value.uncounted().0),
            _ => (Plan::Generic, 0),
        }
    };
    let shape = o.shape_id();
    let guard = u64::from(shape) << PLAN_BITS | plan as u64;
    th.attr_table.0[AttrTable::place(name, shape, writes)] = Entry { name, guard, content };
}

handlers! {
    fn load_attr_many(pc, sp, fp, th, tos, arg) {
        let name = fetch(pc);
        if !tos.is_ptr() {
            tail!(super::attr::load_attr_generic, pc, sp, fp, th, tos, arg)
        }
        let id = shape_of(tos);
        let entry = (*th).attr_table.at(name, id, false);
        if !entry.is_for(name, id) {
            tail!(load_attr_new, pc, sp, fp, th, tos, arg)
        }
        let v = if entry.is(Plan::Slot) {
            let w = slot_at(tos, entry.content).peek();
            if w == Word::UNBOUND { Word::ZERO } else { own_from_slot(th, w) }
        } else if entry.is(Plan::Value) {
            Word(entry.content)
        } else {
            Word::ZERO
        };
        if v == Word::ZERO {
            tail!(load_attr_not_planned, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_ATTR_WORDS);
        drop_next!(tos, pc, sp, fp, th, v)
    }

    /// An object of another thread lies in the slot, or there is no plan.
    fn load_attr_not_planned(pc, sp, fp, th, tos, arg) {
        let entry = (*th).attr_table.at(fetch(pc), shape_of(tos), false);
        if entry.is(Plan::Slot) {
            tail!(super::attr::load_attr_foreign, pc, sp, fp, th, tos, entry.content)
        }
        tail!(super::attr::load_attr_generic, pc, sp, fp, th, tos, arg)
    }

    #[cold]
    fn load_attr_new(pc, sp, fp, th, tos, arg) {
        remember(&mut *th, tos, fetch(pc), false);
        tail!(super::attr::load_attr_generic, pc, sp, fp, th, tos, arg)
    }

    fn load_method_many(pc, sp, fp, th, tos, arg) {
        let name = fetch(pc);
        if !tos.is_ptr() {
            tail!(super::attr::load_method_generic, pc, sp, fp, th, tos, arg)
        }
        let id = shape_of(tos);
        let entry = (*th).attr_table.at(name, id, false);
        if !entry.is_for(name, id) {
            tail!(load_method_new, pc, sp, fp, th, tos, arg)
        }
        if !entry.is(Plan::Method) {
            tail!(super::attr::load_method_generic, pc, sp, fp, th, tos, arg)
        }
        *sp = Word(entry.content);
        sp = sp.add(1);
        pc = pc.add(LOAD_ATTR_WORDS);
        next!(pc, sp, fp, th, tos)
    }

    #[cold]
    fn load_method_new(pc, sp, fp, th, tos, arg) {
        remember(&mut *th, tos, fetch(pc), false);
        tail!(super::attr::load_method_generic, pc, sp, fp, th, tos, arg)
    }

    fn store_attr_many(pc, sp, fp, th, tos, arg) {
        let name = fetch(pc);
        if !tos.is_ptr() {
            tail!(super::attr::store_attr_generic, pc, sp, fp, th, tos, arg)
        }
        let id = shape_of(tos);
        let entry = (*th).attr_table.at(name, id, true);
        if !entry.is_for(name, id) {
            tail!(store_attr_new, pc, sp, fp, th, tos, arg)
        }
        if !entry.is(Plan::Store) {
            tail!(super::attr::store_attr_generic, pc, sp, fp, th, tos, arg)
        }
        store_in_slot!(pc, sp, fp, th, tos, arg; id, entry.content)
    }

    #[cold]
    fn store_attr_new(pc, sp, fp, th, tos, arg) {
        remember(&mut *th, tos, fetch(pc), true);
        tail!(super::attr::store_attr_generic, pc, sp, fp, th, tos, arg)
    }
}
