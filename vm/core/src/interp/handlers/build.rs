//! Building containers, strings and functions; unpacking; formatting.

use super::attr::{lock_fast, unlock_fast};
use super::call::shape_of;
use super::cold::{look, own_word};
use super::locals::{own_from_slot, own_to_store};
use crate::builtins::dict::Dict;
use crate::builtins::dict::lookup::Key;
use crate::builtins::ids;
use crate::builtins::list::List;
use crate::builtins::set::Set;
use crate::builtins::tuple::Tuple;
use crate::handlers;
use crate::interp::machine::save;
use crate::interp::unwind::raised;
use crate::interp::{calls, intrinsics, unpack};
use crate::object::Slot;
use crate::word::Word;
use crate::{drop_next, native, native_unit, next, tail};

/// `dict[key] = value`, out of line: a handler keeps nothing on the machine stack.
///
/// # Safety
/// The words are live, `dict` is a dict.
#[inline(never)]
pub(super) unsafe fn store_item(
    th: &mut crate::Thread,
    dict: Word,
    key: Word,
    value: Word,
) -> crate::PyResult<()> {
    // SAFETY: by contract.
    unsafe { (*(dict.ptr() as *const Dict)).set(th, look(key), look(value).to_owned()) }
}

/// `set.add(item)`, out of line as [`store_item`].
///
/// # Safety
/// The words are live.
#[inline(never)]
unsafe fn add_item(th: &mut crate::Thread, set: Word, item: Word) -> crate::PyResult<()> {
    // SAFETY: by contract.
    unsafe {
        match look(set).downcast::<crate::builtins::set::Set>() {
            Some(s) => s.add(th, look(item)).map(drop),
            // Only the set of annotations that were reached has a name.
            None => Err(th.type_error("__conditional_annotations__ is not a set")),
        }
    }
}

/// From [`add_locked`]: the set has the item now; had it before; or only the general way can tell.
const ADDED: u64 = 0;
const THERE: u64 = 1;
const ASK: u64 = 2;

/// Adds an item, whose count moves along, to a set with room for it. Runs no code.
///
/// # Safety
/// The words are live; the set is locked.
#[inline(never)]
unsafe fn add_locked(set: Word, item: Word) -> u64 {
    // SAFETY: by contract.
    unsafe {
        let Some(key) = Key::quick(look(item)) else { return ASK };
        match (*(set.ptr() as *const Set)).put_locked(item, key.hash) {
            Some(true) => ADDED,
            Some(false) => THERE,
            None => ASK,
        }
    }
}

handlers! {
    fn build_tuple(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let w = calls::build_tuple(th, sp, arg as usize);
        sp = sp.sub(arg as usize);
        next!(pc, sp, fp, th, w)
    }

    fn build_list(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let w = calls::build_list(th, sp, arg as usize);
        sp = sp.sub(arg as usize);
        next!(pc, sp, fp, th, w)
    }

    fn build_set(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let n = arg as usize;
        native!(n, pc, sp, fp, th, {
            let items = core::slice::from_raw_parts(sp.sub(n) as *const crate::Borrowed<'_>, n);
            (*th).new_set_of(items)
        })
    }

    /// Keys and values in turn.
    fn build_map(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let n = arg as usize * 2;
        native!(n, pc, sp, fp, th, {
            let items = core::slice::from_raw_parts(sp.sub(n) as *const crate::Borrowed<'_>, n);
            calls::build_map(&mut *th, items)
        })
    }

    fn build_string(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let n = arg as usize;
        native!(n, pc, sp, fp, th, {
            let items = core::slice::from_raw_parts(sp.sub(n) as *const crate::Borrowed<'_>, n);
            crate::builtins::str::core::concat_many(&mut *th, items)
        })
    }

    fn build_slice(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let n = arg as usize;
        native!(n, pc, sp, fp, th, calls::slice_of(th, *sp.sub(n), *sp.sub(n - 1), if n == 3 { tos } else { Word::NONE }))
    }

    /// `strings, interpolations -- template`
    fn build_template(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, crate::builtins::template::new_template(&mut *th, look(*sp.sub(2)), look(tos)))
    }

    /// `value, expression, [spec] -- interpolation`
    fn build_interpolation(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let n = 2 + (arg as usize & 1);
        native!(n, pc, sp, fp, th, {
            let spec = if arg & 1 != 0 { Some(look(tos)) } else { None };
            crate::builtins::template::new_interpolation(&mut *th, look(*sp.sub(n)), look(*sp.sub(n - 1)), (arg >> 2) as u32, spec)
        })
    }

    fn set_add(pc, sp, fp, th, tos, arg) {
        let s = *sp.sub(arg as usize);
        let v = own_to_store(th, tos);
        if v == Word::ZERO {
            tail!(set_add_slow, pc, sp, fp, th, tos, arg)
        }
        // Not a set: what stands in the place of the set of annotations that were reached. From here on the item may have
        // a count more.
        if shape_of(s) != ids::SET || !(*s.ptr()).is_owned_by((*th).owner) || !lock_fast(th, s) {
            tail!(set_add_slow, pc, sp, fp, th, v, arg)
        }
        let added = add_locked(s, v);
        let waiters = unlock_fast(th, s);
        if waiters {
            (*s.ptr()).wake_waiter();
        }
        if added == ASK {
            tail!(set_add_slow, pc, sp, fp, th, v, arg)
        }
        sp = sp.sub(1);
        if added == THERE {
            drop_next!(v, pc, sp, fp, th, *sp)
        }
        next!(pc, sp, fp, th, *sp)
    }

    fn set_add_slow(pc, sp, fp, th, tos, arg) {
        let s = *sp.sub(arg as usize);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(1, pc, sp, fp, th, add_item(&mut *th, s, tos))
    }

    /// `key, value --` into the dict `arg` words below.
    fn map_add(pc, sp, fp, th, tos, arg) {
        let d = *sp.sub(1 + arg as usize);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(2, pc, sp, fp, th, store_item(&mut *th, d, *sp.sub(2), tos))
    }

    fn list_extend(pc, sp, fp, th, tos, arg) {
        let l = *sp.sub(arg as usize);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(1, pc, sp, fp, th, calls::list_extend(&mut *th, look(l), look(tos)))
    }

    fn set_update(pc, sp, fp, th, tos, arg) {
        let s = *sp.sub(arg as usize);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(1, pc, sp, fp, th, crate::builtins::set::algebra::update(&mut *th, &*(s.ptr() as *const crate::builtins::set::Set), look(tos)))
    }

    fn dict_update(pc, sp, fp, th, tos, arg) {
        let d = *sp.sub(arg as usize);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(1, pc, sp, fp, th, calls::dict_update(&mut *th, look(d), look(tos)))
    }

    /// `**kwargs` of a call: a duplicate key is an error that names the callee.
    fn dict_merge(pc, sp, fp, th, tos, arg) {
        let d = *sp.sub(arg as usize);
        let callee = *sp.sub(arg as usize + 3);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(1, pc, sp, fp, th, calls::dict_merge(&mut *th, look(d), look(tos), look(callee)))
    }

    /// `sequence -- items…`, the first one on top.
    fn unpack_sequence(pc, sp, fp, th, tos, arg) {
        let n = arg as usize;
        if tos.is_ptr() {
            let id = shape_of(tos);
            let items: *const Slot = if id == ids::TUPLE {
                let t = &*(tos.ptr() as *const Tuple);
                if t.len() == n { t.items().as_ptr() } else { core::ptr::null() }
            } else if id == ids::LIST && (*tos.ptr()).is_owned_by((*th).owner) {
                let l = &*(tos.ptr() as *const List);
                // As in `binary_subscr`: the same buffer before and after proves that the length belongs to it.
                let items: *const Slot = l.items.load();
                if l.len() == n && l.items.is_still(items) { items } else { core::ptr::null() }
            } else {
                core::ptr::null()
            };
            if !items.is_null() && n > 0 {
                let mut i = n;
                let mut to = sp;
                loop {
                    i -= 1;
                    let v = own_from_slot(th, (*items.add(i)).peek());
                    if v == Word::ZERO || v == Word::UNBOUND {
                        tail!(unpack_partly, pc, sp, fp, th, tos, arg | (i as u64 + 1) << 32)
                    }
                    if i == 0 {
                        drop_next!(tos, pc, to, fp, th, v)
                    }
                    *to = v;
                    to = to.add(1);
                }
            }
        }
        *sp = tos;
        tail!(unpack_any, pc, sp, fp, th, tos, arg)
    }

    /// UNPACK_SEQUENCE that met an item which is not this thread's: gives back the items that lie on the stack, those
    /// from the one whose number stands in the upper half of `arg`, and begins afresh.
    #[cold]
    fn unpack_partly(pc, sp, fp, th, tos, arg) {
        let n = arg as u32 as u64;
        let mut from = sp;
        for _ in arg >> 32..n {
            crate::dealloc::drop_word(*from);
            from = from.add(1);
        }
        *sp = tos;
        tail!(unpack_any, pc, sp, fp, th, tos, n)
    }

    fn unpack_any(pc, sp, fp, th, tos, arg) {
        save(th, pc, sp.add(1));
        let end = calls::unpack(th, sp, arg as usize, None);
        if end.is_null() {
            tail!(raised, pc, sp.add(1), fp, th, tos, 0)
        }
        let sp = end.sub(1);
        crate::after_native!(pc, sp, fp, th, *sp)
    }

    /// `a, *b, c = …`: low byte items before, the rest behind.
    fn unpack_ex(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        save(th, pc, sp.add(1));
        let end = calls::unpack(th, sp, arg as usize & 255, Some(arg as usize >> 8));
        if end.is_null() {
            tail!(raised, pc, sp.add(1), fp, th, tos, 0)
        }
        let sp = end.sub(1);
        crate::after_native!(pc, sp, fp, th, *sp)
    }

    fn format_simple(pc, sp, fp, th, tos, arg) {
        if look(tos).downcast_exact::<crate::builtins::str::Str>().is_some() {
            next!(pc, sp, fp, th, tos)
        }
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, crate::builtins::str::core::format_value(&mut *th, look(tos), crate::Borrowed::null()))
    }

    fn format_with_spec(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, crate::builtins::str::core::format_value(&mut *th, look(*sp.sub(2)), look(tos)))
    }

    /// 1 str, 2 repr, 3 ascii.
    fn convert_value(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, calls::convert(&mut *th, look(tos), arg as u32))
    }

    /// `code -- function`
    fn make_function(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, calls::make_function(&mut *th, look(tos)))
    }

    /// `attribute, function -- function`
    fn set_function_attribute(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        let v = own_word(*sp);
        calls::set_function_attribute(&mut *th, look(tos), arg as u32, v);
        next!(pc, sp, fp, th, tos)
    }

    fn call_intrinsic_1(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, intrinsics::unary(&mut *th, arg as u32, look(tos)))
    }

    fn call_intrinsic_2(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, intrinsics::binary(&mut *th, arg as u32, look(*sp.sub(2)), look(tos)))
    }

    /// `obj -- method, self or NULL`
    fn load_special(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        save(th, pc, sp.add(1));
        match calls::load_special(&mut *th, look(tos), arg as u32) {
            Ok((m, true)) => {
                *sp = m.into_stack_word();
                sp = sp.add(1);
                crate::after_native!(pc, sp, fp, th, tos)
            }
            Ok((m, false)) => {
                *sp = m.into_stack_word();
                sp = sp.add(1);
                crate::dealloc::drop_word(tos);
                crate::after_native!(pc, sp, fp, th, Word::NULL)
            }
            Err(crate::Raised(())) => tail!(raised, pc, sp.add(1), fp, th, tos, 0),
        }
    }

    fn get_len(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(0, pc, sp, fp, th, calls::length(&mut *th, look(tos)))
    }

    fn match_mapping(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let yes = look(tos).ty().has_flag(crate::type_flags::MAPPING);
        next!(pc, sp, fp, th, Word::bool(yes))
    }

    fn match_sequence(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let yes = look(tos).ty().has_flag(crate::type_flags::SEQUENCE);
        next!(pc, sp, fp, th, Word::bool(yes))
    }

    /// `subject, keys -- subject, keys, values or None`
    fn match_keys(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(0, pc, sp, fp, th, unpack::match_keys(&mut *th, look(*sp.sub(2)), look(tos)))
    }

    /// `subject, class, names -- attributes or None`
    fn match_class(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(3, pc, sp, fp, th, unpack::match_class(&mut *th, look(*sp.sub(3)), look(*sp.sub(2)), arg as usize, look(tos)))
    }
}
