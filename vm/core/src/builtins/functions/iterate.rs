//! `iter` and `next`, and walking over an iterable from native code.

use crate::builtins::exceptions as ex;
use crate::builtins::list::List;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{ArgsExt, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef};

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
    match a[0].next(th) {
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
    Ok(th.alloc(CallableIterator {
        header: unborn(),
        callable: Slot::new(a[0].to_owned()),
        sentinel: Slot::new(sentinel.to_owned()),
    }))
}

crate::payload! {
    /// `iter(callable, sentinel)`. Both slots are empty once it has ended.
    pub struct CallableIterator: CALLABLE_ITERATOR {
        callable: Slot,
        sentinel: Slot,
    }
}

pub static CALLABLE_ITERATOR: TypeDef = TypeDef {
    slots: Slots { iter: Some(|_, o| Ok(o.to_owned())), next: Some(step), ..Slots::NONE },
    methods: &[NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling.")],
    flags: crate::type_flags::GC | crate::type_flags::NO_NEW,
    ..TypeDef::of::<CallableIterator>("callable_iterator")
};

fn step(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it = o.downcast::<CallableIterator>().expect("self");
    let (Some(callable), Some(sentinel)) = (it.callable.get(&it.header), it.sentinel.get(&it.header)) else {
        return Ok(None);
    };
    let r = callable.borrow().call(th, &[]);
    let Some(v) = th.absorb(r, &ex::STOP_ITERATION)? else {
        finish(it);
        return Ok(None);
    };
    if v.borrow().equals(th, sentinel.borrow())? {
        finish(it);
        return Ok(None);
    }
    Ok(Some(v))
}

fn finish(it: &CallableIterator) {
    drop(it.callable.clear(&it.header));
    drop(it.sentinel.clear(&it.header));
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = a[0].downcast::<CallableIterator>().expect("self");
    let name = th.intern("iter");
    let iter = th.builtins_dict().getitem(th, name.borrow())?;
    let args = match (it.callable.get(&it.header), it.sentinel.get(&it.header)) {
        (Some(c), Some(s)) => th.new_tuple(vec![c, s]),
        _ => {
            let empty = th.new_tuple(Vec::new());
            th.new_tuple(vec![empty])
        }
    };
    Ok(th.new_tuple(vec![iter, args]))
}
