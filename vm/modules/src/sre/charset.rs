//! Characters: categories, sets, case.

use typhon_text::unicode;

use super::code::{category, op};

#[inline]
fn is_ascii_word(c: u32) -> bool {
    c < 128 && ((c as u8).is_ascii_alphanumeric() || c == u32::from(b'_'))
}

#[inline]
pub fn is_unicode_word(c: u32) -> bool {
    if c < 128 { is_ascii_word(c) } else { unicode::is_alnum(c) }
}

#[inline]
fn is_ascii_space(c: u32) -> bool {
    matches!(c, 9..=13 | 32)
}

#[inline]
fn is_unicode_space(c: u32) -> bool {
    if c < 128 { is_ascii_space(c) || matches!(c, 0x1c..=0x1f) } else { unicode::is_space(c) }
}

/// Word characters of the system's locale; bytes only.
pub fn is_locale_word(c: u32) -> bool {
    // SAFETY: isalnum takes any value of an unsigned char.
    c < 256 && (c == u32::from(b'_') || unsafe { libc::isalnum(c as i32) } != 0)
}

/// Word characters by the kind of boundary.
#[derive(Clone, Copy)]
pub enum Words {
    Ascii,
    Locale,
    Unicode,
}

impl Words {
    #[inline]
    pub fn contain(self, c: u32) -> bool {
        match self {
            Words::Ascii => is_ascii_word(c),
            Words::Locale => is_locale_word(c),
            Words::Unicode => is_unicode_word(c),
        }
    }
}

/// Is the character in a category?
#[inline]
pub fn in_category(which: u32, c: u32) -> bool {
    match which {
        category::DIGIT => matches!(c, 48..=57),
        category::NOT_DIGIT => !matches!(c, 48..=57),
        category::SPACE => is_ascii_space(c),
        category::NOT_SPACE => !is_ascii_space(c),
        category::WORD => is_ascii_word(c),
        category::NOT_WORD => !is_ascii_word(c),
        category::LINEBREAK => c == 10,
        category::NOT_LINEBREAK => c != 10,
        category::LOC_WORD => is_locale_word(c),
        category::LOC_NOT_WORD => !is_locale_word(c),
        category::UNI_DIGIT => is_unicode_digit(c),
        category::UNI_NOT_DIGIT => !is_unicode_digit(c),
        category::UNI_SPACE => is_unicode_space(c),
        category::UNI_NOT_SPACE => !is_unicode_space(c),
        category::UNI_WORD => is_unicode_word(c),
        category::UNI_NOT_WORD => !is_unicode_word(c),
        category::UNI_LINEBREAK => unicode::is_line_break(c),
        _ => !unicode::is_line_break(c),
    }
}

#[inline]
fn is_unicode_digit(c: u32) -> bool {
    if c < 128 { matches!(c, 48..=57) } else { unicode::is_decimal(c) }
}

#[inline]
fn bit(words: &[u32], i: usize) -> bool {
    words[i >> 5] & 1 << (i & 31) != 0
}

/// Is the character in the set that begins here? `set` may be longer than the set.
#[inline]
pub fn contains(set: &[u32], c: u32) -> bool {
    let mut i = 0;
    let mut yes = true;
    loop {
        match set[i] {
            op::FAILURE => return !yes,
            op::LITERAL => {
                if c == set[i + 1] {
                    return yes;
                }
                i += 2;
            }
            op::RANGE => {
                if set[i + 1] <= c && c <= set[i + 2] {
                    return yes;
                }
                i += 3;
            }
            op::CATEGORY => {
                if in_category(set[i + 1], c) {
                    return yes;
                }
                i += 2;
            }
            op::CHARSET => {
                if c < 256 && bit(&set[i + 1..i + 9], c as usize) {
                    return yes;
                }
                i += 9;
            }
            op::NEGATE => {
                yes = !yes;
                i += 1;
            }
            op::RANGE_UNI_IGNORE => {
                let (low, high) = (set[i + 1], set[i + 2]);
                if low <= c && c <= high {
                    return yes;
                }
                let upper = upper_unicode(c);
                if low <= upper && upper <= high {
                    return yes;
                }
                i += 3;
            }
            op::BIGCHARSET => {
                let blocks = set[i + 1] as usize;
                let (map, bits) = (&set[i + 2..i + 66], &set[i + 66..i + 66 + blocks * 8]);
                if c < 65536 {
                    let high = (c >> 8) as usize;
                    let block = map[high >> 2].to_ne_bytes()[high & 3] as usize;
                    if bit(bits, block * 256 + (c & 255) as usize) {
                        return yes;
                    }
                }
                i += 66 + blocks * 8;
            }
            _ => return false,
        }
    }
}

#[inline]
pub fn lower_ascii(c: u32) -> u32 {
    if matches!(c, 65..=90) { c + 32 } else { c }
}

#[inline]
pub fn lower_unicode(c: u32) -> u32 {
    if c < 128 { lower_ascii(c) } else { unicode::simple_lower(c) }
}

#[inline]
pub fn upper_unicode(c: u32) -> u32 {
    if c < 128 { if matches!(c, 97..=122) { c - 32 } else { c } } else { unicode::simple_upper(c) }
}

pub fn lower_locale(c: u32) -> u32 {
    // SAFETY: tolower takes any value of an unsigned char.
    if c < 256 { unsafe { libc::tolower(c as i32) as u32 } } else { c }
}

pub fn upper_locale(c: u32) -> u32 {
    // SAFETY: as above.
    if c < 256 { unsafe { libc::toupper(c as i32) as u32 } } else { c }
}

/// Does a literal of a pattern match a character, ignoring case by the locale?
pub fn equal_in_locale(literal: u32, c: u32) -> bool {
    c == literal || lower_locale(c) == literal || upper_locale(c) == literal
}

/// Does the instruction at `pc`, which takes one character, take `c`?
#[inline]
pub fn takes(code: &[u32], pc: usize, c: u32) -> bool {
    match code[pc] {
        op::LITERAL => c == code[pc + 1],
        op::NOT_LITERAL => c != code[pc + 1],
        op::ANY => c != 10,
        op::ANY_ALL => true,
        op::IN => contains(&code[pc + 2..], c),
        op::CATEGORY => in_category(code[pc + 1], c),
        op::LITERAL_IGNORE => lower_ascii(c) == code[pc + 1],
        op::NOT_LITERAL_IGNORE => lower_ascii(c) != code[pc + 1],
        op::LITERAL_UNI_IGNORE => lower_unicode(c) == code[pc + 1],
        op::NOT_LITERAL_UNI_IGNORE => lower_unicode(c) != code[pc + 1],
        op::LITERAL_LOC_IGNORE => equal_in_locale(code[pc + 1], c),
        op::NOT_LITERAL_LOC_IGNORE => !equal_in_locale(code[pc + 1], c),
        op::IN_IGNORE => contains(&code[pc + 2..], lower_ascii(c)),
        op::IN_UNI_IGNORE => contains(&code[pc + 2..], lower_unicode(c)),
        op::IN_LOC_IGNORE => {
            contains(&code[pc + 2..], lower_locale(c)) || contains(&code[pc + 2..], upper_locale(c))
        }
        _ => false,
    }
}
