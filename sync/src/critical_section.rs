//! Critical sections: object locks that may be held over a call into Python.
//!
//! A thread's sections form a stack. Whenever the thread detaches, all of them are given up; when it
//! attaches, the innermost is taken again, the outer ones when it is their turn. So nested sections
//! cannot deadlock, and the rule for authors is: *after any call that can run Python or block,
//! everything read under the section must be read again.*
//!
//! Source: PEP 703, "Critical sections".

use super::header::Header;
use super::rules;
use super::thread::ThreadCtx;
use std::cell::RefCell;
use std::ptr;

struct Entry {
    low: *const Header,
    /// Null: a section of one object.
    high: *const Header,
    held: bool,
}

impl Entry {
    fn give_up(&mut self) {
        if !std::mem::take(&mut self.held) {
            return;
        }
        for object in [self.high, self.low] {
            // SAFETY: null, or an object that the section's author keeps alive until its guard goes.
            if let Some(object) = unsafe { object.as_ref() } {
                object.unlock();
            }
        }
    }
}

/// A thread's stack of sections.
#[derive(Default)]
pub(super) struct Sections {
    stack: RefCell<Vec<Entry>>,
}

/// Holds its section until dropped, except while the thread is detached or inside a nested section
/// that had to wait. Guards are dropped in reverse order of their making.
#[must_use = "the section ends when the guard is dropped"]
pub struct Section<'t> {
    /// `None`: locks are not taken.
    thread: Option<&'t ThreadCtx>,
    depth: usize,
}

impl ThreadCtx {
    /// Enters a section of `object`, which must stay alive until the guard is dropped.
    #[inline]
    pub fn section(&self, object: &Header) -> Section<'_> {
        if !self.takes_locks() {
            return Section { thread: None, depth: 0 };
        }
        self.enter_section(object, ptr::null())
    }

    /// Enters a section of two objects: the lower address first; one lock if they are the same.
    #[inline]
    pub fn section2(&self, a: &Header, b: &Header) -> Section<'_> {
        if !self.takes_locks() {
            return Section { thread: None, depth: 0 };
        }
        if ptr::eq(a, b) {
            return self.enter_section(a, ptr::null());
        }
        let (low, high) = if ptr::from_ref(a) < ptr::from_ref(b) { (a, b) } else { (b, a) };
        self.enter_section(low, high)
    }

    fn enter_section(&self, low: &Header, high: *const Header) -> Section<'_> {
        self.acquire(low, high);
        let mut stack = self.sections.stack.borrow_mut();
        stack.push(Entry { low, high, held: true });
        Section { thread: Some(self), depth: stack.len() }
    }

    /// Takes both locks. While it sleeps all sections of the thread are given up; `low` may be held
    /// over the wait for `high`, which cannot close a circle because `high` is the larger address.
    fn acquire(&self, low: &Header, high: *const Header) {
        // SAFETY: null, or an object that the section's author keeps alive.
        let second = unsafe { high.as_ref() };
        let mut claimed = false;
        for object in [Some(low), second].into_iter().flatten() {
            if !object.try_lock() {
                if !std::mem::replace(&mut claimed, true) {
                    self.state().claim_section(low, high);
                }
                object.lock_contended(self, false);
            }
        }
        if claimed {
            self.state().claim_section(ptr::null(), ptr::null());
        }
    }

    /// Gives up all sections. The thread is about to detach.
    pub(super) fn suspend_sections(&self) {
        if !rules::DETACH_GIVES_UP_SECTIONS {
            return;
        }
        for entry in self.sections.stack.borrow_mut().iter_mut().rev() {
            entry.give_up();
        }
    }

    /// Takes the innermost section again, if it was given up.
    pub(super) fn resume_section(&self) {
        let innermost = match self.sections.stack.borrow().last() {
            Some(entry) if !entry.held => (entry.low, entry.high),
            _ => return,
        };
        if !self.takes_locks() || !rules::ATTACH_RESUMES_SECTION {
            return;
        }
        // SAFETY: the section's author keeps the object alive until its guard goes.
        self.acquire(unsafe { &*innermost.0 }, innermost.1);
        if let Some(entry) = self.sections.stack.borrow_mut().last_mut() {
            entry.held = true;
        }
    }

    /// Sections this thread is in, held or given up.
    pub fn section_depth(&self) -> usize {
        self.sections.stack.borrow().len()
    }
}

impl Section<'_> {
    /// The section's locks are held right now: not given up for a nested wait.
    pub fn is_held(&self) -> bool {
        match self.thread {
            None => true,
            Some(thread) => thread.sections.stack.borrow()[self.depth - 1].held,
        }
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let Some(thread) = self.thread else { return };
        let mut stack = thread.sections.stack.borrow_mut();
        debug_assert_eq!(stack.len(), self.depth, "sections end in reverse order");
        if let Some(mut entry) = stack.pop() {
            drop(stack);
            entry.give_up();
        }
        thread.resume_section();
    }
}
