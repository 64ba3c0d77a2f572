//! Size classes: 16-byte steps to 512 bytes, then four per doubling to 32 KiB.

/// Log2 of [`BLOCK_SIZE`].
pub const BLOCK_SHIFT: u32 = 16;
/// Bytes of a block.
pub const BLOCK_SIZE: usize = 1 << BLOCK_SHIFT;
/// Largest size served by the 16-byte steps; its class is `(size + 15) >> 4`.
pub const STEPPED_MAX: usize = 512;
/// Largest size served by a class; above it an object gets blocks of its own.
pub const CLASS_MAX: usize = 32 << 10;
/// Number of classes; class 0 and 1 are too small for a header and a link, and unused.
pub const CLASSES: usize = 33 + 24;

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
        }
        assert_eq!(class_of(CLASS_MAX), CLASSES - 1);
    }
}
