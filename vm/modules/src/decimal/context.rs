//! `Context`: precision, limits, rounding, what was met and what is raised.
//!
//! Every field is a word of its own that any thread may set; an operation takes a copy of all when it begins. The current
//! context is in a context variable: threads and tasks have their own.

use std::cell::Cell;

use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::word::Word;
use typhon_core::{
    Args, ArgsExt, Borrowed, GetSetDef, PyResult, Slot, Slots, Thread, Type, TypeDef, payload, signature,
    type_flags, unborn,
};
use typhon_sync::prim::{AtomicBool, AtomicI64, AtomicU8, Ordering};

use super::condition as c;
use super::number::{Frame, MAX_EMAX, MAX_PREC, MIN_EMIN, Rounding};
use super::signals::{self, SignalDict};
use super::{object, operations};
use crate::args::{made, this};
use crate::contextvars;

payload! {
    /// `decimal.Context`.
    pub struct Context: CONTEXT {
        prec: AtomicI64,
        emin: AtomicI64,
        emax: AtomicI64,
        rounding: AtomicU8,
        capitals: AtomicBool,
        clamp: AtomicBool,
        /// Signals met: a `SignalDict`, fixed.
        flags: Slot,
        /// Signals that are raised: another one.
        traps: Slot,
    }
}

pub static CONTEXT: TypeDef = TypeDef {
    module: "decimal",
    flags: type_flags::BASE | type_flags::GC,
    doc: "The environment of decimal arithmetic: precision, limits of exponents, rounding, flags and traps.",
    slots: Slots { new: Some(new), repr: Some(repr), ..Slots::NONE },
    methods: operations::CONTEXT_METHODS,
    getset: &[
        GetSetDef {
            name: "prec",
            get: |th, o| Ok(th.new_int(of(o).frame().prec)),
            set: Some(set_prec),
            doc: "digits",
        },
        GetSetDef {
            name: "Emax",
            get: |th, o| Ok(th.new_int(of(o).frame().emax)),
            set: Some(set_emax),
            doc: "greatest exponent",
        },
        GetSetDef {
            name: "Emin",
            get: |th, o| Ok(th.new_int(of(o).frame().emin)),
            set: Some(set_emin),
            doc: "least exponent",
        },
        GetSetDef { name: "rounding", get: get_rounding, set: Some(set_rounding), doc: "rounding mode" },
        GetSetDef {
            name: "capitals",
            get: |th, o| Ok(th.new_int(of(o).capitals().into())),
            set: Some(|th, o, v| set_switch(th, v, &of(o).capitals, "capitals")),
            doc: "whether exponents are written with E",
        },
        GetSetDef {
            name: "clamp",
            get: |th, o| Ok(th.new_int(of(o).frame().clamp.into())),
            set: Some(|th, o, v| set_switch(th, v, &of(o).clamp, "clamp")),
            doc: "whether great exponents are lowered",
        },
        GetSetDef {
            name: "flags",
            get: |_, o| Ok(of(o).flags.fixed().unwrap_or(Borrowed::none()).to_owned()),
            set: Some(|th, o, v| set_signals(th, v, of(o).flag_signals())),
            doc: "signals met",
        },
        GetSetDef {
            name: "traps",
            get: |_, o| Ok(of(o).traps.fixed().unwrap_or(Borrowed::none()).to_owned()),
            set: Some(|th, o, v| set_signals(th, v, of(o).trap_signals())),
            doc: "signals raised",
        },
    ],
    ..TypeDef::of::<Context>("Context")
};

/// The context that is known to be one.
pub fn of(o: Borrowed<'_>) -> &Context {
    this(o)
}

/// What a context is made of.
pub struct Settings {
    pub prec: i64,
    pub emax: i64,
    pub emin: i64,
    pub rounding: Rounding,
    pub capitals: bool,
    pub clamp: bool,
    pub flags: u32,
    pub traps: u32,
}

/// What the specification and Python begin with.
pub const DEFAULT: Settings = Settings {
    prec: 28,
    emax: 999_999,
    emin: -999_999,
    rounding: Rounding::HalfEven,
    capitals: true,
    clamp: false,
    flags: 0,
    traps: c::INVALID_OPERATION | c::DIVISION_BY_ZERO | c::OVERFLOW,
};

impl Settings {
    /// A context of these.
    pub fn into_context(self, th: &mut Thread) -> PyResult<Context> {
        let (flags, traps) = (SignalDict::new(th, self.flags)?, SignalDict::new(th, self.traps)?);
        Ok(Context {
            header: unborn(),
            prec: AtomicI64::new(self.prec),
            emin: AtomicI64::new(self.emin),
            emax: AtomicI64::new(self.emax),
            rounding: AtomicU8::new(self.rounding as u8),
            capitals: AtomicBool::new(self.capitals),
            clamp: AtomicBool::new(self.clamp),
            flags: Slot::new(flags),
            traps: Slot::new(traps),
        })
    }

    /// A context of these, as an object.
    pub fn into_object(self, th: &mut Thread) -> PyResult {
        let context = self.into_context(th)?;
        Ok(th.alloc(context))
    }
}

// ORDERING Relaxed throughout: each field is valid by itself and publishes nothing.
impl Context {
    /// A copy of the limits, for one operation.
    #[inline]
    pub fn frame(&self) -> Frame {
        // ORDERING Relaxed: see the impl.
        let rounding = Rounding::ALL[self.rounding.load(Ordering::Relaxed) as usize];
        Frame {
            // ORDERING Relaxed: see the impl.
            prec: self.prec.load(Ordering::Relaxed),
            // ORDERING Relaxed: see the impl.
            emax: self.emax.load(Ordering::Relaxed),
            // ORDERING Relaxed: see the impl.
            emin: self.emin.load(Ordering::Relaxed),
            rounding,
            // ORDERING Relaxed: see the impl.
            clamp: self.clamp.load(Ordering::Relaxed),
            status: 0,
        }
    }

    pub fn capitals(&self) -> bool {
        // ORDERING Relaxed: see the impl.
        self.capitals.load(Ordering::Relaxed)
    }

    fn flag_signals(&self) -> &SignalDict {
        this(self.flags.fixed().expect("set at birth"))
    }

    fn trap_signals(&self) -> &SignalDict {
        this(self.traps.fixed().expect("set at birth"))
    }

    fn traps(&self) -> u32 {
        self.trap_signals().bits()
    }

    pub fn settings(&self) -> Settings {
        let f = self.frame();
        Settings {
            prec: f.prec,
            emax: f.emax,
            emin: f.emin,
            rounding: f.rounding,
            capitals: self.capitals(),
            clamp: f.clamp,
            flags: self.flag_signals().bits(),
            traps: self.traps(),
        }
    }

    /// Sets a flag whose trap does not matter.
    pub fn note_quietly(&self, signal: u32) {
        // ORDERING Relaxed: see the impl.
        self.flag_signals().set.fetch_or(signal, Ordering::Relaxed);
    }

    /// No flag, or no trap, is set any more.
    pub fn clear(&self, traps: bool) {
        let signals = if traps { self.trap_signals() } else { self.flag_signals() };
        // ORDERING Relaxed: see the impl.
        signals.set.store(0, Ordering::Relaxed);
    }

    /// Sets the flags of what an operation met, and raises what is trapped of it. Errors: a signal's exception.
    #[inline]
    pub fn note(&self, th: &mut Thread, conditions: u32) -> PyResult<()> {
        if conditions == 0 {
            return Ok(());
        }
        let signals = c::signals(conditions);
        // Written only if it changes: threads may share a context.
        if self.flag_signals().bits() & signals != signals {
            // ORDERING Relaxed: see the impl.
            self.flag_signals().set.fetch_or(signals, Ordering::Relaxed);
        }
        let trapped = self.traps() & signals;
        if trapped == 0 {
            return Ok(());
        }
        let invalid = if trapped & c::INVALID_OPERATION != 0 { conditions & c::ALL_INVALID } else { 0 };
        Err(signals::raise(th, trapped & !c::INVALID_OPERATION | invalid))
    }
}

thread_local! {
    /// The stamp of the values among which a thread last found its context, and the word of that.
    static LAST: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// The current context; a copy of `DefaultContext` where there was none.
#[inline]
pub fn current(th: &mut Thread) -> PyResult {
    let stamp = contextvars::stamp(th);
    let (known, word) = LAST.get();
    if stamp != 0 && stamp == known {
        // SAFETY: the thread's values are those among which the context was found: they hold it.
        return Ok(unsafe { Borrowed::from_raw(Word(word)) }.to_owned());
    }
    looked_up(th)
}

#[cold]
#[inline(never)]
fn looked_up(th: &mut Thread) -> PyResult {
    let variable = object::variable(th);
    let context = match contextvars::value_of(th, variable.borrow())? {
        Some(context) => context,
        None => {
            let template = th.rt.stored("decimal.DefaultContext").expect("stored when the module was made");
            let context = Settings { flags: 0, ..of(template.borrow()).settings() }.into_object(th)?;
            contextvars::set_value(th, variable.borrow(), context.clone())?;
            context
        }
    };
    LAST.set((contextvars::stamp(th), context.word().uncounted().0));
    Ok(context)
}

/// A context given as an argument, or the current one. Errors: TypeError.
pub fn given(th: &mut Thread, arg: Option<Borrowed<'_>>) -> PyResult {
    match arg {
        None => current(th),
        Some(o) if o.is_none() => current(th),
        Some(o) if o.downcast::<Context>().is_some() => Ok(o.to_owned()),
        Some(_) => Err(th.type_error("optional argument must be a context")),
    }
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    const SIGNATURE: &str =
        "(prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)";
    let a = signature::bind(th, "Context", SIGNATURE, args)?;
    let settings = match th.rt.stored("decimal.DefaultContext") {
        Some(template) => Settings { flags: 0, ..of(template.borrow()).settings() },
        None => DEFAULT,
    };
    let context = settings.into_context(th)?;
    let context = made(th, ty, context)?;
    update(th, context.borrow(), &a)?;
    Ok(context)
}

/// Sets the attributes given in the order of the constructor's arguments.
pub fn update(th: &mut Thread, context: Borrowed<'_>, a: &[Borrowed<'_>]) -> PyResult<()> {
    type Set = fn(&mut Thread, Borrowed<'_>, Option<Borrowed<'_>>) -> PyResult<()>;
    const SETTERS: [Set; 8] = [
        set_prec,
        set_rounding,
        set_emin,
        set_emax,
        |th, o, v| set_switch(th, v, &of(o).capitals, "capitals"),
        |th, o, v| set_switch(th, v, &of(o).clamp, "clamp"),
        |th, o, v| set_listed(th, v, of(o).flag_signals()),
        |th, o, v| set_listed(th, v, of(o).trap_signals()),
    ];
    for (i, set) in SETTERS.iter().enumerate() {
        if let Some(v) = a.some(i) {
            set(th, context, Some(v))?;
        }
    }
    Ok(())
}

fn to_be_set<'a>(th: &mut Thread, value: Option<Borrowed<'a>>) -> PyResult<Borrowed<'a>> {
    match value {
        Some(v) => Ok(v),
        None => Err(th.raise(&ex::ATTRIBUTE_ERROR, "context attributes cannot be deleted")),
    }
}

fn set_number(
    th: &mut Thread,
    value: Option<Borrowed<'_>>,
    field: &AtomicI64,
    (least, most): (i64, i64),
    range: &str,
) -> PyResult<()> {
    let value = to_be_set(th, value)?;
    if value.as_int().is_none() {
        let msg = format!("an integer is required (got type {})", value.type_name(th));
        return Err(th.type_error(&msg));
    }
    let number = Some(value.to_i64(th)?);
    match number.filter(|n| (least..=most).contains(n)) {
        Some(n) => {
            // ORDERING Relaxed: see `Context`.
            field.store(n, Ordering::Relaxed);
            Ok(())
        }
        None => Err(th.value_error(&format!("valid range for {range}"))),
    }
}

fn set_prec(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    set_number(th, v, &of(o).prec, (1, MAX_PREC), "prec is [1, MAX_PREC]")
}

fn set_emax(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    set_number(th, v, &of(o).emax, (0, MAX_EMAX), "Emax is [0, MAX_EMAX]")
}

fn set_emin(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    set_number(th, v, &of(o).emin, (MIN_EMIN, 0), "Emin is [MIN_EMIN, 0]")
}

fn set_switch(th: &mut Thread, value: Option<Borrowed<'_>>, field: &AtomicBool, name: &str) -> PyResult<()> {
    let value = to_be_set(th, value)?;
    match value.to_i64(th)? {
        n @ (0 | 1) => {
            // ORDERING Relaxed: see `Context`.
            field.store(n == 1, Ordering::Relaxed);
            Ok(())
        }
        _ => Err(th.value_error(&format!("valid values for {name} are 0 or 1"))),
    }
}

fn set_signals(th: &mut Thread, value: Option<Borrowed<'_>>, signals: &SignalDict) -> PyResult<()> {
    let value = to_be_set(th, value)?;
    let set = signals::read(th, value)?;
    // ORDERING Relaxed: see `Context`.
    signals.set.store(set, Ordering::Relaxed);
    Ok(())
}

/// As [`set_signals`], of a constructor's argument.
fn set_listed(th: &mut Thread, value: Option<Borrowed<'_>>, signals: &SignalDict) -> PyResult<()> {
    let value = to_be_set(th, value)?;
    let set = signals::read_list(th, value)?;
    // ORDERING Relaxed: see `Context`.
    signals.set.store(set, Ordering::Relaxed);
    Ok(())
}

/// A rounding mode given by its name. Errors: TypeError.
pub fn rounding(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Rounding> {
    let name = o.downcast::<Str>();
    if let Some(mode) = name.and_then(|name| Rounding::ALL.into_iter().find(|mode| name.is_text(mode.name())))
    {
        return Ok(mode);
    }
    Err(th.type_error(
        "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   ROUND_HALF_UP, \
         ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]",
    ))
}

fn get_rounding(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.intern(of(o).frame().rounding.name()))
}

fn set_rounding(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let v = to_be_set(th, v)?;
    let mode = rounding(th, v)?;
    // ORDERING Relaxed: see `Context`.
    of(o).rounding.store(mode as u8, Ordering::Relaxed);
    Ok(())
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let s = of(o).settings();
    let text = format!(
        "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags=[{}], traps=[{}])",
        s.prec,
        s.rounding.name(),
        s.emin,
        s.emax,
        u8::from(s.capitals),
        u8::from(s.clamp),
        signals::listed(s.flags),
        signals::listed(s.traps)
    );
    Ok(th.new_str(&text))
}

/// A copy, with its flags.
pub fn copy(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    of(o).settings().into_object(th)
}

/// `__reduce__`: the constructor's arguments.
pub fn reduce(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let s = of(o).settings();
    let list = |th: &mut Thread, set: u32| {
        let classes = signals::names(set).into_iter().map(|name| signals::class(th, name)).collect();
        th.new_list(classes)
    };
    let args = vec![
        th.new_int(s.prec),
        th.intern(s.rounding.name()),
        th.new_int(s.emin),
        th.new_int(s.emax),
        th.new_int(s.capitals.into()),
        th.new_int(s.clamp.into()),
        list(th, s.flags),
        list(th, s.traps),
    ];
    let args = th.new_tuple(args);
    Ok(th.new_tuple(vec![o.ty().as_value().to_owned(), args]))
}
