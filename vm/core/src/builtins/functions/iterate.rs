//! `iter` and `next`, and walking over an iterable from native code.

use crate::builtins::exceptions as ex;
use crate::builtins::iterators;
use crate::builtins::list::List;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::ArgsExt;
use crate::thread::Thread;

/// The items of an iterable, one after the other. Lists and tuples are read in place.
pub enum Items<'a> {
    List(&'a List, usize),
    Tuple(&'a Tuple, usize),
    Iterator(Owned),
}

impl<'a> Items<'a> {
    /// `iter(iterable)`
    pub fn of(th: &mut Thread, iterable: Borrowed<'a>) -> PyResult<Items<'a>> {
        if let Some(l) = iterable.downcast_exact::<List>() {
            Ok(Items::List(l, 0))
        } else if let Some(t) = iterable.downcast_exact::<Tuple>() {
            Ok(Items::Tuple(t, 0))
        } else {
            Ok(Items::Iterator(iterable.iter(th)?))
        }
    }

    /// The next item; `None` at the end.
    #[inline]
    pub fn next(&mut self, th: &mut Thread) -> PyResult<Option<Owned>> {
        match self {
            Items::List(l, at) => {
                let v = l.get(*at);
                *at += 1;
                Ok(v)
            }
            Items::Tuple(t, at) => {
                let v = t.items().get(*at).and_then(Slot::fixed).map(|v| v.to_owned());
                *at += 1;
                Ok(v)
            }
            Items::Iterator(it) => {
                th.drain_drops();
                it.borrow().next(th)
            }
        }
    }
}

pub fn next(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match a[0].step(th) {
        Ok(Some(v)) => Ok(v),
        Ok(None) => match a.opt(1) {
            Some(default) => Ok(default.to_owned()),
            None => Err(th.raise_empty(&ex::STOP_ITERATION)),
        },
        Err(raised) => match a.opt(1) {
            Some(default) => {
                th.absorb(Err::<(), _>(raised), &ex::STOP_ITERATION)?;
                Ok(default.to_owned())
            }
            None => Err(raised),
        },
    }
}

pub fn iter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(sentinel) = a.opt(1) else { return a[0].iter(th) };
    if !a[0].is_callable() {
        return Err(th.type_error("iter(v, w): v must be callable"));
    }
    Ok(iterators::callable_iterator(th, a[0], sentinel))
}
