//! Number operators: which operand's slot is asked, in which order, and what is an index.

use crate::builtins::int::BigInt;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{BinaryFn, TernaryFn, UnaryFn};
use crate::thread::Thread;
use crate::types::Type;
use crate::word::Word;

pub use crate::builtins::float::arith::{
    float_add, float_divmod, float_floor_divide, float_multiply, float_power, float_remainder,
    float_subtract, float_true_divide,
};
pub use crate::builtins::int::arith::{
    int_add, int_and, int_divmod, int_floor_divide, int_lshift, int_multiply, int_or, int_power,
    int_remainder, int_rshift, int_subtract, int_true_divide, int_xor,
};

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

impl BinaryOp {
    pub const ALL: [BinaryOp; 13] = [
        BinaryOp::Add,
        BinaryOp::And,
        BinaryOp::FloorDivide,
        BinaryOp::Lshift,
        BinaryOp::MatMul,
        BinaryOp::Multiply,
        BinaryOp::Remainder,
        BinaryOp::Or,
        BinaryOp::Power,
        BinaryOp::Rshift,
        BinaryOp::Subtract,
        BinaryOp::TrueDivide,
        BinaryOp::Xor,
    ];

    /// The operator with this number; `None` for numbers of in-place forms and others.
    pub fn from_number(n: u32) -> Option<BinaryOp> {
        Self::ALL.get(n as usize).copied()
    }

    /// As written in source; for error messages.
    pub const fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::And => "&",
            BinaryOp::FloorDivide => "//",
            BinaryOp::Lshift => "<<",
            BinaryOp::MatMul => "@",
            BinaryOp::Multiply => "*",
            BinaryOp::Remainder => "%",
            BinaryOp::Or => "|",
            BinaryOp::Power => "** or pow()",
            BinaryOp::Rshift => ">>",
            BinaryOp::Subtract => "-",
            BinaryOp::TrueDivide => "/",
            BinaryOp::Xor => "^",
        }
    }

    /// The in-place form as written in source.
    pub const fn inplace_symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+=",
            BinaryOp::And => "&=",
            BinaryOp::FloorDivide => "//=",
            BinaryOp::Lshift => "<<=",
            BinaryOp::MatMul => "@=",
            BinaryOp::Multiply => "*=",
            BinaryOp::Remainder => "%=",
            BinaryOp::Or => "|=",
            BinaryOp::Power => "**=",
            BinaryOp::Rshift => ">>=",
            BinaryOp::Subtract => "-=",
            BinaryOp::TrueDivide => "/=",
            BinaryOp::Xor => "^=",
        }
    }

    fn slot(self, t: &Type) -> Option<BinaryFn> {
        let s = &t.slots;
        match self {
            BinaryOp::Add => s.add(),
            BinaryOp::And => s.and(),
            BinaryOp::FloorDivide => s.floor_divide(),
            BinaryOp::Lshift => s.lshift(),
            BinaryOp::MatMul => s.matmul(),
            BinaryOp::Multiply => s.multiply(),
            BinaryOp::Remainder => s.remainder(),
            BinaryOp::Or => s.or(),
            BinaryOp::Power => None,
            BinaryOp::Rshift => s.rshift(),
            BinaryOp::Subtract => s.subtract(),
            BinaryOp::TrueDivide => s.true_divide(),
            BinaryOp::Xor => s.xor(),
        }
    }

    fn inplace_slot(self, t: &Type) -> Option<BinaryFn> {
        let s = &t.slots;
        match self {
            BinaryOp::Add => s.inplace_add(),
            BinaryOp::And => s.inplace_and(),
            BinaryOp::FloorDivide => s.inplace_floor_divide(),
            BinaryOp::Lshift => s.inplace_lshift(),
            BinaryOp::MatMul => s.inplace_matmul(),
            BinaryOp::Multiply => s.inplace_multiply(),
            BinaryOp::Remainder => s.inplace_remainder(),
            BinaryOp::Or => s.inplace_or(),
            BinaryOp::Power => None,
            BinaryOp::Rshift => s.inplace_rshift(),
            BinaryOp::Subtract => s.inplace_subtract(),
            BinaryOp::TrueDivide => s.inplace_true_divide(),
            BinaryOp::Xor => s.inplace_xor(),
        }
    }
}

/// `a op b` (reflected methods, subclass priority, sequence concat/repeat, TypeError).
pub fn binary_op(th: &mut Thread, op: BinaryOp, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if let Some(r) = fast(th, op, a.word(), b.word()) {
        return Ok(r);
    }
    binary_slow(th, op, a, b, op.symbol())
}

/// The cheap operators on numbers without a box.
#[inline(always)]
fn fast(th: &mut Thread, op: BinaryOp, a: Word, b: Word) -> Option<Owned> {
    if a.both_int(b) {
        let (x, y) = (a.int(), b.int());
        return match op {
            BinaryOp::Add => Some(th.new_int(x + y)),
            BinaryOp::Subtract => Some(th.new_int(x - y)),
            BinaryOp::Multiply => x.checked_mul(y).map(|v| th.new_int(v)),
            BinaryOp::And => Some(Owned::from_const(Word::small_int(x & y))),
            BinaryOp::Or => Some(Owned::from_const(Word::small_int(x | y))),
            BinaryOp::Xor => Some(Owned::from_const(Word::small_int(x ^ y))),
            // Rounded once, if both are floats to begin with.
            BinaryOp::TrueDivide if y != 0 && x.abs().max(y.abs()) <= 1 << f64::MANTISSA_DIGITS => {
                Some(th.new_float(x as f64 / y as f64))
            }
            _ => None,
        };
    }
    let number = |w: Word| if w.is_int() { Some(w.int() as f64) } else { w.unboxed_float() };
    if let (Some(x), Some(y)) = (number(a), number(b)) {
        return match op {
            BinaryOp::Add => Some(th.new_float(x + y)),
            BinaryOp::Subtract => Some(th.new_float(x - y)),
            BinaryOp::Multiply => Some(th.new_float(x * y)),
            BinaryOp::TrueDivide if y != 0.0 => Some(th.new_float(x / y)),
            _ => None,
        };
    }
    None
}

fn binary_slow(
    th: &mut Thread,
    op: BinaryOp,
    a: Borrowed<'_>,
    b: Borrowed<'_>,
    symbol: &'static str,
) -> PyResult {
    if op == BinaryOp::Power {
        return power_with(th, a, b, Borrowed::null(), symbol);
    }
    let (ta, tb) = (a.ty(), b.ty());
    let r = ask_both(th, op.slot(ta), op.slot(tb), a, b, ta, tb)?;
    if !r.is_not_implemented() {
        return Ok(r);
    }
    match op {
        BinaryOp::Add => {
            if let Some(f) = ta.slots.concat() {
                return f(th, a, b);
            }
        }
        BinaryOp::Multiply => {
            if let Some(f) = ta.slots.repeat() {
                return repeat(th, f, a, b);
            }
            if let Some(f) = tb.slots.repeat() {
                return repeat(th, f, b, a);
            }
        }
        _ => {}
    }
    Err(th.unsupported_operands(symbol, a, b))
}

/// The order of PEP 207's numbers: left, then right, but a subclass on the right comes first. A
/// function that both types share is asked once.
#[inline]
fn ask_both(
    th: &mut Thread,
    left: Option<BinaryFn>,
    right: Option<BinaryFn>,
    a: Borrowed<'_>,
    b: Borrowed<'_>,
    ta: &Type,
    tb: &Type,
) -> PyResult {
    let mut right = right.filter(|r| left.is_none_or(|l| l as usize != *r as usize));
    if let Some(f) = left {
        if let Some(g) = right
            && !core::ptr::eq(ta, tb)
            && tb.is_subtype_of(ta)
        {
            let r = g(th, a, b)?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
            right = None;
        }
        let r = f(th, a, b)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    match right {
        Some(g) => g(th, a, b),
        None => Ok(Owned::not_implemented()),
    }
}

type RepeatFn = fn(&mut Thread, Borrowed<'_>, isize) -> PyResult;

/// `seq * n` through a sequence's slot. A negative count gives an empty sequence.
fn repeat(th: &mut Thread, f: RepeatFn, seq: Borrowed<'_>, n: Borrowed<'_>) -> PyResult {
    if !n.word().is_int() && n.ty().slots.index().is_none() && n.as_int().is_none() {
        let msg = format!("can't multiply sequence by non-int of type '{}'", n.type_name(th));
        return Err(th.type_error(&msg));
    }
    let n = n.to_isize(th)?;
    f(th, seq, n)
}

/// `a op= b`; falls back to `a op b`.
pub fn inplace_op(th: &mut Thread, op: BinaryOp, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if let Some(r) = fast(th, op, a.word(), b.word()) {
        return Ok(r);
    }
    let ta = a.ty();
    if op == BinaryOp::Power {
        if let Some(f) = ta.slots.inplace_power() {
            let r = f(th, a, b, Borrowed::null())?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
        }
        return power_with(th, a, b, Borrowed::null(), op.inplace_symbol());
    }
    if let Some(f) = op.inplace_slot(ta) {
        let r = f(th, a, b)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    match op {
        BinaryOp::Add if ta.slots.inplace_concat().is_some() => {
            let r = ask_both(th, ta.slots.add(), b.ty().slots.add(), a, b, ta, b.ty())?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
            match ta.slots.inplace_concat() {
                Some(f) => f(th, a, b),
                None => Err(th.unsupported_operands("+=", a, b)),
            }
        }
        BinaryOp::Multiply if ta.slots.inplace_repeat().is_some() => {
            let r = ask_both(th, ta.slots.multiply(), b.ty().slots.multiply(), a, b, ta, b.ty())?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
            match ta.slots.inplace_repeat() {
                Some(f) => repeat(th, f, a, b),
                None => Err(th.unsupported_operands("*=", a, b)),
            }
        }
        _ => binary_slow(th, op, a, b, op.inplace_symbol()),
    }
}

/// `pow(a, b, modulus)`; the modulus is null for `a ** b`.
pub fn power(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, modulus: Borrowed<'_>) -> PyResult {
    power_with(th, a, b, modulus, "** or pow()")
}

fn power_with(
    th: &mut Thread,
    a: Borrowed<'_>,
    b: Borrowed<'_>,
    c: Borrowed<'_>,
    symbol: &'static str,
) -> PyResult {
    let (ta, tb) = (a.ty(), b.ty());
    let same = |f: Option<TernaryFn>, g: TernaryFn| f.is_some_and(|f| f as usize == g as usize);
    let left = ta.slots.power();
    let right = tb.slots.power().filter(|r| !same(left, *r));
    let mut rest = right;
    if let Some(f) = left {
        if let Some(g) = right
            && !core::ptr::eq(ta, tb)
            && tb.is_subtype_of(ta)
        {
            let r = g(th, a, b, c)?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
            rest = None;
        }
        let r = f(th, a, b, c)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    if let Some(g) = rest {
        let r = g(th, a, b, c)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    if c.is_null() {
        return Err(th.unsupported_operands(symbol, a, b));
    }
    if let Some(h) = c.ty().slots.power().filter(|h| !same(left, *h) && !same(right, *h)) {
        let r = h(th, a, b, c)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    let msg = format!(
        "unsupported operand type(s) for {symbol}: '{}', '{}', '{}'",
        a.type_name(th),
        b.type_name(th),
        c.type_name(th)
    );
    Err(th.type_error(&msg))
}

/// `divmod(a, b)`
pub fn divmod(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let (ta, tb) = (a.ty(), b.ty());
    let r = ask_both(th, ta.slots.divmod(), tb.slots.divmod(), a, b, ta, tb)?;
    if r.is_not_implemented() {
        return Err(th.unsupported_operands("divmod()", a, b));
    }
    Ok(r)
}

/// `operator.index(o)`: an exact int.
pub fn index(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if o.word().is_int() || o.downcast_exact::<BigInt>().is_some() {
        return Ok(o.to_owned());
    }
    if let Some(v) = o.as_int() {
        return Ok(crate::builtins::int::from_ref(th, v));
    }
    let Some(f) = o.ty().slots.index() else {
        let msg = format!("'{}' object cannot be interpreted as an integer", o.type_name(th));
        return Err(th.type_error(&msg));
    };
    let r = f(th, o)?;
    exact_result(th, o, r, "__index__")
}

/// Is `operator.index(o)` defined?
pub fn is_index(o: Borrowed<'_>) -> bool {
    o.word().is_int() || o.as_int().is_some() || o.ty().slots.index().is_some()
}

/// What `__index__` or `__int__` of `o` returned, as an exact int.
pub(crate) fn exact_result(th: &mut Thread, _o: Borrowed<'_>, r: Owned, method: &str) -> PyResult {
    if r.word().is_int() || r.borrow().downcast_exact::<BigInt>().is_some() {
        return Ok(r);
    }
    match r.borrow().as_int() {
        None => {
            let msg = format!("{method} returned non-int (type {})", r.borrow().type_name(th));
            Err(th.type_error(&msg))
        }
        Some(v) => {
            let msg = format!(
                "{method} returned non-int (type {}).  The ability to return an instance of a strict subclass \
                 of int is deprecated, and may not be supported in a future version of Python.",
                r.borrow().type_name(th)
            );
            crate::builtins::int::warn_deprecated(th, &msg)?;
            Ok(crate::builtins::int::from_ref(th, v))
        }
    }
}

fn unary(th: &mut Thread, f: Option<UnaryFn>, symbol: &str, o: Borrowed<'_>) -> PyResult {
    match f {
        Some(f) => f(th, o),
        None => {
            let msg = format!("bad operand type for {symbol}: '{}'", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// `-o`
pub fn negative(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let w = o.word();
    if w.is_int() {
        return Ok(th.new_int(-w.int()));
    }
    if let Some(v) = w.unboxed_float() {
        return Ok(th.new_float(-v));
    }
    unary(th, o.ty().slots.negative(), "unary -", o)
}

/// `+o`
pub fn positive(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    unary(th, o.ty().slots.positive(), "unary +", o)
}

/// `~o`
pub fn invert(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if o.word().is_int() {
        return Ok(Owned::from_const(Word::small_int(!o.word().int())));
    }
    unary(th, o.ty().slots.invert(), "unary ~", o)
}

/// `abs(o)`
pub fn absolute(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    unary(th, o.ty().slots.absolute(), "abs()", o)
}
