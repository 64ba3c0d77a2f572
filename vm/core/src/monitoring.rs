//! Monitoring of events (PEP 669), and what is built on it: `sys.settrace`, `sys.setprofile`.
//!
//! Code that nobody watches runs as if there were no events. When events of a code object are switched on, it gets
//! another linked form with units that report them ([`plan`]); [`variants`] moves frames and functions over to it, and
//! back. [`fire`] calls the tools, [`calls`] for calls; [`state`] is what they registered; [`legacy`] has the functions of `sys`.

pub mod calls;
pub mod fire;
pub mod legacy;
pub mod plan;
pub mod state;
pub mod variants;

/// Events, by number.
pub mod event {
    pub const PY_START: usize = 0;
    pub const PY_RESUME: usize = 1;
    pub const PY_RETURN: usize = 2;
    pub const PY_YIELD: usize = 3;
    pub const CALL: usize = 4;
    pub const LINE: usize = 5;
    pub const INSTRUCTION: usize = 6;
    pub const JUMP: usize = 7;
    pub const BRANCH_LEFT: usize = 8;
    pub const BRANCH_RIGHT: usize = 9;
    pub const STOP_ITERATION: usize = 10;
    pub const RAISE: usize = 11;
    pub const EXCEPTION_HANDLED: usize = 12;
    pub const PY_UNWIND: usize = 13;
    pub const PY_THROW: usize = 14;
    pub const RERAISE: usize = 15;
    pub const C_RETURN: usize = 16;
    pub const C_RAISE: usize = 17;
    /// Either of the two branches.
    pub const BRANCH: usize = 18;
}

/// How many events there are.
pub const N_EVENTS: usize = 19;
/// Events that units report; they can be local to a code object, and a callback can disable them at a place.
pub const N_LOCAL: usize = 11;
/// Tools that `sys.monitoring` gives away.
pub const N_TOOLS: usize = 6;
/// The tools behind `sys.setprofile` and `sys.settrace`.
pub const PROFILE_TOOL: usize = 6;
pub const TRACE_TOOL: usize = 7;
/// All of them.
pub const ALL_TOOLS: usize = 8;

/// The bit of an event in a set of events.
pub const fn bit(event: usize) -> u32 {
    1 << event
}
