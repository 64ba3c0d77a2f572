//! `Generic`.

use super::call_typing;
use crate::builtins::object::Object;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::typedef::{NativeDef, TypeDef, type_flags};

pub static GENERIC: TypeDef = TypeDef {
    module: "typing",
    flags: type_flags::BASE,
    doc: "Abstract base class for generic types.\n\nOn Python 3.12 and newer, generic classes implicitly inherit from\n\
          Generic when they declare a parameter list after the class's name::\n\n    class Mapping[KT, VT]:\n        \
          def __getitem__(self, key: KT) -> VT:\n            ...\n            # Etc.",
    methods: &[
        NativeDef::raw(
            "__class_getitem__",
            "($cls, /, *args, **kwargs)",
            |th, args| forward(th, "_generic_class_getitem", args),
            "Parameterizes a generic class.",
        )
        .class(),
        NativeDef::raw(
            "__init_subclass__",
            "($cls, /, *args, **kwargs)",
            |th, args| forward(th, "_generic_init_subclass", args),
            "Function to initialize subclasses.",
        )
        .class(),
    ],
    slots: crate::slots::Slots { new: Some(crate::builtins::object::new), ..crate::slots::Slots::NONE },
    ..TypeDef::of::<Object>("Generic")
};

fn forward(th: &mut Thread, function: &str, args: Args<'_>) -> PyResult {
    let typing = crate::import::import_module(th, "typing")?;
    let f = typing.borrow().getattr_str(th, function)?;
    f.borrow().call_args(th, args)
}

/// A tuple of type parameters in which every type variable tuple is unpacked.
pub(super) fn unpacked(th: &mut Thread, params: Borrowed<'_>) -> PyResult {
    let items = params.to_vec(th)?;
    let is_tuple = |v: &Owned| v.downcast::<super::type_var_tuple::TypeVarTuple>().is_some();
    if !items.iter().any(is_tuple) {
        return Ok(params.to_owned());
    }
    let mut out = Vec::with_capacity(items.len());
    for v in items {
        out.push(if is_tuple(&v) { super::unpack(th, v.borrow())? } else { v });
    }
    Ok(th.new_tuple(out))
}

/// `Generic[params]`, the implicit base of a class with type parameters.
pub fn subscript_generic(th: &mut Thread, params: Borrowed<'_>) -> PyResult {
    let params = unpacked(th, params)?;
    call_typing(th, "_GenericAlias", &[GENERIC.ty().as_value(), params.borrow()])
}
