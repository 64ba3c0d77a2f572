//! `binascii`: bytes as text and back.

use std::borrow::Cow;

use base64_simd::AsOut;
use typhon_core::buffer::{self, ByteArg};
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Raised, Thread};

use crate::base64::{NO_DIGIT, values};
use crate::support::ModuleExt;

pub static MODULE: ModuleDef = ModuleDef {
    name: "binascii",
    doc: "Conversion between binary data and ASCII",
    functions: &[
        NativeDef::new(
            "hexlify",
            "($module, data, sep=None, bytes_per_sep=1)",
            hexlify,
            "Hexadecimal representation of binary data.",
        ),
        NativeDef::new(
            "b2a_hex",
            "($module, data, sep=None, bytes_per_sep=1)",
            hexlify,
            "Hexadecimal representation of binary data.",
        ),
        NativeDef::new(
            "unhexlify",
            "($module, hexstr, /)",
            unhexlify,
            "Binary data of hexadecimal representation.",
        ),
        NativeDef::new(
            "a2b_hex",
            "($module, hexstr, /)",
            unhexlify,
            "Binary data of hexadecimal representation.",
        ),
        NativeDef::new(
            "b2a_base64",
            "($module, data, /, *, newline=True)",
            b2a_base64,
            "Base64-code line of data.",
        ),
        NativeDef::new(
            "a2b_base64",
            "($module, data, /, *, strict_mode=False)",
            a2b_base64,
            "Decode a line of base64 data.",
        ),
        NativeDef::new("b2a_uu", "($module, data, /, *, backtick=False)", b2a_uu, "Uuencode line of data."),
        NativeDef::new("a2b_uu", "($module, data, /)", a2b_uu, "Decode a line of uuencoded data."),
        NativeDef::new(
            "b2a_qp",
            "($module, data, quotetabs=False, istext=True, header=False)",
            b2a_qp,
            "Encode a string using quoted-printable encoding.",
        ),
        NativeDef::new(
            "a2b_qp",
            "($module, data, header=False)",
            a2b_qp,
            "Decode a string of qp-encoded data.",
        ),
        NativeDef::new("crc32", "($module, data, crc=0, /)", crc32, "Compute CRC-32 incrementally."),
        NativeDef::new("crc_hqx", "($module, data, crc, /)", crc_hqx, "Compute CRC-CCITT incrementally."),
    ],
    types: &[],
    setup: Some(setup),
};

const ERROR: &str = "binascii.Error";

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    let error = crate::args::exception_class(th, "binascii", "Error", ex::VALUE_ERROR.ty().as_value())?;
    drop(th.rt.store(ERROR, error.clone()));
    m.add(th, "Error", error)?;
    let incomplete =
        crate::args::exception_class(th, "binascii", "Incomplete", ex::EXCEPTION.ty().as_value())?;
    m.add(th, "Incomplete", incomplete)
}

#[cold]
fn error(th: &mut Thread, msg: &str) -> Raised {
    let Some(class) = th.rt.stored(ERROR) else { return th.value_error(msg) };
    let msg = th.new_str(msg);
    match class.borrow().call(th, &[msg.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

/// The bytes of a `bytes`, or a copy of those of another object, which may change meanwhile.
fn plain_bytes<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<Cow<'a, [u8]>> {
    Ok(match buffer::bytes_like(th, o)? {
        ByteArg::Bytes(b) => Cow::Borrowed(b),
        ByteArg::Buffer(b) => Cow::Owned(b.as_slice().to_vec()),
    })
}

/// As [`plain_bytes`], and of a str of ASCII.
fn ascii_bytes<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<Cow<'a, [u8]>> {
    if let Some(s) = o.downcast::<Str>() {
        return match s.as_ascii() {
            Some(t) => Ok(Cow::Borrowed(t.as_bytes())),
            None => Err(th.value_error("string argument should contain only ASCII characters")),
        };
    }
    if buffer::bytes_like_opt(th, o)?.is_none() {
        let msg = format!("argument should be bytes, buffer or ASCII string, not '{}'", o.type_name(th));
        return Err(th.type_error(&msg));
    }
    plain_bytes(th, o)
}

/// Two lower-case digits a byte.
fn hex_digits(b: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[(b >> 4) as usize], DIGITS[(b & 15) as usize]]
}

/// Lower-case hexadecimal digits.
pub fn hex(data: &[u8]) -> Vec<u8> {
    data.iter().flat_map(|b| hex_digits(*b)).collect()
}

fn hexlify(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a.some(1).is_none() {
        let data = plain_bytes(th, a[0])?;
        return th.new_bytes_with(data.len() * 2, |out| {
            let (places, _) = out.as_chunks_mut::<2>();
            places.iter_mut().zip(data.iter()).for_each(|(place, b)| *place = hex_digits(*b));
        });
    }
    // `bytes.hex` knows separators.
    let data = buffer::bytes_like(th, a[0])?.to_vec();
    let bytes = th.new_bytes(&data);
    let (name, every) = (th.intern("hex"), th.new_int(1));
    let every = a.opt(2).unwrap_or(every.borrow());
    let text = bytes.borrow().call_method(th, name.borrow(), &[a[1], every])?;
    let text = ascii_bytes(th, text.borrow())?;
    Ok(th.new_bytes(&text))
}

fn unhexlify(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let text = ascii_bytes(th, a[0])?;
    if !text.len().is_multiple_of(2) {
        return Err(error(th, "Odd-length string"));
    }
    let mut wrong = 0;
    let out = th.new_bytes_with(text.len() / 2, |out| {
        for (place, [high, low]) in out.iter_mut().zip(text.as_chunks::<2>().0) {
            let (high, low) = (FROM_HEX[usize::from(*high)], FROM_HEX[usize::from(*low)]);
            wrong |= high | low;
            *place = high << 4 | low & 15;
        }
    })?;
    match wrong {
        ..16 => Ok(out),
        _ => Err(error(th, "Non-hexadecimal digit found")),
    }
}

static FROM_HEX: [u8; 256] = {
    let (lower, mut both) = (values(b"0123456789abcdef"), values(b"0123456789ABCDEF"));
    let mut i = 0;
    while i < 256 {
        if lower[i] != NO_DIGIT {
            both[i] = lower[i];
        }
        i += 1;
    }
    both
};

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static FROM_BASE64: [u8; 256] = values(BASE64);

fn b2a_base64(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let newline = crate::support::flag(th, a.opt(1), true)?;
    let data = plain_bytes(th, a[0])?;
    let digits = data.len().div_ceil(3) * 4;
    th.new_bytes_with(digits + usize::from(newline), |out| {
        let (place, end) = out.split_at_mut(digits);
        let _ = base64_simd::STANDARD.encode(&data, place.as_out());
        end.fill(b'\n');
    })
}

fn a2b_base64(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let strict = crate::support::flag(th, a.opt(1), false)?;
    let text = ascii_bytes(th, a[0])?;
    if let Some(out) = whole_base64(th, &text)? {
        return Ok(out);
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut left, mut n, mut pads) = (0u8, 0u8, 0u8);
    let mut i = 0;
    while i < text.len() {
        // Four digits in a row are the rule.
        while n == 0
            && pads == 0
            && let Some(digits) = text[i..].first_chunk::<4>().map(|c| c.map(|c| FROM_BASE64[usize::from(c)]))
            && digits.iter().all(|d| *d < 64)
        {
            let v = digits.iter().fold(0, |v, &d| v << 6 | u32::from(d));
            out.extend_from_slice(&v.to_be_bytes()[1..]);
            i += 4;
        }
        let Some(&c) = text.get(i) else { break };
        i += 1;
        if c == b'=' {
            pads = pads.saturating_add(1);
            if strict && !(n >= 2 && n.saturating_add(pads) <= 4) {
                match n {
                    1 => break,
                    0 if out.is_empty() => return Err(error(th, "Leading padding not allowed")),
                    _ => return Err(error(th, "Excess padding not allowed")),
                }
            }
            continue;
        }
        let v = FROM_BASE64[c as usize];
        if v == NO_DIGIT {
            if strict {
                return Err(error(th, "Only base64 data is allowed"));
            }
            continue;
        }
        if strict && pads > 0 {
            let whole = n + pads == 4;
            let msg = if whole { "Excess data after padding" } else { "Discontinuous padding not allowed" };
            return Err(error(th, msg));
        }
        pads = 0;
        match n {
            0 => left = v,
            1 => {
                out.push(left << 2 | v >> 4);
                left = v & 15;
            }
            2 => {
                out.push(left << 4 | v >> 2);
                left = v & 3;
            }
            _ => out.push(left << 6 | v),
        }
        n = (n + 1) & 3;
    }
    match n {
        0 => Ok(th.new_bytes(&out)),
        2.. if n.saturating_add(pads) >= 4 => Ok(th.new_bytes(&out)),
        1 => {
            let chars = out.len() / 3 * 4 + 1;
            let msg = format!(
                "Invalid base64-encoded string: number of data characters ({chars}) cannot be 1 more than a multiple of 4"
            );
            Err(error(th, &msg))
        }
        _ => Err(error(th, "Incorrect padding")),
    }
}

/// Decodes text that has nothing but digits and, at its end, the padding. `None`: it has something else.
fn whole_base64(th: &mut Thread, text: &[u8]) -> PyResult<Option<Owned>> {
    let Some((body, &last)) = text.split_last_chunk::<4>() else { return Ok(None) };
    let padding = match last {
        [.., b'=', b'='] => 2,
        [.., b'='] => 1,
        _ => 0,
    };
    // Bits of the last digit that belong to no byte may have any value.
    let (v, wrong) = last[..4 - padding].iter().fold((0, 0), |(v, wrong), &c| {
        let d = FROM_BASE64[usize::from(c)];
        (v << 6 | u32::from(d & 63), wrong | d)
    });
    if wrong == NO_DIGIT || !body.len().is_multiple_of(4) {
        return Ok(None);
    }
    let v = (v << (6 * padding)).to_be_bytes();
    let whole = body.len() / 4 * 3;
    let mut fits = true;
    let out = th.new_bytes_with(whole + 3 - padding, |out| {
        let (place, end) = out.split_at_mut(whole);
        fits = base64_simd::STANDARD_NO_PAD.decode(body, place.as_out()).is_ok();
        let n = end.len();
        end.copy_from_slice(&v[1..1 + n]);
    })?;
    Ok(fits.then_some(out))
}

fn b2a_uu(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let backtick = crate::support::flag(th, a.opt(1), false)?;
    let data = buffer::bytes_like(th, a[0])?.to_vec();
    if data.len() > 45 {
        return Err(error(th, "At most 45 bytes at once"));
    }
    let digit = |v: u32| if v == 0 && backtick { b'`' } else { b' ' + v as u8 };
    let mut out = vec![digit(data.len() as u32)];
    for group in data.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let v = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.extend((0..4).map(|i| digit(v >> (18 - 6 * i) & 63)));
    }
    out.push(b'\n');
    Ok(th.new_bytes(&out))
}

fn a2b_uu(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let text = ascii_bytes(th, a[0])?;
    let Some((first, rest)) = text.split_first() else { return Err(error(th, "Missing length byte")) };
    let want = (first.wrapping_sub(b' ') & 63) as usize;
    let mut out = Vec::with_capacity(want + 3);
    let (mut bits, mut n) = (0u32, 0);
    let mut rest = rest.iter().copied();
    while out.len() < want {
        let c = rest.next().unwrap_or(b' ');
        let v = match c {
            b'\n' | b'\r' => 0,
            b' '..=b'`' => u32::from((c - b' ') & 63),
            _ => return Err(error(th, "Illegal char")),
        };
        bits = bits << 6 | v;
        n += 6;
        if n >= 8 {
            n -= 8;
            out.push((bits >> n) as u8);
        }
    }
    if rest.any(|c| !matches!(c, b' ' | b'`' | b'\n' | b'\r')) {
        return Err(error(th, "Trailing garbage"));
    }
    Ok(th.new_bytes(&out))
}

fn b2a_qp(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let quotetabs = crate::support::flag(th, a.opt(1), false)?;
    let istext = crate::support::flag(th, a.opt(2), true)?;
    let header = crate::support::flag(th, a.opt(3), false)?;
    let data = buffer::bytes_like(th, a[0])?.to_vec();
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    const LINE: usize = 76;
    // Line ends are written as the first one in the data is.
    let crlf = data.iter().position(|b| *b == b'\n').is_some_and(|i| i > 0 && data[i - 1] == b'\r');
    let end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    let mut out = Vec::with_capacity(data.len() + data.len() / 4);
    let mut column = 0;
    let mut i = 0;
    while i < data.len() {
        let c = data[i];
        let next = data.get(i + 1).copied();
        let line_end = istext && (c == b'\n' || (c == b'\r' && next == Some(b'\n')));
        if line_end {
            if let Some(last @ (b' ' | b'\t')) = out.last().copied() {
                out.pop();
                out.extend([b'=', DIGITS[(last >> 4) as usize], DIGITS[(last & 15) as usize]]);
            }
            out.extend_from_slice(end);
            column = 0;
            i += if c == b'\r' { 2 } else { 1 };
            continue;
        }
        let dot = c == b'.' && column == 0 && matches!(next, None | Some(b'\n' | b'\r' | 0));
        let quoted = c > 126
            || c == b'='
            || (header && c == b'_')
            || dot
            || (!istext && matches!(c, b'\r' | b'\n'))
            || (matches!(c, b' ' | b'\t') && (quotetabs || next.is_none()))
            || (c < 33 && !matches!(c, b'\r' | b'\n' | b' ' | b'\t'));
        let width = if quoted { 3 } else { 1 };
        // The last character of a line may take the place of the mark.
        let ends_here = !quoted && matches!(next, None | Some(b'\n'));
        if column + width >= LINE && !ends_here {
            out.push(b'=');
            out.extend_from_slice(end);
            column = 0;
        }
        if quoted {
            out.extend([b'=', DIGITS[(c >> 4) as usize], DIGITS[(c & 15) as usize]]);
        } else if header && c == b' ' {
            out.push(b'_');
        } else {
            out.push(c);
        }
        column += width;
        i += 1;
    }
    Ok(th.new_bytes(&out))
}

fn a2b_qp(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let header = crate::support::flag(th, a.opt(1), false)?;
    let text = ascii_bytes(th, a[0])?;
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    let digit = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16));
    while i < text.len() {
        let c = text[i];
        i += 1;
        if c == b'_' && header {
            out.push(b' ');
        } else if c != b'=' {
            out.push(c);
        } else if matches!(text.get(i), Some(b'\n' | b'\r')) {
            // A soft line end.
            i += text[i..].iter().position(|b| *b == b'\n').map_or(text.len() - i, |n| n + 1);
        } else if let (Some(high), Some(low)) = (digit(text.get(i)), digit(text.get(i + 1))) {
            out.push((high << 4 | low) as u8);
            i += 2;
        } else if text.get(i) == Some(&b'=') {
            out.push(b'=');
            i += 1;
        } else if i < text.len() {
            out.push(b'=');
        }
    }
    Ok(th.new_bytes(&out))
}

fn crc32(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let first = match a.opt(1) {
        Some(v) => v.to_i64(th)? as u32,
        None => 0,
    };
    let data = buffer::bytes_like(th, a[0])?.to_vec();
    let mut h = crc32fast::Hasher::new_with_initial(first);
    h.update(&data);
    Ok(th.new_int(i64::from(h.finalize())))
}

fn crc_hqx(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut crc = a[1].to_i64(th)? as u16;
    let data = buffer::bytes_like(th, a[0])?.to_vec();
    for b in data {
        crc ^= u16::from(b) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
        }
    }
    Ok(th.new_int(i64::from(crc)))
}
