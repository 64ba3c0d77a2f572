//! Methods and attributes of `BaseException`.

use typhon_sync::prim::Ordering;

use super::{BaseException, base_of, is_exception, no_keywords};
use crate::builtins::dict::Dict;
use crate::builtins::list::List;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, NativeDef};

pub(super) const SLOTS: Slots = Slots {
    new: Some(super::construct::<BaseException>),
    init: Some(init),
    repr: Some(repr),
    str: Some(str),
    ..Slots::NONE
};

pub(super) const METHODS: &[NativeDef] = &[
    NativeDef::new("__reduce__", "($self, /)", reduce, "Helper for pickle."),
    NativeDef::new("__setstate__", "($self, state, /)", setstate, ""),
    NativeDef::new(
        "with_traceback",
        "($self, tb, /)",
        with_traceback,
        "Set self.__traceback__ to tb and return self.",
    ),
    NativeDef::new("add_note", "($self, note, /)", add_note, "Add a note to the exception"),
];

pub(super) const GETSET: &[GetSetDef] = &[
    GetSetDef::get("args", get_args).set(set_args),
    GetSetDef::get("__traceback__", |_, o| get(o, |e| &e.traceback)).set(set_traceback),
    GetSetDef::get("__context__", |_, o| get(o, |e| &e.context)).set(set_context),
    GetSetDef::get("__cause__", |_, o| get(o, |e| &e.cause)).set(set_cause),
    GetSetDef::get("__suppress_context__", |_, o| {
        // ORDERING Relaxed: a plain flag.
        Ok(Owned::bool(base_of(o).suppress_context.load(Ordering::Relaxed)))
    })
    .set(set_suppress_context),
];

fn get(o: Borrowed<'_>, field: fn(&BaseException) -> &Slot) -> PyResult {
    let e = base_of(o);
    Ok(field(e).get(&e.header).unwrap_or_else(Owned::none))
}

/// Stores an exception, or empties the field for None.
fn store(o: Borrowed<'_>, field: fn(&BaseException) -> &Slot, v: Borrowed<'_>) {
    let e = base_of(o);
    if v.is_none() {
        drop(field(e).clear(&e.header));
    } else {
        field(e).set(&e.header, v.to_owned());
    }
}

/// `BaseException.__init__`: keeps the arguments.
pub(super) fn init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    no_keywords(th, o.ty(), &a)?;
    set_positional(th, o, a.pos());
    Ok(())
}

/// Makes `args` a tuple of these values; keeps the tuple that `__new__` made if it has them.
pub(super) fn set_positional(th: &mut Thread, o: Borrowed<'_>, values: &[Borrowed<'_>]) {
    let e = base_of(o);
    if let Some(old) = e.args.get(&e.header)
        && let Some(t) = old.downcast::<Tuple>()
        && t.len() == values.len()
        && t.iter().zip(values).all(|(a, b)| a.is(b.word()))
    {
        return;
    }
    let args = th.new_tuple(values.iter().map(|v| (*v).to_owned()).collect());
    e.args.set(&e.header, args);
}

/// `args`, owned.
pub(super) fn args_of(th: &mut Thread, o: Borrowed<'_>) -> Owned {
    let e = base_of(o);
    e.args.get(&e.header).unwrap_or_else(|| th.new_tuple(Vec::new()))
}

/// `BaseException.__str__`
pub(super) fn str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let args = args_of(th, o);
    let t = args.payload::<Tuple>();
    match t.len() {
        0 => Ok(th.intern("")),
        1 => t.get(0).str(th),
        _ => args.borrow().str(th),
    }
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let args = args_of(th, o);
    let t = args.payload::<Tuple>();
    let mut out = typhon_text::StrBuf::with_capacity(32);
    out.push_str(&o.ty().display_name());
    if t.len() == 1 {
        let r = t.get(0).repr(th)?;
        out.push_str("(");
        out.push_data(r.payload::<Str>().data());
        out.push_str(")");
    } else {
        let r = args.borrow().repr(th)?;
        out.push_data(r.payload::<Str>().data());
    }
    Ok(th.new_str_buf(out))
}

fn get_args(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(args_of(th, o))
}

fn set_args(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(v) = v else { return Err(th.type_error("args may not be deleted")) };
    let items = v.to_vec(th)?;
    let args = th.new_tuple(items);
    let e = base_of(o);
    e.args.set(&e.header, args);
    Ok(())
}

fn set_traceback(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(v) = v else { return Err(th.type_error("__traceback__ may not be deleted")) };
    if !v.is_none() && !crate::report::is_traceback(v) {
        return Err(th.type_error("__traceback__ must be a traceback or None"));
    }
    store(o, |e| &e.traceback, v);
    Ok(())
}

fn set_context(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(v) = v else { return Err(th.type_error("__context__ may not be deleted")) };
    if !v.is_none() && !is_exception(v) {
        return Err(th.type_error("exception context must be None or derive from BaseException"));
    }
    store(o, |e| &e.context, v);
    Ok(())
}

fn set_cause(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(v) = v else { return Err(th.type_error("__cause__ may not be deleted")) };
    if !v.is_none() && !is_exception(v) {
        return Err(th.type_error("exception cause must be None or derive from BaseException"));
    }
    store(o, |e| &e.cause, v);
    // ORDERING Relaxed: a plain flag.
    base_of(o).suppress_context.store(true, Ordering::Relaxed);
    Ok(())
}

fn set_suppress_context(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(v) = v else { return Err(th.type_error("can't delete numeric/char attribute")) };
    if !v.word().is_bool() {
        return Err(th.type_error("attribute value type must be bool"));
    }
    let on = v.truth(th)?;
    // ORDERING Relaxed: a plain flag.
    base_of(o).suppress_context.store(on, Ordering::Relaxed);
    Ok(())
}

/// The instance's `__dict__`, if it has entries.
pub(super) fn dict_with_entries(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let name = th.rt.names.__dict__.get();
    let d = o.getattr_opt(th, name)?;
    Ok(d.filter(|d| d.downcast::<Dict>().is_some_and(|d| d.len() != 0)))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let args = args_of(th, a[0]);
    let mut parts = vec![a[0].ty().as_value().to_owned(), args];
    parts.extend(dict_with_entries(th, a[0])?);
    Ok(th.new_tuple(parts))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[1].is_none() {
        return Ok(Owned::none());
    }
    let Some(d) = a[1].downcast::<Dict>() else {
        return Err(th.type_error("state is not a dictionary"));
    };
    for (k, v) in d.entries() {
        let k = th.intern_str(k.borrow());
        a[0].setattr(th, k.borrow(), Some(v.borrow()))?;
    }
    Ok(Owned::none())
}

fn with_traceback(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    set_traceback(th, a[0], Some(a[1]))?;
    Ok(a[0].to_owned())
}

fn add_note(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[1].downcast::<Str>().is_none() {
        let msg = format!("add_note() argument must be str, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    }
    let name = th.rt.names.__notes__.get();
    let notes = match a[0].getattr_opt(th, name)? {
        Some(v) => v,
        None => {
            let list = th.new_list(Vec::new());
            a[0].setattr(th, name, Some(list.borrow()))?;
            list
        }
    };
    match notes.downcast::<List>() {
        Some(l) => l.push(a[1].to_owned()),
        None => return Err(th.type_error("Cannot add note: __notes__ is not a list")),
    }
    Ok(Owned::none())
}
