//! `/tmp/perf-PID.map`: which name a trampoline stands for.

use core::fmt::Write as _;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use typhon_sync::prim::{AtomicBool, Ordering};

use typhon_sync::prim::{Mutex, lock};

use super::position::nested;
use super::trampoline::{SIZE, Stock};
use crate::builtins::str::Str;
use crate::code::CodeObject;
use crate::interp::machine::Handler;
use crate::interp::tables::Positions;
use crate::object::Slot;

/// Words of linked code that belong to one name.
pub struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) trampoline: Handler,
}

/// The trampolines of a code object.
#[derive(Default)]
pub struct Spans {
    /// Address of the first word.
    first: usize,
    /// For each word the number of its span.
    of_word: Box<[u32]>,
    list: Box<[Span]>,
}

impl Spans {
    /// The span of the unit in front of `pc`.
    #[inline(always)]
    pub(super) fn at(&self, pc: *const u64) -> Option<&Span> {
        let word = (pc as usize).wrapping_sub(self.first) / size_of::<u64>();
        self.list.get(*self.of_word.get(word.wrapping_sub(1))? as usize)
    }
}

struct Map {
    /// Each line has a name, not each function.
    lines: bool,
    stock: Stock,
    file: File,
    /// What stands in the file.
    text: String,
    /// That something went wrong was said.
    has_failed: bool,
}

static MAP: Mutex<Option<Map>> = Mutex::new(None);
static ON: AtomicBool = AtomicBool::new(false);

pub(super) fn is_on() -> bool {
    // ORDERING Relaxed: set before there are other threads.
    ON.load(Ordering::Relaxed)
}

/// Makes the file, and the first trampolines so that it is known early whether that can be done.
///
/// Errors: what cannot be done, and why.
pub(super) fn start(lines: bool) -> Result<(), String> {
    let file = create()?;
    let mut stock = Stock::default();
    stock.take(nested).map_err(refused)?;
    *lock(&MAP) = Some(Map { lines, stock, file, text: String::new(), has_failed: false });
    // ORDERING Relaxed: there is one thread.
    ON.store(true, Ordering::Relaxed);
    Ok(())
}

fn refused(e: std::io::Error) -> String {
    format!("the system gives no executable memory: {e}")
}

/// The file of this process. It is not read by whoever follows a link that somebody else put there.
fn create() -> Result<File, String> {
    let path = format!("/tmp/perf-{}.map", std::process::id());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options.open(&path).map_err(|e| format!("cannot write {path}: {e}"))
}

/// In the child of a fork: a file of its own. Nobody linked code while the world was stopped.
pub(super) fn after_fork() {
    let mut map = lock(&MAP);
    let Some(map) = map.as_mut() else { return };
    let made = create().and_then(|mut file| {
        file.write_all(map.text.as_bytes()).map_err(|e| e.to_string())?;
        Ok(file)
    });
    match made {
        Ok(file) => map.file = file,
        Err(e) => map.fail(&e),
    }
}

/// Names and trampolines for code that is being linked into `units`, which belong to the 16-bit `offsets`.
#[cold]
pub(super) fn spans(code: &CodeObject, units: &[u64], offsets: &[u32]) -> Spans {
    let mut map = lock(&MAP);
    let Some(map) = map.as_mut().filter(|map| !map.has_failed) else { return Spans::default() };
    let name = format!("py::{}:{}", text(&code.qualname), text(&code.filename));
    let lines = if map.lines { lines(code, offsets) } else { vec![0; offsets.len()] };
    let (mut spans, mut trampolines) = (Vec::new(), HashMap::new());
    let (mut entries, mut first, mut of_word) = (String::new(), 0, Vec::with_capacity(units.len()));
    for run in lines.chunk_by(|a, b| a == b) {
        let line = run[0];
        let at = match trampolines.get(&line) {
            Some(&at) => at,
            None => match map.stock.take(nested) {
                Ok(at) => {
                    let _ = write!(entries, "{at:x} {SIZE:x} {name}");
                    let _ = if map.lines { writeln!(entries, ":{line}") } else { writeln!(entries) };
                    trampolines.insert(line, at);
                    at
                }
                Err(e) => {
                    map.fail(&refused(e));
                    break;
                }
            },
        };
        let word = |i: usize| units.as_ptr().wrapping_add(i) as usize;
        // SAFETY: a trampoline takes the arguments of a handler and returns what it returns.
        let trampoline = unsafe { core::mem::transmute::<usize, Handler>(at) };
        of_word.resize(first + run.len(), spans.len() as u32);
        spans.push(Span { start: word(first), end: word(first + run.len()), trampoline });
        first += run.len();
    }
    map.text.push_str(&entries);
    if let Err(e) = map.file.write_all(entries.as_bytes()) {
        map.fail(&e.to_string());
    }
    Spans { first: units.as_ptr() as usize, of_word: of_word.into(), list: spans.into() }
}

impl Map {
    /// Code that is linked later has no names.
    fn fail(&mut self, reason: &str) {
        if !self.has_failed {
            self.has_failed = true;
            eprintln!("-X perf: {reason}; what runs for the first time from now on has no name");
        }
    }
}

/// The line of each word.
fn lines(code: &CodeObject, offsets: &[u32]) -> Vec<u32> {
    let (mut of_offset, mut line) = (Vec::new(), code.data.0.firstlineno);
    for (_, n, position) in Positions::new(&code.data.0.linetable, code.data.0.firstlineno) {
        // What belongs to no line is cleaning up behind the one before.
        line = position.line.unwrap_or(line);
        of_offset.extend(core::iter::repeat_n(line, n as usize));
    }
    offsets.iter().map(|&offset| of_offset.get(offset as usize).copied().unwrap_or(line)).collect()
}

/// A name in one line.
fn text(slot: &Slot) -> String {
    let text = slot.fixed().and_then(|s| s.downcast::<Str>()).map_or_else(String::new, |s| s.to_text());
    text.replace(|c: char| c.is_control(), "?")
}
