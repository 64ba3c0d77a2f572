//! Running data through zlib's state machines.

use zlib_rs::{
    Deflate, DeflateConfig, DeflateError, DeflateFlush, Inflate, InflateError, InflateFlush, Method, Status,
    Strategy,
};

/// Bytes of output to begin with; doubled up to `MOST_ROOM` as long as they fill up.
pub const ROOM: usize = 16 * 1024;
const MOST_ROOM: usize = 1 << 26;

/// Bytes of input that are given at once: the machines count in 32 bits.
const MOST_INPUT: usize = 1 << 30;

/// An error in zlib's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: i32,
    pub text: Option<&'static str>,
}

pub const STREAM_ERROR: Fault = Fault { code: -2, text: Some("inconsistent stream state") };
pub const INCOMPLETE: Fault = Fault { code: -5, text: Some("incomplete or truncated stream") };
const INVALID_DATA: Fault = Fault { code: -3, text: Some("invalid input data") };
pub const NO_MEMORY: Fault = Fault { code: -4, text: None };
const NEEDS_DICTIONARY: Fault = Fault { code: 2, text: None };

/// How to compress: the arguments of `compressobj`.
#[derive(Clone, Copy)]
pub struct Settings {
    pub level: i32,
    pub wbits: i32,
    pub mem_level: i32,
    pub strategy: i32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { level: -1, wbits: 15, mem_level: 8, strategy: 0 }
    }
}

/// A machine that compresses. `None`: there are none with these settings.
pub fn compressor(s: Settings) -> Option<Deflate> {
    // Raw, with zlib's head, with gzip's.
    let (window, plain) = match s.wbits {
        ..0 => (s.wbits.checked_neg()?, false),
        0..16 => (s.wbits, true),
        16.. => (s.wbits - 16, false),
    };
    let smallest = if plain { 8 } else { 9 };
    let fits =
        (smallest..=15).contains(&window) && (-1..=9).contains(&s.level) && (1..=9).contains(&s.mem_level);
    let strategy = Strategy::try_from(s.strategy).ok().filter(|_| fits)?;
    Some(Deflate::new_with_config(DeflateConfig {
        level: s.level,
        method: Method::Deflated,
        window_bits: s.wbits,
        mem_level: s.mem_level,
        strategy,
    }))
}

/// A machine that decompresses. `None`: there is none with such a window.
pub fn decompressor(wbits: i32) -> Option<Inflate> {
    // Raw; or a head: zlib's, from 16 on gzip's, from 32 on either. 0: the window that the head says.
    let window = if wbits < 0 { wbits.checked_neg()? } else { wbits & 15 };
    let fits = (8..=15).contains(&window) || wbits >= 0 && window == 0;
    (fits && wbits < 48).then(|| Inflate::new(wbits >= 0, wbits.unsigned_abs() as u8))
}

/// Compresses `input` and appends what comes out. True: this was the end of the stream.
pub fn compress(
    machine: &mut Deflate,
    input: &[u8],
    flush: DeflateFlush,
    out: &mut Vec<u8>,
) -> Result<bool, Fault> {
    let (mut used, mut room) = (0, ROOM);
    loop {
        let rest = &input[used..];
        let part = &rest[..rest.len().min(MOST_INPUT)];
        // What flushes comes with the last part.
        let flush = if part.len() < rest.len() { DeflateFlush::NoFlush } else { flush };
        let (from, to, begin) = (machine.total_in(), machine.total_out(), out.len());
        make_room(out, room)?;
        let status = machine.compress(part, &mut out[begin..], flush);
        let (taken, given) = ((machine.total_in() - from) as usize, (machine.total_out() - to) as usize);
        out.truncate(begin + given);
        used += taken;
        match status {
            Ok(Status::StreamEnd) => return Ok(true),
            Ok(Status::Ok | Status::BufError) => {
                if given < room && used == input.len() || given == 0 && taken == 0 {
                    return Ok(false);
                }
            }
            Err(DeflateError::StreamError) => return Err(STREAM_ERROR),
            Err(DeflateError::DataError) => return Err(INVALID_DATA),
            Err(DeflateError::MemError) => return Err(NO_MEMORY),
        }
        room = (room * 2).min(MOST_ROOM);
    }
}

/// A stream that is decompressed.
pub struct Inflater {
    machine: Inflate,
    /// For a stream that asks for it.
    dictionary: Vec<u8>,
    /// The stream has ended.
    pub eof: bool,
    /// What was wrong with the data: it stays wrong.
    broken: Option<Fault>,
}

/// What went wrong with decompressing, and while doing what.
pub type InflateFault = (Fault, &'static str);

/// What Python's messages say that was done.
pub const DECOMPRESSING: &str = "while decompressing data";
pub const SETTING: &str = "while setting zdict";

impl Inflater {
    /// `None`: there is none with such a window. Errors: the dictionary does not fit.
    pub fn new(wbits: i32, dictionary: &[u8]) -> Option<Result<Inflater, InflateFault>> {
        let mut inflater = Inflater {
            machine: decompressor(wbits)?,
            dictionary: dictionary.to_vec(),
            eof: false,
            broken: None,
        };
        // Nothing in a raw stream asks for it.
        if wbits < 0 && !dictionary.is_empty() {
            if let Err(fault) = inflater.set_dictionary() {
                return Some(Err(fault));
            }
        }
        Some(Ok(inflater))
    }

    fn set_dictionary(&mut self) -> Result<(), InflateFault> {
        match self.machine.set_dictionary(&self.dictionary) {
            Ok(_) => Ok(()),
            Err(InflateError::DataError) => Err((INVALID_DATA, SETTING)),
            Err(_) => Err((STREAM_ERROR, SETTING)),
        }
    }

    /// Decompresses until the input or the stream ends, or `out` has `limit` bytes. `used` counts what was taken from
    /// the input, also if there is an error.
    pub fn decompress(
        &mut self,
        input: &[u8],
        used: &mut usize,
        limit: usize,
        room: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), InflateFault> {
        if let Some(fault) = self.broken {
            return Err((fault, DECOMPRESSING));
        }
        let mut room = room.max(1);
        while out.len() < limit && !self.eof {
            let rest = &input[*used..];
            let part = &rest[..rest.len().min(MOST_INPUT)];
            let (from, to, begin) = (self.machine.total_in(), self.machine.total_out(), out.len());
            let n = room.min(limit - begin);
            make_room(out, n).map_err(|fault| (fault, DECOMPRESSING))?;
            let status = self.machine.decompress(part, &mut out[begin..], InflateFlush::SyncFlush);
            let taken = (self.machine.total_in() - from) as usize;
            let given = (self.machine.total_out() - to) as usize;
            out.truncate(begin + given);
            *used += taken;
            match status {
                Ok(Status::StreamEnd) => self.eof = true,
                Ok(Status::Ok | Status::BufError) => {
                    if given < n && *used == input.len() || given == 0 && taken == 0 {
                        break;
                    }
                }
                Err(InflateError::NeedDict { .. }) if !self.dictionary.is_empty() => self.set_dictionary()?,
                Err(e) => {
                    let fault = self.fault(e);
                    self.broken = (e == InflateError::DataError).then_some(fault);
                    return Err((fault, DECOMPRESSING));
                }
            }
            room = (room * 2).min(MOST_ROOM);
        }
        Ok(())
    }

    fn fault(&self, e: InflateError) -> Fault {
        match e {
            InflateError::NeedDict { .. } => NEEDS_DICTIONARY,
            InflateError::StreamError => STREAM_ERROR,
            InflateError::MemError => NO_MEMORY,
            InflateError::DataError => {
                Fault { text: self.machine.error_message().or(INVALID_DATA.text), ..INVALID_DATA }
            }
        }
    }
}

fn make_room(out: &mut Vec<u8>, n: usize) -> Result<(), Fault> {
    out.try_reserve(n).map_err(|_| NO_MEMORY)?;
    out.resize(out.len() + n, 0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_is_accepted_or_refused_without_a_panic() {
        let made = (-40..=60).filter(|w| decompressor(*w).is_some()).collect::<Vec<_>>();
        let expected: Vec<i32> = (-15..=-8).chain([0]).chain(8..=16).chain(24..=32).chain(40..=47).collect();
        assert_eq!(made, expected);
        let made = (-40..=60)
            .filter(|w| compressor(Settings { wbits: *w, ..Settings::default() }).is_some())
            .collect::<Vec<_>>();
        let expected: Vec<i32> = (-15..=-9).chain(8..=15).chain(25..=31).collect();
        assert_eq!(made, expected);
        for extreme in [i32::MIN, i32::MAX] {
            assert!(decompressor(extreme).is_none());
            for s in [
                Settings { wbits: extreme, ..Settings::default() },
                Settings { level: extreme, ..Settings::default() },
                Settings { mem_level: extreme, ..Settings::default() },
                Settings { strategy: extreme, ..Settings::default() },
            ] {
                assert!(compressor(s).is_none());
            }
        }
    }

    #[test]
    fn what_was_compressed_comes_back_in_any_portions() {
        let data: Vec<u8> = (0..200_000u64).map(|i| (i * i >> 7) as u8).collect();
        let mut packed = Vec::new();
        let mut machine = compressor(Settings::default()).expect("defaults");
        assert_eq!(compress(&mut machine, &data, DeflateFlush::Finish, &mut packed), Ok(true));
        let mut inflater =
            Inflater::new(15, b"").expect("a window").unwrap_or_else(|_| panic!("no dictionary"));
        let (mut used, mut out) = (0, Vec::new());
        while !inflater.eof {
            let end = (used + 1000).min(packed.len());
            let limit = out.len() + 777;
            assert!(inflater.decompress(&packed[..end], &mut used, limit, 5, &mut out).is_ok());
        }
        assert!(out == data && used == packed.len());
    }
}
