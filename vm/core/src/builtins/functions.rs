//! The functions of the module `builtins`.

pub mod asynchronous;
pub mod attributes;
pub mod bulk;
pub mod convert;
pub mod input;
pub mod iterate;
pub mod namespaces;
pub mod print;

use crate::builtins::exceptions as ex;
use crate::builtins::type_::build_class;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::typedef::{NativeDef, TypeDef};
use crate::word::Word;

/// Every function of `builtins` but `open`, which the module `io` adds.
pub static BUILTIN_FUNCTIONS: &[NativeDef] = &[
    NativeDef::new("abs", "(number, /)", convert::abs, "Return the absolute value of the argument."),
    NativeDef::new(
        "aiter",
        "(async_iterable, /)",
        asynchronous::aiter,
        "Return an AsyncIterator for an AsyncIterable object.",
    ),
    NativeDef::new(
        "all",
        "(iterable, /)",
        bulk::all,
        "Return True if bool(x) is True for all values x in the iterable.\n\n\
         If the iterable is empty, return True.",
    ),
    NativeDef::new(
        "anext",
        "(async_iterator, default=<unrepresentable>, /)",
        asynchronous::anext,
        "Return the next item from the async iterator.\n\n\
         If default is given and the async iterator is exhausted,\n\
         it is returned instead of raising StopAsyncIteration.",
    ),
    NativeDef::new(
        "any",
        "(iterable, /)",
        bulk::any,
        "Return True if bool(x) is True for any x in the iterable.\n\n\
         If the iterable is empty, return False.",
    ),
    NativeDef::new(
        "ascii",
        "(obj, /)",
        convert::ascii,
        "Return an ASCII-only representation of an object.\n\n\
         As repr(), return a string containing a printable representation of an\n\
         object, but escape the non-ASCII characters in the string returned by\n\
         repr() using \\x, \\u or \\U escapes.",
    ),
    NativeDef::new(
        "bin",
        "(integer, /)",
        convert::bin,
        "Return the binary representation of an integer.\n\n   >>> bin(2796202)\n   '0b1010101010101010101010'",
    ),
    NativeDef::raw(
        "breakpoint",
        "(*args, **kws)",
        namespaces::breakpoint,
        "Call sys.breakpointhook(*args, **kws).\n\n\
         By default, this drops you into the pdb debugger.",
    ),
    NativeDef::new(
        "callable",
        "(obj, /)",
        attributes::callable,
        "Return whether the object is callable (i.e., some kind of function).\n\n\
         Note that classes are callable, as are instances of classes with a\n\
         __call__() method.",
    ),
    NativeDef::new(
        "chr",
        "(i, /)",
        convert::chr,
        "Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff.",
    ),
    NativeDef::new(
        "delattr",
        "(obj, name, /)",
        attributes::delattr,
        "Deletes the named attribute from the given object.\n\n\
         delattr(x, 'y') is equivalent to ``del x.y``",
    ),
    NativeDef::new(
        "dir",
        "(object=<unrepresentable>, /)",
        namespaces::dir,
        "Show attributes of an object, or the names in the current scope.",
    ),
    NativeDef::new(
        "divmod",
        "(x, y, /)",
        convert::divmod,
        "Return the tuple (x//y, x%y).  Invariant: div*y + mod == x.",
    ),
    NativeDef::new(
        "format",
        "(value, format_spec='', /)",
        convert::format,
        "Return type(value).__format__(value, format_spec).\n\n\
         Many built-in types implement format_spec according to the\n\
         Format Specification Mini-language. See help('FORMATTING').",
    ),
    NativeDef::new(
        "getattr",
        "(object, name, default=<unrepresentable>, /)",
        attributes::getattr,
        "Get a named attribute from an object.\n\n\
         getattr(x, 'y') is equivalent to ``x.y``.\n\n\
         When a default argument is given, it is returned when the attribute\n\
         doesn't exist; without it, an exception is raised in that case.",
    ),
    NativeDef::new(
        "globals",
        "()",
        namespaces::globals,
        "Return the dictionary containing the current scope's global variables.\n\n\
         NOTE: Updates to this dictionary *will* affect name lookups in the current\n\
         global scope and vice-versa.",
    ),
    NativeDef::new(
        "hasattr",
        "(obj, name, /)",
        attributes::hasattr,
        "Return whether the object has an attribute with the given name.\n\n\
         This is done by calling getattr(obj, name) and catching AttributeError.",
    ),
    NativeDef::new(
        "hash",
        "(obj, /)",
        convert::hash,
        "Return the hash value for the given object.\n\n\
         Two objects that compare equal must also have the same hash value, but the\n\
         reverse is not necessarily true.",
    ),
    NativeDef::new(
        "hex",
        "(integer, /)",
        convert::hex,
        "Return the hexadecimal representation of an integer.\n\n   >>> hex(12648430)\n   '0xc0ffee'",
    ),
    NativeDef::new(
        "id",
        "(obj, /)",
        convert::id,
        "Return the identity of an object.\n\n\
         This is guaranteed to be unique among simultaneously existing objects.",
    ),
    NativeDef::new(
        "input",
        "(prompt='', /)",
        input::input,
        "Read a string from standard input.  The trailing newline is stripped.\n\n\
         The prompt string, if given, is printed to standard output without a\n\
         trailing newline before reading input.\n\n\
         If the user hits EOF (*nix: Ctrl-D), raise EOFError.",
    ),
    NativeDef::new(
        "isinstance",
        "(obj, class_or_tuple, /)",
        attributes::isinstance,
        "Return whether an object is an instance of a class or of a subclass thereof.\n\n\
         A tuple, as in ``isinstance(x, (A, B, ...))``, may be given as the target to\n\
         check against. This is equivalent to ``isinstance(x, A) or isinstance(x, B)\n\
         or ...`` etc.",
    ),
    NativeDef::new(
        "issubclass",
        "(cls, class_or_tuple, /)",
        attributes::issubclass,
        "Return whether 'cls' is derived from another class or is the same class.\n\n\
         A tuple, as in ``issubclass(x, (A, B, ...))``, may be given as the target to\n\
         check against. This is equivalent to ``issubclass(x, A) or issubclass(x, B)\n\
         or ...``.",
    ),
    NativeDef::new(
        "iter",
        "(object, sentinel=<unrepresentable>, /)",
        iterate::iter,
        "Get an iterator from an object.\n\n\
         In the first form, the argument must supply its own iterator, or be a\n\
         sequence. In the second form, the callable is called until it returns the\n\
         sentinel.",
    ),
    NativeDef::new("len", "(obj, /)", convert::len, "Return the number of items in a container."),
    NativeDef::new(
        "locals",
        "()",
        namespaces::locals,
        "Return a dictionary containing the current scope's local variables.\n\n\
         NOTE: Whether or not updates to this dictionary will affect name lookups in\n\
         the local scope and vice-versa is *implementation dependent* and not\n\
         covered by any backwards compatibility guarantees.",
    ),
    NativeDef::raw(
        "max",
        "(*args, *, key=None, default=<unrepresentable>)",
        bulk::max,
        "max(iterable, *[, default=obj, key=func]) -> value\n\
         max(arg1, arg2, *args, *[, key=func]) -> value\n\n\
         With a single iterable argument, return its biggest item. The\n\
         default keyword-only argument specifies an object to return if\n\
         the provided iterable is empty.\n\
         With two or more positional arguments, return the largest argument.",
    ),
    NativeDef::raw(
        "min",
        "(*args, *, key=None, default=<unrepresentable>)",
        bulk::min,
        "min(iterable, *[, default=obj, key=func]) -> value\n\
         min(arg1, arg2, *args, *[, key=func]) -> value\n\n\
         With a single iterable argument, return its smallest item. The\n\
         default keyword-only argument specifies an object to return if\n\
         the provided iterable is empty.\n\
         With two or more positional arguments, return the smallest argument.",
    ),
    NativeDef::new(
        "next",
        "(iterator, default=<unrepresentable>, /)",
        iterate::next,
        "Return the next item from the iterator.\n\n\
         If default is given and the iterator is exhausted,\n\
         it is returned instead of raising StopIteration.",
    ),
    NativeDef::new(
        "oct",
        "(integer, /)",
        convert::oct,
        "Return the octal representation of an integer.\n\n   >>> oct(342391)\n   '0o1234567'",
    ),
    NativeDef::new(
        "ord",
        "(c, /)",
        convert::ord,
        "Return the ordinal value of a character.\n\n\
         If the argument is a one-character string, return the Unicode code\n\
         point of that character.\n\n\
         If the argument is a bytes or bytearray object of length 1, return its\n\
         single byte value.",
    ),
    NativeDef::new(
        "pow",
        "(base, exp, mod=None)",
        convert::pow,
        "Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments.\n\n\
         Some types, such as ints, are able to use a more efficient algorithm when\n\
         invoked using the three argument form.",
    ),
    NativeDef::raw(
        "print",
        "(*args, sep=' ', end='\\n', file=None, flush=False)",
        print::print,
        "Prints the values to a stream, or to sys.stdout by default.\n\n\
         sep\n  string inserted between values, default a space.\n\
         end\n  string appended after the last value, default a newline.\n\
         file\n  a file-like object (stream); defaults to the current sys.stdout.\n\
         flush\n  whether to forcibly flush the stream.",
    ),
    NativeDef::new(
        "repr",
        "(obj, /)",
        convert::repr,
        "Return the canonical string representation of the object.\n\n\
         For many object types, including most builtins, eval(repr(obj)) == obj.",
    ),
    NativeDef::new(
        "round",
        "(number, ndigits=None)",
        convert::round,
        "Round a number to a given precision in decimal digits.\n\n\
         The return value is an integer if ndigits is omitted or None.  Otherwise\n\
         the return value has the same type as the number.  ndigits may be negative.",
    ),
    NativeDef::new(
        "setattr",
        "(obj, name, value, /)",
        attributes::setattr,
        "Sets the named attribute on the given object to the specified value.\n\n\
         setattr(x, 'y', v) is equivalent to ``x.y = v``",
    ),
    NativeDef::new(
        "sorted",
        "(iterable, /, *, key=None, reverse=False)",
        bulk::sorted,
        "Return a new list containing all items from the iterable in ascending order.\n\n\
         A custom key function can be supplied to customize the sort order, and the\n\
         reverse flag can be set to request the result in descending order.",
    ),
    NativeDef::new(
        "sum",
        "(iterable, /, start=0)",
        bulk::sum,
        "Return the sum of a 'start' value (default: 0) plus an iterable of numbers\n\n\
         When the iterable is empty, return the start value.\n\
         This function is intended specifically for use with numeric values and may\n\
         reject non-numeric types.",
    ),
    NativeDef::new(
        "vars",
        "(object=<unrepresentable>, /)",
        namespaces::vars,
        "Show vars.\n\n\
         Without arguments, equivalent to locals().\n\
         With an argument, equivalent to object.__dict__.",
    ),
    build_class::BUILD_CLASS,
    NativeDef::new(
        "__import__",
        "(name, globals=None, locals=None, fromlist=(), level=0)",
        namespaces::import,
        "Import a module.\n\n\
         Because this function is meant for use by the Python\n\
         interpreter and not for general use, it is better to use\n\
         importlib.import_module() to programmatically import a module.",
    ),
];

/// Types that only these functions make.
pub static TYPES: &[&TypeDef] = &[&asynchronous::ANEXT_AWAITABLE];

/// Fills the namespace of `builtins`: functions, types, exceptions, constants.
pub fn setup(th: &mut Thread) -> PyResult<()> {
    let module = builtins_module(th);
    for def in BUILTIN_FUNCTIONS.iter().chain(super::code_functions::FUNCTIONS) {
        let f = th.new_native_function(def, module.as_ref().map(|m| m.borrow()));
        if def.name == "__import__" {
            crate::import::set_original(f.borrow());
        }
        if matches!(def.name, "all" | "any") {
            // For LOAD_COMMON_CONSTANT.
            th.rt.store(def.name, f.clone());
        }
        put(th, def.name, f)?;
    }
    for def in super::BUILTIN_NAMES.iter().chain(ex::TYPES) {
        put(th, def.name, def.ty().as_value().to_owned())?;
    }
    for alias in ["EnvironmentError", "IOError"] {
        put(th, alias, ex::OS_ERROR.ty().as_value().to_owned())?;
    }
    for (name, w) in [
        ("None", Word::NONE),
        ("Ellipsis", Word::ELLIPSIS),
        ("NotImplemented", Word::NOT_IMPLEMENTED),
        ("False", Word::FALSE),
        ("True", Word::TRUE),
        ("__debug__", Word::bool(th.rt.config.optimize == 0)),
    ] {
        put(th, name, Owned::from_const(w))?;
    }
    Ok(())
}

fn builtins_module(th: &mut Thread) -> Option<Owned> {
    let name = th.rt.names.builtins.word();
    th.rt.modules.fixed()?.downcast::<super::dict::Dict>()?.get_interned(name)
}

fn put(th: &mut Thread, name: &str, v: Owned) -> PyResult<()> {
    let key = th.intern(name);
    let dict = th.builtins_dict().downcast::<super::dict::Dict>().expect("builtins has a dict");
    dict.set(th, key.borrow(), v)
}

/// The name argument of an attribute function, interned.
fn attribute_name(th: &mut Thread, name: Borrowed<'_>) -> PyResult {
    match name.downcast::<super::str::Str>() {
        Some(_) => Ok(th.intern_str(name)),
        None => {
            let msg = format!("attribute name must be string, not '{}'", name.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}
