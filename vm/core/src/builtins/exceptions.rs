//! `BaseException` and the built-in exception classes.

use crate::object::{Owned, Slot};
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, kind, type_flags};
use crate::types::Type;

crate::payload! {
    /// What every exception begins with.
    pub struct BaseException: BASE_EXCEPTION {
        pub args: Slot,
        pub cause: Slot,
        pub context: Slot,
        pub traceback: Slot,
        pub notes: Slot,
        pub suppress_context: core::sync::atomic::AtomicBool,
    }
}

macro_rules! exception_types {
    ($($def:ident = $name:literal < $base:ident),* $(,)?) => { $(
        pub static $def: TypeDef = TypeDef {
            kind: kind::EXCEPTION,
            base: Some(&$base),
            flags: type_flags::GC | type_flags::BASE | type_flags::DICT | type_flags::WEAKREF,
            ..TypeDef::of::<BaseException>($name)
        };
    )* };
}

pub static BASE_EXCEPTION: TypeDef = TypeDef {
    kind: kind::EXCEPTION,
    flags: type_flags::GC | type_flags::BASE | type_flags::DICT | type_flags::WEAKREF,
    ..TypeDef::of::<BaseException>("BaseException")
};

exception_types! {
    EXCEPTION = "Exception" < BASE_EXCEPTION,
    TYPE_ERROR = "TypeError" < EXCEPTION,
    VALUE_ERROR = "ValueError" < EXCEPTION,
    LOOKUP_ERROR = "LookupError" < EXCEPTION,
    INDEX_ERROR = "IndexError" < LOOKUP_ERROR,
    KEY_ERROR = "KeyError" < LOOKUP_ERROR,
    ARITHMETIC_ERROR = "ArithmeticError" < EXCEPTION,
    OVERFLOW_ERROR = "OverflowError" < ARITHMETIC_ERROR,
    ZERO_DIVISION_ERROR = "ZeroDivisionError" < ARITHMETIC_ERROR,
    RUNTIME_ERROR = "RuntimeError" < EXCEPTION,
    RECURSION_ERROR = "RecursionError" < RUNTIME_ERROR,
    NOT_IMPLEMENTED_ERROR = "NotImplementedError" < RUNTIME_ERROR,
    MEMORY_ERROR = "MemoryError" < EXCEPTION,
    SYSTEM_ERROR = "SystemError" < EXCEPTION,
    BUFFER_ERROR = "BufferError" < EXCEPTION,
    EOF_ERROR = "EOFError" < EXCEPTION,
    ASSERTION_ERROR = "AssertionError" < EXCEPTION,
    REFERENCE_ERROR = "ReferenceError" < EXCEPTION,
    NAME_ERROR = "NameError" < EXCEPTION,
    UNBOUND_LOCAL_ERROR = "UnboundLocalError" < NAME_ERROR,
    ATTRIBUTE_ERROR = "AttributeError" < EXCEPTION,
    STOP_ITERATION = "StopIteration" < EXCEPTION,
}

/// `cls(*args)` for an exception class without running Python code.
pub fn new_exception(th: &mut Thread, ty: &Type, args: Owned) -> Owned {
    th.alloc_as(
        BaseException {
            header: unborn(),
            args: Slot::new(args),
            cause: Slot::empty(),
            context: Slot::empty(),
            traceback: Slot::empty(),
            notes: Slot::empty(),
            suppress_context: Default::default(),
        },
        ty,
    )
}
