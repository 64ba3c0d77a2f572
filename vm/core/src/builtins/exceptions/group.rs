//! BaseExceptionGroup and ExceptionGroup, and the two steps of `except*` (PEP 654).

use typhon_sync::prim::Ordering;

use super::{
    BASE_EXCEPTION_GROUP, BaseException, EXCEPTION, EXCEPTION_GROUP, ExceptionPayload, base, base_of,
    exc_matches, exception_class, exception_payload, is_exception, slot_attribute, this,
};
use crate::builtins::list::List;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, NativeDef, type_flags};
use crate::types::Type;

exception_payload! {
    /// `BaseExceptionGroup`.
    pub struct ExceptionGroup: BASE_EXCEPTION_GROUP {
        /// `message`: str.
        pub message: Slot = Slot::empty(),
        /// `exceptions`: tuple.
        pub exceptions: Slot = Slot::empty(),
    }
}

pub(super) const SLOTS: Slots =
    Slots { new: Some(new), init: Some(base::init), str: Some(str), ..Slots::NONE };
pub(super) const METHODS: &[NativeDef] = &[
    NativeDef::new("derive", "($self, excs, /)", derive, "Return an exception group of these exceptions."),
    NativeDef::new(
        "split",
        "($self, matcher_value, /)",
        split_method,
        "Split the group by a type, a tuple of types or a predicate into (match, rest).",
    ),
    NativeDef::new(
        "subgroup",
        "($self, matcher_value, /)",
        subgroup,
        "The part of the group that matches, or None.",
    ),
    crate::builtins::generic_alias::CLASS_GETITEM,
];
pub(super) const GETSET: &[GetSetDef] = &[
    GetSetDef { set: None, doc: "exception message", ..slot_attribute!(ExceptionGroup, "message", message) },
    GetSetDef {
        set: None,
        doc: "nested exceptions",
        ..slot_attribute!(ExceptionGroup, "exceptions", exceptions)
    },
];

/// `ExceptionGroup` derives from `BaseExceptionGroup` and `Exception`: the second base is added here,
/// since a definition has one.
pub(super) fn setup_exception_group(th: &mut Thread, ty: &Type) -> PyResult<()> {
    let second = EXCEPTION.ty();
    let bases =
        th.new_tuple(vec![BASE_EXCEPTION_GROUP.ty().as_value().to_owned(), second.as_value().to_owned()]);
    let own = [ty, BASE_EXCEPTION_GROUP.ty()].into_iter();
    let mro = own.chain(second.mro_types()).map(|t| t.as_value().to_owned()).collect();
    let mro = th.new_tuple(mro);
    for (slot, v) in [(&ty.bases, bases), (&ty.mro, mro)] {
        drop(slot.swap(Owned::from_const(crate::runtime::immortal(v))));
    }
    ty.link(&[second]);
    Ok(())
}

fn new(th: &mut Thread, ty: &Type, a: Args<'_>) -> PyResult {
    let &[message, list] = a.pos() else {
        let msg = format!("BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)", a.pos().len());
        return Err(th.type_error(&msg));
    };
    if message.downcast::<Str>().is_none() {
        let msg =
            format!("BaseExceptionGroup.__new__() argument 1 must be str, not {}", message.type_name(th));
        return Err(th.type_error(&msg));
    }
    if !is_sequence(list) {
        return Err(th.type_error("second argument (exceptions) must be a sequence"));
    }
    let items = list.to_vec(th)?;
    if items.is_empty() {
        return Err(th.value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    let mut nested_base = false;
    for (i, e) in items.iter().enumerate() {
        if !is_exception(e.borrow()) {
            let msg = format!("Item {i} of second argument (exceptions) is not an exception");
            return Err(th.value_error(&msg));
        }
        nested_base |= !e.borrow().ty().is_subtype_of(EXCEPTION.ty());
    }
    let mut class = ty;
    if core::ptr::eq(ty, BASE_EXCEPTION_GROUP.ty()) {
        if !nested_base {
            class = EXCEPTION_GROUP.ty();
        }
    } else if nested_base && core::ptr::eq(ty, EXCEPTION_GROUP.ty()) {
        return Err(th.type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
    } else if nested_base && ty.is_subtype_of(EXCEPTION.ty()) {
        let msg = format!("Cannot nest BaseExceptions in '{}'", ty.display_name());
        return Err(th.type_error(&msg));
    }
    let args = th.new_tuple(vec![message.to_owned(), list.to_owned()]);
    let exceptions = th.new_tuple(items);
    let group = ExceptionGroup {
        message: Slot::new(message.to_owned()),
        exceptions: Slot::new(exceptions),
        ..ExceptionGroup::blank(args)
    };
    Ok(th.alloc_as(group, class))
}

/// What `PySequence_Check` accepts: indexable, and not a mapping.
fn is_sequence(o: Borrowed<'_>) -> bool {
    o.downcast::<List>().is_some()
        || o.downcast::<Tuple>().is_some()
        || o.ty().slots.getitem().is_some() && !o.ty().has_flag(type_flags::MAPPING)
}

/// `ExceptionGroup(message, exceptions)`, or a BaseExceptionGroup if one of them demands it.
pub fn new_group(th: &mut Thread, message: &str, exceptions: Vec<Owned>) -> PyResult {
    let message = th.new_str(message);
    let list = th.new_list(exceptions);
    new(th, BASE_EXCEPTION_GROUP.ty(), Args::positional(&[message.borrow(), list.borrow()]))
}

fn exceptions(g: &ExceptionGroup) -> Vec<Owned> {
    let t = g.exceptions.get(&g.header);
    t.as_ref()
        .and_then(|t| t.downcast::<Tuple>())
        .map_or_else(Vec::new, |t| t.iter().map(|e| e.to_owned()).collect())
}

fn str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = this::<ExceptionGroup>(o);
    let n = exceptions(g).len();
    let message = g.message.get(&g.header).unwrap_or_else(Owned::none);
    let message = message.borrow().str(th)?;
    let mut out = typhon_text::StrBuf::with_capacity(64);
    out.push_data(message.payload::<Str>().data());
    out.push_str(&format!(" ({n} sub-exception{})", if n == 1 { "" } else { "s" }));
    Ok(th.new_str_buf(out))
}

fn derive(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let g = this::<ExceptionGroup>(a[0]);
    let message = g.message.get(&g.header).unwrap_or_else(Owned::none);
    new(th, BASE_EXCEPTION_GROUP.ty(), Args::positional(&[message.borrow(), a[1]]))
}

/// What decides which exceptions of a group are taken.
enum Matcher<'a> {
    /// A class or a tuple of classes.
    Class(Borrowed<'a>),
    /// A callable.
    Predicate(Borrowed<'a>),
    /// Leaves by identity.
    Leaves(&'a [u64]),
}

impl<'a> Matcher<'a> {
    fn from_value(th: &mut Thread, v: Borrowed<'a>) -> PyResult<Matcher<'a>> {
        if v.downcast::<Type>().is_none() && v.is_callable() {
            return Ok(Matcher::Predicate(v));
        }
        let tuple = v.downcast::<Tuple>();
        if exception_class(v).is_some()
            || tuple.is_some_and(|t| t.iter().all(|c| exception_class(c).is_some()))
        {
            return Ok(Matcher::Class(v));
        }
        Err(th.type_error(
            "expected an exception type, a tuple of exception types, or a callable (other than a class)",
        ))
    }

    fn matches(&self, th: &mut Thread, exc: Borrowed<'_>) -> PyResult<bool> {
        match *self {
            Matcher::Class(c) => exc_matches(th, exc, c),
            Matcher::Predicate(f) => {
                let r = f.call(th, &[exc])?;
                r.borrow().truth(th)
            }
            Matcher::Leaves(ids) => {
                Ok(exc.downcast::<ExceptionGroup>().is_none() && ids.contains(&exc.word().identity()))
            }
        }
    }
}

/// Splits `exc` into what matches and what does not. Without `want_rest` the rest is not made.
fn split(
    th: &mut Thread,
    exc: Borrowed<'_>,
    by: &Matcher<'_>,
    want_rest: bool,
) -> PyResult<(Option<Owned>, Option<Owned>)> {
    if by.matches(th, exc)? {
        return Ok((Some(exc.to_owned()), None));
    }
    let Some(group) = exc.downcast::<ExceptionGroup>() else {
        return Ok((None, want_rest.then(|| exc.to_owned())));
    };
    th.check_native_stack(" in exceptiongroup_split_recursive")?;
    let (mut matched, mut rest) = (Vec::new(), Vec::new());
    for e in exceptions(group) {
        let (m, r) = split(th, e.borrow(), by, want_rest)?;
        matched.extend(m);
        rest.extend(r);
    }
    let m = subset(th, exc, matched)?;
    let r = subset(th, exc, rest)?;
    Ok((m, r))
}

/// A group like `group` with only these exceptions, made by its `derive`; `None` for none.
fn subset(th: &mut Thread, group: Borrowed<'_>, exceptions: Vec<Owned>) -> PyResult<Option<Owned>> {
    if exceptions.is_empty() {
        return Ok(None);
    }
    let list = th.new_list(exceptions);
    let new = group.call_method_str(th, "derive", &[list.borrow()])?;
    if new.downcast::<ExceptionGroup>().is_none() {
        return Err(th.type_error("derive must return an instance of BaseExceptionGroup"));
    }
    let (from, to) = (base_of(group), base_of(new.borrow()));
    let fields: [fn(&BaseException) -> &Slot; 3] = [|e| &e.traceback, |e| &e.context, |e| &e.cause];
    for field in fields {
        if let Some(v) = field(from).get(&from.header) {
            field(to).set(&to.header, v);
        }
    }
    // ORDERING Relaxed: a plain flag.
    to.suppress_context.store(from.suppress_context.load(Ordering::Relaxed), Ordering::Relaxed);
    let name = th.rt.names.__notes__.get();
    if let Some(notes) = group.getattr_opt(th, name)?
        && is_sequence(notes.borrow())
    {
        let copy = notes.borrow().to_vec(th)?;
        let copy = th.new_list(copy);
        new.borrow().setattr(th, name, Some(copy.borrow()))?;
    }
    Ok(Some(new))
}

fn split_method(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let by = Matcher::from_value(th, a[1])?;
    let (m, r) = split(th, a[0], &by, true)?;
    Ok(th.new_tuple(vec![m.unwrap_or_else(Owned::none), r.unwrap_or_else(Owned::none)]))
}

fn subgroup(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let by = Matcher::from_value(th, a[1])?;
    let (m, _) = split(th, a[0], &by, false)?;
    Ok(m.unwrap_or_else(Owned::none))
}

/// `except* class_or_tuple:` for `exc`: `(rest, match)`, each an exception or None. A naked exception
/// that matches comes wrapped in a group.
///
/// Errors: TypeError for what is no exception class, or is a group class.
pub fn match_group(
    th: &mut Thread,
    exc: Borrowed<'_>,
    class_or_tuple: Borrowed<'_>,
) -> PyResult<(Owned, Owned)> {
    let is_group =
        |c: Borrowed<'_>| c.downcast::<Type>().is_some_and(|t| t.is_subtype_of(BASE_EXCEPTION_GROUP.ty()));
    let matches = exc_matches(
        th,
        if exc.is_none() { super::BASE_EXCEPTION.ty().as_value() } else { exc },
        class_or_tuple,
    )?;
    if is_group(class_or_tuple) || class_or_tuple.downcast::<Tuple>().is_some_and(|t| t.iter().any(is_group))
    {
        return Err(th.type_error("catching ExceptionGroup with except* is not allowed. Use except instead."));
    }
    if exc.is_none() {
        return Ok((Owned::none(), Owned::none()));
    }
    if matches {
        if exc.downcast::<ExceptionGroup>().is_some() {
            return Ok((Owned::none(), exc.to_owned()));
        }
        let group = new_group(th, "", vec![exc.to_owned()])?;
        crate::report::add_traceback_here(th, group.borrow());
        return Ok((Owned::none(), group));
    }
    if exc.downcast::<ExceptionGroup>().is_none() {
        return Ok((exc.to_owned(), Owned::none()));
    }
    let pair = exc.call_method_str(th, "split", &[class_or_tuple])?;
    let Some(t) = pair.downcast::<Tuple>() else {
        let msg =
            format!("{}.split must return a tuple, not {}", exc.type_name(th), pair.borrow().type_name(th));
        return Err(th.type_error(&msg));
    };
    if t.len() < 2 {
        let msg = format!("{}.split must return a 2-tuple, got tuple of size {}", exc.type_name(th), t.len());
        return Err(th.type_error(&msg));
    }
    Ok((t.get(1).to_owned(), t.get(0).to_owned()))
}

/// Do two exceptions differ only in what they contain? (A part of a group keeps its metadata.)
fn same_metadata(a: Borrowed<'_>, b: Borrowed<'_>) -> bool {
    let (x, y) = (base_of(a), base_of(b));
    let fields: [fn(&BaseException) -> &Slot; 3] = [|e| &e.traceback, |e| &e.context, |e| &e.cause];
    fields.iter().all(|f| f(x).peek().is(f(y).peek()))
}

/// Identities of the exceptions at the leaves of `exc`.
fn leaves(exc: Borrowed<'_>, out: &mut Vec<u64>) {
    match exc.downcast::<ExceptionGroup>() {
        Some(g) => exceptions(g).iter().for_each(|e| leaves(e.borrow(), out)),
        None => out.push(exc.word().identity()),
    }
}

/// What is raised at the end of `try`/`except*`: from `orig` and the list of what the clauses raised or
/// left over, an exception or None.
pub fn prep_reraise_star(th: &mut Thread, orig: Borrowed<'_>, list: Borrowed<'_>) -> PyResult {
    let excs = list.to_vec(th)?;
    if excs.is_empty() {
        return Ok(Owned::none());
    }
    if orig.downcast::<ExceptionGroup>().is_none() {
        // A naked exception was wrapped: one clause at most has run.
        return Ok(excs.into_iter().next().unwrap_or_else(Owned::none));
    }
    let (mut raised, mut kept) = (Vec::new(), Vec::new());
    for e in excs.into_iter().filter(|e| !e.is_none()) {
        if e.downcast::<ExceptionGroup>().is_some() && same_metadata(e.borrow(), orig) {
            leaves(e.borrow(), &mut kept);
        } else {
            raised.push(e);
        }
    }
    let reraised = if kept.is_empty() {
        None
    } else {
        // The groups that were left over, put together in the shape of the original.
        split(th, orig, &Matcher::Leaves(&kept), false)?.0
    };
    if raised.is_empty() {
        return Ok(reraised.unwrap_or_else(Owned::none));
    }
    raised.extend(reraised);
    if raised.len() == 1 {
        return Ok(raised.remove(0));
    }
    new_group(th, "", raised)
}
