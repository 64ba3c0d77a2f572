//! `BaseException` and the built-in exception classes.
//!
//! Every class is declared once in the list below. Classes with data of their own have a payload that
//! begins with the fields of [`BaseException`] (see `exception_payload!`) and live in a file of
//! `exceptions/`; raising and matching are in `exceptions/raising.rs`.

mod base;
mod import;
mod names;
mod os_error;
mod simple;
mod syntax;
mod unicode;

mod group;
mod matching;
mod raising;

use crate::object::{Borrowed, Owned, Payload, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{TypeDef, kind, type_flags};
use crate::types::Type;

pub use group::{ExceptionGroup, match_group, new_group, prep_reraise_star};
pub use import::{ImportError, import_error};
pub use matching::exc_matches;
pub use names::{AttributeError, NameError, attribute_error, name_error};
pub use os_error::{OsError, new_os_error, os_error, os_error_with, strerror};
pub use raising::{call_class, chain_context, handled, raise_value, reraise_current, set_cause};
pub use simple::{StopIteration, SystemExit};
pub use syntax::{SyntaxErrorKind, SyntaxErrorPayload, syntax_error};
pub use unicode::{
    UnicodeError, new_unicode_decode_error, new_unicode_encode_error, unicode_decode_error,
    unicode_encode_error, unicode_translate_error,
};

/// A payload that begins with the fields of [`BaseException`].
pub trait ExceptionPayload: Payload {
    /// An instance with these `args` (a tuple) and nothing else set.
    fn blank(args: Owned) -> Self;
}

/// Declares a payload whose first fields are those of [`BaseException`], in the same order.
macro_rules! exception_payload {
    ($(#[$m:meta])* $v:vis struct $name:ident : $def:path {
        $($(#[$fm:meta])* $fv:vis $f:ident : $t:ty = $init:expr),* $(,)?
    }) => {
        $crate::payload! {
            $(#[$m])*
            $v struct $name: $def {
                /// `args`: a tuple.
                pub args: $crate::Slot,
                /// `__cause__`, empty for None.
                pub cause: $crate::Slot,
                /// `__context__`, empty for None.
                pub context: $crate::Slot,
                /// `__traceback__`, empty for None.
                pub traceback: $crate::Slot,
                pub suppress_context: typhon_sync::prim::AtomicBool,
                $($(#[$fm])* $fv $f: $t),*
            }
        }
        impl $crate::builtins::exceptions::ExceptionPayload for $name {
            fn blank(args: $crate::Owned) -> Self {
                $name {
                    header: $crate::unborn(),
                    args: $crate::Slot::new(args),
                    cause: $crate::Slot::empty(),
                    context: $crate::Slot::empty(),
                    traceback: $crate::Slot::empty(),
                    suppress_context: typhon_sync::prim::AtomicBool::new(false),
                    $($f: $init),*
                }
            }
        }
    };
}
use exception_payload;

/// An attribute that is a [`Slot`] of the payload: `None` when empty, may be set and deleted.
macro_rules! slot_attribute {
    ($t:ty, $name:literal, $field:ident) => {
        $crate::GetSetDef {
            name: $name,
            get: |_, o| {
                let p = $crate::builtins::exceptions::this::<$t>(o);
                Ok(p.$field.get(&p.header).unwrap_or_else($crate::Owned::none))
            },
            set: Some(|_, o, v| {
                let p = $crate::builtins::exceptions::this::<$t>(o);
                match v {
                    Some(v) => p.$field.set(&p.header, v.to_owned()),
                    None => drop(p.$field.clear(&p.header)),
                }
                Ok(())
            }),
            doc: "",
        }
    };
}
use slot_attribute;

exception_payload! {
    /// What every exception begins with.
    pub struct BaseException: BASE_EXCEPTION {}
}

const FLAGS: u32 = type_flags::GC | type_flags::BASE | type_flags::DICT | type_flags::WEAKREF;

pub static BASE_EXCEPTION: TypeDef = TypeDef {
    kind: kind::EXCEPTION,
    flags: FLAGS,
    doc: "Common base class for all exceptions.",
    slots: base::SLOTS,
    methods: base::METHODS,
    getset: base::GETSET,
    ..TypeDef::of::<BaseException>("BaseException")
};

macro_rules! exception_types {
    ($($def:ident = $name:literal < $base:ident $(as $payload:ty)? $(, $field:ident : $value:expr)* ; $doc:literal)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $doc)]
            pub static $def: TypeDef = TypeDef {
                base: Some(&$base),
                flags: FLAGS,
                doc: $doc,
                $($field: $value,)*
                ..exception_types!(@of $name $($payload)?)
            };
        )*
        /// Every exception class of `builtins`, bases first.
        pub static TYPES: &[&TypeDef] = &[&BASE_EXCEPTION, $(&$def),*];
    };
    (@of $name:literal) => { TypeDef::of::<BaseException>($name) };
    (@of $name:literal $payload:ty) => { TypeDef::of::<$payload>($name) };
}

exception_types! {
    BASE_EXCEPTION_GROUP = "BaseExceptionGroup" < BASE_EXCEPTION as ExceptionGroup,
        slots: group::SLOTS, methods: group::METHODS, getset: group::GETSET;
        "A combination of multiple unrelated exceptions."
    GENERATOR_EXIT = "GeneratorExit" < BASE_EXCEPTION; "Request that a generator exit."
    KEYBOARD_INTERRUPT = "KeyboardInterrupt" < BASE_EXCEPTION; "Program interrupted by user."
    SYSTEM_EXIT = "SystemExit" < BASE_EXCEPTION as SystemExit,
        slots: simple::SYSTEM_EXIT_SLOTS, getset: simple::SYSTEM_EXIT_GETSET;
        "Request to exit from the interpreter."
    EXCEPTION = "Exception" < BASE_EXCEPTION; "Common base class for all non-exit exceptions."
    EXCEPTION_GROUP = "ExceptionGroup" < BASE_EXCEPTION_GROUP as ExceptionGroup,
        setup: Some(group::setup_exception_group); ""
    ARITHMETIC_ERROR = "ArithmeticError" < EXCEPTION; "Base class for arithmetic errors."
    FLOATING_POINT_ERROR = "FloatingPointError" < ARITHMETIC_ERROR; "Floating-point operation failed."
    OVERFLOW_ERROR = "OverflowError" < ARITHMETIC_ERROR; "Result too large to be represented."
    ZERO_DIVISION_ERROR = "ZeroDivisionError" < ARITHMETIC_ERROR;
        "Second argument to a division or modulo operation was zero."
    ASSERTION_ERROR = "AssertionError" < EXCEPTION; "Assertion failed."
    ATTRIBUTE_ERROR = "AttributeError" < EXCEPTION as AttributeError,
        slots: names::ATTRIBUTE_ERROR_SLOTS, methods: names::ATTRIBUTE_ERROR_METHODS,
        getset: names::ATTRIBUTE_ERROR_GETSET;
        "Attribute not found."
    BUFFER_ERROR = "BufferError" < EXCEPTION; "Buffer error."
    EOF_ERROR = "EOFError" < EXCEPTION; "Read beyond end of file."
    IMPORT_ERROR = "ImportError" < EXCEPTION as ImportError,
        slots: import::SLOTS, methods: import::METHODS, getset: import::GETSET;
        "Import can't find module, or can't find name in module."
    MODULE_NOT_FOUND_ERROR = "ModuleNotFoundError" < IMPORT_ERROR as ImportError; "Module not found."
    LOOKUP_ERROR = "LookupError" < EXCEPTION; "Base class for lookup errors."
    INDEX_ERROR = "IndexError" < LOOKUP_ERROR; "Sequence index out of range."
    KEY_ERROR = "KeyError" < LOOKUP_ERROR, slots: simple::KEY_ERROR_SLOTS; "Mapping key not found."
    MEMORY_ERROR = "MemoryError" < EXCEPTION; "Out of memory."
    NAME_ERROR = "NameError" < EXCEPTION as NameError,
        slots: names::NAME_ERROR_SLOTS, getset: names::NAME_ERROR_GETSET;
        "Name not found globally."
    UNBOUND_LOCAL_ERROR = "UnboundLocalError" < NAME_ERROR as NameError;
        "Local name referenced but not bound to a value."
    OS_ERROR = "OSError" < EXCEPTION as OsError,
        slots: os_error::SLOTS, methods: os_error::METHODS, getset: os_error::GETSET;
        "Base class for I/O related errors."
    BLOCKING_IO_ERROR = "BlockingIOError" < OS_ERROR as OsError; "I/O operation would block."
    CHILD_PROCESS_ERROR = "ChildProcessError" < OS_ERROR as OsError; "Child process error."
    CONNECTION_ERROR = "ConnectionError" < OS_ERROR as OsError; "Connection error."
    BROKEN_PIPE_ERROR = "BrokenPipeError" < CONNECTION_ERROR as OsError; "Broken pipe."
    CONNECTION_ABORTED_ERROR = "ConnectionAbortedError" < CONNECTION_ERROR as OsError; "Connection aborted."
    CONNECTION_REFUSED_ERROR = "ConnectionRefusedError" < CONNECTION_ERROR as OsError; "Connection refused."
    CONNECTION_RESET_ERROR = "ConnectionResetError" < CONNECTION_ERROR as OsError; "Connection reset."
    FILE_EXISTS_ERROR = "FileExistsError" < OS_ERROR as OsError; "File already exists."
    FILE_NOT_FOUND_ERROR = "FileNotFoundError" < OS_ERROR as OsError; "File not found."
    INTERRUPTED_ERROR = "InterruptedError" < OS_ERROR as OsError; "Interrupted by signal."
    IS_A_DIRECTORY_ERROR = "IsADirectoryError" < OS_ERROR as OsError; "Operation doesn't work on directories."
    NOT_A_DIRECTORY_ERROR = "NotADirectoryError" < OS_ERROR as OsError; "Operation only works on directories."
    PERMISSION_ERROR = "PermissionError" < OS_ERROR as OsError; "Not enough permissions."
    PROCESS_LOOKUP_ERROR = "ProcessLookupError" < OS_ERROR as OsError; "Process not found."
    TIMEOUT_ERROR = "TimeoutError" < OS_ERROR as OsError; "Timeout expired."
    REFERENCE_ERROR = "ReferenceError" < EXCEPTION; "Weak ref proxy used after referent went away."
    RUNTIME_ERROR = "RuntimeError" < EXCEPTION; "Unspecified run-time error."
    NOT_IMPLEMENTED_ERROR = "NotImplementedError" < RUNTIME_ERROR;
        "Method or function hasn't been implemented yet."
    PYTHON_FINALIZATION_ERROR = "PythonFinalizationError" < RUNTIME_ERROR;
        "Operation blocked during Python finalization."
    RECURSION_ERROR = "RecursionError" < RUNTIME_ERROR; "Recursion limit exceeded."
    STOP_ASYNC_ITERATION = "StopAsyncIteration" < EXCEPTION; "Signal the end from iterator.__anext__()."
    STOP_ITERATION = "StopIteration" < EXCEPTION as StopIteration,
        slots: simple::STOP_ITERATION_SLOTS, getset: simple::STOP_ITERATION_GETSET;
        "Signal the end from iterator.__next__()."
    SYNTAX_ERROR = "SyntaxError" < EXCEPTION as SyntaxErrorPayload,
        slots: syntax::SLOTS, getset: syntax::GETSET;
        "Invalid syntax."
    INCOMPLETE_INPUT_ERROR = "_IncompleteInputError" < SYNTAX_ERROR as SyntaxErrorPayload;
        "incomplete input."
    INDENTATION_ERROR = "IndentationError" < SYNTAX_ERROR as SyntaxErrorPayload; "Improper indentation."
    TAB_ERROR = "TabError" < INDENTATION_ERROR as SyntaxErrorPayload; "Improper mixture of spaces and tabs."
    SYSTEM_ERROR = "SystemError" < EXCEPTION;
        "Internal error in the Python interpreter.\n\nPlease report this to the Python maintainer, along with the traceback,\nthe Python version, and the hardware/OS platform and version."
    TYPE_ERROR = "TypeError" < EXCEPTION; "Inappropriate argument type."
    VALUE_ERROR = "ValueError" < EXCEPTION; "Inappropriate argument value (of correct type)."
    UNICODE_ERROR = "UnicodeError" < VALUE_ERROR as UnicodeError, slots: unicode::BASE_SLOTS;
        "Unicode related error."
    UNICODE_DECODE_ERROR = "UnicodeDecodeError" < UNICODE_ERROR as UnicodeError,
        slots: unicode::DECODE_SLOTS, getset: unicode::CODEC_GETSET;
        "Unicode decoding error."
    UNICODE_ENCODE_ERROR = "UnicodeEncodeError" < UNICODE_ERROR as UnicodeError,
        slots: unicode::ENCODE_SLOTS, getset: unicode::CODEC_GETSET;
        "Unicode encoding error."
    UNICODE_TRANSLATE_ERROR = "UnicodeTranslateError" < UNICODE_ERROR as UnicodeError,
        slots: unicode::TRANSLATE_SLOTS, getset: unicode::TRANSLATE_GETSET;
        "Unicode translation error."
    WARNING = "Warning" < EXCEPTION; "Base class for warning categories."
    BYTES_WARNING = "BytesWarning" < WARNING;
        "Base class for warnings about bytes and buffer related problems, mostly\nrelated to conversion from str or comparing to str."
    DEPRECATION_WARNING = "DeprecationWarning" < WARNING;
        "Base class for warnings about deprecated features."
    ENCODING_WARNING = "EncodingWarning" < WARNING; "Base class for warnings about encodings."
    FUTURE_WARNING = "FutureWarning" < WARNING;
        "Base class for warnings about constructs that will change semantically\nin the future."
    IMPORT_WARNING = "ImportWarning" < WARNING;
        "Base class for warnings about probable mistakes in module imports"
    PENDING_DEPRECATION_WARNING = "PendingDeprecationWarning" < WARNING;
        "Base class for warnings about features which will be deprecated\nin the future."
    RESOURCE_WARNING = "ResourceWarning" < WARNING; "Base class for warnings about resource usage."
    RUNTIME_WARNING = "RuntimeWarning" < WARNING; "Base class for warnings about dubious runtime behavior."
    SYNTAX_WARNING = "SyntaxWarning" < WARNING; "Base class for warnings about dubious syntax."
    UNICODE_WARNING = "UnicodeWarning" < WARNING;
        "Base class for warnings about Unicode related problems, mostly\nrelated to conversion problems."
    USER_WARNING = "UserWarning" < WARNING; "Base class for warnings generated by user code."
}

/// The payload of `self` in a method or attribute of `T`'s type.
#[inline]
fn this<T: Payload>(o: Borrowed<'_>) -> &T {
    o.downcast::<T>().expect("self has the type of its method")
}

/// `__new__` of a class with payload `T`: takes any arguments and keeps the positional ones.
fn construct<T: ExceptionPayload>(th: &mut Thread, ty: &Type, a: Args<'_>) -> PyResult {
    let args = th.new_tuple(a.pos().iter().map(|v| (*v).to_owned()).collect());
    Ok(th.alloc_as(T::blank(args), ty))
}

/// `cls(*args)` for a built-in exception class, without running Python code. One allocation for
/// classes without data of their own, StopIteration included.
pub fn new_exception(th: &mut Thread, ty: &Type, args: Owned) -> Owned {
    if ty.layout.0.size == size_of::<BaseException>() {
        return th.alloc_as(BaseException::blank(args), ty);
    }
    if core::ptr::eq(ty, STOP_ITERATION.ty()) {
        let value = args.payload::<super::tuple::Tuple>().iter().next().map(|v| v.to_owned());
        let exc = StopIteration { value: Slot::from_option(value), ..StopIteration::blank(args) };
        return th.alloc_as(exc, ty);
    }
    let items: Vec<Owned> = args.payload::<super::tuple::Tuple>().iter().map(|v| v.to_owned()).collect();
    let items: Vec<Borrowed<'_>> = items.iter().map(|v| v.borrow()).collect();
    match construct_exception(th, ty, Args::positional(&items)) {
        Ok(exc) => exc,
        Err(raised) => th.catch(raised),
    }
}

/// `cls(...)` by the slots of the class.
fn construct_exception(th: &mut Thread, ty: &Type, a: Args<'_>) -> PyResult {
    let new = ty.slots.new().unwrap_or(construct::<BaseException>);
    let exc = new(th, ty, a)?;
    if let Some(init) = ty.slots.init() {
        init(th, exc.borrow(), a)?;
    }
    Ok(exc)
}

/// The fields that every exception has.
#[inline]
pub fn base_of(exc: Borrowed<'_>) -> &BaseException {
    this::<BaseException>(exc)
}

/// Is this an instance of `BaseException`?
#[inline]
pub fn is_exception(o: Borrowed<'_>) -> bool {
    o.shape().kind() & kind::EXCEPTION != 0
}

/// The class, if `o` is one that derives from `BaseException`.
#[inline]
pub fn exception_class(o: Borrowed<'_>) -> Option<&Type> {
    // `kind` says what instances are: it is inherited from the bases.
    o.downcast::<Type>().filter(|t| t.kind() & kind::EXCEPTION != 0)
}

/// Raises TypeError if keywords were given: `T() takes no keyword arguments`.
fn no_keywords(th: &mut Thread, ty: &Type, a: &Args<'_>) -> PyResult<()> {
    if a.has_keywords() {
        let msg = format!("{}() takes no keyword arguments", ty.display_name());
        return Err(th.type_error(&msg));
    }
    Ok(())
}

/// Slots of a class whose payload is `T`, with its own `__init__`.
const fn slots_of<T: ExceptionPayload>(init: crate::slots::InitFn) -> Slots {
    Slots { new: Some(construct::<T>), init: Some(init), ..Slots::NONE }
}
