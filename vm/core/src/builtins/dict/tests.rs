//! Dicts against a model: a vector of pairs in insertion order. Keys are ints and floats, so that no
//! thread and no Python code is needed; floats make a table general.

use typhon_sync::prim::Ordering;

use super::lookup::Key;
use super::{Dict, Entry};
use crate::object::{Borrowed, Owned};
use crate::thread;
use crate::word::Word;

/// Small deterministic generator (Vigna's splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// A dict that this thread owns, outside the heap.
fn private_dict() -> Dict {
    let d = Dict::new();
    d.header.owner.store(thread::me().0, Ordering::Relaxed);
    d
}

fn key(w: Word) -> Key<'static> {
    // Floats share few hashes, so that probes meet equal ones.
    Key::hashed(Borrowed::from_const(w), if w.is_int() { w.int() } else { (w.0 >> 60) as i64 })
}

fn int(v: u64) -> Owned {
    Owned::from_const(Word::small_int(v as i64))
}

fn check(d: &Dict, model: &[(Word, Word)]) {
    assert_eq!(d.len(), model.len());
    let mut pos = 0;
    for (k, v) in model {
        let (dk, dv) = d.next_entry(&mut pos).expect("as many entries as the model");
        assert_eq!((dk.word(), dv.word()), (*k, *v));
    }
    assert!(d.next_entry(&mut pos).is_none());
}

fn run(seed: u64, steps: usize, floats: bool, range: u64) {
    let mut r = Random(seed);
    let mut d = private_dict();
    let mut model: Vec<(Word, Word)> = Vec::new();
    for step in 0..steps {
        let n = r.below(range);
        let w = if floats && n % 3 == 0 {
            Word::try_float(n as f64 + 1.5).expect("self-tagged")
        } else {
            Word::small_int(n as i64 * 8)
        };
        let at = model.iter().position(|(k, _)| *k == w);
        match r.below(12) {
            0..6 => {
                let v = int(step as u64);
                let word = v.word();
                let old = d.set_key(None, &key(w), v).expect("no code runs").map(|o| o.word());
                assert_eq!(old, at.map(|i| model[i].1));
                match at {
                    Some(i) => model[i].1 = word,
                    None => model.push((w, word)),
                }
            }
            6..9 => {
                let gone = d.remove_key(None, &key(w)).expect("no code runs").map(|o| o.word());
                assert_eq!(gone, at.map(|i| model.remove(i).1));
            }
            9 => {
                let last = d.pop_last().map(|(k, v)| (k.word(), v.word()));
                assert_eq!(last, model.pop());
            }
            10 => {
                let v = int(step as u64);
                let word = v.word();
                match d.insert_if_absent(None, &key(w), v).expect("no code runs") {
                    Entry::Found(v) => assert_eq!(Some(v.word()), at.map(|i| model[i].1)),
                    Entry::Inserted => {
                        assert_eq!(at, None);
                        model.push((w, word));
                    }
                }
            }
            _ => match r.below(40) {
                0 => {
                    d.clear();
                    model.clear();
                }
                1 => {
                    let copy = d.copy_payload();
                    copy.header.owner.store(thread::me().0, Ordering::Relaxed);
                    d = copy;
                }
                2 => assert!(d.reserve(r.below(100) as usize)),
                _ => {}
            },
        }
        let found = d.get_key(None, &key(w)).expect("no code runs").map(|v| v.word());
        assert_eq!(found, model.iter().find(|(k, _)| *k == w).map(|(_, v)| *v));
        if step % 64 == 0 {
            check(&d, &model);
        }
    }
    check(&d, &model);
}

#[test]
fn small_dicts_of_ints_behave_like_the_model() {
    for seed in 0..40 {
        run(seed, 2_000, false, 12);
    }
}

#[test]
fn large_dicts_of_ints_behave_like_the_model() {
    for seed in 0..4 {
        run(seed, 20_000, false, 1_500);
    }
}

#[test]
fn mixed_dicts_behave_like_the_model() {
    for seed in 0..20 {
        run(seed, 4_000, true, 60);
    }
}

#[test]
fn versions_follow_the_set_of_keys() {
    let d = private_dict();
    assert_eq!(d.keys_version(), 0, "no table, no version");
    let set = |k: i64, v: u64| drop(d.set_key(None, &key(Word::small_int(k)), int(v)));
    set(1, 1);
    let first = d.keys_version();
    assert_ne!(first, 0);
    set(1, 2);
    assert_eq!(d.keys_version(), first, "replacing a value keeps the keys");
    set(2, 1);
    let second = d.keys_version();
    assert_ne!(second, first);
    drop(d.remove_key(None, &key(Word::small_int(2))));
    assert_ne!(d.keys_version(), second);
    let third = d.keys_version();
    for k in 10..40 {
        set(k, 0);
    }
    assert_ne!(d.keys_version(), third, "a larger table is another one");
}

#[test]
fn cached_entries_are_read_and_written_in_place() {
    let d = private_dict();
    drop(d.set_key(None, &key(Word::small_int(5)), int(7)));
    let version = d.keys_version();
    assert_eq!(d.load_entry(thread::me(), version, 0), Word::small_int(7));
    assert!(d.store_entry(version, 0, int(8)).is_ok());
    assert_eq!(d.load_entry(thread::me(), version, 0), Word::small_int(8));
    drop(d.remove_key(None, &key(Word::small_int(5))));
    assert_eq!(d.load_entry(thread::me(), version, 0), Word::ZERO);
    assert!(d.store_entry(version, 0, int(9)).is_err());
}
