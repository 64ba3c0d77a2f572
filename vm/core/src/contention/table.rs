//! Tables of what was counted: one per thread, and their sum.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use typhon_sync::prim::Ordering;

use typhon_sync::header::Header;
use typhon_sync::prim::{Mutex, lock};

use super::places::{self, Line, Place};
use crate::builtins::str::Str;
use crate::object::Borrowed;
use crate::shape::MixMap;
use crate::types::Type;

/// Kinds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// The lock that an object brings along.
    ObjectLock,
    /// A lock of the program: `threading.Lock`, `RLock`.
    Lock,
    /// The GIL.
    Gil,
    /// Others waited for this thread to pass a safepoint.
    Safepoint,
    /// Waiting for something to happen: `Condition.wait` and all that is built on it, `Thread.join`, an empty
    /// `SimpleQueue`.
    Condition,
    /// A reference was counted in the shared word of an object.
    SharedCount,
    /// A thread gave up a reference that only the owner of the object can take away.
    Queued,
    /// The owner took such a reference away.
    MergedByOwner,
    /// Another thread did, because the owner could not.
    MergedOnBehalf,
}

impl What {
    pub const ALL: [What; 9] = [
        What::ObjectLock,
        What::Lock,
        What::Gil,
        What::Safepoint,
        What::Condition,
        What::SharedCount,
        What::Queued,
        What::MergedByOwner,
        What::MergedOnBehalf,
    ];

    /// As programs and tables know it.
    pub const fn name(self) -> &'static str {
        match self {
            What::ObjectLock => "object lock",
            What::Lock => "lock",
            What::Gil => "GIL",
            What::Safepoint => "safepoint",
            What::Condition => "condition",
            What::SharedCount => "shared count",
            What::Queued => "merge queued",
            What::MergedByOwner => "merge by owner",
            What::MergedOnBehalf => "merge on behalf",
        }
    }

    /// What its author can do about it, if it is much.
    pub const fn advice(self) -> &'static str {
        match self {
            What::ObjectLock => {
                "threads use this object at once: give each thread its own and join them at the end, or change it less often"
            }
            What::Lock => {
                "hold the lock for a shorter time, or give each part of what it protects a lock of its own"
            }
            What::Gil => "threads compute under the GIL one at a time: run without it (-X gil=0)",
            What::Safepoint => {
                "others stood still until this thread came to a safepoint: split a long call into shorter ones"
            }
            What::Condition => {
                "idle, not contended: more work at a time, or fewer threads, if it should not be"
            }
            What::SharedCount => {
                "threads take references to the same object: keep it in a local variable outside the loop, or give each thread its own copy"
            }
            What::Queued => {
                "objects die on another thread than the one that made them: let their maker drop them, or hand them over in batches"
            }
            What::MergedByOwner | What::MergedOnBehalf => "see what is queued",
        }
    }
}

/// What is counted in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// How often it happened.
    pub count: u64,
    /// How often a thread had to wait.
    pub waits: u64,
    /// Of these, not only for as long as it takes to look again a few times.
    pub slept: u64,
    /// Duration of the waits.
    pub wait_ns: u64,
    pub longest_ns: u64,
}

impl Numbers {
    pub(super) fn add_wait(&mut self, ns: u64, slept: bool) {
        self.waits += 1;
        self.slept += u64::from(slept);
        self.wait_ns += ns;
        self.longest_ns = self.longest_ns.max(ns);
    }

    fn add(&mut self, other: &Numbers) {
        self.count += other.count;
        self.waits += other.waits;
        self.slept += other.slept;
        self.wait_ns += other.wait_ns;
        self.longest_ns = self.longest_ns.max(other.longest_ns);
    }
}

/// What a row is about; numbers of names and places, so that it stays true when code and types die.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub what: What,
    pub type_name: u32,
    pub place: u32,
    /// The place outside the library from which `place` was called.
    pub user: u32,
}

/// The rows of one thread, or a sum.
#[derive(Default)]
pub(super) struct Table {
    rows: HashMap<Key, Numbers, std::hash::BuildHasherDefault<crate::shape::Mix>>,
    /// Places of addresses that were looked up, as long as no code has died.
    places: MixMap<usize, Place>,
    generation: u64,
    /// Type names by shape id. Those are never reused.
    types: MixMap<u32, u32>,
}

/// Names of types, numbered from 1.
static TYPES: Mutex<Vec<Arc<str>>> = Mutex::new(Vec::new());

impl Table {
    pub fn row(&mut self, key: Key) -> &mut Numbers {
        self.rows.entry(key).or_default()
    }

    pub fn place(&mut self, pc: usize) -> Place {
        let generation = places::generation();
        if generation != self.generation {
            self.places.clear();
            self.generation = generation;
        }
        *self.places.entry(pc).or_insert_with(|| places::find(pc))
    }

    /// The number of the name of an object's type.
    pub fn type_of(&mut self, object: &Header) -> u32 {
        // ORDERING Relaxed: any shape of the object leads to its type.
        let shape = object.shape.load(Ordering::Relaxed);
        if let Some(&name) = self.types.get(&shape) {
            return name;
        }
        // SAFETY: the object is alive, and with it its type; while the built-in types are being made, there is
        // none yet.
        let Some(ty) = (unsafe { crate::shape::get(shape).ty().as_ref() }) else { return 0 };
        let name = name_of(ty);
        let mut names = lock(&TYPES);
        let at = names.iter().position(|n| **n == *name).unwrap_or_else(|| {
            names.push(name.into());
            names.len() - 1
        });
        self.types.insert(shape, at as u32 + 1);
        at as u32 + 1
    }

    pub fn add(&mut self, other: &Table) {
        for (key, numbers) in &other.rows {
            self.row(*key).add(numbers);
        }
    }

    pub fn snapshot(&self, wall: Duration, n_threads: usize, lived: Duration) -> Snapshot {
        let names = lock(&TYPES).clone();
        let mut rows: HashMap<_, Numbers> = HashMap::new();
        for (key, numbers) in &self.rows {
            let (place, user) = (places::line(key.place), places::line(key.user));
            let (line, inside) = match user {
                Some(user) => (Some(user), place),
                None => (place, None),
            };
            rows.entry((key.what, key.type_name, line, inside)).or_default().add(numbers);
        }
        let mut rows: Vec<Row> = rows
            .into_iter()
            .map(|((what, type_name, line, inside), numbers)| {
                let type_name = (type_name as usize).checked_sub(1).map(|i| names[i].clone());
                Row { what, numbers, type_name, line, inside }
            })
            .collect();
        rows.sort_by(|a, b| a.rank().cmp(&b.rank()).then_with(|| a.line.cmp(&b.line)));
        Snapshot { wall, n_threads, lived, rows }
    }
}

/// The name of a type. Takes no lock and no count, so a class that was given another name later, one that is not
/// interned, has none.
fn name_of(ty: &Type) -> String {
    if ty.def.0.is_some() {
        return ty.display_name();
    }
    let name = ty.name.peek();
    // SAFETY: heap slots are type-stable: even a stale pointer points at a header, and an immortal object stays.
    if !name.is_ptr() || !unsafe { (*name.ptr()).is_immortal() } {
        return String::from("(a class)");
    }
    // SAFETY: immortal.
    let name = unsafe { Borrowed::from_raw(name.uncounted()) };
    name.downcast::<Str>().map_or_else(String::new, |s| s.to_text())
}

/// One line of the report.
#[derive(Clone, Debug)]
pub struct Row {
    pub what: What,
    pub numbers: Numbers,
    /// `None`: it has nothing to do with an object.
    pub type_name: Option<Arc<str>>,
    /// The innermost line outside the library. `None`: no Python code ran.
    pub line: Option<Line>,
    /// The line of the library that ran, called from there.
    pub inside: Option<Line>,
}

impl Row {
    /// Longest waits first, then by number.
    fn rank(&self) -> impl Ord {
        core::cmp::Reverse((self.numbers.wait_ns, self.numbers.count))
    }
}

/// All that was recorded.
pub struct Snapshot {
    pub wall: Duration,
    /// Threads that ran Python code.
    pub n_threads: usize,
    /// How long they lived, together.
    pub lived: Duration,
    /// Longest waits first, then by number.
    pub rows: Vec<Row>,
}

impl Snapshot {
    /// The sum of a kind.
    pub fn total(&self, what: What) -> Numbers {
        let mut sum = Numbers::default();
        self.rows.iter().filter(|row| row.what == what).for_each(|row| sum.add(&row.numbers));
        sum
    }

    /// Time that threads waited for each other, in ns: for locks and the GIL.
    pub fn contended_ns(&self) -> u64 {
        [What::ObjectLock, What::Lock, What::Gil].map(|what| self.total(what).wait_ns).iter().sum()
    }
}
