//! Descriptors in the namespaces of built-in types: methods, slot wrappers, computed attributes, and
//! the members that `__slots__` makes.

use typhon_sync::prim::Ordering;

use typhon_sync::header::Header;

use crate::builtins::native_function::{NativeFunction, new_bound, new_static};
use crate::builtins::type_::slot_defs::{SLOT_DEFS, SlotDef, call_wrapped};
use crate::flags;
use crate::object::{Borrowed, Data, Owned, Payload, PyResult, Slot};
use crate::signature::{Direct, LazyParams, Params, call_native, text_signature};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{self, Thread, unborn};
use crate::typedef::{Binding, GetSetDef, NativeCall, NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;

crate::payload! {
    /// `method_descriptor`: a native method in its type's namespace.
    pub struct MethodDescriptor: METHOD_DESCRIPTOR {
        def: Data<&'static NativeDef>,
        params: LazyParams,
        pub(crate) direct: Direct,
        objclass: Slot,
    }
}

crate::payload! {
    /// `classmethod_descriptor`: a native class method.
    pub struct ClassMethodDescriptor: CLASSMETHOD_DESCRIPTOR {
        def: Data<&'static NativeDef>,
        params: LazyParams,
        objclass: Slot,
    }
}

crate::payload! {
    /// `wrapper_descriptor`: a native slot function under its special name.
    pub struct WrapperDescriptor: WRAPPER_DESCRIPTOR {
        row: usize,
        function: usize,
        objclass: Slot,
    }
}

crate::payload! {
    /// `method-wrapper`: a slot wrapper bound to an object.
    pub struct MethodWrapper: METHOD_WRAPPER {
        wrapper: Slot,
        self_: Slot,
    }
}

crate::payload! {
    /// `getset_descriptor`: an attribute computed by native code.
    pub struct GetSetDescriptor: GETSET_DESCRIPTOR {
        def: Data<&'static GetSetDef>,
        objclass: Slot,
    }
}

crate::payload! {
    /// `member_descriptor`: a value slot at a fixed place of each instance.
    pub struct MemberDescriptor: MEMBER_DESCRIPTOR {
        name: Slot,
        objclass: Slot,
        /// Byte offset of the slot.
        pub offset: usize,
        readonly: bool,
        doc: &'static str,
    }
}

fn class_in(slot: &Slot) -> &Type {
    slot.fixed().and_then(|c| c.downcast::<Type>()).expect("a descriptor has a class")
}

fn mark_method_like(v: &Owned) {
    if let Some(h) = v.borrow().header() {
        // ORDERING Relaxed: not published yet.
        h.flags.fetch_or(flags::METHOD_LIKE, Ordering::Relaxed);
    }
}

impl WrapperDescriptor {
    pub fn def(&self) -> &'static SlotDef {
        &SLOT_DEFS[self.row]
    }
    /// Address of the native slot function.
    pub fn function(&self) -> usize {
        self.function
    }
    pub fn objclass(&self) -> &Type {
        class_in(&self.objclass)
    }
}

impl MethodDescriptor {
    pub fn def(&self) -> &'static NativeDef {
        self.def.0
    }
    /// The parsed signature, for direct calls.
    #[inline(always)]
    pub fn params(&self) -> &'static Params {
        self.params.get(self.def.0, true, || display(self.objclass(), self.def.0))
    }
    /// The class whose instances the method takes.
    pub fn objclass(&self) -> &Type {
        class_in(&self.objclass)
    }

    /// Is `class` that class?
    #[inline(always)]
    pub fn is_of(&self, class: *const Type) -> bool {
        core::ptr::eq(self.objclass.peek().ptr(), class.cast())
    }
}

fn display(class: &Type, def: &NativeDef) -> String {
    format!("{}.{}", class.display_name(), def.name)
}

impl ClassMethodDescriptor {
    fn params(&self) -> &'static Params {
        self.params.get(self.def.0, true, || display(class_in(&self.objclass), self.def.0))
    }
}

impl MemberDescriptor {
    pub fn objclass(&self) -> &Type {
        class_in(&self.objclass)
    }
    /// May Python code assign and delete it?
    pub fn is_writable(&self) -> bool {
        !self.readonly
    }
}

impl GetSetDescriptor {
    pub fn def(&self) -> &'static GetSetDef {
        self.def.0
    }
}

impl Thread {
    /// The descriptor (or function, for static methods) of a row of a type's method table.
    pub(crate) fn new_method(&mut self, def: &'static NativeDef, ty: &Type) -> Owned {
        let objclass = Slot::new(ty.as_value().to_owned());
        let (def_, params_) = (Data(def), LazyParams::new());
        match def.binding {
            Binding::Method => {
                let v = self.alloc(MethodDescriptor {
                    header: unborn(),
                    def: def_,
                    params: params_,
                    direct: Direct::unknown(),
                    objclass,
                });
                mark_method_like(&v);
                v
            }
            Binding::Class => {
                self.alloc(ClassMethodDescriptor { header: unborn(), def: def_, params: params_, objclass })
            }
            Binding::Static => {
                let display = format!("{}.{}", ty.display_name(), def.name);
                let params = Params::of(def, display, false);
                let f = new_static(self, def, params, ty);
                crate::builtins::staticmethod::new_staticmethod(self, f)
            }
        }
    }

    pub(crate) fn new_slot_wrapper(&mut self, row: usize, function: usize, ty: &Type) -> Owned {
        let objclass = Slot::new(ty.as_value().to_owned());
        let v = self.alloc(WrapperDescriptor { header: unborn(), row, function, objclass });
        mark_method_like(&v);
        v
    }

    pub(crate) fn new_getset(&mut self, def: &'static GetSetDef, ty: &Type) -> Owned {
        let objclass = Slot::new(ty.as_value().to_owned());
        self.alloc(GetSetDescriptor { header: unborn(), def: Data(def), objclass })
    }

    pub(crate) fn new_member(
        &mut self,
        name: Borrowed<'_>,
        ty: &Type,
        offset: usize,
        readonly: bool,
        doc: &'static str,
    ) -> Owned {
        let objclass = Slot::new(ty.as_value().to_owned());
        let name = Slot::new(name.to_owned());
        self.alloc(MemberDescriptor { header: unborn(), name, objclass, offset, readonly, doc })
    }
}

/// `TypeError: descriptor 'append' for 'list' objects doesn't apply to a 'str' object`
#[cold]
fn wrong_self(th: &mut Thread, name: &str, class: &Type, got: Borrowed<'_>) -> crate::Raised {
    let msg = format!(
        "descriptor '{name}' for '{}' objects doesn't apply to a '{}' object",
        class.display_name(),
        got.type_name(th)
    );
    th.type_error(&msg)
}

#[cold]
fn needs_argument(th: &mut Thread, name: &str, class: &Type) -> crate::Raised {
    let msg = format!("unbound method {}.{name}() needs an argument", class.display_name());
    th.type_error(&msg)
}

fn method_call(th: &mut Thread, d: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let m = payload::<MethodDescriptor>(d);
    let Some(this) = args.pos().first() else { return Err(needs_argument(th, m.def.0.name, m.objclass())) };
    if !this.ty().is_subtype_of(m.objclass()) {
        let msg = format!(
            "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
            m.def.0.name,
            m.objclass().display_name(),
            this.type_name(th)
        );
        return Err(th.type_error(&msg));
    }
    call_native(th, m.def.0, m.params(), args)
}

/// Sets the function of a descriptor. One that it replaces (`__init__` was called again) lives as long as the
/// runtime: inline caches hold it without a count.
pub fn set_function(of: &Header, slot: &Slot, function: Option<Owned>) {
    let _guard = thread::lock_object(of);
    core::mem::forget(match function {
        Some(function) => slot.swap(function),
        None => slot.take(),
    });
}

/// The payload of an object whose slot function is running.
#[inline(always)]
pub(crate) fn payload<T: Payload>(o: Borrowed<'_>) -> &T {
    debug_assert!(o.downcast::<T>().is_some());
    // SAFETY: slot functions of a type are called with its instances only (slot wrappers and method
    // descriptors check).
    unsafe { &*(o.word().ptr() as *const T) }
}

fn method_get(th: &mut Thread, d: Borrowed<'_>, o: Option<Borrowed<'_>>, _cls: Borrowed<'_>) -> PyResult {
    let m = payload::<MethodDescriptor>(d);
    match o {
        None => Ok(d.to_owned()),
        Some(o) if o.ty().is_subtype_of(m.objclass()) => {
            Ok(new_bound(th, m.def.0, m.params(), Some(o.to_owned()), None))
        }
        Some(o) => Err(wrong_self(th, m.def.0.name, m.objclass(), o)),
    }
}

fn class_method_get(
    th: &mut Thread,
    d: Borrowed<'_>,
    o: Option<Borrowed<'_>>,
    cls: Borrowed<'_>,
) -> PyResult {
    let m = payload::<ClassMethodDescriptor>(d);
    let cls = match cls.downcast::<Type>() {
        Some(_) => cls,
        None => match o {
            Some(o) => o.ty().as_value(),
            None => {
                let msg = format!(
                    "descriptor '{}' for type '{}' needs a type, not a '{}' as arg 2",
                    m.def.0.name,
                    class_in(&m.objclass).display_name(),
                    cls.type_name(th)
                );
                return Err(th.type_error(&msg));
            }
        },
    };
    if let Some(t) = cls.downcast::<Type>()
        && !t.is_subtype_of(class_in(&m.objclass))
    {
        let msg = format!(
            "descriptor '{}' requires a subtype of '{}' but received '{}'",
            m.def.0.name,
            class_in(&m.objclass).display_name(),
            t.display_name()
        );
        return Err(th.type_error(&msg));
    }
    Ok(new_bound(th, m.def.0, m.params(), Some(cls.to_owned()), None))
}

fn class_method_call(th: &mut Thread, d: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let m = payload::<ClassMethodDescriptor>(d);
    match args.pos().first() {
        Some(c) if c.downcast::<Type>().is_some_and(|t| t.is_subtype_of(class_in(&m.objclass))) => {
            call_native(th, m.def.0, m.params(), args)
        }
        Some(c) => Err(wrong_self(th, m.def.0.name, class_in(&m.objclass), *c)),
        None => Err(needs_argument(th, m.def.0.name, class_in(&m.objclass))),
    }
}

fn wrapper_call(th: &mut Thread, d: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let w = payload::<WrapperDescriptor>(d);
    let Some(&this) = args.pos().first() else {
        let msg = format!(
            "descriptor '{}' of '{}' object needs an argument",
            w.def().name,
            w.objclass().display_name()
        );
        return Err(th.type_error(&msg));
    };
    if !this.ty().is_subtype_of(w.objclass()) {
        let msg = format!(
            "descriptor '{}' requires a '{}' object but received a '{}'",
            w.def().name,
            w.objclass().display_name(),
            this.type_name(th)
        );
        return Err(th.type_error(&msg));
    }
    // SAFETY: the function stood in the slot of the row.
    unsafe { call_wrapped(th, w.def(), w.function, this, args.rest()) }
}

fn wrapper_get(th: &mut Thread, d: Borrowed<'_>, o: Option<Borrowed<'_>>, _cls: Borrowed<'_>) -> PyResult {
    let w = payload::<WrapperDescriptor>(d);
    match o {
        None => Ok(d.to_owned()),
        Some(o) if o.ty().is_subtype_of(w.objclass()) => {
            let (wrapper, self_) = (Slot::new(d.to_owned()), Slot::new(o.to_owned()));
            Ok(th.alloc(MethodWrapper { header: unborn(), wrapper, self_ }))
        }
        Some(o) => Err(wrong_self(th, w.def().name, w.objclass(), o)),
    }
}

impl MethodWrapper {
    fn wrapper(&self) -> &WrapperDescriptor {
        self.wrapper.fixed().map(payload::<WrapperDescriptor>).expect("set at birth")
    }
    fn bound_self(&self) -> Borrowed<'_> {
        self.self_.fixed().expect("set at birth")
    }
}

fn method_wrapper_call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let m = payload::<MethodWrapper>(o);
    let w = m.wrapper();
    // SAFETY: as in `wrapper_call`; the object was checked when it was bound.
    unsafe { call_wrapped(th, w.def(), w.function, m.bound_self(), args) }
}

fn method_wrapper_compare(_th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<MethodWrapper>(), b.downcast::<MethodWrapper>()) else {
        return Ok(Owned::not_implemented());
    };
    let same = x.wrapper.peek().is(y.wrapper.peek()) && x.self_.peek().is(y.self_.peek());
    match op {
        CompareOp::Eq => Ok(Owned::bool(same)),
        CompareOp::Ne => Ok(Owned::bool(!same)),
        _ => Ok(Owned::not_implemented()),
    }
}

fn method_wrapper_hash(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let m = payload::<MethodWrapper>(o);
    Ok(super::object::identity_hash(m.bound_self().word()) ^ super::object::identity_hash(m.wrapper.peek()))
}

fn getset_get(th: &mut Thread, d: Borrowed<'_>, o: Option<Borrowed<'_>>, _cls: Borrowed<'_>) -> PyResult {
    let g = payload::<GetSetDescriptor>(d);
    let Some(o) = o else { return Ok(d.to_owned()) };
    if !o.ty().is_subtype_of(class_in(&g.objclass)) {
        return Err(wrong_self(th, g.def.0.name, class_in(&g.objclass), o));
    }
    (g.def.0.get)(th, o)
}

fn getset_set(th: &mut Thread, d: Borrowed<'_>, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let g = payload::<GetSetDescriptor>(d);
    if !o.ty().is_subtype_of(class_in(&g.objclass)) {
        return Err(wrong_self(th, g.def.0.name, class_in(&g.objclass), o));
    }
    match g.def.0.set {
        Some(f) => f(th, o, v),
        None => {
            let class = class_in(&g.objclass).display_name();
            let msg = format!("attribute '{}' of '{class}' objects is not writable", g.def.0.name);
            Err(th.raise(&super::exceptions::ATTRIBUTE_ERROR, &msg))
        }
    }
}

fn member_name(d: &MemberDescriptor) -> String {
    d.name.fixed().and_then(|n| n.downcast::<super::str::Str>()).map(|s| s.to_text()).unwrap_or_default()
}

fn member_get(th: &mut Thread, d: Borrowed<'_>, o: Option<Borrowed<'_>>, _cls: Borrowed<'_>) -> PyResult {
    let m = payload::<MemberDescriptor>(d);
    let Some(o) = o else { return Ok(d.to_owned()) };
    let Some(h) = o.header().filter(|_| o.ty().is_subtype_of(m.objclass())) else {
        return Err(wrong_self(th, &member_name(m), m.objclass(), o));
    };
    // SAFETY: instances of the class have a slot there.
    match unsafe { Type::slot_at(h, m.offset) }.get(h) {
        Some(v) => Ok(v),
        None if m.readonly => Ok(Owned::none()),
        None => {
            let name = m.name.fixed().expect("set at birth");
            Err(th.no_attribute(o, name))
        }
    }
}

fn member_set(th: &mut Thread, d: Borrowed<'_>, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let m = payload::<MemberDescriptor>(d);
    let Some(h) = o.header().filter(|_| o.ty().is_subtype_of(m.objclass())) else {
        return Err(wrong_self(th, &member_name(m), m.objclass(), o));
    };
    if m.readonly {
        return Err(th.raise(&super::exceptions::ATTRIBUTE_ERROR, "readonly attribute"));
    }
    // SAFETY: as in `member_get`.
    let slot = unsafe { Type::slot_at(h, m.offset) };
    match v {
        Some(v) => slot.set(h, v.to_owned()),
        None => {
            if slot.clear(h).is_none() {
                let name = m.name.fixed().expect("set at birth");
                return Err(th.no_attribute(o, name));
            }
        }
    }
    Ok(())
}

/// What the getters of all descriptor kinds need to know.
struct Facts<'a> {
    name: String,
    class: &'a Type,
    doc: &'static str,
    sig: Option<&'static str>,
    kind: &'static str,
}

fn facts(d: Borrowed<'_>) -> Facts<'_> {
    let id = d.shape_id();
    let native = |def: &'static NativeDef, class| Facts {
        name: def.name.to_owned(),
        class,
        doc: def.doc,
        sig: text_signature(def.sig),
        kind: "method",
    };
    if id == METHOD_DESCRIPTOR.id.shape() {
        let m = payload::<MethodDescriptor>(d);
        native(m.def.0, m.objclass())
    } else if id == CLASSMETHOD_DESCRIPTOR.id.shape() {
        let m = payload::<ClassMethodDescriptor>(d);
        native(m.def.0, class_in(&m.objclass))
    } else if id == WRAPPER_DESCRIPTOR.id.shape() {
        let w = payload::<WrapperDescriptor>(d);
        let def = w.def();
        Facts {
            name: def.name.to_owned(),
            class: w.objclass(),
            doc: def.doc,
            sig: Some(def.sig),
            kind: "slot wrapper",
        }
    } else if id == METHOD_WRAPPER.id.shape() {
        let w = payload::<MethodWrapper>(d).wrapper();
        let def = w.def();
        Facts {
            name: def.name.to_owned(),
            class: w.objclass(),
            doc: def.doc,
            sig: Some(def.sig),
            kind: "method-wrapper",
        }
    } else if id == GETSET_DESCRIPTOR.id.shape() {
        let g = payload::<GetSetDescriptor>(d);
        Facts {
            name: g.def.0.name.to_owned(),
            class: class_in(&g.objclass),
            doc: g.def.0.doc,
            sig: None,
            kind: "attribute",
        }
    } else {
        let m = payload::<MemberDescriptor>(d);
        Facts { name: member_name(m), class: m.objclass(), doc: m.doc, sig: None, kind: "member" }
    }
}

fn descriptor_repr(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    let f = facts(d);
    let text = format!("<{} '{}' of '{}' objects>", f.kind, f.name, f.class.display_name());
    Ok(th.new_str(&text))
}

fn method_wrapper_repr(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    let m = payload::<MethodWrapper>(d);
    let (name, o) = (m.wrapper().def().name, m.bound_self());
    let text =
        format!("<method-wrapper '{name}' of {} object at {:#x}>", o.type_name(th), o.word().identity());
    Ok(th.new_str(&text))
}

fn get_name(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    let f = facts(d);
    Ok(th.intern(&f.name))
}

fn get_qualname(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    let f = facts(d);
    let class = super::type_::qualname_text(f.class);
    Ok(th.new_str(&format!("{class}.{}", f.name)))
}

fn get_doc(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    let f = facts(d);
    if f.doc.is_empty() { Ok(Owned::none()) } else { Ok(th.new_str(f.doc)) }
}

fn get_objclass(_th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    Ok(facts(d).class.as_value().to_owned())
}

fn get_text_signature(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    match facts(d).sig {
        Some(s) => Ok(th.new_str(s)),
        None => Ok(Owned::none()),
    }
}

fn get_bound_self(_th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    Ok(payload::<MethodWrapper>(d).bound_self().to_owned())
}

/// Pickled as `getattr(owner, name)`.
fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = a[0];
    let owner = match d.downcast::<MethodWrapper>() {
        Some(m) => m.bound_self().to_owned(),
        None => facts(d).class.as_value().to_owned(),
    };
    let name = get_name(th, d)?;
    super::object::reduce_as_getattr(th, owner, name)
}

const REDUCE: NativeDef = NativeDef::new("__reduce__", "($self, /)", reduce, "");
/// Inline caches hold these descriptors.
const DEFERRED: u32 = type_flags::GC | type_flags::DEFERRED;
const GETSET: &[GetSetDef] = &[
    GetSetDef::get("__name__", get_name),
    GetSetDef::get("__qualname__", get_qualname),
    GetSetDef::get("__doc__", get_doc),
    GetSetDef::get("__objclass__", get_objclass),
    GetSetDef::get("__text_signature__", get_text_signature),
];

pub static METHOD_DESCRIPTOR: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::METHOD_DESCRIPTOR),
    slots: Slots {
        repr: Some(descriptor_repr),
        call: Some(method_call),
        descr_get: Some(method_get),
        ..Slots::NONE
    },
    methods: &[REDUCE],
    getset: GETSET,
    flags: DEFERRED,
    ..TypeDef::of::<MethodDescriptor>("method_descriptor")
};

pub static CLASSMETHOD_DESCRIPTOR: TypeDef = TypeDef {
    slots: Slots {
        repr: Some(descriptor_repr),
        call: Some(class_method_call),
        descr_get: Some(class_method_get),
        ..Slots::NONE
    },
    getset: GETSET,
    ..TypeDef::of::<ClassMethodDescriptor>("classmethod_descriptor")
};

pub static WRAPPER_DESCRIPTOR: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::WRAPPER_DESCRIPTOR),
    slots: Slots {
        repr: Some(descriptor_repr),
        call: Some(wrapper_call),
        descr_get: Some(wrapper_get),
        ..Slots::NONE
    },
    methods: &[REDUCE],
    getset: GETSET,
    flags: DEFERRED,
    ..TypeDef::of::<WrapperDescriptor>("wrapper_descriptor")
};

pub static METHOD_WRAPPER: TypeDef = TypeDef {
    slots: Slots {
        repr: Some(method_wrapper_repr),
        call: Some(method_wrapper_call),
        compare: Some(method_wrapper_compare),
        hash: Some(method_wrapper_hash),
        ..Slots::NONE
    },
    methods: &[REDUCE],
    getset: &[
        GetSetDef::get("__name__", get_name),
        GetSetDef::get("__qualname__", get_qualname),
        GetSetDef::get("__doc__", get_doc),
        GetSetDef::get("__objclass__", get_objclass),
        GetSetDef::get("__text_signature__", get_text_signature),
        GetSetDef::get("__self__", get_bound_self),
    ],
    ..TypeDef::of::<MethodWrapper>("method-wrapper")
};

pub static GETSET_DESCRIPTOR: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::GETSET_DESCRIPTOR),
    slots: Slots {
        repr: Some(descriptor_repr),
        descr_get: Some(getset_get),
        descr_set: Some(getset_set),
        ..Slots::NONE
    },
    getset: GETSET,
    ..TypeDef::of::<GetSetDescriptor>("getset_descriptor")
};

pub static MEMBER_DESCRIPTOR: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::MEMBER_DESCRIPTOR),
    slots: Slots {
        repr: Some(descriptor_repr),
        descr_get: Some(member_get),
        descr_set: Some(member_set),
        ..Slots::NONE
    },
    methods: &[REDUCE],
    getset: GETSET,
    ..TypeDef::of::<MemberDescriptor>("member_descriptor")
};

/// Byte offset of the slot that a member descriptor reads.
pub fn member_offset(d: Borrowed<'_>) -> Option<usize> {
    d.downcast_exact::<MemberDescriptor>().filter(|m| !m.readonly).map(|m| m.offset)
}

/// As [`member_offset`], for one that may be assigned.
pub fn writable_member_offset(d: Borrowed<'_>) -> Option<usize> {
    member_offset(d)
}

/// The native function behind a value that was found as a class attribute, if calling it with self
/// needs no descriptor: for the interpreter's direct calls.
pub fn native_of(d: Borrowed<'_>) -> Option<(&'static NativeDef, &'static Params)> {
    if let Some(m) = d.downcast_exact::<MethodDescriptor>() {
        return Some((m.def.0, m.params()));
    }
    d.downcast_exact::<NativeFunction>().map(|f| (f.def(), f.params()))
}

/// Does this native take its arguments unbound?
pub fn is_raw(def: &NativeDef) -> bool {
    matches!(def.call, NativeCall::Raw(_))
}
