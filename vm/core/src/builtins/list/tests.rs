//! Lists of ints against `Vec`.

use typhon_sync::prim::Ordering;

use super::{Items, List};
use crate::builtins::slice::Bounds;
use crate::object::Owned;
use crate::thread;
use crate::word::Word;

/// A list that this thread owns, outside the heap.
fn private_list() -> List {
    let l = List::from_parts(0, Items::empty());
    l.header.owner.store(thread::me().0, Ordering::Relaxed);
    l
}

fn int(v: i64) -> Owned {
    Owned::from_const(Word::small_int(v))
}

fn ints(v: &[i64]) -> Vec<Owned> {
    v.iter().map(|v| int(*v)).collect()
}

fn content(l: &List) -> Vec<i64> {
    l.to_vec().iter().map(|v| v.word().int()).collect()
}

#[test]
fn lists_behave_like_vectors() {
    let mut seed = 1u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    for foreign in [false, true] {
        let l = private_list();
        if foreign {
            l.header.gc.fetch_or(typhon_sync::header::gc_bits::FOREIGN, Ordering::Relaxed);
        }
        let mut model: Vec<i64> = Vec::new();
        for step in 0..30_000i64 {
            let n = model.len();
            match below(10) {
                0..4 => {
                    l.push(int(step));
                    model.push(step);
                }
                4 => assert_eq!(l.pop().map(|v| v.word().int()), model.pop()),
                5 => {
                    let at = below(n + 1);
                    l.lock().insert(at, int(step));
                    model.insert(at, step);
                }
                6 if n > 0 => {
                    let at = below(n);
                    assert_eq!(l.lock().remove(at).map(|v| v.word().int()), Some(model.remove(at)));
                }
                7 => {
                    let (a, b) = (below(n + 1), below(n + 1));
                    let (start, stop) = (a.min(b), a.max(b).min(a.min(b) + 20));
                    let new: Vec<i64> = (0..below(12) as i64).map(|k| step * 100 + k).collect();
                    let old = l.lock().splice(start, stop, ints(&new)).ok().expect("enough memory");
                    let gone: Vec<i64> = model.splice(start..stop, new).collect();
                    assert_eq!(old.iter().map(|v| v.word().int()).collect::<Vec<_>>(), gone);
                }
                8 if below(20) == 0 => {
                    let step = [-3, -2, 2, 3][below(4)];
                    let span = Bounds {
                        start: if step < 0 { isize::MAX } else { 0 },
                        stop: if step < 0 { isize::MIN } else { isize::MAX },
                        step,
                    }
                    .adjust(n);
                    drop(l.lock().remove_span(span));
                    let gone: Vec<usize> = span.indices().collect();
                    let mut i = 0;
                    model.retain(|_| {
                        i += 1;
                        !gone.contains(&(i - 1))
                    });
                }
                9 if below(200) == 0 => {
                    drop(l.lock().take_all());
                    model.clear();
                }
                9 => {
                    l.lock().reverse();
                    model.reverse();
                }
                _ => {}
            }
            if !model.is_empty() {
                let at = below(model.len());
                assert_eq!(l.get(at).map(|v| v.word().int()), Some(model[at]));
            }
            assert!(l.get(model.len()).is_none());
            if step % 128 == 0 {
                assert_eq!(content(&l), model);
            }
        }
        assert_eq!(content(&l), model);
    }
}
