//! `_types`: the types that have no name elsewhere.

use typhon_core::builtins::{
    descriptors, generic_alias, mappingproxy, method, module, namespace, native_function, singletons, union,
};
use typhon_core::{Borrowed, ModuleDef, PyResult, Slots, Thread, TypeDef, payload, type_flags};

use crate::support::ModuleExt;

payload! {
    /// A pointer of an extension module; none are made here.
    pub struct Capsule: CAPSULE {}
}

pub static CAPSULE: TypeDef = TypeDef {
    flags: type_flags::GC | type_flags::NO_NEW,
    doc: "Capsule objects let you wrap a C \"void *\" pointer in a Python\nobject.",
    slots: Slots::NONE,
    ..TypeDef::of::<Capsule>("PyCapsule")
};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_types",
    doc: "Define names for built-in types.",
    functions: &[],
    types: &[],
    setup: Some(setup),
};

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    let generators = &typhon_core::generator::GENERATOR;
    let rows: &[(&str, &'static TypeDef)] = &[
        ("AsyncGeneratorType", &typhon_core::generator::ASYNC_GENERATOR),
        ("BuiltinFunctionType", &native_function::DEF),
        ("BuiltinMethodType", &native_function::DEF),
        ("CellType", &typhon_core::cell::DEF),
        ("ClassMethodDescriptorType", &descriptors::CLASSMETHOD_DESCRIPTOR),
        ("CodeType", &typhon_core::code::DEF),
        ("CoroutineType", &typhon_core::generator::COROUTINE),
        ("EllipsisType", &singletons::ELLIPSIS),
        ("FrameType", &typhon_core::frame_object::DEF),
        ("FrameLocalsProxyType", &typhon_core::frame_object::PROXY_DEF),
        ("FunctionType", &typhon_core::function::DEF),
        ("GeneratorType", generators),
        ("GenericAlias", &generic_alias::DEF),
        ("GetSetDescriptorType", &descriptors::GETSET_DESCRIPTOR),
        ("LambdaType", &typhon_core::function::DEF),
        ("MappingProxyType", &mappingproxy::DEF),
        ("MemberDescriptorType", &descriptors::MEMBER_DESCRIPTOR),
        ("MethodDescriptorType", &descriptors::METHOD_DESCRIPTOR),
        ("MethodType", &method::DEF),
        ("MethodWrapperType", &descriptors::METHOD_WRAPPER),
        ("ModuleType", &module::DEF),
        ("NoneType", &singletons::NONE),
        ("NotImplementedType", &singletons::NOT_IMPLEMENTED),
        ("SimpleNamespace", &namespace::DEF),
        ("TracebackType", &typhon_core::traceback::DEF),
        ("UnionType", &union::DEF),
        ("WrapperDescriptorType", &descriptors::WRAPPER_DESCRIPTOR),
    ];
    for (name, def) in rows {
        m.add(th, name, def.ty().as_value().to_owned())?;
    }
    let capsule = typhon_core::builtins::type_::builtin::register_type(th, &CAPSULE)?.to_owned();
    m.add(th, "CapsuleType", capsule)
}
