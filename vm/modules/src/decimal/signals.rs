//! Signals as exception classes, and the mapping from signals to whether they are set that a context shows.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::list::List;
use typhon_core::{
    Borrowed, CompareOp, NativeDef, Owned, PyResult, Raised, Slots, Thread, TypeDef, payload, type_flags,
    unborn,
};
use typhon_sync::prim::{AtomicU32, Ordering};

use super::condition as c;
use crate::args::{made, this};
use crate::support::ModuleExt;

/// One condition, and the class that stands for it.
struct Condition {
    name: &'static str,
    bit: u32,
    /// Name of the base, and another one.
    base: &'static str,
    other: Option<&'static TypeDef>,
}

const BASE: &str = "DecimalException";

const fn condition(name: &'static str, bit: u32, base: &'static str) -> Condition {
    Condition { name, bit, base, other: None }
}

const fn also(other: &'static TypeDef, condition: Condition) -> Condition {
    Condition { other: Some(other), ..condition }
}

/// Every condition; those that are no signals behind the one that they raise, the others behind their bases.
static CONDITIONS: [Condition; 13] = [
    condition("InvalidOperation", c::INVALID_OPERATION, BASE),
    condition("ConversionSyntax", c::CONVERSION_SYNTAX, "InvalidOperation"),
    condition("DivisionImpossible", c::DIVISION_IMPOSSIBLE, "InvalidOperation"),
    also(&ex::ZERO_DIVISION_ERROR, condition("DivisionUndefined", c::DIVISION_UNDEFINED, "InvalidOperation")),
    condition("InvalidContext", c::INVALID_CONTEXT, "InvalidOperation"),
    also(&ex::TYPE_ERROR, condition("FloatOperation", c::FLOAT_OPERATION, BASE)),
    also(&ex::ZERO_DIVISION_ERROR, condition("DivisionByZero", c::DIVISION_BY_ZERO, BASE)),
    condition("Inexact", c::INEXACT, BASE),
    condition("Rounded", c::ROUNDED, BASE),
    condition("Subnormal", c::SUBNORMAL, BASE),
    condition("Clamped", c::CLAMPED, BASE),
    condition("Overflow", c::OVERFLOW, "Inexact, Rounded"),
    condition("Underflow", c::UNDERFLOW, "Inexact, Rounded, Subnormal"),
];

/// The signals in the order in which a context shows them, which is also that of their precedence.
const ORDER: [&str; 9] = [
    "InvalidOperation",
    "FloatOperation",
    "DivisionByZero",
    "Overflow",
    "Underflow",
    "Subnormal",
    "Inexact",
    "Rounded",
    "Clamped",
];

/// Signals in their order, with their bits.
pub fn all() -> impl Iterator<Item = (&'static str, u32)> {
    ORDER.iter().filter_map(|&name| CONDITIONS.iter().find(|c| c.name == name).map(|c| (name, c.bit)))
}

/// Names of the signals in a set.
pub fn names(set: u32) -> Vec<&'static str> {
    all().filter(|&(_, bit)| set & bit != 0).map(|(name, _)| name).collect()
}

/// As [`names`], in the order in which the text of a context lists them.
pub fn listed(set: u32) -> String {
    const ORDER: [&str; 9] = [
        "Clamped",
        "InvalidOperation",
        "DivisionByZero",
        "Inexact",
        "FloatOperation",
        "Overflow",
        "Rounded",
        "Subnormal",
        "Underflow",
    ];
    let names = names(set);
    ORDER.into_iter().filter(|name| names.contains(name)).collect::<Vec<_>>().join(", ")
}

/// The class of a condition.
pub fn class(th: &mut Thread, name: &'static str) -> Owned {
    let classes = th.rt.stored("decimal.classes").expect("stored when the module was made");
    let name = th.intern(name);
    classes.payload::<Dict>().get_interned(name.word()).expect("every condition has a class")
}

/// Makes the classes and adds them to the module.
pub fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    let classes = th.new_dict();
    let add = |th: &mut Thread, name: &'static str, bases: Vec<Owned>| -> PyResult<()> {
        let class = make_class(th, name, bases)?;
        let key = th.intern(name);
        classes.payload::<Dict>().set(th, key.borrow(), class.clone())?;
        m.add(th, name, class)
    };
    add(th, BASE, vec![ex::ARITHMETIC_ERROR.ty().as_value().to_owned()])?;
    for condition in &CONDITIONS {
        let mut bases = Vec::new();
        for base in condition.base.split(", ") {
            let base = th.intern(base);
            bases.extend(classes.payload::<Dict>().get_interned(base.word()));
        }
        bases.extend(condition.other.map(|def| def.ty().as_value().to_owned()));
        add(th, condition.name, bases)?;
    }
    drop(th.rt.store("decimal.classes", classes));
    let mapping = crate::support::import_attr(th, "collections.abc", "MutableMapping")?;
    let bases = vec![SIGNAL_DICT.ty().as_value().to_owned(), mapping];
    let class = make_class(th, "SignalDict", bases)?;
    drop(th.rt.store("decimal.SignalDict", class));
    Ok(())
}

fn make_class(th: &mut Thread, name: &str, bases: Vec<Owned>) -> PyResult {
    let class = typhon_core::builtins::type_::DEF.ty().as_value();
    let text = th.new_str(name);
    let bases = th.new_tuple(bases);
    let namespace = th.new_dict();
    let (key, module) = (th.rt.names.__module__.get(), th.new_str("decimal"));
    namespace.payload::<Dict>().set(th, key, module)?;
    class.call(th, &[text.borrow(), bases.borrow(), namespace.borrow()])
}

/// Raises the exception of the first of some trapped conditions; its argument lists all of them.
#[cold]
pub fn raise(th: &mut Thread, conditions: u32) -> Raised {
    let Some((first, _)) = all().find(|&(_, bit)| c::signals(conditions) & bit != 0) else {
        return th.runtime_error("no decimal signal to raise");
    };
    let shown = CONDITIONS[..5].iter().map(|c| (c.name, c.bit)).chain(all().skip(1));
    let met: Vec<&'static str> =
        shown.filter(|(_, bit)| conditions & bit != 0).map(|(name, _)| name).collect();
    let list = met.into_iter().map(|name| class(th, name)).collect();
    let (class, list) = (class(th, first), th.new_list(list));
    match class.borrow().call(th, &[list.borrow()]) {
        Ok(exc) => th.throw(exc),
        Err(raised) => raised,
    }
}

/// The bit of a signal given as its class. Errors: KeyError.
fn bit_of(th: &mut Thread, key: Borrowed<'_>) -> PyResult<u32> {
    for (name, bit) in all() {
        if class(th, name).word().is(key.word()) {
            return Ok(bit);
        }
    }
    let msg = format!("valid values for signals are:\n  [{}]", ORDER.join(", "));
    Err(th.raise(&ex::KEY_ERROR, &msg))
}

/// A set of signals given as a list of them, or as [`read`] takes it.
pub fn read_list(th: &mut Thread, given: Borrowed<'_>) -> PyResult<u32> {
    let mut set = 0;
    if given.downcast::<List>().is_some() {
        for key in given.to_vec(th)? {
            set |= bit_of(th, key.borrow())?;
        }
        return Ok(set);
    }
    read(th, given)
}

/// A set of signals given as a mapping from every one of them. Errors: TypeError, KeyError.
pub fn read(th: &mut Thread, given: Borrowed<'_>) -> PyResult<u32> {
    if let Some(signals) = given.downcast::<SignalDict>() {
        return Ok(signals.bits());
    }
    if given.downcast::<Dict>().is_none() {
        return Err(th.type_error("argument must be a signal dict"));
    }
    let mut set = 0;
    if given.len(th)? != ORDER.len() {
        return Err(th.raise(&ex::KEY_ERROR, "invalid signal dict"));
    }
    for (name, bit) in all() {
        let key = class(th, name);
        let set_here = match given.getitem(th, key.borrow()) {
            Ok(v) => v.borrow().truth(th)?,
            Err(raised) => {
                drop(th.catch(raised));
                return Err(th.raise(&ex::KEY_ERROR, "invalid signal dict"));
            }
        };
        set |= if set_here { bit } else { 0 };
    }
    Ok(set)
}

payload! {
    /// What `context.flags` and `context.traps` are: a mapping from each signal to whether it is set. The class derives
    /// from this type and from `MutableMapping`, which has the other methods.
    pub struct SignalDict: SIGNAL_DICT {
        /// Any thread may set and clear bits; each is valid by itself.
        pub set: AtomicU32,
    }
}

pub static SIGNAL_DICT: TypeDef = TypeDef {
    module: "decimal",
    flags: type_flags::MAPPING | type_flags::NO_NEW | type_flags::BASE,
    slots: Slots {
        repr: Some(repr),
        compare: Some(compare),
        hash: Some(|th, _| Err(th.type_error("unhashable type: 'decimal.SignalDict'"))),
        len: Some(|_, _| Ok(ORDER.len())),
        iter: Some(|th, _| {
            let keys = all().map(|(name, _)| name).collect::<Vec<_>>();
            let keys = keys.into_iter().map(|name| class(th, name)).collect();
            let keys = th.new_tuple(keys);
            keys.borrow().iter(th)
        }),
        getitem: Some(|th, o, key| {
            let bit = bit_of(th, key)?;
            Ok(Owned::bool(this::<SignalDict>(o).bits() & bit != 0))
        }),
        setitem: Some(setitem),
        contains: Some(|th, _, key| match bit_of(th, key) {
            Ok(_) => Ok(true),
            Err(raised) => {
                drop(th.catch(raised));
                Ok(false)
            }
        }),
        ..Slots::NONE
    },
    methods: &[NativeDef::new(
        "copy",
        "($self, /)",
        |th, a| this::<SignalDict>(a[0]).to_dict(th),
        "A dict with the same content.",
    )],
    ..TypeDef::of::<SignalDict>("SignalDictMixin")
};

impl SignalDict {
    /// A mapping with these signals set.
    pub fn new(th: &mut Thread, set: u32) -> PyResult {
        let class = th.rt.stored("decimal.SignalDict").expect("stored when the module was made");
        made(th, class.payload(), SignalDict { header: unborn(), set: AtomicU32::new(set) })
    }

    pub fn bits(&self) -> u32 {
        // ORDERING Relaxed: a set of bits that is valid by itself.
        self.set.load(Ordering::Relaxed)
    }

    fn to_dict(&self, th: &mut Thread) -> PyResult {
        let dict = th.new_dict();
        let bits = self.bits();
        for (name, bit) in all() {
            let key = class(th, name);
            dict.payload::<Dict>().set(th, key.borrow(), Owned::bool(bits & bit != 0))?;
        }
        Ok(dict)
    }
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let bits = this::<SignalDict>(o).bits();
    let shown = |bit| if bits & bit != 0 { "True" } else { "False" };
    let items: Vec<String> =
        all().map(|(name, bit)| format!("<class 'decimal.{name}'>:{}", shown(bit))).collect();
    Ok(th.new_str(&format!("{{{}}}", items.join(", "))))
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Owned::not_implemented());
    }
    let mine: &SignalDict = this(a);
    let other = if let Some(other) = b.downcast::<SignalDict>() {
        other.bits()
    } else if b.downcast::<Dict>().is_some() {
        match read(th, b) {
            Ok(bits) => bits,
            Err(raised) => {
                drop(th.catch(raised));
                return Ok(Owned::not_implemented());
            }
        }
    } else {
        return Ok(Owned::not_implemented());
    };
    Ok(Owned::bool((mine.bits() == other) == (op == CompareOp::Eq)))
}

fn setitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>, value: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(value) = value else {
        return Err(th.value_error("signal keys cannot be deleted"));
    };
    let bit = bit_of(th, key)?;
    let on = value.truth(th)?;
    let set = &this::<SignalDict>(o).set;
    // ORDERING Relaxed: as in `bits`; other bits may change at the same time.
    if on {
        set.fetch_or(bit, Ordering::Relaxed)
    } else {
        set.fetch_and(!bit, Ordering::Relaxed)
    };
    Ok(())
}
