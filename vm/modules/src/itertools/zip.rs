//! `zip_longest`, `product`.

use typhon_sync::prim::{AtomicBool, AtomicUsize, Ordering};

use typhon_core::builtins::tuple::Tuple;
use typhon_core::thread::lock_object;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload,
    type_flags, unborn,
};

use crate::args::{Items, constructor, itself, made, this};

const FLAGS: u32 = type_flags::BASE | type_flags::GC;

payload! {
    /// `itertools.zip_longest`.
    pub struct ZipLongest: ZIP_LONGEST {
        /// Iterators; a slot is empty once its iterator is exhausted.
        sources: Vec<Slot>,
        fill: Slot,
        active: AtomicUsize,
    }
}

pub static ZIP_LONGEST: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return a zip_longest object whose .__next__() method returns a tuple where\nthe i-th element comes from the \
          i-th iterable argument.  The .__next__()\nmethod continues until the longest iterable in the argument \
          sequence\nis exhausted and then it raises StopIteration.  When the shorter iterables\nare exhausted, the \
          fillvalue is substituted in their place.  The fillvalue\ndefaults to None or can be specified by a keyword \
          argument.",
    slots: Slots {
        new: Some(zip_longest_new),
        iter: Some(itself),
        next: Some(zip_longest_next),
        ..Slots::NONE
    },
    ..TypeDef::of::<ZipLongest>("zip_longest")
};

fn zip_longest_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let mut fill = Owned::none();
    for (name, value) in args.keywords() {
        if name.downcast::<typhon_core::builtins::str::Str>().is_some_and(|s| s.is_text("fillvalue")) {
            fill = value.to_owned();
        } else {
            return Err(th.type_error("zip_longest() got an unexpected keyword argument"));
        }
    }
    let mut sources = Vec::with_capacity(args.n_positional);
    for a in args.pos() {
        sources.push(Slot::new(a.iter(th)?));
    }
    let active = AtomicUsize::new(sources.len());
    made(th, ty, ZipLongest { header: unborn(), sources, fill: Slot::new(fill), active })
}

fn zip_longest_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let z: &ZipLongest = this(o);
    // ORDERING Relaxed: a position, here and below.
    if z.active.load(Ordering::Relaxed) == 0 {
        return Ok(None);
    }
    let mut items = Items::new();
    for slot in &z.sources {
        let item = match slot.get(&z.header) {
            None => None,
            Some(source) => match source.borrow().next(th) {
                Ok(Some(v)) => Some(v),
                ended => {
                    if let Err(raised) = ended {
                        z.active.store(0, Ordering::Relaxed);
                        return Err(raised);
                    }
                    if slot.clear(&z.header).is_some() && z.active.fetch_sub(1, Ordering::Relaxed) <= 1 {
                        z.active.store(0, Ordering::Relaxed);
                        return Ok(None);
                    }
                    None
                }
            },
        };
        items.push(item.unwrap_or_else(|| z.fill.fixed().unwrap_or(Borrowed::none()).to_owned()));
    }
    Ok(Some(items.into_tuple(th)))
}

payload! {
    /// `itertools.product`.
    pub struct Product: PRODUCT {
        /// A tuple per position (repeats share theirs).
        pools: Vec<Slot>,
        indices: Data<Box<[AtomicUsize]>>,
        ended: AtomicBool,
    }
}

pub static PRODUCT: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Cartesian product of input iterables.  Equivalent to nested for-loops.\n\nFor example, product(A, B) returns \
          the same as:  ((x,y) for x in A for y in B).\nThe leftmost iterators are in the outermost for-loop, so the \
          output tuples\ncycle in a manner similar to an odometer (with the rightmost element changing\non every \
          iteration).",
    slots: Slots { new: Some(product_new), iter: Some(itself), next: Some(product_next), ..Slots::NONE },
    methods: &[NativeDef::new(
        "__sizeof__",
        "($self, /)",
        product_sizeof,
        "Returns size in memory, in bytes.",
    )],
    ..TypeDef::of::<Product>("product")
};

/// A tuple of an iterable's items.
pub(super) fn pool(th: &mut Thread, iterable: Borrowed<'_>) -> PyResult {
    if iterable.downcast_exact::<Tuple>().is_some() {
        return Ok(iterable.to_owned());
    }
    let items = iterable.to_vec(th)?;
    Ok(th.new_tuple(items))
}

fn product_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Product>(th, ty, "(*iterables, repeat=1)", args)?;
    let repeat = match a.opt(1) {
        Some(r) => r.to_isize(th)?,
        None => 1,
    };
    if repeat < 0 {
        return Err(th.value_error("repeat argument cannot be negative"));
    }
    let iterables: &Tuple = this(a[0]);
    let n = if repeat == 0 { 0 } else { iterables.len() };
    match n.checked_mul(repeat as usize) {
        Some(total) if total <= isize::MAX as usize / 16 => th.check_size(total * 16)?,
        _ => return Err(th.overflow_error("repeat argument too large")),
    }
    let mut once = Vec::with_capacity(n);
    for i in 0..n {
        once.push(pool(th, iterables.get(i))?);
    }
    let empty = once.iter().any(|p| p.payload::<Tuple>().is_empty());
    let total = n * repeat as usize;
    let pools: Vec<Slot> = (0..total).map(|i| Slot::new(once[i % n].clone())).collect();
    let indices = (0..total).map(|_| AtomicUsize::new(0)).collect();
    // The first product is given out before any index moves: the odometer starts one step back.
    if let Some(last) = pools.len().checked_sub(1) {
        let indices: &Box<[AtomicUsize]> = &indices;
        // ORDERING Relaxed: not published yet.
        indices[last].store(usize::MAX, Ordering::Relaxed);
    }
    made(th, ty, Product { header: unborn(), pools, indices: Data(indices), ended: AtomicBool::new(empty) })
}

fn product_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let p: &Product = this(o);
    let _guard = lock_object(&p.header);
    // ORDERING Relaxed: the lock is held, here and below.
    if p.ended.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let indices = &p.indices.0;
    let mut at = indices.len();
    loop {
        if at == 0 {
            // Every wheel turned over; a product of nothing has one empty tuple.
            p.ended.store(true, Ordering::Relaxed);
            return Ok(if indices.is_empty() { Some(th.new_tuple(vec![])) } else { None });
        }
        at -= 1;
        let i = indices[at].load(Ordering::Relaxed).wrapping_add(1);
        if i < tuple(&p.pools[at]).len() {
            indices[at].store(i, Ordering::Relaxed);
            break;
        }
        indices[at].store(0, Ordering::Relaxed);
    }
    Ok(Some(th.new_tuple_with(indices.len(), |i| {
        tuple(&p.pools[i]).get(indices[i].load(Ordering::Relaxed)).to_owned()
    })))
}

#[inline(always)]
pub(super) fn tuple(slot: &Slot) -> &Tuple {
    slot.fixed().and_then(|t| t.downcast::<Tuple>()).expect("a pool is a tuple")
}

fn product_sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Product = this(a[0]);
    Ok(th.new_int((size_of::<Product>() + p.pools.len() * 16) as i64))
}
