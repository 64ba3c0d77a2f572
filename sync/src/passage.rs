//! System threads that are about to begin or to end. The allocator and the standard library enter and strike them in
//! tables of their own, under locks that the child of a fork would find held for ever; so a fork waits until nobody
//! is about to.

use std::ffi::c_void;
use std::io;
use std::ptr;
use std::sync::OnceLock;
use std::thread::{Builder, JoinHandle};

use super::prim::{Condvar, Mutex, MutexGuard, lock, wait};

static PASSING: Mutex<usize> = Mutex::new(0);
static PASSED: Condvar = Condvar::new();

/// A thread is about to begin or to end. Waits while the process is being forked.
fn pass() {
    *lock(&PASSING) += 1;
}

/// It has begun or ended, or never will.
fn passed() {
    *lock(&PASSING) -= 1;
    PASSED.notify_all();
}

/// A thread that is about to begin, until this is dropped.
pub struct Beginning(());

impl Beginning {
    fn new() -> Beginning {
        pass();
        Beginning(())
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        passed();
    }
}

/// The key whose destructor is the last that a thread runs: after what the standard library does, and in the order
/// in which keys were made, which the allocator did at the start of the process. `None`: the system has no key left.
fn last_key() -> Option<libc::pthread_key_t> {
    extern "C" fn ended(_: *mut c_void) {
        passed();
    }
    static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();
    *KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: room for a key; the destructor may run on any thread.
        (unsafe { libc::pthread_key_create(&mut key, Some(ended)) } == 0).then_some(key)
    })
}

/// The calling thread, which [`spawn`] started, is about to end: it attaches no more, and takes locks of its process.
pub fn end() {
    let Some(key) = last_key() else { return };
    // SAFETY: a key of this process; its value is not followed.
    if unsafe { !libc::pthread_getspecific(key).is_null() } {
        return;
    }
    pass();
    // SAFETY: as above.
    if unsafe { libc::pthread_setspecific(key, ptr::dangling::<u8>().cast()) } != 0 {
        passed();
    }
}

/// Starts a system thread that runs `f`, which drops what it is given when it has begun.
///
/// Errors: the system refuses the thread.
pub fn spawn<T: Send + 'static>(
    builder: Builder,
    f: impl FnOnce(Beginning) -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let beginning = Beginning::new();
    builder.spawn(move || {
        // Makes the allocator enter it.
        std::hint::black_box(Box::new(0u8));
        let result = f(beginning);
        end();
        result
    })
}

/// Waits until no thread is about to begin or to end; none is while the guard lives. To be dropped in the parent
/// and in the child.
pub fn still() -> MutexGuard<'static, usize> {
    let mut passing = lock(&PASSING);
    while *passing > 0 {
        passing = wait(&PASSED, passing);
    }
    passing
}
