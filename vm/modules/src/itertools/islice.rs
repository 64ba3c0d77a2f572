//! `islice`.

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_core::{
    Args, Borrowed, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload, type_flags, unborn,
};

use crate::args::{made, this};

payload! {
    /// `itertools.islice`.
    pub struct ISlice: ISLICE {
        /// Empty at the end.
        source: Slot,
        /// Index of the next item to give out.
        next: AtomicUsize,
        /// Items read so far.
        read: AtomicUsize,
        /// `usize::MAX` = no end.
        stop: usize,
        step: usize,
    }
}

pub static ISLICE: TypeDef = TypeDef {
    module: "itertools",
    flags: type_flags::BASE | type_flags::GC,
    doc: "islice(iterable, stop) --> islice object\nislice(iterable, start, stop[, step]) --> islice object\n\nReturn an \
          iterator whose next() method returns selected values from an\niterable.  If start is specified, will skip \
          all preceding elements;\notherwise, start defaults to zero.  Step defaults to one.  If\nspecified as \
          another value, step determines how many values are\nskipped between successive calls.  Works like a slice() \
          on a list\nbut returns an iterator.",
    slots: Slots { new: Some(new), iter: Some(crate::args::itself), next: Some(next), ..Slots::NONE },
    ..TypeDef::of::<ISlice>("islice")
};

/// An index at or above 0; `None` for what is neither an int nor in range.
fn index(th: &mut Thread, v: Borrowed<'_>) -> Option<usize> {
    match v.to_isize(th) {
        Ok(i) => usize::try_from(i).ok(),
        Err(raised) => {
            drop(th.catch(raised));
            None
        }
    }
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if args.has_keywords() && core::ptr::eq(ty, ISLICE.ty()) {
        return Err(th.type_error("islice() takes no keyword arguments"));
    }
    let a = args.pos();
    if a.len() < 2 || a.len() > 4 {
        let (bound, n) = if a.len() < 2 { ("at least", 2) } else { ("at most", 4) };
        return Err(th.type_error(&format!("islice expected {bound} {n} arguments, got {}", a.len())));
    }
    let none = Borrowed::none();
    let (start, stop, step) = match a.len() {
        2 => (none, a[1], none),
        _ => (a[1], a[2], a.get(3).copied().unwrap_or(none)),
    };
    let stop_value = if stop.is_none() { Some(usize::MAX) } else { index(th, stop) };
    let Some(stop_value) = stop_value else {
        return Err(th.value_error(if a.len() == 2 {
            "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize."
        } else {
            "Stop argument must be None or an integer: 0 <= x <= sys.maxsize."
        }));
    };
    let start = if start.is_none() { Some(0) } else { index(th, start) };
    let Some(start) = start else {
        return Err(th.value_error("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize."));
    };
    let step = if step.is_none() { Some(1) } else { index(th, step).filter(|s| *s > 0) };
    let Some(step) = step else {
        return Err(th.value_error("Step for islice() must be a positive integer or None."));
    };
    let source = Slot::new(a[0].iter(th)?);
    let payload = ISlice {
        header: unborn(),
        source,
        next: AtomicUsize::new(start),
        read: AtomicUsize::new(0),
        stop: stop_value,
        step,
    };
    made(th, ty, payload)
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let s: &ISlice = this(o);
    let Some(source) = s.source.get(&s.header) else { return Ok(None) };
    // ORDERING Relaxed: positions, here and below.
    let want = s.next.load(Ordering::Relaxed);
    let mut read = s.read.load(Ordering::Relaxed);
    // At the end, what lies before the stop is still read, as the equivalent loop would.
    let limit = want.min(s.stop);
    while read < limit {
        let item = source.borrow().next(th)?;
        if item.is_none() {
            drop(s.source.clear(&s.header));
            return Ok(None);
        }
        read += 1;
        s.read.store(read, Ordering::Relaxed);
    }
    if want >= s.stop {
        drop(s.source.clear(&s.header));
        return Ok(None);
    }
    match source.borrow().next(th)? {
        None => {
            drop(s.source.clear(&s.header));
            Ok(None)
        }
        some => {
            s.read.store(read + 1, Ordering::Relaxed);
            s.next.store(want.saturating_add(s.step).min(s.stop), Ordering::Relaxed);
            Ok(some)
        }
    }
}
