//! `_operator`: the operators of the language as functions.

mod getters;

use typhon_core::builtins::str::Str;
use typhon_core::number::{self, BinaryOp};
use typhon_core::{
    Args, ArgsExt, Borrowed, CompareOp, ModuleDef, NativeDef, Owned, PyResult, Thread, buffer,
};

macro_rules! binary {
    ($($name:ident $inplace:ident $op:ident;)*) => { $(
        fn $name(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            number::binary_op(th, BinaryOp::$op, a[0], a[1])
        }
        fn $inplace(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            number::inplace_op(th, BinaryOp::$op, a[0], a[1])
        }
    )* };
}

binary! {
    add iadd Add;
    sub isub Subtract;
    mul imul Multiply;
    matmul imatmul MatMul;
    floordiv ifloordiv FloorDivide;
    truediv itruediv TrueDivide;
    modulo imod Remainder;
    lshift ilshift Lshift;
    rshift irshift Rshift;
    and iand And;
    or ior Or;
    xor ixor Xor;
}

fn pow(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    number::power(th, a[0], a[1], Borrowed::none())
}

fn ipow(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    number::inplace_op(th, BinaryOp::Power, a[0], a[1])
}

macro_rules! comparison {
    ($($name:ident $op:ident;)*) => { $(
        fn $name(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            a[0].compare(th, a[1], CompareOp::$op)
        }
    )* };
}

comparison! { lt Lt; le Le; eq Eq; ne Ne; gt Gt; ge Ge; }

fn is_sequence(o: Borrowed<'_>) -> bool {
    let s = &o.ty().slots;
    s.getitem().is_some() && o.downcast::<typhon_core::builtins::dict::Dict>().is_none()
}

fn not_concatenable(th: &mut Thread, o: Borrowed<'_>) -> typhon_core::Raised {
    let msg = format!("'{}' object can't be concatenated", o.type_name(th));
    th.type_error(&msg)
}

fn concat(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if let Some(f) = a[0].ty().slots.concat() {
        return f(th, a[0], a[1]);
    }
    if is_sequence(a[0]) && is_sequence(a[1]) {
        return number::binary_op(th, BinaryOp::Add, a[0], a[1]);
    }
    Err(not_concatenable(th, a[0]))
}

fn iconcat(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let slots = &a[0].ty().slots;
    if let Some(f) = slots.inplace_concat().or(slots.concat()) {
        return f(th, a[0], a[1]);
    }
    if is_sequence(a[0]) && is_sequence(a[1]) {
        return number::inplace_op(th, BinaryOp::Add, a[0], a[1]);
    }
    Err(not_concatenable(th, a[0]))
}

fn count_of(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = a[0].iter(th)?;
    let mut n = 0;
    while let Some(v) = it.borrow().next(th)? {
        n += i64::from(v.borrow().equals(th, a[1])?);
    }
    Ok(th.new_int(n))
}

fn index_of(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = a[0].iter(th)?;
    let mut n = 0;
    while let Some(v) = it.borrow().next(th)? {
        if v.borrow().equals(th, a[1])? {
            return Ok(th.new_int(n));
        }
        n += 1;
    }
    Err(th.value_error("sequence.index(x): x not in sequence"))
}

fn length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let default = match a.opt(1) {
        Some(d) if d.as_int().is_none() => {
            let msg = format!("'{}' object cannot be interpreted as an integer", d.type_name(th));
            return Err(th.type_error(&msg));
        }
        Some(d) => d.to_isize(th)?,
        None => 0,
    };
    match usize::try_from(default) {
        Ok(d) => {
            let n = a[0].length_hint(th, d)?;
            Ok(th.new_int(n as i64))
        }
        // A negative default is only seen when there is no hint.
        Err(_) => {
            let n = a[0].length_hint(th, usize::MAX)?;
            Ok(th.new_int(if n == usize::MAX { default as i64 } else { n as i64 }))
        }
    }
}

fn call(th: &mut Thread, args: Args<'_>) -> PyResult {
    match args.pos().first() {
        Some(f) => f.call_args(th, args.rest()),
        None => Err(th.type_error("_operator.call() takes at least 1 argument (0 given)")),
    }
}

/// Compares in a time that depends on the length of `b` only.
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let mut diff = u8::from(a.len() != b.len());
    for (i, y) in b.iter().enumerate() {
        let x = if a.len() == b.len() { a[i] } else { *y };
        diff = core::hint::black_box(diff | (x ^ y));
    }
    diff == 0
}

fn compare_digest(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if let (Some(x), Some(y)) = (a[0].downcast::<Str>(), a[1].downcast::<Str>()) {
        let (Some(x), Some(y)) = (x.as_ascii(), y.as_ascii()) else {
            return Err(th.type_error("comparing strings with non-ASCII characters is not supported"));
        };
        return Ok(Owned::bool(same_bytes(x.as_bytes(), y.as_bytes())));
    }
    let x = buffer::bytes_like_opt(th, a[0])?;
    let y = buffer::bytes_like_opt(th, a[1])?;
    match (x, y) {
        (Some(x), Some(y)) => Ok(Owned::bool(same_bytes(&x, &y))),
        _ => {
            let msg = format!(
                "unsupported operand types(s) or combination of types: '{}' and '{}'",
                a[0].type_name(th),
                a[1].type_name(th)
            );
            Err(th.type_error(&msg))
        }
    }
}

const fn unary(name: &'static str, f: typhon_core::typedef::BoundFn, doc: &'static str) -> NativeDef {
    NativeDef::new(name, "($module, a, /)", f, doc)
}

const fn two(name: &'static str, f: typhon_core::typedef::BoundFn, doc: &'static str) -> NativeDef {
    NativeDef::new(name, "($module, a, b, /)", f, doc)
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "_operator",
    doc: "Operator interface.\n\nThis module exports a set of functions implemented in C corresponding\nto the \
          intrinsic operators of Python.  For example, operator.add(x, y)\nis equivalent to the expression x+y.",
    functions: &[
        unary(
            "truth",
            |th, a| Ok(Owned::bool(a[0].truth(th)?)),
            "Return True if a is true, False otherwise.",
        ),
        two(
            "contains",
            |th, a| Ok(Owned::bool(a[0].contains(th, a[1])?)),
            "Same as b in a (note reversed operands).",
        ),
        two("indexOf", index_of, "Return the first index of b in a."),
        two("countOf", count_of, "Return the number of items in a which are, or which equal, b."),
        two("is_", |_, a| Ok(Owned::bool(a[0].is(a[1].word()))), "Same as a is b."),
        two("is_not", |_, a| Ok(Owned::bool(!a[0].is(a[1].word()))), "Same as a is not b."),
        unary("is_none", |_, a| Ok(Owned::bool(a[0].is_none())), "Same as a is None."),
        unary("is_not_none", |_, a| Ok(Owned::bool(!a[0].is_none())), "Same as a is not None."),
        two("add", add, "Same as a + b."),
        two("sub", sub, "Same as a - b."),
        two("mul", mul, "Same as a * b."),
        two("matmul", matmul, "Same as a @ b."),
        two("floordiv", floordiv, "Same as a // b."),
        two("truediv", truediv, "Same as a / b."),
        two("mod", modulo, "Same as a % b."),
        unary("neg", |th, a| number::negative(th, a[0]), "Same as -a."),
        unary("pos", |th, a| number::positive(th, a[0]), "Same as +a."),
        unary("abs", |th, a| number::absolute(th, a[0]), "Same as abs(a)."),
        unary("inv", |th, a| number::invert(th, a[0]), "Same as ~a."),
        unary("invert", |th, a| number::invert(th, a[0]), "Same as ~a."),
        two("lshift", lshift, "Same as a << b."),
        two("rshift", rshift, "Same as a >> b."),
        unary("not_", |th, a| Ok(Owned::bool(!a[0].truth(th)?)), "Same as not a."),
        two("and_", and, "Same as a & b."),
        two("xor", xor, "Same as a ^ b."),
        two("or_", or, "Same as a | b."),
        two("iadd", iadd, "Same as a += b."),
        two("isub", isub, "Same as a -= b."),
        two("imul", imul, "Same as a *= b."),
        two("imatmul", imatmul, "Same as a @= b."),
        two("ifloordiv", ifloordiv, "Same as a //= b."),
        two("itruediv", itruediv, "Same as a /= b."),
        two("imod", imod, "Same as a %= b."),
        two("ilshift", ilshift, "Same as a <<= b."),
        two("irshift", irshift, "Same as a >>= b."),
        two("iand", iand, "Same as a &= b."),
        two("ixor", ixor, "Same as a ^= b."),
        two("ior", ior, "Same as a |= b."),
        two("concat", concat, "Same as a + b, for a and b sequences."),
        two("iconcat", iconcat, "Same as a += b, for a and b sequences."),
        two("getitem", |th, a| a[0].getitem(th, a[1]), "Same as a[b]."),
        NativeDef::new(
            "setitem",
            "($module, a, b, c, /)",
            |th, a| a[0].setitem(th, a[1], a[2]).map(|()| Owned::none()),
            "Same as a[b] = c.",
        ),
        two("delitem", |th, a| a[0].delitem(th, a[1]).map(|()| Owned::none()), "Same as del a[b]."),
        two("pow", pow, "Same as a ** b."),
        two("ipow", ipow, "Same as a **= b."),
        unary("index", |th, a| number::index(th, a[0]), "Same as a.__index__()"),
        two("lt", lt, "Same as a < b."),
        two("le", le, "Same as a <= b."),
        two("eq", eq, "Same as a == b."),
        two("ne", ne, "Same as a != b."),
        two("gt", gt, "Same as a > b."),
        two("ge", ge, "Same as a >= b."),
        NativeDef::new(
            "length_hint",
            "($module, obj, default=0, /)",
            length_hint,
            "Return an estimate of the number of items in obj.\n\nThis is useful for presizing containers when building \
             from an iterable.\n\nIf the object supports len(), the result will be exact.\nOtherwise, it may over- or \
             under-estimate by an arbitrary amount.",
        ),
        NativeDef::new(
            "_compare_digest",
            "($module, a, b, /)",
            compare_digest,
            "Return 'a == b'.\n\nThis function uses an approach designed to prevent\ntiming analysis, making it \
             appropriate for cryptography.\n\na and b must both be of the same type: either str (ASCII only),\nor any \
             bytes-like object.",
        ),
        NativeDef::raw("call", "($module, obj, /, *args, **kwargs)", call, "Same as obj(*args, **kwargs)."),
    ],
    types: &[&getters::ITEM, &getters::ATTR, &getters::METHOD],
    setup: None,
};
