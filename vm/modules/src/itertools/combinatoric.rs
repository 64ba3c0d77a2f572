//! `combinations`, `combinations_with_replacement`, `permutations`.

use typhon_sync::prim::{AtomicU8, AtomicUsize, Ordering};

use typhon_core::thread::lock_object;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload, type_flags,
    unborn,
};

use super::zip::{pool, tuple};
use crate::args::{constructor, itself, made, this};

const FLAGS: u32 = type_flags::BASE | type_flags::GC;

const FRESH: u8 = 0;
const RUNNING: u8 = 1;
const ENDED: u8 = 2;

type Indices = Data<Box<[AtomicUsize]>>;

// ORDERING Relaxed: indices are read and written under the object's lock.
fn get(indices: &Indices, i: usize) -> usize {
    indices.0[i].load(Ordering::Relaxed)
}
fn set(indices: &Indices, i: usize, v: usize) {
    indices.0[i].store(v, Ordering::Relaxed)
}

fn build(th: &mut Thread, pool: &Slot, indices: &Indices, r: usize) -> Owned {
    let pool = tuple(pool);
    th.new_tuple_with(r, |i| pool.get(get(indices, i)).to_owned())
}

/// Checks `r` and the room for that many indices.
fn length(th: &mut Thread, r: Borrowed<'_>) -> PyResult<usize> {
    let r = r.to_isize(th)?;
    if r < 0 {
        return Err(th.value_error("r must be non-negative"));
    }
    if r as usize > isize::MAX as usize / 8 {
        return Err(th.raise_empty(&typhon_core::builtins::exceptions::MEMORY_ERROR));
    }
    th.check_size(r as usize * 8)?;
    Ok(r as usize)
}

payload! {
    /// `itertools.combinations`.
    pub struct Combinations: COMBINATIONS {
        pool: Slot,
        indices: Indices,
        state: AtomicU8,
    }
}

pub static COMBINATIONS: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return successive r-length combinations of elements in the iterable.\n\ncombinations(range(4), 3) --> (0,1,2), \
          (0,1,3), (0,2,3), (1,2,3)",
    slots: Slots {
        new: Some(combinations_new),
        iter: Some(itself),
        next: Some(combinations_next),
        ..Slots::NONE
    },
    ..TypeDef::of::<Combinations>("combinations")
};

fn combinations_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Combinations>(th, ty, "(iterable, r)", args)?;
    let pool = pool(th, a[0])?;
    let r = length(th, a[1])?;
    let state = if r > tuple_len(&pool) { ENDED } else { FRESH };
    let indices = Data((0..r).map(AtomicUsize::new).collect());
    made(
        th,
        ty,
        Combinations { header: unborn(), pool: Slot::new(pool), indices, state: AtomicU8::new(state) },
    )
}

fn tuple_len(pool: &Owned) -> usize {
    pool.payload::<typhon_core::builtins::tuple::Tuple>().len()
}

fn combinations_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let c: &Combinations = this(o);
    let _guard = lock_object(&c.header);
    let (r, n) = (c.indices.0.len(), tuple(&c.pool).len());
    // ORDERING Relaxed: the lock is held, here and below.
    match c.state.load(Ordering::Relaxed) {
        FRESH => c.state.store(RUNNING, Ordering::Relaxed),
        RUNNING => {
            // The rightmost index that is not at its end moves; those behind it follow closely.
            let Some(i) = (0..r).rev().find(|&i| get(&c.indices, i) != i + n - r) else {
                c.state.store(ENDED, Ordering::Relaxed);
                return Ok(None);
            };
            let first = get(&c.indices, i) + 1;
            for (k, j) in (i..r).enumerate() {
                set(&c.indices, j, first + k);
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(build(th, &c.pool, &c.indices, r)))
}

payload! {
    /// `itertools.combinations_with_replacement`.
    pub struct WithReplacement: WITH_REPLACEMENT {
        pool: Slot,
        indices: Indices,
        state: AtomicU8,
    }
}

pub static WITH_REPLACEMENT: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return successive r-length combinations of elements in the iterable allowing individual elements to have \
          successive repeats.\n\ncombinations_with_replacement('ABC', 2) --> ('A','A'), ('A','B'), ('A','C'), \
          ('B','B'), ('B','C'), ('C','C')",
    slots: Slots {
        new: Some(with_replacement_new),
        iter: Some(itself),
        next: Some(with_replacement_next),
        ..Slots::NONE
    },
    ..TypeDef::of::<WithReplacement>("combinations_with_replacement")
};

fn with_replacement_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<WithReplacement>(th, ty, "(iterable, r)", args)?;
    let pool = pool(th, a[0])?;
    let r = length(th, a[1])?;
    let state = if tuple_len(&pool) == 0 && r > 0 { ENDED } else { FRESH };
    let indices = Data((0..r).map(|_| AtomicUsize::new(0)).collect());
    made(
        th,
        ty,
        WithReplacement { header: unborn(), pool: Slot::new(pool), indices, state: AtomicU8::new(state) },
    )
}

fn with_replacement_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let c: &WithReplacement = this(o);
    let _guard = lock_object(&c.header);
    let (r, n) = (c.indices.0.len(), tuple(&c.pool).len());
    // ORDERING Relaxed: the lock is held, here and below.
    match c.state.load(Ordering::Relaxed) {
        FRESH => c.state.store(RUNNING, Ordering::Relaxed),
        RUNNING => {
            let Some(i) = (0..r).rev().find(|&i| get(&c.indices, i) + 1 != n) else {
                c.state.store(ENDED, Ordering::Relaxed);
                return Ok(None);
            };
            let v = get(&c.indices, i) + 1;
            (i..r).for_each(|j| set(&c.indices, j, v));
        }
        _ => return Ok(None),
    }
    Ok(Some(build(th, &c.pool, &c.indices, r)))
}

payload! {
    /// `itertools.permutations`.
    pub struct Permutations: PERMUTATIONS {
        pool: Slot,
        /// All `n` indices; the first `r` are the present permutation.
        indices: Indices,
        /// How far each of the `r` places still has to turn.
        cycles: Indices,
        state: AtomicU8,
    }
}

pub static PERMUTATIONS: TypeDef = TypeDef {
    module: "itertools",
    flags: FLAGS,
    doc: "Return successive r-length permutations of elements in the iterable.\n\npermutations(range(3), 2) --> (0,1), \
          (0,2), (1,0), (1,2), (2,0), (2,1)",
    slots: Slots {
        new: Some(permutations_new),
        iter: Some(itself),
        next: Some(permutations_next),
        ..Slots::NONE
    },
    ..TypeDef::of::<Permutations>("permutations")
};

fn permutations_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<Permutations>(th, ty, "(iterable, r=None)", args)?;
    let pool = pool(th, a[0])?;
    let n = tuple_len(&pool);
    let r = match a.some(1) {
        Some(r) if r.as_int().is_none() => return Err(th.type_error("Expected int as r")),
        Some(r) => length(th, r)?,
        None => n,
    };
    let state = if r > n { ENDED } else { FRESH };
    let indices = Data((0..n).map(AtomicUsize::new).collect());
    let cycles = Data((0..r.min(n)).map(|i| AtomicUsize::new(n - i)).collect());
    let payload = Permutations {
        header: unborn(),
        pool: Slot::new(pool),
        indices,
        cycles,
        state: AtomicU8::new(state),
    };
    made(th, ty, payload)
}

fn permutations_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let p: &Permutations = this(o);
    let _guard = lock_object(&p.header);
    let (r, n) = (p.cycles.0.len(), p.indices.0.len());
    // ORDERING Relaxed: the lock is held, here and below.
    match p.state.load(Ordering::Relaxed) {
        FRESH => p.state.store(RUNNING, Ordering::Relaxed),
        RUNNING => {
            let mut i = r;
            loop {
                if i == 0 {
                    p.state.store(ENDED, Ordering::Relaxed);
                    return Ok(None);
                }
                i -= 1;
                let left = get(&p.cycles, i) - 1;
                if left > 0 {
                    set(&p.cycles, i, left);
                    let (x, y) = (get(&p.indices, i), get(&p.indices, n - left));
                    set(&p.indices, i, y);
                    set(&p.indices, n - left, x);
                    break;
                }
                // This place is through: its index goes to the end, the others move up.
                let first = get(&p.indices, i);
                (i..n - 1).for_each(|j| set(&p.indices, j, get(&p.indices, j + 1)));
                set(&p.indices, n - 1, first);
                set(&p.cycles, i, n - i);
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(build(th, &p.pool, &p.indices, r)))
}
