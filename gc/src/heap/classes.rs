//! Size classes: 16-byte steps to 512 bytes, then four per doubling to 32 KiB; and each of them once more, for
//! *leaves*: objects of types that are never tracked, so that collections can pass over whole blocks of them.

/// Log2 of [`BLOCK_SIZE`].
pub const BLOCK_SHIFT: u32 = 16;
/// Bytes of a block.
pub const BLOCK_SIZE: usize = 1 << BLOCK_SHIFT;
/// Largest size served by the 16-byte steps; its class is `(size + 15) >> 4`.
pub const STEPPED_MAX: usize = 512;
/// Largest size served by a class; above it an object gets blocks of its own.
pub const CLASS_MAX: usize = 32 << 10;
/// Number of sizes; class 0 and 1 are too small for a header and a link, and unused.
const SIZES: usize = 33 + 24;
/// Number of classes.
pub const CLASSES: usize = 2 * SIZES;

/// The class of leaves of the size of `class`.
#[inline(always)]
pub const fn of_leaves(class: usize) -> usize {
    class + SIZES
}

/// Whether a class is one of leaves.
#[inline(always)]
pub const fn is_of_leaves(class: usize) -> bool {
    class >= SIZES
}

/// The class of objects of `size` bytes, 24 to [`CLASS_MAX`].
#[inline]
pub const fn class_of(size: usize) -> usize {
    if size <= STEPPED_MAX {
        (size + 15) >> 4
    } else {
        let last = size - 1;
        let log2 = last.ilog2() as usize;
        33 + (log2 - 9) * 4 + ((last >> (log2 - 2)) & 3)
    }
}

/// Bytes of a slot of `class`.
#[inline]
pub const fn class_size(class: usize) -> usize {
    let class = if is_of_leaves(class) { class - SIZES } else { class };
    if class <= 32 { class * 16 } else { (5 + ((class - 33) & 3)) << (7 + (class - 33) / 4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_fits_its_class_tightly() {
        for size in 24..=CLASS_MAX {
            let class = class_of(size);
            assert!(class < CLASSES);
            assert!(class_size(class) >= size, "{size}");
            assert!(class == 2 || class_size(class - 1) < size, "{size} would fit the class below");
            assert_eq!(class_size(class) % 16, 0);
            assert!(!is_of_leaves(class) && is_of_leaves(of_leaves(class)));
            assert_eq!(class_size(of_leaves(class)), class_size(class));
        }
        assert_eq!(of_leaves(class_of(CLASS_MAX)), CLASSES - 1);
    }
}
