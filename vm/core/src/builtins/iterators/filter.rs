//! `filter`.

use crate::builtins::sequence;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, type_flags};
use crate::types::Type;

crate::payload! {
    /// `filter(function or None, iterable)`
    pub struct Filter: DEF {
        function: Slot,
        iterator: Slot,
    }
}

pub static DEF: TypeDef = TypeDef {
    doc: "Return an iterator yielding those items of iterable for which function(item) is true.\n\nIf function is \
          None, return the items that are true.",
    flags: type_flags::GC | type_flags::BASE,
    slots: Slots { new: Some(new), iter: Some(|_, o| Ok(o.to_owned())), next: Some(next), ..Slots::NONE },
    methods: &[NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling.")],
    ..TypeDef::of::<Filter>("filter")
};

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if !core::ptr::eq(ty, DEF.ty()) && args.has_keywords() {
        let positional = Args::positional(args.pos());
        sequence::positional_only(th, "filter", positional, 2, 2)?;
    } else {
        sequence::positional_only(th, "filter", args, 2, 2)?;
    }
    let iterator = args.pos()[1].iter(th)?;
    let function = Slot::new(args.pos()[0].to_owned());
    Ok(th.alloc_as(Filter { header: unborn(), function, iterator: Slot::new(iterator) }, ty))
}

fn of<'a>(o: Borrowed<'a>) -> &'a Filter {
    o.downcast::<Filter>().expect("checked by the slot's type")
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let f = of(o);
    let function = f.function.fixed().expect("set at birth");
    let iterator = f.iterator.fixed().expect("set at birth");
    let truth = function.is_none() || function.is(crate::builtins::bool::DEF.ty().as_value().word());
    while let Some(v) = iterator.next(th)? {
        let good = if truth {
            v.borrow().truth(th)?
        } else {
            let r = function.call(th, &[v.borrow()])?;
            r.borrow().truth(th)?
        };
        if good {
            return Ok(Some(v));
        }
        drop(v);
        th.drain_drops();
    }
    Ok(None)
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let f = of(a[0]);
    let parts = [&f.function, &f.iterator].map(|s| s.fixed().expect("set at birth").to_owned());
    let args = th.new_tuple(parts.into());
    let ty = a[0].ty().as_value().to_owned();
    Ok(th.new_pair(ty, args))
}
