//! `str`: PEP 393 strings.

use core::sync::atomic::{AtomicI64, Ordering};

use typhon_text::{StrBuf, StrData};

use crate::flags;
use crate::object::{Borrowed, Owned};
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};

crate::payload! {
    /// Head of a string (40 bytes). The characters lie behind it (or behind a subclass's own values), one,
    /// two or four bytes each as `flags` say. Never changed after birth.
    pub struct Str: DEF {
        /// SipHash-1-3 of the text; 0 = not computed yet.
        hash: AtomicI64,
        len: usize,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::STR),
    kind: kind::STR,
    flags: type_flags::BASE | type_flags::MATCH_SELF | type_flags::VAR_SIZED,
    ..TypeDef::of::<Str>("str")
};

impl Str {
    /// Byte offset of the characters in an exact str.
    pub const CHARS: usize = size_of::<Str>();

    #[inline(always)]
    fn bits(&self) -> u16 {
        // ORDERING Relaxed: kind bits are set at birth.
        self.header.flags.load(Ordering::Relaxed)
    }

    /// Length in characters.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.bits() & flags::STR_ASCII != 0
    }

    #[inline(always)]
    pub fn is_interned(&self) -> bool {
        self.bits() & flags::STR_INTERNED != 0
    }

    pub(crate) fn mark_interned(&self) {
        // ORDERING Relaxed: under the intern table's lock, before the twin is handed out.
        self.header.flags.fetch_or(flags::STR_INTERNED, Ordering::Relaxed);
    }

    /// The characters.
    #[inline(always)]
    pub fn data(&self) -> StrData<'_> {
        let bits = self.bits();
        let off = if bits & flags::ITEMS_BEHIND_VALUES == 0 {
            Self::CHARS
        } else {
            Borrowed::from_payload(self).ty().basic_size() as usize
        };
        // SAFETY: `len` characters of the kind that the bits say lie there since birth.
        unsafe {
            let p = (self as *const Str as *const u8).add(off);
            if bits & (flags::STR_TWO | flags::STR_FOUR) == 0 {
                StrData::One(core::slice::from_raw_parts(p, self.len))
            } else if bits & flags::STR_TWO != 0 {
                StrData::Two(core::slice::from_raw_parts(p as *const u16, self.len))
            } else {
                StrData::Four(core::slice::from_raw_parts(p as *const u32, self.len))
            }
        }
    }

    /// The text, if it is ASCII: no copy.
    #[inline]
    pub fn as_ascii(&self) -> Option<&str> {
        match self.data() {
            // SAFETY: the flag promises ASCII.
            StrData::One(b) if self.is_ascii() => Some(unsafe { core::str::from_utf8_unchecked(b) }),
            _ => None,
        }
    }

    /// The text as UTF-8; lone surrogates become U+FFFD.
    pub fn to_text(&self) -> String {
        match self.as_ascii() {
            Some(s) => s.to_owned(),
            None => self.data().to_string_lossy(),
        }
    }

    /// Same characters? (Not `__eq__` of a subclass.)
    #[inline]
    pub fn same_text(&self, other: &Str) -> bool {
        core::ptr::eq(self, other)
            || self.len == other.len && {
                if self.is_interned() && other.is_interned() {
                    return false;
                }
                self.data().equals(other.data())
            }
    }

    /// Is the text this ASCII literal?
    pub fn is_text(&self, literal: &str) -> bool {
        self.as_ascii() == Some(literal)
    }

    /// Hash of the text, as `str.__hash__` gives it.
    #[inline(always)]
    pub fn text_hash(&self) -> i64 {
        // ORDERING Relaxed: every thread computes the same value.
        let h = self.hash.load(Ordering::Relaxed);
        if h != 0 { h } else { self.text_hash_slow() }
    }

    #[cold]
    fn text_hash_slow(&self) -> i64 {
        let h = crate::runtime::rt().hash_key.hash_str(self.data());
        // ORDERING Relaxed: as in `text_hash`.
        self.hash.store(h, Ordering::Relaxed);
        h
    }

    /// Bytes that identify the text in the intern table (UTF-8, with surrogates as three bytes).
    pub(crate) fn intern_key(&self) -> Vec<u8> {
        if let Some(s) = self.as_ascii() {
            return s.as_bytes().to_vec();
        }
        let mut out = Vec::with_capacity(self.len * 3);
        for c in self.data().iter() {
            match char::from_u32(c) {
                Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                None => out.extend_from_slice(&[
                    0xE0 | (c >> 12) as u8,
                    0x80 | (c >> 6 & 63) as u8,
                    0x80 | (c & 63) as u8,
                ]),
            }
        }
        out
    }

    /// An exact `str` with the same text.
    pub fn to_exact(&self, th: &mut Thread) -> Owned {
        th.new_str_data(self.data())
    }
}

impl Thread {
    /// A str of this text.
    pub fn new_str(&mut self, text: &str) -> Owned {
        if text.is_ascii() {
            return self.new_str_data(StrData::One(text.as_bytes()));
        }
        let mut b = StrBuf::with_capacity(text.len());
        b.push_str(text);
        self.new_str_buf(b)
    }

    /// A str of what the builder holds.
    pub fn new_str_buf(&mut self, b: StrBuf) -> Owned {
        self.new_str_data(b.data())
    }

    /// A copy of these characters, narrowed to the smallest kind that holds them.
    pub fn new_str_data(&mut self, d: StrData<'_>) -> Owned {
        let max = d.max_char();
        let n = d.len();
        let (bits, width) = match max {
            0..=0x7f => (flags::STR_ASCII, 1),
            0x80..=0xff => (0, 1),
            0x100..=0xffff => (flags::STR_TWO, 2),
            _ => (flags::STR_FOUR, 4),
        };
        let s = self.alloc_var(Str { header: unborn(), hash: AtomicI64::new(0), len: n }, n * width);
        // ORDERING Relaxed: not published yet.
        s.payload::<Str>().header.flags.store(bits, Ordering::Relaxed);
        // SAFETY: n * width bytes were asked for behind the head.
        unsafe { fill((s.word().ptr() as *mut u8).add(Str::CHARS), d, width) }
        s
    }
}

/// Copies characters into units of `width` bytes.
///
/// # Safety
/// `p` has room for them, and every character fits the width.
unsafe fn fill(p: *mut u8, d: StrData<'_>, width: usize) {
    // SAFETY: by contract.
    unsafe {
        match (d, width) {
            (StrData::One(b), 1) => core::ptr::copy_nonoverlapping(b.as_ptr(), p, b.len()),
            (StrData::Two(b), 2) => core::ptr::copy_nonoverlapping(b.as_ptr() as *const u8, p, b.len() * 2),
            (StrData::Four(b), 4) => core::ptr::copy_nonoverlapping(b.as_ptr() as *const u8, p, b.len() * 4),
            (d, 1) => d.iter().enumerate().for_each(|(i, c)| *p.add(i) = c as u8),
            (d, 2) => d.iter().enumerate().for_each(|(i, c)| *(p as *mut u16).add(i) = c as u16),
            (d, _) => d.iter().enumerate().for_each(|(i, c)| *(p as *mut u32).add(i) = c),
        }
    }
}

const _: () = assert!(Str::CHARS == 40);
