//! `typing.Union`: `X | Y`.
//!
//! Source: PEP 604.

use crate::builtins::descriptors::payload;
use crate::builtins::generic_alias::{GenericAlias, argument_text, collect_parameters, substitute};
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;

crate::payload! {
    /// A union of types: no duplicates, nothing nested, at least two.
    pub struct Union: DEF {
        args: Slot,
        parameters: Slot,
    }
}

impl Union {
    /// The members: a tuple.
    pub fn args(&self, _th: &mut Thread) -> PyResult {
        Ok(self.args.fixed().expect("set at birth").to_owned())
    }
    fn members(&self) -> &Tuple {
        payload::<Tuple>(self.args.fixed().expect("set at birth"))
    }
    fn parameters(&self, th: &mut Thread) -> PyResult {
        if let Some(p) = self.parameters.get(&self.header) {
            return Ok(p);
        }
        let p = collect_parameters(th, self.members())?;
        self.parameters.set(&self.header, p.clone());
        Ok(p)
    }
}

/// Adds a member, flattening unions and leaving out what is there already.
fn add(th: &mut Thread, out: &mut Vec<Owned>, v: Borrowed<'_>) -> PyResult<()> {
    if let Some(u) = v.downcast::<Union>() {
        for m in u.members().iter() {
            add(th, out, m)?;
        }
        return Ok(());
    }
    let v = if v.is_none() { super::singletons::NONE.ty().as_value() } else { v };
    let is_class = v.downcast::<Type>().is_some();
    for o in out.iter() {
        // Classes are compared by identity: no metaclass is asked.
        let same = if is_class || o.downcast::<Type>().is_some() {
            o.is(v.word())
        } else {
            o.borrow().equals(th, v)?
        };
        if same {
            return Ok(());
        }
    }
    out.push(v.to_owned());
    Ok(())
}

/// The union of these types; a single one stays itself.
pub fn make_union(th: &mut Thread, types: &[Borrowed<'_>]) -> PyResult {
    let mut out = Vec::with_capacity(types.len());
    for &t in types {
        add(th, &mut out, t)?;
    }
    if out.len() == 1 {
        return Ok(out.remove(0));
    }
    if out.is_empty() {
        return Err(th.type_error("Cannot take a Union of no types."));
    }
    let args = th.new_tuple(out);
    Ok(th.alloc(Union { header: unborn(), args: Slot::new(args), parameters: Slot::empty() }))
}

fn is_unionable(v: Borrowed<'_>) -> bool {
    v.is_none()
        || v.downcast::<Type>().is_some()
        || v.downcast::<GenericAlias>().is_some()
        || v.downcast::<Union>().is_some()
        || v.ty().def.0.is_some_and(|d| d.name == "TypeAliasType")
}

/// `X | Y` for types, aliases, unions and `None`.
pub fn type_or(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if !is_unionable(a) || !is_unionable(b) {
        return Ok(Owned::not_implemented());
    }
    make_union(th, &[a, b])
}

fn member_text(th: &mut Thread, v: Borrowed<'_>) -> PyResult<String> {
    if v.is(super::singletons::NONE.ty().as_value().word()) {
        return Ok(String::from("None"));
    }
    argument_text(th, v)
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let mut parts = Vec::new();
    for m in payload::<Union>(o).members().iter() {
        parts.push(member_text(th, m)?);
    }
    Ok(th.new_str(&parts.join(" | ")))
}

/// Independent of the order of the members.
fn hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let mut h = 0x345_678i64;
    for m in payload::<Union>(o).members().iter() {
        let x = m.hash(th)?;
        h ^= (x ^ x.wrapping_shl(16) ^ 89_869_747).wrapping_mul(3_644_798_167);
    }
    Ok(if h == -1 { -2 } else { h })
}

fn contains_all(th: &mut Thread, a: &Tuple, b: &Tuple) -> PyResult<bool> {
    for x in a.iter() {
        let mut found = false;
        for y in b.iter() {
            if x.equals(th, y)? {
                found = true;
                break;
            }
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Union>(), b.downcast::<Union>()) else {
        return Ok(Owned::not_implemented());
    };
    let want = match op {
        CompareOp::Eq => true,
        CompareOp::Ne => false,
        _ => return Ok(Owned::not_implemented()),
    };
    let same = x.members().len() == y.members().len() && contains_all(th, x.members(), y.members())?;
    Ok(Owned::bool(same == want))
}

fn getitem(th: &mut Thread, o: Borrowed<'_>, item: Borrowed<'_>) -> PyResult {
    let u = payload::<Union>(o);
    let parameters = u.parameters(th)?;
    let args = substitute(th, o, u.members(), parameters.payload(), item)?;
    let args: Vec<Borrowed<'_>> = args.payload::<Tuple>().iter().collect();
    make_union(th, &args)
}

/// `typing.Union[X, Y]`
fn class_getitem(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let args: Vec<Borrowed<'_>> = match a[1].downcast::<Tuple>() {
        Some(t) => t.iter().collect(),
        None => vec![a[1]],
    };
    let mut checked: Vec<Owned> = Vec::with_capacity(args.len());
    for v in args {
        // Strings are forward references.
        if v.downcast::<super::str::Str>().is_some() {
            let typing = super::object::import(th, "typing")?;
            let text = "Union[arg, ...]: each arg must be a type.";
            let message = th.new_str(text);
            checked.push(typing.borrow().call_method_str(th, "_type_check", &[v, message.borrow()])?);
        } else {
            checked.push(v.to_owned());
        }
    }
    let args: Vec<Borrowed<'_>> = checked.iter().map(|v| v.borrow()).collect();
    make_union(th, &args)
}

fn get_args(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    payload::<Union>(o).args(th)
}

fn get_parameters(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    payload::<Union>(o).parameters(th)
}

fn get_origin(_th: &mut Thread, _o: Borrowed<'_>) -> PyResult {
    Ok(DEF.ty().as_value().to_owned())
}

fn get_name(th: &mut Thread, _o: Borrowed<'_>) -> PyResult {
    Ok(th.intern("Union"))
}

fn mro_entries(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let text = a[0].repr_text(th)?;
    Err(th.type_error(&format!("Cannot subclass {text}")))
}

fn instancecheck(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    a[1].isinstance(th, a[0]).map(Owned::bool)
}

fn subclasscheck(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    a[1].issubclass(th, a[0]).map(Owned::bool)
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let operator = super::object::import(th, "operator")?;
    let getitem = operator.borrow().getattr_str(th, "getitem")?;
    let args = payload::<Union>(a[0]).args(th)?;
    let args = th.new_tuple(vec![DEF.ty().as_value().to_owned(), args]);
    Ok(th.new_tuple(vec![getitem, args]))
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::dynamic(),
    module: "typing",
    doc: "Represent a union type\n\nE.g. for int | str",
    flags: type_flags::GC | type_flags::NO_NEW | type_flags::WEAKREF,
    slots: Slots {
        repr: Some(repr),
        hash: Some(hash),
        compare: Some(compare),
        getitem: Some(getitem),
        or: Some(type_or),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("__class_getitem__", "($cls, object, /)", class_getitem, "").class(),
        NativeDef::new("__mro_entries__", "($self, bases, /)", mro_entries, ""),
        NativeDef::new("__instancecheck__", "($self, instance, /)", instancecheck, ""),
        NativeDef::new("__subclasscheck__", "($self, cls, /)", subclasscheck, ""),
        NativeDef::new("__reduce__", "($self, /)", reduce, ""),
    ],
    getset: &[
        GetSetDef::get("__args__", get_args),
        GetSetDef::get("__parameters__", get_parameters),
        GetSetDef::get("__origin__", get_origin),
        GetSetDef::get("__name__", get_name),
        GetSetDef::get("__qualname__", get_name),
    ],
    ..TypeDef::of::<Union>("Union")
};
