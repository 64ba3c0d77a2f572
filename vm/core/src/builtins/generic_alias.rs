//! `types.GenericAlias`: `C[X]` for generic classes, and the substitution of type parameters.
//!
//! Source: PEP 585, PEP 646.

use crate::builtins::descriptors::payload;
use crate::builtins::list::List;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::builtins::type_;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;

crate::payload! {
    /// A generic class with arguments.
    pub struct GenericAlias: DEF {
        origin: Slot,
        args: Slot,
        /// Tuple of the type parameters inside the arguments, once asked for.
        parameters: Slot,
        /// `*tuple[X]`
        starred: bool,
    }
}

impl GenericAlias {
    pub fn origin(&self) -> Borrowed<'_> {
        self.origin.fixed().expect("set at birth")
    }
    /// The arguments: a tuple.
    pub fn args(&self) -> &Tuple {
        payload::<Tuple>(self.args.fixed().expect("set at birth"))
    }
    fn args_value(&self) -> Owned {
        self.args.fixed().expect("set at birth").to_owned()
    }
    fn parameters(&self, th: &mut Thread) -> PyResult {
        if let Some(p) = self.parameters.get(&self.header) {
            return Ok(p);
        }
        let p = collect_parameters(th, self.args())?;
        self.parameters.set(&self.header, p.clone());
        Ok(p)
    }
}

fn as_tuple(th: &mut Thread, item: Borrowed<'_>) -> Owned {
    match item.downcast::<Tuple>() {
        Some(_) => item.to_owned(),
        None => th.new_tuple(vec![item.to_owned()]),
    }
}

/// `origin[item]`; a tuple is several arguments.
pub fn new(th: &mut Thread, origin: Borrowed<'_>, item: Borrowed<'_>) -> PyResult {
    let args = as_tuple(th, item);
    Ok(make(th, origin, args, false))
}

fn make(th: &mut Thread, origin: Borrowed<'_>, args: Owned, starred: bool) -> Owned {
    th.alloc(GenericAlias {
        header: unborn(),
        origin: Slot::new(origin.to_owned()),
        args: Slot::new(args),
        parameters: Slot::empty(),
        starred,
    })
}

/// `__class_getitem__` of a built-in generic class: `types.GenericAlias(cls, item)`.
pub const CLASS_GETITEM: NativeDef =
    NativeDef::new("__class_getitem__", "($type, object, /)", class_getitem, "See PEP 585").class();

fn class_getitem(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    new(th, a[0], a[1])
}

fn construct(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if args.has_keywords() {
        return Err(th.type_error("GenericAlias() takes no keyword arguments"));
    }
    let a = crate::signature::bind(th, "GenericAlias", "(origin, args, /)", args)?;
    let tuple = as_tuple(th, a[1]);
    Ok(th.alloc_as(
        GenericAlias {
            header: unborn(),
            origin: Slot::new(a[0].to_owned()),
            args: Slot::new(tuple),
            parameters: Slot::empty(),
            starred: false,
        },
        ty,
    ))
}

/// Has the value's type `__typing_subst__`: is it a type parameter?
fn is_parameter(th: &Thread, v: Borrowed<'_>) -> bool {
    v.downcast::<Type>().is_none() && v.ty().find(th.rt.names.__typing_subst__.get()).is_some()
}

/// The type parameters in a tuple of arguments, each once, in order.
pub fn collect_parameters(th: &mut Thread, args: &Tuple) -> PyResult {
    let mut out: Vec<Owned> = Vec::new();
    collect(th, &args.iter().map(|a| a.to_owned()).collect::<Vec<_>>(), &mut out)?;
    Ok(th.new_tuple(out))
}

fn collect(th: &mut Thread, args: &[Owned], out: &mut Vec<Owned>) -> PyResult<()> {
    th.check_native_stack(" while collecting type parameters")?;
    let mut add = |v: Owned| {
        if !out.iter().any(|o| o.is(v.word())) {
            out.push(v);
        }
    };
    let mut nested = Vec::new();
    for a in args {
        let b = a.borrow();
        if b.downcast::<Type>().is_some() {
            continue;
        }
        if is_parameter(th, b) {
            add(a.clone());
            continue;
        }
        if b.downcast::<Tuple>().is_some() || b.downcast::<List>().is_some() {
            let inner = b.to_vec(th)?;
            collect(th, &inner, &mut nested)?;
        } else if let Some(p) = b.getattr_opt(th, th.rt.names.__parameters__.get())?
            && p.downcast::<Tuple>().is_some()
        {
            nested.extend(p.payload::<Tuple>().iter().map(|v| v.to_owned()));
        }
        nested.drain(..).for_each(&mut add);
    }
    Ok(())
}

/// `*Ts` or `*tuple[int, ...]`: the arguments that it stands for.
fn unpacked(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Option<Owned>> {
    if v.downcast::<Type>().is_some() {
        return Ok(None);
    }
    let name = th.intern("__typing_unpacked_tuple_args__");
    let found = v.getattr_opt(th, name.borrow())?;
    Ok(found.filter(|f| f.downcast::<Tuple>().is_some()))
}

fn unpack_args(th: &mut Thread, item: Borrowed<'_>) -> PyResult<Vec<Owned>> {
    let items = match item.downcast::<Tuple>() {
        Some(t) => t.iter().map(|v| v.to_owned()).collect(),
        None => vec![item.to_owned()],
    };
    let mut out = Vec::with_capacity(items.len());
    for v in items {
        match unpacked(th, v.borrow())? {
            Some(t)
                if !t.payload::<Tuple>().iter().last().is_some_and(|l| l.word() == crate::Word::ELLIPSIS) =>
            {
                out.extend(t.payload::<Tuple>().iter().map(|v| v.to_owned()));
            }
            _ => out.push(v),
        }
    }
    Ok(out)
}

/// Replaces `parameters` in `args` by `item`; the new arguments.
///
/// Errors: TypeError when their number does not fit, or `alias` is not generic.
pub fn substitute(
    th: &mut Thread,
    alias: Borrowed<'_>,
    args: &Tuple,
    parameters: &Tuple,
    item: Borrowed<'_>,
) -> PyResult {
    if parameters.is_empty() {
        let text = alias.repr_text(th)?;
        return Err(th.type_error(&format!("{text} is not a generic class")));
    }
    let given = unpack_args(th, item)?;
    let mut given = th.new_tuple(given);
    for p in parameters.iter() {
        if let Some(prepare) = p.getattr_opt(th, th.rt.names.__typing_prepare_subst__.get())?
            && !prepare.is_none()
        {
            let r = prepare.borrow().call(th, &[alias, given.borrow()])?;
            given = as_tuple(th, r.borrow());
        }
    }
    let n = given.payload::<Tuple>().len();
    if n != parameters.len() {
        let text = alias.repr_text(th)?;
        let many = if n > parameters.len() { "many" } else { "few" };
        let msg = format!("Too {many} arguments for {text}; actual {n}, expected {}", parameters.len());
        return Err(th.type_error(&msg));
    }
    let out = substitute_in(
        th,
        &args.iter().map(|a| a.to_owned()).collect::<Vec<_>>(),
        parameters,
        given.payload(),
    )?;
    Ok(th.new_tuple(out))
}

fn position(parameters: &Tuple, p: Borrowed<'_>) -> Option<usize> {
    parameters.iter().position(|q| q.is(p.word()))
}

fn substitute_in(th: &mut Thread, args: &[Owned], parameters: &Tuple, given: &Tuple) -> PyResult<Vec<Owned>> {
    th.check_native_stack(" while substituting type parameters")?;
    let mut out = Vec::with_capacity(args.len());
    for a in args {
        let b = a.borrow();
        if b.downcast::<Type>().is_some() {
            out.push(a.clone());
            continue;
        }
        if b.downcast::<Tuple>().is_some() || b.downcast::<List>().is_some() {
            let inner = b.to_vec(th)?;
            let inner = substitute_in(th, &inner, parameters, given)?;
            let is_list = b.downcast::<List>().is_some();
            out.push(if is_list { th.new_list(inner) } else { th.new_tuple(inner) });
            continue;
        }
        let name = th.intern("__typing_is_unpacked_typevartuple__");
        let is_unpacked = match b.getattr_opt(th, name.borrow())? {
            Some(u) => u.borrow().truth(th)?,
            None => false,
        };
        let v = match b.getattr_opt(th, th.rt.names.__typing_subst__.get())? {
            Some(subst) => match position(parameters, b) {
                Some(i) => subst.borrow().call(th, &[given.get(i)])?,
                None => a.clone(),
            },
            None => sub_argument(th, b, parameters, given)?,
        };
        match v.downcast::<Tuple>() {
            Some(t) if is_unpacked => out.extend(t.iter().map(|v| v.to_owned())),
            None if is_unpacked => {
                let got = v.borrow().type_name(th);
                let msg = format!(
                    "expected __typing_subst__ of an unpacked type parameter to return a tuple, not {got}"
                );
                return Err(th.type_error(&msg));
            }
            _ => out.push(v),
        }
    }
    Ok(out)
}

/// An argument that has parameters of its own is subscripted with what they become.
fn sub_argument(th: &mut Thread, v: Borrowed<'_>, parameters: &Tuple, given: &Tuple) -> PyResult {
    let own = v.getattr_opt(th, th.rt.names.__parameters__.get())?;
    let Some(own) = own.filter(|p| p.downcast::<Tuple>().is_some_and(|t| !t.is_empty())) else {
        return Ok(v.to_owned());
    };
    let mut items = Vec::new();
    for p in own.payload::<Tuple>().iter() {
        match position(parameters, p) {
            Some(i) => {
                let value = given.get(i);
                let typevartuple = p.is_instance_of(&crate::typevars::type_var_tuple::TYPE_VAR_TUPLE);
                match value.downcast::<Tuple>() {
                    Some(t) if typevartuple => items.extend(t.iter().map(|v| v.to_owned())),
                    _ => items.push(value.to_owned()),
                }
            }
            None => items.push(p.to_owned()),
        }
    }
    let items = th.new_tuple(items);
    v.getitem(th, items.borrow())
}

fn getitem(th: &mut Thread, o: Borrowed<'_>, item: Borrowed<'_>) -> PyResult {
    let g = payload::<GenericAlias>(o);
    let parameters = g.parameters(th)?;
    let args = substitute(th, o, g.args(), parameters.payload(), item)?;
    Ok(make(th, g.origin(), args, g.starred))
}

/// How a type argument is shown: classes by name, `...`, everything else by its repr.
pub fn argument_text(th: &mut Thread, v: Borrowed<'_>) -> PyResult<String> {
    if v.word() == crate::Word::ELLIPSIS {
        return Ok(String::from("..."));
    }
    let names = &th.rt.names;
    let alias_like = v.getattr_opt(th, names.__origin__.get())?.is_some()
        && v.getattr_opt(th, names.__args__.get())?.is_some();
    if alias_like {
        return v.repr_text(th);
    }
    let Some(q) = v.getattr_opt(th, names.__qualname__.get())? else { return v.repr_text(th) };
    let Some(m) = v.getattr_opt(th, names.__module__.get())?.filter(|m| !m.is_none()) else {
        return v.repr_text(th);
    };
    let q = q.borrow().str_text(th)?;
    match m.downcast::<Str>() {
        Some(s) if s.is_text("builtins") => Ok(q),
        _ => Ok(format!("{}.{q}", m.borrow().str_text(th)?)),
    }
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = payload::<GenericAlias>(o);
    th.check_native_stack(" while getting the repr of an object")?;
    let mut out = String::new();
    if g.starred {
        out.push('*');
    }
    out.push_str(&argument_text(th, g.origin())?);
    out.push('[');
    if g.args().is_empty() {
        out.push_str("()");
    }
    for (i, a) in g.args().iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if a.downcast::<List>().is_some() {
            let mut parts = Vec::new();
            for v in a.to_vec(th)? {
                parts.push(argument_text(th, v.borrow())?);
            }
            out.push_str(&format!("[{}]", parts.join(", ")));
        } else {
            out.push_str(&argument_text(th, a)?);
        }
    }
    out.push(']');
    Ok(th.new_str(&out))
}

/// Names that the alias answers itself.
const OWN: &[&str] = &[
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
    "__copy__",
    "__deepcopy__",
    "__bases__",
];

fn getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    let own = name.downcast::<Str>().and_then(|s| s.as_ascii()).is_some_and(|s| OWN.contains(&s));
    if !own {
        return payload::<GenericAlias>(o).origin().getattr(th, name);
    }
    crate::attributes::generic_getattr(th, o, name)
}

fn call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let obj = payload::<GenericAlias>(o).origin().call_args(th, args)?;
    let name = th.rt.names.__orig_class__.get();
    if let Err(raised) = obj.borrow().setattr(th, name, Some(o)) {
        if !th.exc_is(&super::exceptions::ATTRIBUTE_ERROR) && !th.exc_is(&super::exceptions::TYPE_ERROR) {
            return Err(raised);
        }
        drop(th.catch(raised));
    }
    Ok(obj)
}

fn hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let g = payload::<GenericAlias>(o);
    let h = g.origin().hash(th)? ^ Borrowed::from_payload(g.args()).hash(th)?;
    Ok(if h == -1 { -2 } else { h })
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<GenericAlias>(), b.downcast::<GenericAlias>()) else {
        return Ok(Owned::not_implemented());
    };
    let want = match op {
        CompareOp::Eq => true,
        CompareOp::Ne => false,
        _ => return Ok(Owned::not_implemented()),
    };
    let same = x.starred == y.starred
        && x.origin().equals(th, y.origin())?
        && Borrowed::from_payload(x.args()).equals(th, Borrowed::from_payload(y.args()))?;
    Ok(Owned::bool(same == want))
}

/// `*alias` in a subscript: one starred alias.
fn iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = payload::<GenericAlias>(o);
    let starred = make(th, g.origin(), g.args_value(), true);
    let once = th.new_tuple(vec![starred]);
    once.borrow().iter(th)
}

fn get_origin(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(payload::<GenericAlias>(o).origin().to_owned())
}

fn get_args(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(payload::<GenericAlias>(o).args_value())
}

fn get_parameters(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    payload::<GenericAlias>(o).parameters(th)
}

fn get_unpacked(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Owned::bool(payload::<GenericAlias>(o).starred))
}

fn get_unpacked_args(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = payload::<GenericAlias>(o);
    let is_tuple = g.origin().is(super::tuple::DEF.ty().as_value().word());
    Ok(if g.starred && is_tuple { g.args_value() } else { Owned::none() })
}

fn mro_entries(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let origin = payload::<GenericAlias>(a[0]).origin().to_owned();
    Ok(th.new_tuple(vec![origin]))
}

fn instancecheck(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    Err(th.type_error("isinstance() argument 2 cannot be a parameterized generic"))
}

fn subclasscheck(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    Err(th.type_error("issubclass() argument 2 cannot be a parameterized generic"))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let g = payload::<GenericAlias>(a[0]);
    if g.starred {
        let unstarred = make(th, g.origin(), g.args_value(), false);
        let it = unstarred.borrow().iter(th)?;
        let next = super::sequence::builtin(th, "next")?;
        let args = th.new_tuple(vec![it]);
        return Ok(th.new_tuple(vec![next, args]));
    }
    let args = th.new_tuple(vec![g.origin().to_owned(), g.args_value()]);
    Ok(th.new_tuple(vec![a[0].ty().as_value().to_owned(), args]))
}

fn dir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let origin = payload::<GenericAlias>(a[0]).origin();
    let name = th.intern("__dir__");
    let names = match origin.downcast::<Type>() {
        Some(_) => type_::attributes::dir(th, &[origin])?,
        None => origin.call_method(th, name.borrow(), &[])?,
    };
    let mut all = names.borrow().to_vec(th)?;
    for own in OWN {
        let own = th.intern(own);
        if !all.iter().any(|n| n.is(own.word())) {
            all.push(own);
        }
    }
    Ok(th.new_list(all))
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::dynamic(),
    module: "types",
    doc: "Represent a PEP 585 generic type\n\nE.g. for t = list[int], t.__origin__ is list and t.__args__ is (int,).",
    flags: type_flags::GC | type_flags::BASE | type_flags::WEAKREF,
    slots: Slots {
        repr: Some(repr),
        hash: Some(hash),
        compare: Some(compare),
        call: Some(call),
        getattr: Some(getattr),
        getitem: Some(getitem),
        iter: Some(iter),
        or: Some(super::union::type_or),
        new: Some(construct),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("__mro_entries__", "($self, bases, /)", mro_entries, ""),
        NativeDef::new("__instancecheck__", "($self, instance, /)", instancecheck, ""),
        NativeDef::new("__subclasscheck__", "($self, cls, /)", subclasscheck, ""),
        NativeDef::new("__reduce__", "($self, /)", reduce, ""),
        NativeDef::new("__dir__", "($self, /)", dir, ""),
    ],
    getset: &[
        GetSetDef::get("__origin__", get_origin),
        GetSetDef::get("__args__", get_args),
        GetSetDef::get("__parameters__", get_parameters),
        GetSetDef::get("__unpacked__", get_unpacked),
        GetSetDef::get("__typing_unpacked_tuple_args__", get_unpacked_args),
    ],
    ..TypeDef::of::<GenericAlias>("GenericAlias")
};
