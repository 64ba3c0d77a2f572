//! Slots of classes: filled when the class is made, changed when a special method changes.

use super::lookup::lock_types;
use super::slot_defs::{SLOT_DEFS, Wrap, name_of, rows_of};
use crate::builtins::descriptors::WrapperDescriptor;
use crate::builtins::native_function::NativeFunction;
use crate::builtins::str::Str;
use crate::object::Borrowed;
use crate::slots::{N_SLOTS, SlotId};
use crate::types::Type;
use crate::word::Word;

/// Slots in the table of special methods, each once.
fn slots_of_rows(rows: impl Iterator<Item = usize>) -> Vec<SlotId> {
    let mut seen = [false; N_SLOTS];
    rows.map(|r| SLOT_DEFS[r].slot).filter(|s| !core::mem::replace(&mut seen[*s as usize], true)).collect()
}

/// The function for slot `slot`, from what the MRO has under its names now. 0 = none.
///
/// A slot wrapper of a built-in base stands for its native function, so a class that inherits
/// `list.__getitem__` keeps the native slot. Anything else gets the function that calls Python.
fn resolve(ty: &Type, slot: SlotId) -> usize {
    let (mut native, mut python, mut call_python) = (0, 0, false);
    for (row, def) in SLOT_DEFS.iter().enumerate().filter(|(_, d)| d.slot == slot) {
        let Some(found) = ty.lookup_uncached(name_of(row)) else { continue };
        let found = found.borrow();
        let mut specific = 0;
        if let Some(w) = found.downcast_exact::<WrapperDescriptor>() {
            let theirs = w.def();
            if theirs.name == def.name && theirs.slot != slot {
                continue;
            }
            if theirs.name == def.name && ty.is_subtype_of(w.objclass()) && has_layout_of(ty, w.objclass()) {
                specific = w.function();
            }
        } else if def.wrap == Wrap::New {
            // The `__new__` of an unrelated class has checks that its bare function lacks.
            specific = found
                .downcast_exact::<NativeFunction>()
                .and_then(super::new_slot_of)
                .filter(|f| ty.base().is_some_and(|b| native_new(b) == *f))
                .unwrap_or(0);
        } else if found.is_none() && slot == SlotId::hash {
            return 0;
        }
        python = def.python.map_or(python, |f| f.addr());
        if specific == 0 || (native != 0 && native != specific) {
            call_python = true;
        } else {
            native = specific;
        }
    }
    if call_python { python } else { native }
}

/// May native code of `class` work on instances of `ty`? `ty.__mro__ = …` and `mro()` of a metaclass may
/// name classes that are no bases.
pub(super) fn has_layout_of(ty: &Type, class: &Type) -> bool {
    if class.layout.0.size <= crate::builtins::object::DEF.ty().layout.0.size {
        return true;
    }
    let mut base = Some(ty);
    while let Some(b) = base {
        if core::ptr::eq(b, class) {
            return true;
        }
        base = b.base();
    }
    false
}

/// The `new` function of the built-in class that gives `ty` its layout.
pub(super) fn native_new(ty: &Type) -> usize {
    let python = super::python_slots::new as *const () as usize;
    let mut solid = ty;
    while solid.slots.raw(SlotId::new) == python
        && let Some(b) = solid.base()
    {
        solid = b;
    }
    solid.slots.raw(SlotId::new)
}

/// Fills the slots of a new class whose MRO and namespace are complete.
pub(super) fn fill_new(ty: &Type) {
    let bases = ty.mro_types().skip(1);
    let only_base = ty.base().filter(|b| ty.mro_types().count() == b.mro_types().count() + 1);
    match only_base {
        // The MRO is the base's: every lookup but those of own names ends as it does there.
        Some(base) if bases.zip(base.mro_types()).all(|(a, b)| core::ptr::eq(a, b)) => {
            for slot in 0..N_SLOTS {
                let id = SLOT_IDS[slot];
                ty.slots.set_raw(id, base.slots.raw(id));
            }
            let mut rows = Vec::new();
            let mut pos = 0;
            while let Some((key, _)) = ty.namespace().next_entry(&mut pos) {
                rows.extend(special_rows(key.borrow()).iter().map(|&r| r as usize));
            }
            for slot in slots_of_rows(rows.into_iter()) {
                ty.slots.set_raw(slot, resolve(ty, slot));
            }
        }
        _ => fill_all(ty),
    }
}

/// Fills every slot from scratch (several bases, another MRO).
pub(super) fn fill_all(ty: &Type) {
    for slot in slots_of_rows(0..SLOT_DEFS.len()) {
        ty.slots.set_raw(slot, resolve(ty, slot));
    }
    // Slots without a special method of their own come from the first class that has one.
    for id in SLOT_IDS {
        if SLOT_DEFS.iter().all(|d| d.slot != id) || id == SlotId::buffer {
            let f = ty.mro_types().skip(1).map(|t| t.slots.raw(id)).find(|&f| f != 0);
            if ty.slots.raw(id) == 0 {
                ty.slots.set_raw(id, f.unwrap_or(0));
            }
        }
    }
}

/// Rows of a namespace key, if it is the name of a special method.
fn special_rows(key: Borrowed<'_>) -> &'static [u16] {
    match key.downcast_exact::<Str>() {
        Some(s) if s.is_interned() && s.as_ascii().is_some_and(|t| t.starts_with("__")) => {
            rows_of(key.word())
        }
        _ => &[],
    }
}

/// Is a change of `name` a change of how instances behave as a whole?
pub(super) fn is_special(name: Word) -> bool {
    !rows_of(name).is_empty()
}

/// Recomputes the slots behind `name` in `ty` and in the subclasses that do not define it themselves.
/// The caller holds the lock of all classes.
pub(super) fn update(ty: &Type, name: Borrowed<'_>) {
    let rows = rows_of(name.word());
    for slot in slots_of_rows(rows.iter().map(|&r| r as usize)) {
        ty.slots.set_raw(slot, resolve(ty, slot));
    }
    if rows.is_empty() {
        return;
    }
    for sub in ty.live_subclasses() {
        if let Some(sub) = sub.downcast::<Type>()
            && sub.namespace().get_interned(name.word()).is_none()
        {
            update(sub, name);
        }
    }
}

/// Recomputes everything in `ty` and below it, after `__bases__` changed.
pub(super) fn update_all(ty: &Type) {
    let lock = lock_types();
    fill_all(ty);
    drop(lock);
    for sub in ty.live_subclasses() {
        if let Some(sub) = sub.downcast::<Type>() {
            update_all(sub);
        }
    }
}

/// All slots, by number.
pub(super) const SLOT_IDS: [SlotId; N_SLOTS] = {
    let mut ids = [SlotId::repr; N_SLOTS];
    let mut i = 0;
    while i < N_SLOTS {
        // SAFETY: `SlotId` has the discriminants 0..N_SLOTS.
        ids[i] = unsafe { core::mem::transmute::<usize, SlotId>(i) };
        i += 1;
    }
    ids
};
