//! Functions made by `def` and `lambda`.

use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::code::CodeObject;
use crate::held::{DeferredSlot, Held};
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::sharing;
use crate::slots::{Args, ArgsExt, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, Layout, TypeDef, TypeId, kind, type_flags};
use crate::types::Type;
use crate::word::Word;
use typhon_sync::header::gc_bits;
use typhon_sync::prim::Ordering;

crate::payload! {
    /// A function. Deferred kind when made in a module or class body; counted when nested.
    pub struct Function: DEF {
        /// [`CodeObject`]; replaced by `__code__` assignment.
        pub code: DeferredSlot,
        /// Dicts, fixed at birth. Those of modules cost no count, so that threads that make functions or
        /// drop them write nothing to a module that they share.
        pub globals: Held,
        pub builtins: Held,
        /// Tuple, or empty.
        pub defaults: Slot,
        /// Dict, or empty.
        pub kwdefaults: Slot,
        /// Tuple of cells, or empty; fixed at birth.
        pub closure: Slot,
        pub name: Slot,
        pub qualname: Slot,
        pub module: Slot,
        pub doc: Slot,
        pub dict: Slot,
        pub annotations: Slot,
        pub annotate: Slot,
        pub type_params: Slot,
    }
}

impl Function {
    /// The code. It outlives a call even when `__code__` is assigned, being of a deferred kind.
    #[inline(always)]
    pub fn code(&self) -> &CodeObject {
        // SAFETY: always a code object; deferred, so it does not die while this thread is between
        // safepoints with the word on its stack or in a record.
        unsafe { &*(self.code.get() as *const CodeObject) }
    }

    #[inline(always)]
    pub fn globals(&self) -> &Dict {
        // SAFETY: a dict since birth.
        unsafe { &*(self.globals.get().word().ptr() as *const Dict) }
    }

    #[inline(always)]
    pub fn builtins(&self) -> &Dict {
        // SAFETY: a dict since birth.
        unsafe { &*(self.builtins.get().word().ptr() as *const Dict) }
    }

    /// `__defaults__` without a count: to be used up before this thread's next safepoint. Who replaces it
    /// retires the old one ([`set_optional`]).
    pub fn defaults(&self) -> Option<&Tuple> {
        self.defaults.fixed().and_then(|d| d.downcast())
    }

    /// The default of keyword-only parameter `name` (an interned str).
    pub fn kwdefault(&self, name: Borrowed<'_>) -> Option<Owned> {
        // Borrowed as in `defaults`, which holds as long as nothing waits.
        let borrowed: &Dict = self.kwdefaults.fixed()?.downcast()?;
        borrowed.try_get_interned(name).unwrap_or_else(|| {
            let held = self.kwdefaults.get(&self.header)?;
            held.downcast::<Dict>()?.get_interned(name.word())
        })
    }

    pub fn closure(&self) -> Option<&Tuple> {
        self.closure.fixed().and_then(|c| c.downcast())
    }
}

impl Thread {
    /// A function of `code` over `globals`; `deferred` for module and class level.
    pub fn new_function(&mut self, code: Borrowed<'_>, globals: Borrowed<'_>, deferred: bool) -> Owned {
        let builtins = self.builtins_of(globals);
        self.function_over(code, globals, builtins, deferred)
    }

    /// A function of `code` that a call of `maker` makes: over the same namespaces.
    pub fn new_nested_function(&mut self, code: Borrowed<'_>, maker: &Function) -> Owned {
        let builtins = Held::new(maker.builtins.get());
        self.function_over(code, maker.globals.get(), builtins, false)
    }

    fn function_over(
        &mut self,
        code: Borrowed<'_>,
        globals: Borrowed<'_>,
        builtins: Held,
        deferred: bool,
    ) -> Owned {
        let module = globals.downcast::<Dict>().and_then(|d| d.get_interned(self.rt.names.__name__.word()));
        let c = code.downcast::<CodeObject>().expect("a function needs code");
        let doc = if c.flags & typhon_compile::code::flags::HAS_DOCSTRING != 0 {
            Some(c.consts_tuple().get(0).to_owned())
        } else {
            None
        };
        let f = Function {
            header: unborn(),
            code: DeferredSlot::new(code),
            globals: Held::new(globals),
            builtins,
            defaults: Slot::empty(),
            kwdefaults: Slot::empty(),
            closure: Slot::empty(),
            name: Slot::new(c.name.fixed().expect("set").to_owned()),
            qualname: Slot::new(c.qualname.fixed().expect("set").to_owned()),
            module: Slot::from_option(module),
            doc: Slot::from_option(doc),
            dict: Slot::empty(),
            annotations: Slot::empty(),
            annotate: Slot::empty(),
            type_params: Slot::empty(),
        };
        let v = if deferred { self.alloc_deferred(f) } else { self.alloc(f) };
        // ORDERING Relaxed: not published yet.
        v.payload::<Function>().header.flags.fetch_or(crate::flags::METHOD_LIKE, Ordering::Relaxed);
        v
    }

    /// The builtins that code over `globals` sees: `globals['__builtins__']`, module or dict.
    pub fn builtins_of(&self, globals: Borrowed<'_>) -> Held {
        let name = self.rt.names.__builtins__.get();
        let dict = |found: Borrowed<'_>| match found.downcast::<Dict>() {
            Some(_) => Held::new(found),
            None => Held::new(crate::builtins::module::dict_of(found).unwrap_or(self.builtins_dict())),
        };
        let Some(globals) = globals.downcast::<Dict>() else { return Held::new(self.builtins_dict()) };
        if let Some(found) = globals.peek_deferred(name) {
            return dict(found);
        }
        match globals.get_interned(name.word()) {
            Some(found) => dict(found.borrow()),
            None => Held::new(self.builtins_dict()),
        }
    }

    /// Allocates an object of a deferred kind: the registry holds one count, so that it never dies by
    /// count.
    pub fn alloc_deferred<T: crate::Payload>(&mut self, payload: T) -> Owned {
        let p = self.heap.alloc_deferred(size_of::<T>());
        // SAFETY: a fresh slot of the right size.
        unsafe {
            (p as *mut T).write(payload);
            self.birth(p, T::DEF.id.shape(), T::DEF.flags | type_flags::DEFERRED);
            Owned::from_raw(Word::from_ptr(p))
        }
    }
}

/// Is the object of a deferred kind (uncounted on stacks)?
pub fn is_deferred(v: Borrowed<'_>) -> bool {
    // ORDERING Relaxed: fixed at birth.
    v.header().is_some_and(|h| h.gc.load(Ordering::Relaxed) & gc_bits::DEFERRED != 0)
}

fn this(o: Borrowed<'_>) -> &Function {
    o.downcast::<Function>().expect("a function")
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = this(o);
    let name =
        f.qualname.get(&f.header).and_then(|q| q.downcast::<Str>().map(|s| s.to_text())).unwrap_or_default();
    let text = format!("<function {name} at {:#x}>", o.word().identity());
    Ok(th.new_str(&text))
}

/// `types.FunctionType(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)`
fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    let sig = "(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)";
    let a = crate::signature::bind(th, "function", sig, args)?;
    let Some(code) = a[0].downcast::<CodeObject>() else {
        let msg = format!("function() argument 'code' must be code, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    if a[1].downcast::<Dict>().is_none() {
        let msg = format!("function() argument 'globals' must be dict, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    }
    let n_free = code.n_free();
    let closure = a.some(4);
    match closure {
        None if n_free != 0 => return Err(th.type_error("arg 5 (closure) must be tuple")),
        Some(c) => {
            let Some(t) = c.downcast::<Tuple>() else {
                return Err(th.type_error("arg 5 (closure) must be None or tuple"));
            };
            if t.len() != n_free {
                let name = code.name_text();
                let msg = format!("{name} requires closure of length {n_free}, not {}", t.len());
                return Err(th.value_error(&msg));
            }
            if let Some(bad) = t.iter().find(|c| c.downcast::<crate::cell::Cell>().is_none()) {
                let msg = format!("arg 5 (closure) expected cell, found {}", bad.type_name(th));
                return Err(th.type_error(&msg));
            }
        }
        None => {}
    }
    let f = th.new_function(a[0], a[1], false);
    let p = f.payload::<Function>();
    if let Some(n) = a.some(2) {
        n.expect_str(th, "arg 3 (name)")?;
        drop(p.name.swap(n.to_owned()));
    }
    if let Some(d) = a.some(3) {
        if d.downcast::<Tuple>().is_none() {
            return Err(th.type_error("arg 4 (defaults) must be None or tuple"));
        }
        drop(p.defaults.swap(d.to_owned()));
    }
    if let Some(c) = closure {
        drop(p.closure.swap(c.to_owned()));
    }
    if let Some(k) = a.some(5) {
        if k.downcast::<Dict>().is_none() {
            return Err(th.type_error("arg 6 (kwdefaults) must be None or dict"));
        }
        drop(p.kwdefaults.swap(k.to_owned()));
    }
    Ok(f)
}

macro_rules! slot_getter {
    ($($name:ident => $slot:ident),* $(,)?) => { $(
        fn $name(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
            let f = this(o);
            Ok(f.$slot.get(&f.header).unwrap_or_else(Owned::none))
        }
    )* };
}
slot_getter! {
    get_defaults => defaults,
    get_closure => closure,
    get_name => name,
    get_qualname => qualname,
    get_module => module,
    get_doc => doc,
}

fn get_code(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Borrowed::from_payload(this(o).code()).to_owned())
}

fn set_code(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    let Some(c) = v.and_then(|v| v.downcast::<CodeObject>()) else {
        return Err(th.type_error("__code__ must be set to a code object"));
    };
    if c.n_free() != f.code().n_free() {
        let msg = format!(
            "{}() requires a code object with {} free vars, not {}",
            f.code().name_text(),
            f.code().n_free(),
            c.n_free()
        );
        return Err(th.value_error(&msg));
    }
    f.code.set(Borrowed::from_payload(c));
    Ok(())
}

fn get_globals(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Borrowed::from_payload(this(o).globals()).to_owned())
}

fn get_builtins(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Borrowed::from_payload(this(o).builtins()).to_owned())
}

fn set_optional(
    th: &mut Thread,
    slot: &Slot,
    v: Option<Borrowed<'_>>,
    def: &'static TypeDef,
    what: &str,
) -> PyResult<()> {
    match v.filter(|v| !v.is_none()) {
        None => slot.take().into_iter().for_each(sharing::retire_owned),
        Some(v) if v.is_instance_of(def) => {
            slot.swap(v.to_owned()).into_iter().for_each(sharing::retire_owned)
        }
        Some(_) => return Err(th.type_error(what)),
    }
    Ok(())
}

fn set_defaults(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    set_optional(
        th,
        &f.defaults,
        v,
        &crate::builtins::tuple::DEF,
        "__defaults__ must be set to a tuple object",
    )
}

fn get_kwdefaults(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = this(o);
    Ok(f.kwdefaults.get(&f.header).unwrap_or_else(Owned::none))
}

fn set_kwdefaults(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    set_optional(
        th,
        &f.kwdefaults,
        v,
        &crate::builtins::dict::DEF,
        "__kwdefaults__ must be set to a dict object",
    )
}

fn set_str(th: &mut Thread, f: &Function, slot: &Slot, v: Option<Borrowed<'_>>, what: &str) -> PyResult<()> {
    match v.filter(|v| v.downcast::<Str>().is_some()) {
        Some(v) => {
            slot.set(&f.header, v.to_owned());
            Ok(())
        }
        None => {
            let msg = format!("{what} must be set to a string object");
            Err(th.type_error(&msg))
        }
    }
}

fn set_name(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    set_str(th, f, &f.name, v, "__name__")
}

fn set_qualname(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    set_str(th, f, &f.qualname, v, "__qualname__")
}

fn set_module(_: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    f.module.set(&f.header, v.unwrap_or(Borrowed::none()).to_owned());
    Ok(())
}

fn set_doc(_: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    f.doc.set(&f.header, v.unwrap_or(Borrowed::none()).to_owned());
    Ok(())
}

/// The function's attribute dict, made when first asked for.
pub fn dict_of(th: &mut Thread, f: &Function) -> Owned {
    if let Some(d) = f.dict.get(&f.header) {
        return d;
    }
    let d = th.new_dict();
    let _guard = crate::thread::lock_object(&f.header);
    match f.dict.fixed() {
        Some(other) => other.to_owned(),
        None => {
            f.dict.swap(d.clone());
            d
        }
    }
}

fn get_dict(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(dict_of(th, this(o)))
}

fn set_dict(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    match v.filter(|v| v.downcast::<Dict>().is_some()) {
        Some(v) => {
            f.dict.set(&f.header, v.to_owned());
            Ok(())
        }
        None => Err(th.type_error("__dict__ must be set to a dictionary")),
    }
}

/// `__annotations__`: made by `__annotate__(1)` when first asked for (PEP 649). The compiler's tuple of
/// names and values becomes a dict here, too.
fn get_annotations(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = this(o);
    if let Some(a) = f.annotations.get(&f.header) {
        if let Some(t) = a.downcast::<Tuple>() {
            let d = th.new_dict();
            let mut it = t.iter();
            while let (Some(k), Some(v)) = (it.next(), it.next()) {
                d.payload::<Dict>().set(th, k, v.to_owned())?;
            }
            f.annotations.set(&f.header, d.clone());
            return Ok(d);
        }
        return Ok(a);
    }
    let annotate = f.annotate.get(&f.header).filter(|a| !a.is_none());
    let d = match annotate {
        Some(a) => {
            let one = th.new_int(1);
            let d = a.borrow().call(th, &[one.borrow()])?;
            if d.downcast::<Dict>().is_none() {
                let msg = format!("__annotate__ returned non-dict of type '{}'", d.borrow().type_name(th));
                return Err(th.type_error(&msg));
            }
            d
        }
        None => th.new_dict(),
    };
    f.annotations.set(&f.header, d.clone());
    Ok(d)
}

fn set_annotations(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    set_optional(
        th,
        &f.annotations,
        v,
        &crate::builtins::dict::DEF,
        "__annotations__ must be set to a dict object",
    )?;
    drop(f.annotate.clear(&f.header));
    Ok(())
}

fn get_annotate(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = this(o);
    Ok(f.annotate.get(&f.header).unwrap_or_else(Owned::none))
}

fn set_annotate(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    match v {
        None => Err(th.type_error("__annotate__ cannot be deleted")),
        Some(v) if v.is_none() => {
            f.annotate.set(&f.header, Owned::none());
            Ok(())
        }
        Some(v) if v.is_callable() => {
            f.annotate.set(&f.header, v.to_owned());
            drop(f.annotations.clear(&f.header));
            Ok(())
        }
        Some(_) => Err(th.type_error("__annotate__ must be callable or None")),
    }
}

fn get_type_params(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = this(o);
    match f.type_params.get(&f.header) {
        Some(t) => Ok(t),
        None => Ok(th.new_tuple(vec![])),
    }
}

fn set_type_params(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let f = this(o);
    match v.filter(|v| v.downcast::<Tuple>().is_some()) {
        Some(v) => {
            f.type_params.set(&f.header, v.to_owned());
            Ok(())
        }
        None => Err(th.type_error("__type_params__ must be set to a tuple")),
    }
}

const GETSET: &[GetSetDef] = &[
    GetSetDef::get("__code__", get_code).set(set_code),
    GetSetDef::get("__globals__", get_globals),
    GetSetDef::get("__builtins__", get_builtins),
    GetSetDef::get("__defaults__", get_defaults).set(set_defaults),
    GetSetDef::get("__kwdefaults__", get_kwdefaults).set(set_kwdefaults),
    GetSetDef::get("__closure__", get_closure),
    GetSetDef::get("__name__", get_name).set(set_name),
    GetSetDef::get("__qualname__", get_qualname).set(set_qualname),
    GetSetDef::get("__module__", get_module).set(set_module),
    GetSetDef::get("__doc__", get_doc).set(set_doc),
    GetSetDef::get("__dict__", get_dict).set(set_dict),
    GetSetDef::get("__annotations__", get_annotations).set(set_annotations),
    GetSetDef::get("__annotate__", get_annotate).set(set_annotate),
    GetSetDef::get("__type_params__", get_type_params).set(set_type_params),
];

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(crate::builtins::ids::FUNCTION),
    kind: kind::METHOD_DESCRIPTOR,
    flags: type_flags::GC | type_flags::WEAKREF,
    slots: Slots {
        call: Some(crate::interp::calls::function_call),
        descr_get: Some(crate::builtins::method::bind_function),
        repr: Some(repr),
        new: Some(new),
        ..Slots::NONE
    },
    getset: GETSET,
    dict_offset: core::mem::offset_of!(Function, dict),
    layout: Layout::of::<Function>().in_a_row(
        crate::row_of_slots!(Function, defaults to type_params, 11, |f| {
            !f.globals.is_counted() && !f.builtins.is_counted()
        }),
    ),
    ..TypeDef::of::<Function>("function")
};
