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

macro_rules! events {
    ($($name:ident,)*) => {
        /// Events, by number.
        pub mod event {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Number { $($name,)* }
            $(pub const $name: usize = Number::$name as usize;)*
        }

        /// Names of the events, by number.
        pub const EVENT_NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

// Those that units report come first. BRANCH stands for either of the two branches.
events! {
    PY_START, PY_RESUME, PY_RETURN, PY_YIELD, CALL, LINE, INSTRUCTION, JUMP, BRANCH_LEFT, BRANCH_RIGHT, STOP_ITERATION,
    RAISE, EXCEPTION_HANDLED, PY_UNWIND, PY_THROW, RERAISE, C_RETURN, C_RAISE, BRANCH,
}

/// How many events there are.
pub const N_EVENTS: usize = EVENT_NAMES.len();
/// Events that units report; they can be local to a code object, and a callback can disable them at a place.
pub const N_LOCAL: usize = event::RAISE;
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
