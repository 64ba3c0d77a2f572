//! `map`.

use crate::builtins::iterators::strict_keyword;
use crate::builtins::iterators::zip::{Short, gather};
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, type_flags};
use crate::types::Type;
use typhon_sync::prim::{AtomicBool, Ordering};

crate::payload! {
    /// `map(function, *iterables, strict=False)`
    pub struct Map: DEF {
        function: Slot,
        /// tuple of iterators
        iterators: Slot,
        strict: AtomicBool,
    }
}

pub static DEF: TypeDef = TypeDef {
    doc: "Make an iterator that computes the function using arguments from\neach of the iterables.  Stops when the \
          shortest iterable is exhausted.\n\nIf strict is true and one of the arguments is exhausted before the \
          others,\nraise a ValueError.",
    flags: type_flags::GC | type_flags::BASE,
    slots: Slots { new: Some(new), iter: Some(|_, o| Ok(o.to_owned())), next: Some(next), ..Slots::NONE },
    methods: &[
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
        NativeDef::new(
            "__setstate__",
            "($self, state, /)",
            setstate,
            "Set state information for unpickling.",
        ),
    ],
    ..TypeDef::of::<Map>("map")
};

fn of<'a>(o: Borrowed<'a>) -> &'a Map {
    o.downcast::<Map>().expect("checked by the slot's type")
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let strict = strict_keyword(th, "map", args)?;
    let [function, iterables @ ..] = args.pos() else {
        return Err(th.type_error("map() must have at least two arguments."));
    };
    if iterables.is_empty() {
        return Err(th.type_error("map() must have at least two arguments."));
    }
    let mut iterators = Vec::with_capacity(iterables.len());
    for v in iterables {
        iterators.push(v.iter(th)?);
    }
    let iterators = th.new_tuple(iterators);
    let payload = Map {
        header: unborn(),
        function: Slot::new((*function).to_owned()),
        iterators: Slot::new(iterators),
        strict: AtomicBool::new(strict),
    };
    Ok(th.alloc_as(payload, ty))
}

impl Map {
    fn iterators(&self) -> &Tuple {
        self.iterators.fixed().and_then(|t| t.downcast::<Tuple>()).expect("set at birth")
    }
    fn function(&self) -> Borrowed<'_> {
        self.function.fixed().expect("set at birth")
    }
    fn is_strict(&self) -> bool {
        // ORDERING Relaxed: changed by unpickling only.
        self.strict.load(Ordering::Relaxed)
    }
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let m = of(o);
    let iterators = m.iterators();
    if iterators.len() == 1 {
        let Some(v) = iterators.get(0).next(th)? else { return Ok(None) };
        return m.function().call(th, &[v.borrow()]).map(Some);
    }
    let mut args = Vec::with_capacity(iterators.len());
    match gather(th, "map", iterators, m.is_strict(), &mut args)? {
        Short::No => {
            let args: Vec<Borrowed<'_>> = args.iter().map(Owned::borrow).collect();
            m.function().call(th, &args).map(Some)
        }
        Short::Yes => Ok(None),
    }
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m = of(a[0]);
    let mut args = vec![m.function().to_owned()];
    args.extend(m.iterators().iter().map(Borrowed::to_owned));
    let args = th.new_tuple(args);
    let ty = a[0].ty().as_value().to_owned();
    let mut parts = vec![ty, args];
    if m.is_strict() {
        parts.push(Owned::bool(true));
    }
    Ok(th.new_tuple(parts))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let strict = a[1].truth(th)?;
    // ORDERING Relaxed: as in `is_strict`.
    of(a[0]).strict.store(strict, Ordering::Relaxed);
    Ok(Owned::none())
}
