//! StopIteration, SystemExit, KeyError.

use super::{STOP_ITERATION, SYSTEM_EXIT, base, exception_payload, slot_attribute, slots_of, this};
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::GetSetDef;

exception_payload! {
    /// `StopIteration`: carries a generator's return value.
    pub struct StopIteration: STOP_ITERATION {
        /// `value`, empty for None.
        pub value: Slot = Slot::empty(),
    }
}

pub(super) const STOP_ITERATION_SLOTS: Slots = slots_of::<StopIteration>(stop_iteration_init);
pub(super) const STOP_ITERATION_GETSET: &[GetSetDef] = &[slot_attribute!(StopIteration, "value", value)];

fn stop_iteration_init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    base::init(th, o, a)?;
    let e = this::<StopIteration>(o);
    match a.pos().first() {
        Some(v) => e.value.set(&e.header, (*v).to_owned()),
        None => drop(e.value.clear(&e.header)),
    }
    Ok(())
}

exception_payload! {
    /// `SystemExit`: carries the exit status.
    pub struct SystemExit: SYSTEM_EXIT {
        /// `code`, empty for None.
        pub code: Slot = Slot::empty(),
    }
}

pub(super) const SYSTEM_EXIT_SLOTS: Slots = slots_of::<SystemExit>(system_exit_init);
pub(super) const SYSTEM_EXIT_GETSET: &[GetSetDef] = &[slot_attribute!(SystemExit, "code", code)];

fn system_exit_init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    base::init(th, o, a)?;
    let e = this::<SystemExit>(o);
    match a.pos() {
        [] => drop(e.code.clear(&e.header)),
        [one] => e.code.set(&e.header, (*one).to_owned()),
        _ => {
            let args = base::args_of(th, o);
            e.code.set(&e.header, args)
        }
    }
    Ok(())
}

pub(super) const KEY_ERROR_SLOTS: Slots = Slots { str: Some(key_error_str), ..Slots::NONE };

/// A single key is shown by its repr: `KeyError: ''` says more than `KeyError: `.
fn key_error_str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let args = base::args_of(th, o);
    let t = args.payload::<Tuple>();
    if t.len() == 1 { t.get(0).repr(th) } else { base::str(th, o) }
}
