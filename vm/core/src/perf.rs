//! `-X perf`: names of Python functions, or of their lines, for `perf`.
//!
//! `perf` sees machine code: handlers that jump to each other on one frame of the machine stack, whatever Python
//! calls. So with the option every Python frame runs below a *trampoline*, a few instructions made for its code object
//! ([`trampoline`]), whose address has a name in the file `/tmp/perf-PID.map`.
//!
//! No call, return, yield or exception knows of this. Linked code consists of noting handlers
//! ([`crate::interp::opcodes::Op::noting_handler`]), and each first compares where it is with what the innermost
//! trampoline stands for ([`Position::is_elsewhere`]). If a frame was pushed since, it goes on in a nested machine
//! below a trampoline of that frame's code. If the frame is gone, it leaves the nested machine, which hands the registers
//! to the one that entered it; and there the comparison is made again. With lines, each has a
//! trampoline; an instruction of another line of the same frame stays below the one that was called, and only gives its
//! frame the other's name.

use typhon_sync::prim::{AtomicBool, Ordering};

use crate::code::CodeObject;
use crate::runtime::{Config, Perf};

mod map;
mod position;
mod trampoline;

pub use map::Spans;
pub(crate) use position::switch;
pub use position::{Position, cross};

/// Frames are entered by trampolines now.
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// Starts naming, if the configuration asks for it; before any code is linked.
///
/// Errors: what is not possible, and why.
pub(crate) fn start(config: &Config) -> Result<(), String> {
    if config.perf != Perf::Off {
        map::start(config.perf == Perf::Lines).map_err(|e| format!("-X perf: {e}"))?;
        crate::interp::opcodes::note_instructions();
        set_active(true);
    }
    Ok(())
}

/// In the child of a fork: it has a file of its own, with all names until now.
pub(crate) fn after_fork() {
    map::after_fork();
}

/// The process was started with `-X perf`.
pub(crate) fn is_available() -> bool {
    map::is_on()
}

/// Frames are entered by trampolines now.
pub(crate) fn is_active() -> bool {
    // ORDERING Relaxed: a thread notices with its next frame.
    ACTIVE.load(Ordering::Relaxed)
}

/// Frames are entered by trampolines from now on, or no more.
pub(crate) fn set_active(active: bool) {
    // ORDERING Relaxed: as above.
    ACTIVE.store(active, Ordering::Relaxed)
}

/// Trampolines for code that is being linked into `units`, which belong to the 16-bit `offsets`; none without the
/// option.
pub(crate) fn spans(code: &CodeObject, units: &[u64], offsets: &[u32]) -> Spans {
    if map::is_on() { map::spans(code, units, offsets) } else { Spans::default() }
}
