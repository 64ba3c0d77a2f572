//! `builtin_function_or_method`: native functions, and native methods bound to an object.

use crate::builtins::descriptors::payload;
use crate::object::{Borrowed, Data, Owned, PyResult, Slot};
use crate::signature::{Direct, LazyParams, Params, call_native, text_signature};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, TypeId};
use crate::types::Type;

crate::payload! {
    /// A native function. With a bound self, that goes in front of the arguments.
    pub struct NativeFunction: DEF {
        def: Data<&'static NativeDef>,
        params: LazyParams,
        pub(crate) direct: Direct,
        /// `__self__`: the bound object, or the module of a function.
        self_: Slot,
        /// `__module__`: str, or empty.
        module: Slot,
        bound: bool,
    }
}

impl NativeFunction {
    pub fn def(&self) -> &'static NativeDef {
        self.def.0
    }

    /// The parsed signature, for direct calls: see [`crate::signature::call_native`].
    #[inline(always)]
    pub fn params(&self) -> &'static Params {
        self.params.get(self.def.0, false, || self.display())
    }

    fn display(&self) -> String {
        let name = self.def.0.name;
        match self.module.get(&self.header).as_ref().and_then(|m| m.downcast::<super::str::Str>()) {
            Some(m) if !m.is_text("builtins") => format!("{}.{name}", m.to_text()),
            _ => name.to_owned(),
        }
    }

    /// The object that goes in front of the arguments.
    #[inline(always)]
    pub fn bound_self(&self) -> Option<Borrowed<'_>> {
        if self.bound { self.self_.fixed() } else { None }
    }

    /// The object whose attribute the function is: what it is bound to, or the type of a static method.
    fn receiver(&self) -> Option<Borrowed<'_>> {
        self.self_.fixed().filter(|o| self.bound || o.downcast::<Type>().is_some())
    }

    /// `__self__`
    pub fn this(&self) -> Option<Borrowed<'_>> {
        self.self_.fixed()
    }
}

/// A native function object; `this` is bound in front of the arguments.
pub(crate) fn new_bound(
    th: &mut Thread,
    def: &'static NativeDef,
    params: &'static Params,
    this: Option<Owned>,
    module: Option<Owned>,
) -> Owned {
    let direct = Direct::unknown();
    direct.learn(params);
    th.alloc(NativeFunction {
        header: unborn(),
        def: Data(def),
        params: LazyParams::known(params),
        direct,
        bound: this.is_some(),
        self_: Slot::from_option(this),
        module: Slot::from_option(module),
    })
}

/// The function of a static method of a built-in type.
pub(crate) fn new_static(
    th: &mut Thread,
    def: &'static NativeDef,
    params: &'static Params,
    ty: &Type,
) -> Owned {
    let direct = Direct::unknown();
    direct.learn(params);
    th.alloc(NativeFunction {
        header: unborn(),
        def: Data(def),
        params: LazyParams::known(params),
        direct,
        bound: false,
        self_: Slot::new(ty.as_value().to_owned()),
        module: Slot::from_option(None),
    })
}

impl Thread {
    /// A function of the native module `module` (a module object); immortal, like the module.
    pub fn new_native_function(&mut self, def: &'static NativeDef, module: Option<Borrowed<'_>>) -> Owned {
        let name = module.and_then(crate::builtins::module::name_of);
        let f = self.alloc(NativeFunction {
            header: unborn(),
            def: Data(def),
            params: LazyParams::new(),
            direct: Direct::unknown(),
            bound: false,
            self_: Slot::from_option(module.map(|m| m.to_owned())),
            module: Slot::from_option(name),
        });
        Owned::from_const(crate::runtime::immortal(f))
    }
}

/// Calls a native function object.
pub fn call(th: &mut Thread, f: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let n = payload::<NativeFunction>(f);
    match n.bound_self() {
        None => call_native(th, n.def.0, n.params(), args),
        Some(this) => crate::call::with_first(this, args.all, |all| {
            let args = Args { all, n_positional: args.n_positional + 1, names: args.names };
            call_native(th, n.def.0, n.params(), args)
        }),
    }
}

fn repr(th: &mut Thread, f: Borrowed<'_>) -> PyResult {
    let n = payload::<NativeFunction>(f);
    let text = match n.receiver() {
        Some(o) => {
            let (name, ty) = (n.def.0.name, o.type_name(th));
            format!("<built-in method {name} of {ty} object at {:#x}>", o.word().identity())
        }
        None => format!("<built-in function {}>", n.def.0.name),
    };
    Ok(th.new_str(&text))
}

fn compare(_th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast_exact::<NativeFunction>(), b.downcast_exact::<NativeFunction>())
    else {
        return Ok(Owned::not_implemented());
    };
    let same = core::ptr::eq(x.def.0, y.def.0) && x.self_.peek().is(y.self_.peek());
    match op {
        CompareOp::Eq => Ok(Owned::bool(same)),
        CompareOp::Ne => Ok(Owned::bool(!same)),
        _ => Ok(Owned::not_implemented()),
    }
}

fn hash(_th: &mut Thread, f: Borrowed<'_>) -> PyResult<i64> {
    let n = payload::<NativeFunction>(f);
    let this = super::object::identity_hash(n.self_.peek());
    let h = this ^ (n.def.0 as *const NativeDef as i64 >> 3);
    Ok(if h == -1 { -2 } else { h })
}

fn get_name(th: &mut Thread, f: Borrowed<'_>) -> PyResult {
    Ok(th.intern(payload::<NativeFunction>(f).def.0.name))
}

fn get_qualname(th: &mut Thread, f: Borrowed<'_>) -> PyResult {
    let n = payload::<NativeFunction>(f);
    let name = n.def.0.name;
    match n.receiver() {
        None => Ok(th.intern(name)),
        Some(o) => {
            let class = o.downcast::<Type>().unwrap_or(o.ty());
            let text = format!("{}.{name}", super::type_::qualname_text(class));
            Ok(th.new_str(&text))
        }
    }
}

fn get_doc(th: &mut Thread, f: Borrowed<'_>) -> PyResult {
    let doc = payload::<NativeFunction>(f).def.0.doc;
    if doc.is_empty() { Ok(Owned::none()) } else { Ok(th.new_str(doc)) }
}

fn get_self(_th: &mut Thread, f: Borrowed<'_>) -> PyResult {
    Ok(payload::<NativeFunction>(f).this().map_or_else(Owned::none, |v| v.to_owned()))
}

fn get_text_signature(th: &mut Thread, f: Borrowed<'_>) -> PyResult {
    match text_signature(payload::<NativeFunction>(f).def.0.sig) {
        Some(s) => Ok(th.new_str(s)),
        None => Ok(Owned::none()),
    }
}

fn get_module(_th: &mut Thread, f: Borrowed<'_>) -> PyResult {
    let n = payload::<NativeFunction>(f);
    Ok(n.module.get(&n.header).unwrap_or_else(Owned::none))
}

fn set_module(_th: &mut Thread, f: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let n = payload::<NativeFunction>(f);
    n.module.set(&n.header, v.map_or_else(Owned::none, |v| v.to_owned()));
    Ok(())
}

/// A function is pickled by name, a bound method as `getattr(self, name)`.
fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = payload::<NativeFunction>(a[0]);
    let name = th.intern(n.def.0.name);
    match n.receiver() {
        Some(o) => {
            let o = o.to_owned();
            super::object::reduce_as_getattr(th, o, name)
        }
        None => Ok(name),
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::NATIVE_FUNCTION),
    slots: Slots {
        repr: Some(repr),
        call: Some(call),
        compare: Some(compare),
        hash: Some(hash),
        ..Slots::NONE
    },
    methods: &[NativeDef::new("__reduce__", "($self, /)", reduce, "")],
    getset: &[
        GetSetDef::get("__name__", get_name),
        GetSetDef::get("__qualname__", get_qualname),
        GetSetDef::get("__doc__", get_doc),
        GetSetDef::get("__self__", get_self),
        GetSetDef::get("__text_signature__", get_text_signature),
        GetSetDef::get("__module__", get_module).set(set_module),
    ],
    flags: crate::type_flags::GC | crate::type_flags::WEAKREF,
    ..TypeDef::of::<NativeFunction>("builtin_function_or_method")
};
