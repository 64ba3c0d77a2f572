//! The linked forms of a code object, and how frames move from one to another.
//!
//! A code object has one form for each set of tools and events that it was watched with, besides the plain one. One of
//! them is current: functions enter it. The units of the others, those that frames may still come back to, are
//! replaced by MOVED, which goes on at the same instruction of the current form: return addresses, suspended
//! generators and natives that hold a place in the code need not be found.
//!
//! Who writes: forms and registry change under the registry's lock, and all code is looked at while the world is
//! stopped. Code without running frames is only told to link anew when it is entered.

use std::collections::{HashMap, HashSet};

use typhon_sync::prim::Ordering;

use super::plan::EVENT_SHIFT;
use super::state;
use super::{ALL_TOOLS, N_LOCAL};
use crate::code::CodeObject;
use crate::interp::link::{self, Linked};
use crate::interp::machine::{ARG_BITS, ARG_MASK, fetch, patch};
use crate::interp::opcodes::{Op, encode};
use crate::thread::Thread;

/// For each event that units report: its tools, one bit each.
pub type Masks = [u8; N_LOCAL];

/// What a form that reports events knows of itself.
pub struct Instrumented {
    pub(crate) masks: Masks,
    /// Where its event units are, and their arguments with every tool.
    pub(crate) units: Vec<(u32, u16)>,
}

/// What is known of code that was watched.
#[derive(Default)]
struct Watched {
    /// Events of each tool in this code.
    local: [u32; ALL_TOOLS],
    /// Tools that asked not to be told of an event at an offset again.
    disabled: HashMap<(u32, u8), u8>,
    /// Forms that are not current, by address: the words that MOVED replaced.
    left: HashMap<usize, Vec<(u32, u64)>>,
}

/// Linked code, by address.
#[derive(Default)]
pub struct Registry {
    codes: HashMap<usize, Option<Box<Watched>>>,
}

impl Registry {
    /// Code that was just linked.
    pub(crate) fn enter(&mut self, code: &CodeObject) {
        self.codes.entry(address(code)).or_default();
    }

    fn watched(&mut self, code: &CodeObject) -> &mut Watched {
        self.codes.entry(address(code)).or_default().get_or_insert_default()
    }

    fn find(&self, code: &CodeObject) -> Option<&Watched> {
        self.codes.get(&address(code))?.as_deref()
    }
}

fn address(code: &CodeObject) -> usize {
    code as *const CodeObject as usize
}

/// The registry, for changes.
pub(crate) fn lock(th: &Thread) -> parking_lot::MutexGuard<'static, Registry> {
    th.rt.link_lock.lock()
}

/// Takes all forms of dying code out, `first` among them.
pub(crate) fn forget(code: &CodeObject, first: *mut Linked) -> Vec<Box<Linked>> {
    let watched = crate::runtime::rt().link_lock.lock().codes.remove(&address(code));
    drop(watched);
    let mut forms = Vec::new();
    let mut form = first;
    loop {
        // SAFETY: forms come from `Box::into_raw`; each is in the ring once.
        let linked = unsafe { Box::from_raw(form) };
        form = linked.next_form();
        forms.push(linked);
        if form.is_null() || core::ptr::eq(form, first) {
            return forms;
        }
    }
}

/// The tools of each event in this code.
fn wanted(registry: &Registry, code: &CodeObject) -> Masks {
    let mut masks = state::global_masks();
    if let Some(watched) = registry.find(code) {
        for (tool, events) in watched.local.iter().enumerate() {
            for (event, mask) in masks.iter_mut().enumerate() {
                if events & super::bit(event) != 0 {
                    *mask |= 1 << tool;
                }
            }
        }
    }
    masks
}

fn masks_of(linked: &Linked) -> Masks {
    linked.instrumented.as_ref().map_or([0; N_LOCAL], |i| i.masks)
}

/// Makes the form current that reports what is wanted now.
pub(crate) fn refresh<'c>(registry: &mut Registry, code: &'c CodeObject, now: &'c Linked) -> &'c Linked {
    let masks = wanted(registry, code);
    if masks == masks_of(now) {
        set_current(code, now);
        return now;
    }
    let mut found = None;
    for form in now.forms() {
        if masks_of(form) == masks {
            found = Some(form);
        }
    }
    let new = match found {
        Some(form) => form,
        None => {
            let made = Box::into_raw(Box::new(link::make(code, Some(masks))));
            // SAFETY: made above; freed with the code object.
            let made = unsafe { &*made };
            if crate::contention::is_on() {
                crate::contention::places::enter(code, made);
            }
            now.insert_behind(made);
            made
        }
    };
    let old_masks = masks_of(now);
    let watched = registry.watched(code);
    // What was disabled for a tool whose event went away is not disabled when it comes back.
    watched.disabled.retain(|(_, event), tools| {
        let event = usize::from(*event);
        *tools &= old_masks[event] & masks[event];
        *tools != 0
    });
    for (i, word) in watched.left.remove(&(new as *const Linked as usize)).unwrap_or_default() {
        // SAFETY: a word of the form that stood there before.
        unsafe { patch(&new.units()[i as usize], word) };
    }
    arm(watched, new);
    set_current(code, new);
    let left = leave(now);
    watched.left.insert(now as *const Linked as usize, left);
    new
}

fn set_current(code: &CodeObject, linked: &Linked) {
    // ORDERING Release: as in `link`: whoever reads the pointers sees the words.
    code.linked.0.store((linked as *const Linked).cast_mut(), Ordering::Release);
    // ORDERING Release: as above.
    code.entry.store(linked.units().as_ptr().cast_mut(), Ordering::Release);
}

/// Puts MOVED where frames may come back to a form; what stood there.
fn leave(linked: &Linked) -> Vec<(u32, u64)> {
    let units = linked.units();
    let mut out: Vec<(u32, u64)> = Vec::new();
    for &place in linked.places() {
        if place as usize >= units.len() || out.last().is_some_and(|(last, _)| *last == place) {
            continue;
        }
        // SAFETY: the first word of an instruction; the argument stays, for whoever looks at it.
        unsafe {
            let word = fetch(&units[place as usize]);
            out.push((place, word));
            patch(&units[place as usize], encode(Op::Moved) << ARG_BITS | word & ARG_MASK);
        }
    }
    out
}

/// Gives the event units of a form the tools that did not disable them.
fn arm(watched: &Watched, linked: &Linked) {
    let Some(instrumented) = &linked.instrumented else { return };
    for &(at, arg) in &instrumented.units {
        let event = (u64::from(arg) >> EVENT_SHIFT) as u8;
        let offset = linked.offsets()[at as usize];
        let disabled = watched.disabled.get(&(offset, event)).copied().unwrap_or(0);
        // SAFETY: a unit of the form, with another argument.
        unsafe {
            let unit = &linked.units()[at as usize];
            patch(unit, fetch(unit) & !ARG_MASK | u64::from(arg & !u16::from(disabled)));
        }
    }
}

/// Where a frame that comes back to `at`, a MOVED unit of its code, goes on.
///
/// # Safety
/// The calling thread runs the frame of its current record there.
#[inline(never)]
pub(crate) unsafe fn place_now(th: &mut Thread, at: *const u64) -> *const u64 {
    // SAFETY: by contract.
    let (record, code) = unsafe { (&mut *th.ci, &*(*th.ci).code) };
    let current = code.linked_now().expect("running code is linked");
    let Some((form, i)) = current.form_with(at) else { return at };
    let offset = form.offsets()[i];
    if core::ptr::eq(form, current) {
        // Another thread has made the form current again, and the unit with it.
        return at;
    }
    let mut to = offset;
    if i > 0 {
        let before = form.offsets()[i - 1];
        record.line = code.line_of(before).unwrap_or(0);
        // A generator goes on with the RESUME behind its YIELD_VALUE, which has no unit while nobody watches.
        if code.data.0.code.get(before as usize * 2) == Some(&(typhon_compile::Opcode::YIELD_VALUE as u8)) {
            to = before + 1;
        }
    }
    current.unit_at(to)
}

/// Makes `change`, which may change what is watched, while all threads stand still, and moves what runs to the forms
/// that report it.
pub(crate) fn change<R>(th: &mut Thread, change: impl FnOnce(&mut Change<'_>) -> R) -> R {
    let rt = th.rt;
    crate::collect::with_world_stopped(th, || {
        // Who has the lock links code, and does not stop.
        let mut registry = rt.link_lock.lock();
        let r = change(&mut Change { registry: &mut registry });
        let mut running = HashSet::new();
        for thread in rt.threads.all() {
            // SAFETY: the world is stopped: records up to the current one are those of frames and boundaries.
            unsafe {
                let th = &*thread.0;
                let mut record = th.stack.first_record();
                while record <= th.ci {
                    running.insert((*record).code as usize);
                    record = record.add(1);
                }
            }
        }
        let codes: Vec<usize> = registry.codes.keys().copied().collect();
        for code in codes {
            // SAFETY: dying code leaves the registry first.
            let code = unsafe { &*(code as *const CodeObject) };
            let Some(linked) = code.linked_now() else { continue };
            if wanted(&registry, code) == masks_of(linked)
                || running.contains(&address(code))
                || code.is_generator_like()
            {
                refresh(&mut registry, code, linked);
            } else {
                // ORDERING Release: a constant unit.
                code.entry.store(crate::interp::eval::link_unit().cast_mut(), Ordering::Release);
            }
        }
        r
    })
}

/// What a change of the watching may do.
pub(crate) struct Change<'r> {
    registry: &'r mut Registry,
}

impl Change<'_> {
    /// Sets the events of a tool in all code.
    pub fn set_global(&mut self, tool: usize, events: u32) {
        state::set_global(tool, events);
    }

    /// Sets the events of a tool in one code object.
    pub fn set_local(&mut self, code: &CodeObject, tool: usize, events: u32) {
        self.registry.watched(code).local[tool] = events;
    }

    /// Takes a tool's events out of all code.
    pub fn clear_local(&mut self, tool: usize) {
        for watched in self.registry.codes.values_mut().flatten() {
            watched.local[tool] = 0;
        }
    }

    /// Whatever was disabled is reported again.
    pub fn restart(&mut self) {
        for (code, watched) in &mut self.registry.codes {
            let Some(watched) = watched else { continue };
            watched.disabled.clear();
            // SAFETY: dying code leaves the registry first.
            let code = unsafe { &*(*code as *const CodeObject) };
            if let Some(linked) = code.linked_now() {
                arm(watched, linked);
            }
        }
    }
}

/// The events of a tool in one code object.
pub(crate) fn local_events(th: &Thread, code: &CodeObject, tool: usize) -> u32 {
    lock(th).find(code).map_or(0, |watched| watched.local[tool])
}

/// Of the tools in a unit of the code at `at`, those that are to be told now.
pub(crate) fn still_wanted(th: &Thread, code: &CodeObject, at: *const u64, event: usize, tools: u8) -> u8 {
    let Some(current) = code.linked_now() else { return 0 };
    if current.form_with(at).is_some_and(|(form, _)| core::ptr::eq(form, current)) {
        return tools;
    }
    // The frame has yet to move.
    tools & wanted(&lock(th), code)[event]
}

/// `tool` does not want to be told of `event` at `offset` again.
pub(crate) fn disable(th: &Thread, code: &CodeObject, offset: u32, event: usize, tool: usize) {
    let mut registry = lock(th);
    let Some(linked) = code.linked_now() else { return };
    let watched = registry.watched(code);
    *watched.disabled.entry((offset, event as u8)).or_default() |= 1 << tool;
    arm_at(watched, linked, offset);
}

/// As [`arm`], for one instruction.
fn arm_at(watched: &Watched, linked: &Linked, offset: u32) {
    let Some(instrumented) = &linked.instrumented else { return };
    let first = linked.places()[offset as usize];
    let from = instrumented.units.partition_point(|(at, _)| *at < first);
    for &(at, arg) in &instrumented.units[from..] {
        if linked.offsets()[at as usize] != offset {
            break;
        }
        let event = (u64::from(arg) >> EVENT_SHIFT) as u8;
        let disabled = watched.disabled.get(&(offset, event)).copied().unwrap_or(0);
        // SAFETY: as in `arm`.
        unsafe {
            let unit = &linked.units()[at as usize];
            patch(unit, fetch(unit) & !ARG_MASK | u64::from(arg & !u16::from(disabled)));
        }
    }
}
