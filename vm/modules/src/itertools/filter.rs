//! `compress`, `dropwhile`, `filterfalse`, `takewhile`.

use typhon_sync::prim::{AtomicBool, Ordering};

use typhon_core::{
    Args, ArgsExt, Borrowed, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload, type_flags, unborn,
};

use crate::args::{constructor, itself, made, this};

const FLAGS: u32 = type_flags::BASE | type_flags::GC;

/// A slot that is written at birth only.
#[inline(always)]
fn fixed(s: &Slot) -> Borrowed<'_> {
    s.fixed().unwrap_or(Borrowed::none())
}

payload! {
    /// `itertools.compress`.
    pub struct Compress: COMPRESS {
        data: Slot,
        selectors: Slot,
    }
}

pub static COMPRESS: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return data elements corresponding to true selector elements.\n\nForms a shorter iterator from selected data \
          elements using the selectors to\nchoose the data elements.",
    slots: Slots { new: Some(compress_new), iter: Some(itself), next: Some(compress_next), ..Slots::NONE },
    ..TypeDef::of::<Compress>("compress")
};

fn compress_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Compress>(th, ty, "(data, selectors)", args)?;
    let data = Slot::new(a[0].iter(th)?);
    let selectors = Slot::new(a[1].iter(th)?);
    made(th, ty, Compress { header: unborn(), data, selectors })
}

fn compress_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let c: &Compress = this(o);
    let (data, selectors) = (fixed(&c.data), fixed(&c.selectors));
    loop {
        let Some(v) = data.next(th)? else { return Ok(None) };
        let Some(s) = selectors.next(th)? else { return Ok(None) };
        if s.borrow().truth(th)? {
            return Ok(Some(v));
        }
    }
}

payload! {
    /// `itertools.dropwhile`.
    pub struct DropWhile: DROPWHILE {
        predicate: Slot,
        source: Slot,
        started: AtomicBool,
    }
}

pub static DROPWHILE: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Drop items from the iterable while predicate(item) is true.\n\nAfterwards, return every element until the \
          iterable is exhausted.",
    slots: Slots { new: Some(dropwhile_new), iter: Some(itself), next: Some(dropwhile_next), ..Slots::NONE },
    ..TypeDef::of::<DropWhile>("dropwhile")
};

fn dropwhile_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<DropWhile>(th, ty, "(predicate, iterable, /)", args)?;
    let source = Slot::new(a[1].iter(th)?);
    let predicate = Slot::new(a[0].to_owned());
    made(th, ty, DropWhile { header: unborn(), predicate, source, started: AtomicBool::new(false) })
}

fn dropwhile_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let d: &DropWhile = this(o);
    let (predicate, source) = (fixed(&d.predicate), fixed(&d.source));
    loop {
        let Some(v) = source.next(th)? else { return Ok(None) };
        // ORDERING Relaxed: a position.
        if d.started.load(Ordering::Relaxed) {
            return Ok(Some(v));
        }
        let r = predicate.call(th, &[v.borrow()])?;
        if !r.borrow().truth(th)? {
            // ORDERING Relaxed: as above.
            d.started.store(true, Ordering::Relaxed);
            return Ok(Some(v));
        }
    }
}

payload! {
    /// `itertools.takewhile`.
    pub struct TakeWhile: TAKEWHILE {
        predicate: Slot,
        source: Slot,
        ended: AtomicBool,
    }
}

pub static TAKEWHILE: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return successive entries from an iterable as long as the predicate evaluates to true for each entry.",
    slots: Slots { new: Some(takewhile_new), iter: Some(itself), next: Some(takewhile_next), ..Slots::NONE },
    ..TypeDef::of::<TakeWhile>("takewhile")
};

fn takewhile_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<TakeWhile>(th, ty, "(predicate, iterable, /)", args)?;
    let source = Slot::new(a[1].iter(th)?);
    let predicate = Slot::new(a[0].to_owned());
    made(th, ty, TakeWhile { header: unborn(), predicate, source, ended: AtomicBool::new(false) })
}

fn takewhile_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let t: &TakeWhile = this(o);
    // ORDERING Relaxed: a position.
    if t.ended.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let Some(v) = fixed(&t.source).next(th)? else { return Ok(None) };
    let r = fixed(&t.predicate).call(th, &[v.borrow()])?;
    if r.borrow().truth(th)? {
        return Ok(Some(v));
    }
    // ORDERING Relaxed: as above.
    t.ended.store(true, Ordering::Relaxed);
    Ok(None)
}

payload! {
    /// `itertools.filterfalse`.
    pub struct FilterFalse: FILTERFALSE {
        /// Empty = truth of the item itself.
        predicate: Slot,
        source: Slot,
    }
}

pub static FILTERFALSE: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return those items of iterable for which function(item) is false.\n\nIf function is None, return the items \
          that are false.",
    slots: Slots {
        new: Some(filterfalse_new),
        iter: Some(itself),
        next: Some(filterfalse_next),
        ..Slots::NONE
    },
    ..TypeDef::of::<FilterFalse>("filterfalse")
};

fn filterfalse_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<FilterFalse>(th, ty, "(function, iterable, /)", args)?;
    let source = Slot::new(a[1].iter(th)?);
    let predicate = Slot::from_option(a.some(0).map(Borrowed::to_owned));
    made(th, ty, FilterFalse { header: unborn(), predicate, source })
}

fn filterfalse_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let f: &FilterFalse = this(o);
    let source = fixed(&f.source);
    loop {
        let Some(v) = source.next(th)? else { return Ok(None) };
        let yes = match f.predicate.fixed() {
            None => v.borrow().truth(th)?,
            Some(p) => {
                let r = p.call(th, &[v.borrow()])?;
                r.borrow().truth(th)?
            }
        };
        if !yes {
            return Ok(Some(v));
        }
    }
}
