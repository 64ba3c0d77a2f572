//! `tell()` and `seek()` of a text stream.
//!
//! A position is an opaque number ("cookie"): the byte position of a point where the decoder has a known
//! state, that state, and how many bytes to feed and characters to skip from there. Layout, from bit 0: position
//! (64 bits), decoder flags (32), bytes to feed (32), characters to skip (32), need of the end (1). For all
//! usual encodings only the first is not zero, so the cookie is a byte position.

use dashu_int::IBig;
use typhon_core::builtins::int::IntRef;
use typhon_core::{ArgsExt, Borrowed, Owned, PyResult, Thread};
use typhon_text::StrBuf;

use super::coder::{Decoder, Encoder, Handle};
use super::{Stream, of, open};
use crate::io::base;
use crate::io::newlines::Newlines;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cookie {
    pos: i64,
    flags: i64,
    feed: u32,
    skip: u32,
    need_eof: bool,
}

impl Cookie {
    fn pack(self, th: &mut Thread) -> Owned {
        if self.flags == 0 && self.feed == 0 && self.skip == 0 && !self.need_eof {
            return th.new_int(self.pos);
        }
        let mut v = IBig::from(u8::from(self.need_eof));
        for part in [u64::from(self.skip), u64::from(self.feed), self.flags as u64 & 0xffff_ffff] {
            v = (v << 32) + IBig::from(part);
        }
        v = (v << 64) + IBig::from(self.pos as u64);
        th.new_big(v)
    }

    fn unpack(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Cookie> {
        let v = v.index(th)?;
        match v.borrow().as_int() {
            Some(IntRef::Small(pos)) if pos >= 0 => Ok(Cookie { pos, ..Cookie::default() }),
            Some(IntRef::Big(big)) if *big > IBig::ZERO => {
                let part = |shift: usize, bits: usize| -> u64 {
                    let mask = (IBig::ONE << bits) - IBig::ONE;
                    u64::try_from(&((big.clone() >> shift) & mask)).unwrap_or(0)
                };
                Ok(Cookie {
                    pos: part(0, 64) as i64,
                    flags: part(64, 32) as i64,
                    feed: part(96, 32) as u32,
                    skip: part(128, 32) as u32,
                    need_eof: part(160, 1) != 0,
                })
            }
            _ => {
                let shown = v.borrow().repr_text(th)?;
                Err(th.value_error(&format!("negative seek position {shown}")))
            }
        }
    }
}

/// A decoder together with universal newlines, as one machine whose flags are those of
/// `IncrementalNewlineDecoder`.
struct Machine {
    decoder: Handle,
    newlines: Option<Newlines>,
}

impl Machine {
    fn state(&self, th: &mut Thread) -> PyResult<(Vec<u8>, i64)> {
        let (bytes, flags) = self.decoder.state(th)?;
        Ok(match self.newlines {
            Some(n) => (bytes, flags << 1 | i64::from(n.pending_cr)),
            None => (bytes, flags),
        })
    }

    fn set_state(&mut self, th: &mut Thread, bytes: &[u8], flags: i64) -> PyResult<()> {
        match &mut self.newlines {
            Some(n) => {
                n.pending_cr = flags & 1 != 0;
                self.decoder.set_state(th, bytes, flags >> 1)
            }
            None => self.decoder.set_state(th, bytes, flags),
        }
    }

    fn decode(&mut self, th: &mut Thread, input: &[u8], last: bool) -> PyResult<usize> {
        let text = self.decoder.decode(th, input, last, self.newlines.as_mut())?;
        Ok(text.data().len())
    }
}

impl Stream<'_> {
    fn machine(&mut self) -> Option<Machine> {
        let s = self.s();
        let newlines = s.newlines;
        s.decoder.as_mut().map(|d| Machine { decoder: Decoder::take(d), newlines })
    }

    fn return_decoder(&mut self, m: Machine) {
        if let Some(d) = &mut self.s().decoder {
            d.put_back(m.decoder);
        }
    }
}

pub fn tell(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut io = open(th, a[0])?;
    if !io.s().seekable {
        return Err(base::unsupported(th, "underlying stream is not seekable"));
    }
    if !io.s().telling {
        return Err(base::os_like(th, "telling position disabled by next() call"));
    }
    io.flush(th)?;
    let buffer = io.buffer.clone();
    let pos = buffer.borrow().call_method_str(th, "tell", &[])?;
    let Some((flags, input)) = io.s().snapshot.clone() else { return Ok(pos) };
    if io.s().decoder.is_none() {
        return Ok(pos);
    }
    let s = io.s();
    let used = s.pos.saturating_sub(s.chunk_start);
    let pos = pos.borrow().to_i64(th)? - input.len() as i64;
    if used == 0 {
        return Ok(Cookie { pos, flags, ..Cookie::default() }.pack(th));
    }
    let Some(mut m) = io.machine() else { return Ok(th.new_int(pos)) };
    let saved = m.state(th)?;
    let r = find(th, &mut m, pos, flags, &input, used);
    let restored = m.set_state(th, &saved.0, saved.1);
    io.return_decoder(m);
    let cookie = r?;
    restored?;
    Ok(cookie.pack(th))
}

/// The last point at or before `used` characters where the decoder holds no bytes back.
fn find(
    th: &mut Thread,
    m: &mut Machine,
    pos: i64,
    flags: i64,
    input: &[u8],
    used: usize,
) -> PyResult<Cookie> {
    let mut safe = Cookie { pos, flags, ..Cookie::default() };
    let mut skip = used;
    m.set_state(th, b"", flags)?;
    // Bytes fed and characters decoded since the last safe point.
    let (mut fed, mut decoded) = (0usize, 0usize);
    for &byte in input {
        fed += 1;
        decoded += m.decode(th, &[byte], false)?;
        let (held, flags) = m.state(th)?;
        if held.is_empty() && decoded <= skip {
            safe.pos += fed as i64;
            safe.flags = flags;
            skip -= decoded;
            (fed, decoded) = (0, 0);
        }
        if decoded >= skip {
            break;
        }
    }
    if decoded < skip {
        // The rest comes out only at the end of the stream.
        decoded += m.decode(th, b"", true)?;
        safe.need_eof = true;
        if decoded < skip {
            return Err(base::os_like(th, "can't reconstruct logical file position"));
        }
    }
    safe.feed = fed as u32;
    safe.skip = skip as u32;
    if skip == 0 {
        safe.feed = 0;
        safe.need_eof = false;
    }
    Ok(safe)
}

pub fn seek(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let whence = crate::support::c_int_or(th, a.opt(2), 0)?;
    let mut io = open(th, a[0])?;
    if !io.s().seekable {
        return Err(base::unsupported(th, "underlying stream is not seekable"));
    }
    let is_zero = a[1].word().is_int() && a[1].word().int() == 0;
    let mut target = a[1].to_owned();
    match whence {
        libc::SEEK_SET => {}
        libc::SEEK_CUR => {
            if !is_zero {
                return Err(base::unsupported(th, "can't do nonzero cur-relative seeks"));
            }
            // Here is where we are: this only brings the buffer below in step.
            drop(io);
            target = tell(th, &a[..1])?;
            io = open(th, a[0])?;
        }
        libc::SEEK_END => {
            if !is_zero {
                return Err(base::unsupported(th, "can't do nonzero end-relative seeks"));
            }
            io.flush(th)?;
            io.forget_text();
            reset_decoder(th, &mut io)?;
            let (zero, end) = (th.new_int(0), th.new_int(2));
            let buffer = io.buffer.clone();
            let r = buffer.borrow().call_method_str(th, "seek", &[zero.borrow(), end.borrow()])?;
            let at_start = r.is(typhon_core::Word::small_int(0));
            reset_encoder(th, &mut io, at_start)?;
            return Ok(r);
        }
        _ => return Err(th.value_error(&format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    }
    let cookie = Cookie::unpack(th, target.borrow())?;
    io.flush(th)?;
    let buffer = io.buffer.clone();
    let pos = th.new_int(cookie.pos);
    buffer.borrow().call_method_str(th, "seek", &[pos.borrow()])?;
    io.forget_text();
    if let Some(mut m) = io.machine() {
        let r = if cookie.pos == 0 && cookie.flags == 0 {
            m.decoder.reset(th)
        } else {
            m.set_state(th, b"", cookie.flags)
        };
        let newlines = m.newlines;
        io.return_decoder(m);
        r?;
        if let (Some(n), Some(new)) = (&mut io.s().newlines, newlines) {
            n.pending_cr = new.pending_cr && cookie.flags != 0;
        }
        io.s().snapshot = Some((cookie.flags, Vec::new()));
    }
    if cookie.skip > 0 {
        let n = th.new_int(i64::from(cookie.feed));
        let r = buffer.borrow().call_method_str(th, "read", &[n.borrow()])?;
        let input = typhon_core::buffer::bytes_like(th, r.borrow())?.to_vec();
        if let Some(mut m) = io.machine() {
            let decoded = m.decoder.decode(th, &input, cookie.need_eof, m.newlines.as_mut());
            let newlines = m.newlines;
            io.return_decoder(m);
            let text = decoded?;
            if text.data().len() < cookie.skip as usize {
                return Err(base::os_like(th, "can't restore logical file position"));
            }
            let s = io.s();
            s.newlines = newlines;
            s.text = StrBuf::from(text.data());
            s.pos = cookie.skip as usize;
            s.chunk_start = 0;
            s.snapshot = Some((cookie.flags, input));
        }
    }
    reset_encoder(th, &mut io, cookie.pos == 0 && cookie.flags == 0)?;
    Ok(target)
}

fn reset_decoder(th: &mut Thread, io: &mut Stream<'_>) -> PyResult<()> {
    if let Some(mut m) = io.machine() {
        let r = m.decoder.reset(th);
        io.return_decoder(m);
        if let Some(n) = &mut io.s().newlines {
            n.pending_cr = false;
        }
        r?;
    }
    Ok(())
}

/// An encoder writes its byte order mark at the start of the file only.
fn reset_encoder(th: &mut Thread, io: &mut Stream<'_>, at_start: bool) -> PyResult<()> {
    let encoder = match &io.s().encoder {
        Some(Encoder::Object(e)) => e.clone(),
        _ => return Ok(()),
    };
    if at_start {
        encoder.borrow().call_method_str(th, "reset", &[])?;
    } else {
        let zero = th.new_int(0);
        encoder.borrow().call_method_str(th, "setstate", &[zero.borrow()])?;
    }
    Ok(())
}

pub fn truncate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    open(th, a[0])?.flush(th)?;
    let buffer = super::buffer_of(th, a[0])?;
    match a.some(1) {
        Some(pos) => buffer.borrow().call_method_str(th, "truncate", &[pos]),
        None => {
            let pos = {
                let me = of(a[0]);
                let seekable = me.state.get(&mut me.lock.enter_nested(th)).seekable;
                if seekable { Some(tell(th, &a[..1])?) } else { None }
            };
            match pos {
                Some(p) => buffer.borrow().call_method_str(th, "truncate", &[p.borrow()]),
                None => buffer.borrow().call_method_str(th, "truncate", &[]),
            }
        }
    }
}
