//! From an address in linked code to a source line.
//!
//! Linked code is entered here when it is linked and taken out when its code object dies, so an address can be
//! looked up without looking at frames or objects: a line that was found is kept by number, and outlives the
//! code.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use typhon_sync::prim::{AtomicU64, Ordering};

use typhon_sync::prim::{Mutex, lock};

use crate::builtins::str::Str;
use crate::code::CodeObject;
use crate::interp::link::Linked;
use crate::object::Slot;
use crate::runtime::Config;

/// A source line, as tables know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// 0: nowhere.
    pub id: u32,
    /// It is in the standard library.
    pub library: bool,
    /// Locks are waited for here until somebody has something to say: `Condition.wait`.
    pub idle: bool,
}

impl Place {
    pub const NOWHERE: Place = Place { id: 0, library: false, idle: false };
}

/// A source line, as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Line {
    pub file: Arc<str>,
    pub line: u32,
    /// `__qualname__` of the code.
    pub function: Arc<str>,
}

/// One linked code object.
struct Range {
    end: usize,
    file: Arc<str>,
    function: Arc<str>,
    /// Of each word.
    lines: Box<[u32]>,
    library: bool,
    idle: bool,
}

#[derive(Default)]
struct Places {
    /// By the address of the first word.
    ranges: BTreeMap<usize, Range>,
    texts: HashMap<Arc<str>, ()>,
    /// Numbers of the lines, from 1.
    ids: HashMap<Line, u32>,
    lines: Vec<Line>,
    /// Folders of the library.
    library: Vec<String>,
}

static PLACES: Mutex<Option<Places>> = Mutex::new(None);
/// Counts code that died: what is remembered of addresses is void after that.
static DEATHS: AtomicU64 = AtomicU64::new(0);

pub(super) fn start(config: &Config) {
    let mut places = Places::default();
    places.library.push(format!("{}/", config.embedded_library()));
    places.library.extend(config.stdlib_dir.iter().map(|dir| format!("{}/", dir.display())));
    *lock(&PLACES) = Some(places);
}

/// What must not have changed for an address to mean the same place.
pub(super) fn generation() -> u64 {
    // ORDERING Relaxed: who runs new code in old memory was given it by a chain that began with the death.
    DEATHS.load(Ordering::Relaxed)
}

/// Remembers the lines of code that was just linked.
#[cold]
pub(crate) fn enter(code: &CodeObject, linked: &Linked) {
    let mut places = lock(&PLACES);
    let Some(places) = places.as_mut() else { return };
    let units = linked.units().as_ptr_range();
    let (mut of_offset, mut line) = (Vec::new(), code.data.0.firstlineno);
    for (_, n, position) in
        crate::interp::tables::Positions::new(&code.data.0.linetable, code.data.0.firstlineno)
    {
        // What belongs to no line is cleaning up behind the one before.
        line = position.line.unwrap_or(line);
        of_offset.extend(core::iter::repeat_n(line, n as usize));
    }
    let lines = linked.offsets().iter().map(|&offset| of_offset.get(offset as usize).copied().unwrap_or(0));
    let (file, function) = (places.text(&text(&code.filename)), places.text(&text(&code.qualname)));
    let library = file.starts_with("<frozen ") || places.library.iter().any(|l| file.starts_with(&**l));
    let idle = library && file.ends_with("/threading.py") && &*function == "Condition.wait";
    let range = Range { end: units.end as usize, file, function, lines: lines.collect(), library, idle };
    places.ranges.insert(units.start as usize, range);
}

/// Forgets the addresses of code that dies.
#[cold]
pub(crate) fn leave(linked: &Linked) {
    if let Some(places) = lock(&PLACES).as_mut() {
        places.ranges.remove(&(linked.units().as_ptr() as usize));
    }
    // ORDERING Relaxed: see `generation`.
    DEATHS.fetch_add(1, Ordering::Relaxed);
}

fn text(slot: &Slot) -> String {
    slot.fixed().and_then(|s| s.downcast::<Str>()).map_or_else(String::new, |s| s.to_text())
}

/// The place of the instruction in front of `pc`.
pub(super) fn find(pc: usize) -> Place {
    let mut places = lock(&PLACES);
    let Some(places) = places.as_mut() else { return Place::NOWHERE };
    let Some(word) = pc.checked_sub(size_of::<u64>()) else { return Place::NOWHERE };
    let Some((start, range)) = places.ranges.range(..=word).next_back().filter(|(_, r)| word < r.end) else {
        return Place::NOWHERE;
    };
    let line = range.lines[(word - start) / size_of::<u64>()];
    let (library, idle) = (range.library, range.idle);
    let line = Line { file: range.file.clone(), line, function: range.function.clone() };
    let next = places.lines.len() as u32 + 1;
    let id = *places.ids.entry(line.clone()).or_insert(next);
    if id == next {
        places.lines.push(line);
    }
    Place { id, library, idle }
}

/// The lines with these numbers; `None` for 0.
pub(super) fn line(id: u32) -> Option<Line> {
    let places = lock(&PLACES);
    places.as_ref()?.lines.get((id as usize).checked_sub(1)?).cloned()
}

impl Places {
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some((kept, ())) = self.texts.get_key_value(text) {
            return kept.clone();
        }
        let kept: Arc<str> = text.into();
        self.texts.insert(kept.clone(), ());
        kept
    }
}
