//! Locals, constants, cells and the plain stack.

use super::cold;
use crate::handlers;
use crate::interp::machine::{fetch, save};
use typhon_sync::header::{OwnerId, gc_bits};

use crate::word::{UNCOUNTED, Word};
use crate::{drop_next, next, tail};

/// Takes one more count of an object of this thread. False: the cold way.
///
/// # Safety
/// The words are live.
#[inline(always)]
pub unsafe fn own_local(th: *mut crate::Thread, w: Word) -> bool {
    // SAFETY: a live pointer word.
    unsafe { (*w.ptr()).try_inc_local((*th).owner) }
}

/// The word to store for one on the stack: with a count of its own, or as it is if it needs none (immortal, no
/// pointer). [`Word::ZERO`]: somebody else's, for the careful way.
///
/// # Safety
/// The word is live.
#[inline(always)]
pub unsafe fn own_to_store(th: *mut crate::Thread, w: Word) -> Word {
    if w.0 & 15 != UNCOUNTED {
        return w;
    }
    // SAFETY: a live pointer word.
    unsafe {
        if own_local(th, w) {
            return w.owned_now();
        }
        if (*w.ptr()).owner() == OwnerId::IMMORTAL { w } else { Word::ZERO }
    }
}

/// The word to push for a value that lies in a slot: counted if it is this thread's, as it is if it needs no
/// count (immortal, of a deferred kind, no pointer). [`Word::ZERO`]: somebody else's, for the careful way.
///
/// # Safety
/// The word was read from a live slot since the last safepoint, and is not UNBOUND.
#[inline(always)]
pub unsafe fn own_from_slot(th: *mut crate::Thread, w: Word) -> Word {
    use typhon_sync::prim::Ordering::Relaxed;
    if !w.is_ptr() {
        return w;
    }
    // SAFETY: a live pointer word.
    unsafe {
        let h = w.ptr();
        if own_local(th, w) {
            // Known, so that the caller's question for ZERO costs nothing here.
            core::hint::assert_unchecked(!h.is_null());
            return Word(h as u64);
        }
        // ORDERING Relaxed: set at birth. Only the collector ends objects of deferred kinds (classes, functions),
        // and it takes words on stacks for references.
        let lives = (*h).owner() == OwnerId::IMMORTAL || (*h).gc.load(Relaxed) & gc_bits::DEFERRED != 0;
        if lives { w.uncounted() } else { Word::ZERO }
    }
}

handlers! {
    fn nop(pc, sp, fp, th, tos, arg) { next!(pc, sp, fp, th, tos) }

    /// Takes its argument from the next word and runs the unit behind it.
    fn wide(pc, sp, fp, th, tos, arg) {
        let arg = fetch(pc);
        let unit = fetch(pc.add(1));
        pc = pc.add(2);
        #[cfg(tail_calls)]
        {
            let f: crate::interp::machine::Handler = core::mem::transmute::<usize, _>((unit >> crate::interp::machine::ARG_BITS) as usize);
            return f(pc, sp, fp, th, tos, arg);
        }
        #[cfg(not(tail_calls))]
        return crate::interp::opcodes::dispatch((unit >> crate::interp::machine::ARG_BITS) as u8, pc, sp, fp, th, tos, arg);
    }

    /// A borrowed copy: the local keeps it alive.
    fn load_fast_borrow(pc, sp, fp, th, tos, arg) {
        let w = (*fp.add(arg as usize)).uncounted();
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, w)
    }

    fn load_fast_borrow2(pc, sp, fp, th, tos, arg) {
        let a = (*fp.add(arg as usize >> 8)).uncounted();
        let b = (*fp.add(arg as usize & 255)).uncounted();
        *sp = tos;
        *sp.add(1) = a;
        sp = sp.add(2);
        next!(pc, sp, fp, th, b)
    }

    fn load_fast(pc, sp, fp, th, tos, arg) {
        let w = *fp.add(arg as usize);
        if w.is_ptr() {
            if !own_local(th, w) {
                tail!(cold::load_fast, pc, sp, fp, th, tos, arg)
            }
            *sp = tos;
            sp = sp.add(1);
            next!(pc, sp, fp, th, Word(w.ptr() as u64))
        }
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, w)
    }

    fn load_fast_check(pc, sp, fp, th, tos, arg) {
        let w = *fp.add(arg as usize);
        if w == Word::UNBOUND {
            tail!(cold::unbound_local, pc, sp, fp, th, tos, arg)
        }
        if w.is_ptr() {
            if !own_local(th, w) {
                tail!(cold::load_fast, pc, sp, fp, th, tos, arg)
            }
            *sp = tos;
            sp = sp.add(1);
            next!(pc, sp, fp, th, Word(w.ptr() as u64))
        }
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, w)
    }

    fn load_fast_and_clear(pc, sp, fp, th, tos, arg) {
        let slot = fp.add(arg as usize);
        let w = *slot;
        *slot = Word::UNBOUND;
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, w)
    }

    fn store_fast(pc, sp, fp, th, tos, arg) {
        let slot = fp.add(arg as usize);
        let old = *slot;
        *slot = tos;
        sp = sp.sub(1);
        drop_next!(old, pc, sp, fp, th, *sp)
    }

    /// Stores the top in local `arg >> 8`, pushes local `arg & 255`.
    fn store_fast_load_fast(pc, sp, fp, th, tos, arg) {
        let slot = fp.add(arg as usize >> 8);
        let old = *slot;
        *slot = tos;
        let w = *fp.add(arg as usize & 255);
        let v = if w.is_ptr() {
            if !own_local(th, w) {
                (*th).victim = old;
                tail!(cold::store_load_fast, pc, sp, fp, th, tos, arg)
            }
            Word(w.ptr() as u64)
        } else {
            w
        };
        drop_next!(old, pc, sp, fp, th, v)
    }

    fn delete_fast(pc, sp, fp, th, tos, arg) {
        let slot = fp.add(arg as usize);
        let old = *slot;
        if old == Word::UNBOUND {
            tail!(cold::unbound_local, pc, sp, fp, th, tos, arg)
        }
        *slot = Word::UNBOUND;
        drop_next!(old, pc, sp, fp, th, tos)
    }

    /// A constant of the code object: the word stands in the stream, uncounted.
    fn load_const(pc, sp, fp, th, tos, arg) {
        let w = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, w)
    }

    fn load_small_int(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, Word(arg << 1 | 1))
    }

    fn push_null(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, Word::NULL)
    }

    fn pop_top(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        drop_next!(tos, pc, sp, fp, th, *sp)
    }

    /// Pushes a copy of the word `arg` below the top (1 = the top itself).
    fn copy(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        let w = *sp.sub(arg as usize - 1);
        sp = sp.add(1);
        if w.is_counted() {
            if !own_local(th, w) {
                tail!(cold::own_top, pc, sp, fp, th, w, arg)
            }
        }
        next!(pc, sp, fp, th, w)
    }

    fn swap(pc, sp, fp, th, tos, arg) {
        let at = sp.sub(arg as usize - 1);
        let w = *at;
        *at = tos;
        next!(pc, sp, fp, th, w)
    }

    /// Drops the word below the top.
    fn end_send(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        drop_next!(*sp, pc, sp, fp, th, tos)
    }

    fn make_cell(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        save(th, pc, sp.add(1));
        let slot = fp.add(arg as usize);
        let w = *slot;
        *slot = Word::UNBOUND;
        let v = if w == Word::UNBOUND { None } else { Some(cold::own_word(w)) };
        *slot = crate::cell::new_cell(&mut *th, v).into_raw();
        next!(pc, sp, fp, th, tos)
    }

    fn copy_free_vars(pc, sp, fp, th, tos, arg) {
        let ci = (*th).ci;
        let f = (*ci).func.ptr() as *const crate::function::Function;
        let n = arg as usize;
        let mut dest = fp.add((*(*ci).code).n_names as usize - n);
        if let Some(cells) = (*f).closure() {
            for c in cells.items() {
                // Borrowed: the caller holds the function, the function its closure.
                *dest = c.peek().uncounted();
                dest = dest.add(1);
            }
        }
        next!(pc, sp, fp, th, tos)
    }

    fn load_deref(pc, sp, fp, th, tos, arg) {
        let cell = (*fp.add(arg as usize)).ptr() as *const crate::cell::Cell;
        let w = (*cell).contents.peek();
        if w == Word::UNBOUND {
            tail!(cold::load_deref, pc, sp, fp, th, tos, arg)
        }
        let v = own_from_slot(th, w);
        if v == Word::ZERO {
            tail!(cold::load_deref, pc, sp, fp, th, tos, arg)
        }
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, v)
    }

    fn store_deref(pc, sp, fp, th, tos, arg) {
        tail!(cold::store_deref, pc, sp, fp, th, tos, arg)
    }

    fn delete_deref(pc, sp, fp, th, tos, arg) {
        tail!(cold::delete_deref, pc, sp, fp, th, tos, arg)
    }
}
