//! Interned strings: one immortal object per text, compared by identity. And tuples of constants: one immortal object
//! for the same items.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, Payload};
use crate::runtime::{immortal, rt};
use crate::thread::Thread;
use crate::typedef::TypeId;
use crate::word::Word;

const N_SHARDS: usize = 16;

type Table<K> = HashMap<Box<[K]>, Word, std::hash::BuildHasherDefault<Fnv>>;

/// FNV-1a: short keys, no attacker.
#[derive(Default)]
pub struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

/// Tables of interned strings, in shards by hash, and of interned tuples.
pub struct Interned {
    shards: [Mutex<Table<u8>>; N_SHARDS],
    /// By the words of their items, which say everything about them.
    tuples: Mutex<Table<u64>>,
}

impl Interned {
    pub(crate) fn new() -> Interned {
        Interned {
            shards: [const { Mutex::new(HashMap::with_hasher(std::hash::BuildHasherDefault::new())) };
                N_SHARDS],
            tuples: Mutex::new(HashMap::with_hasher(std::hash::BuildHasherDefault::new())),
        }
    }

    /// How many strings are interned.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|s| s.lock().len()).sum()
    }

    /// Is no string?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &[u8]) -> &Mutex<Table<u8>> {
        let sum = key.iter().fold(key.len(), |a, &b| a.wrapping_mul(31) + b as usize);
        &self.shards[sum % N_SHARDS]
    }
}

const N_RECENT: usize = 64;

/// The strings that one thread interned last, so that natives that ask for the same names again and again
/// take no lock that others want too. Owned by the thread; entries never go stale, the strings being
/// immortal.
pub(crate) struct Recent([Word; N_RECENT]);

impl Recent {
    pub(crate) fn new() -> Recent {
        Recent([Word::NONE; N_RECENT])
    }

    fn place(text: &str) -> usize {
        let b = text.as_bytes();
        let ends = b.first().map_or(0, |&first| usize::from(first) * 5 + usize::from(b[b.len() - 1]));
        (b.len() * 7 + ends) % N_RECENT
    }
}

impl Thread {
    /// The interned string with this text. Immortal.
    pub fn intern(&mut self, text: &str) -> Owned {
        let place = Recent::place(text);
        let recent = self.recent_names.0[place];
        // SAFETY: None, or an interned string, which is immortal.
        let known = unsafe { Borrowed::from_raw(recent) };
        if known.downcast_exact::<Str>().is_some_and(|s| s.as_ascii() == Some(text)) {
            return Owned::from_const(recent);
        }
        let w = self.intern_with(text.as_bytes(), |th| th.new_str(text));
        self.recent_names.0[place] = w;
        Owned::from_const(w)
    }

    /// The interned twin of a string (itself, when it is the first with its text). Immortal.
    pub fn intern_str(&mut self, s: Borrowed<'_>) -> Owned {
        let Some(str) = s.downcast::<Str>() else { return s.to_owned() };
        if str.is_interned() {
            return s.to_owned();
        }
        let exact = s.is_exact_str();
        let key = str.intern_key();
        Owned::from_const(self.intern_with(&key, |th| if exact { s.to_owned() } else { str.to_exact(th) }))
    }

    /// The interned tuple of these items, none of which can die: an immortal object. `None`: one of them can.
    pub(crate) fn intern_tuple(&mut self, items: &[Borrowed<'_>]) -> Option<Owned> {
        if items.iter().any(|item| item.header().is_some_and(|h| !h.is_immortal())) {
            return None;
        }
        let key: Box<[u64]> = items.iter().map(|item| item.word().identity()).collect();
        if let Some(&w) = rt().strings.tuples.lock().get(&key) {
            return Some(Owned::from_const(w));
        }
        let new = self.new_tuple(items.iter().map(|&item| item.to_owned()).collect());
        let mut table = rt().strings.tuples.lock();
        let w = *table.entry(key).or_insert_with(|| immortal(new));
        Some(Owned::from_const(w))
    }

    fn intern_with(&mut self, key: &[u8], make: impl FnOnce(&mut Thread) -> Owned) -> Word {
        if let Some(&w) = rt().strings.shard(key).lock().get(key) {
            return w;
        }
        let v = make(self);
        let mut table = rt().strings.shard(key).lock();
        if let Some(&w) = table.get(key) {
            return w;
        }
        v.payload::<Str>().mark_interned();
        let w = immortal(v);
        table.insert(key.into(), w);
        w
    }
}

impl Borrowed<'_> {
    fn is_exact_str(self) -> bool {
        let id: &TypeId = &Str::DEF.id;
        self.shape_id() == id.shape()
    }
}
