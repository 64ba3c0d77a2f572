//! The built-in types: one file per family, each with its `TypeDef` and its methods.

pub mod bool;
pub mod bytearray;
pub mod bytes;
pub mod classmethod;
pub mod code_functions;
pub mod complex;
pub mod descriptors;
pub mod dict;
pub mod exceptions;
pub mod float;
pub mod functions;
pub mod generic_alias;
pub mod int;
pub mod iterators;
pub mod list;
pub mod mappingproxy;
pub mod memoryview;
pub mod method;
pub mod module;
pub mod namespace;
pub mod native_function;
pub mod object;
pub mod property;
pub mod range;
pub mod sequence;
pub mod set;
pub mod singletons;
pub mod slice;
pub mod staticmethod;
pub mod str;
pub mod struct_sequence;
pub mod subscript;
pub mod super_;
pub mod template;
pub mod tuple;
pub mod type_;
pub mod union;

use crate::typedef::TypeDef;

/// Fixed shape ids of the types that handlers compare with, in order, from 1.
macro_rules! builtin_types {
    ($($(#[$doc:meta])* $name:ident = $def:path),* $(,)?) => {
        /// Shape ids of built-in types: constants, so that a guard is a compare with a number.
        #[allow(missing_docs, reason = "each constant is named like its type")]
        pub mod ids {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "only numbers are made of it")]
            enum Order { ZERO, $($name,)* FIRST_FREE }
            const _: u32 = Order::ZERO as u32;
            $(pub const $name: u32 = Order::$name as u32;)*
            /// The first id that is given out at run time.
            pub const FIRST_FREE: u32 = Order::FIRST_FREE as u32;
        }
        /// The types with fixed ids; a base comes before what derives from it.
        pub static FIXED_TYPES: &[&TypeDef] = &[$(&$def),*];
    };
}

builtin_types! {
    OBJECT = object::DEF,
    TYPE = type_::DEF,
    INT = int::DEF,
    STR = str::DEF,
    TUPLE = tuple::DEF,
    LIST = list::DEF,
    DICT = dict::DEF,
    NONE = singletons::NONE,
    BOOL = bool::DEF,
    FLOAT = float::DEF,
    NOT_IMPLEMENTED = singletons::NOT_IMPLEMENTED,
    ELLIPSIS = singletons::ELLIPSIS,
    SLICE = slice::DEF,
    SET = set::DEF,
    FROZENSET = set::FROZEN,
    RANGE = range::DEF,
    RANGE_ITERATOR = range::iterator::DEF,
    LIST_ITERATOR = list::iterator::DEF,
    TUPLE_ITERATOR = tuple::iterator::DEF,
    COMPLEX = complex::DEF,
    BYTES = bytes::DEF,
    BYTEARRAY = bytearray::DEF,
    STR_ITERATOR = str::core::ITERATOR_DEF,
    BYTES_ITERATOR = bytes::ops::ITERATOR_DEF,
    BYTEARRAY_ITERATOR = bytearray::ITERATOR_DEF,
    MEMORYVIEW = memoryview::DEF,
    MEMORY_ITERATOR = memoryview::ITERATOR_DEF,
    MANAGED_BUFFER = memoryview::MANAGED_DEF,
    METHOD = method::DEF,
    NATIVE_FUNCTION = native_function::DEF,
    METHOD_DESCRIPTOR = descriptors::METHOD_DESCRIPTOR,
    WRAPPER_DESCRIPTOR = descriptors::WRAPPER_DESCRIPTOR,
    GETSET_DESCRIPTOR = descriptors::GETSET_DESCRIPTOR,
    MEMBER_DESCRIPTOR = descriptors::MEMBER_DESCRIPTOR,
    MODULE = module::DEF,
    CODE = crate::code::DEF,
    FUNCTION = crate::function::DEF,
    GENERATOR = crate::generator::GENERATOR,
    COROUTINE = crate::generator::COROUTINE,
    ASYNC_GENERATOR = crate::generator::ASYNC_GENERATOR,
}

/// Types without a constant id: registered at start, after [`FIXED_TYPES`].
pub static MORE_TYPES: &[&TypeDef] = &[
    &crate::cell::DEF,
    &crate::frame_object::DEF,
    &crate::frame_object::PROXY_DEF,
    &crate::traceback::DEF,
    &crate::generator::COROUTINE_WRAPPER,
    &crate::generator::ASYNC_GENERATOR_ASEND,
    &crate::generator::ASYNC_GENERATOR_ATHROW,
    &crate::generator::WRAPPED_VALUE,
    &list::iterator::REVERSE,
    &dict::view::KEYS,
    &dict::view::VALUES,
    &dict::view::ITEMS,
    &dict::iterator::KEYS,
    &dict::iterator::VALUES,
    &dict::iterator::ITEMS,
    &dict::iterator::REVERSE_KEYS,
    &dict::iterator::REVERSE_VALUES,
    &dict::iterator::REVERSE_ITEMS,
    &set::iterator::DEF,
    &range::iterator::LONG,
    &iterators::SEQUENCE,
    &iterators::CALLABLE,
    &iterators::enumerate::DEF,
    &iterators::filter::DEF,
    &iterators::map::DEF,
    &iterators::reversed::DEF,
    &iterators::zip::DEF,
    &classmethod::DEF,
    &descriptors::CLASSMETHOD_DESCRIPTOR,
    &descriptors::METHOD_WRAPPER,
    &generic_alias::DEF,
    &mappingproxy::DEF,
    &namespace::DEF,
    &property::DEF,
    &staticmethod::DEF,
    &super_::DEF,
    &union::DEF,
    &template::DEF,
    &template::INTERPOLATION,
    &template::ITERATOR,
];

/// Every type that exists from the start.
pub static TYPE_LISTS: &[&[&TypeDef]] = &[
    FIXED_TYPES,
    MORE_TYPES,
    exceptions::TYPES,
    functions::TYPES,
    crate::sysmod::TYPES,
    crate::typevars::TYPES,
    crate::weakref::TYPES,
];

/// Types that are names of the module `builtins`.
pub static BUILTIN_NAMES: &[&TypeDef] = &[
    &object::DEF,
    &type_::DEF,
    &int::DEF,
    &str::DEF,
    &tuple::DEF,
    &list::DEF,
    &dict::DEF,
    &bool::DEF,
    &float::DEF,
    &slice::DEF,
    &set::DEF,
    &set::FROZEN,
    &range::DEF,
    &complex::DEF,
    &bytes::DEF,
    &bytearray::DEF,
    &memoryview::DEF,
    &iterators::enumerate::DEF,
    &iterators::filter::DEF,
    &iterators::map::DEF,
    &iterators::reversed::DEF,
    &iterators::zip::DEF,
    &classmethod::DEF,
    &property::DEF,
    &staticmethod::DEF,
    &super_::DEF,
];
