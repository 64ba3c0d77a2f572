//! Loops over pairs that are taken apart at once: `enumerate`, `zip` of two, and a dict's items.

use super::cold::look;
use crate::Thread;
use crate::builtins::dict::iterator::{self, ItemIterator, KeyIterator};
use crate::builtins::ids;
use crate::builtins::iterators::enumerate::Enumerate;
use crate::builtins::iterators::zip::Zip;
use crate::builtins::list::iterator::ListIterator;
use crate::builtins::range::iterator::RangeIterator;
use crate::builtins::set::{self, iterator::SetIterator};
use crate::builtins::tuple::iterator::TupleIterator;
use crate::dealloc::drop_word;
use crate::interp::handlers::call::shape_of;
use crate::word::Word;

/// The next item of the iterator of a list, a tuple, a range, a set or the keys of a dict as a word for the stack;
/// [`Word::ZERO`] at its end, and where only the general way can tell. Runs no code.
///
/// # Safety
/// A live pointer word.
#[inline(always)]
pub(super) unsafe fn next_for_stack(th: *mut Thread, it: Word) -> Word {
    // SAFETY: by contract; the shape says what lies there.
    unsafe {
        let (shape, me) = (shape_of(it), (*th).owner);
        if shape == ids::LIST_ITERATOR {
            (*(it.ptr() as *const ListIterator)).next_for_stack(me)
        } else if shape == ids::TUPLE_ITERATOR {
            (*(it.ptr() as *const TupleIterator)).next_for_stack(me)
        } else if shape == ids::RANGE_ITERATOR {
            (*(it.ptr() as *const RangeIterator)).next().unwrap_or(Word::ZERO)
        } else if shape == iterator::KEYS.id.shape() {
            (*(it.ptr() as *const KeyIterator)).next_for_stack(me)
        } else if shape == set::iterator::DEF.id.shape() {
            (*(it.ptr() as *const SetIterator)).next_for_stack(me)
        } else {
            Word::ZERO
        }
    }
}

/// The next item of any iterator as a word for the stack; NULL at its end, 0 = raised.
///
/// # Safety
/// A live pointer word, and the record is saved.
#[inline(always)]
unsafe fn take(th: *mut Thread, it: Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        let w = next_for_stack(th, it);
        if w == Word::ZERO { super::iter::step(th, it) } else { w }
    }
}

/// Takes the next pair of `it`, an iterator of one of the sorts of this file: gives its first value and puts the second
/// at `sp`. NULL at the end, 0 = raised, UNBOUND: it does not make pairs, nothing was done.
///
/// # Safety
/// Live; the record is saved with this `sp`, behind which there is room.
#[inline(never)]
pub(super) unsafe fn step(th: *mut Thread, it: Word, sp: *mut Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        let it = look(it);
        if let Some(zip) = it.downcast_exact::<Zip>() {
            let Some([one, two]) = zip.two() else { return Word::UNBOUND };
            let first = take(th, one.word());
            if first == Word::NULL || first == Word::ZERO {
                return first;
            }
            // The second iterator may run code, which must find the first value on the stack.
            *sp = first;
            (*(*th).ci).sp = sp.add(1);
            let second = take(th, two.word());
            (*(*th).ci).sp = sp;
            if second == Word::NULL || second == Word::ZERO {
                drop_word(first);
                return second;
            }
            *sp = second;
            return first;
        }
        if let Some(enumerate) = it.downcast_exact::<Enumerate>() {
            let item = take(th, enumerate.iterator().word());
            if item == Word::NULL || item == Word::ZERO {
                return item;
            }
            // To count beyond a word, the enumeration is locked.
            *sp = item;
            (*(*th).ci).sp = sp.add(1);
            let number = enumerate.number(&mut *th).into_raw();
            (*(*th).ci).sp = sp;
            return number;
        }
        let Some(items) = it.downcast_exact::<ItemIterator>() else { return Word::UNBOUND };
        match items.next(&mut *th) {
            Ok(Some((key, value))) => {
                *sp = value.into_raw();
                key.into_raw()
            }
            Ok(None) => Word::NULL,
            Err(crate::Raised(())) => Word::ZERO,
        }
    }
}
