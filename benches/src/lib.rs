//! Shared set-up of the criterion benches.

use std::mem::MaybeUninit;
use std::sync::Arc;
use typhon_sync::{Birth, Header, Host, Mode, ThreadCtx, World};

/// A host whose objects are never destroyed.
pub struct NoDeaths;

impl Host for NoDeaths {
    fn dealloc(&self, _thread: &ThreadCtx, _object: *const Header) {
        unreachable!("the benches keep their objects")
    }
}

/// A header that lives as long as the process.
pub fn header(birth: Birth) -> &'static Header {
    let slot = Box::leak(Box::new(MaybeUninit::<Header>::uninit()));
    // SAFETY: fresh, aligned memory of the right size, seen by nobody else.
    unsafe {
        Header::write_birth(slot.as_mut_ptr(), &birth, 1, 0, 0);
        slot.assume_init_ref()
    }
}

/// An attached thread in a world of its own.
pub fn attached(mode: Mode) -> ThreadCtx {
    let thread = Arc::new(World::new(mode)).register();
    thread.attach();
    thread
}

/// Runs `work` on the calling thread while one other thread runs `rival` over and over.
pub fn against<R>(rival: impl Fn() + Sync, work: impl FnOnce() -> R) -> R {
    use std::sync::atomic::{AtomicBool, Ordering};
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // ORDERING Relaxed: only ends the loop.
            while !done.load(Ordering::Relaxed) {
                rival();
            }
        });
        let result = work();
        // ORDERING Relaxed: as above.
        done.store(true, Ordering::Relaxed);
        result
    })
}
