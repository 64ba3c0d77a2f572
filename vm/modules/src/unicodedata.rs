//! `unicodedata`: the Unicode Character Database, and the one of Unicode 3.2 that IDNA needs.

use rustpython_unicode::data::{self, LookupResult, Ucd};
use rustpython_unicode::normalize::{self, NormalizeForm};
use rustpython_wtf8::{CodePoint, Wtf8Buf};
use typhon_core::builtins::str::Str;
use typhon_core::{
    ArgsExt, Borrowed, Data, ModuleDef, NativeDef, Owned, PyResult, Thread, TypeDef, payload, type_flags,
    unborn,
};
use typhon_text::StrBuf;

use crate::args::this;
use crate::support::ModuleExt;

payload! {
    /// `unicodedata.UCD`: a database of one version.
    pub struct Database: UCD {
        ucd: Data<Ucd>,
    }
}

const MODERN: Ucd = Ucd::new(true);

/// The functions of the module, which are the methods of `UCD` too.
macro_rules! both {
    ($($name:literal, $parameters:literal, $f:path, $doc:literal;)*) => {
        const FUNCTIONS: &[NativeDef] = &[$(
            NativeDef::new($name, concat!("($module, ", $parameters, ")"), |th, a| $f(th, $name, MODERN, a), $doc)
        ),*];
        const METHODS: &[NativeDef] = &[$(
            NativeDef::new(
                $name,
                concat!("($self, ", $parameters, ")"),
                |th, a| $f(th, $name, this::<Database>(a[0]).ucd.0, &a[1..]),
                $doc,
            )
        ),*];
    };
}

both! {
    "bidirectional", "chr, /", bidirectional,
        "The bidirectional class of a character, as a string; empty if none is defined.";
    "category", "chr, /", category, "The general category of a character, as a string.";
    "combining", "chr, /", combining, "The canonical combining class of a character; 0 if none is defined.";
    "decimal", "chr, default=<unrepresentable>, /", decimal,
        "The value of a decimal character, as an int.\n\nWithout a default, ValueError is raised for other characters.";
    "decomposition", "chr, /", decomposition,
        "The decomposition mapping of a character, as a string; empty if none is defined.";
    "digit", "chr, default=<unrepresentable>, /", digit,
        "The value of a digit character, as an int.\n\nWithout a default, ValueError is raised for other characters.";
    "east_asian_width", "chr, /", east_asian_width, "The east asian width of a character, as a string.";
    "is_normalized", "form, unistr, /", is_normalized,
        "Is the string in normal form 'form': 'NFC', 'NFKC', 'NFD' or 'NFKD'?";
    "lookup", "name, /", lookup, "The character with this name.\n\nRaises KeyError if there is none.";
    "mirrored", "chr, /", mirrored, "1 if the character is a mirrored one in bidirectional text, else 0.";
    "name", "chr, default=<unrepresentable>, /", name,
        "The name of a character.\n\nWithout a default, ValueError is raised for characters that have none.";
    "normalize", "form, unistr, /", normalize_text,
        "The string in normal form 'form': 'NFC', 'NFKC', 'NFD' or 'NFKD'.";
    "numeric", "chr, default=<unrepresentable>, /", numeric,
        "The numeric value of a character, as a float.\n\nWithout a default, ValueError is raised for other characters.";
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "unicodedata",
    doc: "Access to the Unicode Character Database, and to that of Unicode 3.2.0 as ucd_3_2_0.",
    functions: FUNCTIONS,
    types: &[&UCD],
    setup: Some(|th, module| {
        let version = th.new_str(&MODERN.unidata_version());
        module.add(th, "unidata_version", version)?;
        let old = th.alloc(Database { header: unborn(), ucd: Data(Ucd::new(false)) });
        module.add(th, "ucd_3_2_0", old)
    }),
};

pub static UCD: TypeDef = TypeDef {
    module: "unicodedata",
    flags: type_flags::NO_NEW,
    methods: METHODS,
    getset: &[typhon_core::GetSetDef::get("unidata_version", |th, o| {
        let version = this::<Database>(o).ucd.0.unidata_version();
        Ok(th.new_str(&version))
    })],
    ..TypeDef::of::<Database>("UCD")
};

/// The argument `chr`. Errors: TypeError if it is no str of one character.
fn character(th: &mut Thread, function: &str, v: Borrowed<'_>) -> PyResult<CodePoint> {
    let msg = match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => {
            return Ok(CodePoint::from_u32(s.data().get(0)).expect("strs hold code points"));
        }
        Some(s) => {
            format!("{function}(): argument must be a unicode character, not a string of length {}", s.len())
        }
        None => format!("{function}() argument must be a unicode character, not {}", v.type_name(th)),
    };
    Err(th.type_error(&msg))
}

fn bidirectional(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let c = character(th, me, a[0])?;
    Ok(th.new_str(ucd.bidirectional(c)))
}

fn category(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let c = character(th, me, a[0])?;
    Ok(th.new_str(ucd.category(c)))
}

fn combining(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let c = character(th, me, a[0])?;
    Ok(th.new_int(ucd.combining(c).into()))
}

fn decomposition(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let c = character(th, me, a[0])?;
    Ok(th.new_str(&ucd.decomposition(c)))
}

fn east_asian_width(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let c = character(th, me, a[0])?;
    Ok(th.new_str(ucd.east_asian_width(c)))
}

fn mirrored(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let c = character(th, me, a[0])?;
    Ok(th.new_int(ucd.mirrored(c).into()))
}

/// What a character has, else the second argument. Errors: ValueError without one.
fn or_default(th: &mut Thread, found: Option<Owned>, a: &[Borrowed<'_>], what: &str) -> PyResult {
    match (found, a.opt(1)) {
        (Some(v), _) => Ok(v),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(th.value_error(what)),
    }
}

fn decimal(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let found = ucd.decimal(character(th, me, a[0])?).map(|n| th.new_int(n as i64));
    or_default(th, found, a, "not a decimal")
}

fn digit(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let found = ucd.digit(character(th, me, a[0])?).map(|n| th.new_int(n as i64));
    or_default(th, found, a, "not a digit")
}

fn numeric(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let found = ucd.numeric(character(th, me, a[0])?).map(|x| th.new_float(x));
    or_default(th, found, a, "not a numeric character")
}

fn name(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let c = character(th, me, a[0])?.to_char().filter(|c| ucd.membership(*c));
    let found = c.and_then(data::character_name).map(|name| th.new_str(&name));
    or_default(th, found, a, "no such name")
}

fn lookup(th: &mut Thread, _: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let Some(name) = a[0].downcast::<Str>().map(Str::to_text) else {
        let msg = format!("lookup() argument must be str, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    match ucd.lookup(&name) {
        Some(LookupResult::Character(c)) => Ok(th.char_str(c.into())),
        Some(LookupResult::Sequence(text)) => Ok(th.new_str(text)),
        None => {
            let msg = th.new_str(&format!("undefined character name '{name}'"));
            Err(th.raise_value(&typhon_core::builtins::exceptions::KEY_ERROR, msg))
        }
    }
}

/// The arguments of `normalize` and `is_normalized`. Errors: TypeError, ValueError.
fn form_and_text<'a>(th: &mut Thread, me: &str, a: &[Borrowed<'a>]) -> PyResult<(NormalizeForm, &'a Str)> {
    for (i, v) in a.iter().enumerate() {
        if v.downcast::<Str>().is_none() {
            let msg = format!("{me}() argument {} must be str, not {}", i + 1, v.type_name(th));
            return Err(th.type_error(&msg));
        }
    }
    let form = a[0].downcast::<Str>().and_then(|form| form.to_text().parse().ok());
    match (form, a[1].downcast::<Str>()) {
        (Some(form), Some(text)) => Ok((form, text)),
        _ => Err(th.value_error("invalid normalization form")),
    }
}

/// The text in runs: characters that the database knows, which are normalised, and others, which are not.
fn runs(ucd: Ucd, text: &Str) -> Vec<(bool, Wtf8Buf)> {
    let mut runs: Vec<(bool, Wtf8Buf)> = Vec::new();
    for point in text.data().iter() {
        let c = CodePoint::from_u32(point).expect("strs hold code points");
        let known = c.to_char().is_none_or(|c| ucd.membership(c));
        match runs.last_mut() {
            Some((of, run)) if *of == known => run.push(c),
            _ => runs.push((known, std::iter::once(c).collect())),
        }
    }
    runs
}

fn normalize_text(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let (form, text) = form_and_text(th, me, a)?;
    if text.is_ascii() {
        return Ok(text.to_exact(th));
    }
    let mut out = StrBuf::new();
    for (known, run) in runs(ucd, text) {
        let run = if known { normalize::normalize(form, &run) } else { run };
        run.code_points().for_each(|c| out.push(c.to_u32()));
    }
    Ok(th.new_str_buf(out))
}

fn is_normalized(th: &mut Thread, me: &str, ucd: Ucd, a: &[Borrowed<'_>]) -> PyResult {
    let (form, text) = form_and_text(th, me, a)?;
    let normal = text.is_ascii()
        || runs(ucd, text).iter().all(|(known, run)| !known || normalize::is_normalized(form, run));
    Ok(Owned::bool(normal))
}
