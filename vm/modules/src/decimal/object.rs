//! `Decimal`: an immutable number.

use typhon_core::builtins::complex::Complex;
use typhon_core::{
    Args, Borrowed, CompareOp, GetSetDef, Owned, PyResult, Slots, Thread, Type, TypeDef, payload, signature,
    type_flags, unborn,
};

use super::arith::compare_values;
use super::condition as c;
use super::context::{self, Context};
use super::number::{Checked, Frame, Kind, Number, TooLarge};
use super::{arith, convert, operations, text, transcendental};
use crate::args::{made, this};

payload! {
    /// `decimal.Decimal`. Never changes.
    pub struct Decimal: DECIMAL {
        pub number: Number,
    }
}

pub static DECIMAL: TypeDef = TypeDef {
    module: "decimal",
    flags: type_flags::BASE,
    doc: "A decimal floating-point number: Decimal(value='0', context=None).",
    slots: Slots {
        new: Some(new),
        repr: Some(|th, o| {
            let shown = shown(th, o)?;
            Ok(th.new_str(&format!("Decimal('{}')", String::from_utf8_lossy(&shown))))
        }),
        str: Some(|th, o| {
            let shown = shown(th, o)?;
            Ok(th.new_ascii(&shown))
        }),
        hash: Some(convert::hash),
        compare: Some(compare),
        bool: Some(|_, o| Ok(!of(o).is_zero())),
        add: Some(|th, a, b| binary(th, a, b, arith::add)),
        subtract: Some(|th, a, b| binary(th, a, b, arith::subtract)),
        multiply: Some(|th, a, b| binary(th, a, b, arith::multiply)),
        true_divide: Some(|th, a, b| binary(th, a, b, arith::divide)),
        floor_divide: Some(|th, a, b| binary(th, a, b, arith::divide_int)),
        remainder: Some(|th, a, b| binary(th, a, b, arith::remainder)),
        divmod: Some(divmod),
        power: Some(power),
        negative: Some(|th, o| unary(th, o, arith::minus)),
        positive: Some(|th, o| unary(th, o, arith::plus)),
        absolute: Some(|th, o| unary(th, o, arith::abs)),
        int: Some(convert::to_int),
        float: Some(convert::to_float),
        ..Slots::NONE
    },
    methods: operations::DECIMAL_METHODS,
    getset: &[
        GetSetDef { name: "real", get: |_, o| Ok(o.to_owned()), set: None, doc: "the number itself" },
        GetSetDef { name: "imag", get: |th, _| Ok(decimal(th, Number::zero(false, 0))), set: None, doc: "0" },
    ],
    ..TypeDef::of::<Decimal>("Decimal")
};

/// The context variable.
pub fn variable(th: &mut Thread) -> Owned {
    th.rt.stored("decimal.variable").expect("stored when the module was made")
}

/// The number of what is known to be a decimal.
#[inline]
pub fn of(o: Borrowed<'_>) -> &Number {
    &this::<Decimal>(o).number
}

/// A decimal of this value.
#[inline]
pub fn decimal(th: &mut Thread, number: Number) -> Owned {
    th.alloc(Decimal { header: unborn(), number })
}

/// What an operation gave, as an object: its conditions are noted in the context. Errors: signals; MemoryError.
#[inline]
pub fn finish(th: &mut Thread, context: &Context, result: Checked<Number>, f: &Frame) -> PyResult {
    match result {
        Ok(number) => {
            context.note(th, f.status)?;
            Ok(decimal(th, number))
        }
        Err(TooLarge) => Err(too_large(th)),
    }
}

#[cold]
pub fn too_large(th: &mut Thread) -> typhon_core::Raised {
    th.memory_error("decimal result has too many digits")
}

type Unary = fn(&Number, &mut Frame) -> Checked<Number>;
type Binary = fn(&Number, &Number, &mut Frame) -> Checked<Number>;

fn unary(th: &mut Thread, o: Borrowed<'_>, op: Unary) -> PyResult {
    let context = context::current(th)?;
    let context = context::of(context.borrow());
    let mut f = context.frame();
    let result = op(of(o), &mut f);
    finish(th, context, result, &f)
}

#[inline]
fn binary(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: Binary) -> PyResult {
    let (Some(x), Some(y)) = (convert::operand(a), convert::operand(b)) else {
        return Ok(Owned::not_implemented());
    };
    let context = context::current(th)?;
    let context = context::of(context.borrow());
    let mut f = context.frame();
    let result = op(&x, &y, &mut f);
    finish(th, context, result, &f)
}

fn divmod(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let (Some(x), Some(y)) = (convert::operand(a), convert::operand(b)) else {
        return Ok(Owned::not_implemented());
    };
    let context = context::current(th)?;
    divmod_in(th, &x, &y, context.borrow())
}

/// A pair of quotient and remainder.
pub fn divmod_in(th: &mut Thread, x: &Number, y: &Number, context: Borrowed<'_>) -> PyResult {
    let context = context::of(context);
    let mut f = context.frame();
    match arith::divmod(x, y, &mut f) {
        Ok((quotient, rest)) => {
            context.note(th, f.status)?;
            let (quotient, rest) = (decimal(th, quotient), decimal(th, rest));
            Ok(th.new_pair(quotient, rest))
        }
        Err(TooLarge) => Err(too_large(th)),
    }
}

fn power(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, modulus: Borrowed<'_>) -> PyResult {
    let (Some(x), Some(y)) = (convert::operand(a), convert::operand(b)) else {
        return Ok(Owned::not_implemented());
    };
    let m = if modulus.is_null() || modulus.is_none() {
        None
    } else {
        match convert::operand(modulus) {
            Some(m) => Some(m),
            None => return Ok(Owned::not_implemented()),
        }
    };
    let context = context::current(th)?;
    power_in(th, &x, &y, m.as_deref(), context.borrow())
}

pub fn power_in(
    th: &mut Thread,
    x: &Number,
    y: &Number,
    m: Option<&Number>,
    context: Borrowed<'_>,
) -> PyResult {
    let context = context::of(context);
    let mut f = context.frame();
    let result = match m {
        Some(m) => transcendental::power_modulo(x, y, m, &mut f),
        None => transcendental::power(x, y, &mut f),
    };
    finish(th, context, result, &f)
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = signature::bind(th, "Decimal", "(value='0', context=None)", args)?;
    let value = a.first().copied().filter(|v| !v.is_null());
    let exact = core::ptr::eq(ty, DECIMAL.ty());
    let Some(value) = value else {
        return made(th, ty, Decimal { header: unborn(), number: Number::zero(false, 0) });
    };
    if exact && value.downcast_exact::<Decimal>().is_some() {
        return Ok(value.to_owned());
    }
    let context = context::given(th, a.get(1).copied().filter(|v| !v.is_null()))?;
    let number = convert::exact(th, value, context::of(context.borrow()))?;
    made(th, ty, Decimal { header: unborn(), number })
}

/// As `str` shows it.
fn shown(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Vec<u8>> {
    let number = of(o);
    let plain = number.is_finite() && number.exponent <= 0 && number.exponent > -6;
    let capitals = plain || context::of(context::current(th)?.borrow()).capitals();
    Ok(text::to_text(number, false, capitals))
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let is_equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    let x = of(a);
    let y;
    let scaled;
    let (x, y): (&Number, &Number) = if let Some(n) = convert::operand(b) {
        y = n;
        (x, &y)
    } else {
        let context = context::current(th)?;
        let context = context::of(context.borrow());
        let real = match b.downcast::<Complex>() {
            Some(z) if is_equality && z.im == 0.0 => Some(z.re),
            Some(_) => return Ok(Owned::not_implemented()),
            None => b.as_float(),
        };
        if let Some(real) = real {
            if is_equality {
                context.note_quietly(c::FLOAT_OPERATION);
            } else {
                context.note(th, c::FLOAT_OPERATION)?;
            }
            y = std::borrow::Cow::Owned(convert::from_f64(real));
            (x, &y)
        } else if let Some((numerator, denominator)) = convert::rational(th, b)? {
            y = std::borrow::Cow::Owned(numerator);
            if !x.is_finite() {
                (x, &y)
            } else {
                let mut f = Frame::unlimited();
                match arith::multiply(x, &denominator, &mut f) {
                    Ok(n) => scaled = n,
                    Err(TooLarge) => return Err(too_large(th)),
                }
                (&scaled, &y)
            }
        } else {
            return Ok(Owned::not_implemented());
        }
    };
    if x.is_nan() || y.is_nan() {
        let signals = x.kind == Kind::Signalling || y.kind == Kind::Signalling;
        if signals || !is_equality {
            let context = context::current(th)?;
            context::of(context.borrow()).note(th, c::INVALID_OPERATION)?;
        }
        return Ok(Owned::bool(op == CompareOp::Ne));
    }
    Ok(Owned::bool(op.matches(compare_values(x, y))))
}
