//! Operations and methods of `tuple`.

use typhon_sync::prim::Ordering;

use typhon_text::StrBuf;
use typhon_text::hash::TupleHasher;

use super::{DEF, Tuple};
use crate::builtins::list::List;
use crate::builtins::sequence::{self, in_range};
use crate::builtins::slice::Slice;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::sharing;
use crate::slots::{Args, ArgsExt, CompareOp, Slots};
use crate::thread::Thread;
use crate::typedef::NativeDef;
use crate::types::Type;

pub const SLOTS: Slots = Slots {
    repr: Some(repr),
    hash: Some(hash),
    compare: Some(compare),
    iter: Some(super::iterator::new),
    new: Some(new),
    len: Some(|_, o| Ok(of(o).len())),
    getitem: Some(getitem),
    contains: Some(contains),
    concat: Some(concat),
    repeat: Some(repeat),
    ..Slots::NONE
};

pub const METHODS: &[NativeDef] = &[
    NativeDef::new(
        "index",
        "($self, value, start=0, stop=sys.maxsize, /)",
        index,
        "Return first index of value.\n\nRaises ValueError if the value is not present.",
    ),
    NativeDef::new("count", "($self, value, /)", count, "Return number of occurrences of value."),
    NativeDef::new("__getnewargs__", "($self, /)", getnewargs, ""),
    crate::builtins::generic_alias::CLASS_GETITEM,
];

#[inline(always)]
fn of<'a>(o: Borrowed<'a>) -> &'a Tuple {
    o.downcast::<Tuple>().expect("checked by the slot's type")
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let exact = core::ptr::eq(ty, DEF.ty());
    let Some(source) = sequence::constructor_arg(th, "tuple", args, exact)? else {
        return Ok(th.new_tuple_as(ty, Vec::new()));
    };
    if exact && source.downcast_exact::<Tuple>().is_some() {
        return Ok(source.to_owned());
    }
    if exact && let Some(list) = source.downcast_exact::<List>() {
        let items = list.lock();
        let slots = items.slots();
        // SAFETY: the lock pins the items.
        return Ok(th.new_tuple_with(slots.len(), |i| unsafe { sharing::own_pinned(slots[i].peek()) }));
    }
    let items = source.to_vec(th)?;
    Ok(th.new_tuple_as(ty, items))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let t = of(o);
    if t.is_empty() {
        return Ok(th.new_str("()"));
    }
    sequence::guarded_repr(th, o, "(...)", |th| {
        let mut out = StrBuf::with_capacity(t.len() * 4 + 2);
        out.push_str("(");
        for (i, v) in t.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            sequence::push_repr(th, &mut out, v)?;
        }
        out.push_str(if t.len() == 1 { ",)" } else { ")" });
        Ok(th.new_str_buf(out))
    })
}

/// Not inlined: its address is compared.
#[inline(never)]
pub(crate) fn hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let t = of(o);
    // ORDERING Relaxed: every thread computes the same value.
    let known = t.hash.load(Ordering::Relaxed);
    if known != 0 {
        return Ok(known);
    }
    th.check_native_stack("")?;
    let mut h = TupleHasher::new();
    for v in t.iter() {
        let w = v.word();
        h.add(if w.is_int() { typhon_text::hash::hash_int(w.int()) } else { v.hash(th)? });
    }
    let h = h.finish(t.len());
    // ORDERING Relaxed: as above.
    t.hash.store(h, Ordering::Relaxed);
    Ok(h)
}

pub(crate) fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Tuple>(), b.downcast::<Tuple>()) else {
        return Ok(Owned::not_implemented());
    };
    if x.len() != y.len() && matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Owned::bool(op == CompareOp::Ne));
    }
    th.check_native_stack(" in comparison")?;
    let (mine, theirs) = (x.items(), y.items());
    for (p, q) in mine.iter().zip(theirs) {
        // SAFETY: the tuples hold their items, which never change.
        let (p, q) =
            unsafe { (Borrowed::from_raw(p.peek().uncounted()), Borrowed::from_raw(q.peek().uncounted())) };
        if !p.equals(th, q)? {
            return match op {
                CompareOp::Eq => Ok(Owned::bool(false)),
                CompareOp::Ne => Ok(Owned::bool(true)),
                _ => p.compare(th, q, op),
            };
        }
    }
    Ok(Owned::bool(op.matches(x.len().cmp(&y.len()))))
}

fn getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let t = of(o);
    if let Some(s) = key.downcast_exact::<Slice>() {
        let span = s.indices(th, t.len())?;
        if span.n == t.len() && span.step == 1 && o.downcast_exact::<Tuple>().is_some() {
            return Ok(o.to_owned());
        }
        let items = t.items();
        let out = span.indices().map(|i| copied(&items[i])).collect();
        return Ok(th.new_tuple(out));
    }
    let i = sequence::subscript(th, key, "tuple")?;
    match in_range(i, t.len()) {
        Some(at) => Ok(t.get(at).to_owned()),
        None => Err(th.index_error("tuple index out of range")),
    }
}

fn copied(s: &Slot) -> Owned {
    s.fixed().map_or(Owned::none(), Borrowed::to_owned)
}

fn contains(th: &mut Thread, o: Borrowed<'_>, v: Borrowed<'_>) -> PyResult<bool> {
    for item in of(o).iter() {
        if item.equals(th, v)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let x = of(a);
    let Some(y) = b.downcast::<Tuple>() else {
        let msg = format!("can only concatenate tuple (not \"{}\") to tuple", b.type_name(th));
        return Err(th.type_error(&msg));
    };
    if y.is_empty() && a.downcast_exact::<Tuple>().is_some() {
        return Ok(a.to_owned());
    }
    if x.is_empty() && b.downcast_exact::<Tuple>().is_some() {
        return Ok(b.to_owned());
    }
    let n = x.len() + y.len();
    let (left, right) = (x.items(), y.items());
    Ok(th.new_tuple_with(n, |i| copied(if i < left.len() { &left[i] } else { &right[i - left.len()] })))
}

fn repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let t = of(o);
    if (n == 1 || t.is_empty()) && o.downcast_exact::<Tuple>().is_some() {
        return Ok(o.to_owned());
    }
    let total = sequence::repeated_len(th, t.len(), n)?;
    let items = t.items();
    let mut from = items.iter().cycle();
    Ok(th.new_tuple_with(total, |_| from.next().map_or(Owned::none(), copied)))
}

fn index(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let t = of(a[0]);
    let (start, stop) = sequence::bounds(th, a.opt(2), a.opt(3))?;
    let (start, stop) = (sequence::clipped(start, t.len()), sequence::clipped(stop, t.len()));
    for i in start..stop {
        if t.get(i).equals(th, a[1])? {
            return Ok(th.new_int(i as i64));
        }
    }
    Err(th.value_error("tuple.index(x): x not in tuple"))
}

fn count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut n = 0;
    for v in of(a[0]).iter() {
        n += i64::from(v.equals(th, a[1])?);
    }
    Ok(th.new_int(n))
}

fn getnewargs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let items = of(a[0]).iter().map(Borrowed::to_owned).collect();
    let exact = th.new_tuple(items);
    Ok(th.new_tuple(vec![exact]))
}
