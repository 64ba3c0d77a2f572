//! Audit hooks (PEP 578).

use typhon_sync::prim::{AtomicBool, Ordering};

use crate::builtins::exceptions as ex;
use crate::builtins::list::List;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::typedef::NativeDef;

pub(super) const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new("addaudithook", "(hook)", add_audit_hook, "Adds a new audit hook callback."),
    NativeDef::raw(
        "audit",
        "(event, /, *args)",
        audit_function,
        "Passes the event to any hooks that are attached.",
    ),
];

/// Has a hook ever been added?
static ANY: AtomicBool = AtomicBool::new(false);

fn hooks(th: &Thread) -> Option<Owned> {
    th.rt.stored("sys.audit_hooks")
}

/// Tells the hooks of an event. Costs one load while there are none.
#[inline]
pub fn audit(th: &mut Thread, event: &str, args: &[Borrowed<'_>]) -> PyResult<()> {
    // ORDERING Relaxed: an event that races with the first hook may come before it.
    if ANY.load(Ordering::Relaxed) { call_hooks(th, event, args) } else { Ok(()) }
}

#[cold]
fn call_hooks(th: &mut Thread, event: &str, args: &[Borrowed<'_>]) -> PyResult<()> {
    let Some(hooks) = hooks(th) else { return Ok(()) };
    let event = th.new_str(event);
    let args = th.new_tuple(args.iter().map(|v| (*v).to_owned()).collect());
    for hook in hooks.payload::<List>().to_vec() {
        hook.borrow().call(th, &[event.borrow(), args.borrow()])?;
    }
    Ok(())
}

fn add_audit_hook(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    // An existing hook may refuse a new one: with RuntimeError quietly, otherwise aloud.
    let r = audit(th, "sys.addaudithook", &[]);
    if th.absorb(r, &ex::RUNTIME_ERROR)?.is_none() {
        return Ok(Owned::none());
    }
    match hooks(th) {
        Some(list) => list.payload::<List>().push(a[0].to_owned()),
        None => {
            let list = th.new_list(vec![a[0].to_owned()]);
            drop(th.rt.store("sys.audit_hooks", list));
        }
    }
    // ORDERING Relaxed: as in `audit`.
    ANY.store(true, Ordering::Relaxed);
    Ok(Owned::none())
}

fn audit_function(th: &mut Thread, a: Args<'_>) -> PyResult {
    if a.has_keywords() {
        return Err(th.type_error("sys.audit() takes no keyword arguments"));
    }
    let Some((&event, rest)) = a.pos().split_first() else {
        return Err(th.type_error("audit expected at least 1 argument, got 0"));
    };
    let event = super::expect_text(th, event, "audit() argument 1")?;
    audit(th, &event, rest)?;
    Ok(Owned::none())
}
