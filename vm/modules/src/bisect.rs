//! `_bisect`.

use typhon_core::builtins::list::List;
use typhon_core::{ArgsExt, Borrowed, CompareOp, ModuleDef, NativeDef, Owned, PyResult, Thread};

const SIG: &str = "($module, /, a, x, lo=0, hi=None, *, key=None)";

pub static MODULE: ModuleDef = ModuleDef {
    name: "_bisect",
    doc: "Bisection algorithms.\n\nThis module provides support for maintaining a list in sorted order without\nhaving to sort \
          the list after each insertion.",
    functions: &[
        NativeDef::new(
            "bisect_right",
            SIG,
            |th, a| place(th, a, true, false),
            "Return the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in a[:i] have e <= x, and all e in\na[i:] have e > x.",
        ),
        NativeDef::new(
            "bisect_left",
            SIG,
            |th, a| place(th, a, false, false),
            "Return the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in a[:i] have e < x, and all e in\na[i:] have e >= x.",
        ),
        NativeDef::new(
            "insort_right",
            SIG,
            |th, a| place(th, a, true, true),
            "Insert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the right of the rightmost x.",
        ),
        NativeDef::new(
            "insort_left",
            SIG,
            |th, a| place(th, a, false, true),
            "Insert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the left of the leftmost x.",
        ),
    ],
    types: &[],
    setup: None,
};

fn place(th: &mut Thread, a: &[Borrowed<'_>], right: bool, insert: bool) -> PyResult {
    let (seq, x) = (a[0], a[1]);
    let low = match a.opt(2) {
        Some(v) => v.to_isize(th)?,
        None => 0,
    };
    let Ok(mut low) = usize::try_from(low) else {
        return Err(th.value_error("lo must be non-negative"));
    };
    let mut high = match a.some(3) {
        Some(v) => v.to_isize(th)?.max(0) as usize,
        None => seq.len(th)?,
    };
    let key = a.some(4);
    // `insort` inserts the item itself but searches for its key.
    let wanted = match key {
        Some(k) if insert => k.call(th, &[x])?,
        _ => x.to_owned(),
    };
    let list = seq.downcast_exact::<List>();
    while low < high {
        let middle = low + (high - low) / 2;
        let item = match list {
            Some(l) => match l.get(middle) {
                Some(v) => v,
                None => return Err(th.index_error("list index out of range")),
            },
            None => {
                let i = th.new_int(middle as i64);
                seq.getitem(th, i.borrow())?
            }
        };
        let item = match key {
            Some(k) => k.call(th, &[item.borrow()])?,
            None => item,
        };
        let go_left = if right {
            wanted.borrow().compare_bool(th, item.borrow(), CompareOp::Lt)?
        } else {
            !item.borrow().compare_bool(th, wanted.borrow(), CompareOp::Lt)?
        };
        if go_left {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if !insert {
        return Ok(th.new_int(low as i64));
    }
    match list {
        Some(l) => {
            let items = l.lock();
            items.insert(low.min(items.len()), x.to_owned());
        }
        None => {
            let i = th.new_int(low as i64);
            seq.call_method_str(th, "insert", &[i.borrow(), x])?;
        }
    }
    Ok(Owned::none())
}
