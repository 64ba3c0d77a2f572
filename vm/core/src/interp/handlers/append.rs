//! The end of lists: appending by a comprehension and by `list.append`, and `list.pop`.

use typhon_sync::prim::Ordering::{Relaxed, Release};

use super::attr::{lock_fast, stored, unlock_fast};
use super::call::shape_of;
use super::cold::{self, own_word};
use super::locals::own_to_store;
use crate::builtins::ids;
use crate::builtins::list::List;
use crate::handlers;
use crate::word::{UNCOUNTED, Word};
use crate::{drop_next, next, tail};

/// Stores `$v`, whose count moves along, behind the last item of the list `$l`, which this thread has locked, and
/// unlocks it: does somebody wait? Without room it stays locked, and `$full` is run.
macro_rules! push_locked {
    ($th:ident, $l:expr, $v:expr, $full:expr) => {{
        let list = &*($l.ptr() as *const List);
        // ORDERING Relaxed: the lock is held.
        let n = list.len.load(Relaxed);
        if n >= list.items.capacity() {
            $full
        }
        (*list.items.load().add(n)).store_raw($v);
        // ORDERING Release: the items below the length are visible to who sees it.
        list.len.store(n + 1, Release);
        unlock_fast($th, $l)
    }};
}

handlers! {
    /// Appends the top to the list `arg` words below.
    fn list_append(pc, sp, fp, th, tos, arg) {
        let l = *sp.sub(arg as usize);
        let v = own_to_store(th, tos);
        if v == Word::ZERO {
            tail!(list_append_slow, pc, sp, fp, th, tos, arg)
        }
        // ORDERING Relaxed: only this thread can have made the owner equal to itself.
        if !(*l.ptr()).is_owned_by((*th).owner) || !lock_fast(th, l) {
            tail!(list_append_slow, pc, sp, fp, th, v, arg)
        }
        let waiters = push_locked!(th, l, v, tail!(list_append_full, pc, sp, fp, th, v, arg));
        sp = sp.sub(1);
        if waiters {
            (*th).victim = Word::NONE;
            tail!(stored, pc, sp, fp, th, l.uncounted(), 1)
        }
        next!(pc, sp, fp, th, *sp)
    }

    /// The list is locked, and has no room.
    fn list_append_full(pc, sp, fp, th, tos, arg) {
        let l = *sp.sub(arg as usize);
        if !(*th).owner.has_gil() {
            (*l.ptr()).unlock();
        }
        tail!(list_append_slow, pc, sp, fp, th, tos, arg)
    }

    fn list_append_slow(pc, sp, fp, th, tos, arg) {
        let l = *sp.sub(arg as usize);
        sp = sp.sub(1);
        (*(l.ptr() as *const List)).push(own_word(tos));
        next!(pc, sp, fp, th, *sp)
    }

    /// CALL of `list.append` with the callee, a list or an instance of a subclass, and the item on the stack. In
    /// `tos` is the [`crate::signature::DirectCall`]; `arg` is 3.
    fn call_append(pc, sp, fp, th, tos, arg) {
        let l = *sp.sub(2);
        if shape_of(l) != ids::LIST || (*sp.sub(3)).is_counted() {
            tail!(cold::call_direct, pc, sp, fp, th, tos, arg)
        }
        let v = own_to_store(th, *sp.sub(1));
        if v == Word::ZERO {
            tail!(cold::call_direct, pc, sp, fp, th, tos, arg)
        }
        *sp.sub(1) = v;
        tail!(append_owned, pc, sp, fp, th, tos, arg)
    }

    /// The item can be stored as it is.
    fn append_owned(pc, sp, fp, th, tos, arg) {
        let l = *sp.sub(2);
        if !lock_fast(th, l) {
            tail!(cold::call_direct, pc, sp, fp, th, tos, arg)
        }
        let waiters = push_locked!(th, l, *sp.sub(1), tail!(call_append_full, pc, sp, fp, th, tos, arg));
        sp = sp.sub(3);
        *sp = Word::NONE;
        if waiters {
            (*th).victim = Word::NONE;
            tail!(stored, pc, sp, fp, th, l, 1)
        }
        drop_next!(l, pc, sp, fp, th, Word::NONE)
    }

    /// As [`list_append_full`].
    fn call_append_full(pc, sp, fp, th, tos, arg) {
        let l = *sp.sub(2);
        if !(*th).owner.has_gil() {
            (*l.ptr()).unlock();
        }
        tail!(cold::call_direct, pc, sp, fp, th, tos, arg)
    }

    /// CALL of `list.pop` with the callee and a list or an instance of a subclass on the stack, as [`call_append`];
    /// `arg` is 2.
    fn call_pop(pc, sp, fp, th, tos, arg) {
        let l = *sp.sub(1);
        if shape_of(l) != ids::LIST || (*sp.sub(2)).is_counted() || !lock_fast(th, l) {
            tail!(cold::call_direct, pc, sp, fp, th, tos, arg)
        }
        let list = &*(l.ptr() as *const List);
        // ORDERING Relaxed: the lock is held.
        let n = list.len.load(Relaxed);
        if n == 0 || n <= list.items.capacity() / 4 {
            tail!(call_pop_shrinks, pc, sp, fp, th, tos, arg)
        }
        let slot = &*list.items.load().add(n - 1);
        // ORDERING Release: as in `push_locked`.
        list.len.store(n - 1, Release);
        let mut w = slot.peek();
        slot.store_raw(Word::UNBOUND);
        let waiters = unlock_fast(th, l);
        if w.0 & 15 == UNCOUNTED && !(*w.ptr()).is_immortal() {
            w = Word(w.0 & !UNCOUNTED);
        }
        sp = sp.sub(2);
        if waiters {
            *sp = w;
            (*th).victim = Word::NONE;
            tail!(stored, pc, sp, fp, th, l, 1)
        }
        drop_next!(l, pc, sp, fp, th, w)
    }

    /// The list is locked, and is empty or to become smaller.
    fn call_pop_shrinks(pc, sp, fp, th, tos, arg) {
        if !(*th).owner.has_gil() {
            (*(*sp.sub(1)).ptr()).unlock();
        }
        tail!(cold::call_direct, pc, sp, fp, th, tos, arg)
    }
}
