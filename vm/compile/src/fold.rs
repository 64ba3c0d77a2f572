//! Evaluation of operators on constants. Everything here is exact, or left to run time.

use crate::{
    code::Const,
    opcode::BinaryOp,
    pystr::{PyStr, PyStrBuf},
};

/// Longest sequence or string that folding makes.
const MAX_LENGTH: usize = 4096;
/// Largest int that folding makes, in bits: what an i128 holds.
const MAX_SHIFT: i128 = 126;

/// The value of `left op right`, if it is cheap and cannot fail.
pub(crate) fn binary(op: BinaryOp, left: &Const, right: &Const) -> Option<Const> {
    use BinaryOp as B;
    match (op, left, right) {
        (B::Add, Const::Str(a), Const::Str(b)) if a.byte_len() + b.byte_len() <= MAX_LENGTH => {
            let mut buf = PyStrBuf::new();
            buf.push(a);
            buf.push(b);
            return Some(Const::Str(buf.finish()));
        }
        (B::Add, Const::Bytes(a), Const::Bytes(b)) if a.len() + b.len() <= MAX_LENGTH => {
            return Some(Const::Bytes([&a[..], b].concat()));
        }
        (B::Add, Const::Tuple(a), Const::Tuple(b)) if a.len() + b.len() <= MAX_LENGTH => {
            return Some(Const::Tuple(a.iter().chain(b).cloned().collect()));
        }
        (B::Multiply, sequence @ (Const::Str(_) | Const::Bytes(_) | Const::Tuple(_)), Const::Int(n))
        | (B::Multiply, Const::Int(n), sequence @ (Const::Str(_) | Const::Bytes(_) | Const::Tuple(_))) => {
            return repeat(sequence, *n);
        }
        (B::Subscr, _, _) => return subscript(left, right),
        _ => {}
    }
    if let (Some(a), Some(b)) = (integer(left), integer(right)) {
        let both_bool =
            matches!(left, Const::True | Const::False) && matches!(right, Const::True | Const::False);
        return integers(op, a, b, both_bool);
    }
    if let (Some(a), Some(b)) = (real(left), real(right)) {
        return floats(op, a, b);
    }
    complexes(op, left, right)
}

/// The value of a unary operator.
pub(crate) fn negative(value: &Const) -> Option<Const> {
    match value {
        Const::Float(x) => Some(Const::Float(-x)),
        Const::Complex(re, im) => Some(Const::Complex(-re, -im)),
        Const::BigInt(digits) => Some(match digits.strip_prefix('-') {
            Some(rest) => from_digits(rest.to_owned()),
            None => from_digits(format!("-{digits}")),
        }),
        _ => from_i128(-integer(value)?),
    }
}

/// `+value`
pub(crate) fn positive(value: &Const) -> Option<Const> {
    match value {
        Const::Float(_) | Const::Complex(..) | Const::BigInt(_) => Some(value.clone()),
        _ => from_i128(integer(value)?),
    }
}

/// `~value`; for bools the operator is deprecated and warns at run time.
pub(crate) fn invert(value: &Const) -> Option<Const> {
    match value {
        Const::Int(n) => from_i128(!i128::from(*n)),
        _ => None,
    }
}

/// Truth of a constant.
pub(crate) fn truth(value: &Const) -> bool {
    match value {
        Const::None | Const::False => false,
        Const::True | Const::Ellipsis | Const::BigInt(_) | Const::Slice(_) | Const::Code(_) => true,
        Const::Int(n) => *n != 0,
        Const::Float(x) => *x != 0.0,
        Const::Complex(re, im) => *re != 0.0 || *im != 0.0,
        Const::Str(text) => !text.is_empty(),
        Const::Bytes(bytes) => !bytes.is_empty(),
        Const::Tuple(items) | Const::FrozenSet(items) => !items.is_empty(),
    }
}

/// A bool as a constant.
pub(crate) fn boolean(value: bool) -> Const {
    if value { Const::True } else { Const::False }
}

/// An int of any size that an i128 holds.
pub(crate) fn from_i128(n: i128) -> Option<Const> {
    Some(match i64::try_from(n) {
        Ok(n) => Const::Int(n),
        Err(_) if n < 0 => Const::BigInt(format!("-{:x}", n.unsigned_abs())),
        Err(_) => Const::BigInt(format!("{n:x}")),
    })
}

/// An int of hexadecimal digits, with sign.
pub(crate) fn from_digits(digits: String) -> Const {
    match i64::from_str_radix(&digits, 16) {
        Ok(n) => Const::Int(n),
        Err(_) => Const::BigInt(digits),
    }
}

fn integer(value: &Const) -> Option<i128> {
    match value {
        Const::Int(n) => Some(i128::from(*n)),
        Const::True => Some(1),
        Const::False => Some(0),
        Const::BigInt(digits) => i128::from_str_radix(digits, 16).ok(),
        _ => None,
    }
}

/// A float, or an int that is exactly one.
fn real(value: &Const) -> Option<f64> {
    match value {
        Const::Float(x) => Some(*x),
        _ => integer(value).filter(|n| n.unsigned_abs() <= 1 << 53).map(|n| n as f64),
    }
}

fn integers(op: BinaryOp, a: i128, b: i128, both_bool: bool) -> Option<Const> {
    use BinaryOp as B;
    let value = match op {
        B::Add => a.checked_add(b)?,
        B::Subtract => a.checked_sub(b)?,
        B::Multiply => a.checked_mul(b)?,
        B::FloorDivide | B::Remainder => {
            let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
            let down = rest != 0 && (rest < 0) != (b < 0);
            match op {
                B::FloorDivide => quotient - i128::from(down),
                _ => rest + if down { b } else { 0 },
            }
        }
        B::TrueDivide => {
            let exact = 1 << 53;
            if b == 0 || a.unsigned_abs() > exact || b.unsigned_abs() > exact {
                return None;
            }
            return Some(Const::Float(a as f64 / b as f64));
        }
        B::Power => {
            let exponent = u32::try_from(b).ok()?;
            a.checked_pow(exponent)?
        }
        B::Lshift => {
            if !(0..=MAX_SHIFT).contains(&b) {
                return None;
            }
            let shifted = a << b;
            if shifted >> b != a {
                return None;
            }
            shifted
        }
        B::Rshift => {
            if b < 0 {
                return None;
            }
            a >> b.min(127)
        }
        B::And if both_bool => return Some(boolean(a & b != 0)),
        B::Or if both_bool => return Some(boolean(a | b != 0)),
        B::Xor if both_bool => return Some(boolean(a ^ b != 0)),
        B::And => a & b,
        B::Or => a | b,
        B::Xor => a ^ b,
        _ => return None,
    };
    from_i128(value)
}

fn floats(op: BinaryOp, a: f64, b: f64) -> Option<Const> {
    use BinaryOp as B;
    let value = match op {
        B::Add => a + b,
        B::Subtract => a - b,
        B::Multiply => a * b,
        B::TrueDivide if b != 0.0 => a / b,
        _ => return None,
    };
    Some(Const::Float(value))
}

/// Sums with an imaginary literal, which is how complex constants are written.
fn complexes(op: BinaryOp, left: &Const, right: &Const) -> Option<Const> {
    let sign = match op {
        BinaryOp::Add => 1.0,
        BinaryOp::Subtract => -1.0,
        _ => return None,
    };
    match (left, right) {
        (Const::Complex(a, b), Const::Complex(c, d)) => Some(Const::Complex(a + sign * c, b + sign * d)),
        (_, Const::Complex(c, d)) => Some(Const::Complex(real(left)? + sign * c, sign * d)),
        (Const::Complex(a, b), _) => Some(Const::Complex(a + sign * real(right)?, *b)),
        _ => None,
    }
}

fn repeat(sequence: &Const, n: i64) -> Option<Const> {
    let count = usize::try_from(n).unwrap_or(0);
    let fits = |len: usize| len.checked_mul(count).is_some_and(|total| total <= MAX_LENGTH);
    match sequence {
        Const::Str(text) if fits(text.byte_len()) => {
            let mut buf = PyStrBuf::new();
            (0..count.min(MAX_LENGTH)).for_each(|_| buf.push(text));
            Some(Const::Str(buf.finish()))
        }
        Const::Bytes(bytes) if fits(bytes.len()) => {
            Some(Const::Bytes(if bytes.is_empty() { Vec::new() } else { bytes.repeat(count) }))
        }
        Const::Tuple(items) if fits(items.len().max(1)) && items.len() * count <= 256 => {
            Some(Const::Tuple((0..count).flat_map(|_| items.iter().cloned()).collect()))
        }
        _ => None,
    }
}

fn subscript(container: &Const, index: &Const) -> Option<Const> {
    let index = integer(index)?;
    let at = |len: usize| {
        let index = if index < 0 { index + len as i128 } else { index };
        usize::try_from(index).ok().filter(|&at| at < len)
    };
    match container {
        Const::Str(text) => {
            let points: Vec<u32> = text.code_points().collect();
            let point = points[at(points.len())?];
            Some(Const::Str(PyStr::from_iter([point])))
        }
        Const::Bytes(bytes) => Some(Const::Int(i64::from(bytes[at(bytes.len())?]))),
        Const::Tuple(items) => Some(items[at(items.len())?].clone()),
        _ => None,
    }
}
