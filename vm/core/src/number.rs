//! Number operators: which operand's slot is asked, in which order, and what is an index.

use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;

/// The operators of BINARY_OP, with CPython 3.14's numbers (in-place forms follow at +13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BinaryOp {
    Add = 0,
    And = 1,
    FloorDivide = 2,
    Lshift = 3,
    MatMul = 4,
    Multiply = 5,
    Remainder = 6,
    Or = 7,
    Power = 8,
    Rshift = 9,
    Subtract = 10,
    TrueDivide = 11,
    Xor = 12,
}

/// `a op b` (reflected methods, subclass priority, sequence concat/repeat, TypeError).
pub fn binary_op(th: &mut Thread, _op: BinaryOp, _a: Borrowed<'_>, _b: Borrowed<'_>) -> PyResult {
    Err(th.type_error("unsupported operand"))
}

/// `a op= b`; falls back to `a op b`.
pub fn inplace_op(th: &mut Thread, op: BinaryOp, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    binary_op(th, op, a, b)
}

/// `operator.index(o)`: an exact int.
pub fn index(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(o.to_owned())
}

/// `-o`, `+o`, `~o`, `abs(o)` …
pub fn negative(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let _: Option<Owned> = None;
    Err(th.unsupported_operands("unary -", o, o))
}
