//! `chain`, `accumulate`, `batched`, `pairwise`, `starmap`.

use typhon_core::builtins::tuple::Tuple;
use typhon_core::number::{self, BinaryOp};
use typhon_core::{
    Args, ArgsExt, Borrowed, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload,
    type_flags, unborn,
};

use crate::args::{Items, call_owned, constructor, itself, made, this};

const FLAGS: u32 = type_flags::BASE | type_flags::GC;

payload! {
    /// `itertools.chain`.
    pub struct Chain: CHAIN {
        /// Iterator over the iterables; empty at the end.
        sources: Slot,
        /// The iterator in use.
        active: Slot,
    }
}

pub static CHAIN: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return a chain object whose .__next__() method returns elements from the\nfirst iterable until it is \
          exhausted, then elements from the next\niterable, until all of the iterables are exhausted.",
    slots: Slots { new: Some(chain_new), iter: Some(itself), next: Some(chain_next), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "from_iterable",
            "($type, iterable, /)",
            chain_from_iterable,
            "Alternative chain() constructor taking a single iterable argument that evaluates lazily.",
        )
        .class(),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    ..TypeDef::of::<Chain>("chain")
};

fn chain_of(th: &mut Thread, ty: &Type, sources: Borrowed<'_>) -> PyResult {
    let sources = Slot::new(sources.iter(th)?);
    made(th, ty, Chain { header: unborn(), sources, active: Slot::empty() })
}

fn chain_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Chain>(th, ty, "(*iterables)", args)?;
    chain_of(th, ty, a[0])
}

fn chain_from_iterable(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    chain_of(th, this(a[0]), a[1])
}

fn chain_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let c: &Chain = this(o);
    loop {
        let active = match c.active.get(&c.header) {
            Some(active) => active,
            None => {
                let Some(sources) = c.sources.get(&c.header) else { return Ok(None) };
                match sources.borrow().next(th) {
                    Ok(Some(iterable)) => match iterable.borrow().iter(th) {
                        Ok(it) => {
                            c.active.set(&c.header, it.clone());
                            it
                        }
                        Err(raised) => {
                            drop(c.sources.clear(&c.header));
                            return Err(raised);
                        }
                    },
                    other => {
                        drop(c.sources.clear(&c.header));
                        return other;
                    }
                }
            }
        };
        if let Some(v) = active.borrow().next(th)? {
            return Ok(Some(v));
        }
        drop(c.active.clear(&c.header));
    }
}

payload! {
    /// `itertools.accumulate`.
    pub struct Accumulate: ACCUMULATE {
        source: Slot,
        /// Empty = addition.
        function: Slot,
        total: Slot,
        /// `initial`, until it was given out.
        initial: Slot,
    }
}

pub static ACCUMULATE: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return series of accumulated sums (or other binary function results).",
    slots: Slots {
        new: Some(accumulate_new),
        iter: Some(itself),
        next: Some(accumulate_next),
        ..Slots::NONE
    },
    ..TypeDef::of::<Accumulate>("accumulate")
};

fn accumulate_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Accumulate>(th, ty, "(iterable, func=None, *, initial=None)", args)?;
    let payload = Accumulate {
        header: unborn(),
        source: Slot::new(a[0].iter(th)?),
        function: Slot::from_option(a.some(1).map(Borrowed::to_owned)),
        total: Slot::empty(),
        initial: Slot::from_option(a.some(2).map(Borrowed::to_owned)),
    };
    made(th, ty, payload)
}

fn accumulate_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let c: &Accumulate = this(o);
    if !c.initial.is_empty()
        && let Some(v) = c.initial.clear(&c.header)
    {
        c.total.set(&c.header, v.clone());
        return Ok(Some(v));
    }
    let source = c.source.fixed().unwrap_or(Borrowed::none());
    let Some(v) = source.next(th)? else { return Ok(None) };
    let total = match c.total.get(&c.header) {
        None => v,
        Some(total) => match c.function.fixed() {
            None => number::binary_op(th, BinaryOp::Add, total.borrow(), v.borrow())?,
            Some(f) => f.call(th, &[total.borrow(), v.borrow()])?,
        },
    };
    c.total.set(&c.header, total.clone());
    Ok(Some(total))
}

payload! {
    /// `itertools.batched`.
    pub struct Batched: BATCHED {
        /// Empty at the end.
        source: Slot,
        size: usize,
        strict: bool,
    }
}

pub static BATCHED: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Batch data into tuples of length n. The last batch may be shorter than n.\n\nLoops over the input iterable \
          and accumulates data into tuples\nup to size n.  The input is consumed lazily, just enough to\nfill a \
          batch.  The result is yielded as soon as a batch is full\nor when the input iterable is exhausted.\n\nIf \
          \"strict\" is True, raises a ValueError if the final batch is shorter\nthan n.",
    slots: Slots { new: Some(batched_new), iter: Some(itself), next: Some(batched_next), ..Slots::NONE },
    ..TypeDef::of::<Batched>("batched")
};

fn batched_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Batched>(th, ty, "(iterable, n, *, strict=False)", args)?;
    let n = a[1].to_isize(th)?;
    let strict = match a.opt(2) {
        Some(s) => s.truth(th)?,
        None => false,
    };
    if n < 1 {
        return Err(th.value_error("n must be at least one"));
    }
    let source = Slot::new(a[0].iter(th)?);
    made(th, ty, Batched { header: unborn(), source, size: n as usize, strict })
}

fn batched_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let b: &Batched = this(o);
    let Some(source) = b.source.get(&b.header) else { return Ok(None) };
    let mut items = Items::new();
    while items.len() < b.size {
        match source.borrow().next(th)? {
            Some(v) => items.push(v),
            None => {
                drop(b.source.clear(&b.header));
                if items.is_empty() {
                    return Ok(None);
                }
                if b.strict {
                    return Err(th.value_error("batched(): incomplete batch"));
                }
                break;
            }
        }
    }
    Ok(Some(items.into_tuple(th)))
}

payload! {
    /// `itertools.pairwise`.
    pub struct Pairwise: PAIRWISE {
        /// Empty at the end.
        source: Slot,
        old: Slot,
    }
}

pub static PAIRWISE: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return an iterator of overlapping pairs taken from the input iterator.\n\n    s -> (s0,s1), (s1,s2), \
          (s2, s3), ...",
    slots: Slots { new: Some(pairwise_new), iter: Some(itself), next: Some(pairwise_next), ..Slots::NONE },
    ..TypeDef::of::<Pairwise>("pairwise")
};

fn pairwise_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Pairwise>(th, ty, "(iterable, /)", args)?;
    let source = Slot::new(a[0].iter(th)?);
    made(th, ty, Pairwise { header: unborn(), source, old: Slot::empty() })
}

fn pairwise_end(p: &Pairwise) {
    drop(p.source.clear(&p.header));
    drop(p.old.clear(&p.header));
}

fn pairwise_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let p: &Pairwise = this(o);
    let Some(source) = p.source.get(&p.header) else { return Ok(None) };
    let old = match p.old.get(&p.header) {
        Some(old) => old,
        None => match source.borrow().next(th)? {
            Some(v) => {
                p.old.set(&p.header, v.clone());
                // The source may have used this very iterator and ended it.
                if p.source.is_empty() {
                    pairwise_end(p);
                    return Ok(None);
                }
                v
            }
            None => {
                pairwise_end(p);
                return Ok(None);
            }
        },
    };
    match source.borrow().next(th)? {
        Some(v) => {
            p.old.set(&p.header, v.clone());
            Ok(Some(th.new_pair(old, v)))
        }
        None => {
            pairwise_end(p);
            Ok(None)
        }
    }
}

payload! {
    /// `itertools.starmap`.
    pub struct Starmap: STARMAP {
        function: Slot,
        source: Slot,
    }
}

pub static STARMAP: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return an iterator whose values are returned from the function evaluated with an argument tuple taken \
          from the given sequence.",
    slots: Slots { new: Some(starmap_new), iter: Some(itself), next: Some(starmap_next), ..Slots::NONE },
    ..TypeDef::of::<Starmap>("starmap")
};

fn starmap_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Starmap>(th, ty, "(function, iterable, /)", args)?;
    let source = Slot::new(a[1].iter(th)?);
    let function = Slot::new(a[0].to_owned());
    made(th, ty, Starmap { header: unborn(), function, source })
}

fn starmap_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let s: &Starmap = this(o);
    let source = s.source.fixed().unwrap_or(Borrowed::none());
    let function = s.function.fixed().unwrap_or(Borrowed::none());
    let Some(args) = source.next(th)? else { return Ok(None) };
    if let Some(t) = args.borrow().downcast_exact::<Tuple>() {
        return match t.len() {
            0 => function.call(th, &[]),
            1 => function.call(th, &[t.get(0)]),
            2 => function.call(th, &[t.get(0), t.get(1)]),
            3 => function.call(th, &[t.get(0), t.get(1), t.get(2)]),
            _ => {
                let view: Vec<Borrowed<'_>> = t.iter().collect();
                function.call(th, &view)
            }
        }
        .map(Some);
    }
    let args = args.borrow().to_vec(th)?;
    call_owned(th, function, &args).map(Some)
}
