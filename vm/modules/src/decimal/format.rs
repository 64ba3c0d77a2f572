//! `format(decimal, spec)`.
//!
//! Source: "Format Specification Mini-Language" of Python's documentation.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, PyResult, Thread, warnings};
use typhon_text::format_spec::{Align, FormatSpec, Target};

use super::context;
use super::number::{Kind, MOST_DIGITS, Number, Rounding, TooLarge};
use super::object::{of, too_large};
use super::text::{digits_of, to_text, write_with_point};

/// How digits are grouped.
struct Grouping {
    point: String,
    separator: String,
    /// Sizes of the groups from the right, the last one repeated; empty: none.
    sizes: Vec<usize>,
}

pub fn format(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = of(a[0]);
    let spec_text = a[1].expect_str(th, "format arg")?;
    if spec_text.is_empty() {
        return a[0].str(th);
    }
    let invalid = |th: &mut Thread| th.value_error("invalid format string");
    let Ok(spec) = FormatSpec::parse(spec_text.data(), Target::Float, "decimal.Decimal") else {
        return Err(invalid(th));
    };
    if spec.code == Some('N'.into()) {
        let msg = "Format specifier 'N' is deprecated and slated for removal in Python 3.18";
        warnings::warn(th, &ex::DEPRECATION_WARNING, msg, 1)?;
    }
    let code = match spec.code.map(char::from_u32) {
        None => None,
        Some(Some(c @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | 'N' | '%'))) => Some(c),
        Some(_) => return Err(invalid(th)),
    };
    let most = spec.width.unwrap_or(0).max(spec.precision.unwrap_or(0)) as u64;
    if most > MOST_DIGITS {
        return Err(th.value_error("format specification exceeds internal limits"));
    }
    let grouping = grouping_of(th, &spec, code, a.some(2))?;
    let code = match code {
        Some('n') => Some('g'),
        Some('N') => Some('G'),
        code => code,
    };
    let context = context::current(th)?;
    let context = context::of(context.borrow());
    let f = context.frame();
    let body = match n.kind {
        Kind::Finite => match finite(n, &spec, code, &grouping, f.rounding, context.capitals()) {
            Ok(body) => body,
            Err(TooLarge) => return Err(too_large(th)),
        },
        _ => {
            let text = to_text(&n.clone().absolute(), false, true);
            let rest = String::from(if code == Some('%') { "%" } else { "" });
            Body { negative: n.negative, whole: String::from_utf8_lossy(&text).into_owned(), rest }
        }
    };
    let special = n.kind != Kind::Finite;
    let text = assemble(&body, &spec, &grouping, special);
    Ok(th.new_str(&text))
}

/// Separators: of the specification, of the locale for `n`, or those given as a dict.
fn grouping_of(
    th: &mut Thread,
    spec: &FormatSpec,
    code: Option<char>,
    given: Option<Borrowed<'_>>,
) -> PyResult<Grouping> {
    let mut grouping = Grouping { point: ".".into(), separator: String::new(), sizes: Vec::new() };
    if let Some(separator) = spec.grouping {
        if matches!(code, Some('n' | 'N')) {
            return Err(th.value_error("invalid format string"));
        }
        grouping.separator = char::from(separator).to_string();
        grouping.sizes = vec![3];
    }
    let table = match (given, code) {
        (Some(given), _) => {
            if given.downcast::<Dict>().is_none() {
                return Err(th.type_error("optional argument must be a dict"));
            }
            given.to_owned()
        }
        (None, Some('n' | 'N')) => {
            let localeconv = crate::support::import_attr(th, "locale", "localeconv")?;
            localeconv.borrow().call(th, &[])?
        }
        (None, _) => return Ok(grouping),
    };
    let text = |th: &mut Thread, key: &str| -> PyResult<Option<String>> {
        let key = th.intern(key);
        let Some(v) = table.payload::<Dict>().get_interned(key.word()) else { return Ok(None) };
        match v.downcast::<Str>() {
            Some(s) => Ok(Some(s.to_text())),
            None => Err(th.type_error("invalid override dict")),
        }
    };
    if let Some(point) = text(th, "decimal_point")? {
        grouping.point = point;
    }
    if let Some(separator) = text(th, "thousands_sep")? {
        grouping.separator = separator;
    }
    let key = th.intern("grouping");
    if let Some(sizes) = table.payload::<Dict>().get_interned(key.word()) {
        // A str of characters with these codes, or a list of ints.
        if let Some(s) = sizes.downcast::<Str>() {
            grouping.sizes = s.data().iter().map(|c| c as usize).collect();
        } else {
            let items = sizes.borrow().to_vec(th)?;
            grouping.sizes.clear();
            for item in items {
                grouping.sizes.push(item.borrow().to_i64(th)?.max(0) as usize);
            }
        }
    }
    let too_long = |text: &str| text.len() > 4;
    if too_long(&grouping.point) || too_long(&grouping.separator) || grouping.sizes.iter().any(|&n| n > 127) {
        return Err(th.value_error("invalid override dict"));
    }
    Ok(grouping)
}

/// A formatted number without its sign: what may be grouped, and what follows.
struct Body {
    negative: bool,
    whole: String,
    rest: String,
}

fn finite(
    n: &Number,
    spec: &FormatSpec,
    code: Option<char>,
    grouping: &Grouping,
    rounding: Rounding,
    capitals: bool,
) -> Result<Body, TooLarge> {
    let mut n = n.clone();
    if code == Some('%') {
        n.exponent += 2;
    }
    let places = spec.precision.map(|p| p as i64);
    n = match (code, places) {
        (Some('e' | 'E'), Some(places)) => to_digits(n, places + 1, rounding)?,
        (Some('f' | 'F' | '%'), Some(places)) => n.rescaled(-places, rounding)?,
        (Some('g' | 'G') | None, Some(digits)) if n.digits() > digits.max(1) => {
            to_digits(n, digits.max(1), rounding)?
        }
        _ => n,
    };
    if n.is_zero() && n.exponent > 0 && matches!(code, Some('f' | 'F' | '%')) {
        n = n.rescaled(0, rounding)?;
    }
    let digits = digits_of(&n.coefficient);
    let left = n.exponent + digits.len() as i64;
    let point = match code {
        Some('e' | 'E') => {
            if n.is_zero()
                && let Some(places) = places
            {
                1 - places
            } else {
                1
            }
        }
        Some('f' | 'F' | '%') => left,
        _ if n.exponent <= 0 && left > -6 => left,
        _ => 1,
    };
    if point.unsigned_abs() > MOST_DIGITS {
        return Err(TooLarge);
    }
    let mut shown = Vec::new();
    write_with_point(&digits, point, &mut shown);
    let shown = String::from_utf8_lossy(&shown).into_owned();
    let (whole, behind) = match shown.split_once('.') {
        Some((whole, behind)) => {
            let behind = match spec.fraction_grouping {
                Some(separator) => in_threes(behind, separator),
                None => behind.to_owned(),
            };
            (whole.to_owned(), format!("{}{behind}", grouping.point))
        }
        None if spec.alternate => (shown, grouping.point.clone()),
        None => (shown, String::new()),
    };
    let mut rest = behind;
    if left != point || matches!(code, Some('e' | 'E')) {
        let e = match code {
            Some('e' | 'g') => 'e',
            Some(_) => 'E',
            None if capitals => 'E',
            None => 'e',
        };
        rest.push_str(&format!("{e}{:+}", left - point));
    }
    if code == Some('%') {
        rest.push('%');
    }
    let negative = n.negative && !(spec.coerce_zero && n.is_zero());
    Ok(Body { negative, whole, rest })
}

/// Digits behind the point in groups.
fn in_threes(digits: &str, separator: u8) -> String {
    let groups: Vec<&str> =
        digits.as_bytes().chunks(3).map(|group| core::str::from_utf8(group).unwrap_or("")).collect();
    groups.join(&char::from(separator).to_string())
}

/// The number with so many digits.
fn to_digits(n: Number, digits: i64, rounding: Rounding) -> Result<Number, TooLarge> {
    if n.coefficient.is_zero() {
        return Ok(n);
    }
    let rounded = n.rescaled(n.adjusted() + 1 - digits, rounding)?;
    if rounded.digits() > digits {
        // 9.99 became 10.0.
        return rounded.rescaled(rounded.exponent + 1, rounding);
    }
    Ok(rounded)
}

/// Puts sign, padding and separators to the digits.
fn assemble(body: &Body, spec: &FormatSpec, grouping: &Grouping, special: bool) -> String {
    let sign = if body.negative {
        "-"
    } else {
        match spec.sign {
            Some(b'+') => "+",
            Some(b' ') => " ",
            _ => "",
        }
    };
    let width = spec.width.unwrap_or(0);
    let zero_padded = spec.align == Align::AfterSign && spec.fill == u32::from('0');
    let others = sign.len() + body.rest.chars().count();
    let least = if zero_padded && !special { width.saturating_sub(others) } else { 0 };
    let whole = if special { body.whole.clone() } else { grouped(&body.whole, grouping, least) };
    let content = format!("{whole}{}", body.rest);
    let missing = width.saturating_sub(sign.len() + content.chars().count());
    let fill = char::from_u32(spec.fill).unwrap_or(' ');
    let fill = if special && zero_padded { ' ' } else { fill };
    let pad = |n: usize| core::iter::repeat_n(fill, n).collect::<String>();
    match spec.align {
        Align::Left => format!("{sign}{content}{}", pad(missing)),
        Align::Center => format!("{}{sign}{content}{}", pad(missing / 2), pad(missing - missing / 2)),
        Align::AfterSign if !(special && zero_padded) => format!("{sign}{}{content}", pad(missing)),
        _ => format!("{}{sign}{content}", pad(missing)),
    }
}

/// Digits in groups, with zeros in front up to `least` characters.
fn grouped(digits: &str, grouping: &Grouping, least: usize) -> String {
    if grouping.sizes.is_empty() || grouping.separator.is_empty() {
        return format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
    }
    let separator = grouping.separator.chars().count();
    let mut left = digits;
    let mut groups: Vec<String> = Vec::new();
    let (mut length, mut size) = (0, 1);
    while !left.is_empty() || length < least {
        length += if groups.is_empty() { 0 } else { separator };
        // Digits of this group, zeros in front of the number among them.
        let wanted = left.len().max(least.saturating_sub(length)).max(1);
        size = match grouping.sizes.get(groups.len()) {
            Some(&REST) => usize::MAX,
            Some(&0) | None => size,
            Some(&size) => size,
        };
        let taken = size.min(wanted);
        let (rest, group) = left.split_at(left.len().saturating_sub(taken));
        groups.push(format!("{}{group}", "0".repeat(taken - group.len())));
        length += taken;
        left = rest;
    }
    groups.reverse();
    groups.join(&grouping.separator)
}

/// The size of a group (`CHAR_MAX`) that says that what is left is not grouped.
const REST: usize = 127;
