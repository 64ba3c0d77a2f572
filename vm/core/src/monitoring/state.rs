//! What tools registered: names, callbacks, and the events they watch in all code.

use parking_lot::RwLock;
use typhon_sync::prim::{AtomicBool, AtomicU8, Ordering};

use super::event::{
    BRANCH, BRANCH_LEFT, BRANCH_RIGHT, EXCEPTION_HANDLED, LINE, PY_THROW, PY_UNWIND, RAISE, RERAISE,
};
use super::variants::Masks;
use super::{ALL_TOOLS, N_EVENTS, N_LOCAL};
use crate::object::Owned;
use crate::word::Word;

/// For each event the tools that watch it in all code, one bit each. Written while the world is stopped, under the
/// registry's lock; read by anybody, who sees the state of the last stop.
static GLOBAL: [AtomicU8; N_EVENTS] = [const { AtomicU8::new(0) }; N_EVENTS];

/// Tools that watch an event in all code.
pub(crate) fn global(event: usize) -> u8 {
    // ORDERING Relaxed: written in a stop.
    GLOBAL[event].load(Ordering::Relaxed)
}

/// Does anybody watch what exceptions do, in any code? Written and read as [`GLOBAL`], of which it is a summary for
/// the search for handlers.
static WATCHES_EXCEPTIONS: AtomicBool = AtomicBool::new(false);

#[inline]
pub(crate) fn watches_exceptions() -> bool {
    // ORDERING Relaxed: written in a stop.
    WATCHES_EXCEPTIONS.load(Ordering::Relaxed)
}

/// Sets the events that a tool watches in all code. While the world is stopped.
pub(super) fn set_global(tool: usize, events: u32) {
    for (event, mask) in GLOBAL.iter().enumerate() {
        let old = global(event);
        let new = if events & super::bit(event) != 0 { old | 1 << tool } else { old & !(1 << tool) };
        // ORDERING Relaxed: threads see it when they go on.
        mask.store(new, Ordering::Relaxed);
    }
    let any = [RAISE, EXCEPTION_HANDLED, PY_UNWIND, PY_THROW, RERAISE, LINE]
        .iter()
        .any(|&event| global(event) != 0);
    // ORDERING Relaxed: as above.
    WATCHES_EXCEPTIONS.store(any, Ordering::Relaxed);
}

/// [`global`], of the events that units report.
pub(crate) fn global_masks() -> Masks {
    let mut masks = [0; N_LOCAL];
    masks.iter_mut().enumerate().for_each(|(event, mask)| *mask = global(event));
    masks
}

/// The events that a tool watches in all code.
pub(crate) fn global_events(tool: usize) -> u32 {
    (0..N_EVENTS).filter(|event| global(*event) & 1 << tool != 0).map(super::bit).sum()
}

/// A tool of `sys.monitoring`.
#[derive(Default)]
pub(crate) struct Tool {
    pub name: Option<Owned>,
    callbacks: [Option<Owned>; N_EVENTS],
}

/// The tools, and the two objects that tell something by their identity.
pub(crate) struct Tools {
    pub all: [Tool; ALL_TOOLS],
    pub disable: Option<Owned>,
    pub missing: Option<Owned>,
}

// SAFETY: the references inside are handed between threads under the lock, with their counts.
unsafe impl Send for Tools {}
// SAFETY: as above: readers take counts of their own.
unsafe impl Sync for Tools {}

/// Written by the functions of `sys.monitoring`; readers see whole entries. What is taken out is dropped without
/// the lock.
pub(crate) static TOOLS: RwLock<Tools> = RwLock::new(Tools {
    all: [const { Tool { name: None, callbacks: [const { None }; N_EVENTS] } }; ALL_TOOLS],
    disable: None,
    missing: None,
});

/// What a tool wants called for an event.
pub(crate) fn callback(tool: usize, event: usize) -> Option<Owned> {
    let tools = TOOLS.read();
    let callbacks = &tools.all[tool].callbacks;
    let of_both = if matches!(event, BRANCH_LEFT | BRANCH_RIGHT) { &callbacks[BRANCH] } else { &None };
    callbacks[event].as_ref().or(of_both.as_ref()).cloned()
}

/// Replaces a callback; the old one.
pub(crate) fn set_callback(tool: usize, event: usize, new: Option<Owned>) -> Option<Owned> {
    core::mem::replace(&mut TOOLS.write().all[tool].callbacks[event], new)
}

/// Takes all callbacks of a tool.
pub(crate) fn take_callbacks(tool: usize) -> [Option<Owned>; N_EVENTS] {
    core::mem::take(&mut TOOLS.write().all[tool].callbacks)
}

/// The word of `sys.monitoring.DISABLE`.
pub(crate) fn disable_word() -> Word {
    TOOLS.read().disable.as_ref().map_or(Word::ZERO, |d| d.word())
}

/// `sys.monitoring.MISSING`.
pub(crate) fn missing() -> Owned {
    TOOLS.read().missing.clone().unwrap_or_else(Owned::none)
}
