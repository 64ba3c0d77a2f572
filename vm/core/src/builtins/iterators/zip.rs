//! `zip`.

use typhon_sync::prim::{AtomicBool, Ordering};

use crate::builtins::iterators::strict_keyword;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, type_flags};
use crate::types::Type;

crate::payload! {
    /// `zip(*iterables, strict=False)`
    pub struct Zip: DEF {
        /// tuple of iterators
        iterators: Slot,
        strict: AtomicBool,
        /// The pair handed out last, to be used again.
        pair: Slot,
    }
}

pub static DEF: TypeDef = TypeDef {
    doc: "The zip object yields n-length tuples, where n is the number of iterables\npassed as positional arguments to \
          zip().  The i-th element in every tuple\ncomes from the i-th iterable argument to zip().  This continues \
          until the\nshortest argument is exhausted.\n\nIf strict is true and one of the arguments is exhausted before \
          the others,\nraise a ValueError.\n\n   >>> list(zip('abcdefg', range(3), range(4)))\n   [('a', 0, 0), ('b', \
          1, 1), ('c', 2, 2)]",
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
    ..TypeDef::of::<Zip>("zip")
};

fn of<'a>(o: Borrowed<'a>) -> &'a Zip {
    o.downcast::<Zip>().expect("checked by the slot's type")
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let strict = strict_keyword(th, "zip", args)?;
    let mut iterators = Vec::with_capacity(args.n_positional);
    for v in args.pos() {
        iterators.push(v.iter(th)?);
    }
    let iterators = Slot::new(th.new_tuple(iterators));
    let payload = Zip { header: unborn(), iterators, strict: AtomicBool::new(strict), pair: Slot::empty() };
    Ok(th.alloc_as(payload, ty))
}

/// Did some iterator end?
#[derive(PartialEq, Eq)]
pub enum Short {
    Yes,
    No,
}

/// Takes one item of each iterator. Errors: what an iterator raises; ValueError if `strict` and not all
/// end together.
pub fn gather(
    th: &mut Thread,
    name: &str,
    iterators: &Tuple,
    strict: bool,
    out: &mut Vec<Owned>,
) -> PyResult<Short> {
    for (i, it) in iterators.iter().enumerate() {
        match it.next(th)? {
            Some(v) => out.push(v),
            None => {
                if strict {
                    check_all_ended(th, name, iterators, i)?;
                }
                return Ok(Short::Yes);
            }
        }
    }
    Ok(Short::No)
}

/// Iterator `i` ended: have those before it given nothing this time, and do the others end as well?
#[cold]
fn check_all_ended(th: &mut Thread, name: &str, iterators: &Tuple, i: usize) -> PyResult<()> {
    let argument = |n: usize| if n == 1 { String::from(" 1") } else { format!("s 1-{n}") };
    if i > 0 {
        let msg = format!("{name}() argument {} is shorter than argument{}", i + 1, argument(i));
        return Err(th.value_error(&msg));
    }
    for k in 1..iterators.len() {
        if iterators.get(k).next(th)?.is_some() {
            let msg = format!("{name}() argument {} is longer than argument{}", k + 1, argument(k));
            return Err(th.value_error(&msg));
        }
    }
    Ok(())
}

impl Zip {
    fn iterators(&self) -> &Tuple {
        self.iterators.fixed().and_then(|t| t.downcast::<Tuple>()).expect("set at birth")
    }
    /// The iterators, if there are two that need not end together.
    #[inline(always)]
    pub(crate) fn two(&self) -> Option<[Borrowed<'_>; 2]> {
        let iterators = self.iterators();
        (iterators.len() == 2 && !self.is_strict()).then(|| [iterators.get(0), iterators.get(1)])
    }
    fn is_strict(&self) -> bool {
        // ORDERING Relaxed: changed by unpickling only.
        self.strict.load(Ordering::Relaxed)
    }
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let z = of(o);
    if let Some([one, two]) = z.two() {
        let Some(a) = one.next(th)? else { return Ok(None) };
        let Some(b) = two.next(th)? else { return Ok(None) };
        return Ok(Some(th.reused_pair(&z.header, &z.pair, a, b)));
    }
    let iterators = z.iterators();
    if iterators.is_empty() {
        return Ok(None);
    }
    let mut items = Vec::with_capacity(iterators.len());
    match gather(th, "zip", iterators, z.is_strict(), &mut items)? {
        Short::No => Ok(Some(th.new_tuple(items))),
        Short::Yes => Ok(None),
    }
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let z = of(a[0]);
    let iterators = z.iterators.fixed().expect("set at birth").to_owned();
    let ty = a[0].ty().as_value().to_owned();
    let mut parts = vec![ty, iterators];
    if z.is_strict() {
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
