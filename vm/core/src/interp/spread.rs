//! Calls with `*` and `**` of Python functions: the arguments are spread out on the stack, below a frame that the
//! running machine goes on in.

use super::handlers::call::{push_call, shape_of};
use super::handlers::cold::{NATIVE, PUSHED, RAISED};
use crate::builtins::dict::Dict;
use crate::builtins::ids;
use crate::builtins::method::BoundMethod;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::function::Function;
use crate::object::Owned;
use crate::thread::Thread;
use crate::word::Word;

/// Starts the call of the Python function or bound method that lies with NULL, tuple, and dict or NULL below `sp`:
/// [`PUSHED`] or [`RAISED`]. [`NATIVE`]: the call is of another kind, and nothing was done.
///
/// # Safety
/// The words are live and belong to the call; the caller's record is saved.
#[inline(never)]
pub(super) unsafe fn start(th: *mut Thread, sp: *mut Word) -> u64 {
    // SAFETY: by contract; shapes say what lies where.
    unsafe {
        let th = &mut *th;
        if th.breaker_set() && crate::threads::safepoint(th).is_err() {
            return RAISED;
        }
        let base = sp.sub(4);
        let (callee, args, named) = (*base, *base.add(2), *base.add(3));
        if !callee.is_ptr() || !args.is_ptr() || shape_of(args) != ids::TUPLE {
            return NATIVE;
        }
        let items = (*(args.ptr() as *const Tuple)).items();
        let n_named = if named == Word::NULL { 0 } else { count_private(th, named) };
        // Receiver and arguments; what does not fit is told apart elsewhere.
        let most = 1 + items.len() + n_named;
        if n_named == usize::MAX || most >= th.stack_limit.offset_from(sp).max(0) as usize {
            return NATIVE;
        }
        let (mut f, mut end) = (callee, sp);
        if shape_of(callee) == ids::METHOD {
            let method = &*(callee.ptr() as *const BoundMethod);
            f = method.function().word();
            *end = method.receiver().word().uncounted();
            end = end.add(1);
        }
        if !f.is_ptr() || shape_of(f) != ids::FUNCTION {
            return NATIVE;
        }
        // Callee and tuple stay below the frame and keep these alive.
        for item in items {
            *end = item.peek().uncounted();
            end = end.add(1);
        }
        let f = &*(f.ptr() as *const Function);
        if n_named == 0 {
            return if push_call(th, f, base, sp, end, Word::NULL) { PUSHED } else { RAISED };
        }
        let values = end;
        let Some(names) = spread_named(th, &*(named.ptr() as *const Dict), values) else { return NATIVE };
        end = values.add(n_named);
        let pushed = push_call(th, f, base, sp, end, names.word());
        if !pushed {
            give_back(values, end);
        }
        if pushed { PUSHED } else { RAISED }
    }
}

/// Number of entries of a dict that nobody but the word on the stack refers to; else `usize::MAX`.
///
/// # Safety
/// The word is live.
#[inline(always)]
unsafe fn count_private(th: &Thread, named: Word) -> usize {
    // SAFETY: by contract; the shape says what lies there.
    unsafe {
        if !named.is_counted() || shape_of(named) != ids::DICT || !(*named.ptr()).is_unique(th.owner) {
            return usize::MAX;
        }
        (*(named.ptr() as *const Dict)).len()
    }
}

/// Writes the values of a dict that nobody else uses to `to`, each with a count of its own: code that finds the dict by
/// a walk over the heap may change it. Their names; `None`: one is no str, and nothing was done.
///
/// # Safety
/// There is room at `to`.
unsafe fn spread_named(th: &mut Thread, named: &Dict, to: *mut Word) -> Option<Owned> {
    let mut names = Vec::with_capacity(named.len());
    let (mut at, mut end) = (0, to);
    while let Some((name, value)) = named.next_entry(&mut at) {
        if name.downcast::<Str>().is_none() {
            // SAFETY: written below.
            unsafe { give_back(to, end) };
            return None;
        }
        names.push(th.intern_str(name.borrow()));
        // SAFETY: room says the caller.
        unsafe {
            *end = value.into_raw();
            end = end.add(1);
        }
    }
    Some(th.new_tuple(names))
}

/// Drops the words from `from` to `end`.
///
/// # Safety
/// They are forgotten there.
unsafe fn give_back(from: *mut Word, end: *mut Word) {
    let mut at = from;
    while at < end {
        // SAFETY: by contract.
        unsafe {
            crate::dealloc::drop_word(*at);
            at = at.add(1);
        }
    }
}
