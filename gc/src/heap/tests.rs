use std::collections::HashSet;
use std::sync::mpsc;
use std::thread;

use super::*;

/// Writes a header that a walk takes for an object.
fn born(object: *mut Header, tag: u32) -> *mut Header {
    assert!(!object.is_null());
    // SAFETY: a fresh slot, ours alone.
    unsafe {
        assert!(is_free_slot(&*object));
        (*object).shape.store(tag, Ordering::Relaxed);
    }
    object
}

fn free(local: &mut LocalHeap, object: *mut Header) {
    // SAFETY: each test frees what it made, once.
    unsafe { local.free(object) };
}

fn small_heap() -> &'static Heap {
    Box::leak(Box::new(Heap::with_reservation(1 << 30).expect("address space")))
}

#[test]
fn slots_are_aligned_distinct_and_counted() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    let mut seen = HashSet::new();
    for round in 0..3000usize {
        for size in [24, 32, 33, 48, 512, 513, 4000, 32 << 10] {
            if size > 512 && round % 100 != 0 {
                continue;
            }
            let object = born(local.alloc(size), 7);
            assert!((object as usize).is_multiple_of(16));
            assert!(heap.slot_size(object) >= size);
            assert!(heap.contains(object));
            assert!(seen.insert(object as usize), "handed out twice");
        }
    }
    assert_eq!(heap.live_objects(), seen.len());
    let mut walked = HashSet::new();
    heap.for_each_object(|header| {
        walked.insert(std::ptr::from_ref(header) as usize);
    });
    assert_eq!(walked, seen);
    for &object in &seen {
        free(&mut local, object as *mut Header);
        assert!(!heap.contains(object as *const Header));
    }
    assert_eq!(heap.live_objects(), 0);
    assert_eq!(heap.stats().live_bytes, 0);
}

#[test]
fn free_slots_refuse_and_are_reused_last_in_first_out() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    let object = born(local.alloc(64), 1);
    free(&mut local, object);
    // SAFETY: type-stable memory: a free slot keeps a readable header.
    let header = unsafe { &*object };
    assert_eq!(header.owner.load(Ordering::Relaxed), 0);
    assert_eq!(header.shared.load(Ordering::Relaxed), 3);
    assert_eq!(header.gc.load(Ordering::Relaxed), 0);
    assert_eq!(local.alloc(64), object);
}

#[test]
fn objects_do_not_overlap() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    let mut objects = Vec::new();
    for i in 0..500usize {
        let size = 24 + (i * 97) % 5000;
        let object = born(local.alloc(size), 1);
        // SAFETY: the slot has `size` bytes.
        unsafe { object.cast::<u8>().add(24).write_bytes(i as u8, size - 24) };
        objects.push((object, size, i as u8));
    }
    for (object, size, fill) in objects {
        // SAFETY: as above.
        let bytes = unsafe { std::slice::from_raw_parts(object.cast::<u8>().add(24), size - 24) };
        assert!(bytes.iter().all(|&byte| byte == fill));
    }
}

#[test]
fn huge_spans_are_reused_and_split() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    let big = born(local.alloc(1 << 20), 1);
    assert_eq!(heap.slot_size(big), 1 << 20);
    // SAFETY: the span has 1 MiB.
    unsafe { big.cast::<u8>().add((1 << 20) - 1).write(9) };
    let blocks = heap.stats().blocks;
    assert_eq!(blocks, 16);
    free(&mut local, big);
    assert_eq!(heap.live_objects(), 0);
    let part = born(local.alloc(100_000), 2);
    assert_eq!(part, big, "the freed span is used first");
    let rest = born(local.alloc(14 * 65536), 3);
    assert_eq!(rest as usize, big as usize + 2 * 65536);
    assert_eq!(heap.live_objects(), 2);
    assert!(local.alloc(2 << 30).is_null(), "larger than the reservation");
}

#[test]
fn deferred_kinds_lie_in_the_first_quarter() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    for size in [24, 200, 3000, 100_000] {
        let object = born(local.alloc_deferred(size), 1);
        let offset = object as usize - heap.base();
        assert!(offset > 0 && offset < (1 << 30) / 4);
        let general = born(local.alloc(size), 1) as usize - heap.base();
        assert!(general >= (1 << 30) / 4);
        free(&mut local, object);
    }
    assert_eq!(heap.live_objects(), 4);
    assert_eq!(DEFERRED_RESERVATION / 16, 1 << 32);
}

#[test]
fn the_whole_reservation_is_usable_then_null() {
    let heap = Box::leak(Box::new(Heap::with_reservation(16 << 20).expect("address space")));
    let mut local = LocalHeap::new(heap);
    let mut n = 0;
    while !local.alloc(30_000).is_null() {
        n += 1;
    }
    assert_eq!(n, 2 * (16 - 4) * 16, "two slots in each block of the general part");
}

#[test]
fn remote_frees_come_back_to_the_owner() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    let first: Vec<usize> = (0..2000).map(|_| born(local.alloc(96), 1) as usize).collect();
    let committed = heap.stats().blocks;
    let objects = first.clone();
    thread::spawn(move || {
        let mut other = LocalHeap::new(heap);
        for object in objects {
            free(&mut other, object as *mut Header);
        }
    })
    .join()
    .unwrap();
    assert_eq!(heap.live_objects(), 0);
    let again: HashSet<usize> = (0..2000).map(|_| born(local.alloc(96), 1) as usize).collect();
    assert_eq!(again.len(), 2000);
    assert_eq!(heap.stats().blocks, committed, "returned slots are used before new blocks");
}

#[test]
fn heaps_of_exited_threads_are_walked_and_adopted() {
    let heap = small_heap();
    let objects: Vec<usize> = thread::spawn(move || {
        let mut local = LocalHeap::new(heap);
        (0..5000).map(|_| born(local.alloc(128), 1) as usize).collect()
    })
    .join()
    .unwrap();
    assert_eq!(heap.live_objects(), 5000, "a walk finds what an exited thread made");
    let blocks = heap.stats().blocks;
    let mut first = LocalHeap::new(heap);
    let mut second = LocalHeap::new(heap);
    for object in objects {
        free(&mut second, object as *mut Header);
    }
    first.alloc(128);
    drop(first);
    for _ in 0..4000 {
        born(second.alloc(128), 1);
    }
    assert_eq!(heap.stats().blocks, blocks, "blocks of the idle heap are adopted");
}

#[test]
fn threads_trade_objects() {
    let heap = small_heap();
    let per_thread = 20_000usize;
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| mpsc::channel::<usize>()).unzip();
    let handles: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(me, receiver)| {
            let next = senders[(me + 1) % 4].clone();
            thread::spawn(move || {
                let mut local = LocalHeap::new(heap);
                let mut received = 0;
                for i in 0..per_thread {
                    let size = 32 + 16 * (i % 5);
                    let object = born(local.alloc(size), me as u32 + 1);
                    // SAFETY: the slot has at least 32 bytes; the first 24 are the header.
                    unsafe { object.cast::<usize>().add(3).write(object as usize ^ me) };
                    next.send(object as usize).unwrap();
                    while let Ok(object) = receiver.try_recv() {
                        check_and_free(&mut local, object, (me + 3) % 4);
                        received += 1;
                    }
                }
                while received < per_thread {
                    check_and_free(&mut local, receiver.recv().unwrap(), (me + 3) % 4);
                    received += 1;
                }
            })
        })
        .collect();
    for handle in handles {
        handle.join().unwrap();
    }
    assert_eq!(heap.live_objects(), 0);
    // Every slot can still be handed out, once.
    let before = heap.stats();
    let mut local = LocalHeap::new(heap);
    let mut seen = HashSet::new();
    for class in &before.classes {
        for _ in 0..class.carved {
            assert!(seen.insert(born(local.alloc(class.slot_size), 1) as usize));
        }
    }
    assert_eq!(heap.stats().blocks, before.blocks, "no slot was lost");
}

fn check_and_free(local: &mut LocalHeap, object: usize, from: usize) {
    let object = object as *mut Header;
    // SAFETY: the sender gave the object away; it is ours.
    unsafe {
        assert_eq!((*object).shape.load(Ordering::Relaxed), from as u32 + 1);
        assert_eq!(object.cast::<usize>().add(3).read(), object as usize ^ from);
    }
    free(local, object);
}

#[test]
fn births_are_published_in_batches() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    let object = born(local.alloc(32), 1);
    for _ in 0..511 {
        local.count_container(object);
    }
    assert_eq!(heap.young(), 0);
    local.count_container(object);
    assert_eq!(heap.young(), 512);
    // SAFETY: our object.
    unsafe { (*object).gc.store(gc_bits_tracked(), Ordering::Relaxed) };
    free(&mut local, object);
    local.publish();
    assert_eq!(heap.young(), 511, "the death of a young container is subtracted");
}

fn gc_bits_tracked() -> u8 {
    typhon_sync::header::gc_bits::TRACKED
}

/// The blocks that a thread's own collection would look at.
fn young_blocks(local: &LocalHeap) -> Vec<u32> {
    let mut blocks = Vec::new();
    local.for_each_young_block(|block, _| blocks.push(block));
    blocks
}

#[test]
fn blocks_are_young_from_a_birth_to_a_collection_that_leaves_nothing_young() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    assert_eq!(young_blocks(&local), []);
    let objects = [32, 32, 48].map(|size| born(local.alloc(size), 1));
    for object in objects {
        local.count_container(object);
    }
    let [first, _, second] = objects.map(|object| heap.block_of(object as usize));
    assert_eq!(young_blocks(&local), [first, second]);
    local.note_own_collection(0, 1, [false, true].into_iter());
    assert_eq!(young_blocks(&local), [second]);
    local.count_container(objects[1]);
    assert_eq!(young_blocks(&local), [second, first]);
}

#[test]
fn a_thread_that_takes_blocks_over_finds_what_is_young_in_them() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    let mut other = LocalHeap::new(heap);
    let object = born(local.alloc(32), 1);
    local.count_container(object);
    other.count_container(object);
    assert_eq!(young_blocks(&other), [], "not its own");
    local.release();
    other.alloc(32);
    let block = heap.block_of(object as usize);
    assert_eq!(young_blocks(&other), [block]);
    let third = LocalHeap::new(heap);
    assert_eq!(young_blocks(&third), [], "nobody's own any more");
}

#[test]
fn a_block_of_a_dead_huge_object_is_not_young() {
    let heap = small_heap();
    let mut local = LocalHeap::new(heap);
    let huge = born(local.alloc(BLOCK_SIZE), 1);
    local.count_container(huge);
    assert_eq!(young_blocks(&local), []);
    let block = heap.block_of(huge as usize);
    free(&mut local, huge);
    let object = born(local.alloc(32), 1);
    assert_eq!(heap.block_of(object as usize), block, "used anew");
    local.count_container(object);
    assert_eq!(young_blocks(&local), [block]);
}
