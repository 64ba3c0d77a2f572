//! `str`: PEP 393 strings.

mod construct;
pub mod core;
pub mod format;
mod methods;
pub(crate) mod percent;
mod translate;

pub use self::core::{append, concat_many, format_value, join};
pub use self::format::ascii;

use typhon_sync::prim::{AtomicI64, AtomicU64, Ordering};

use typhon_text::{StrBuf, StrData};

use crate::flags;
use crate::object::{Borrowed, Owned};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::types::Type;
use crate::word::Word;

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
    doc: "str(object='') -> str\nstr(bytes_or_buffer[, encoding[, errors]]) -> str\n\n\
          Create a new string object from the given object.",
    slots: Slots {
        repr: Some(core::slot_repr),
        str: Some(core::slot_str),
        hash: Some(core::slot_hash),
        compare: Some(core::slot_compare),
        iter: Some(core::slot_iter),
        new: Some(construct::new),
        len: Some(core::slot_len),
        getitem: Some(core::slot_getitem),
        contains: Some(core::slot_contains),
        remainder: Some(core::slot_remainder),
        concat: Some(core::slot_concat),
        repeat: Some(core::slot_repeat),
        ..Slots::NONE
    },
    methods: methods::METHODS,
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
                StrData::One(::core::slice::from_raw_parts(p, self.len))
            } else if bits & flags::STR_TWO != 0 {
                StrData::Two(::core::slice::from_raw_parts(p as *const u16, self.len))
            } else {
                StrData::Four(::core::slice::from_raw_parts(p as *const u32, self.len))
            }
        }
    }

    /// The text, if it is ASCII: no copy.
    #[inline]
    pub fn as_ascii(&self) -> Option<&str> {
        match self.data() {
            // SAFETY: the flag promises ASCII.
            StrData::One(b) if self.is_ascii() => Some(unsafe { ::core::str::from_utf8_unchecked(b) }),
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
        ::core::ptr::eq(self, other)
            || self.len == other.len && {
                if self.is_interned() && other.is_interned() {
                    return false;
                }
                self.data().equals(other.data())
            }
    }

    /// Corrects the length of a str that nobody else has seen since it was unique.
    ///
    /// # Safety
    /// The only reference to the object is the caller's, and `len` characters are in place.
    pub(crate) unsafe fn grow_to(&mut self, len: usize) {
        self.len = len;
        *self.hash.get_mut() = 0;
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

    /// The hash if it was computed before, else 0.
    #[inline(always)]
    pub fn known_hash(&self) -> i64 {
        // ORDERING Relaxed: as in `text_hash`.
        self.hash.load(Ordering::Relaxed)
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
            return self.new_ascii(text.as_bytes());
        }
        let mut b = StrBuf::with_capacity(text.len());
        b.push_str(text);
        self.new_str_buf(b)
    }

    /// A str of what the builder holds.
    pub fn new_str_buf(&mut self, b: StrBuf) -> Owned {
        if b.is_ascii()
            && let StrData::One(bytes) = b.data()
        {
            return self.new_ascii(bytes);
        }
        self.new_str_data(b.data())
    }

    /// A copy of these characters, narrowed to the smallest kind that holds them.
    pub fn new_str_data(&mut self, d: StrData<'_>) -> Owned {
        if d.len() <= 1 && (d.is_empty() || d.get(0) <= 0xff) {
            return if d.is_empty() { self.empty_str() } else { self.char_str(d.get(0)) };
        }
        let class = class_of(d);
        self.new_str_of_class(d, class)
    }

    /// A str of ASCII bytes. Checked in debug builds only.
    #[inline]
    pub fn new_ascii(&mut self, b: &[u8]) -> Owned {
        debug_assert!(b.is_ascii());
        match b {
            [] => self.empty_str(),
            [one] => self.char_str(u32::from(*one)),
            _ => {
                let (s, p) = self.alloc_str(b.len(), Class::Ascii);
                // SAFETY: `len` bytes were asked for.
                unsafe { ::core::ptr::copy_nonoverlapping(b.as_ptr(), p, b.len()) }
                s
            }
        }
    }

    /// The characters `d`, whose narrowest class is `class`.
    pub(crate) fn new_str_of_class(&mut self, d: StrData<'_>, class: Class) -> Owned {
        let (s, p) = self.alloc_str(d.len(), class);
        // SAFETY: room for `len` characters of the class was asked for.
        unsafe { fill(p, d, class.width()) }
        s
    }

    /// An exact str of `len` characters of a class, and where they go. The caller writes all of them before
    /// anything else happens on this thread; at least one character must need the class.
    #[inline]
    pub(crate) fn alloc_str(&mut self, len: usize, class: Class) -> (Owned, *mut u8) {
        let head = Str { header: unborn(), hash: AtomicI64::new(0), len };
        let s = self.alloc_var(head, len * class.width());
        // ORDERING Relaxed: not published yet.
        s.payload::<Str>().header.flags.store(class.flags(), Ordering::Relaxed);
        // SAFETY: inside the object.
        let p = unsafe { (s.word().ptr() as *mut u8).add(Str::CHARS) };
        (s, p)
    }

    /// The empty str. Immortal.
    #[inline]
    pub fn empty_str(&mut self) -> Owned {
        self.cached_str(256, StrData::EMPTY)
    }

    /// The str of one code point; up to U+00FF a cached immortal one.
    #[inline]
    pub fn char_str(&mut self, c: u32) -> Owned {
        if c <= 0xff {
            return self.cached_str(c as usize, StrData::One(&[c as u8]));
        }
        match u16::try_from(c) {
            Ok(c) => self.new_str_of_class(StrData::Two(&[c]), Class::Two),
            Err(_) => self.new_str_of_class(StrData::Four(&[c]), Class::Four),
        }
    }

    #[inline(always)]
    fn cached_str(&mut self, at: usize, d: StrData<'_>) -> Owned {
        // ORDERING Acquire: pairs with the Release below; the string is complete.
        let w = CACHED[at].load(Ordering::Acquire);
        if w != 0 { Owned::from_const(Word(w)) } else { self.fill_cache(at, d) }
    }

    #[cold]
    fn fill_cache(&mut self, at: usize, d: StrData<'_>) -> Owned {
        let s = self.new_str_of_class(d, class_of(d));
        let s = self.intern_str(s.borrow());
        // ORDERING Release: publishes the string to `cached_str`. Interned, so every thread stores the same.
        CACHED[at].store(s.word().0, Ordering::Release);
        s
    }

    /// An instance of `str` or a subclass with the characters of `s`.
    pub fn new_str_as(&mut self, ty: &Type, s: &Str) -> Owned {
        if ::core::ptr::eq(ty, DEF.ty()) {
            return s.to_exact(self);
        }
        let (d, class) = (s.data(), s.class());
        let off = (ty.basic_size() as usize).max(Str::CHARS);
        let head = Str { header: unborn(), hash: AtomicI64::new(0), len: d.len() };
        let v = self.alloc_var_as(head, ty, d.len() * class.width());
        let behind = if off == Str::CHARS { 0 } else { flags::ITEMS_BEHIND_VALUES };
        // ORDERING Relaxed: not published yet.
        v.payload::<Str>().header.flags.fetch_or(class.flags() | behind, Ordering::Relaxed);
        // SAFETY: room for the characters was asked for behind the instance's values.
        unsafe { fill((v.word().ptr() as *mut u8).add(off), d, class.width()) }
        v
    }
}

/// Immortal strings of one Latin-1 character, then the empty string; 0 = not made yet.
static CACHED: [AtomicU64; 257] = [const { AtomicU64::new(0) }; 257];

/// Character `at` of a str (from the end, if negative), if there is one and its str is immortal and made; otherwise
/// [`Word::ZERO`].
#[inline(always)]
pub(crate) fn cached_char_at(s: &Str, at: i64) -> Word {
    let StrData::One(units) = s.data() else { return Word::ZERO };
    let at = if at < 0 { at + units.len() as i64 } else { at };
    match units.get(at as usize) {
        // ORDERING Acquire: as in `cached_str`.
        Some(&unit) => Word(CACHED[unit as usize].load(Ordering::Acquire)),
        None => Word::ZERO,
    }
}

/// What the characters of a string need: PEP 393's kinds, with ASCII apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Ascii,
    Latin1,
    Two,
    Four,
}

impl Class {
    /// The class of text whose largest code point is `max`.
    #[inline]
    pub(crate) fn of_max(max: u32) -> Class {
        match max {
            0..=0x7f => Class::Ascii,
            0x80..=0xff => Class::Latin1,
            0x100..=0xffff => Class::Two,
            _ => Class::Four,
        }
    }

    /// Bytes per character.
    #[inline]
    pub(crate) fn width(self) -> usize {
        match self {
            Class::Ascii | Class::Latin1 => 1,
            Class::Two => 2,
            Class::Four => 4,
        }
    }

    #[inline]
    fn flags(self) -> u16 {
        match self {
            Class::Ascii => flags::STR_ASCII,
            Class::Latin1 => 0,
            Class::Two => flags::STR_TWO,
            Class::Four => flags::STR_FOUR,
        }
    }
}

/// The narrowest class of these characters.
pub(crate) fn class_of(d: StrData<'_>) -> Class {
    match d {
        StrData::One(b) => {
            if b.is_ascii() {
                Class::Ascii
            } else {
                Class::Latin1
            }
        }
        d => Class::of_max(d.max_char()),
    }
}

impl Str {
    /// The class of the characters, from the flags.
    #[inline]
    pub(crate) fn class(&self) -> Class {
        let bits = self.bits();
        if bits & flags::STR_ASCII != 0 {
            Class::Ascii
        } else if bits & flags::STR_TWO != 0 {
            Class::Two
        } else if bits & flags::STR_FOUR != 0 {
            Class::Four
        } else {
            Class::Latin1
        }
    }
}

/// Copies characters into units of `width` bytes.
///
/// # Safety
/// `p` has room for them, and every character fits the width.
pub(crate) unsafe fn fill(p: *mut u8, d: StrData<'_>, width: usize) {
    // SAFETY: by contract.
    unsafe {
        match (d, width) {
            (StrData::One(b), 1) => ::core::ptr::copy_nonoverlapping(b.as_ptr(), p, b.len()),
            (StrData::Two(b), 2) => ::core::ptr::copy_nonoverlapping(b.as_ptr() as *const u8, p, b.len() * 2),
            (StrData::Four(b), 4) => {
                ::core::ptr::copy_nonoverlapping(b.as_ptr() as *const u8, p, b.len() * 4)
            }
            (d, 1) => d.iter().enumerate().for_each(|(i, c)| *p.add(i) = c as u8),
            (d, 2) => d.iter().enumerate().for_each(|(i, c)| *(p as *mut u16).add(i) = c as u16),
            (d, _) => d.iter().enumerate().for_each(|(i, c)| *(p as *mut u32).add(i) = c),
        }
    }
}

const _: () = assert!(Str::CHARS == 40);
