//! `_collections`: `deque`, `defaultdict` and what `collections` is made faster with.

mod defaultdict;
pub mod deque;
mod deque_iterator;
mod tuplegetter;

use typhon_core::builtins::dict::{self, Dict};
use typhon_core::number::{self, BinaryOp};
use typhon_core::{Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread, Word};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_collections",
    doc: "High performance data structures.\n- deque:        ordered collection accessible from endpoints only\n\
          - defaultdict:  dict subclass with a default value factory",
    functions: &[NativeDef::new(
        "_count_elements",
        "($module, mapping, iterable, /)",
        count_elements,
        "Count elements in the iterable, updating the mapping",
    )],
    types: &[
        &deque::DEQUE,
        &defaultdict::DEFAULT_DICT,
        &deque_iterator::FORWARD,
        &deque_iterator::REVERSE,
        &tuplegetter::TUPLE_GETTER,
    ],
    setup: None,
};

/// Does the mapping read and write its items as a plain dict does?
fn acts_as_dict<'a>(th: &mut Thread, mapping: Borrowed<'a>) -> Option<&'a Dict> {
    let d = mapping.downcast::<Dict>()?;
    let (ty, plain) = (mapping.ty(), dict::DEF.ty());
    let set = |t: &typhon_core::Type| t.slots.setitem().map(|f| f as usize);
    if set(ty) != set(plain) {
        return None;
    }
    let name = th.rt.names.get.get();
    let (mine, theirs) = (ty.lookup(name)?, plain.lookup(name)?);
    mine.is(theirs.word()).then_some(d)
}

fn count_elements(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = a[1].iter(th)?;
    let one = Word::small_int(1);
    if let Some(d) = acts_as_dict(th, a[0]) {
        while let Some(v) = it.borrow().next(th)? {
            let n = match d.get(th, v.borrow())? {
                None => Owned::from_const(one),
                Some(n) => number::binary_op(th, BinaryOp::Add, n.borrow(), Borrowed::from_const(one))?,
            };
            d.set(th, v.borrow(), n)?;
            th.drain_drops();
        }
        return Ok(Owned::none());
    }
    let get = a[0].getattr(th, th.rt.names.get.get())?;
    while let Some(v) = it.borrow().next(th)? {
        let n = get.borrow().call(th, &[v.borrow(), Borrowed::from_const(Word::small_int(0))])?;
        let n = number::binary_op(th, BinaryOp::Add, n.borrow(), Borrowed::from_const(one))?;
        a[0].setitem(th, v.borrow(), n.borrow())?;
        th.drain_drops();
    }
    Ok(Owned::none())
}
