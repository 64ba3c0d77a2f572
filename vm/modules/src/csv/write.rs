//! `writer`: lines out of rows.

use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::{
    Borrowed, GetSetDef, NativeDef, Owned, PyResult, Safety, Shared, Slot, Slots, Thread, TypeDef, payload,
    type_flags, unborn,
};
use typhon_text::{StrBuf, StrData};

use super::dialect::{self, Dialect, Format, Quoting, is_break};
use super::error;
use crate::args::this;

payload! {
    /// `_csv.writer`
    pub struct Writer: WRITER {
        /// The bound method of the file.
        write: Slot,
        dialect: Slot,
    }
}

pub static WRITER: TypeDef = TypeDef {
    module: "_csv",
    flags: type_flags::GC | type_flags::NO_NEW,
    doc: "CSV writer\n\nWriter objects are responsible for generating tabular data\nin CSV format from sequence input.",
    slots: Slots::NONE,
    methods: &[
        NativeDef::new(
            "writerow",
            "($self, row, /)",
            |th, a| row(th, this(a[0]), a[1]),
            "Construct and write a CSV record from an iterable of fields.\n\nNon-string elements will be converted to \
             string.",
        ),
        NativeDef::new(
            "writerows",
            "($self, rows, /)",
            |th, a| {
                let rows = a[1].iter(th)?;
                while let Some(fields) = rows.borrow().next(th)? {
                    row(th, this(a[0]), fields.borrow())?;
                }
                Ok(Owned::none())
            },
            "Construct and write a series of iterables to a csv file.\n\nNon-string elements will be converted to \
             string.",
        ),
    ],
    getset: &[GetSetDef::get("dialect", |_, o| Ok(fixed(&this::<Writer>(o).dialect).to_owned()))],
    shared: Some(
        Shared::but(Safety::Steps, &[(Safety::Constant, "dialect")])
            .note("A row is made by one thread, and written with one call of the file's `write`."),
    ),
    ..TypeDef::of::<Writer>("writer")
};

fn fixed(slot: &Slot) -> Borrowed<'_> {
    slot.fixed().unwrap_or(Borrowed::none())
}

pub fn new(
    th: &mut Thread,
    file: Borrowed<'_>,
    dialect: Option<Borrowed<'_>>,
    fmtparams: Option<Borrowed<'_>>,
) -> PyResult {
    let dialect = Slot::new(dialect::of_call(th, dialect, fmtparams)?);
    let name = th.intern("write");
    let Some(write) = file.getattr_opt(th, name.borrow())?.filter(|w| w.borrow().is_callable()) else {
        return Err(th.type_error("argument 1 must have a \"write\" method"));
    };
    Ok(th.alloc(Writer { header: unborn(), write: Slot::new(write), dialect }))
}

fn row(th: &mut Thread, writer: &Writer, fields: Borrowed<'_>) -> PyResult {
    let f = Dialect::format(fixed(&writer.dialect));
    let iterator = fields.iter(th);
    let Some(fields) = th.absorb(iterator, &ex::TYPE_ERROR)? else {
        let msg = format!("iterable expected, not {}", fields.type_name(th));
        return Err(error(th, &msg));
    };
    let mut line = StrBuf::new();
    let (mut n_fields, mut ends_with_null) = (0, false);
    while let Some(field) = fields.borrow().next(th)? {
        if n_fields > 0 {
            line.push(f.delimiter);
        }
        n_fields += 1;
        ends_with_null = field.is_none();
        append(th, f, &mut line, field.borrow())?;
    }
    // A row with one empty field must not look like one without any.
    if n_fields == 1 && line.is_empty() {
        if f.quoting == Quoting::None || ends_with_null && is_null_plain(f) {
            return Err(error(th, "single empty field record must be quoted"));
        }
        let quote = f.quotechar.unwrap_or(u32::from(b'"'));
        line.push_repeated(quote, 2);
    }
    line.push_data(f.lineterminator.data());
    let line = th.new_str_data(line.data());
    fixed(&writer.write).call(th, &[line.borrow()])
}

/// Does nothing at all stand for None, and quotes for the empty string?
fn is_null_plain(f: &Format) -> bool {
    matches!(f.quoting, Quoting::Strings | Quoting::NotNull)
}

fn append(th: &mut Thread, f: &Format, line: &mut StrBuf, field: Borrowed<'_>) -> PyResult<()> {
    let quoted = match f.quoting {
        Quoting::All => true,
        Quoting::NonNumeric => !is_number(field),
        Quoting::Strings => field.downcast::<Str>().is_some(),
        Quoting::NotNull => !field.is_none(),
        Quoting::Minimal | Quoting::None => false,
    };
    let converted;
    let text = if let Some(s) = field.downcast::<Str>() {
        s.data()
    } else if field.is_none() {
        StrData::EMPTY
    } else {
        converted = field.str(th)?;
        converted.payload::<Str>().data()
    };
    // Without quotes, a reader of this dialect would take the next delimiter for spaces to be skipped.
    let mut quoted = quoted;
    if text.is_empty() && f.delimiter == u32::from(b' ') && f.skipinitialspace {
        if f.quoting == Quoting::None || field.is_none() && is_null_plain(f) {
            return Err(error(
                th,
                "empty field must be quoted if delimiter is a space and skipinitialspace is true",
            ));
        }
        quoted = true;
    }
    let ends = f.lineterminator.data();
    let special = |c: u32| {
        c == f.delimiter
            || Some(c) == f.escapechar
            || Some(c) == f.quotechar
            || is_break(c)
            || ends.iter().any(|e| e == c)
    };
    if !text.iter().any(special) {
        surround(f, line, quoted, |line| line.push_data(text));
        return Ok(());
    }
    let mut body = StrBuf::new();
    for c in text.iter() {
        let mut escape = false;
        if special(c) {
            if f.quoting == Quoting::None || Some(c) == f.escapechar {
                escape = true;
            } else if Some(c) == f.quotechar && f.doublequote {
                body.push(c);
                quoted = true;
            } else if Some(c) == f.quotechar {
                escape = true;
            } else {
                quoted = true;
            }
        }
        if escape {
            match f.escapechar {
                Some(e) => body.push(e),
                None => return Err(error(th, "need to escape, but no escapechar set")),
            }
        }
        body.push(c);
    }
    surround(f, line, quoted, |line| line.push_data(body.data()));
    Ok(())
}

fn surround(f: &Format, line: &mut StrBuf, quoted: bool, body: impl FnOnce(&mut StrBuf)) {
    match f.quotechar.filter(|_| quoted) {
        Some(quote) => {
            line.push(quote);
            body(line);
            line.push(quote);
        }
        None => body(line),
    }
}

/// Does the object convert to a number?
fn is_number(o: Borrowed<'_>) -> bool {
    let slots = &o.ty().slots;
    slots.index().is_some()
        || slots.int().is_some()
        || slots.float().is_some()
        || o.downcast::<typhon_core::builtins::complex::Complex>().is_some()
}
