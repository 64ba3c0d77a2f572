//! `binascii`: bytes as text and back.

use typhon_core::buffer;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, PyResult, Raised, Thread};

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

/// Bytes, or a str of ASCII.
fn ascii_bytes(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Vec<u8>> {
    if let Some(s) = o.downcast::<Str>() {
        return match s.as_ascii() {
            Some(t) => Ok(t.as_bytes().to_vec()),
            None => Err(th.value_error("string argument should contain only ASCII characters")),
        };
    }
    if buffer::bytes_like_opt(th, o)?.is_none() {
        let msg = format!("argument should be bytes, buffer or ASCII string, not '{}'", o.type_name(th));
        return Err(th.type_error(&msg));
    }
    Ok(buffer::bytes_like(th, o)?.to_vec())
}

/// Two lower-case digits a byte.
pub fn hex(data: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    data.iter().flat_map(|b| [DIGITS[(b >> 4) as usize], DIGITS[(b & 15) as usize]]).collect()
}

fn hexlify(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a.some(1).is_none() {
        let data = buffer::bytes_like(th, a[0])?.to_vec();
        return Ok(th.new_bytes(&hex(&data)));
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
    let digit = |b: u8| (b as char).to_digit(16);
    let out: Option<Vec<u8>> =
        text.chunks_exact(2).map(|p| Some((digit(p[0])? << 4 | digit(p[1])?) as u8)).collect();
    match out {
        Some(out) => Ok(th.new_bytes(&out)),
        None => Err(error(th, "Non-hexadecimal digit found")),
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NO_DIGIT: u8 = 255;
const FROM_BASE64: [u8; 256] = {
    let mut t = [NO_DIGIT; 256];
    let mut i = 0;
    while i < 64 {
        t[BASE64[i] as usize] = i as u8;
        i += 1;
    }
    t
};

fn b2a_base64(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let newline = crate::support::flag(th, a.opt(1), true)?;
    let data = buffer::bytes_like(th, a[0])?.to_vec();
    let mut out = Vec::with_capacity(data.len().div_ceil(3) * 4 + 1);
    for group in data.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let v = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            out.push(if i <= group.len() { BASE64[(v >> (18 - 6 * i) & 63) as usize] } else { b'=' });
        }
    }
    if newline {
        out.push(b'\n');
    }
    Ok(th.new_bytes(&out))
}

fn a2b_base64(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let strict = crate::support::flag(th, a.opt(1), false)?;
    let text = ascii_bytes(th, a[0])?;
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut left, mut n, mut pads) = (0u8, 0u8, 0u8);
    let mut i = 0;
    if strict && text.first() == Some(&b'=') {
        return Err(error(th, "Leading padding not allowed"));
    }
    while i < text.len() {
        let c = text[i];
        i += 1;
        if c == b'=' {
            pads += 1;
            if n >= 2 && n + pads >= 4 {
                if strict && i < text.len() {
                    return Err(error(th, "Excess data after padding"));
                }
                return Ok(th.new_bytes(&out));
            }
            if strict && n < 2 {
                let msg = if n == 0 { "Excess padding not allowed" } else { "Incorrect padding" };
                return Err(error(th, msg));
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
            return Err(error(th, "Discontinuous padding not allowed"));
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
    let Some((first, rest)) = text.split_first() else { return Ok(th.new_bytes(b"")) };
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
        let ends_here = istext && matches!(next, Some(b'\n'));
        if column + width >= LINE && !ends_here || column + width > LINE {
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
