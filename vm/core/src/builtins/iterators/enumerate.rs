//! `enumerate`.

use typhon_sync::prim::{AtomicI64, Ordering};

use dashu_int::IBig;

use crate::builtins::generic_alias::CLASS_GETITEM;
use crate::builtins::int::IntRef;
use crate::builtins::slice::big;
use crate::object::{Borrowed, Locked, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, type_flags};
use crate::types::Type;
use crate::word::Word;

crate::payload! {
    /// `enumerate(iterable, start)`
    pub struct Enumerate: DEF {
        iterator: Slot,
        /// The next number while it fits in a word; above, `big` counts.
        count: AtomicI64,
        big: Locked<Option<IBig>>,
        /// The pair handed out last, to be used again.
        pair: Slot,
    }
}

pub static DEF: TypeDef = TypeDef {
    doc: "Return an enumerate object.\n\n  iterable\n    an object supporting iteration\n\nThe enumerate object yields \
          pairs containing a count (from start, which\ndefaults to zero) and a value yielded by the iterable \
          argument.\n\nenumerate is useful for obtaining an indexed list:\n    (0, seq[0]), (1, seq[1]), (2, seq[2]), ...",
    flags: type_flags::GC | type_flags::BASE,
    slots: Slots { new: Some(new), iter: Some(|_, o| Ok(o.to_owned())), next: Some(next), ..Slots::NONE },
    methods: &[
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
        CLASS_GETITEM,
    ],
    ..TypeDef::of::<Enumerate>("enumerate")
};

fn of<'a>(o: Borrowed<'a>) -> &'a Enumerate {
    o.downcast::<Enumerate>().expect("checked by the slot's type")
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let (mut iterable, mut start) = (args.pos().first().copied(), args.pos().get(1).copied());
    if args.n_positional > 2 {
        let msg = format!("enumerate() takes at most 2 arguments ({} given)", args.all.len());
        return Err(th.type_error(&msg));
    }
    for (k, v) in args.keywords() {
        let k = k.str_text(th)?;
        let place = match k.as_str() {
            "iterable" => &mut iterable,
            "start" => &mut start,
            _ => {
                let msg = format!("'{k}' is an invalid keyword argument for enumerate()");
                return Err(th.type_error(&msg));
            }
        };
        if place.replace(v).is_some() {
            return Err(th.type_error(&format!("enumerate() got multiple values for argument '{k}'")));
        }
    }
    let Some(iterable) = iterable else {
        return Err(th.type_error("enumerate() missing required argument 'iterable' (pos 1)"));
    };
    let (count, large) = match start {
        None => (0, None),
        Some(v) => {
            let i = v.index(th)?;
            match i.borrow().as_int() {
                Some(IntRef::Small(v))
                    if (0..Word::INT_MAX).contains(&v) || (Word::INT_MIN..0).contains(&v) =>
                {
                    (v, None)
                }
                _ => (Word::INT_MAX, Some(big(i.borrow()))),
            }
        }
    };
    let iterator = iterable.iter(th)?;
    let payload = Enumerate {
        header: unborn(),
        iterator: Slot::new(iterator),
        count: AtomicI64::new(count),
        big: Locked::new(large),
        pair: Slot::empty(),
    };
    Ok(th.alloc_as(payload, ty))
}

impl Enumerate {
    #[inline(always)]
    pub(crate) fn iterator(&self) -> Borrowed<'_> {
        self.iterator.fixed().expect("set at birth")
    }

    /// The next number; counts on.
    #[inline(always)]
    pub(crate) fn number(&self, th: &mut Thread) -> Owned {
        // ORDERING Relaxed: a position; threads that share an iterator may see a number twice.
        let n = self.count.load(Ordering::Relaxed);
        if n < Word::INT_MAX {
            self.count.store(n + 1, Ordering::Relaxed);
            return Owned::from_const(Word::small_int(n));
        }
        self.big_number(th)
    }

    #[cold]
    fn big_number(&self, th: &mut Thread) -> Owned {
        let v = {
            let mut big = self.big.lock(&self.header, th);
            let v = big.take().unwrap_or(IBig::from(Word::INT_MAX));
            *big = Some(&v + IBig::ONE);
            v
        };
        th.new_big(v)
    }
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let e = of(o);
    let Some(v) = e.iterator().next(th)? else { return Ok(None) };
    let n = e.number(th);
    Ok(Some(th.reused_pair(&e.header, &e.pair, n, v)))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let e = of(a[0]);
    // ORDERING Relaxed: as in `number`.
    let count = e.count.load(Ordering::Relaxed);
    let big = e.big.lock(&e.header, th).clone();
    let n = match big {
        Some(v) => th.new_big(v),
        None => th.new_int(count),
    };
    let iterator = e.iterator.fixed().expect("set at birth").to_owned();
    let args = th.new_pair(iterator, n);
    let ty = a[0].ty().as_value().to_owned();
    Ok(th.new_pair(ty, args))
}
