//! Subscription: lists, tuples and dicts here, everything else through slots.

use typhon_sync::prim::Ordering::Relaxed;

use typhon_text::hash::hash_int;

use super::attr::{lock_fast, unlock_fast};
use super::call::{enter_special, shape_of};
use super::cold::{call_direct, drop_operands, look};
use super::locals::{own_from_slot, own_to_store};
use crate::builtins::dict::Dict;
use crate::builtins::dict::lookup::Key;
use crate::builtins::dict::table::{EMPTY, Table, simple_hash};
use crate::builtins::ids;
use crate::builtins::list::List;
use crate::builtins::set::Set;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::builtins::type_::python_slots;
use crate::flags;
use crate::function::Function;
use crate::handlers;
use crate::object::Slot;
use crate::sharing::{borrow, copy_for_stack, may_read};
use crate::thread::Thread;
use crate::word::Word;
use crate::{drop_next, drop2_next, native, native_unit, tail};

/// From [`find`]: only the general way can tell.
const ASK: u32 = u32::MAX - 1;

/// The entry of an int in a word, or of a str by identity, in a dict that this thread may read.
/// [`EMPTY`] or [`ASK`] if there is none that this can see.
///
/// # Safety
/// The key is live.
#[inline(always)]
unsafe fn find(t: &Table, key: Word) -> u32 {
    if t.is_general() {
        return ASK;
    }
    let hash = if key.is_int() {
        hash_int(key.int())
    } else {
        // SAFETY: live.
        if !key.is_ptr() || unsafe { shape_of(key) } != ids::STR {
            return ASK;
        }
        // SAFETY: the shape says that it is a str.
        let h = unsafe { (*(key.ptr() as *const Str)).known_hash() };
        if h == 0 {
            return ASK;
        }
        h
    };
    let mut walk = t.walk(hash);
    loop {
        let i = t.index(walk.at());
        if i == EMPTY {
            return EMPTY;
        }
        let k = t.key(i).peek();
        if k.identity() == key.identity() {
            return i;
        }
        // SAFETY: pointers in a simple table are exact strs, which outlive readers (SH-2).
        if k.is_ptr() && key.is_ptr() && unsafe { (*(k.ptr() as *const Str)).known_hash() } == hash {
            return ASK;
        }
        walk.step();
    }
}

/// The `__getitem__` written in Python that the container's class has, if its frame can be entered with container
/// and key, which end at `sp`, as its locals; or [`Word::ZERO`].
///
/// # Safety
/// The container is live; `sp` lies on the stack of `th`, the calling thread.
#[inline(never)]
unsafe fn python_getitem(th: *mut Thread, container: Word, sp: *mut Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        let ty = look(container).ty();
        let python = python_slots::getitem as *const () as usize;
        if ty.slots.getitem().is_none_or(|slot| slot as usize != python) {
            return Word::ZERO;
        }
        let Some(method) = ty.lookup_uncounted((*th).rt.names.__getitem__.get()) else { return Word::ZERO };
        if !method.is_ptr() || shape_of(method) != ids::FUNCTION {
            return Word::ZERO;
        }
        let code = (*(method.ptr() as *const Function)).code();
        let fits = code.simple_argc == 2
            && (*th).ci.add(1) < (*th).ci_limit
            && sp.add(code.frame_size as usize) < (*th).stack_limit;
        if fits { method } else { Word::ZERO }
    }
}

/// From [`key_in`]: only the general way can tell.
const ASK_TYPES: u64 = 2;

/// Is `key` in a dict or a set? 0, 1, or [`ASK_TYPES`]. Passes no safepoint and drops nothing.
///
/// # Safety
/// Both are live; the container is exactly a dict, a set or a frozenset.
#[inline(never)]
unsafe fn key_in(th: *mut Thread, container: Word, key: Word) -> u64 {
    // SAFETY: by contract.
    unsafe {
        let Some(key) = Key::without_code(look(key)) else { return ASK_TYPES };
        if !may_read(&*container.ptr(), (*th).owner) {
            return ASK_TYPES;
        }
        let there = if shape_of(container) == ids::DICT {
            (*(container.ptr() as *const Dict)).has(&key)
        } else {
            (*(container.ptr() as *const Set)).has(&key)
        };
        there.map_or(ASK_TYPES, u64::from)
    }
}

/// The value under a key, as a word for the stack; [`Word::UNBOUND`]: there is none, [`Word::ZERO`]: only the general way
/// can tell. Passes no safepoint and drops nothing.
///
/// # Safety
/// Both are live; the container is a dict or an instance of a subclass.
unsafe fn value_in_dict(th: *mut Thread, container: Word, key: Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        let Some(key) = Key::without_code(look(key)) else { return Word::ZERO };
        if !may_read(&*container.ptr(), (*th).owner) {
            return Word::ZERO;
        }
        (*(container.ptr() as *const Dict)).get_for_stack((*th).owner, &key)
    }
}

/// What `dict.get` gives, otherwise as [`value_in_dict`].
///
/// # Safety
/// As there; the default is live, too.
#[inline(never)]
unsafe fn get_for_stack(th: *mut Thread, container: Word, key: Word, default: Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        match value_in_dict(th, container, key) {
            Word::UNBOUND if default.is_ptr() => copy_for_stack(default),
            Word::UNBOUND => default,
            w => w,
        }
    }
}

/// What `container[key]` gives without running code, as a word for the stack, if the container is a dict or an instance
/// of a subclass with the `[]` of dicts and has the key; else [`Word::ZERO`]. Passes no safepoint and drops nothing.
///
/// # Safety
/// Both are live.
#[inline(never)]
unsafe fn dict_item(th: *mut Thread, container: Word, key: Word) -> Word {
    // SAFETY: by contract; who has this slot is a dict.
    unsafe {
        let of_dicts = crate::builtins::dict::methods::getitem as *const () as usize;
        match look(container).ty().slots.getitem() {
            Some(slot) if slot as usize == of_dicts => match value_in_dict(th, container, key) {
                Word::UNBOUND => Word::ZERO,
                w => w,
            },
            _ => Word::ZERO,
        }
    }
}

handlers! {
    /// `container, key -- value`
    fn binary_subscr(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        if c.is_ptr() {
            let id = shape_of(c);
            if id == ids::DICT {
                tail!(subscr_dict, pc, sp, fp, th, tos, arg)
            }
            if tos.is_int() {
                if id == ids::LIST {
                    tail!(subscr_list, pc, sp, fp, th, tos, c.0)
                }
                if id == ids::TUPLE {
                    tail!(subscr_tuple, pc, sp, fp, th, tos, c.0)
                }
                if id == ids::STR {
                    tail!(super::text::subscr, pc, sp, fp, th, tos, arg)
                }
            } else if id == ids::LIST {
                tail!(subscr_list_slow, pc, sp, fp, th, tos, arg)
            }
        }
        tail!(subscr_generic, pc, sp, fp, th, tos, arg)
    }

    /// BINARY_SUBSCR of the list `arg` by an int in a word.
    fn subscr_list(pc, sp, fp, th, tos, arg) {
        let l = &*(Word(arg).ptr() as *const List);
        // A list of this thread: strangers who change it leave the old buffer in place until this thread's
        // next safepoint.
        if l.header.is_owned_by((*th).owner) {
            let items: *const Slot = l.items.load();
            let mut i = tos.int() as usize;
            if tos.int() < 0 {
                i = i.wrapping_add(l.len());
            }
            if i < l.len() && l.items.is_still(items) {
                let v = own_from_slot(th, (*items.add(i)).peek());
                // UNBOUND: a stranger has just taken the item off the end.
                if v != Word::ZERO && v != Word::UNBOUND {
                    sp = sp.sub(1);
                    drop_next!(Word(arg), pc, sp, fp, th, v)
                }
            }
        }
        tail!(subscr_list_foreign, pc, sp, fp, th, tos, arg)
    }

    /// BINARY_SUBSCR of the tuple `arg` by an int in a word.
    fn subscr_tuple(pc, sp, fp, th, tos, arg) {
        let t = &*(Word(arg).ptr() as *const Tuple);
        let mut i = tos.int() as usize;
        if tos.int() < 0 {
            i = i.wrapping_add(t.len());
        }
        if i >= t.len() {
            tail!(subscr_generic, pc, sp, fp, th, tos, arg)
        }
        let v = own_from_slot(th, (*t.exact_items().add(i)).peek());
        if v == Word::ZERO {
            tail!(subscr_tuple_foreign, pc, sp, fp, th, tos, arg)
        }
        sp = sp.sub(1);
        drop_next!(Word(arg), pc, sp, fp, th, v)
    }

    fn subscr_dict(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        let d = &*(c.ptr() as *const Dict);
        // As for lists.
        if !tos.is_counted() && (*c.ptr()).is_owned_by((*th).owner) {
            let t = d.table();
            let i = find(t, tos);
            if i < ASK {
                let w = t.value(i).peek();
                if w != Word::UNBOUND {
                    let v = own_from_slot(th, w);
                    if v != Word::ZERO {
                        sp = sp.sub(1);
                        drop_next!(c, pc, sp, fp, th, v)
                    }
                }
            }
        }
        tail!(subscr_dict_foreign, pc, sp, fp, th, tos, arg)
    }

    /// BINARY_SUBSCR of a list by an int, where the list or its item is of another thread.
    fn subscr_list_foreign(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        let l = &*(c.ptr() as *const List);
        let mut i = tos.int();
        if i < 0 {
            i += l.len.load(Relaxed) as i64;
        }
        let v = if i < 0 { Word::ZERO } else { l.load_for_stack((*th).owner, i as usize) };
        if v == Word::ZERO {
            tail!(subscr_generic, pc, sp, fp, th, tos, arg)
        }
        sp = sp.sub(1);
        drop_next!(c, pc, sp, fp, th, v)
    }

    /// BINARY_SUBSCR of a tuple by an int that is in its range, where the item is of another thread.
    fn subscr_tuple_foreign(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        let t = &*(c.ptr() as *const Tuple);
        let i = if tos.int() < 0 { tos.int() + t.len() as i64 } else { tos.int() };
        let v = copy_for_stack(t.items()[i as usize].peek());
        sp = sp.sub(1);
        drop_next!(c, pc, sp, fp, th, v)
    }

    /// BINARY_SUBSCR of a dict, where the dict or its value is of another thread.
    fn subscr_dict_foreign(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        let d = &*(c.ptr() as *const Dict);
        if !tos.is_counted() && may_read(&d.header, (*th).owner) {
            let t = d.table();
            let i = find(t, tos);
            if i < ASK {
                let slot = t.value(i);
                let w = slot.peek();
                let v = match w.is_ptr() {
                    true => borrow(slot, w, || d.is_current(t)),
                    false if w == Word::UNBOUND || !d.is_current(t) => Word::ZERO,
                    false => w,
                };
                if v != Word::ZERO {
                    sp = sp.sub(1);
                    drop_next!(c, pc, sp, fp, th, v)
                }
            }
        }
        tail!(subscr_native, pc, sp, fp, th, tos, arg)
    }

    /// BINARY_SUBSCR of a list by what is no int in a word: a slice, as a rule.
    fn subscr_list_slow(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, crate::builtins::list::methods::getitem(&mut *th, look(*sp.sub(2)), look(tos)))
    }

    fn subscr_generic(pc, sp, fp, th, tos, arg) {
        let method = python_getitem(th, *sp.sub(1), sp.add(1));
        if method != Word::ZERO {
            *sp = tos;
            sp = sp.add(1);
            tail!(enter_special, pc, sp, fp, th, method, 2)
        }
        tail!(subscr_native, pc, sp, fp, th, tos, arg)
    }

    /// BINARY_SUBSCR where the class has no `__getitem__` written in Python.
    fn subscr_native(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        let w = dict_item(th, c, tos);
        if w != Word::ZERO {
            sp = sp.sub(1);
            drop2_next!(tos, c, pc, sp, fp, th, w)
        }
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, look(*sp.sub(2)).getitem(&mut *th, look(tos)))
    }

    /// `value, container, key --`
    fn store_subscr(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        if c.is_ptr() && shape_of(c) == ids::DICT {
            tail!(store_dict, pc, sp, fp, th, tos, arg)
        }
        if c.is_ptr() && tos.is_int() && shape_of(c) == ids::LIST {
            let v = own_to_store(th, *sp.sub(2));
            if v == Word::ZERO {
                tail!(store_subscr_generic, pc, sp, fp, th, tos, arg)
            }
            *sp.sub(2) = v;
            let l = &*(c.ptr() as *const List);
            if !lock_fast(th, c) {
                tail!(store_subscr_generic, pc, sp, fp, th, tos, arg)
            }
            let mut i = tos.int();
            let n = l.len.load(Relaxed) as i64;
            if i < 0 {
                i += n;
            }
            if (i as u64) < n as u64 {
                let items: *const Slot = l.items.load();
                let slot = &*items.add(i as usize);
                let old = slot.peek();
                slot.store_raw(*sp.sub(2));
                let waiters = unlock_fast(th, c);
                sp = sp.sub(3);
                crate::stored_next!(waiters, old, c, pc, sp, fp, th)
            }
            tail!(super::attr::unlocked, pc, sp, fp, th, tos, 1)
        }
        tail!(store_subscr_generic, pc, sp, fp, th, tos, arg)
    }

    /// A value for a key that is an int in a word or a str.
    fn store_dict(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        // ORDERING Relaxed: set before the namespace is shared.
        if (*c.ptr()).flags.load(Relaxed) & flags::DICT_NAMESPACE != 0 {
            tail!(store_subscr_generic, pc, sp, fp, th, tos, arg)
        }
        let v = own_to_store(th, *sp.sub(2));
        if v == Word::ZERO {
            tail!(store_subscr_generic, pc, sp, fp, th, tos, arg)
        }
        *sp.sub(2) = v;
        if !lock_fast(th, c) {
            tail!(store_subscr_generic, pc, sp, fp, th, tos, arg)
        }
        let t = (*(c.ptr() as *const Dict)).table();
        let i = find(t, tos);
        if i == EMPTY {
            tail!(store_new_key, pc, sp, fp, th, tos, arg)
        }
        if i == ASK || tos.is_counted() {
            tail!(super::attr::unlocked, pc, sp, fp, th, tos, 1)
        }
        let slot = t.value(i);
        let old = slot.peek();
        slot.store_raw(*sp.sub(2));
        let waiters = unlock_fast(th, c);
        sp = sp.sub(3);
        crate::stored_next!(waiters, old, c, pc, sp, fp, th)
    }

    /// The end of [`store_dict`] for a key that a simple table does not have. The dict is locked.
    fn store_new_key(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        let t = (*(c.ptr() as *const Dict)).table();
        let key = if t.n() < t.capacity() { own_to_store(th, tos) } else { Word::ZERO };
        if key == Word::ZERO {
            tail!(super::attr::unlocked, pc, sp, fp, th, tos, 1)
        }
        t.push(key, *sp.sub(2), simple_hash(key));
        let waiters = unlock_fast(th, c);
        sp = sp.sub(3);
        crate::stored_next!(waiters, Word::NONE, c, pc, sp, fp, th)
    }

    /// CALL of `dict.get` with the callee, a dict or an instance of a subclass, the key and perhaps a default on the
    /// stack. In `tos` is the [`crate::signature::DirectCall`]; `arg` counts those words.
    fn call_get(pc, sp, fp, th, tos, arg) {
        let base = sp.sub(arg as usize);
        let w = get_for_stack(th, *base.add(1), *base.add(2), if arg == 4 { *sp.sub(1) } else { Word::NONE });
        if w == Word::ZERO {
            tail!(call_direct, pc, sp, fp, th, tos, arg)
        }
        drop_operands(th, base, sp);
        let sp = base;
        crate::after_native!(pc, sp, fp, th, w)
    }

    fn store_subscr_generic(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native_unit!(3, pc, sp, fp, th, look(*sp.sub(2)).setitem(&mut *th, look(tos), look(*sp.sub(3))))
    }

    fn delete_subscr(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native_unit!(2, pc, sp, fp, th, look(*sp.sub(2)).delitem(&mut *th, look(tos)))
    }

    /// `container, start, stop -- value`
    fn binary_slice(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(3, pc, sp, fp, th, crate::interp::calls::get_slice(th, *sp.sub(3), *sp.sub(2), tos))
    }

    /// `value, container, start, stop --`
    fn store_slice(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native_unit!(4, pc, sp, fp, th, crate::interp::calls::set_slice(th, *sp.sub(3), *sp.sub(2), tos, *sp.sub(4)))
    }

    /// `item, container -- bool` (`arg` 1: not in)
    fn contains_op(pc, sp, fp, th, tos, arg) {
        if tos.is_ptr() {
            let id = shape_of(tos);
            if id == ids::SET || id == ids::FROZENSET || id == ids::DICT {
                tail!(contains_key, pc, sp, fp, th, tos, arg)
            }
        }
        tail!(contains_generic, pc, sp, fp, th, tos, arg)
    }

    /// CONTAINS_OP of a dict or a set.
    fn contains_key(pc, sp, fp, th, tos, arg) {
        let item = *sp.sub(1);
        let there = key_in(th, tos, item);
        if there == ASK_TYPES {
            tail!(contains_generic, pc, sp, fp, th, tos, arg)
        }
        sp = sp.sub(1);
        drop2_next!(tos, item, pc, sp, fp, th, Word::bool(there != arg))
    }

    fn contains_generic(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, look(tos).contains(&mut *th, look(*sp.sub(2))).map(|b| crate::Owned::bool(b != (arg != 0))))
    }
}
