//! `gc.freeze` and its relatives: objects that no collection looks at.

use typhon_sync::prim::Ordering;

use typhon_sync::header::gc_bits;

use crate::heap::Heap;

/// `gc.freeze`: takes every tracked object out of all collections. World stopped.
pub fn freeze(heap: &Heap) {
    change_all(heap, |gc| if gc & gc_bits::TRACKED != 0 { gc | gc_bits::FROZEN } else { gc });
}

/// `gc.unfreeze`: puts frozen objects into the oldest generation. World stopped.
pub fn unfreeze(heap: &Heap) {
    change_all(
        heap,
        |gc| {
            if gc & gc_bits::FROZEN != 0 { (gc & !gc_bits::FROZEN) | gc_bits::OLD } else { gc }
        },
    );
}

/// `gc.get_freeze_count`. World stopped.
pub fn frozen_count(heap: &Heap) -> usize {
    let mut count = 0;
    heap.for_each_object(|object| {
        // ORDERING Relaxed: world stopped.
        count += usize::from(object.gc.load(Ordering::Relaxed) & gc_bits::FROZEN != 0);
    });
    count
}

fn change_all(heap: &Heap, change: impl Fn(u8) -> u8) {
    heap.for_each_object(|object| {
        // ORDERING Relaxed: world stopped, so this load and store lose no other change.
        let gc = object.gc.load(Ordering::Relaxed);
        // ORDERING Relaxed: as above.
        object.gc.store(change(gc), Ordering::Relaxed);
    });
}
