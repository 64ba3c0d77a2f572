//! Type parameters: `TypeVar`, `ParamSpec`, `TypeVarTuple`, type aliases, `Generic`.
//!
//! The interpreter makes them for PEP 695 syntax, so they exist without `typing` being imported; whatever
//! needs more (substitution, subscripting) calls functions of the module `typing`.
//!
//! Source: PEP 484, 612, 646, 695, 696.

pub mod alias;
pub mod generic;
pub mod param_spec;
pub mod type_var;
pub mod type_var_tuple;

use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, type_flags};
use crate::word::Word;

pub use alias::make_type_alias;
pub use generic::subscript_generic;
pub use param_spec::make_paramspec;
pub use type_var::make_typevar;
pub use type_var_tuple::make_typevartuple;

/// The types of this module.
pub static TYPES: &[&TypeDef] = &[
    &NO_DEFAULT,
    &CONSTANT_EVALUATOR,
    &type_var::TYPE_VAR,
    &param_spec::PARAM_SPEC,
    &param_spec::ARGS,
    &param_spec::KWARGS,
    &type_var_tuple::TYPE_VAR_TUPLE,
    &alias::TYPE_ALIAS,
    &generic::GENERIC,
];

crate::payload! {
    /// The type of `typing.NoDefault`.
    pub struct NoDefault: NO_DEFAULT {}
}

pub static NO_DEFAULT: TypeDef = TypeDef {
    module: "typing",
    flags: 0,
    doc: "The type of the NoDefault singleton.",
    slots: Slots {
        new: Some(|th, _, args| {
            if args.all.is_empty() {
                Ok(no_default(th))
            } else {
                Err(th.type_error("NoDefaultType takes no arguments"))
            }
        }),
        repr: Some(|th, _| Ok(th.new_str("typing.NoDefault"))),
        ..Slots::NONE
    },
    methods: &[NativeDef::new("__reduce__", "($self, /)", |th, _| Ok(th.new_str("NoDefault")), "")],
    ..TypeDef::of::<NoDefault>("NoDefaultType")
};

const NO_DEFAULT_KEY: &str = "typing.NoDefault";

/// The one `typing.NoDefault`.
pub fn no_default(th: &mut Thread) -> Owned {
    if let Some(v) = th.rt.stored(NO_DEFAULT_KEY) {
        return v;
    }
    let v = th.alloc(NoDefault { header: unborn() });
    let v = Owned::from_const(crate::runtime::immortal(v));
    th.rt.store(NO_DEFAULT_KEY, v.clone());
    v
}

crate::payload! {
    /// What `evaluate_…` attributes give when the value was known from the start.
    pub struct ConstantEvaluator: CONSTANT_EVALUATOR {
        value: Slot,
    }
}

pub static CONSTANT_EVALUATOR: TypeDef = TypeDef {
    module: "_typing",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { call: Some(call_constant), repr: Some(constant_repr), ..Slots::NONE },
    ..TypeDef::of::<ConstantEvaluator>("_ConstEvaluator")
};

/// `annotationlib.Format`.
const FORMAT_VALUE: i64 = 1;
const FORMAT_STRING: i64 = 4;

fn call_constant(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let a = crate::signature::bind(th, "constevaluator.__call__", "(format, /)", args)?;
    let format = a[0].to_i64(th)?;
    let e: &ConstantEvaluator = o.downcast().expect("checked by the slot's type");
    let value = e.value.fixed().unwrap_or(Borrowed::none());
    if format != FORMAT_STRING {
        return Ok(value.to_owned());
    }
    let text = match value.downcast::<Tuple>() {
        Some(t) => {
            let mut parts = Vec::new();
            for v in t.iter() {
                parts.push(crate::builtins::generic_alias::argument_text(th, v)?);
            }
            if parts.len() == 1 { format!("({},)", parts[0]) } else { format!("({})", parts.join(", ")) }
        }
        None => crate::builtins::generic_alias::argument_text(th, value)?,
    };
    Ok(th.new_str(&text))
}

fn constant_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let e: &ConstantEvaluator = o.downcast().expect("checked by the slot's type");
    let value = e.value.fixed().unwrap_or(Borrowed::none()).repr_text(th)?;
    Ok(th.new_str(&format!("<constevaluator {value}>")))
}

/// A value that may be computed late: bound, constraints, default, the value of an alias.
pub struct Lazy {
    value: Slot,
    evaluator: Slot,
}

impl crate::Trace for Lazy {
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        self.value.trace(visit);
        self.evaluator.trace(visit);
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        crate::Trace::clear(&mut self.value, drop);
        crate::Trace::clear(&mut self.evaluator, drop);
    }
}

impl Lazy {
    /// Neither value nor evaluator.
    pub fn none() -> Lazy {
        Lazy { value: Slot::empty(), evaluator: Slot::empty() }
    }

    /// A known value.
    pub fn known(v: Option<Owned>) -> Lazy {
        Lazy { value: Slot::from_option(v), evaluator: Slot::empty() }
    }

    /// A function that is called with `annotationlib.Format.VALUE` when the value is first asked for.
    pub fn late(evaluator: Option<Borrowed<'_>>) -> Lazy {
        Lazy { value: Slot::empty(), evaluator: Slot::from_option(evaluator.map(Borrowed::to_owned)) }
    }

    /// The value; `None` if there is neither value nor evaluator.
    pub fn get(&self, th: &mut Thread, of: Borrowed<'_>) -> PyResult<Option<Owned>> {
        let h = of.header().expect("a type parameter is an object");
        if let Some(v) = self.value.get(h) {
            return Ok(Some(v));
        }
        let Some(f) = self.evaluator.get(h) else { return Ok(None) };
        let v = f.borrow().call(th, &[Borrowed::from_const(Word::small_int(FORMAT_VALUE))])?;
        self.value.set(h, v.clone());
        Ok(Some(v))
    }

    /// The `evaluate_…` attribute: the function, or one that returns the known value.
    pub fn evaluator(&self, th: &mut Thread, of: Borrowed<'_>) -> Option<Owned> {
        let h = of.header().expect("a type parameter is an object");
        if let Some(f) = self.evaluator.get(h) {
            return Some(f);
        }
        let value = self.value.get(h)?;
        Some(th.alloc(ConstantEvaluator { header: unborn(), value: Slot::new(value) }))
    }

    /// Is there a value or an evaluator?
    pub fn is_set(&self) -> bool {
        !self.value.is_empty() || !self.evaluator.is_empty()
    }

    /// Is the value known already?
    pub fn value_if_known(&self, of: Borrowed<'_>) -> Option<Owned> {
        self.value.get(of.header()?)
    }

    fn set_evaluator(&self, of: Borrowed<'_>, evaluator: Borrowed<'_>) {
        if let Some(h) = of.header() {
            self.evaluator.set(h, evaluator.to_owned());
        }
    }
}

/// Sets the lazy default of a type parameter; returns the parameter.
pub fn set_default(th: &mut Thread, parameter: Borrowed<'_>, evaluator: Borrowed<'_>) -> PyResult {
    let lazy = if let Some(p) = parameter.downcast::<type_var::TypeVar>() {
        &p.default
    } else if let Some(p) = parameter.downcast::<param_spec::ParamSpec>() {
        &p.default
    } else if let Some(p) = parameter.downcast::<type_var_tuple::TypeVarTuple>() {
        &p.default
    } else {
        let msg = format!("Expected a type param, got {}", parameter.repr_text(th)?);
        return Err(th.type_error(&msg));
    };
    lazy.set_evaluator(parameter, evaluator);
    Ok(parameter.to_owned())
}

/// `__default__` of a parameter.
fn default_of(th: &mut Thread, o: Borrowed<'_>, lazy: &Lazy) -> PyResult {
    match lazy.get(th, o)? {
        Some(v) => Ok(v),
        None => Ok(no_default(th)),
    }
}

/// `has_default()` of a parameter.
fn has_default(th: &mut Thread, o: Borrowed<'_>, lazy: &Lazy) -> PyResult {
    if !lazy.evaluator.is_empty() {
        return Ok(Owned::bool(true));
    }
    let none = no_default(th);
    Ok(Owned::bool(lazy.value_if_known(o).is_some_and(|v| !v.is(none.word()))))
}

/// The default given to a constructor; nothing for `NoDefault`.
fn given_default(th: &mut Thread, v: Option<Borrowed<'_>>) -> Lazy {
    let none = no_default(th);
    Lazy::known(v.filter(|v| !v.is(none.word())).map(Borrowed::to_owned))
}

/// `typing.function(*args)`
pub fn call_typing(th: &mut Thread, function: &str, args: &[Borrowed<'_>]) -> PyResult {
    let typing = crate::import::import_module(th, "typing")?;
    let f = typing.borrow().getattr_str(th, function)?;
    f.borrow().call(th, args)
}

/// `typing._type_check(arg, message)`; `None` becomes `NoneType` without importing anything.
fn type_check(th: &mut Thread, arg: Borrowed<'_>, message: &str) -> PyResult {
    if arg.is_none() {
        return Ok(crate::builtins::singletons::NONE.ty().as_value().to_owned());
    }
    if arg.downcast::<crate::Type>().is_some() {
        return Ok(arg.to_owned());
    }
    let message = th.new_str(message);
    call_typing(th, "_type_check", &[arg, message.borrow()])
}

/// Sets `__module__` of a new parameter to the module of the running Python function.
fn set_module(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    let Some(f) = th.sys_get("_getframemodulename") else { return Ok(()) };
    let module = f.borrow().call(th, &[])?;
    let name = th.rt.names.__module__.get();
    o.setattr(th, name, Some(module.borrow()))
}

/// A name argument. Errors: TypeError.
fn expect_name(th: &mut Thread, class: &str, name: Borrowed<'_>) -> PyResult<()> {
    if name.downcast::<Str>().is_some() {
        return Ok(());
    }
    let msg = format!("{class}() argument 'name' must be str, not {}", name.type_name(th));
    Err(th.type_error(&msg))
}

fn cannot_subclass(th: &mut Thread, class: &str) -> crate::Raised {
    th.type_error(&format!("Cannot subclass an instance of {class}"))
}

/// `typing.Union[a, b]`, for `|` on parameters.
fn union(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    // A forward reference in quotes is only understood by `typing`.
    if a.downcast::<Str>().is_some() || b.downcast::<Str>().is_some() {
        let typing = crate::import::import_module(th, "typing")?;
        let union = typing.borrow().getattr_str(th, "Union")?;
        let pair = th.new_pair(a.to_owned(), b.to_owned());
        return union.borrow().getitem(th, pair.borrow());
    }
    crate::builtins::union::make_union(th, &[a, b])
}

/// `typing.Unpack[v]`
fn unpack(th: &mut Thread, v: Borrowed<'_>) -> PyResult {
    let typing = crate::import::import_module(th, "typing")?;
    let f = typing.borrow().getattr_str(th, "Unpack")?;
    f.borrow().getitem(th, v)
}

/// An iterator over the one item `typing.Unpack[v]`: what `*v` means.
fn unpack_iterator(th: &mut Thread, v: Borrowed<'_>) -> PyResult {
    let item = unpack(th, v)?;
    let one = th.new_tuple(vec![item]);
    one.borrow().iter(th)
}

/// The name with its mark of variance, as parameters are shown.
fn marked_repr(th: &mut Thread, name: &Slot, variance: Variance) -> PyResult {
    let text = match name.fixed().and_then(|n| n.downcast::<Str>()) {
        Some(s) => s.to_text(),
        None => String::new(),
    };
    let mark = match variance {
        Variance::Inferred => "",
        Variance::Covariant => "+",
        Variance::Contravariant => "-",
        Variance::Invariant => "~",
    };
    Ok(th.new_str(&format!("{mark}{text}")))
}

/// How a parameter varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variance {
    Invariant,
    Covariant,
    Contravariant,
    Inferred,
}
crate::holds_no_references!(Variance);

impl Variance {
    /// From constructor flags. Errors: ValueError for two at once.
    fn from_flags(
        th: &mut Thread,
        covariant: Option<Borrowed<'_>>,
        contravariant: Option<Borrowed<'_>>,
        infer: Option<Borrowed<'_>>,
    ) -> PyResult<Variance> {
        let mut flag = |v: Option<Borrowed<'_>>| v.map_or(Ok(false), |v| v.truth(th));
        let (co, contra, infer) = (flag(covariant)?, flag(contravariant)?, flag(infer)?);
        match (co, contra, infer) {
            (true, true, _) => Err(th.value_error("Bivariant types are not supported.")),
            (true, _, true) | (_, true, true) => {
                Err(th.value_error("Variance cannot be specified with infer_variance."))
            }
            (true, ..) => Ok(Variance::Covariant),
            (_, true, _) => Ok(Variance::Contravariant),
            (.., true) => Ok(Variance::Inferred),
            _ => Ok(Variance::Invariant),
        }
    }
}
