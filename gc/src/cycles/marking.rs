//! What the passes over references remember from one to the next: what is to be visited, and what need not be
//! looked up again.

use typhon_sync::header::Header;

/// Objects to be visited: a stack, and a short queue behind it through which each object passes
/// while its memory is being fetched. Source: Cher, Hosking, Vitek, "Software prefetching for
/// mark-sweep garbage collection", ASPLOS 2004.
pub(super) struct MarkQueue {
    pub stack: Vec<*const Header>,
    fetching: [*const Header; MarkQueue::AHEAD],
    at: usize,
    pub recent: Recent,
}

impl MarkQueue {
    const AHEAD: usize = 8;

    pub fn new() -> MarkQueue {
        MarkQueue {
            stack: Vec::new(),
            fetching: [std::ptr::null(); MarkQueue::AHEAD],
            at: 0,
            recent: Recent::default(),
        }
    }

    #[inline(always)]
    pub fn push(&mut self, object: *const Header) {
        self.stack.push(object);
    }

    /// Empties the queue.
    pub fn take_all(&mut self) -> Vec<*const Header> {
        let mut all = std::mem::take(&mut self.stack);
        let fetching = std::mem::replace(&mut self.fetching, [std::ptr::null(); MarkQueue::AHEAD]);
        all.extend(fetching.into_iter().filter(|object| !object.is_null()));
        all
    }

    #[inline(always)]
    pub fn pop(&mut self) -> Option<*const Header> {
        while let Some(object) = self.stack.pop() {
            prefetch(object);
            let ready = std::mem::replace(&mut self.fetching[self.at], object);
            self.at = (self.at + 1) % MarkQueue::AHEAD;
            if !ready.is_null() {
                return Some(ready);
            }
        }
        for _ in 0..MarkQueue::AHEAD {
            let ready = std::mem::replace(&mut self.fetching[self.at], std::ptr::null());
            self.at = (self.at + 1) % MarkQueue::AHEAD;
            if !ready.is_null() {
                return Some(ready);
            }
        }
        None
    }
}

/// Addresses of slots, on their way from one thread to another.
pub(super) struct Addresses(pub Vec<*const Header>);

// SAFETY: addresses; who reads there has a reason of its own.
unsafe impl Send for Addresses {}

/// Some of the classes, modules and the like that objects were lately found to hold: many objects hold the same.
#[derive(Default)]
pub(super) struct Recent([usize; Recent::PLACES]);

impl Recent {
    const PLACES: usize = 32;

    /// Has the address been asked for lately?
    #[inline(always)]
    pub fn has(&mut self, held: *const Header) -> bool {
        let place = &mut self.0[(held as usize >> 6) % Recent::PLACES];
        std::mem::replace(place, held as usize) == held as usize
    }
}

#[inline(always)]
fn prefetch(object: *const Header) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address has no effect on the program's state.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(object.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = object;
}

/// Tells what an object refers to, and how many times in a row: lists of one object many times are common,
/// and each step would wait for the one before.
pub(super) struct Runs<F: FnMut(*const Header, u32)> {
    last: *const Header,
    times: u32,
    tell: F,
}

impl<F: FnMut(*const Header, u32)> Runs<F> {
    #[inline(always)]
    pub fn new(tell: F) -> Runs<F> {
        Runs { last: core::ptr::null(), times: 0, tell }
    }

    #[inline(always)]
    pub fn add(&mut self, child: *const Header) {
        if core::ptr::eq(child, self.last) {
            self.times += 1;
        } else {
            self.end();
            (self.last, self.times) = (child, 1);
        }
    }

    /// To be called behind the last child.
    #[inline(always)]
    pub fn end(&mut self) {
        if self.times > 0 {
            (self.tell)(self.last, self.times);
        }
    }
}
