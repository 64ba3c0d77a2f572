//! `count`, `cycle`, `repeat`.

use typhon_sync::prim::{AtomicI64, AtomicUsize, Ordering};

use typhon_core::builtins::list::List;
use typhon_core::number::{self, BinaryOp};
use typhon_core::thread::lock_object;
use typhon_core::{
    Args, ArgsExt, Borrowed, NativeDef, Owned, PyResult, Safety, Shared, Slot, Slots, Thread, Type, TypeDef,
    Word, payload, type_flags, unborn,
};

use crate::args::{constructor, itself, made, this};

const FLAGS: u32 = type_flags::BASE | type_flags::GC;

payload! {
    /// `itertools.count`.
    pub struct Count: COUNT {
        /// The next number while it fits and the step is 1; [`SLOW`] once `big` holds it.
        next: AtomicI64,
        big: Slot,
        step: Slot,
    }
}

/// Mark of a counter in slow mode.
const SLOW: i64 = i64::MAX;
/// Numbers from here on are counted in slow mode.
const FAST_END: i64 = 1 << 61;

pub static COUNT: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return a count object whose .__next__() method returns consecutive values.\n\nEquivalent to:\n    def \
          count(firstval=0, step=1):\n        x = firstval\n        while 1:\n            yield x\n            x += step",
    slots: Slots {
        new: Some(count_new),
        iter: Some(itself),
        next: Some(count_next),
        repr: Some(count_repr),
        ..Slots::NONE
    },
    shared: Some(Shared::but(Safety::Locked, &[(Safety::Constant, "__iter__")])),
    ..TypeDef::of::<Count>("count")
};

fn is_number(o: Borrowed<'_>) -> bool {
    let s = &o.ty().slots;
    s.index().is_some()
        || s.int().is_some()
        || s.float().is_some()
        || o.downcast::<typhon_core::builtins::complex::Complex>().is_some()
}

fn count_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Count>(th, ty, "(start=0, step=1)", args)?;
    let start = a.opt(0).unwrap_or(Borrowed::from_const(Word::small_int(0)));
    let step = a.opt(1).unwrap_or(Borrowed::from_const(Word::small_int(1)));
    if !is_number(start) || !is_number(step) {
        return Err(th.type_error("a number is required"));
    }
    let w = start.word();
    let fast = w.is_int() && w.int().abs() < FAST_END && step.word() == Word::small_int(1);
    let payload = Count {
        header: unborn(),
        next: AtomicI64::new(if fast { w.int() } else { SLOW }),
        big: if fast { Slot::empty() } else { Slot::new(start.to_owned()) },
        step: Slot::new(step.to_owned()),
    };
    made(th, ty, payload)
}

fn count_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let c: &Count = this(o);
    {
        let _guard = lock_object(&c.header);
        // ORDERING Relaxed: the lock is held.
        let n = c.next.load(Ordering::Relaxed);
        if n < FAST_END {
            // ORDERING Relaxed: as above.
            c.next.store(n + 1, Ordering::Relaxed);
            return Ok(Some(Owned::from_const(Word::small_int(n))));
        }
        if n != SLOW {
            // ORDERING Relaxed: as above.
            c.next.store(SLOW, Ordering::Relaxed);
            c.big.swap(Owned::from_const(Word::small_int(n)));
        }
    }
    let step = c.step.fixed().unwrap_or(Borrowed::none());
    loop {
        let now = c.big.get(&c.header).unwrap_or_else(Owned::none);
        let next = number::binary_op(th, BinaryOp::Add, now.borrow(), step)?;
        let _guard = lock_object(&c.header);
        // Another thread may have taken `now` while the sum was made, which can run Python code.
        if c.big.fixed().is_some_and(|v| v.is(now.word())) {
            drop(c.big.swap(next));
            return Ok(Some(now));
        }
    }
}

fn count_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let c: &Count = this(o);
    // ORDERING Relaxed: a snapshot for display.
    let n = c.next.load(Ordering::Relaxed);
    let name = o.ty().short_name();
    if n != SLOW {
        return Ok(th.new_str(&format!("{name}({n})")));
    }
    let now = c.big.get(&c.header).unwrap_or_else(Owned::none);
    let now = now.borrow().repr_text(th)?;
    let step = c.step.fixed().unwrap_or(Borrowed::none());
    if step.word() == Word::small_int(1) {
        return Ok(th.new_str(&format!("{name}({now})")));
    }
    let step = step.repr_text(th)?;
    Ok(th.new_str(&format!("{name}({now}, {step})")))
}

payload! {
    /// `itertools.cycle`.
    pub struct Cycle: CYCLE {
        /// The source; empty once it is exhausted.
        source: Slot,
        /// What it gave so far: a list.
        saved: Slot,
        index: AtomicUsize,
    }
}

pub static CYCLE: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return elements from the iterable until it is exhausted. Then repeat the sequence indefinitely.",
    slots: Slots { new: Some(cycle_new), iter: Some(itself), next: Some(cycle_next), ..Slots::NONE },
    ..TypeDef::of::<Cycle>("cycle")
};

fn cycle_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Cycle>(th, ty, "(iterable, /)", args)?;
    let source = Slot::new(a[0].iter(th)?);
    let saved = Slot::new(th.new_list(vec![]));
    made(th, ty, Cycle { header: unborn(), source, saved, index: AtomicUsize::new(0) })
}

fn cycle_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let c: &Cycle = this(o);
    let saved: &List = this(c.saved.fixed().unwrap_or(Borrowed::none()));
    if let Some(source) = c.source.get(&c.header) {
        if let Some(v) = source.borrow().next(th)? {
            saved.push(v.clone());
            return Ok(Some(v));
        }
        drop(c.source.clear(&c.header));
    }
    let _guard = lock_object(&c.header);
    // ORDERING Relaxed: the lock is held.
    let i = c.index.load(Ordering::Relaxed);
    let v = saved.get(i);
    let n = saved.len();
    // ORDERING Relaxed: as above.
    c.index.store(if i + 1 >= n { 0 } else { i + 1 }, Ordering::Relaxed);
    Ok(v)
}

payload! {
    /// `itertools.repeat`.
    pub struct Repeat: REPEAT {
        value: Slot,
        /// How many are left; negative = no end.
        left: AtomicI64,
    }
}

pub static REPEAT: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "repeat(object [,times]) -> create an iterator which returns the object\nfor the specified number of \
          times.  If not specified, returns the object\nendlessly.",
    slots: Slots {
        new: Some(repeat_new),
        iter: Some(itself),
        next: Some(repeat_next),
        repr: Some(repeat_repr),
        ..Slots::NONE
    },
    methods: &[NativeDef::new(
        "__length_hint__",
        "($self, /)",
        repeat_hint,
        "Private method returning an estimate of len(list(it)).",
    )],
    ..TypeDef::of::<Repeat>("repeat")
};

fn repeat_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Repeat>(th, ty, "(object, times=None)", args)?;
    let left = match a.opt(1) {
        Some(n) => n.to_isize(th)?.max(0) as i64,
        None => -1,
    };
    made(th, ty, Repeat { header: unborn(), value: Slot::new(a[0].to_owned()), left: AtomicI64::new(left) })
}

fn repeat_next(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let r: &Repeat = this(o);
    // ORDERING Relaxed: a position.
    let left = r.left.load(Ordering::Relaxed);
    if left == 0 {
        return Ok(None);
    }
    if left > 0 {
        // ORDERING Relaxed: as above.
        r.left.store(left - 1, Ordering::Relaxed);
    }
    Ok(r.value.fixed().map(Borrowed::to_owned))
}

fn repeat_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let r: &Repeat = this(o);
    let value = r.value.fixed().unwrap_or(Borrowed::none()).repr_text(th)?;
    // ORDERING Relaxed: a snapshot for display.
    let left = r.left.load(Ordering::Relaxed);
    let name = o.ty().short_name();
    let text = if left < 0 { format!("{name}({value})") } else { format!("{name}({value}, {left})") };
    Ok(th.new_str(&text))
}

fn repeat_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r: &Repeat = this(a[0]);
    // ORDERING Relaxed: a position.
    match r.left.load(Ordering::Relaxed) {
        left if left < 0 => Err(th.type_error("len() of unsized object")),
        left => Ok(th.new_int(left)),
    }
}
