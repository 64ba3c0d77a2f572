//! Who waits for a future: for `asyncio.capture_call_graph` and its kind.
//!
//! Nearly always that is one task, which stands in the future itself; more are in a set.

use typhon_core::builtins::set::Set;
use typhon_core::{Borrowed, Owned, PyResult, Thread};

use super::future::Future;

/// Those who wait for a future.
pub enum Waiters {
    None,
    One(Owned),
    /// A set.
    Several(Owned),
}

impl typhon_core::Trace for Waiters {
    const BESIDE: typhon_core::Beside = typhon_core::Beside::Locked;

    fn trace(&self, visit: &mut dyn FnMut(typhon_core::Word)) {
        match self {
            Waiters::None => {}
            Waiters::One(v) | Waiters::Several(v) => v.trace(visit),
        }
    }

    fn clear(&mut self, drop: &mut dyn FnMut(typhon_core::Word)) {
        match core::mem::replace(self, Waiters::None) {
            Waiters::None => {}
            Waiters::One(v) | Waiters::Several(v) => drop(v.into_raw()),
        }
    }
}

impl Waiters {
    /// Adds the first waiter, or the one that is there; false: [`add`] has to be called.
    #[inline]
    pub fn add_only(&mut self, waiter: Borrowed<'_>) -> bool {
        match self {
            Waiters::None => {
                *self = Waiters::One(waiter.to_owned());
                true
            }
            Waiters::One(there) => there.is(waiter.word()),
            Waiters::Several(_) => false,
        }
    }

    /// Removes the only waiter; false: [`discard`] has to be called.
    #[inline]
    pub fn discard_only(&mut self, waiter: Borrowed<'_>) -> bool {
        match self {
            Waiters::None => true,
            Waiters::One(there) => {
                if there.is(waiter.word()) {
                    *self = Waiters::None;
                }
                true
            }
            Waiters::Several(_) => false,
        }
    }
}

/// Notes that `waiter` waits for a future.
///
/// Errors: what hashing and comparing raise.
pub fn add(th: &mut Thread, future: &Future, waiter: Borrowed<'_>) -> PyResult<()> {
    if future.state(th).awaited_by.add_only(waiter) {
        return Ok(());
    }
    let set = th.new_set();
    let set = {
        let mut state = future.state(th);
        match core::mem::replace(&mut state.awaited_by, Waiters::Several(set.clone())) {
            Waiters::Several(there) => {
                state.awaited_by = Waiters::Several(there.clone());
                drop(state);
                there
            }
            Waiters::One(first) => {
                drop(state);
                set.payload::<Set>().add(th, first.borrow())?;
                set
            }
            Waiters::None => set.clone(),
        }
    };
    set.payload::<Set>().add(th, waiter).map(drop)
}

/// Notes that `waiter` no longer waits for a future.
///
/// Errors: what hashing and comparing raise.
pub fn discard(th: &mut Thread, future: &Future, waiter: Borrowed<'_>) -> PyResult<()> {
    let set = {
        let mut state = future.state(th);
        if state.awaited_by.discard_only(waiter) {
            return Ok(());
        }
        match &state.awaited_by {
            Waiters::Several(set) => set.clone(),
            _ => return Ok(()),
        }
    };
    set.borrow().call_method_str(th, "discard", &[waiter]).map(drop)
}

/// `future._asyncio_awaited_by`: a frozenset, or None.
pub fn get(th: &mut Thread, future: &Future) -> PyResult {
    let one = match &future.state(th).awaited_by {
        Waiters::None => return Ok(Owned::none()),
        Waiters::One(waiter) => Ok(waiter.clone()),
        Waiters::Several(set) => Err(set.clone()),
    };
    match one {
        Ok(waiter) => th.new_frozenset_of(&[waiter.borrow()]),
        Err(set) => {
            let all = set.payload::<Set>().to_vec();
            let all: Vec<Borrowed<'_>> = all.iter().map(Owned::borrow).collect();
            th.new_frozenset_of(&all)
        }
    }
}

/// `future_add_to_awaited_by(fut, waiter)`: nothing happens if either is something else.
pub fn add_function(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if let (Some(future), Some(_)) = (Future::of(a[0]), Future::of(a[1])) {
        add(th, future, a[1])?;
    }
    Ok(Owned::none())
}

/// `future_discard_from_awaited_by(fut, waiter)`
pub fn discard_function(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if let (Some(future), Some(_)) = (Future::of(a[0]), Future::of(a[1])) {
        discard(th, future, a[1])?;
    }
    Ok(Owned::none())
}
