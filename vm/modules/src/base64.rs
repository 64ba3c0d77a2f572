//! `_base64`: the loops of the module `base64`, over bytes.
//!
//! `vm/stdlib/base64.py` has the public functions. What is written here takes any bytes-like object; functions that
//! decode take a str of ASCII as well.

use std::borrow::Cow;

use typhon_core::buffer;
use typhon_core::builtins::bytearray::ByteArray;
use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::str::Str;
use typhon_core::{Borrowed, ModuleDef, NativeDef, Owned, PyResult, Raised, Thread};

use crate::support;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_base64",
    doc: "Base32, Base85 and Ascii85 for the module base64.",
    functions: &[
        NativeDef::new(
            "b32encode",
            "($module, s, hex, /)",
            |th, a| {
                let alphabet = if a[1].truth(th)? { &BASE32_HEX } else { &BASE32 };
                b32encode(th, a[0], alphabet)
            },
            "Encode s in base32, or in base32hex.",
        ),
        NativeDef::new(
            "b32decode",
            "($module, s, hex, casefold, /)",
            |th, a| {
                let (hex, casefold) = (a[1].truth(th)?, a[2].truth(th)?);
                b32decode(th, a[0], if hex { &FROM_BASE32_HEX } else { &FROM_BASE32 }, casefold)
            },
            "Decode base32, or base32hex.",
        ),
        NativeDef::new(
            "a85encode",
            "($module, b, pad, foldspaces, /)",
            |th, a| {
                let folds = Folds { nuls: true, spaces: a[2].truth(th)? };
                encode85(th, a[0], &ASCII85, a[1], folds)
            },
            "Encode b in Ascii85, without frame and line ends.",
        ),
        NativeDef::new(
            "a85decode",
            "($module, b, foldspaces, ignorechars, /)",
            a85decode,
            "Decode Ascii85 without a frame.",
        ),
        NativeDef::new(
            "b85encode",
            "($module, b, pad, /)",
            |th, a| encode85(th, a[0], &BASE85, a[1], Folds::default()),
            "Encode b in base85.",
        ),
        NativeDef::new(
            "b85decode",
            "($module, b, /)",
            |th, a| decode85(th, a[0], &FROM_BASE85, "base85"),
            "Decode base85.",
        ),
        NativeDef::new(
            "z85encode",
            "($module, s, /)",
            |th, a| encode85(th, a[0], &Z85, Borrowed::none(), Folds::default()),
            "Encode s in z85.",
        ),
        NativeDef::new(
            "z85decode",
            "($module, s, /)",
            |th, a| decode85(th, a[0], &FROM_Z85, "z85"),
            "Decode z85.",
        ),
        NativeDef::new(
            "decode_data",
            "($module, s, /)",
            |th, a| match a[0].downcast::<Bytes>().is_some() || a[0].downcast::<ByteArray>().is_some() {
                true => Ok(a[0].to_owned()),
                false => {
                    let data = decode_data(th, a[0])?;
                    Ok(th.new_bytes(&data))
                }
            },
            "The bytes of a bytes-like object or a str of ASCII.",
        ),
        NativeDef::new(
            "lines",
            "($module, b, width, /)",
            lines,
            "b with a line end after every width bytes.",
        ),
    ],
    types: &[],
    setup: None,
};

const BASE32: [u8; 32] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE32_HEX: [u8; 32] = *b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
static FROM_BASE32: [u8; 256] = values(&BASE32);
static FROM_BASE32_HEX: [u8; 256] = values(&BASE32_HEX);

const ASCII85: [u8; 85] = {
    let mut digits = [0; 85];
    let mut i = 0;
    while i < 85 {
        digits[i] = b'!' + i as u8;
        i += 1;
    }
    digits
};
const BASE85: [u8; 85] =
    *b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const Z85: [u8; 85] =
    *b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
static FROM_BASE85: [u8; 256] = values(&BASE85);
static FROM_Z85: [u8; 256] = values(&Z85);

/// The value of a byte that is no digit; its top bits are set in no value.
pub const NO_DIGIT: u8 = 255;

/// The value of each byte in an alphabet.
pub const fn values(alphabet: &[u8]) -> [u8; 256] {
    let mut out = [NO_DIGIT; 256];
    let mut i = 0;
    while i < alphabet.len() {
        out[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    out
}

/// The bytes of a `bytes`, or a copy of those that may change meanwhile. Errors: TypeError, as `memoryview` raises it.
fn encode_data<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<Cow<'a, [u8]>> {
    if let Some(b) = o.downcast::<Bytes>() {
        return Ok(Cow::Borrowed(b.as_bytes()));
    }
    if o.downcast::<ByteArray>().is_some() {
        return Ok(Cow::Owned(buffer::bytes_like(th, o)?.to_vec()));
    }
    // Views need not be contiguous.
    let view = support::builtin(th, "memoryview").borrow().call(th, &[o])?;
    let bytes = view.borrow().call_method_str(th, "tobytes", &[])?;
    Ok(Cow::Owned(buffer::bytes_like(th, bytes.borrow())?.to_vec()))
}

/// As [`encode_data`], and of a str of ASCII. Errors: ValueError, TypeError.
fn decode_data<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<Cow<'a, [u8]>> {
    if let Some(s) = o.downcast::<Str>() {
        return match s.as_ascii() {
            Some(text) => Ok(Cow::Borrowed(text.as_bytes())),
            None => Err(th.value_error("string argument should contain only ASCII characters")),
        };
    }
    if o.ty().slots.buffer().is_none() {
        let name = th.new_str(&o.type_name(th));
        let shown = name.borrow().repr_text(th)?;
        let msg = format!("argument should be a bytes-like object or ASCII string, not {shown}");
        return Err(th.type_error(&msg));
    }
    encode_data(th, o)
}

#[cold]
fn error(th: &mut Thread, msg: &str) -> Raised {
    let class = match support::import_attr(th, "binascii", "Error") {
        Ok(class) => class,
        Err(raised) => return raised,
    };
    let msg = th.new_str(msg);
    match class.borrow().call(th, &[msg.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

fn b32encode(th: &mut Thread, s: Borrowed<'_>, alphabet: &[u8; 32]) -> PyResult {
    let data = encode_data(th, s)?;
    th.new_bytes_with(data.len().div_ceil(5) * 8, |out| {
        let digits = |[a, b, c, d, e]: [u8; 5]| -> [u8; 8] {
            let v = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
            core::array::from_fn(|i| alphabet[(v >> (35 - 5 * i) & 31) as usize])
        };
        let (groups, last) = data.as_chunks::<5>();
        let (places, _) = out.as_chunks_mut::<8>();
        for (place, group) in places.iter_mut().zip(groups) {
            *place = digits(*group);
        }
        if !last.is_empty()
            && let Some(place) = places.last_mut()
        {
            let mut group = [0; 5];
            group[..last.len()].copy_from_slice(last);
            *place = digits(group);
            place[(last.len() * 8).div_ceil(5)..].fill(b'=');
        }
    })
}

fn b32decode(th: &mut Thread, s: Borrowed<'_>, table: &[u8; 256], casefold: bool) -> PyResult {
    let text = decode_data(th, s)?;
    if !text.len().is_multiple_of(8) {
        return Err(error(th, "Incorrect padding"));
    }
    let end = text.iter().rposition(|&c| c != b'=').map_or(0, |i| i + 1);
    let pads = text.len() - end;
    let (groups, last) = text[..end].as_chunks::<8>();
    let whole = groups.len() * 5;
    let mut wrong = 0;
    let out = th.new_bytes_with(whole + last.len() * 5 / 8, |out| {
        let mut number = |group: [u8; 8]| -> [u8; 8] {
            let group = if casefold { group.map(|c| c.to_ascii_uppercase()) } else { group };
            let mut v = 0;
            for c in group {
                let d = table[usize::from(c)];
                wrong |= d;
                v = v << 5 | u64::from(d & 31);
            }
            v.to_be_bytes()
        };
        let (places, rest) = out.split_at_mut(whole);
        for (place, group) in places.as_chunks_mut::<5>().0.iter_mut().zip(groups) {
            place.copy_from_slice(&number(*group)[3..]);
        }
        // Digits that are missing count as zeros.
        let zero = table.iter().position(|v| *v == 0).unwrap_or(0) as u8;
        let mut group = [zero; 8];
        group[..last.len()].copy_from_slice(last);
        let n = rest.len();
        rest.copy_from_slice(&number(group)[3..3 + n]);
    })?;
    if wrong > 31 {
        return Err(error(th, "Non-base32 digit found"));
    }
    if !matches!(pads, 0 | 1 | 3 | 4 | 6) {
        return Err(error(th, "Incorrect padding"));
    }
    Ok(out)
}

/// Words that a single letter stands for.
#[derive(Clone, Copy, Default)]
struct Folds {
    /// `z`: four zeros.
    nuls: bool,
    /// `y`: four spaces.
    spaces: bool,
}

const SPACES: u32 = u32::from_be_bytes(*b"    ");

fn digits85(mut v: u32, alphabet: &[u8; 85]) -> [u8; 5] {
    let mut out = [0; 5];
    for place in out.iter_mut().rev() {
        *place = alphabet[(v % 85) as usize];
        v /= 85;
    }
    out
}

fn encode85(
    th: &mut Thread,
    b: Borrowed<'_>,
    alphabet: &[u8; 85],
    pad: Borrowed<'_>,
    folds: Folds,
) -> PyResult {
    let data = encode_data(th, b)?;
    let (words, last) = data.as_chunks::<4>();
    let mut tail = [0; 4];
    tail[..last.len()].copy_from_slice(last);
    let tail = u32::from_be_bytes(tail);
    let keep = if last.is_empty() {
        0
    } else if pad.truth(th)? {
        5
    } else {
        last.len() + 1
    };
    if !folds.nuls && !folds.spaces {
        return th.new_bytes_with(words.len() * 5 + keep, |out| {
            let (places, rest) = out.split_at_mut(words.len() * 5);
            for (place, word) in places.as_chunks_mut::<5>().0.iter_mut().zip(words) {
                *place = digits85(u32::from_be_bytes(*word), alphabet);
            }
            rest.copy_from_slice(&digits85(tail, alphabet)[..keep]);
        });
    }
    let mut out = Vec::with_capacity(words.len() * 5 + keep);
    for word in words {
        match u32::from_be_bytes(*word) {
            0 if folds.nuls => out.push(b'z'),
            SPACES if folds.spaces => out.push(b'y'),
            v => out.extend_from_slice(&digits85(v, alphabet)),
        }
    }
    match keep {
        // Padding that is kept is folded, as the other words are.
        5 if folds.nuls && tail == 0 => out.push(b'z'),
        _ => out.extend_from_slice(&digits85(tail, alphabet)[..keep]),
    }
    Ok(th.new_bytes(&out))
}

/// Five digits as a word; `None`: above 32 bits. Values are at most 127.
fn word85(digits: [u8; 5]) -> Option<[u8; 4]> {
    let v = digits.iter().fold(0, |v, &d| v * 85 + u64::from(d));
    u32::try_from(v).ok().map(u32::to_be_bytes)
}

fn decode85(th: &mut Thread, b: Borrowed<'_>, table: &[u8; 256], name: &str) -> PyResult {
    enum Wrong {
        Digit(usize),
        Overflow(usize),
    }
    let text = decode_data(th, b)?;
    let (groups, last) = text.as_chunks::<5>();
    let whole = groups.len() * 4;
    let mut wrong = None;
    let word = |i: usize, group: &[u8; 5]| {
        let digits = group.map(|c| table[usize::from(c)]);
        if let Some(at) = digits.iter().position(|d| *d == NO_DIGIT) {
            return Err(Wrong::Digit(i * 5 + at));
        }
        word85(digits).ok_or(Wrong::Overflow(i * 5))
    };
    let out = th.new_bytes_with(whole + last.len().saturating_sub(1), |out| {
        let (places, rest) = out.split_at_mut(whole);
        for (i, (place, group)) in places.as_chunks_mut::<4>().0.iter_mut().zip(groups).enumerate() {
            match word(i, group) {
                Ok(bytes) => *place = bytes,
                Err(w) => return wrong = Some(w),
            }
        }
        if last.is_empty() {
            return;
        }
        // Missing digits count as the highest.
        let highest = table.iter().position(|v| *v == 84).unwrap_or(0) as u8;
        let mut group = [highest; 5];
        group[..last.len()].copy_from_slice(last);
        match word(groups.len(), &group) {
            Ok(bytes) => {
                let n = rest.len();
                rest.copy_from_slice(&bytes[..n])
            }
            Err(w) => wrong = Some(w),
        }
    })?;
    match wrong {
        None => Ok(out),
        Some(Wrong::Digit(at)) => Err(th.value_error(&format!("bad {name} character at position {at}"))),
        Some(Wrong::Overflow(at)) => {
            Err(th.value_error(&format!("{name} overflow in hunk starting at byte {at}")))
        }
    }
}

fn a85decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let text = decode_data(th, a[0])?;
    let (fold_spaces, ignored) = (a[1].truth(th)?, a[2]);
    let mut out = Vec::with_capacity(text.len() / 5 * 4 + 4);
    let (mut digits, mut n) = ([0; 5], 0);
    let mut rest = &text[..];
    loop {
        // Five digits in a row are the rule.
        while n == 0
            && let Some((group, behind)) = rest.split_first_chunk::<5>()
            && group.iter().all(|c| matches!(c, b'!'..=b'u'))
        {
            match word85(group.map(|c| c - b'!')) {
                Some(word) => out.extend_from_slice(&word),
                None => return Err(th.value_error("Ascii85 overflow")),
            }
            rest = behind;
        }
        let Some((&c, behind)) = rest.split_first() else { break };
        rest = behind;
        match c {
            b'!'..=b'u' => {
                digits[n] = c - b'!';
                n += 1;
                if n == 5 {
                    n = 0;
                    match word85(digits) {
                        Some(word) => out.extend_from_slice(&word),
                        None => return Err(th.value_error("Ascii85 overflow")),
                    }
                }
            }
            b'z' if n > 0 => return Err(th.value_error("z inside Ascii85 5-tuple")),
            b'z' => out.extend_from_slice(&[0; 4]),
            b'y' if fold_spaces && n > 0 => return Err(th.value_error("y inside Ascii85 5-tuple")),
            b'y' if fold_spaces => out.extend_from_slice(b"    "),
            _ => {
                let skip = match ignored.downcast_exact::<Bytes>() {
                    Some(b) => b.as_bytes().contains(&c),
                    None => contains(th, ignored, c)?,
                };
                if !skip {
                    let msg = format!("Non-Ascii85 digit found: {}", char::from(c));
                    return Err(th.value_error(&msg));
                }
            }
        }
    }
    if n > 0 {
        // Missing digits count as the highest.
        digits[n..].fill(84);
        match word85(digits) {
            Some(word) => out.extend_from_slice(&word[..n - 1]),
            None => return Err(th.value_error("Ascii85 overflow")),
        }
    }
    Ok(th.new_bytes(&out))
}

/// `c in o` of any object.
#[cold]
fn contains(th: &mut Thread, o: Borrowed<'_>, c: u8) -> PyResult<bool> {
    let contains = support::import_attr(th, "operator", "contains")?;
    let c = th.new_int(i64::from(c));
    contains.borrow().call(th, &[o, c.borrow()])?.borrow().truth(th)
}

fn lines(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<Owned> {
    let data = encode_data(th, a[0])?;
    let width = a[1].to_isize_clipped(th)?.max(1) as usize;
    let ends = data.len().saturating_sub(1) / width;
    th.new_bytes_with(data.len() + ends, |out| {
        let mut places = out.chunks_mut(width.saturating_add(1));
        for line in data.chunks(width) {
            let Some(place) = places.next() else { return };
            place[..line.len()].copy_from_slice(line);
            if let Some(end) = place.get_mut(width) {
                *end = b'\n';
            }
        }
    })
}
