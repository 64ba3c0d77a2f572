//! The operations as methods of `Decimal`, which take a context, and of `Context`, which take operands.

use typhon_core::{ArgsExt, Borrowed, NativeDef, Owned, PyResult, Thread};

use super::context::{self, Context};
use super::convert::{self, argument};
use super::number::{Checked, Frame, Kind, Number, Rounding};
use super::object::{DECIMAL, Decimal, decimal, divmod_in, finish, of, power_in};
use super::{arith, format, misc, text, transcendental};

type Unary = fn(&Number, &mut Frame) -> Checked<Number>;
type Binary = fn(&Number, &Number, &mut Frame) -> Checked<Number>;
type Question = fn(&Number, &Frame) -> bool;

/// `decimal.operation(context=None)`
fn own_unary(th: &mut Thread, a: &[Borrowed<'_>], op: Unary) -> PyResult {
    let context = context::given(th, a.opt(1))?;
    unary_in(th, of(a[0]), context::of(context.borrow()), op)
}

fn unary_in(th: &mut Thread, x: &Number, context: &Context, op: Unary) -> PyResult {
    let mut f = context.frame();
    let result = op(x, &mut f);
    finish(th, context, result, &f)
}

/// `decimal.operation(other, context=None)`
fn own_binary(th: &mut Thread, a: &[Borrowed<'_>], op: Binary) -> PyResult {
    let context = context::given(th, a.opt(2))?;
    let other = argument(th, a[1])?;
    binary_in(th, of(a[0]), &other, context::of(context.borrow()), op)
}

fn binary_in(th: &mut Thread, x: &Number, y: &Number, context: &Context, op: Binary) -> PyResult {
    let mut f = context.frame();
    let result = op(x, y, &mut f);
    finish(th, context, result, &f)
}

/// `context.operation(x)`
fn with_one(th: &mut Thread, a: &[Borrowed<'_>], op: Unary) -> PyResult {
    let x = argument(th, a[1])?;
    unary_in(th, &x, context::of(a[0]), op)
}

/// `context.operation(x, y)`
fn with_two(th: &mut Thread, a: &[Borrowed<'_>], op: Binary) -> PyResult {
    let (x, y) = (argument(th, a[1])?, argument(th, a[2])?);
    binary_in(th, &x, &y, context::of(a[0]), op)
}

/// `decimal.is_something()`
fn asked(a: &[Borrowed<'_>], question: fn(&Number) -> bool) -> PyResult {
    Ok(Owned::bool(question(of(a[0]))))
}

/// `context.is_something(x)`
fn asked_of(th: &mut Thread, a: &[Borrowed<'_>], question: Question) -> PyResult {
    let x = argument(th, a[1])?;
    Ok(Owned::bool(question(&x, &context::of(a[0]).frame())))
}

/// `decimal.is_something(context=None)`
fn asked_in(th: &mut Thread, a: &[Borrowed<'_>], question: Question) -> PyResult {
    let context = context::given(th, a.opt(1))?;
    Ok(Owned::bool(question(of(a[0]), &context::of(context.borrow()).frame())))
}

fn is_subnormal(n: &Number, f: &Frame) -> bool {
    n.is_finite() && !n.is_zero() && n.adjusted() < f.emin
}

fn is_normal(n: &Number, f: &Frame) -> bool {
    n.is_finite() && !n.is_zero() && n.adjusted() >= f.emin
}

/// A rounding mode argument, or that of the context.
fn rounding_or(th: &mut Thread, arg: Option<Borrowed<'_>>, context: &Context) -> PyResult<Rounding> {
    match arg {
        Some(mode) => context::rounding(th, mode),
        None => Ok(context.frame().rounding),
    }
}

/// `decimal.to_integral…(rounding=None, context=None)`
fn to_integral(th: &mut Thread, a: &[Borrowed<'_>], exactly: bool) -> PyResult {
    let context = context::given(th, a.opt(2))?;
    let context = context::of(context.borrow());
    let rounding = rounding_or(th, a.some(1), context)?;
    let mut f = context.frame();
    let result = arith::to_integral(of(a[0]), rounding, exactly, &mut f);
    finish(th, context, result, &f)
}

fn context_to_integral(th: &mut Thread, a: &[Borrowed<'_>], exactly: bool) -> PyResult {
    let x = argument(th, a[1])?;
    let context = context::of(a[0]);
    let mut f = context.frame();
    let result = arith::to_integral(&x, f.rounding, exactly, &mut f);
    finish(th, context, result, &f)
}

/// `decimal.quantize(exp, rounding=None, context=None)`
fn quantize(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let context = context::given(th, a.opt(3))?;
    let context = context::of(context.borrow());
    let other = argument(th, a[1])?;
    let mut f = context.frame();
    f.rounding = rounding_or(th, a.some(2), context)?;
    let result = arith::quantize(of(a[0]), &other, &mut f);
    finish(th, context, result, &f)
}

fn fma(th: &mut Thread, x: &Number, y: &Number, z: &Number, context: &Context) -> PyResult {
    let mut f = context.frame();
    let result = arith::fma(x, y, z, &mut f);
    finish(th, context, result, &f)
}

/// `round(decimal)`, `round(decimal, ndigits)`
fn round(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let x = of(a[0]);
    let Some(places) = a.some(1) else { return convert::rounded_to_int(th, x, Rounding::HalfEven) };
    if places.as_int().is_none() {
        return Err(th.type_error("optional arg must be an integer"));
    }
    let places = places.to_i64(th)?;
    let exponent = Number { exponent: places.saturating_neg(), ..Number::small(1) };
    let context = context::current(th)?;
    binary_in(th, x, &exponent, context::of(context.borrow()), arith::quantize)
}

fn copy_sign(x: &Number, y: &Number) -> Number {
    Number { negative: y.negative, ..x.clone() }
}

fn own_text(th: &mut Thread, n: &Number, engineering: bool, context: &Context) -> PyResult {
    let shown = text::to_text(n, engineering, context.capitals());
    Ok(th.new_ascii(&shown))
}

/// `Decimal.from_float(f)`, `Decimal.from_number(n)`: an instance of the class.
fn of_class(th: &mut Thread, class: Borrowed<'_>, number: Number) -> PyResult {
    let Some(ty) = class.downcast::<typhon_core::Type>() else {
        return Err(th.type_error("a class is required"));
    };
    if core::ptr::eq(ty, DECIMAL.ty()) {
        return Ok(decimal(th, number));
    }
    let exact = decimal(th, number);
    class.call(th, &[exact.borrow()])
}

fn from_float(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let number = float_or_int(th, a[1])?;
    of_class(th, a[0], number)
}

/// A float or an int as a number. Errors: TypeError.
fn float_or_int(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Number> {
    if o.as_int().is_some() {
        return Ok(argument(th, o)?.into_owned());
    }
    match o.as_float() {
        Some(x) => Ok(convert::from_f64(x)),
        None => Err(th.type_error("argument must be int or float")),
    }
}

fn from_number(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let number = match (convert::operand(a[1]), a[1].as_float()) {
        (Some(n), _) => n.into_owned(),
        (None, Some(x)) => convert::from_f64(x),
        (None, None) => {
            let msg = format!("Cannot convert {} to Decimal", a[1].repr_text(th)?);
            return Err(th.type_error(&msg));
        }
    };
    of_class(th, a[0], number)
}

/// `context.create_decimal(num)`: rounded to the context.
fn create(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let context = context::of(a[0]);
    let Some(value) = a.opt(1) else { return Ok(decimal(th, Number::zero(false, 0))) };
    let number = convert::strict(th, value, context)?;
    rounded_in(th, number, context)
}

fn rounded_in(th: &mut Thread, number: Number, context: &Context) -> PyResult {
    let mut f = context.frame();
    if number.is_nan() && number.digits() > f.prec - i64::from(f.clamp) {
        context.note(th, super::condition::CONVERSION_SYNTAX)?;
        return Ok(decimal(th, Number::nan()));
    }
    let result = number.finalized(&mut f);
    finish(th, context, result, &f)
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let shown = text::to_text(of(a[0]), false, true);
    let shown = th.new_ascii(&shown);
    let args = th.new_tuple(vec![shown]);
    Ok(th.new_pair(a[0].ty().as_value().to_owned(), args))
}

/// Instances of subclasses are copied as decimals are: not at all.
fn itself(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(a[0].to_owned())
}

const NONE: &str = "($self, /)";
const CONTEXT: &str = "($self, /, context=None)";
const OTHER: &str = "($self, /, other, context=None)";
const ONE: &str = "($self, x, /)";
const TWO: &str = "($self, /, x, y)";

/// A method of decimals and one of contexts for each operation of one and of two numbers.
macro_rules! methods {
    (unary { $($u:literal $uf:path, $udoc:literal;)* } binary { $($b:literal $bf:path, $bdoc:literal;)* }
     questions { $($q:literal $qf:expr, $qdoc:literal;)* }
     own [$($own:expr),* $(,)?] context [$($ctx:expr),* $(,)?]) => {
        /// Methods of `Decimal`.
        pub const DECIMAL_METHODS: &[NativeDef] = &[
            $(NativeDef::new($u, CONTEXT, |th, a| own_unary(th, a, $uf), $udoc),)*
            $(NativeDef::new($b, OTHER, |th, a| own_binary(th, a, $bf), $bdoc),)*
            $(NativeDef::new($q, NONE, |_, a| asked(a, $qf), $qdoc),)*
            $($own,)*
        ];
        /// Methods of `Context`.
        pub const CONTEXT_METHODS: &[NativeDef] = &[
            $(NativeDef::new($u, ONE, |th, a| with_one(th, a, $uf), $udoc),)*
            $(NativeDef::new($b, TWO, |th, a| with_two(th, a, $bf), $bdoc),)*
            $(NativeDef::new($q, ONE, |th, a| asked_of(th, a, |n, _| { let ask: fn(&Number) -> bool = $qf; ask(n) }), $qdoc),)*
            $($ctx,)*
        ];
    };
}

methods! {
    unary {
        "exp" transcendental::exp, "e to this power.";
        "ln" transcendental::ln, "The natural logarithm.";
        "log10" transcendental::log10, "The logarithm to base ten.";
        "logb" misc::logb, "The exponent of the first digit.";
        "logical_invert" misc::logical_invert, "Every digit 0 or 1 inverted.";
        "next_minus" misc::next_minus, "The greatest number of the context below this one.";
        "next_plus" misc::next_plus, "The least number of the context above this one.";
        "normalize" arith::normalize, "The number without zeros at its end.";
        "sqrt" arith::sqrt, "The square root.";
    }
    binary {
        "compare" misc::compare, "-1, 0, 1 or NaN as a decimal.";
        "compare_signal" misc::compare_signal, "As compare; every NaN signals.";
        "compare_total" misc::total, "Compares by the total order of all representations.";
        "compare_total_mag" misc::total_mag, "As compare_total, without signs.";
        "logical_and" misc::logical_and, "Digit by digit and.";
        "logical_or" misc::logical_or, "Digit by digit or.";
        "logical_xor" misc::logical_xor, "Digit by digit exclusive or.";
        "max" misc::max, "The greater one.";
        "max_mag" misc::max_mag, "The one of greater magnitude.";
        "min" misc::min, "The smaller one.";
        "min_mag" misc::min_mag, "The one of smaller magnitude.";
        "next_toward" misc::next_toward, "The next number of the context towards the other.";
        "remainder_near" arith::remainder_near, "The remainder nearest to zero.";
        "rotate" misc::rotate, "The digits rotated.";
        "scaleb" misc::scaleb, "The number with the other added to its exponent.";
        "shift" misc::shift, "The digits shifted.";
    }
    questions {
        "is_finite" Number::is_finite, "Is it neither infinite nor NaN?";
        "is_infinite" Number::is_infinite, "Is it infinite?";
        "is_nan" Number::is_nan, "Is it a NaN?";
        "is_qnan" |n| n.kind == Kind::Quiet, "Is it a quiet NaN?";
        "is_signed" |n| n.negative, "Has it a minus?";
        "is_snan" |n| n.kind == Kind::Signalling, "Is it a signalling NaN?";
        "is_zero" Number::is_zero, "Is it a zero?";
    }
    own [
        NativeDef::new(
            "is_normal",
            CONTEXT,
            |th, a| asked_in(th, a, is_normal),
            "Is it finite, not zero, and not subnormal?",
        ),
        NativeDef::new("is_subnormal", CONTEXT, |th, a| asked_in(th, a, is_subnormal), "Is it subnormal?"),
        NativeDef::new("adjusted", NONE, |th, a| {
            let n = of(a[0]);
            Ok(th.new_int(if n.is_finite() { n.adjusted() } else { 0 }))
        }, "The exponent of the first digit."),
        NativeDef::new(
            "as_integer_ratio",
            NONE,
            |th, a| convert::ratio(th, of(a[0])),
            "Numerator and denominator, reduced.",
        ),
        NativeDef::new(
            "as_tuple",
            NONE,
            |th, a| convert::to_tuple(th, of(a[0])),
            "Sign, digits and exponent.",
        ),
        NativeDef::new("is_canonical", NONE, |_, _| Ok(Owned::bool(true)), "Always true."),
        NativeDef::new(
            "__sizeof__",
            NONE,
            |th, a| Ok(th.new_int(of(a[0]).bytes() as i64)),
            "Bytes in memory.",
        ),
        NativeDef::new("canonical", NONE, itself, "The number itself."),
        NativeDef::new("conjugate", NONE, itself, "The number itself."),
        NativeDef::new(
            "copy_abs",
            NONE,
            |th, a| Ok(decimal(th, of(a[0]).clone().absolute())),
            "The number without its sign.",
        ),
        NativeDef::new(
            "copy_negate",
            NONE,
            |th, a| Ok(decimal(th, of(a[0]).clone().negated())),
            "The number with the other sign.",
        ),
        NativeDef::new("copy_sign", OTHER, |th, a| {
            drop(context::given(th, a.opt(2))?);
            let other = argument(th, a[1])?;
            Ok(decimal(th, copy_sign(of(a[0]), &other)))
        }, "The number with the sign of the other."),
        NativeDef::new("same_quantum", OTHER, |th, a| {
            drop(context::given(th, a.opt(2))?);
            let other = argument(th, a[1])?;
            Ok(Owned::bool(misc::same_quantum(of(a[0]), &other)))
        }, "Have both the same exponent?"),
        NativeDef::new("number_class", CONTEXT, |th, a| {
            let context = context::given(th, a.opt(1))?;
            let class = misc::class_of(of(a[0]), &context::of(context.borrow()).frame());
            Ok(th.new_str(class))
        }, "What kind of number it is."),
        NativeDef::new("to_eng_string", CONTEXT, |th, a| {
            let context = context::given(th, a.opt(1))?;
            own_text(th, of(a[0]), true, context::of(context.borrow()))
        }, "As text, with exponents that are multiples of three."),
        NativeDef::new(
            "quantize",
            "($self, /, exp, rounding=None, context=None)",
            quantize,
            "The number with the exponent of exp.",
        ),
        NativeDef::new(
            "to_integral_exact",
            "($self, /, rounding=None, context=None)",
            |th, a| to_integral(th, a, true),
            "Rounded to an integer; notes Inexact and Rounded.",
        ),
        NativeDef::new(
            "to_integral_value",
            "($self, /, rounding=None, context=None)",
            |th, a| to_integral(th, a, false),
            "Rounded to an integer.",
        ),
        NativeDef::new(
            "to_integral",
            "($self, /, rounding=None, context=None)",
            |th, a| to_integral(th, a, false),
            "Rounded to an integer.",
        ),
        NativeDef::new("fma", "($self, /, other, third, context=None)", |th, a| {
            let context = context::given(th, a.opt(3))?;
            let (y, z) = (argument(th, a[1])?, argument(th, a[2])?);
            fma(th, of(a[0]), &y, &z, context::of(context.borrow()))
        }, "self * other + third, rounded once."),
        NativeDef::new("radix", NONE, |th, _| Ok(decimal(th, Number::small(10))), "Ten."),
        NativeDef::new("from_float", "($type, f, /)", from_float, "Exactly the value of a float.").class(),
        NativeDef::new(
            "from_number",
            "($type, number, /)",
            from_number,
            "Exactly the value of a number.",
        ).class(),
        NativeDef::new("__copy__", NONE, itself, ""),
        NativeDef::new("__deepcopy__", "($self, memo, /)", itself, ""),
        NativeDef::new("__reduce__", NONE, reduce, ""),
        NativeDef::new(
            "__format__",
            "($self, format_spec, override=None, /)",
            format::format,
            "Formats by a format specification.",
        ),
        NativeDef::new("__round__", "($self, ndigits=None, /)", round, ""),
        NativeDef::new("__floor__", NONE, |th, a| convert::rounded_to_int(th, of(a[0]), Rounding::Floor), ""),
        NativeDef::new(
            "__ceil__",
            NONE,
            |th, a| convert::rounded_to_int(th, of(a[0]), Rounding::Ceiling),
            "",
        ),
        NativeDef::new("__trunc__", NONE, |th, a| convert::rounded_to_int(th, of(a[0]), Rounding::Down), ""),
        NativeDef::new("__complex__", NONE, |th, a| {
            let real = convert::to_float(th, a[0])?;
            Ok(th.new_complex(real.borrow().as_float().unwrap_or(0.0), 0.0))
        }, ""),
    ]
    context [
        NativeDef::new("abs", ONE, |th, a| with_one(th, a, arith::abs), "The magnitude."),
        NativeDef::new("minus", ONE, |th, a| with_one(th, a, arith::minus), "0 - x"),
        NativeDef::new("plus", ONE, |th, a| with_one(th, a, arith::plus), "0 + x"),
        NativeDef::new("add", TWO, |th, a| with_two(th, a, arith::add), "x + y"),
        NativeDef::new("subtract", TWO, |th, a| with_two(th, a, arith::subtract), "x - y"),
        NativeDef::new("multiply", TWO, |th, a| with_two(th, a, arith::multiply), "x * y"),
        NativeDef::new("divide", TWO, |th, a| with_two(th, a, arith::divide), "x / y"),
        NativeDef::new("divide_int", TWO, |th, a| with_two(th, a, arith::divide_int), "x / y as an integer"),
        NativeDef::new("remainder", TWO, |th, a| with_two(th, a, arith::remainder), "x % y"),
        NativeDef::new("quantize", TWO, |th, a| with_two(th, a, arith::quantize), "x with the exponent of y"),
        NativeDef::new("divmod", TWO, |th, a| {
            let (x, y) = (argument(th, a[1])?, argument(th, a[2])?);
            divmod_in(th, &x, &y, a[0])
        }, "x / y as an integer, and x % y"),
        NativeDef::new("power", "($self, /, a, b, modulo=None)", |th, a| {
            let (x, y) = (argument(th, a[1])?, argument(th, a[2])?);
            let m = match a.some(3) {
                Some(m) => Some(argument(th, m)?),
                None => None,
            };
            power_in(th, &x, &y, m.as_deref(), a[0])
        }, "a to the power of b, modulo a third number if there is one"),
        NativeDef::new("fma", "($self, /, x, y, z)", |th, a| {
            let (x, y, z) = (argument(th, a[1])?, argument(th, a[2])?, argument(th, a[3])?);
            fma(th, &x, &y, &z, context::of(a[0]))
        }, "x * y + z, rounded once"),
        NativeDef::new(
            "to_integral_exact",
            ONE,
            |th, a| context_to_integral(th, a, true),
            "Rounded to an integer; notes Inexact and Rounded.",
        ),
        NativeDef::new(
            "to_integral_value",
            ONE,
            |th, a| context_to_integral(th, a, false),
            "Rounded to an integer.",
        ),
        NativeDef::new(
            "to_integral",
            ONE,
            |th, a| context_to_integral(th, a, false),
            "Rounded to an integer.",
        ),
        NativeDef::new(
            "is_normal",
            ONE,
            |th, a| asked_of(th, a, is_normal),
            "Is it finite, not zero, and not subnormal?",
        ),
        NativeDef::new("is_subnormal", ONE, |th, a| asked_of(th, a, is_subnormal), "Is it subnormal?"),
        NativeDef::new("is_canonical", ONE, |th, a| match a[1].downcast::<Decimal>() {
            Some(_) => Ok(Owned::bool(true)),
            None => Err(th.type_error("argument must be a Decimal")),
        }, "Always true."),
        NativeDef::new("_apply", ONE, |th, a| with_one(th, a, |x, f| x.clone().finalized(f)), "x, rounded"),
        NativeDef::new("canonical", ONE, |th, a| match a[1].downcast::<Decimal>() {
            Some(_) => Ok(a[1].to_owned()),
            None => Err(th.type_error("argument must be a Decimal")),
        }, "The number itself."),
        NativeDef::new("copy_abs", ONE, |th, a| {
            let x = argument(th, a[1])?.into_owned();
            Ok(decimal(th, x.absolute()))
        }, "The number without its sign."),
        NativeDef::new("copy_negate", ONE, |th, a| {
            let x = argument(th, a[1])?.into_owned();
            Ok(decimal(th, x.negated()))
        }, "The number with the other sign."),
        NativeDef::new("copy_decimal", ONE, |th, a| {
            if a[1].downcast::<Decimal>().is_some() {
                return Ok(a[1].to_owned());
            }
            let x = argument(th, a[1])?.into_owned();
            Ok(decimal(th, x))
        }, "The number itself."),
        NativeDef::new("copy_sign", TWO, |th, a| {
            let (x, y) = (argument(th, a[1])?, argument(th, a[2])?);
            Ok(decimal(th, copy_sign(&x, &y)))
        }, "x with the sign of y"),
        NativeDef::new("same_quantum", TWO, |th, a| {
            let (x, y) = (argument(th, a[1])?, argument(th, a[2])?);
            Ok(Owned::bool(misc::same_quantum(&x, &y)))
        }, "Have both the same exponent?"),
        NativeDef::new("number_class", ONE, |th, a| {
            let x = argument(th, a[1])?;
            Ok(th.new_str(misc::class_of(&x, &context::of(a[0]).frame())))
        }, "What kind of number it is."),
        NativeDef::new("to_sci_string", ONE, |th, a| {
            let x = argument(th, a[1])?;
            own_text(th, &x, false, context::of(a[0]))
        }, "As text."),
        NativeDef::new("to_eng_string", ONE, |th, a| {
            let x = argument(th, a[1])?;
            own_text(th, &x, true, context::of(a[0]))
        }, "As text, with exponents that are multiples of three."),
        NativeDef::new("create_decimal", "($self, num='0', /)", create, "A decimal rounded to the context."),
        NativeDef::new("create_decimal_from_float", "($self, f, /)", |th, a| {
            let number = float_or_int(th, a[1])?;
            rounded_in(th, number, context::of(a[0]))
        }, "The value of a float rounded to the context."),
        NativeDef::new(
            "Etiny",
            NONE,
            |th, a| Ok(th.new_int(context::of(a[0]).frame().etiny())),
            "The exponent of the least subnormal number.",
        ),
        NativeDef::new(
            "Etop",
            NONE,
            |th, a| Ok(th.new_int(context::of(a[0]).frame().etop())),
            "The greatest exponent of a number with all digits.",
        ),
        NativeDef::new("radix", NONE, |th, _| Ok(decimal(th, Number::small(10))), "Ten."),
        NativeDef::new("clear_flags", NONE, |_, a| {
            context::of(a[0]).clear(false);
            Ok(Owned::none())
        }, "Sets all flags to False."),
        NativeDef::new("clear_traps", NONE, |_, a| {
            context::of(a[0]).clear(true);
            Ok(Owned::none())
        }, "Sets all traps to False."),
        NativeDef::new("copy", NONE, |th, a| context::copy(th, a[0]), "A copy, with its flags."),
        NativeDef::new("__copy__", NONE, |th, a| context::copy(th, a[0]), ""),
        NativeDef::new("__reduce__", NONE, |th, a| context::reduce(th, a[0]), ""),
    ]
}
