//! `tee`: iterators that share what one source gave, in a chain of blocks. A block dies when the last
//! iterator has moved past it.

use typhon_sync::prim::{AtomicBool, AtomicUsize, Ordering};

use typhon_core::builtins::exceptions as ex;
use typhon_core::{
    Args, ArgsExt, Borrowed, Locked, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload,
    type_flags, unborn,
};

use crate::args::{constructor, itself, made, this};

/// Items per block.
const BLOCK: usize = 57;

payload! {
    /// A block of items.
    pub struct TeeData: TEE_DATA {
        source: Slot,
        items: Locked<Vec<Owned>>,
        next: Slot,
        /// Is the source being asked right now?
        running: AtomicBool,
    }
}

pub static TEE_DATA: TypeDef = TypeDef {
    module: "itertools",
    flags: type_flags::GC | type_flags::NO_NEW,
    doc: "teedataobject(iterable, values, next, /)\n--\n\nData container common to multiple tee objects.",
    ..TypeDef::of::<TeeData>("_tee_dataobject")
};

payload! {
    /// One of the iterators that `tee` returns.
    pub struct Tee: TEE_ITERATOR {
        block: Slot,
        index: AtomicUsize,
    }
}

pub static TEE_ITERATOR: TypeDef = TypeDef {
    module: "itertools",
    flags: type_flags::GC | type_flags::WEAKREF,
    doc: "Iterator wrapped to make it copyable.",
    slots: Slots { new: Some(new), iter: Some(itself), next: Some(next), ..Slots::NONE },
    methods: &[NativeDef::new("__copy__", "($self, /)", copy, "Returns an independent iterator.")],
    ..TypeDef::of::<Tee>("_tee")
};

pub const TEE: NativeDef =
    NativeDef::new("tee", "($module, iterable, n=2, /)", tee, "Returns a tuple of n independent iterators.");

fn block(th: &mut Thread, source: Owned) -> Owned {
    th.alloc(TeeData {
        header: unborn(),
        source: Slot::new(source),
        items: Locked::new(Vec::new()),
        next: Slot::empty(),
        running: AtomicBool::new(false),
    })
}

/// A tee iterator over any iterable; another one at the same place for a tee iterator.
fn from_iterable(th: &mut Thread, iterable: Borrowed<'_>) -> PyResult<Tee> {
    let it = iterable.iter(th)?;
    if let Some(t) = it.borrow().downcast_exact::<Tee>() {
        return Ok(twin(t));
    }
    let block = block(th, it);
    Ok(Tee { header: unborn(), block: Slot::new(block), index: AtomicUsize::new(0) })
}

fn twin(t: &Tee) -> Tee {
    // ORDERING Relaxed: a position.
    let index = AtomicUsize::new(t.index.load(Ordering::Relaxed));
    Tee { header: unborn(), block: Slot::from_option(t.block.get(&t.header)), index }
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Tee>(th, ty, "(iterable, /)", args)?;
    let t = from_iterable(th, a[0])?;
    made(th, ty, t)
}

fn copy(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let t = twin(this(a[0]));
    Ok(th.alloc(t))
}

fn tee(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = match a.opt(1) {
        Some(n) => n.to_isize(th)?,
        None => 2,
    };
    if n < 0 {
        return Err(th.value_error("n must be >= 0"));
    }
    if n == 0 {
        return Ok(th.new_tuple(vec![]));
    }
    if n as usize > isize::MAX as usize / 64 {
        return Err(th.raise_empty(&ex::MEMORY_ERROR));
    }
    th.check_size(n as usize * 64)?;
    let first = from_iterable(th, a[0])?;
    let first = th.alloc(first);
    let mut all = Vec::with_capacity(n as usize);
    for _ in 1..n {
        let t = twin(first.payload::<Tee>());
        all.push(th.alloc(t));
    }
    all.insert(0, first);
    Ok(th.new_tuple(all))
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let t: &Tee = this(o);
    let Some(mut current) = t.block.get(&t.header) else { return Ok(None) };
    // ORDERING Relaxed: a position, here and below.
    let mut i = t.index.load(Ordering::Relaxed);
    if i >= BLOCK {
        let b = current.payload::<TeeData>();
        let following = match b.next.get(&b.header) {
            Some(following) => following,
            None => {
                let source = b.source.fixed().unwrap_or(Borrowed::none()).to_owned();
                let fresh = block(th, source);
                b.next.set(&b.header, fresh.clone());
                fresh
            }
        };
        t.block.set(&t.header, following.clone());
        current = following;
        i = 0;
    }
    let b = current.payload::<TeeData>();
    let known = b.items.lock(&b.header, th).get(i).cloned();
    if let Some(v) = known {
        t.index.store(i + 1, Ordering::Relaxed);
        return Ok(Some(v));
    }
    // ORDERING Acquire/Release: one thread at a time asks the source.
    if b.running.swap(true, Ordering::Acquire) {
        return Err(th.runtime_error("cannot re-enter the tee iterator"));
    }
    let item = b.source.fixed().unwrap_or(Borrowed::none()).next(th);
    let result = match item {
        Ok(Some(v)) => {
            b.items.lock(&b.header, th).push(v.clone());
            t.index.store(i + 1, Ordering::Relaxed);
            Ok(Some(v))
        }
        other => other,
    };
    b.running.store(false, Ordering::Release);
    result
}
