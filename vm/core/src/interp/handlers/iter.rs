//! Iteration, generators and coroutines.

use super::call::shape_of;
use super::cold::{self, look, own_word};
use super::locals::{own_from_slot, own_local, own_to_store};
use super::pairs;
use crate::builtins::iterators::{enumerate, zip};
use crate::builtins::list::List;
use crate::builtins::range::Range;
use crate::builtins::range::iterator::RangeIterator;
use crate::builtins::tuple::Tuple;
use crate::builtins::{dict, ids};
use crate::generator::{self, Generator, ResumedBy};
use crate::handlers;
use crate::interp::in_place::POSITION_BITS;
use crate::interp::machine::save;
use crate::interp::unwind::{self, raised};
use crate::object::Slot;
use crate::sharing::{copy_for_stack, may_read};
use crate::word::{UNCOUNTED, Word};
use crate::{drop_next, native, next, tail};

handlers! {
    /// `iterable -- iterator`
    fn get_iter(pc, sp, fp, th, tos, arg) {
        if tos.is_ptr() && shape_of(tos) == ids::GENERATOR {
            if tos.0 & UNCOUNTED != 0 {
                tail!(cold::own_top, pc, sp, fp, th, tos, arg)
            }
            next!(pc, sp, fp, th, tos)
        }
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, look(tos).iter(&mut *th))
    }

    /// `iterator -- iterator, value`, or a jump past the loop's END_FOR and POP_ITER's operand.
    fn for_iter(pc, sp, fp, th, tos, arg) {
        // A generator's code in another function can be called with anything in place of its iterator.
        if !tos.is_ptr() {
            tail!(for_iter_generic, pc, sp, fp, th, tos, arg)
        }
        let shape = shape_of(tos);
        if shape == ids::GENERATOR {
            tail!(for_iter_generator, pc, sp, fp, th, tos, arg)
        }
        if shape == ids::RANGE_ITERATOR {
            let it = &*(tos.ptr() as *const RangeIterator);
            match it.next() {
                Some(w) => {
                    *sp = tos;
                    sp = sp.add(1);
                    next!(pc, sp, fp, th, w)
                }
                None => {
                    pc = past_loop(pc, arg);
                    next!(pc, sp, fp, th, tos)
                }
            }
        }
        tail!(for_iter_items, pc, sp, fp, th, tos, arg)
    }

    /// GET_ITER of a loop. `arg`: the code's number of locals, and that of positions among them.
    fn get_iter_in_place(pc, sp, fp, th, tos, arg) {
        if tos.is_ptr() {
            let shape = shape_of(tos);
            let in_place = shape == ids::LIST
                || shape == ids::TUPLE
                || (shape == ids::RANGE && (*(tos.ptr() as *const Range)).in_words().is_some());
            let positions_end = fp.add((arg >> POSITION_BITS) as usize);
            if in_place && position(sp, arg) < positions_end {
                *position(sp, arg) = Word::small_int(0);
                if tos.0 & UNCOUNTED != 0 && !own_local(th, tos) {
                    tail!(own_iterable, pc, sp, fp, th, tos, arg)
                }
                next!(pc, sp, fp, th, tos.owned_now())
            }
        }
        tail!(get_iter, pc, sp, fp, th, tos, arg)
    }

    /// The iterable of a loop is a borrow of what is not this thread's.
    fn own_iterable(pc, sp, fp, th, tos, arg) {
        let w = copy_for_stack(tos);
        next!(pc, sp, fp, th, w)
    }

    /// FOR_ITER behind [`get_iter_in_place`]: over what that left as it was, or with an iterator.
    fn for_iter_in_place(pc, sp, fp, th, tos, arg) {
        if tos.is_ptr() {
            let shape = shape_of(tos);
            if shape == ids::RANGE {
                let i = (*position(sp, arg)).int();
                // Its numbers are words, or there would be an iterator.
                let numbers = (*(tos.ptr() as *const Range)).small.unwrap_unchecked();
                if i >= numbers.len {
                    pc = past_loop(pc, arg);
                    next!(pc, sp, fp, th, tos)
                }
                *position(sp, arg) = Word::small_int(i + 1);
                *sp = tos;
                sp = sp.add(1);
                next!(pc, sp, fp, th, Word::small_int(numbers.start + i * numbers.step))
            }
            if shape == ids::LIST {
                tail!(for_iter_list, pc, sp, fp, th, tos, arg)
            }
            if shape == ids::TUPLE {
                tail!(for_iter_tuple, pc, sp, fp, th, tos, arg)
            }
        }
        tail!(for_iter, pc, sp, fp, th, tos, arg)
    }

    /// FOR_ITER behind [`get_iter_in_place`] with UNPACK_SEQUENCE of two behind it: what makes pairs need make none.
    fn for_iter_pair(pc, sp, fp, th, tos, arg) {
        if tos.is_ptr() {
            let shape = shape_of(tos);
            if shape == enumerate::DEF.id.shape()
                || shape == zip::DEF.id.shape()
                || shape == dict::iterator::ITEMS.id.shape()
            {
                tail!(for_iter_two, pc, sp, fp, th, tos, arg)
            }
        }
        tail!(for_iter_in_place, pc, sp, fp, th, tos, arg)
    }

    fn for_iter_two(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        let w = pairs::step(th, tos, sp);
        if w == Word::UNBOUND {
            sp = sp.sub(1);
            tail!(for_iter_generic, pc, sp, fp, th, tos, arg)
        }
        if w == Word::NULL {
            pc = past_loop(pc, arg);
            sp = sp.sub(1);
            crate::after_native!(pc, sp, fp, th, tos)
        }
        if w == Word::ZERO {
            tail!(raised, pc, sp, fp, th, tos, 0)
        }
        // The second lies on the stack; UNPACK_SEQUENCE has nothing left to do.
        pc = pc.add(1);
        sp = sp.add(1);
        crate::after_native!(pc, sp, fp, th, w)
    }

    fn for_iter_list(pc, sp, fp, th, tos, arg) {
        let list = &*(tos.ptr() as *const List);
        // As in BINARY_SUBSCR.
        if !list.header.is_owned_by((*th).owner) {
            tail!(for_iter_list_foreign, pc, sp, fp, th, tos, arg)
        }
        let place = position(sp, arg);
        let i = (*place).int() as usize;
        let items: *const Slot = list.items.load();
        if i >= list.len() || !list.items.is_still(items) {
            tail!(for_iter_list_slow, pc, sp, fp, th, tos, arg)
        }
        let v = own_from_slot(th, (*items.add(i)).peek());
        if v == Word::ZERO || v == Word::UNBOUND {
            tail!(for_iter_list_foreign, pc, sp, fp, th, tos, arg)
        }
        *place = Word((*place).0 + 2);
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, v)
    }

    /// A list of another thread, or with items of one.
    fn for_iter_list_foreign(pc, sp, fp, th, tos, arg) {
        let i = (*position(sp, arg)).int();
        let w = (*(tos.ptr() as *const List)).load_for_stack((*th).owner, i as usize);
        if w == Word::ZERO {
            tail!(for_iter_list_slow, pc, sp, fp, th, tos, arg)
        }
        *position(sp, arg) = Word::small_int(i + 1);
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, w)
    }

    /// The end of the list, or somebody else's item.
    fn for_iter_list_slow(pc, sp, fp, th, tos, arg) {
        let position = position(sp, arg);
        let i = (*position).int();
        let list = &*(tos.ptr() as *const List);
        if may_read(&list.header, (*th).owner) && i as usize >= list.len() {
            pc = past_loop(pc, arg);
            next!(pc, sp, fp, th, tos)
        }
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        let w = match list.get(i as usize) {
            Some(v) => v.into_raw(),
            None => {
                pc = past_loop(pc, arg);
                sp = sp.sub(1);
                next!(pc, sp, fp, th, tos)
            }
        };
        *position = Word::small_int(i + 1);
        crate::after_native!(pc, sp, fp, th, w)
    }

    fn for_iter_tuple(pc, sp, fp, th, tos, arg) {
        let i = (*position(sp, arg)).int();
        let items = (*(tos.ptr() as *const Tuple)).items();
        if i as usize >= items.len() {
            pc = past_loop(pc, arg);
            next!(pc, sp, fp, th, tos)
        }
        *position(sp, arg) = Word::small_int(i + 1);
        let w = items.get_unchecked(i as usize).peek();
        *sp = tos;
        sp = sp.add(1);
        if w.is_ptr() && !own_local(th, w) {
            let w = w.uncounted();
            tail!(own_iterable, pc, sp, fp, th, w, arg)
        }
        next!(pc, sp, fp, th, w.owned_now())
    }

    /// FOR_ITER over the iterator of a list or a tuple; apart, because it takes more registers than the others.
    fn for_iter_items(pc, sp, fp, th, tos, arg) {
        let w = pairs::next_for_stack(th, tos);
        if w != Word::ZERO {
            *sp = tos;
            sp = sp.add(1);
            next!(pc, sp, fp, th, w)
        }
        tail!(for_iter_generic, pc, sp, fp, th, tos, arg)
    }

    fn for_iter_generator(pc, sp, fp, th, tos, arg) {
        let g = &*(tos.ptr() as *const Generator);
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        if generator::start_running_on_stack(&mut *th, tos) {
            if let Some((pc, sp, fp)) = generator::push_plain(&mut *th, g, sp, ResumedBy::ForIter) {
                next!(pc, sp, fp, th, Word::NONE)
            }
            tail!(for_iter_generator_slow, pc, sp, fp, th, tos, arg)
        }
        tail!(for_iter_stopped_generator, pc, sp, fp, th, tos, arg)
    }

    /// The generator has a frame object, or there is no room for its frame.
    #[cold]
    fn for_iter_generator_slow(pc, sp, fp, th, tos, arg) {
        let g = &*(tos.ptr() as *const Generator);
        if let Some((pc, sp, fp)) = generator::push_resumed(&mut *th, g, sp, ResumedBy::ForIter) {
            next!(pc, sp, fp, th, Word::NONE)
        }
        tail!(raised, pc, sp, fp, th, tos, 0)
    }

    /// The generator is finished, or already running.
    #[cold]
    fn for_iter_stopped_generator(pc, sp, fp, th, tos, arg) {
        let g = &*(tos.ptr() as *const Generator);
        if g.is_finished() {
            pc = past_loop(pc, arg);
            sp = sp.sub(1);
            next!(pc, sp, fp, th, tos)
        }
        generator::raise_already_executing(&mut *th, g);
        tail!(raised, pc, sp, fp, th, tos, 0)
    }

    fn for_iter_generic(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        let w = step(th, tos);
        if w == Word::NULL {
            pc = past_loop(pc, arg);
            sp = sp.sub(1);
            crate::after_native!(pc, sp, fp, th, tos)
        }
        if w == Word::ZERO {
            tail!(raised, pc, sp, fp, th, tos, 0)
        }
        crate::after_native!(pc, sp, fp, th, w)
    }

    /// END_FOR where the loop's end is reached by falling into it: drops the top.
    fn end_for(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        drop_next!(tos, pc, sp, fp, th, *sp)
    }

    /// Makes a generator, coroutine or async generator of the running frame and returns it.
    fn return_generator(pc, sp, fp, th, tos, arg) {
        save(th, pc, sp.add(1));
        let sp = (*(*th).ci).base;
        let w = make_generator(th, pc);
        let caller = (*th).ci;
        let pc = (*caller).pc;
        let fp = (*caller).fp;
        next!(pc, sp, fp, th, w)
    }

    /// Suspends the generator whose frame runs.
    fn yield_value(pc, sp, fp, th, tos, arg) {
        let ci = (*th).ci;
        let v = own_to_store(th, tos);
        if v == Word::ZERO {
            tail!(yield_value_slow, pc, sp, fp, th, tos, arg)
        }
        // From here on the value may have a count more.
        tos = v;
        if (*ci).frame != Word::ZERO {
            tail!(yield_value_slow, pc, sp, fp, th, tos, arg)
        }
        let g = (*ci).generator;
        if !generator::suspend_plain(th, &*g, ci, pc, sp) {
            tail!(yield_value_slow, pc, sp, fp, th, tos, arg)
        }
        let caller = ci.sub(1);
        (*th).ci = caller;
        let sp = (*ci).base;
        let pc = (*caller).pc;
        let fp = (*caller).fp;
        next!(pc, sp, fp, th, tos)
    }

    /// YIELD_VALUE of something that is not this thread's, or of a frame that Python code has seen.
    #[cold]
    fn yield_value_slow(pc, sp, fp, th, tos, arg) {
        if tos.0 & 15 == UNCOUNTED {
            let v = look(tos).to_owned().into_raw();
            tos = v;
        }
        let ci = (*th).ci;
        let g = (*ci).generator;
        generator::suspend(&mut *th, &*g, ci, pc, sp);
        let caller = ci.sub(1);
        (*th).ci = caller;
        let sp = (*ci).base;
        let pc = (*caller).pc;
        let fp = (*caller).fp;
        next!(pc, sp, fp, th, tos)
    }

    /// RETURN_VALUE of a generator's frame.
    fn return_generator_value(pc, sp, fp, th, tos, arg) {
        let v = own_word(tos).into_raw();
        *sp = v;
        save(th, pc, sp.add(1));
        let ci = (*th).ci;
        let by = (*ci).resumed_by;
        let sp = (*ci).base;
        end_generator(th);
        let caller = (*th).ci;
        let mut pc = (*caller).pc;
        let fp = (*caller).fp;
        match by {
            ResumedBy::Native => {
                (*th).generator_returned = true;
                next!(pc, sp, fp, th, v)
            }
            ResumedBy::ForIter => {
                // The instruction in front of `pc` is the FOR_ITER (or its wide form).
                pc = past_loop(pc, crate::interp::link::arg_of(pc));
                let sp = sp.sub(1);
                drop_next!(v, pc, sp, fp, th, *sp)
            }
            ResumedBy::Send => {
                pc = pc.add(crate::interp::link::arg_of(pc) as usize);
                next!(pc, sp, fp, th, v)
            }
        }
    }

    /// `receiver, value -- receiver, result`, or a jump with the return value in the result's place.
    fn send(pc, sp, fp, th, tos, arg) {
        let r = *sp.sub(1);
        if r.is_ptr() && (shape_of(r) == ids::GENERATOR || shape_of(r) == ids::COROUTINE) {
            let g = &*(r.ptr() as *const Generator);
            save(th, pc, sp);
            if generator::start_running_on_stack(&mut *th, r) {
                let plain = tos.0 & 15 != UNCOUNTED || own_local(th, tos);
                let v = if plain { tos.owned_now() } else { own_word(tos).into_raw() };
                if let Some((pc, sp, fp)) = generator::push_plain(&mut *th, g, sp, ResumedBy::Send) {
                    next!(pc, sp, fp, th, v)
                }
                if let Some((pc, sp, fp)) = generator::push_resumed(&mut *th, g, sp, ResumedBy::Send) {
                    next!(pc, sp, fp, th, v)
                }
                *sp = v;
                tail!(raised, pc, sp.add(1), fp, th, tos, 0)
            }
        }
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        let w = send_any(th, r, tos);
        if w == Word::ZERO {
            tail!(raised, pc, sp, fp, th, tos, 0)
        }
        crate::dealloc::drop_word(tos);
        sp = sp.sub(1);
        if (*th).generator_returned {
            (*th).generator_returned = false;
            pc = pc.add(arg as usize);
        }
        crate::after_native!(pc, sp, fp, th, w)
    }

    fn get_yield_from_iter(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, generator::yield_from_iterator(&mut *th, look(tos)))
    }

    fn get_awaitable(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, generator::awaitable(&mut *th, look(tos), arg as u32))
    }

    fn get_aiter(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, generator::aiter(&mut *th, look(tos)))
    }

    /// `aiter -- aiter, awaitable`
    fn get_anext(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(0, pc, sp, fp, th, generator::anext_awaitable(&mut *th, look(tos)))
    }

    /// `aiter, exc --`: ends the loop on StopAsyncIteration, raises anything else again.
    fn end_async_for(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        if look(tos).ty().is_subtype_of(crate::builtins::exceptions::STOP_ASYNC_ITERATION.ty()) {
            crate::dealloc::drop_word(*sp.sub(1));
            crate::dealloc::drop_word(*sp.sub(2));
            sp = sp.sub(3);
            crate::after_native!(pc, sp, fp, th, *sp)
        }
        let _ = (*th).set_exc(look(tos).to_owned());
        tail!(raised, pc, sp, fp, th, tos, unwind::RERAISED)
    }

    /// `receiver, last, exc -- None, value`: what a delegation's throw ended with.
    fn cleanup_throw(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        match generator::stop_iteration_value(look(tos)) {
            Some(v) => {
                for i in 1..=3 {
                    crate::dealloc::drop_word(*sp.sub(i));
                }
                sp = sp.sub(3);
                *sp = Word::NONE;
                sp = sp.add(1);
                crate::after_native!(pc, sp, fp, th, v.into_raw())
            }
            None => {
                let _ = (*th).set_exc(look(tos).to_owned());
                tail!(raised, pc, sp, fp, th, tos, unwind::RERAISED)
            }
        }
    }
}

/// Where a loop is in the list, tuple or range above `sp` that it reads without an iterator. `arg` has the code's number
/// of positions in its last bits.
///
/// # Safety
/// `sp` is the stack pointer of the loop's FOR_ITER, in code with positions.
#[inline(always)]
unsafe fn position(sp: *mut Word, arg: u64) -> *mut Word {
    // SAFETY: the positions and the junk word lie between the named locals and the values.
    unsafe { sp.sub((arg & ((1 << POSITION_BITS) - 1)) as usize + 1) }
}

/// Where FOR_ITER goes on at the end of a loop.
///
/// # Safety
/// `arg` is that of the FOR_ITER in front of `pc`.
#[inline(always)]
unsafe fn past_loop(pc: *const u64, arg: u64) -> *const u64 {
    // SAFETY: the linker put the distance there.
    unsafe { pc.add((arg >> POSITION_BITS) as usize) }
}

/// The next item of an iterator as an owned word; NULL at its end, 0 = raised.
///
/// # Safety
/// The word is live.
#[inline(never)]
pub(super) unsafe fn step(th: *mut crate::Thread, it: Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        match look(it).next(&mut *th) {
            Ok(Some(v)) => v.into_raw(),
            Ok(None) => Word::NULL,
            Err(crate::Raised(())) => Word::ZERO,
        }
    }
}

/// Moves the running frame into a new generator and leaves it; the generator's word.
///
/// # Safety
/// The current record is that of the frame; `pc` is where the generator begins.
#[inline(never)]
unsafe fn make_generator(th: *mut crate::Thread, pc: *const u64) -> Word {
    // SAFETY: by contract.
    unsafe {
        let ci = (*th).ci;
        let g = generator::of_frame(&mut *th, ci, pc);
        let w = g.into_raw();
        // The locals moved into the generator; callee and arguments go with the frame.
        unwind::leave_frame(&mut *th, ci);
        (*th).ci = ci.sub(1);
        w
    }
}

/// Ends the running generator's frame.
///
/// # Safety
/// As [`make_generator`].
#[inline(never)]
unsafe fn end_generator(th: *mut crate::Thread) {
    // SAFETY: by contract.
    unsafe {
        let ci = (*th).ci;
        generator::finish(&mut *th, ci);
        unwind::leave_frame(&mut *th, ci);
        (*th).ci = ci.sub(1);
    }
}

/// Sends `value` to what is no plain generator: 0 = raised; the thread's `generator_returned` tells a
/// return value from a yielded one.
///
/// # Safety
/// The words are live.
#[inline(never)]
unsafe fn send_any(th: *mut crate::Thread, receiver: Word, value: Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        match generator::send_to(&mut *th, look(receiver), look(value)) {
            Ok(generator::Sent::Yielded(v)) => {
                (*th).generator_returned = false;
                v.into_raw()
            }
            Ok(generator::Sent::Returned(v)) => {
                (*th).generator_returned = true;
                v.into_raw()
            }
            Err(crate::Raised(())) => Word::ZERO,
        }
    }
}
