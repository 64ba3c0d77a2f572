//! `Token`: how a variable gets its old value back.

use typhon_sync::prim::{AtomicBool, Ordering};

use typhon_core::{
    Borrowed, GetSetDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload, type_flags,
    unborn,
};

use crate::args::this;

payload! {
    /// `contextvars.Token`.
    pub struct Token: TOKEN {
        context: Slot,
        variable: Slot,
        old: Slot,
        used: AtomicBool,
    }
}

pub static TOKEN: TypeDef = TypeDef {
    module: "_contextvars",
    flags: type_flags::GC,
    slots: Slots {
        new: Some(|th, _, _| Err(th.runtime_error("Tokens can only be created by ContextVars"))),
        repr: Some(repr),
        hash: Some(|th, _| Err(th.type_error("unhashable type: '_contextvars.Token'"))),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "__enter__",
            "($self, /)",
            |_, a| Ok(a[0].to_owned()),
            "Enter into Token context manager.",
        ),
        NativeDef::new(
            "__exit__",
            "($self, type, value, traceback, /)",
            |th, a| {
                let variable = this::<Token>(a[0]).variable();
                super::variable::reset(th, variable, a[0]).map(|()| Owned::none())
            },
            "Exit from Token context manager, restore the linked ContextVar.",
        ),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    getset: &[
        GetSetDef::get("var", |_, o| Ok(this::<Token>(o).variable().to_owned())),
        GetSetDef::get("old_value", |th, o| match this::<Token>(o).old() {
            Some(v) => Ok(v.to_owned()),
            None => Ok(missing(th)),
        }),
    ],
    setup: Some(|th, ty: &Type| {
        let m = missing(th);
        ty.set_builtin(th, "MISSING", m)
    }),
    ..TypeDef::of::<Token>("Token")
};

payload! {
    /// The type of `Token.MISSING`.
    pub struct Missing: MISSING {}
}

pub static MISSING: TypeDef = TypeDef {
    module: "_contextvars",
    flags: type_flags::NO_NEW,
    slots: Slots { repr: Some(|th, _| Ok(th.new_str("<Token.MISSING>"))), ..Slots::NONE },
    ..TypeDef::of::<Missing>("_missing")
};

fn missing(th: &mut Thread) -> Owned {
    const KEY: &str = "contextvars.missing";
    if let Some(m) = th.rt.stored(KEY) {
        return m;
    }
    let m = th.alloc(Missing { header: unborn() });
    let m = Owned::from_const(typhon_core::runtime::immortal(m));
    th.rt.store(KEY, m.clone());
    m
}

/// A token for a variable that had this value in this context.
pub(super) fn new(th: &mut Thread, context: Owned, variable: Owned, old: Option<Owned>) -> Owned {
    th.alloc(Token {
        header: unborn(),
        context: Slot::new(context),
        variable: Slot::new(variable),
        old: Slot::from_option(old),
        used: AtomicBool::new(false),
    })
}

impl Token {
    pub(super) fn variable(&self) -> Borrowed<'_> {
        self.variable.fixed().unwrap_or(Borrowed::none())
    }
    pub(super) fn context(&self) -> Borrowed<'_> {
        self.context.fixed().unwrap_or(Borrowed::none())
    }
    pub(super) fn old(&self) -> Option<Borrowed<'_>> {
        self.old.fixed()
    }
    pub(super) fn is_used(&self) -> bool {
        // ORDERING Relaxed: `use_up` decides.
        self.used.load(Ordering::Relaxed)
    }
    /// Marks the token as used; true if it was already.
    pub(super) fn use_up(&self) -> bool {
        // ORDERING Relaxed: only one caller gets "false".
        self.used.swap(true, Ordering::Relaxed)
    }
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let t: &Token = this(o);
    let used = if t.is_used() { " used" } else { "" };
    let variable = t.variable().repr_text(th)?;
    Ok(th.new_str(&format!("<Token{used} var={variable} at {:#x}>", o.word().identity())))
}
