//! Interned names that the VM itself looks up: declared once, read as `th.rt.names.__init__`.

use typhon_sync::prim::{AtomicU64, Ordering};

use crate::object::Borrowed;
use crate::thread::Thread;
use crate::word::Word;

/// One interned name.
pub struct Name(AtomicU64);

impl Name {
    #[inline(always)]
    pub fn word(&self) -> Word {
        // ORDERING Relaxed: written once at start.
        Word(self.0.load(Ordering::Relaxed))
    }
    #[inline(always)]
    pub fn get(&self) -> Borrowed<'static> {
        // SAFETY: interned strings are immortal.
        unsafe { Borrowed::from_raw(self.word()) }
    }
}

macro_rules! define_names {
    ($($name:ident $(= $text:literal)?),* $(,)?) => {
        /// See the module.
        #[allow(missing_docs, reason = "each field is the name it says")]
        pub struct Names { $(pub $name: Name),* }
        impl Names {
            pub(crate) fn unset() -> Names {
                Names { $($name: Name(AtomicU64::new(Word::NONE.0))),* }
            }
            pub(crate) fn fill(&self, th: &mut Thread) {
                $(
                    let text = define_names!(@text $name $($text)?);
                    let w = th.intern(text).into_raw();
                    // ORDERING Relaxed: before any other thread exists.
                    self.$name.0.store(w.0, Ordering::Relaxed);
                )*
            }
        }
    };
    (@text $name:ident) => { stringify!($name) };
    (@text $name:ident $text:literal) => { $text };
}

define_names! {
    __abs__, __add__, __aenter__, __aexit__, __aiter__, __all__, __and__, __anext__, __annotate__,
    __annotate_func__, __annotations__, __annotations_cache__, __await__, __bases__, __bool__, __buffer__, __build_class__,
    __builtins__, __bytes__, __call__, __cached__, __cause__, __class__, __class_getitem__,
    __classcell__, __classdict__, __classdictcell__, __closure__, __code__, __complex__, __contains__,
    __context__, __copy__, __deepcopy__, __defaults__, __del__, __delattr__, __delete__, __delitem__,
    __dict__, __dir__, __divmod__, __doc__, __enter__, __eq__, __exit__, __file__, __firstlineno__,
    __float__, __floordiv__, __format__, __ge__, __get__, __getattr__, __getattribute__, __getitem__,
    __getstate__, __globals__, __gt__, __hash__, __iadd__, __iand__, __ifloordiv__, __ilshift__,
    __imatmul__, __imod__, __import__, __imul__, __index__, __init__, __init_subclass__,
    __instancecheck__, __int__, __invert__, __ior__, __ipow__, __irshift__, __isabstractmethod__,
    __isub__, __iter__, __itruediv__, __ixor__, __kwdefaults__, __le__, __len__, __length_hint__,
    __loader__, __lshift__, __lt__, __main__, __match_args__, __matmul__, __missing__, __mod__,
    __module__, __mro__, __mro_entries__, __mul__, __name__, __ne__, __neg__, __new__, __next__,
    __notes__, __objclass__, __or__, __orig_bases__, __orig_class__, __origin__, __args__,
    __parameters__, __package__, __path__, __pos__, __pow__, __prepare__, __qualname__, __radd__,
    __rand__, __rdivmod__, __reduce__, __reduce_ex__, __release_buffer__, __repr__, __reversed__,
    __rfloordiv__, __rlshift__, __rmatmul__, __rmod__, __rmul__, __ror__, __round__, __rpow__,
    __rrshift__, __rshift__, __rsub__, __rtruediv__, __rxor__, __self__, __set__, __set_name__,
    __setattr__, __setitem__, __setstate__, __slots__, __spec__, __static_attributes__, __str__,
    __sub__, __subclasscheck__, __subclasshook__, __suppress_context__, __text_signature__,
    __traceback__, __truediv__, __trunc__, __floor__, __ceil__, __type_params__,
    __typing_subst__, __typing_prepare_subst__, __unpacked__, __weakref__, __wrapped__, __xor__,
    __abstractmethods__, __basicsize__, __value__, __warningregistry__,
    _initializing, args, builtins, close, dot_builtin = "builtins", encoding, errors, excepthook, exit, extend,
    fileno, fget, flush, get, getvalue, items, join, keys, kwargs, last_exc, last_traceback, last_type,
    last_value, locals, main = "__main__", metaclass, mode, modules, mro, name, obj, path, pop, print_file_and_line,
    read, readline, reverse, key, send, sort, stderr, stdin, stdout, sys, tb_next, throw,
    type_ = "type", update, value, values, write, self_ = "self", lambda = "<lambda>", module_scope = "<module>",
    listcomp = "<listcomp>", genexpr = "<genexpr>", ps1, ps2, sep, end, file, format, strict, import_ = "import",
    filename, lineno, offset, text, msg, end_lineno, end_offset, default_ = "default", start, stop, step, size, empty = "", true_ = "True", false_ = "False", none_ = "None",
}
