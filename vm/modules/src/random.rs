//! `_random`: the Mersenne Twister, number for number as in CPython.

mod twister;

use typhon_core::builtins::int::IntRef;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, Locked, ModuleDef, NativeDef, Owned, PyResult, Safety, Shared, Slots,
    Thread, Type, TypeDef, payload, type_flags, unborn,
};

use crate::args::{made, this};
use twister::{N, Twister};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_random",
    doc: "Module implements the Mersenne Twister random number generator.",
    functions: &[],
    types: &[&RANDOM],
    setup: None,
};

payload! {
    /// `_random.Random`.
    pub struct Random: RANDOM {
        state: Locked<Data<Box<Twister>>>,
    }
}

pub static RANDOM: TypeDef = TypeDef {
    module: "_random",
    flags: type_flags::BASE,
    doc: "Random() -> create a random number generator with its own internal state.",
    slots: Slots { new: Some(new), init: Some(init), ..Slots::NONE },
    methods: &[
        NativeDef::new("random", "($self, /)", random, "random() -> x in the interval [0, 1)."),
        NativeDef::new(
            "seed",
            "($self, n=None, /)",
            |th, a| seed(th, this(a[0]), a.some(1)).map(|()| Owned::none()),
            "seed([n]) -> None.\n\nDefaults to use urandom and falls back to a combination\nof the current time and the \
             process identifier.",
        ),
        NativeDef::new(
            "getstate",
            "($self, /)",
            getstate,
            "getstate() -> tuple containing the current state.",
        ),
        NativeDef::new(
            "setstate",
            "($self, state, /)",
            setstate,
            "setstate(state) -> None.  Restores generator state.",
        ),
        NativeDef::new(
            "getrandbits",
            "($self, k, /)",
            getrandbits,
            "getrandbits(k) -> x.  Generates an int with k random bits.",
        ),
    ],
    shared: Some(Shared::but(Safety::Locked, &[(Safety::Steps, "__init__ __reduce__")])),
    ..TypeDef::of::<Random>("Random")
};

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if core::ptr::eq(ty, RANDOM.ty()) && args.has_keywords() {
        return Err(th.type_error("Random() takes no keyword arguments"));
    }
    let r = made(th, ty, Random { header: unborn(), state: Locked::new(Data(Box::new(Twister::new()))) })?;
    seed(th, r.payload(), args.pos().first().copied().filter(|s| !s.is_none()))?;
    Ok(r)
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    if args.pos().len() > 1 {
        let msg = format!("Random() requires 0 or 1 argument, got {}", args.pos().len());
        return Err(th.type_error(&msg));
    }
    seed(th, this(o), args.pos().first().copied().filter(|s| !s.is_none()))
}

/// The key that a seed stands for: 32-bit words of its magnitude, lowest first.
fn key(th: &mut Thread, seed: Borrowed<'_>) -> PyResult<Vec<u32>> {
    match seed.as_int() {
        Some(IntRef::Small(v)) => {
            let v = v.unsigned_abs();
            let (low, high) = (v as u32, (v >> 32) as u32);
            Ok(if high == 0 { vec![low] } else { vec![low, high] })
        }
        Some(IntRef::Big(v)) => {
            let bytes = v.clone().into_parts().1.to_le_bytes();
            Ok(bytes.chunks(4).map(|c| c.iter().rev().fold(0, |w, b| w << 8 | u32::from(*b))).collect())
        }
        None => {
            let h = seed.hash(th)? as u64;
            let (low, high) = (h as u32, (h >> 32) as u32);
            Ok(if high == 0 { vec![low] } else { vec![low, high] })
        }
    }
}

fn seed(th: &mut Thread, r: &Random, seed: Option<Borrowed<'_>>) -> PyResult<()> {
    let key = match seed {
        Some(s) => key(th, s)?,
        None => system_key(),
    };
    r.state.lock(&r.header, th).0.seed(&key);
    Ok(())
}

/// A key from the system's source of randomness; from the time and the process if there is none.
fn system_key() -> Vec<u32> {
    let mut bytes = [0u8; N * 4];
    // SAFETY: the buffer is as long as it is said to be.
    let got = unsafe { libc::getentropy(bytes.as_mut_ptr().cast(), 256) };
    if got == 0 {
        return bytes[..256].chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
    }
    let t = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    vec![t.subsec_nanos(), t.as_secs() as u32, std::process::id()]
}

fn random(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r: &Random = this(a[0]);
    let v = r.state.lock(&r.header, th).0.float();
    Ok(th.new_float(v))
}

fn getrandbits(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let k = a[1].to_isize(th)?;
    let Ok(k) = usize::try_from(k) else {
        return Err(th.value_error("number of bits must be non-negative"));
    };
    let r: &Random = this(a[0]);
    if k == 0 {
        return Ok(th.new_int(0));
    }
    if k <= 32 {
        let v = r.state.lock(&r.header, th).0.word() >> (32 - k);
        return Ok(th.new_int(i64::from(v)));
    }
    th.check_size(k / 8 + 8)?;
    let words = k.div_ceil(32);
    let mut bytes = Vec::with_capacity(words * 4);
    {
        let mut state = r.state.lock(&r.header, th);
        let mut left = k;
        for _ in 0..words {
            let mut w = state.0.word();
            if left < 32 {
                w >>= 32 - left;
            }
            bytes.extend_from_slice(&w.to_le_bytes());
            left = left.saturating_sub(32);
        }
    }
    Ok(th.new_big(dashu_int::IBig::from(dashu_int::UBig::from_le_bytes(&bytes))))
}

fn getstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r: &Random = this(a[0]);
    let (words, index) = {
        let s = r.state.lock(&r.header, th);
        (s.0.words, s.0.index)
    };
    let mut items: Vec<Owned> = words.iter().map(|w| th.new_int(i64::from(*w))).collect();
    items.push(th.new_int(index as i64));
    Ok(th.new_tuple(items))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(t) = a[1].downcast::<Tuple>() else {
        return Err(th.type_error("state vector must be a tuple"));
    };
    if t.len() != N + 1 {
        return Err(th.value_error("state vector is the wrong size"));
    }
    let mut words = [0; N];
    for (place, v) in words.iter_mut().zip(t.iter()) {
        *place = v.to_i64(th)? as u32;
    }
    let index = t.get(N).to_i64(th)?;
    let Some(index) = usize::try_from(index).ok().filter(|i| *i <= N) else {
        return Err(th.value_error("invalid state"));
    };
    let r: &Random = this(a[0]);
    let mut s = r.state.lock(&r.header, th);
    s.0.words = words;
    s.0.index = index;
    Ok(Owned::none())
}
