//! Reading JSON.

use std::collections::HashMap;

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::float::DEF as FLOAT;
use typhon_core::builtins::int::DEF as INT;
use typhon_core::{
    Args, Borrowed, Data, Owned, PyResult, Raised, Slot, Slots, Thread, Type, TypeDef, payload, type_flags,
    unborn,
};
use typhon_text::buf::StrBuf;
use typhon_text::{StrData, Unit, with_units};

use super::{decode_error, plain, text};
use crate::args::this;

payload! {
    /// `make_scanner(context)`: reads one value at an index of a str.
    pub struct Scanner: SCANNER {
        strict: Data<bool>,
        object_hook: Slot,
        object_pairs_hook: Slot,
        parse_float: Slot,
        parse_int: Slot,
        parse_constant: Slot,
        /// `parse_float` is `float`, `parse_int` is `int`.
        plain: Data<(bool, bool)>,
    }
}

pub static SCANNER: TypeDef = TypeDef {
    module: "_json",
    doc: "JSON scanner object",
    flags: type_flags::GC | type_flags::BASE,
    slots: Slots { new: Some(new), call: Some(call), ..Slots::NONE },
    getset: &[
        typhon_core::GetSetDef::get("strict", |_, o| Ok(Owned::bool(this::<Scanner>(o).strict.0))),
        typhon_core::GetSetDef::get("object_hook", |_, o| Ok(shown(&this::<Scanner>(o).object_hook))),
        typhon_core::GetSetDef::get("object_pairs_hook", |_, o| {
            Ok(shown(&this::<Scanner>(o).object_pairs_hook))
        }),
        typhon_core::GetSetDef::get("parse_float", |_, o| Ok(shown(&this::<Scanner>(o).parse_float))),
        typhon_core::GetSetDef::get("parse_int", |_, o| Ok(shown(&this::<Scanner>(o).parse_int))),
        typhon_core::GetSetDef::get("parse_constant", |_, o| Ok(shown(&this::<Scanner>(o).parse_constant))),
    ],
    ..TypeDef::of::<Scanner>("make_scanner")
};

fn shown(s: &Slot) -> Owned {
    s.fixed().unwrap_or(Borrowed::none()).to_owned()
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = crate::args::constructor::<Scanner>(th, ty, "(context)", args)?;
    let context = a[0];
    let strict = context.getattr_str(th, "strict")?.borrow().truth(th)?;
    let mut get = |name: &str| context.getattr_str(th, name);
    let (object_hook, object_pairs_hook) = (get("object_hook")?, get("object_pairs_hook")?);
    let (parse_float, parse_int, parse_constant) =
        (get("parse_float")?, get("parse_int")?, get("parse_constant")?);
    let plain = (
        parse_float.borrow().is(FLOAT.ty().as_value().word()),
        parse_int.borrow().is(INT.ty().as_value().word()),
    );
    crate::args::made(
        th,
        ty,
        Scanner {
            header: unborn(),
            strict: Data(strict),
            object_hook: Slot::new(object_hook),
            object_pairs_hook: Slot::new(object_pairs_hook),
            parse_float: Slot::new(parse_float),
            parse_int: Slot::new(parse_int),
            parse_constant: Slot::new(parse_constant),
            plain: Data(plain),
        },
    )
}

fn call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let a = typhon_core::signature::bind(th, "scan_once", "(string, idx)", args)?;
    let s = text(th, a[0])?;
    let idx = a[1].to_isize(th)?;
    if idx < 0 {
        return Err(th.value_error("idx cannot be negative"));
    }
    let scanner: &Scanner = this(o);
    let hook = |s: &Slot| -> Option<Owned> {
        s.fixed().filter(|v| !v.is(Borrowed::none().word())).map(|v| v.to_owned())
    };
    let (object_hook, pairs_hook) = (hook(&scanner.object_hook), hook(&scanner.object_pairs_hook));
    let (v, end) = with_units!(s.data(), units => {
        let mut r = Reader { scanner, doc: a[0], s: units, memo: Memo::default(), object_hook, pairs_hook, spare: StrBuf::new() };
        r.value(th, idx as usize)?
    });
    let end = th.new_int(end as i64);
    Ok(th.new_pair(v, end))
}

/// `scanstring(string, end, strict)`
pub fn scanstring(th: &mut Thread, doc: Borrowed<'_>, end: Borrowed<'_>, strict: bool) -> PyResult {
    let s = text(th, doc)?;
    let begin = end.to_isize(th)?;
    if begin < 0 || begin as usize > s.data().len() {
        return Err(th.value_error("end is out of bounds"));
    }
    let mut spare = StrBuf::new();
    let (v, end) = with_units!(s.data(), units => match string(th, units, begin as usize, strict, &mut spare) {
        Ok(found) => found,
        Err(fault) => return Err(decode_error(th, fault.0, doc, fault.1)),
    });
    let v = finish(th, v, &spare);
    let end = th.new_int(end as i64);
    Ok(th.new_pair(v, end))
}

/// A decoded string: a piece of the document, or what is in the spare buffer.
enum Text<'a> {
    Piece(StrData<'a>),
    Spare,
}

fn finish(th: &mut Thread, t: Text<'_>, spare: &StrBuf) -> Owned {
    match t {
        Text::Piece(d) => th.new_str_data(d),
        Text::Spare => th.new_str_data(spare.data()),
    }
}

struct Fault(&'static str, usize);

/// Reads a string whose opening quote lies before `begin`. Returns it and the index behind its end.
fn string<'a, U: Unit>(
    _: &mut Thread,
    s: &'a [U],
    begin: usize,
    strict: bool,
    spare: &mut StrBuf,
) -> Result<(Text<'a>, usize), Fault> {
    let unterminated = Fault("Unterminated string starting at", begin.wrapping_sub(1));
    let mut at = begin;
    let mut escaped = false;
    loop {
        let from = at;
        at += match U::data(&s[at..]) {
            StrData::One(bytes) => plain::run::<false>(bytes),
            _ => plain_units(&s[at..]),
        };
        let Some(c) = s.get(at).map(|u| u.point()) else { return Err(unterminated) };
        if c == 0x22 {
            if !escaped {
                return Ok((Text::Piece(U::data(&s[begin..at])), at + 1));
            }
            spare.push_data(U::data(&s[from..at]));
            return Ok((Text::Spare, at + 1));
        }
        if !escaped {
            spare.clear();
            escaped = true;
        }
        if c != 0x5c {
            if strict {
                return Err(Fault("Invalid control character at", at));
            }
            spare.push_data(U::data(&s[from..=at]));
            at += 1;
            continue;
        }
        spare.push_data(U::data(&s[from..at]));
        at += 1;
        let Some(e) = s.get(at) else { return Err(unterminated) };
        at += 1;
        let e: u32 = (*e).into();
        let plain = match e {
            0x22 | 0x5c | 0x2f => e,
            0x62 => 8,
            0x66 => 12,
            0x6e => 10,
            0x72 => 13,
            0x74 => 9,
            0x75 => {
                let bad = Fault("Invalid \\uXXXX escape", at - 1);
                let Some(mut c) = hex4(s, at) else { return Err(bad) };
                at += 4;
                let pair = |i: usize| (s.get(i).map(|u| (*u).into()), s.get(i + 1).map(|u| (*u).into()));
                if (0xd800..0xdc00).contains(&c)
                    && pair(at) == (Some(0x5c), Some(0x75))
                    && let Some(low @ 0xdc00..=0xdfff) = hex4(s, at + 2)
                {
                    c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
                    at += 6;
                }
                c
            }
            _ => return Err(Fault("Invalid \\escape", at - 2)),
        };
        spare.push(plain);
    }
}

/// As [`plain::run`], for wider characters.
fn plain_units<U: Unit>(s: &[U]) -> usize {
    s.iter().position(|u| matches!(u.point(), 0..0x20 | 0x22 | 0x5c)).unwrap_or(s.len())
}

fn hex4<U: Unit>(s: &[U], at: usize) -> Option<u32> {
    s.get(at..at + 4)?.iter().try_fold(0u32, |v, u| {
        let c: u32 = (*u).into();
        Some(v << 4 | char::from_u32(c).filter(char::is_ascii)?.to_digit(16)?)
    })
}

struct Reader<'a, U> {
    scanner: &'a Scanner,
    doc: Borrowed<'a>,
    s: &'a [U],
    /// Keys met so far, so that equal ones are one object.
    memo: Memo<'a, U>,
    object_hook: Option<Owned>,
    pairs_hook: Option<Owned>,
    spare: StrBuf,
}

/// One object for equal texts: most in the first half, which is looked at without a hash that resists an attacker;
/// those whose place there is taken in the other.
struct Memo<'a, U> {
    first: [Option<(&'a [U], Owned)>; 32],
    others: HashMap<&'a [U], Owned>,
}

impl<U> Default for Memo<'_, U> {
    fn default() -> Self {
        Memo { first: [const { None }; 32], others: HashMap::new() }
    }
}

impl<'a, U: Unit + Eq + std::hash::Hash> Memo<'a, U> {
    fn get(&mut self, text: &'a [U], make: impl FnOnce() -> Owned) -> Owned {
        let at = |i: usize| text.get(i).map_or(0, |u| u.point() as usize);
        let n = text.len();
        let mixed = at(0) ^ at(n / 2) << 2 ^ at(n.wrapping_sub(1)) << 1 ^ n * 11;
        match &mut self.first[mixed % 32] {
            Some((known, object)) if *known == text => object.clone(),
            Some(_) => self.others.entry(text).or_insert_with(make).clone(),
            empty => empty.insert((text, make())).1.clone(),
        }
    }
}

impl<'a, U: Unit + Eq + std::hash::Hash> Reader<'a, U> {
    #[inline(always)]
    fn at(&self, i: usize) -> u32 {
        match self.s.get(i) {
            Some(u) => (*u).into(),
            None => 0,
        }
    }

    fn blanks(&self, mut i: usize) -> usize {
        while matches!(self.at(i), 0x20 | 0x09 | 0x0a | 0x0d) {
            i += 1;
        }
        i
    }

    #[cold]
    fn stop(&self, th: &mut Thread, at: usize) -> Raised {
        let at = th.new_int(at as i64);
        th.stop_iteration(at)
    }

    #[cold]
    fn fault(&self, th: &mut Thread, msg: &str, at: usize) -> Raised {
        decode_error(th, msg, self.doc, at)
    }

    fn text(&mut self, th: &mut Thread, begin: usize) -> PyResult<(Owned, usize)> {
        match string(th, self.s, begin, self.scanner.strict.0, &mut self.spare) {
            Ok((t, end)) => Ok((finish(th, t, &self.spare), end)),
            Err(f) => Err(self.fault(th, f.0, f.1)),
        }
    }

    /// A key: as [`Reader::text`], one object for equal ones.
    fn key(&mut self, th: &mut Thread, begin: usize) -> PyResult<(Owned, usize)> {
        let s = self.s;
        match string(th, s, begin, self.scanner.strict.0, &mut self.spare) {
            Ok((Text::Piece(d), end)) => Ok((self.memo.get(&s[begin..end - 1], || th.new_str_data(d)), end)),
            Ok((t, end)) => Ok((finish(th, t, &self.spare), end)),
            Err(f) => Err(self.fault(th, f.0, f.1)),
        }
    }

    fn word(&self, at: usize, word: &str) -> bool {
        word.bytes().enumerate().all(|(i, b)| self.at(at + i) == u32::from(b))
    }

    fn constant(&self, th: &mut Thread, at: usize, word: &str) -> PyResult<(Owned, usize)> {
        let name = th.new_str(word);
        let f = self.scanner.parse_constant.fixed().unwrap_or(Borrowed::none());
        Ok((f.call(th, &[name.borrow()])?, at + word.len()))
    }

    fn value(&mut self, th: &mut Thread, at: usize) -> PyResult<(Owned, usize)> {
        if at >= self.s.len() {
            return Err(self.stop(th, at));
        }
        match char::from_u32(self.at(at)).unwrap_or('\0') {
            '"' => self.text(th, at + 1),
            '{' => {
                th.check_native_stack(" while decoding a JSON object from a unicode string")?;
                self.object(th, at + 1)
            }
            '[' => {
                th.check_native_stack(" while decoding a JSON array from a unicode string")?;
                self.array(th, at + 1)
            }
            'n' if self.word(at, "null") => Ok((Owned::none(), at + 4)),
            't' if self.word(at, "true") => Ok((Owned::bool(true), at + 4)),
            'f' if self.word(at, "false") => Ok((Owned::bool(false), at + 5)),
            'N' if self.word(at, "NaN") => self.constant(th, at, "NaN"),
            'I' if self.word(at, "Infinity") => self.constant(th, at, "Infinity"),
            '-' if self.word(at, "-Infinity") => self.constant(th, at, "-Infinity"),
            '-' | '0'..='9' => self.number(th, at),
            _ => Err(self.stop(th, at)),
        }
    }

    fn number(&mut self, th: &mut Thread, start: usize) -> PyResult<(Owned, usize)> {
        let digit = |r: &Self, i: usize| (0x30..=0x39).contains(&r.at(i));
        let mut at = start + (self.at(start) == 0x2d) as usize;
        if !digit(self, at) {
            return Err(self.stop(th, start));
        }
        if self.at(at) == 0x30 {
            at += 1;
        } else {
            while digit(self, at) {
                at += 1;
            }
        }
        let mut float = false;
        if self.at(at) == 0x2e && digit(self, at + 1) {
            float = true;
            at += 2;
            while digit(self, at) {
                at += 1;
            }
        }
        if matches!(self.at(at), 0x65 | 0x45) {
            let mut e = at + 1 + matches!(self.at(at + 1), 0x2b | 0x2d) as usize;
            if digit(self, e) {
                while digit(self, e) {
                    e += 1;
                }
                float = true;
                at = e;
            }
        }
        let units = &self.s[start..at];
        if !float && self.scanner.plain.0.1 && units.len() <= 18 {
            let negative = self.at(start) == 0x2d;
            let v = units[negative as usize..].iter().fold(0i64, |v, u| {
                let c: u32 = (*u).into();
                v * 10 + i64::from(c as u8 - b'0')
            });
            return Ok((th.new_int(if negative { -v } else { v }), at));
        }
        let ascii: Vec<u8> = units.iter().map(|u| Into::<u32>::into(*u) as u8).collect();
        let v = match (float, self.scanner.plain.0) {
            (true, (true, _)) => th.new_float(typhon_text::float::parse(&ascii).unwrap_or(f64::NAN)),
            (false, (_, true)) => {
                let shown = th.new_ascii(&ascii);
                typhon_core::builtins::int::convert::parse_ascii(th, &ascii, 10, shown.borrow())?
            }
            _ => {
                let f = if float { &self.scanner.parse_float } else { &self.scanner.parse_int };
                let shown = th.new_ascii(&ascii);
                f.fixed().unwrap_or(Borrowed::none()).call(th, &[shown.borrow()])?
            }
        };
        Ok((v, at))
    }

    fn array(&mut self, th: &mut Thread, start: usize) -> PyResult<(Owned, usize)> {
        let mut items = Vec::new();
        let mut at = self.blanks(start);
        if self.at(at) == 0x5d && at < self.s.len() {
            return Ok((th.new_list(items), at + 1));
        }
        loop {
            let (v, end) = self.value(th, at)?;
            items.push(v);
            at = self.blanks(end);
            match self.at(at) {
                0x5d => return Ok((th.new_list(items), at + 1)),
                0x2c => {}
                _ => return Err(self.fault(th, "Expecting ',' delimiter", at)),
            }
            let comma = at;
            at = self.blanks(at + 1);
            if self.at(at) == 0x5d {
                return Err(self.fault(th, "Illegal trailing comma before end of array", comma));
            }
        }
    }

    fn object(&mut self, th: &mut Thread, start: usize) -> PyResult<(Owned, usize)> {
        let mut pairs = Vec::new();
        let keep_pairs = self.pairs_hook.is_some();
        let dict = th.new_dict();
        let mut at = self.blanks(start);
        if self.at(at) != 0x7d {
            loop {
                if self.at(at) != 0x22 {
                    let msg = "Expecting property name enclosed in double quotes";
                    return Err(self.fault(th, msg, at));
                }
                let (key, end) = self.key(th, at + 1)?;
                at = self.blanks(end);
                if self.at(at) != 0x3a {
                    return Err(self.fault(th, "Expecting ':' delimiter", at));
                }
                at = self.blanks(at + 1);
                let (v, end) = self.value(th, at)?;
                if keep_pairs {
                    pairs.push(th.new_pair(key, v));
                } else {
                    dict.payload::<Dict>().set(th, key.borrow(), v)?;
                }
                at = self.blanks(end);
                match self.at(at) {
                    0x7d => break,
                    0x2c => {}
                    _ => return Err(self.fault(th, "Expecting ',' delimiter", at)),
                }
                let comma = at;
                at = self.blanks(at + 1);
                if self.at(at) == 0x7d {
                    return Err(self.fault(th, "Illegal trailing comma before end of object", comma));
                }
            }
        }
        let end = at + 1;
        if let Some(hook) = self.pairs_hook.clone() {
            let pairs = th.new_list(pairs);
            return Ok((hook.borrow().call(th, &[pairs.borrow()])?, end));
        }
        if let Some(hook) = self.object_hook.clone() {
            return Ok((hook.borrow().call(th, &[dict.borrow()])?, end));
        }
        Ok((dict, end))
    }
}
