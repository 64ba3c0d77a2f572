//! What `await future` iterates over.

use typhon_core::generator::Sent;
use typhon_core::{
    Borrowed, NativeDef, Owned, PyResult, Slot, Slots, Thread, TypeDef, generator, payload, type_flags,
    unborn,
};

use super::future::{self, Outcome, uninitialized};
use crate::args::{itself, this};

payload! {
    /// Yields its future, until that is done.
    pub struct FutureIter: FUTURE_ITER {
        /// Empty at the end.
        future: Slot,
    }
}

pub static FUTURE_ITER: TypeDef = TypeDef {
    module: "_asyncio",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { iter: Some(itself), next: Some(next), send: Some(send_to), ..Slots::NONE },
    methods: &[
        NativeDef::new("send", "($self, value, /)", send, ""),
        NativeDef::new("throw", "($self, typ, val=None, tb=None, /)", throw, ""),
        NativeDef::new("close", "($self, /)", close, ""),
    ],
    ..TypeDef::of::<FutureIter>("FutureIter")
};

/// `__await__` and `__iter__` of a future.
pub fn new(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if future::this(o).state(th).event_loop.is_none() {
        return Err(uninitialized(th));
    }
    Ok(th.alloc(FutureIter { header: unborn(), future: Slot::new(o.to_owned()) }))
}

/// One step, whatever is sent.
fn step(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Sent> {
    let it: &FutureIter = this(o);
    let Some(future) = it.future.get(&it.header) else { return Ok(Sent::Returned(Owned::none())) };
    let f = future::this(future.borrow());
    match f.outcome(th)? {
        Outcome::Pending => {}
        ended => {
            drop(it.future.clear(&it.header));
            return match ended {
                Outcome::Result(result) => Ok(Sent::Returned(result)),
                Outcome::Exception(exception) => Err(th.throw(exception)),
                Outcome::Pending => unreachable!("matched above"),
            };
        }
    }
    let was_blocking = core::mem::replace(&mut f.state(th).blocking, true);
    if was_blocking {
        return Err(th.runtime_error("await wasn't used with future"));
    }
    Ok(Sent::Yielded(future))
}

fn send_to(th: &mut Thread, o: Borrowed<'_>, _value: Borrowed<'_>) -> PyResult<Sent> {
    step(th, o)
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    match step(th, o)? {
        Sent::Yielded(v) => Ok(Some(v)),
        Sent::Returned(v) if v.is_none() => Ok(None),
        Sent::Returned(v) => Err(th.stop_iteration(v)),
    }
}

fn send(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match step(th, a[0])? {
        Sent::Yielded(v) => Ok(v),
        Sent::Returned(v) => Err(th.stop_iteration(v)),
    }
}

fn throw(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let exception = generator::exception_of(th, a, "throw")?;
    let it: &FutureIter = this(a[0]);
    drop(it.future.clear(&it.header));
    Err(th.throw(exception))
}

fn close(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it: &FutureIter = this(a[0]);
    drop(it.future.clear(&it.header));
    Ok(Owned::none())
}
