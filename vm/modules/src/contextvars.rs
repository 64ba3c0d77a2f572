//! `_contextvars`: context variables (PEP 567).
//!
//! A context holds a dict that nobody else can reach. Copies share it until one of them changes, so
//! copying a context costs the same whatever it holds.

mod token;
mod variable;

pub use variable::CONTEXT_VAR;

use typhon_sync::prim::{AtomicBool, AtomicU64, Ordering};

use typhon_core::builtins::dict::Dict;
use typhon_core::{
    Args, ArgsExt, Borrowed, CompareOp, ModuleDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, TypeDef,
    payload, type_flags, unborn,
};

use crate::args::this;

use variable::ContextVar;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_contextvars",
    doc: "Context Variables",
    functions: &[NativeDef::new(
        "copy_context",
        "($module, /)",
        |th, _| Ok(copy_current(th)),
        "Return a shallow copy of the current context.",
    )],
    // The type of `Token.MISSING` comes before `Token`, whose setup makes the one instance.
    types: &[&CONTEXT, &variable::CONTEXT_VAR, &token::MISSING, &token::TOKEN],
    setup: None,
};

payload! {
    /// `contextvars.Context`.
    pub struct Context: CONTEXT {
        /// Values by variable: a dict.
        values: Slot,
        /// Does another context use the same dict?
        shared: AtomicBool,
        /// Tells the values from all that any context has had; 0: it never had any. Copies keep it.
        stamp: AtomicU64,
        /// The context that was current when this one was entered.
        previous: Slot,
        entered: AtomicBool,
    }
}

pub static CONTEXT: TypeDef = TypeDef {
    module: "_contextvars",
    flags: type_flags::GC | type_flags::WEAKREF,
    slots: Slots {
        new: Some(|th, _, args: Args<'_>| {
            if !args.all.is_empty() {
                return Err(th.type_error("Context() does not accept any arguments"));
            }
            Ok(empty(th))
        }),
        len: Some(|_, o| Ok(this::<Context>(o).len())),
        getitem: Some(getitem),
        contains: Some(|th, o, key| {
            check_key(th, key)?;
            Ok(this::<Context>(o).value(th, key)?.is_some())
        }),
        iter: Some(|th, o| this::<Context>(o).frozen(th).borrow().iter(th)),
        compare: Some(compare),
        hash: Some(|th, _| Err(th.type_error("unhashable type: '_contextvars.Context'"))),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::raw("run", "($self, callable, /, *args, **kwargs)", run, ""),
        NativeDef::new(
            "copy",
            "($self, /)",
            |th, a| Ok(copy(th, this(a[0]))),
            "Return a shallow copy of the context object.",
        ),
        NativeDef::new(
            "get",
            "($self, key, default=None, /)",
            get,
            "Return the value for `key` if `key` has the value in the context object.\n\nIf `key` does not exist, return `default`. If `default` is not given,\nreturn None.",
        ),
        NativeDef::new(
            "keys",
            "($self, /)",
            |th, a| view(th, a[0], "keys"),
            "Return a list of all variables in the context object.",
        ),
        NativeDef::new(
            "values",
            "($self, /)",
            |th, a| view(th, a[0], "values"),
            "Return a list of all variables' values in the context object.",
        ),
        NativeDef::new(
            "items",
            "($self, /)",
            |th, a| view(th, a[0], "items"),
            "Return all variables and their values in the context object.\n\nThe result is returned as a list of 2-tuples (variable, value).",
        ),
    ],
    ..TypeDef::of::<Context>("Context")
};

/// Stamps given so far.
static LAST_STAMP: AtomicU64 = AtomicU64::new(0);

impl Context {
    fn dict(&self) -> Option<Owned> {
        self.values.get(&self.header)
    }

    fn len(&self) -> usize {
        self.dict().map_or(0, |d| d.payload::<Dict>().len())
    }

    /// The value of a variable here.
    fn value(&self, th: &mut Thread, key: Borrowed<'_>) -> PyResult<Option<Owned>> {
        match self.dict() {
            Some(d) => d.payload::<Dict>().get(th, key),
            None => Ok(None),
        }
    }

    /// The dict, for reading by Python code: from now on changes go to a copy.
    fn frozen(&self, th: &mut Thread) -> Owned {
        // ORDERING Relaxed: a context is entered by one thread at a time.
        self.shared.store(true, Ordering::Relaxed);
        self.dict().unwrap_or_else(|| th.new_dict())
    }

    /// The dict, to be written to.
    fn writable(&self, th: &mut Thread) -> Owned {
        // ORDERING Relaxed: only that numbers differ matters.
        let stamp = LAST_STAMP.fetch_add(1, Ordering::Relaxed) + 1;
        // ORDERING Relaxed: as above.
        self.stamp.store(stamp, Ordering::Relaxed);
        // ORDERING Relaxed: as above.
        let shared = self.shared.swap(false, Ordering::Relaxed);
        let d = match self.dict() {
            Some(d) if !shared => return d,
            Some(d) => {
                let copied = d.payload::<Dict>().copy_payload();
                th.alloc(copied)
            }
            None => th.new_dict(),
        };
        self.values.set(&self.header, d.clone());
        d
    }

    fn set(&self, th: &mut Thread, key: Borrowed<'_>, value: Owned) -> PyResult<()> {
        let d = self.writable(th);
        d.payload::<Dict>().set(th, key, value)
    }

    fn remove(&self, th: &mut Thread, key: Borrowed<'_>) -> PyResult<()> {
        let d = self.writable(th);
        d.payload::<Dict>().remove(th, key)?;
        Ok(())
    }
}

fn empty(th: &mut Thread) -> Owned {
    th.alloc(Context {
        header: unborn(),
        values: Slot::empty(),
        shared: AtomicBool::new(false),
        stamp: AtomicU64::new(0),
        previous: Slot::empty(),
        entered: AtomicBool::new(false),
    })
}

/// A context with the same values.
fn copy(th: &mut Thread, c: &Context) -> Owned {
    let new = empty(th);
    if let Some(d) = c.dict() {
        // ORDERING Relaxed: as in `frozen`.
        c.shared.store(true, Ordering::Relaxed);
        let n = new.payload::<Context>();
        n.shared.store(true, Ordering::Relaxed);
        // ORDERING Relaxed: as above.
        n.stamp.store(c.stamp.load(Ordering::Relaxed), Ordering::Relaxed);
        n.values.set(&n.header, d);
    }
    new
}

/// A copy of the current context of the thread.
pub fn copy_current(th: &mut Thread) -> Owned {
    let now = current(th);
    copy(th, now.payload())
}

/// The current context of the thread; made when first asked for.
pub fn current(th: &mut Thread) -> Owned {
    if let Some(c) = &th.context {
        return c.clone();
    }
    let c = empty(th);
    // ORDERING Relaxed: not shared yet.
    c.payload::<Context>().entered.store(true, Ordering::Relaxed);
    th.context = Some(c.clone());
    c
}

/// A new variable without a default.
pub fn new_variable(th: &mut Thread, name: &str) -> Owned {
    variable::new_named(th, name)
}

/// The stamp of the current context: as long as it is the same, so are the values, which the context holds. 0: there are
/// none.
#[inline]
pub fn stamp(th: &Thread) -> u64 {
    match &th.context {
        // ORDERING Relaxed: the thread that has entered a context is the one that changes it.
        Some(now) => now.payload::<Context>().stamp.load(Ordering::Relaxed),
        None => 0,
    }
}

/// The value of a variable in the current context.
#[inline]
pub fn value_of(th: &mut Thread, variable: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let now = current(th);
    now.payload::<Context>().value(th, variable)
}

/// Sets a variable in the current context.
pub fn set_value(th: &mut Thread, variable: Borrowed<'_>, value: Owned) -> PyResult<()> {
    let now = current(th);
    now.payload::<Context>().set(th, variable, value)
}

fn check_key(th: &mut Thread, key: Borrowed<'_>) -> PyResult<()> {
    if key.downcast::<ContextVar>().is_some() {
        return Ok(());
    }
    let msg = format!("a ContextVar key was expected, got {}", key.repr_text(th)?);
    Err(th.type_error(&msg))
}

fn getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    check_key(th, key)?;
    match this::<Context>(o).value(th, key)? {
        Some(v) => Ok(v),
        None => Err(th.key_error(key)),
    }
}

fn get(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    check_key(th, a[1])?;
    Ok(match this::<Context>(a[0]).value(th, a[1])? {
        Some(v) => v,
        None => a.opt(2).unwrap_or(Borrowed::none()).to_owned(),
    })
}

fn view(th: &mut Thread, o: Borrowed<'_>, method: &str) -> PyResult {
    let d = this::<Context>(o).frozen(th);
    d.borrow().call_method_str(th, method, &[])
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (x, y): (&Context, Option<&Context>) = (this(a), b.downcast());
    let Some(y) = y.filter(|_| matches!(op, CompareOp::Eq | CompareOp::Ne)) else {
        return Ok(Owned::not_implemented());
    };
    let (p, q) = (x.frozen(th), y.frozen(th));
    p.borrow().compare(th, q.borrow(), op)
}

fn run(th: &mut Thread, args: Args<'_>) -> PyResult {
    let Some(f) = args.pos().get(1).copied() else {
        return Err(th.type_error("run() missing 1 required positional argument"));
    };
    let c: &Context = match args.all[0].downcast() {
        Some(c) => c,
        None => return Err(th.type_error("descriptor 'run' requires a '_contextvars.Context' object")),
    };
    enter(th, c)?;
    let result = f.call_args(th, args.rest().rest());
    leave(th, c);
    result
}

/// Makes a context the current one of the thread. [`leave`] follows.
///
/// Errors: RuntimeError if it is entered already, here or elsewhere.
pub fn enter(th: &mut Thread, c: &Context) -> PyResult<()> {
    // ORDERING AcqRel: one thread at a time; it sees what the last one stored.
    if c.entered.swap(true, Ordering::AcqRel) {
        let msg =
            format!("cannot enter context: {} is already entered", Borrowed::from_payload(c).repr_text(th)?);
        return Err(th.runtime_error(&msg));
    }
    if th.context.is_none() {
        drop(current(th));
    }
    // Only who has entered the context uses the slot, and nobody reads it otherwise.
    let before = th.context.replace(Borrowed::from_payload(c).to_owned());
    drop(before.and_then(|before| c.previous.swap(before)));
    Ok(())
}

/// Undoes [`enter`].
pub fn leave(th: &mut Thread, c: &Context) {
    if let Some(before) = c.previous.take() {
        th.context = Some(before);
    }
    // ORDERING Release: pairs with the AcqRel of `enter`.
    c.entered.store(false, Ordering::Release);
}
