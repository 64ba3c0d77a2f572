//! Subscription: lists, tuples and dicts here, everything else through slots.

use core::sync::atomic::Ordering::Relaxed;

use super::attr::{lock_fast, unlock_fast};
use super::call::shape_of;
use super::cold::look;
use super::locals::own_local;
use crate::builtins::ids;
use crate::builtins::list::List;
use crate::builtins::tuple::Tuple;
use crate::handlers;
use crate::object::Slot;
use crate::word::{UNCOUNTED, Word};
use crate::{drop_next, native, native_unit, tail};

handlers! {
    /// `container, key -- value`
    fn binary_subscr(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        if c.is_ptr() {
            let id = shape_of(c);
            if tos.is_int() {
                if id == ids::LIST {
                    let l = &*(c.ptr() as *const List);
                    // A list of this thread that no stranger uses: nobody frees the buffer under us.
                    if (*c.ptr()).owner.load(Relaxed) == (*th).owner.0 {
                        let mut i = tos.int();
                        let n = l.len.load(Relaxed) as i64;
                        if i < 0 {
                            i += n;
                        }
                        if (i as u64) < n as u64 {
                            let items: *const Slot = l.items.load();
                            let w = (*items.add(i as usize)).peek();
                            let v = if w.is_ptr() {
                                if !own_local(th, w) {
                                    tail!(subscr_generic, pc, sp, fp, th, tos, arg)
                                }
                                Word(w.ptr() as u64)
                            } else {
                                w
                            };
                            sp = sp.sub(1);
                            drop_next!(c, pc, sp, fp, th, v)
                        }
                    }
                } else if id == ids::TUPLE {
                    let t = &*(c.ptr() as *const Tuple);
                    let mut i = tos.int();
                    let n = t.len() as i64;
                    if i < 0 {
                        i += n;
                    }
                    if (i as u64) < n as u64 {
                        let w = t.items()[i as usize].peek();
                        let v = if w.is_ptr() {
                            if !own_local(th, w) {
                                tail!(subscr_generic, pc, sp, fp, th, tos, arg)
                            }
                            Word(w.ptr() as u64)
                        } else {
                            w
                        };
                        sp = sp.sub(1);
                        drop_next!(c, pc, sp, fp, th, v)
                    }
                }
            }
            if id == ids::DICT {
                tail!(subscr_dict, pc, sp, fp, th, tos, arg)
            }
        }
        tail!(subscr_generic, pc, sp, fp, th, tos, arg)
    }

    fn subscr_dict(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, crate::builtins::dict::methods::getitem(&mut *th, look(c), look(tos)))
    }

    fn subscr_generic(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, look(*sp.sub(2)).getitem(&mut *th, look(tos)))
    }

    /// `value, container, key --`
    fn store_subscr(pc, sp, fp, th, tos, arg) {
        let c = *sp.sub(1);
        if c.is_ptr() && tos.is_int() && shape_of(c) == ids::LIST {
            let v = *sp.sub(2);
            if v.0 & 15 == UNCOUNTED {
                if !own_local(th, v) {
                    tail!(store_subscr_generic, pc, sp, fp, th, tos, arg)
                }
                *sp.sub(2) = Word(v.ptr() as u64);
            }
            let l = &*(c.ptr() as *const List);
            if (*c.ptr()).owner.load(Relaxed) != (*th).owner.0 || !lock_fast(th, c) {
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
                unlock_fast(th, c);
                sp = sp.sub(3);
                if old.0 & 15 == UNCOUNTED {
                    tail!(super::attr::drop_slot_word, pc, sp, fp, th, c, old.0)
                }
                crate::drop2_next!(old, c, pc, sp, fp, th, *sp)
            }
            unlock_fast(th, c);
        }
        tail!(store_subscr_generic, pc, sp, fp, th, tos, arg)
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

    /// `container item -- bool` (`arg` 1: not in)
    fn contains_op(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, look(tos).contains(&mut *th, look(*sp.sub(2))).map(|b| crate::Owned::bool(b != (arg != 0))))
    }
}
