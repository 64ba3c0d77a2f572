//! Searching, splitting and stripping text of any width, and bytes. Everything answers in indices.
//!
//! Text of the same width compares units; a narrow needle in a wide haystack is widened first, a wide needle
//! with a code point too large for the haystack cannot occur.

use crate::buf::StrBuf;
use crate::data::{StrData, Unit};
use crate::unicode::{is_line_break, is_space};
use crate::with_units;
use std::borrow::Cow;
use std::ops::Range;

/// Index of the first occurrence of `needle`, for bytes.
#[inline]
pub fn find_bytes(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [one] => memchr::memchr(*one, haystack),
        _ => memchr::memmem::find(haystack, needle),
    }
}

/// Index of the last occurrence of `needle`, for bytes.
#[inline]
pub fn rfind_bytes(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(haystack.len()),
        [one] => memchr::memrchr(*one, haystack),
        _ => memchr::memmem::rfind(haystack, needle),
    }
}

/// A searcher for one needle in haystacks of one width. Wide text uses the border table of Knuth, Morris
/// and Pratt, so the worst case stays linear.
enum Finder<'n, U: Unit> {
    Unit(U),
    Bytes(Box<memchr::memmem::Finder<'n>>),
    Wide { needle: &'n [U], borders: Vec<usize> },
}

/// For each prefix the length of its longest proper border.
fn borders<U: Unit>(needle: &[U]) -> Vec<usize> {
    let mut table = vec![0; needle.len()];
    let mut k = 0;
    for i in 1..needle.len() {
        while k > 0 && needle[i] != needle[k] {
            k = table[k - 1];
        }
        k += usize::from(needle[i] == needle[k]);
        table[i] = k;
    }
    table
}

/// Units this text can be searched in.
trait SearchUnit: Unit {
    fn finder(needle: &[Self]) -> Finder<'_, Self>;
    fn find_with(finder: &Finder<'_, Self>, haystack: &[Self]) -> Option<usize>;
    fn rfind(haystack: &[Self], needle: &[Self]) -> Option<usize>;
}

impl SearchUnit for u8 {
    fn finder(needle: &[u8]) -> Finder<'_, u8> {
        match needle {
            [one] => Finder::Unit(*one),
            _ => Finder::Bytes(Box::new(memchr::memmem::Finder::new(needle))),
        }
    }
    fn find_with(finder: &Finder<'_, u8>, haystack: &[u8]) -> Option<usize> {
        match finder {
            Finder::Unit(unit) => memchr::memchr(*unit, haystack),
            Finder::Bytes(finder) => finder.find(haystack),
            Finder::Wide { .. } => unreachable!("bytes never build a wide finder"),
        }
    }
    fn rfind(haystack: &[u8], needle: &[u8]) -> Option<usize> {
        rfind_bytes(haystack, needle)
    }
}

macro_rules! wide_search {
    ($unit:ty) => {
        impl SearchUnit for $unit {
            fn finder(needle: &[$unit]) -> Finder<'_, $unit> {
                match needle {
                    [one] => Finder::Unit(*one),
                    _ => Finder::Wide { needle, borders: borders(needle) },
                }
            }
            fn find_with(finder: &Finder<'_, $unit>, haystack: &[$unit]) -> Option<usize> {
                match finder {
                    Finder::Unit(unit) => unit.position(haystack),
                    Finder::Wide { needle, borders } => find_wide(haystack, needle, borders),
                    Finder::Bytes(..) => unreachable!("wide text never builds a byte finder"),
                }
            }
            fn rfind(haystack: &[$unit], needle: &[$unit]) -> Option<usize> {
                rfind_wide(haystack, needle)
            }
        }
    };
}
wide_search!(u16);
wide_search!(u32);

fn find_wide<U: Unit>(haystack: &[U], needle: &[U], borders: &[usize]) -> Option<usize> {
    let Some(&first) = needle.first() else { return Some(0) };
    let mut at = 0;
    let mut matched = 0;
    while at + needle.len() - matched <= haystack.len() {
        if matched == 0 {
            // Nothing matched so far: let the fast scan for the first unit skip ahead.
            at += first.position(&haystack[at..])?;
            at += 1;
            matched = 1;
        } else if haystack[at] == needle[matched] {
            at += 1;
            matched += 1;
        } else {
            matched = borders[matched - 1];
            continue;
        }
        if matched == needle.len() {
            return Some(at - matched);
        }
    }
    None
}

fn rfind_wide<U: Unit>(haystack: &[U], needle: &[U]) -> Option<usize> {
    if needle.is_empty() {
        return Some(haystack.len());
    }
    if let [one] = needle {
        return one.last_position(haystack);
    }
    let reversed: Vec<U> = needle.iter().rev().copied().collect();
    let table = borders(&reversed);
    let mut matched = 0;
    for (i, &unit) in haystack.iter().enumerate().rev() {
        while matched > 0 && unit != reversed[matched] {
            matched = table[matched - 1];
        }
        matched += usize::from(unit == reversed[matched]);
        if matched == reversed.len() {
            return Some(i);
        }
    }
    None
}

/// `needle` in units of width `U`, or `None` when a code point does not fit.
fn convert<'n, U: Unit>(needle: StrData<'n>, same: Option<&'n [U]>) -> Option<Cow<'n, [U]>> {
    match same {
        Some(units) => Some(Cow::Borrowed(units)),
        None => needle.iter().map(U::from_point).collect::<Option<Vec<U>>>().map(Cow::Owned),
    }
}

fn as_two<'n>(data: &StrData<'n>) -> Option<&'n [u16]> {
    match *data {
        StrData::Two(s) => Some(s),
        _ => None,
    }
}

fn as_four<'n>(data: &StrData<'n>) -> Option<&'n [u32]> {
    match *data {
        StrData::Four(s) => Some(s),
        _ => None,
    }
}

/// Runs `$body` with `$h` and `$n` bound to slices of the same width; `$absent` when the needle cannot occur.
macro_rules! same_width {
    ($haystack:expr, $needle:expr, $h:ident, $n:ident => $body:expr, else $absent:expr) => {{
        let (haystack, needle) = ($haystack, $needle);
        match haystack {
            StrData::One($h) => match convert::<u8>(needle, needle.as_one()) {
                Some(n) => {
                    let $n: &[u8] = &n;
                    $body
                }
                None => $absent,
            },
            StrData::Two($h) => match convert::<u16>(needle, as_two(&needle)) {
                Some(n) => {
                    let $n: &[u16] = &n;
                    $body
                }
                None => $absent,
            },
            StrData::Four($h) => match convert::<u32>(needle, as_four(&needle)) {
                Some(n) => {
                    let $n: &[u32] = &n;
                    $body
                }
                None => $absent,
            },
        }
    }};
}

fn find_in<U: SearchUnit>(haystack: &[U], needle: &[U]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    if needle.len() > haystack.len() {
        return None;
    }
    U::find_with(&U::finder(needle), haystack)
}

/// `str.find`: index of the first occurrence; an empty needle is found at 0.
#[inline]
pub fn find(haystack: StrData<'_>, needle: StrData<'_>) -> Option<usize> {
    if let (StrData::One(h), StrData::One(n)) = (haystack, needle) {
        return find_bytes(h, n);
    }
    same_width!(haystack, needle, h, n => find_in(h, n), else None)
}

/// `str.rfind`: index of the last occurrence; an empty needle is found at the end.
#[inline]
pub fn rfind(haystack: StrData<'_>, needle: StrData<'_>) -> Option<usize> {
    same_width!(haystack, needle, h, n => SearchUnit::rfind(h, n), else None)
}

/// Index of the first occurrence of a code point.
#[inline]
pub fn find_point(haystack: StrData<'_>, point: u32) -> Option<usize> {
    fn go<U: Unit>(units: &[U], point: u32) -> Option<usize> {
        U::from_point(point)?.position(units)
    }
    with_units!(haystack, s => go(s, point))
}

/// Index of the last occurrence of a code point.
#[inline]
pub fn rfind_point(haystack: StrData<'_>, point: u32) -> Option<usize> {
    fn go<U: Unit>(units: &[U], point: u32) -> Option<usize> {
        U::from_point(point)?.last_position(units)
    }
    with_units!(haystack, s => go(s, point))
}

/// `needle in haystack`.
#[inline]
pub fn contains(haystack: StrData<'_>, needle: StrData<'_>) -> bool {
    find(haystack, needle).is_some()
}

fn positions_in<U: SearchUnit>(
    haystack: &[U],
    needle: &[U],
    max: usize,
    mut visit: impl FnMut(usize),
) -> usize {
    let finder = U::finder(needle);
    let (mut at, mut found) = (0, 0);
    while found < max {
        let Some(i) = U::find_with(&finder, &haystack[at..]) else { break };
        visit(at + i);
        at += i + needle.len();
        found += 1;
    }
    found
}

/// Calls `visit` with the start of up to `max` non-overlapping occurrences, left to right. The needle must not be
/// empty.
pub fn for_each_match(haystack: StrData<'_>, needle: StrData<'_>, max: usize, visit: impl FnMut(usize)) {
    debug_assert!(!needle.is_empty());
    same_width!(haystack, needle, h, n => { positions_in(h, n, max, visit); }, else {});
}

/// `str.count`: non-overlapping occurrences; an empty needle occurs between all code points and at both ends.
pub fn count(haystack: StrData<'_>, needle: StrData<'_>) -> usize {
    if needle.is_empty() {
        return haystack.len() + 1;
    }
    if let (StrData::One(h), StrData::One([unit])) = (haystack, needle) {
        return memchr::memchr_iter(*unit, h).count();
    }
    same_width!(haystack, needle, h, n => positions_in(h, n, usize::MAX, |_| {}), else 0)
}

/// `bytes.count`.
pub fn count_bytes(haystack: &[u8], needle: &[u8]) -> usize {
    count(StrData::One(haystack), StrData::One(needle))
}

/// Whether `text` begins with `prefix`.
#[inline]
pub fn starts_with(text: StrData<'_>, prefix: StrData<'_>) -> bool {
    prefix.len() <= text.len() && text.slice(0, prefix.len()).equals(prefix)
}

/// Whether `text` ends with `suffix`.
#[inline]
pub fn ends_with(text: StrData<'_>, suffix: StrData<'_>) -> bool {
    let (n, m) = (text.len(), suffix.len());
    m <= n && text.slice(n - m, n).equals(suffix)
}

/// `str.replace`: at most `max` occurrences. `None` when nothing is replaced, so the caller can share the text.
pub fn replace(text: StrData<'_>, old: StrData<'_>, new: StrData<'_>, max: usize) -> Option<StrBuf> {
    if max == 0 || old.len() > text.len() || old.equals(new) {
        return None;
    }
    let mut out = StrBuf::new();
    if old.is_empty() {
        out.reserve(text.len() + new.len() * (text.len() + 1).min(max));
        for i in 0..text.len() {
            if i < max {
                out.push_data(new);
            }
            out.push(text.get(i));
        }
        if text.len() < max {
            out.push_data(new);
        }
        return Some(out);
    }
    let mut copied = 0;
    for_each_match(text, old, max, |at| {
        if copied == 0 && out.is_empty() {
            out.reserve(text.len() + new.len());
        }
        out.push_data(text.slice(copied, at));
        out.push_data(new);
        copied = at + old.len();
    });
    if copied == 0 {
        return None;
    }
    out.push_data(text.slice(copied, text.len()));
    Some(out)
}

/// `bytes.replace`; see [`replace`].
pub fn replace_bytes(text: &[u8], old: &[u8], new: &[u8], max: usize) -> Option<Vec<u8>> {
    let replaced = replace(StrData::One(text), StrData::One(old), StrData::One(new), max)?;
    match replaced.into_parts().0 {
        crate::StrUnits::One(bytes) => Some(bytes),
        _ => None,
    }
}

/// `str.split(separator, max)`: calls `visit` with each part. The separator must not be empty.
pub fn split(text: StrData<'_>, separator: StrData<'_>, max: usize, mut visit: impl FnMut(Range<usize>)) {
    let mut start = 0;
    for_each_match(text, separator, max, |at| {
        visit(start..at);
        start = at + separator.len();
    });
    visit(start..text.len());
}

/// `str.rsplit(separator, max)`: the parts in order. The separator must not be empty.
pub fn rsplit(text: StrData<'_>, separator: StrData<'_>, max: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut end = text.len();
    while parts.len() < max
        && let Some(at) = rfind(text.slice(0, end), separator)
    {
        parts.push(at + separator.len()..end);
        end = at;
    }
    parts.push(0..end);
    parts.reverse();
    parts
}

/// `str.split(None, max)`: parts between runs of whitespace.
pub fn split_whitespace(text: StrData<'_>, max: usize, visit: impl FnMut(Range<usize>)) {
    with_units!(text, s => split_spaces(s, |u| is_space(u.point()), max, visit));
}

/// `bytes.split(None, max)`: whitespace is space, tab, newline, return, form feed and vertical tab.
pub fn split_whitespace_bytes(bytes: &[u8], max: usize, visit: impl FnMut(Range<usize>)) {
    split_spaces(bytes, is_byte_space, max, visit);
}

/// Whitespace of `bytes` methods.
#[inline]
pub fn is_byte_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0D)
}

fn split_spaces<U: Unit>(
    units: &[U],
    space: impl Fn(U) -> bool,
    max: usize,
    mut visit: impl FnMut(Range<usize>),
) {
    let n = units.len();
    let mut at = 0;
    for part in 0usize.. {
        while at < n && space(units[at]) {
            at += 1;
        }
        if at == n {
            return;
        }
        let start = at;
        if part == max {
            return visit(start..n);
        }
        while at < n && !space(units[at]) {
            at += 1;
        }
        visit(start..at);
    }
}

/// End of the text without trailing whitespace.
fn trailing<U: Unit>(units: &[U], space: &impl Fn(U) -> bool, mut end: usize) -> usize {
    while end > 0 && space(units[end - 1]) {
        end -= 1;
    }
    end
}

/// `str.rsplit(None, max)`: the parts in order.
pub fn rsplit_whitespace(text: StrData<'_>, max: usize) -> Vec<Range<usize>> {
    with_units!(text, s => rsplit_spaces(s, |u| is_space(u.point()), max))
}

/// `bytes.rsplit(None, max)`.
pub fn rsplit_whitespace_bytes(bytes: &[u8], max: usize) -> Vec<Range<usize>> {
    rsplit_spaces(bytes, is_byte_space, max)
}

fn rsplit_spaces<U: Unit>(units: &[U], space: impl Fn(U) -> bool, max: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut end = units.len();
    loop {
        end = trailing(units, &space, end);
        if end == 0 {
            break;
        }
        if parts.len() == max {
            parts.push(0..end);
            break;
        }
        let mut start = end;
        while start > 0 && !space(units[start - 1]) {
            start -= 1;
        }
        parts.push(start..end);
        end = start;
    }
    parts.reverse();
    parts
}

/// `str.splitlines(keep_ends)`: `\r\n` ends one line.
pub fn split_lines(text: StrData<'_>, keep_ends: bool, visit: impl FnMut(Range<usize>)) {
    with_units!(text, s => lines(s, |u| is_line_break(u.point()), keep_ends, visit));
}

/// `bytes.splitlines(keep_ends)`: only `\n`, `\r` and `\r\n` end lines.
pub fn split_lines_bytes(bytes: &[u8], keep_ends: bool, visit: impl FnMut(Range<usize>)) {
    lines(bytes, |b| matches!(b, b'\n' | b'\r'), keep_ends, visit);
}

fn lines<U: Unit>(
    units: &[U],
    ends: impl Fn(U) -> bool,
    keep_ends: bool,
    mut visit: impl FnMut(Range<usize>),
) {
    let mut start = 0;
    while start < units.len() {
        let end = units[start..].iter().position(|&u| ends(u)).map_or(units.len(), |i| start + i);
        let point = |i: usize| units.get(i).map(|&u| -> u32 { u.into() });
        let next = match point(end) {
            None => end,
            Some(0x0D) if point(end + 1) == Some(0x0A) => end + 2,
            Some(_) => end + 1,
        };
        visit(start..if keep_ends { next } else { end });
        start = next;
    }
}

/// Which ends to strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// `strip`
    Both,
    /// `lstrip`
    Left,
    /// `rstrip`
    Right,
}

fn strip_units<U: Copy>(units: &[U], sides: Sides, drop: impl Fn(U) -> bool) -> Range<usize> {
    let (mut start, mut end) = (0, units.len());
    if sides != Sides::Right {
        while start < end && drop(units[start]) {
            start += 1;
        }
    }
    if sides != Sides::Left {
        while start < end && drop(units[end - 1]) {
            end -= 1;
        }
    }
    start..end
}

/// `str.strip` and its kin without an argument.
pub fn strip_whitespace(text: StrData<'_>, sides: Sides) -> Range<usize> {
    with_units!(text, s => strip_units(s, sides, |u| is_space(u.point())))
}

/// `str.strip` and its kin with a set of characters.
pub fn strip(text: StrData<'_>, chars: StrData<'_>, sides: Sides) -> Range<usize> {
    with_units!(text, s => strip_units(s, sides, |u| find_point(chars, u.point()).is_some()))
}

/// `bytes.strip` and its kin; `None` strips whitespace.
pub fn strip_bytes(bytes: &[u8], drop: Option<&[u8]>, sides: Sides) -> Range<usize> {
    match drop {
        None => strip_units(bytes, sides, is_byte_space),
        Some(drop) => strip_units(bytes, sides, |b| drop.contains(&b)),
    }
}

/// `str.partition`: ranges before and after the first separator. The separator must not be empty.
pub fn partition(text: StrData<'_>, separator: StrData<'_>) -> Option<(Range<usize>, Range<usize>)> {
    find(text, separator).map(|at| (0..at, at + separator.len()..text.len()))
}

/// `str.rpartition`: ranges before and after the last separator. The separator must not be empty.
pub fn rpartition(text: StrData<'_>, separator: StrData<'_>) -> Option<(Range<usize>, Range<usize>)> {
    rfind(text, separator).map(|at| (0..at, at + separator.len()..text.len()))
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
