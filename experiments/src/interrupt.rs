//! Ctrl-C and SIGTERM: remembered here, obeyed by whoever waits for a child.

use std::sync::atomic::{AtomicBool, Ordering};

static WANTED: AtomicBool = AtomicBool::new(false);

extern "C" fn remember(_signal: libc::c_int) {
    WANTED.store(true, Ordering::Relaxed);
}

/// Makes SIGINT and SIGTERM set a flag instead of ending the lab, so that children are stopped
/// and the result file ends with a whole line.
pub fn install() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: `remember` only stores to an atomic, which a signal handler may do.
        unsafe {
            libc::signal(signal, remember as extern "C" fn(libc::c_int) as libc::sighandler_t);
        }
    }
}

/// Whether the user asked to stop.
pub fn requested() -> bool {
    WANTED.load(Ordering::Relaxed)
}

/// From here on, ends the lab without a word when nobody reads its output any more (`cargo lab list |
/// head`). To be called when no child runs: a child's closed input must not end the lab.
pub fn end_when_output_closes() {
    // SAFETY: installs no handler of ours, only the system's default.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
