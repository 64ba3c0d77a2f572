//! `module`, and making native modules from their definitions.

use crate::attributes;
use crate::builtins::descriptors::payload;
use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Data, Owned, PyResult, Slot};
use crate::signature::bind;
use crate::slots::{Args, ArgsExt, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, ModuleDef, NativeDef, TypeDef, TypeId, kind, type_flags};
use crate::types::Type;

crate::payload! {
    /// A module: a namespace with a name.
    pub struct Module: DEF {
        /// A dict, fixed at birth.
        dict: Slot,
        def: Data<Option<&'static ModuleDef>>,
    }
}

impl Module {
    /// The namespace.
    #[inline(always)]
    pub fn dict(&self) -> &Dict {
        // SAFETY: a dict since birth, held by the slot.
        unsafe { &*(self.dict.peek().ptr() as *const Dict) }
    }

    /// The entry of the namespace (no `__getattr__`).
    pub fn get(&self, _th: &mut Thread, name: Borrowed<'_>) -> Option<Owned> {
        self.dict().get_interned(name.word())
    }

    /// The definition of a native module.
    pub fn def(&self) -> Option<&'static ModuleDef> {
        self.def.0
    }

    /// `__name__` as text, if it is a str.
    pub fn name(&self, th: &Thread) -> Option<String> {
        let name = self.dict().get_interned(th.rt.names.__name__.word())?;
        name.downcast::<Str>().map(|s| s.to_text())
    }
}

/// The namespace of a module object; `None` for other objects.
pub fn dict_of(m: Borrowed<'_>) -> Option<Borrowed<'_>> {
    m.downcast::<Module>().and_then(|m| m.dict.fixed())
}

/// `__name__` of a module object, if it is set.
pub fn name_of(m: Borrowed<'_>) -> Option<Owned> {
    let name = crate::runtime::rt().names.__name__.word();
    m.downcast::<Module>().and_then(|m| m.dict().get_interned(name))
}

fn blank(th: &mut Thread, def: Option<&'static ModuleDef>) -> Module {
    // As long-lived as the module, which is of a deferred kind too: functions hold it without a count.
    let d = th.alloc_deferred(Dict::new());
    d.payload::<Dict>().set_namespace();
    Module { header: unborn(), dict: Slot::new(d), def: Data(def) }
}

fn fill(th: &mut Thread, m: Borrowed<'_>, name: Borrowed<'_>, doc: Owned) -> PyResult<()> {
    let d = payload::<Module>(m).dict();
    let n = &th.rt.names;
    // Every function holds it: immortal, so that making one writes nothing that threads share.
    let name =
        if name.is_exact(TypeId::fixed(super::ids::STR)) { th.intern_str(name) } else { name.to_owned() };
    d.set(th, n.__name__.get(), name)?;
    d.set(th, n.__doc__.get(), doc)?;
    for key in [&n.__package__, &n.__loader__, &n.__spec__] {
        d.set(th, key.get(), Owned::none())?;
    }
    Ok(())
}

impl Thread {
    /// An empty module called `name`, with the attributes that every module has.
    pub fn new_module(&mut self, name: &str) -> PyResult {
        let name = self.intern(name);
        let m = blank(self, None);
        let m = self.alloc(m);
        fill(self, m.borrow(), name.borrow(), Owned::none())?;
        Ok(m)
    }

    /// The module that a definition describes: types, functions, then its `setup`. Not entered in
    /// `sys.modules`. Make it once: native types belong to one module object.
    ///
    /// Errors: what `setup` raises.
    pub fn new_native_module(&mut self, def: &'static ModuleDef) -> PyResult {
        let name = self.intern(def.name);
        let m = blank(self, Some(def));
        let m = self.alloc(m);
        let doc = if def.doc.is_empty() { Owned::none() } else { self.new_str(def.doc) };
        fill(self, m.borrow(), name.borrow(), doc)?;
        let d = payload::<Module>(m.borrow()).dict();
        for ty in def.types {
            let class = super::type_::builtin::register_type(self, ty)?;
            let key = self.intern(ty.name);
            d.set(self, key.borrow(), class.to_owned())?;
        }
        for f in def.functions {
            let function = self.new_native_function(f, Some(m.borrow()));
            let key = self.intern(f.name);
            d.set(self, key.borrow(), function)?;
        }
        if let Some(setup) = def.setup {
            setup(self, m.borrow())?;
        }
        Ok(m)
    }
}

fn new(th: &mut Thread, ty: &Type, _args: Args<'_>) -> PyResult {
    let m = blank(th, None);
    Ok(th.alloc_as(m, ty))
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = bind(th, "module", "(name, doc=None)", args)?;
    a[0].expect_str(th, "module() argument 'name'")?;
    let doc = a.opt(1).map_or_else(Owned::none, |d| d.to_owned());
    fill(th, o, a[0], doc)
}

/// Attribute of a module: class, namespace, then the namespace's `__getattr__`.
pub fn getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    let m = payload::<Module>(o);
    if let Some(v) = attributes::lookup(th, o, name)? {
        return Ok(v);
    }
    if let Some(hook) = m.dict().get_interned(th.rt.names.__getattr__.word()) {
        return hook.borrow().call(th, &[name]);
    }
    let text = name.downcast::<Str>().map(|s| s.to_text()).unwrap_or_default();
    let initializing = initializing(th, m)?;
    let msg = match m.name(th) {
        None => format!("module has no attribute '{text}'"),
        Some(n) if initializing => {
            let file = m.dict().get_interned(th.rt.names.__file__.word());
            let from = match file.as_ref().and_then(|f| f.downcast::<Str>()) {
                Some(f) => format!(" from '{}'", f.to_text()),
                None => String::new(),
            };
            format!(
                "partially initialized module '{n}'{from} has no attribute '{text}' (most likely due to a circular import)"
            )
        }
        Some(n) => format!("module '{n}' has no attribute '{text}'"),
    };
    Err(attributes::attribute_error(th, &msg, o, name))
}

fn initializing(th: &mut Thread, m: &Module) -> PyResult<bool> {
    let Some(spec) = m.dict().get_interned(th.rt.names.__spec__.word()) else { return Ok(false) };
    match spec.borrow().getattr_opt(th, th.rt.names._initializing.get())? {
        Some(v) => v.borrow().truth(th),
        None => Ok(false),
    }
}

/// As importlib shows it; a short form before importlib has started.
fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if let Some(b) = th.rt.stored("importlib._bootstrap") {
        return b.borrow().call_method_str(th, "_module_repr", &[o]);
    }
    let name = payload::<Module>(o).name(th).unwrap_or_else(|| String::from("?"));
    Ok(th.new_str(&format!("<module '{name}'>")))
}

fn get_dict(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(payload::<Module>(o).dict.fixed().expect("set at birth").to_owned())
}

fn get_annotate(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let d = payload::<Module>(o).dict();
    match d.get_interned(th.rt.names.__annotate__.word()) {
        Some(f) => Ok(f),
        None => {
            d.set(th, th.rt.names.__annotate__.get(), Owned::none())?;
            Ok(Owned::none())
        }
    }
}

fn set_annotate(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(v) = v else { return Err(th.type_error("cannot delete __annotate__ attribute")) };
    if !v.is_none() && !v.is_callable() {
        return Err(th.type_error("__annotate__ must be callable or None"));
    }
    let d = payload::<Module>(o).dict();
    d.set(th, th.rt.names.__annotate__.get(), v.to_owned())?;
    if !v.is_none() {
        d.remove(th, th.rt.names.__annotations__.get())?;
    }
    Ok(())
}

fn get_annotations(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let m = payload::<Module>(o);
    let name = &th.rt.names.__annotations__;
    if let Some(v) = m.dict().get_interned(name.word()) {
        return Ok(v);
    }
    let annotate = m.dict().get_interned(th.rt.names.__annotate__.word());
    let v = match annotate.filter(|f| f.borrow().is_callable()) {
        Some(f) => {
            let one = th.new_int(1);
            let v = f.borrow().call(th, &[one.borrow()])?;
            if v.downcast::<Dict>().is_none() {
                let msg = format!("__annotate__ returned non-dict of type '{}'", v.borrow().type_name(th));
                return Err(th.type_error(&msg));
            }
            v
        }
        None => th.new_dict(),
    };
    // A module that is still running may get more annotations.
    if !initializing(th, m)? {
        m.dict().set(th, name.get(), v.clone())?;
    }
    Ok(v)
}

fn set_annotations(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let d = payload::<Module>(o).dict();
    let name = th.rt.names.__annotations__.get();
    match v {
        Some(v) => d.set(th, name, v.to_owned())?,
        None => {
            if d.remove(th, name)?.is_none() {
                return Err(th.no_attribute(o, name));
            }
        }
    }
    d.remove(th, th.rt.names.__annotate__.get())?;
    Ok(())
}

fn dir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = payload::<Module>(a[0]).dict();
    if let Some(f) = d.get_interned(th.intern("__dir__").word()) {
        return f.borrow().call(th, &[]);
    }
    let keys = d.keys();
    Ok(th.new_list(keys))
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::MODULE),
    kind: kind::MODULE,
    doc: "Create a module object.\n\nThe name must be a string; the optional docstring can have any type.",
    flags: type_flags::GC | type_flags::BASE | type_flags::DICT | type_flags::WEAKREF | type_flags::DEFERRED,
    dict_offset: core::mem::offset_of!(Module, dict),
    slots: Slots {
        repr: Some(repr),
        getattr: Some(getattr),
        new: Some(new),
        init: Some(init),
        ..Slots::NONE
    },
    methods: &[NativeDef::new(
        "__dir__",
        "($self, /)",
        dir,
        "__dir__() -> list\nspecialized dir() implementation",
    )],
    getset: &[
        GetSetDef::get("__dict__", get_dict),
        GetSetDef::get("__annotations__", get_annotations).set(set_annotations),
        GetSetDef::get("__annotate__", get_annotate).set(set_annotate),
    ],
    ..TypeDef::of::<Module>("module")
};
