//! Dialects: what separates and surrounds the fields of a row.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::int;
use typhon_core::builtins::str::Str;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, GetSetDef, NativeDef, Owned, PyResult, Raised, Safety, Shared, Slots,
    Thread, Type, TypeDef, payload, type_flags, unborn,
};
use typhon_text::StrBuf;

use crate::args::{constructor, made, this};

/// Which fields are quoted, and what a reader makes of those that are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    Minimal = 0,
    All = 1,
    NonNumeric = 2,
    None = 3,
    Strings = 4,
    NotNull = 5,
}

impl Quoting {
    /// With the names of the module.
    pub const ALL: [(&str, Quoting); 6] = [
        ("QUOTE_MINIMAL", Quoting::Minimal),
        ("QUOTE_ALL", Quoting::All),
        ("QUOTE_NONNUMERIC", Quoting::NonNumeric),
        ("QUOTE_NONE", Quoting::None),
        ("QUOTE_STRINGS", Quoting::Strings),
        ("QUOTE_NOTNULL", Quoting::NotNull),
    ];
}

/// The parameters of a dialect, which never change.
pub struct Format {
    pub delimiter: u32,
    pub doublequote: bool,
    pub escapechar: Option<u32>,
    pub lineterminator: StrBuf,
    pub quotechar: Option<u32>,
    pub quoting: Quoting,
    pub skipinitialspace: bool,
    pub strict: bool,
}

payload! {
    /// `_csv.Dialect`
    pub struct Dialect: DIALECT {
        format: Data<Format>,
    }
}

impl Dialect {
    /// The parameters of an object that [`of_call`] made.
    pub fn format(o: Borrowed<'_>) -> &Format {
        &this::<Dialect>(o).format.0
    }
}

pub static DIALECT: TypeDef = TypeDef {
    module: "_csv",
    flags: type_flags::BASE | type_flags::GC,
    doc: "CSV dialect\n\nThe Dialect type records CSV dialect options.",
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[
        NativeDef::new("__reduce__", "($self, /)", |th, a| Err(not_pickled(th, a[0])), ""),
        NativeDef::new("__reduce_ex__", "($self, proto=0, /)", |th, a| Err(not_pickled(th, a[0])), ""),
    ],
    getset: &[
        GetSetDef::get("delimiter", |th, o| Ok(th.char_str(Dialect::format(o).delimiter))),
        GetSetDef::get("doublequote", |_, o| Ok(Owned::bool(Dialect::format(o).doublequote))),
        GetSetDef::get("escapechar", |th, o| Ok(optional(th, Dialect::format(o).escapechar))),
        GetSetDef::get("lineterminator", |th, o| {
            Ok(th.new_str_data(Dialect::format(o).lineterminator.data()))
        }),
        GetSetDef::get("quotechar", |th, o| Ok(optional(th, Dialect::format(o).quotechar))),
        GetSetDef::get("quoting", |th, o| Ok(th.new_int(Dialect::format(o).quoting as i64))),
        GetSetDef::get("skipinitialspace", |_, o| Ok(Owned::bool(Dialect::format(o).skipinitialspace))),
        GetSetDef::get("strict", |_, o| Ok(Owned::bool(Dialect::format(o).strict))),
    ],
    shared: Some(Shared::all(Safety::Constant)),
    ..TypeDef::of::<Dialect>("Dialect")
};

fn optional(th: &mut Thread, c: Option<u32>) -> Owned {
    c.map_or_else(Owned::none, |c| th.char_str(c))
}

#[cold]
fn not_pickled(th: &mut Thread, o: Borrowed<'_>) -> Raised {
    let msg = format!("cannot pickle '{}' instances", o.ty().short_name());
    th.type_error(&msg)
}

/// An int, but no instance of a subclass.
pub fn exact_int(o: Borrowed<'_>) -> bool {
    core::ptr::eq(o.ty(), int::DEF.ty())
}

const NAMES: [&str; 8] = [
    "delimiter",
    "doublequote",
    "escapechar",
    "lineterminator",
    "quotechar",
    "quoting",
    "skipinitialspace",
    "strict",
];

/// One value per name in [`NAMES`].
type Values = [Option<Owned>; NAMES.len()];

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    const SIG: &str = "(dialect=None, delimiter=',', doublequote=True, escapechar=None, lineterminator='\\r\\n', \
                       quotechar='\"', quoting=0, skipinitialspace=False, strict=False)";
    let a = constructor::<Dialect>(th, ty, SIG, args)?;
    let given = core::array::from_fn(|i| a.opt(i + 1).map(Borrowed::to_owned));
    make(th, ty, a.opt(0), given)
}

/// The dialect that arguments `dialect` and `**fmtparams` describe.
pub fn of_call(th: &mut Thread, dialect: Option<Borrowed<'_>>, fmtparams: Option<Borrowed<'_>>) -> PyResult {
    let mut given: Values = Default::default();
    for (name, value) in fmtparams.and_then(Borrowed::downcast::<Dict>).map(Dict::entries).unwrap_or_default()
    {
        let text = name.downcast::<Str>();
        match NAMES.iter().position(|n| text.is_some_and(|t| t.is_text(n))) {
            Some(i) => given[i] = Some(value),
            None => {
                let name = name.borrow().str_text(th)?;
                let msg = format!("this function got an unexpected keyword argument '{name}'");
                return Err(th.type_error(&msg));
            }
        }
    }
    make(th, DIALECT.ty(), dialect, given)
}

fn make(th: &mut Thread, ty: &Type, dialect: Option<Borrowed<'_>>, mut given: Values) -> PyResult {
    let dialect = match dialect.filter(|d| !d.is_none()) {
        Some(d) if d.downcast::<Str>().is_some() => Some(super::registered(th, d)?),
        d => d.map(Borrowed::to_owned),
    };
    if let Some(d) = &dialect {
        if d.downcast::<Dialect>().is_some() && given.iter().all(Option::is_none) {
            return Ok(d.clone());
        }
        for (value, name) in given.iter_mut().zip(NAMES).filter(|(value, _)| value.is_none()) {
            let name = th.intern(name);
            *value = d.borrow().getattr_opt(th, name.borrow())?;
        }
    }
    let format = format(th, &given)?;
    made(th, ty, Dialect { header: unborn(), format: Data(format) })
}

/// Errors: TypeError and ValueError for what cannot be a dialect.
fn format(th: &mut Thread, values: &Values) -> PyResult<Format> {
    let v: [Option<Borrowed<'_>>; NAMES.len()] =
        core::array::from_fn(|i| values[i].as_ref().map(Owned::borrow));
    let [delimiter, doublequote, escapechar, lineterminator, quotechar, quoting, skipinitialspace, strict] =
        v;
    let delimiter = match delimiter {
        Some(v) => character(th, v, "\"delimiter\" must be a unicode character")?,
        None => u32::from(b','),
    };
    let doublequote = flag(th, doublequote, true)?;
    let escapechar = match escapechar.filter(|v| !v.is_none()) {
        Some(v) => Some(character(th, v, "\"escapechar\" must be a unicode character or None")?),
        None => None,
    };
    let lineterminator = text(th, lineterminator)?;
    let quote = match quotechar {
        Some(v) if v.is_none() => None,
        Some(v) => Some(character(th, v, "\"quotechar\" must be a unicode character or None")?),
        None => Some(u32::from(b'"')),
    };
    let quoting = match quoting {
        Some(v) => mode(th, v)?,
        None if quote.is_none() => Quoting::None,
        None => Quoting::Minimal,
    };
    let skipinitialspace = flag(th, skipinitialspace, false)?;
    let strict = flag(th, strict, false)?;
    if quoting != Quoting::None && quote.is_none() {
        return Err(th.type_error("quotechar must be set if quoting enabled"));
    }
    let format = Format {
        delimiter,
        doublequote,
        escapechar,
        lineterminator,
        quotechar: quote,
        quoting,
        skipinitialspace,
        strict,
    };
    match conflict(&format) {
        Some(what) => Err(th.value_error(&format!("bad {what} value"))),
        None => Ok(format),
    }
}

/// Parameters that cannot be told from each other, or from a space or line end.
fn conflict(f: &Format) -> Option<String> {
    let chars = [("delimiter", Some(f.delimiter)), ("escapechar", f.escapechar), ("quotechar", f.quotechar)];
    let chars: Vec<(&str, u32)> = chars.into_iter().filter_map(|(name, c)| Some((name, c?))).collect();
    for (name, c) in &chars {
        let space = *c == u32::from(b' ') && f.skipinitialspace && *name != "delimiter";
        if is_break(*c) || space {
            return Some(name.to_string());
        }
    }
    for (i, (name, c)) in chars.iter().enumerate() {
        if let Some((other, _)) = chars[i + 1..].iter().find(|(_, d)| c == d) {
            return Some(format!("{name} or {other}"));
        }
    }
    let ends = f.lineterminator.data();
    let found = chars.iter().find(|(_, c)| ends.iter().any(|e| e == *c));
    found.map(|(name, _)| format!("{name} or lineterminator"))
}

/// `\r` or `\n`
#[inline]
pub fn is_break(c: u32) -> bool {
    c == u32::from(b'\r') || c == u32::from(b'\n')
}

fn flag(th: &mut Thread, v: Option<Borrowed<'_>>, default: bool) -> PyResult<bool> {
    v.map_or(Ok(default), |v| v.truth(th))
}

fn character(th: &mut Thread, v: Borrowed<'_>, expected: &str) -> PyResult<u32> {
    let got = match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => return Ok(s.data().get(0)),
        Some(s) => format!("a string of length {}", s.len()),
        None => v.type_name(th),
    };
    Err(th.type_error(&format!("{expected}, not {got}")))
}

fn text(th: &mut Thread, v: Option<Borrowed<'_>>) -> PyResult<StrBuf> {
    let mut out = StrBuf::new();
    match v {
        None => out.push_str("\r\n"),
        Some(v) => match v.downcast::<Str>() {
            Some(s) => out.push_data(s.data()),
            None => {
                let msg = format!("\"lineterminator\" must be a string, not {}", v.type_name(th));
                return Err(th.type_error(&msg));
            }
        },
    }
    Ok(out)
}

fn mode(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Quoting> {
    if !exact_int(v) {
        let msg = format!("\"quoting\" must be an integer, not {}", v.type_name(th));
        return Err(th.type_error(&msg));
    }
    let n = v.to_i64(th)?;
    match Quoting::ALL.iter().find(|(_, q)| *q as i64 == n) {
        Some((_, quoting)) => Ok(*quoting),
        None => Err(th.type_error("bad \"quoting\" value")),
    }
}
