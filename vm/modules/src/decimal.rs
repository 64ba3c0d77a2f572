//! `_decimal`: decimal arithmetic.
//!
//! [`number`], [`arith`], [`misc`] and [`transcendental`] are the specification's numbers and operations, which know no
//! Python; [`object`], [`context`] and [`signals`] are the types, [`operations`] their methods.
//!
//! Source: General Decimal Arithmetic Specification 1.70; PEP 327.

mod arith;
mod context;
mod convert;
mod format;
mod misc;
mod number;
mod object;
mod operations;
mod signals;
mod text;
mod transcendental;

use number::{MAX_EMAX, MAX_PREC, MIN_EMIN, MIN_ETINY, Rounding, condition};
use typhon_core::{
    ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, TypeDef, payload,
    type_flags, unborn,
};

use crate::args::this;
use crate::contextvars;
use crate::support::{ModuleExt, import_attr};
use context::Settings;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_decimal",
    doc: "Decimal arithmetic by the General Decimal Arithmetic Specification.",
    functions: &[
        NativeDef::new(
            "getcontext",
            "($module, /)",
            |th, _| context::current(th),
            "The current context of the thread or task.",
        ),
        NativeDef::new(
            "setcontext",
            "($module, context, /)",
            set_context,
            "Makes a context the current one.",
        ),
        NativeDef::new(
            "localcontext",
            "($module, /, ctx=None, *, prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)",
            local_context,
            "A context manager that makes a copy of a context the current one.",
        ),
        NativeDef::new(
            "IEEEContext",
            "($module, bits, /)",
            ieee_context,
            "The context of an interchange format of IEEE 754.",
        ),
    ],
    types: &[&object::DECIMAL, &context::CONTEXT, &signals::SIGNAL_DICT, &MANAGER],
    setup: Some(setup),
};

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    signals::setup(th, m)?;
    for mode in Rounding::ALL {
        let name = th.intern(mode.name());
        m.add(th, mode.name(), name)?;
    }
    for (name, value) in
        [("MAX_PREC", MAX_PREC), ("MAX_EMAX", MAX_EMAX), ("MIN_EMIN", MIN_EMIN), ("MIN_ETINY", MIN_ETINY)]
    {
        m.add_int(th, name, value)?;
    }
    m.add_int(th, "IEEE_CONTEXT_MAX_BITS", IEEE_MOST_BITS)?;
    m.add(th, "HAVE_THREADS", Owned::bool(true))?;
    m.add(th, "HAVE_CONTEXTVAR", Owned::bool(true))?;
    let version = th.new_str("1.70");
    m.add(th, "__version__", version)?;
    // That of the C library whose results these are.
    let library = th.new_str("2.5.1");
    m.add(th, "__libmpdec_version__", library)?;

    let variable = contextvars::new_variable(th, "decimal_context");
    drop(th.rt.store("decimal.variable", variable));
    let contexts = [
        ("DefaultContext", context::DEFAULT),
        (
            "BasicContext",
            Settings {
                prec: 9,
                rounding: Rounding::HalfUp,
                traps: context::DEFAULT.traps | condition::UNDERFLOW | condition::CLAMPED,
                ..context::DEFAULT
            },
        ),
        ("ExtendedContext", Settings { prec: 9, traps: 0, ..context::DEFAULT }),
    ];
    for (name, settings) in contexts {
        let made = settings.into_object(th)?;
        if name == "DefaultContext" {
            drop(th.rt.store("decimal.DefaultContext", made.clone()));
        }
        m.add(th, name, made)?;
    }
    let namedtuple = import_attr(th, "collections", "namedtuple")?;
    let (name, fields) = (th.new_str("DecimalTuple"), th.new_str("sign digits exponent"));
    let class = namedtuple.borrow().call(th, &[name.borrow(), fields.borrow()])?;
    let (key, module) = (th.rt.names.__module__.get(), th.new_str("decimal"));
    class.borrow().setattr(th, key, Some(module.borrow()))?;
    drop(th.rt.store("decimal.DecimalTuple", class.clone()));
    m.add(th, "DecimalTuple", class)?;
    // Types that nobody makes by name.
    for name in ["SignalDictMixin", "ContextManager"] {
        let name = th.intern(name);
        m.setattr(th, name.borrow(), None)?;
    }
    let number = import_attr(th, "numbers", "Number")?;
    number.borrow().call_method_str(th, "register", &[object::DECIMAL.ty().as_value()])?;
    Ok(())
}

/// One of the contexts that the module begins with?
fn is_template(th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
    for name in ["DefaultContext", "BasicContext", "ExtendedContext"] {
        if import_attr(th, "_decimal", name)?.word().is(o.word()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn set_context(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    make_current(th, a[0])?;
    Ok(Owned::none())
}

/// Makes a context the current one; of one of the module's templates, a copy without flags.
fn make_current(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    if o.downcast::<context::Context>().is_none() {
        return Err(th.type_error("optional argument must be a context"));
    }
    let made = if is_template(th, o)? {
        let settings = Settings { flags: 0, ..context::of(o).settings() };
        settings.into_object(th)?
    } else {
        o.to_owned()
    };
    let variable = object::variable(th);
    contextvars::set_value(th, variable.borrow(), made)
}

const IEEE_MOST_BITS: i64 = 512;

fn ieee_context(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let bits = a[0].to_i64(th)?;
    if bits <= 0 || bits > IEEE_MOST_BITS || bits % 32 != 0 {
        let msg = format!("argument must be a multiple of 32, with a maximum of {IEEE_MOST_BITS}");
        return Err(th.value_error(&msg));
    }
    let emax = 3 * (1i64 << (bits / 16 + 3));
    let settings = Settings {
        prec: 9 * (bits / 32) - 2,
        emax,
        emin: 1 - emax,
        clamp: true,
        traps: 0,
        ..context::DEFAULT
    };
    settings.into_object(th)
}

payload! {
    /// What `localcontext` gives.
    pub struct Manager: MANAGER {
        local: Slot,
        /// The context that was current, while inside.
        outer: Slot,
    }
}

pub static MANAGER: TypeDef = TypeDef {
    module: "decimal",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots::NONE,
    methods: &[
        NativeDef::new(
            "__enter__",
            "($self, /)",
            |th, a| {
                let manager: &Manager = this(a[0]);
                let outer = context::current(th)?;
                manager.outer.set(&manager.header, outer);
                let local = manager.local.get(&manager.header).unwrap_or_else(Owned::none);
                make_current(th, local.borrow())?;
                Ok(local)
            },
            "",
        ),
        NativeDef::raw(
            "__exit__",
            "($self, /, *args)",
            |th, args| {
                let manager: &Manager = this(args.all[0]);
                if let Some(outer) = manager.outer.clear(&manager.header) {
                    make_current(th, outer.borrow())?;
                }
                Ok(Owned::bool(false))
            },
            "",
        ),
    ],
    ..TypeDef::of::<Manager>("ContextManager")
};

fn local_context(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let base = match a.some(0) {
        Some(o) if o.downcast::<context::Context>().is_some() => o.to_owned(),
        Some(_) => return Err(th.type_error("optional argument must be a context")),
        None => context::current(th)?,
    };
    let local = context::copy(th, base.borrow())?;
    context::update(th, local.borrow(), &a[1..])?;
    Ok(th.alloc(Manager { header: unborn(), local: Slot::new(local), outer: Slot::empty() }))
}
