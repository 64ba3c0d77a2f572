//! `list.sort`.

use typhon_text::{StrData, sort};

use super::List;
use super::methods::of;
use crate::builtins::exceptions as ex;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::order;
use crate::slots::{ArgsExt, CompareOp};
use crate::thread::Thread;
use crate::word::Word;

pub const DOC: &str = "Sort the list in ascending order and return None.

The sort is in-place (i.e. the list itself is modified) and stable (i.e. the
order of two equal elements is maintained).

If a key function is given, apply it once to each list item and sort them,
ascending or descending, according to their function values.

The reverse flag can be set to sort in descending order.";

pub fn method(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let reverse = match a.opt(2) {
        Some(v) => v.truth(th)?,
        None => false,
    };
    sort(th, of(a[0]), a.some(1), reverse)?;
    Ok(Owned::none())
}

/// Sorts a list in place, stably. It looks empty meanwhile. Without a key function, and if comparisons run no code, all
/// happens under the list's lock; else other threads can change the list.
///
/// Errors: what the key function and the comparisons raise (the list then has all its items, in some order); ValueError
/// if the list was changed meanwhile.
pub fn sort(th: &mut Thread, list: &List, key: Option<Borrowed<'_>>, reverse: bool) -> PyResult<()> {
    let guard = list.lock();
    let mut items = guard.take_all();
    if key.is_none() && sort_quickly(&mut items, reverse) {
        let unplaced = guard.extend(items);
        drop(guard);
        return if unplaced.is_ok() { Ok(()) } else { Err(th.raise_empty(&ex::MEMORY_ERROR)) };
    }
    drop(guard);
    let result = sort_items(th, &mut items, key, reverse);
    let (changed, intruders, unplaced) = {
        let guard = list.lock();
        let changed = guard.list_capacity() != 0;
        let intruders = guard.take_all();
        (changed, intruders, guard.extend(items))
    };
    drop(intruders);
    result?;
    if unplaced.is_err() {
        return Err(th.raise_empty(&ex::MEMORY_ERROR));
    }
    if changed {
        return Err(th.value_error("list modified during sort"));
    }
    Ok(())
}

/// Sorts items whose comparisons run no code. False: there are others, and nothing was done.
fn sort_quickly(items: &mut [Owned], reverse: bool) -> bool {
    let mixed = matches!(kind_of(words_of(items).iter().copied()), Keys::Mixed);
    if mixed && !items.iter().all(|v| order::is_quick(v.borrow())) {
        return false;
    }
    let words = words_of(items);
    let before = if mixed { words.to_vec() } else { Vec::new() };
    if reverse {
        words.reverse();
    }
    let sorted = sort_alike(words) || sort::sort_by(words, quick_less).is_ok();
    if !sorted {
        // Each is comparable to its like, but not to the others.
        words.copy_from_slice(&before);
    } else if reverse {
        words.reverse();
    }
    sorted
}

/// `a < b` for words held by the caller, if that runs no code.
fn quick_less(a: Word, b: Word) -> Result<bool, ()> {
    // SAFETY: the caller's vector holds both.
    let (a, b) = unsafe { (Borrowed::from_raw(a), Borrowed::from_raw(b)) };
    order::quick_less(a, b).ok_or(())
}

/// Sorts the items of a vector as [`sort`] does.
pub fn sort_items(
    th: &mut Thread,
    items: &mut [Owned],
    key: Option<Borrowed<'_>>,
    reverse: bool,
) -> PyResult<()> {
    if reverse {
        items.reverse();
    }
    let result = match key {
        None => sort_words(th, words_of(items)),
        Some(key) => sort_by_key(th, items, key),
    };
    if reverse {
        items.reverse();
    }
    result
}

/// The vector's items as bare words: reordering them reorders the owners.
fn words_of(items: &mut [Owned]) -> &mut [Word] {
    // SAFETY: an `Owned` is one word; sorting permutes the words and loses or doubles none.
    unsafe { core::slice::from_raw_parts_mut(items.as_mut_ptr() as *mut Word, items.len()) }
}

fn sort_by_key(th: &mut Thread, items: &mut [Owned], key: Borrowed<'_>) -> PyResult<()> {
    let mut keys = Vec::with_capacity(items.len());
    for v in items.iter() {
        keys.push(key.call(th, &[v.borrow()])?);
        th.drain_drops();
    }
    let mut pairs: Vec<(Word, Word)> =
        keys.iter().zip(words_of(items).iter()).map(|(k, v)| (k.word(), *v)).collect();
    let result = sort_pairs(th, &mut pairs);
    for (place, (_, v)) in words_of(items).iter_mut().zip(&pairs) {
        *place = *v;
    }
    result
}

/// What all keys are.
enum Keys {
    Ints,
    Floats,
    /// Exact strs of one byte per character: their order is that of the bytes.
    Latin1,
    Mixed,
}

fn kind_of(keys: impl Iterator<Item = Word> + Clone) -> Keys {
    match keys.clone().next() {
        Some(w) if w.is_int() && keys.clone().all(Word::is_int) => Keys::Ints,
        Some(w) if w.unboxed_float().is_some() && keys.clone().all(|w| w.unboxed_float().is_some()) => {
            Keys::Floats
        }
        Some(w) if w.is_ptr() && keys.clone().all(|w| latin1(w).is_some()) => Keys::Latin1,
        _ => Keys::Mixed,
    }
}

fn latin1<'a>(w: Word) -> Option<&'a [u8]> {
    if !w.is_ptr() {
        return None;
    }
    // SAFETY: the words being sorted are held by the caller's vector.
    match unsafe { Borrowed::from_raw(w) }.downcast_exact::<Str>()?.data() {
        StrData::One(b) => Some(b),
        _ => None,
    }
}

fn float(w: Word) -> f64 {
    w.unboxed_float().unwrap_or(0.0)
}

/// Sorts words that are their own keys.
fn sort_words(th: &mut Thread, words: &mut [Word]) -> PyResult<()> {
    if sort_alike(words) { Ok(()) } else { sort::sort_by(words, |a, b| less(th, a, b)) }
}

/// Sorts words that are all ints, all floats or all strs of one byte per character. False: they are not.
fn sort_alike(words: &mut [Word]) -> bool {
    match kind_of(words.iter().copied()) {
        // The word of an int has the order of the int.
        Keys::Ints => words.sort_unstable_by_key(|w| w.0 as i64),
        Keys::Floats => {
            let mut pairs: Vec<_> = words.iter().map(|w| (float(*w), *w)).collect();
            sort::sort_floats(&mut pairs);
            restore(words, &pairs);
        }
        Keys::Latin1 => {
            let mut pairs: Vec<_> = words.iter().map(|w| (latin1(*w).unwrap_or_default(), *w)).collect();
            sort::sort_bytes(&mut pairs);
            restore(words, &pairs);
        }
        Keys::Mixed => return false,
    }
    true
}

fn restore<K>(words: &mut [Word], pairs: &[(K, Word)]) {
    for (place, (_, w)) in words.iter_mut().zip(pairs) {
        *place = *w;
    }
}

/// Sorts (key, value) words by key.
fn sort_pairs(th: &mut Thread, pairs: &mut [(Word, Word)]) -> PyResult<()> {
    fn with<K: Copy>(
        pairs: &mut [(Word, Word)],
        key: impl Fn(Word) -> K,
        sort: impl FnOnce(&mut [(K, Word)]),
    ) {
        let mut keyed: Vec<(K, Word)> = pairs.iter().map(|(k, v)| (key(*k), *v)).collect();
        sort(&mut keyed);
        for (place, (_, v)) in pairs.iter_mut().zip(&keyed) {
            place.1 = *v;
        }
    }
    match kind_of(pairs.iter().map(|p| p.0)) {
        Keys::Ints => with(pairs, |k| k.0 as i64, sort::sort_ints),
        Keys::Floats => with(pairs, float, sort::sort_floats),
        Keys::Latin1 => with(pairs, |k| latin1(k).unwrap_or_default(), sort::sort_bytes),
        Keys::Mixed => return sort::sort_by(pairs, |a, b| less(th, a.0, b.0)),
    }
    Ok(())
}

/// `a < b` for words held by the caller.
#[inline]
fn less(th: &mut Thread, a: Word, b: Word) -> PyResult<bool> {
    if a.both_int(b) {
        return Ok((a.0 as i64) < b.0 as i64);
    }
    // SAFETY: the caller's vector holds both.
    let (a, b) = unsafe { (Borrowed::from_raw(a), Borrowed::from_raw(b)) };
    less_objects(th, a, b)
}

fn less_objects(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult<bool> {
    if a.word().both_int(b.word()) {
        return Ok((a.word().0 as i64) < b.word().0 as i64);
    }
    if let (Some(x), Some(y)) = (a.word().unboxed_float(), b.word().unboxed_float()) {
        return Ok(x < y);
    }
    if let (Some(x), Some(y)) = (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
        return Ok(x.data().compare(y.data()).is_lt());
    }
    if let (Some(x), Some(y)) = (a.downcast_exact::<Tuple>(), b.downcast_exact::<Tuple>()) {
        for (p, q) in x.iter().zip(y.iter()) {
            if !p.equals(th, q)? {
                th.check_native_stack(" in comparison")?;
                return less_objects(th, p, q);
            }
        }
        return Ok(x.len() < y.len());
    }
    let r = a.compare_bool(th, b, CompareOp::Lt);
    th.drain_drops();
    r
}
