//! Code as plain data: what the compiler makes and the machine links.

use crate::pystr::PyStr;

/// Values of `Code::flags`.
pub mod flags {
    /// Locals live in fast slots.
    pub const OPTIMIZED: u32 = 0x1;
    /// A call makes a new namespace.
    pub const NEWLOCALS: u32 = 0x2;
    /// Has `*args`.
    pub const VARARGS: u32 = 0x4;
    /// Has `**kwargs`.
    pub const VARKEYWORDS: u32 = 0x8;
    /// Defined inside a function.
    pub const NESTED: u32 = 0x10;
    /// Generator.
    pub const GENERATOR: u32 = 0x20;
    /// Coroutine.
    pub const COROUTINE: u32 = 0x80;
    /// Generator marked by `types.coroutine`.
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    /// Asynchronous generator.
    pub const ASYNC_GENERATOR: u32 = 0x200;
    /// `from __future__ import division`.
    pub const FUTURE_DIVISION: u32 = 0x20000;
    /// `from __future__ import absolute_import`.
    pub const FUTURE_ABSOLUTE_IMPORT: u32 = 0x40000;
    /// `from __future__ import with_statement`.
    pub const FUTURE_WITH_STATEMENT: u32 = 0x80000;
    /// `from __future__ import print_function`.
    pub const FUTURE_PRINT_FUNCTION: u32 = 0x100000;
    /// `from __future__ import unicode_literals`.
    pub const FUTURE_UNICODE_LITERALS: u32 = 0x200000;
    /// `from __future__ import barry_as_FLUFL`.
    pub const FUTURE_BARRY_AS_BDFL: u32 = 0x400000;
    /// `from __future__ import generator_stop`.
    pub const FUTURE_GENERATOR_STOP: u32 = 0x800000;
    /// `from __future__ import annotations`.
    pub const FUTURE_ANNOTATIONS: u32 = 0x1000000;
    /// Not shown to `sys.monitoring`.
    pub const NO_MONITORING_EVENTS: u32 = 0x2000000;
    /// `consts[0]` is the docstring.
    pub const HAS_DOCSTRING: u32 = 0x4000000;
    /// Defined directly in a class body.
    pub const METHOD: u32 = 0x8000000;
    /// All `FUTURE_*` bits.
    pub const FUTURE_MASK: u32 = 0x1fe0000;
}

/// Bits of `Code::localspluskinds`.
pub mod kind {
    /// Positional parameter.
    pub const ARG_POS: u8 = 0x02;
    /// Parameter that can be given by keyword.
    pub const ARG_KW: u8 = 0x04;
    /// `*args` or `**kwargs`.
    pub const ARG_VAR: u8 = 0x08;
    /// Any parameter.
    pub const ARG: u8 = ARG_POS | ARG_KW | ARG_VAR;
    /// Not shown in `locals()`: belongs to an inlined comprehension.
    pub const HIDDEN: u8 = 0x10;
    /// Local variable; together with `CELL` one that inner functions use.
    pub const LOCAL: u8 = 0x20;
    /// Lives in a cell made by MAKE_CELL.
    pub const CELL: u8 = 0x40;
    /// Comes from the closure.
    pub const FREE: u8 = 0x80;
}

/// A compiled code object.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// Positional parameters, positional-only ones included.
    pub argcount: u32,
    /// Positional-only parameters.
    pub posonlyargcount: u32,
    /// Keyword-only parameters.
    pub kwonlyargcount: u32,
    /// Bits of [`flags`].
    pub flags: u32,
    /// Largest depth of the evaluation stack.
    pub stacksize: u32,
    /// First line, decorators included; lines count from 1.
    pub firstlineno: u32,
    /// Name.
    pub name: PyStr,
    /// Qualified name.
    pub qualname: PyStr,
    /// File name as given to the compiler.
    pub filename: PyStr,
    /// 16-bit units: opcode, argument.
    pub code: Vec<u8>,
    /// Constants.
    pub consts: Vec<Const>,
    /// Names of globals, attributes and imports.
    pub names: Vec<PyStr>,
    /// Names of the frame's slots: parameters, other locals, cells that are no parameters or locals, free variables.
    pub localsplusnames: Vec<PyStr>,
    /// Kind of each slot, bits of [`kind`].
    pub localspluskinds: Vec<u8>,
    /// Positions, in CPython's `co_linetable` format.
    pub linetable: Vec<u8>,
    /// Handlers, in CPython's `co_exceptiontable` format.
    pub exceptiontable: Vec<u8>,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    /// `None`
    None,
    /// `True`
    True,
    /// `False`
    False,
    /// `...`
    Ellipsis,
    /// An int of 64 bits.
    Int(i64),
    /// A larger int: sign and lower-case hexadecimal digits without prefix, `-ff00…`.
    BigInt(String),
    /// A float.
    Float(f64),
    /// Real and imaginary part.
    Complex(f64, f64),
    /// A str.
    Str(PyStr),
    /// A bytes.
    Bytes(Vec<u8>),
    /// A tuple.
    Tuple(Vec<Const>),
    /// A frozenset; items are pairwise unequal as constants, not always as Python values.
    FrozenSet(Vec<Const>),
    /// `slice(start, stop, step)`
    Slice(Box<[Const; 3]>),
    /// Code of a function, class or scope.
    Code(Box<Code>),
}

impl Const {
    /// Whether two constants are interchangeable: same type and value, with -0.0 apart from 0.0 and every NaN
    /// pattern apart. Python's `==` is coarser (`1 == 1.0 == True`).
    pub fn same(&self, other: &Const) -> bool {
        match (self, other) {
            (Const::Float(a), Const::Float(b)) => a.to_bits() == b.to_bits(),
            (Const::Complex(a, b), Const::Complex(c, d)) => {
                a.to_bits() == c.to_bits() && b.to_bits() == d.to_bits()
            }
            (Const::Tuple(a), Const::Tuple(b)) | (Const::FrozenSet(a), Const::FrozenSet(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Const::Slice(a), Const::Slice(b)) => a.iter().zip(b.iter()).all(|(a, b)| a.same(b)),
            (Const::Code(_), Const::Code(_)) => false,
            _ => self == other,
        }
    }
}

impl Code {
    /// The docstring, for code with [`flags::HAS_DOCSTRING`].
    pub fn docstring(&self) -> Option<&PyStr> {
        match self.consts.first() {
            Some(Const::Str(text)) if self.flags & flags::HAS_DOCSTRING != 0 => Some(text),
            _ => None,
        }
    }
}

impl Code {
    /// The position of a unit. Linear in the length of the table.
    pub fn position(&self, unit: u32) -> crate::Position {
        let mut behind = 0;
        for (units, position) in crate::decode_linetable(&self.linetable, self.firstlineno) {
            behind += units;
            if unit < behind {
                return position;
            }
        }
        crate::Position::default()
    }
}
