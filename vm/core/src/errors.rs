//! Raising Python exceptions from Rust: one short method per common exception.

use crate::builtins::exceptions as ex;
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::thread::Thread;
use crate::typedef::TypeDef;

macro_rules! raisers {
    ($($name:ident => $def:ident),* $(,)?) => { $(
        #[doc = concat!("Raises `", stringify!($def), "` with a message.")]
        #[cold]
        pub fn $name(&mut self, msg: &str) -> Raised { self.raise(&ex::$def, msg) }
    )* };
}

impl Thread {
    /// Raises an exception of a built-in type with a message as its only argument.
    #[cold]
    pub fn raise(&mut self, def: &'static TypeDef, msg: &str) -> Raised {
        let msg = self.new_str(msg);
        self.raise_value(def, msg)
    }

    /// Raises an exception of a built-in type with one argument.
    #[cold]
    pub fn raise_value(&mut self, def: &'static TypeDef, arg: Owned) -> Raised {
        let args = self.new_tuple(vec![arg]);
        let exc = ex::new_exception(self, def.ty(), args);
        self.throw(exc)
    }

    /// Raises an exception of a built-in type without arguments.
    #[cold]
    pub fn raise_empty(&mut self, def: &'static TypeDef) -> Raised {
        let args = self.new_tuple(vec![]);
        let exc = ex::new_exception(self, def.ty(), args);
        self.throw(exc)
    }

    /// Raises a new exception: sets its `__context__` to the one being handled.
    #[cold]
    pub fn throw(&mut self, exc: Owned) -> Raised {
        ex::chain_context(self, exc.borrow());
        self.set_exc(exc)
    }

    raisers! {
        type_error => TYPE_ERROR,
        value_error => VALUE_ERROR,
        index_error => INDEX_ERROR,
        lookup_error => LOOKUP_ERROR,
        overflow_error => OVERFLOW_ERROR,
        zero_division_error => ZERO_DIVISION_ERROR,
        runtime_error => RUNTIME_ERROR,
        recursion_error => RECURSION_ERROR,
        memory_error => MEMORY_ERROR,
        system_error => SYSTEM_ERROR,
        buffer_error => BUFFER_ERROR,
        eof_error => EOF_ERROR,
        not_implemented_error => NOT_IMPLEMENTED_ERROR,
        unbound_local_error => UNBOUND_LOCAL_ERROR,
        assertion_error => ASSERTION_ERROR,
        reference_error => REFERENCE_ERROR,
    }

    /// Raises what a function of typhon-text reported.
    #[cold]
    pub fn text_error(&mut self, e: &typhon_text::error::TextError) -> Raised {
        use typhon_text::error::ErrorKind;
        match e.kind {
            ErrorKind::Value | ErrorKind::Struct => self.value_error(&e.message),
            ErrorKind::Type => self.type_error(&e.message),
            ErrorKind::Overflow => self.overflow_error(&e.message),
            ErrorKind::Index => self.index_error(&e.message),
            ErrorKind::Memory => self.raise_empty(&ex::MEMORY_ERROR),
        }
    }

    /// `KeyError(key)`.
    #[cold]
    pub fn key_error(&mut self, key: Borrowed<'_>) -> Raised {
        self.raise_value(&ex::KEY_ERROR, key.to_owned())
    }

    /// `StopIteration(value)`, without argument for `None`.
    #[cold]
    pub fn stop_iteration(&mut self, value: Owned) -> Raised {
        if value.is_none() {
            self.raise_empty(&ex::STOP_ITERATION)
        } else {
            self.raise_value(&ex::STOP_ITERATION, value)
        }
    }

    /// Does the exception on its way have this built-in type or a subclass?
    pub fn exc_is(&self, def: &'static TypeDef) -> bool {
        self.exc().is_some_and(|e| e.ty().is_subtype_of(def.ty()))
    }

    /// Turns "raised `def`" into `Ok(None)`; other exceptions pass.
    pub fn absorb<T>(&mut self, r: PyResult<T>, def: &'static TypeDef) -> PyResult<Option<T>> {
        match r {
            Ok(v) => Ok(Some(v)),
            Err(raised) if self.exc_is(def) => {
                drop(self.catch(raised));
                Ok(None)
            }
            Err(raised) => Err(raised),
        }
    }

    /// `TypeError: unsupported operand type(s) for +: 'A' and 'B'`.
    #[cold]
    pub fn unsupported_operands(&mut self, symbol: &str, a: Borrowed<'_>, b: Borrowed<'_>) -> Raised {
        let msg = format!(
            "unsupported operand type(s) for {symbol}: '{}' and '{}'",
            a.type_name(self),
            b.type_name(self)
        );
        self.type_error(&msg)
    }
}
