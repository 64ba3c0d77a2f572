//! Calling objects from native code.

use core::mem::MaybeUninit;
use typhon_sync::prim::Ordering;

use crate::flags;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, SlotId};
use crate::thread::Thread;
use crate::typedef::{kind, type_flags};
use crate::types::Type;
use crate::word::Word;

/// `callee(...)`
pub fn call(th: &mut Thread, callee: Borrowed<'_>, args: Args<'_>) -> PyResult {
    match callee.ty().slots.call() {
        Some(f) => f(th, callee, args),
        None => {
            let msg = format!("'{}' object is not callable", callee.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// May a method call pass self in front instead of binding? (Functions, method descriptors, slot
/// wrappers.)
#[inline(always)]
pub fn is_method_like(f: Borrowed<'_>) -> bool {
    // ORDERING Relaxed: set at birth.
    f.header().is_some_and(|h| h.flags.load(Ordering::Relaxed) & flags::METHOD_LIKE != 0)
}

const INLINE: usize = 8;

/// The Python function that `cls(...)` runs as `__init__` on a new bare instance, if making one is just
/// that: `type.__call__`, `object.__new__`, not abstract. The word needs no count.
pub fn plain_init(cls: &Type) -> Option<Word> {
    let meta = cls.as_value().ty();
    let plain = core::ptr::eq(meta, crate::builtins::type_::DEF.ty())
        && crate::builtins::object::inherits_new(cls)
        && !cls.has_flag(type_flags::ABSTRACT);
    let python = crate::builtins::type_::python_slots::init as *const () as usize;
    if !plain || cls.slots.raw(SlotId::init) != python {
        return None;
    }
    let w = cls.lookup_uncounted(crate::runtime::rt().names.__init__.get())?;
    // SAFETY: just found in the class.
    let f = unsafe { Borrowed::from_raw(w) };
    (f.shape().kind() & kind::METHOD_DESCRIPTOR != 0).then_some(w)
}

/// Runs `f` with `first` in front of `rest`; no allocation for the usual number of arguments.
#[inline]
pub fn with_first<R>(first: Borrowed<'_>, rest: &[Borrowed<'_>], f: impl FnOnce(&[Borrowed<'_>]) -> R) -> R {
    if rest.len() >= INLINE {
        let mut all = Vec::with_capacity(rest.len() + 1);
        // SAFETY: `first` and `rest` outlive this call.
        all.push(unsafe { first.extend() });
        all.extend_from_slice(rest);
        return f(&all);
    }
    let mut all = [const { MaybeUninit::<Borrowed<'_>>::uninit() }; INLINE];
    // SAFETY: as above.
    all[0].write(unsafe { first.extend() });
    for (to, v) in all[1..].iter_mut().zip(rest) {
        to.write(*v);
    }
    // SAFETY: the first `rest.len() + 1` words were written.
    f(unsafe { core::slice::from_raw_parts(all.as_ptr() as *const Borrowed<'_>, rest.len() + 1) })
}

/// `callee(first, *args)`, keywords included.
#[inline]
pub fn call_with_first(
    th: &mut Thread,
    callee: Borrowed<'_>,
    first: Borrowed<'_>,
    args: Args<'_>,
) -> PyResult {
    with_first(first, args.all, |all| {
        call(th, callee, Args { all, n_positional: args.n_positional + 1, names: args.names })
    })
}

/// Calls what a class attribute lookup found as a method of `o`.
#[inline]
pub fn call_found(th: &mut Thread, m: Borrowed<'_>, o: Borrowed<'_>, args: &[Borrowed<'_>]) -> PyResult {
    call_found_args(th, m, o, Args::positional(args))
}

#[inline]
fn call_found_args(th: &mut Thread, m: Borrowed<'_>, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    if is_method_like(m) {
        return call_with_first(th, m, o, args);
    }
    match m.ty().slots.descr_get() {
        Some(get) => {
            let bound = get(th, m, Some(o), o.ty().as_value())?;
            call(th, bound.borrow(), args)
        }
        None => call(th, m, args),
    }
}

/// `type(o).name(o, *args)`: how the language calls special methods. `None`: the type has none.
#[inline]
pub fn special(
    th: &mut Thread,
    o: Borrowed<'_>,
    name: Borrowed<'_>,
    args: &[Borrowed<'_>],
) -> PyResult<Option<Owned>> {
    special_args(th, o, name, Args::positional(args))
}

/// As [`special`], with keywords.
#[inline]
pub fn special_args(
    th: &mut Thread,
    o: Borrowed<'_>,
    name: Borrowed<'_>,
    args: Args<'_>,
) -> PyResult<Option<Owned>> {
    match o.ty().find(name) {
        Some(m) => call_found_args(th, m.borrow(), o, args).map(Some),
        None => Ok(None),
    }
}

/// `obj.name(*args)` without a bound method where the class has a plain function.
pub fn call_method(
    th: &mut Thread,
    obj: Borrowed<'_>,
    name: Borrowed<'_>,
    args: &[Borrowed<'_>],
) -> PyResult {
    call_method_args(th, obj, name, Args::positional(args))
}

/// As [`call_method`], with keywords.
pub fn call_method_args(th: &mut Thread, obj: Borrowed<'_>, name: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let ty = obj.ty();
    let generic = crate::attributes::generic_getattr as *const () as usize;
    if ty.slots.getattr().is_some_and(|f| f as usize == generic)
        && let Some(m) = ty.find(name)
        && is_method_like(m.borrow())
        && !crate::attributes::has_own(obj, name)
    {
        return call_with_first(th, m.borrow(), obj, args);
    }
    let m = obj.getattr(th, name)?;
    call(th, m.borrow(), args)
}
