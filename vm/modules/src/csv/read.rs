//! `reader`: rows out of lines.

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_core::builtins::float;
use typhon_core::builtins::str::Str;
use typhon_core::{
    Borrowed, GetSetDef, Owned, PyResult, Safety, Shared, Slot, Slots, Thread, TypeDef, payload, type_flags,
    unborn,
};
use typhon_text::{StrBuf, StrData, with_units};

use super::dialect::{self, Dialect, Format, Quoting, is_break};
use super::{FIELD_LIMIT, error};
use crate::args::{itself, this};
use crate::io::lock::IoLock;

payload! {
    /// `_csv.reader`
    pub struct Reader: READER {
        lines: Slot,
        dialect: Slot,
        /// Held for a whole row, also while the iterator runs Python code.
        lock: IoLock,
        line_num: AtomicUsize,
    }
}

pub static READER: TypeDef = TypeDef {
    module: "_csv",
    flags: type_flags::GC | type_flags::NO_NEW,
    doc: "CSV reader\n\nReader objects are responsible for reading and parsing tabular data\nin CSV format.",
    slots: Slots { iter: Some(itself), next: Some(next), ..Slots::NONE },
    getset: &[
        GetSetDef::get("dialect", |_, o| Ok(fixed(&this::<Reader>(o).dialect).to_owned())),
        GetSetDef::get("line_num", |th, o| {
            // ORDERING Relaxed: a number of its own.
            let n = this::<Reader>(o).line_num.load(Ordering::Relaxed);
            Ok(th.new_int(n as i64))
        }),
    ],
    shared: Some(
        Shared::but(Safety::Locked, &[(Safety::Constant, "__iter__ dialect"), (Safety::LockFree, "line_num")])
            .note("A thread reads a row as a whole, and others wait, also while the iterator runs Python code. One that asks \
                   its own reader for a row meanwhile gets an `Error`."),
    ),
    ..TypeDef::of::<Reader>("reader")
};

fn fixed(slot: &Slot) -> Borrowed<'_> {
    slot.fixed().unwrap_or(Borrowed::none())
}

pub fn new(
    th: &mut Thread,
    iterable: Borrowed<'_>,
    dialect: Option<Borrowed<'_>>,
    fmtparams: Option<Borrowed<'_>>,
) -> PyResult {
    let lines = Slot::new(iterable.iter(th)?);
    let dialect = Slot::new(dialect::of_call(th, dialect, fmtparams)?);
    let (lock, line_num) = (IoLock::new(), AtomicUsize::new(0));
    Ok(th.alloc(Reader { header: unborn(), lines, dialect, lock, line_num }))
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let reader: &Reader = this(o);
    if reader.lock.mine() {
        return Err(error(th, "iterator has already advanced the reader"));
    }
    let _guard = reader.lock.enter(th, o)?;
    let mut row = Row::new(Dialect::format(fixed(&reader.dialect)));
    while !row.is_complete {
        let Some(line) = fixed(&reader.lines).next(th)? else {
            if !row.is_begun() {
                return Ok(None);
            }
            row.end(th)?;
            break;
        };
        let Some(text) = line.downcast::<Str>() else {
            let msg = format!(
                "iterator should return strings, not {} (the file should be opened in text mode)",
                line.borrow().type_name(th)
            );
            return Err(error(th, &msg));
        };
        // ORDERING Relaxed: changed under the lock.
        reader.line_num.fetch_add(1, Ordering::Relaxed);
        row.line(th, text.data())?;
    }
    Ok(Some(th.new_list(row.fields)))
}

/// Where in a row the next character stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    RowStart,
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote in a quoted field: its end, or the first of two.
    Quote,
    /// Behind an escape character, outside quotes.
    Escaped,
    QuotedEscaped,
    /// Behind a line break that was escaped outside quotes.
    EscapedBreak,
    /// Behind the line break that ended the row.
    Break,
}

/// A row that is being read.
struct Row<'a> {
    format: &'a Format,
    place: Place,
    fields: Vec<Owned>,
    field: StrBuf,
    /// The present field began with a quote.
    is_quoted: bool,
    is_complete: bool,
}

impl<'a> Row<'a> {
    fn new(format: &'a Format) -> Row<'a> {
        Row {
            format,
            place: Place::RowStart,
            fields: Vec::new(),
            field: StrBuf::new(),
            is_quoted: false,
            is_complete: false,
        }
    }

    /// Is there something to return if no other line comes?
    fn is_begun(&self) -> bool {
        !self.field.is_empty() || self.place == Place::Quoted
    }

    fn line(&mut self, th: &mut Thread, line: StrData<'_>) -> PyResult<()> {
        let mut at = 0;
        while at < line.len() {
            let rest = line.slice(at, line.len());
            let run = match self.place {
                Place::Plain | Place::EscapedBreak => self.plain_run(rest),
                Place::Quoted => self.quoted_run(rest),
                _ => 0,
            };
            if run > 0 {
                self.place = if self.place == Place::Quoted { Place::Quoted } else { Place::Plain };
                self.add(th, rest.slice(0, run))?;
                at += run;
            } else {
                self.step(th, line.get(at))?;
                at += 1;
            }
        }
        self.line_end(th)
    }

    /// How many characters of an unquoted field mean nothing but themselves.
    fn plain_run(&self, text: StrData<'_>) -> usize {
        let f = self.format;
        let stop = |c: u32| c == f.delimiter || is_break(c) || Some(c) == f.escapechar;
        with_units!(text, units => units.iter().position(|u| stop(u32::from(*u))).unwrap_or(units.len()))
    }

    /// As [`Row::plain_run`], inside quotes.
    fn quoted_run(&self, text: StrData<'_>) -> usize {
        let f = self.format;
        let stop = |c: u32| Some(c) == f.quotechar || Some(c) == f.escapechar;
        with_units!(text, units => units.iter().position(|u| stop(u32::from(*u))).unwrap_or(units.len()))
    }

    fn step(&mut self, th: &mut Thread, c: u32) -> PyResult<()> {
        let f = self.format;
        let is_quote = Some(c) == f.quotechar && f.quoting != Quoting::None;
        match self.place {
            Place::RowStart if is_break(c) => self.place = Place::Break,
            Place::RowStart | Place::FieldStart => {
                if is_break(c) {
                    self.save(th)?;
                    self.place = Place::Break;
                } else if is_quote {
                    self.is_quoted = true;
                    self.place = Place::Quoted;
                } else if Some(c) == f.escapechar {
                    self.place = Place::Escaped;
                } else if c == u32::from(b' ') && f.skipinitialspace {
                    self.place = Place::FieldStart;
                } else if c == f.delimiter {
                    self.save(th)?;
                } else {
                    self.place = Place::Plain;
                    self.add_one(th, c)?;
                }
            }
            Place::Plain | Place::EscapedBreak => {
                if is_break(c) {
                    self.save(th)?;
                    self.place = Place::Break;
                } else if Some(c) == f.escapechar {
                    self.place = Place::Escaped;
                } else if c == f.delimiter {
                    self.save(th)?;
                } else {
                    self.place = Place::Plain;
                    self.add_one(th, c)?;
                }
            }
            Place::Quoted => {
                if Some(c) == f.escapechar {
                    self.place = Place::QuotedEscaped;
                } else if is_quote {
                    self.place = if f.doublequote { Place::Quote } else { Place::Plain };
                } else {
                    self.add_one(th, c)?;
                }
            }
            Place::Quote => {
                if is_quote {
                    self.place = Place::Quoted;
                    self.add_one(th, c)?;
                } else if c == f.delimiter {
                    self.save(th)?;
                } else if is_break(c) {
                    self.save(th)?;
                    self.place = Place::Break;
                } else if !f.strict {
                    self.place = Place::Plain;
                    self.add_one(th, c)?;
                } else {
                    let shown = |c: u32| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER);
                    let (delimiter, quote) = (shown(f.delimiter), f.quotechar.map_or('"', shown));
                    return Err(error(th, &format!("'{delimiter}' expected after '{quote}'")));
                }
            }
            Place::Escaped => {
                self.place = if is_break(c) { Place::EscapedBreak } else { Place::Plain };
                self.add_one(th, c)?;
            }
            Place::QuotedEscaped => {
                self.place = Place::Quoted;
                self.add_one(th, c)?;
            }
            Place::Break if is_break(c) => {}
            Place::Break => {
                return Err(error(
                    th,
                    "new-line character seen in unquoted field - do you need to open the file with newline=''?",
                ));
            }
        }
        Ok(())
    }

    /// The end of what the iterator gave at once.
    fn line_end(&mut self, th: &mut Thread) -> PyResult<()> {
        match self.place {
            Place::RowStart | Place::Break => self.is_complete = true,
            Place::FieldStart | Place::Plain | Place::Quote => {
                self.save(th)?;
                self.is_complete = true;
            }
            Place::Escaped | Place::QuotedEscaped => {
                let quoted = self.place == Place::QuotedEscaped;
                self.place = if quoted { Place::Quoted } else { Place::Plain };
                self.add_one(th, u32::from(b'\n'))?;
            }
            Place::Quoted | Place::EscapedBreak => {}
        }
        Ok(())
    }

    /// The end of all lines, inside a field.
    fn end(&mut self, th: &mut Thread) -> PyResult<()> {
        if self.format.strict {
            return Err(error(th, "unexpected end of data"));
        }
        self.save(th)
    }

    fn add_one(&mut self, th: &mut Thread, c: u32) -> PyResult<()> {
        self.add(th, StrData::Four(&[c]))
    }

    fn add(&mut self, th: &mut Thread, text: StrData<'_>) -> PyResult<()> {
        // ORDERING Relaxed: a number of its own.
        let limit = FIELD_LIMIT.load(Ordering::Relaxed);
        if (self.field.len() + text.len()) as i64 > limit {
            return Err(error(th, &format!("field larger than field limit ({limit})")));
        }
        self.field.push_data(text);
        Ok(())
    }

    /// Ends the present field; the next one begins.
    fn save(&mut self, th: &mut Thread) -> PyResult<()> {
        let (empty, plain) = (self.field.is_empty(), !self.is_quoted);
        let value = match self.format.quoting {
            Quoting::Strings | Quoting::NotNull if plain && empty => Owned::none(),
            Quoting::Strings | Quoting::NonNumeric if plain && !empty => {
                let text = th.new_str_data(self.field.data());
                float::DEF.ty().as_value().call(th, &[text.borrow()])?
            }
            _ => th.new_str_data(self.field.data()),
        };
        self.fields.push(value);
        self.field.clear();
        self.is_quoted = false;
        self.place = Place::FieldStart;
        Ok(())
    }
}
