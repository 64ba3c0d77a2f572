//! Cells: variables shared between a function and the functions inside it.

use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, TypeDef, type_flags};
use crate::types::Type;

crate::payload! {
    /// A cell. Any thread may read or write `contents`; writers hold the object's lock.
    pub struct Cell: DEF {
        pub contents: Slot,
    }
}

/// A cell with or without contents.
pub fn new_cell(th: &mut Thread, v: Option<Owned>) -> Owned {
    th.alloc(Cell { header: unborn(), contents: Slot::from_option(v) })
}

fn get_contents(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let c = o.downcast::<Cell>().expect("a cell");
    match c.contents.get(&c.header) {
        Some(v) => Ok(v),
        None => Err(th.value_error("cell is empty")),
    }
}

fn set_contents(_: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let c = o.downcast::<Cell>().expect("a cell");
    match v {
        Some(v) => c.contents.set(&c.header, v.to_owned()),
        None => drop(c.contents.clear(&c.header)),
    }
    Ok(())
}

fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    if args.all.len() > 1 || args.has_keywords() {
        let msg = format!("cell expected at most 1 argument, got {}", args.all.len());
        return Err(th.type_error(&msg));
    }
    let v = args.pos().first().map(|v| Borrowed::to_owned(*v));
    Ok(new_cell(th, v))
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Cell>(), b.downcast::<Cell>()) else {
        return Ok(Owned::not_implemented());
    };
    match (x.contents.get(&x.header), y.contents.get(&y.header)) {
        (Some(x), Some(y)) => x.borrow().compare(th, y.borrow(), op),
        (x, y) => Ok(Owned::bool(op.matches(x.is_some().cmp(&y.is_some())))),
    }
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let c = o.downcast::<Cell>().expect("a cell");
    let at = o.word().identity();
    let text = match c.contents.get(&c.header) {
        Some(v) => {
            let name = v.borrow().type_name(th);
            format!("<cell at {at:#x}: {name} object at {:#x}>", v.borrow().word().identity())
        }
        None => format!("<cell at {at:#x}: empty>"),
    };
    Ok(th.new_str(&text))
}

pub static DEF: TypeDef = TypeDef {
    flags: type_flags::GC,
    slots: Slots { new: Some(new), compare: Some(compare), repr: Some(repr), ..Slots::NONE },
    getset: &[GetSetDef::get("cell_contents", get_contents).set(set_contents)],
    layout: crate::typedef::Layout::confined::<Cell>(),
    ..TypeDef::of::<Cell>("cell")
};
