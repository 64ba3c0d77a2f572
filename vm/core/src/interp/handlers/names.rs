//! Globals, builtins and namespaces.
//!
//! Layout: `LOAD_GLOBAL`, name, globals cache, builtins cache. A cache names a key set of a dict and a
//! place in it; the value is read each time, so rebinding invalidates nothing.

use super::cold::look;
use super::locals::own_local;
use crate::builtins::dict::Dict;
use crate::handlers;
use crate::interp::caches::{borrow_dict_value, dict_value};
use crate::interp::machine::{fetch, patch, save};
use crate::interp::names;
use crate::interp::opcodes::{Op, encode};
use crate::interp::unwind::raised;
use crate::word::Word;
use crate::{native, native_unit, next, tail};

/// Words behind a LOAD_GLOBAL unit.
pub const LOAD_GLOBAL_WORDS: usize = 3;

/// Is the unit behind the LOAD_GLOBAL with its words at `pc` a PUSH_NULL?
///
/// # Safety
/// `pc` points behind a LOAD_GLOBAL unit.
unsafe fn pushes_null(pc: *const u64) -> bool {
    // SAFETY: by contract; code does not end with a LOAD_GLOBAL.
    unsafe { fetch(pc.add(LOAD_GLOBAL_WORDS)) >> 16 == encode(Op::PushNull) }
}

handlers! {
    /// Not specialised yet.
    fn load_global(pc, sp, fp, th, tos, arg) {
        crate::opcode_stats::missed(&*th);
        let name = Word(fetch(pc));
        let ci = (*th).ci;
        let f = &*((*ci).func.ptr() as *const crate::function::Function);
        match crate::interp::caches::dict_cache(&*(*ci).globals, name) {
            Some(c) => {
                patch(pc.add(1).cast_mut(), c);
                let op = if pushes_null(pc) { Op::LoadGlobalModuleNull } else { Op::LoadGlobalModule };
                patch(pc.sub(1).cast_mut(), encode(op) << 16 | arg);
            }
            None => {
                if let Some(c) = crate::interp::caches::dict_cache(f.builtins(), name)
                    && let v @ 1.. = (*(*ci).globals).keys_version()
                {
                    patch(pc.add(1).cast_mut(), u64::from(v) << 32 | 0xffff_ffff);
                    patch(pc.add(2).cast_mut(), c);
                    let op = if pushes_null(pc) { Op::LoadGlobalBuiltinNull } else { Op::LoadGlobalBuiltin };
                    patch(pc.sub(1).cast_mut(), encode(op) << 16 | arg);
                }
            }
        }
        tail!(load_global_generic, pc, sp, fp, th, tos, arg)
    }

    fn load_global_module(pc, sp, fp, th, tos, arg) {
        let w = dict_value(&*(*(*th).ci).globals, (*th).owner, fetch(pc.add(1)));
        if w == Word::ZERO {
            tail!(load_global, pc, sp, fp, th, tos, arg)
        }
        if w.is_counted() && !own_local(th, w) {
            tail!(load_global_foreign, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_GLOBAL_WORDS);
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, w)
    }

    /// As [`load_global_module`] together with the PUSH_NULL behind it.
    fn load_global_module_null(pc, sp, fp, th, tos, arg) {
        let w = dict_value(&*(*(*th).ci).globals, (*th).owner, fetch(pc.add(1)));
        if w == Word::ZERO {
            tail!(load_global, pc, sp, fp, th, tos, arg)
        }
        if w.is_counted() && !own_local(th, w) {
            tail!(load_global_foreign, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_GLOBAL_WORDS + 1);
        *sp = tos;
        *sp.add(1) = w;
        sp = sp.add(2);
        next!(pc, sp, fp, th, Word::NULL)
    }

    /// As [`load_global_module`]: an object of another thread. A PUSH_NULL behind it runs by itself.
    fn load_global_foreign(pc, sp, fp, th, tos, arg) {
        let v = borrow_dict_value(&*(*(*th).ci).globals, (*th).owner, fetch(pc.add(1)));
        if v == Word::ZERO {
            tail!(load_global_generic, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_GLOBAL_WORDS);
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, v)
    }

    fn load_global_builtin(pc, sp, fp, th, tos, arg) {
        let ci = (*th).ci;
        let g: &Dict = &*(*ci).globals;
        if u64::from(g.table().version()) != fetch(pc.add(1)) >> 32 {
            tail!(load_global, pc, sp, fp, th, tos, arg)
        }
        let f = &*((*ci).func.ptr() as *const crate::function::Function);
        let w = dict_value(f.builtins(), (*th).owner, fetch(pc.add(2)));
        if w == Word::ZERO {
            tail!(load_global, pc, sp, fp, th, tos, arg)
        }
        if w.is_counted() && !own_local(th, w) {
            tail!(load_global_generic, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_GLOBAL_WORDS);
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, w)
    }

    /// As [`load_global_builtin`] together with the PUSH_NULL behind it.
    fn load_global_builtin_null(pc, sp, fp, th, tos, arg) {
        let ci = (*th).ci;
        let g: &Dict = &*(*ci).globals;
        if u64::from(g.table().version()) != fetch(pc.add(1)) >> 32 {
            tail!(load_global, pc, sp, fp, th, tos, arg)
        }
        let f = &*((*ci).func.ptr() as *const crate::function::Function);
        let w = dict_value(f.builtins(), (*th).owner, fetch(pc.add(2)));
        if w == Word::ZERO {
            tail!(load_global, pc, sp, fp, th, tos, arg)
        }
        if w.is_counted() && !own_local(th, w) {
            tail!(load_global_generic, pc, sp, fp, th, tos, arg)
        }
        pc = pc.add(LOAD_GLOBAL_WORDS + 1);
        *sp = tos;
        *sp.add(1) = w;
        sp = sp.add(2);
        next!(pc, sp, fp, th, Word::NULL)
    }

    fn load_global_generic(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(LOAD_GLOBAL_WORDS);
        *sp = tos;
        sp = sp.add(1);
        native!(0, pc, sp, fp, th, names::load_global(&mut *th, look(name)))
    }

    fn load_name(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        sp = sp.add(1);
        native!(0, pc, sp, fp, th, names::load_name(&mut *th, look(name)))
    }

    fn store_name(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(1, pc, sp, fp, th, names::store_name(&mut *th, look(name), look(tos)))
    }

    fn delete_name(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        save(th, pc, sp.add(1));
        if names::delete_name(&mut *th, look(name)).is_err() {
            tail!(raised, pc, sp.add(1), fp, th, tos, 0)
        }
        crate::after_native!(pc, sp, fp, th, tos)
    }

    fn store_global(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        sp = sp.add(1);
        native_unit!(1, pc, sp, fp, th, super::build::store_item(&mut *th, Word::from_ptr((*(*th).ci).globals.cast()), name, tos))
    }

    fn delete_global(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        save(th, pc, sp.add(1));
        if names::delete_global(&mut *th, look(name)).is_err() {
            tail!(raised, pc, sp.add(1), fp, th, tos, 0)
        }
        crate::after_native!(pc, sp, fp, th, tos)
    }

    fn load_locals(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(0, pc, sp, fp, th, names::locals_of_frame(&mut *th))
    }

    /// `namespace -- value`
    fn load_from_dict_or_globals(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, names::from_dict_or_globals(&mut *th, look(tos), look(name)))
    }

    fn load_from_dict_or_deref(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, names::from_dict_or_deref(&mut *th, look(tos), arg as usize, *fp.add(arg as usize)))
    }

    fn load_build_class(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(0, pc, sp, fp, th, names::load_builtin(&mut *th, |n| &n.__build_class__))
    }

    /// `level, fromlist -- module`
    fn import_name(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        sp = sp.add(1);
        native!(2, pc, sp, fp, th, names::import_name(&mut *th, look(name), look(tos), look(*sp.sub(2))))
    }

    /// `module -- module, value`
    fn import_from(pc, sp, fp, th, tos, arg) {
        let name = Word(fetch(pc));
        pc = pc.add(1);
        *sp = tos;
        sp = sp.add(1);
        native!(0, pc, sp, fp, th, crate::import::import_from(&mut *th, look(tos), look(name)))
    }

    fn setup_annotations(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        save(th, pc, sp.add(1));
        if names::setup_annotations(&mut *th).is_err() {
            tail!(raised, pc, sp.add(1), fp, th, tos, 0)
        }
        crate::after_native!(pc, sp, fp, th, tos)
    }
}
