//! How much of a string stands for itself, eight bytes at a time.

const ONES: u64 = u64::MAX / 255;
const TOPS: u64 = ONES << 7;

/// The top bits of bytes of `word` that are below `n` (at most 128). Exact up to the first one; those above it may be
/// wrong.
///
/// Source: Anderson, "Bit Twiddling Hacks", "Determine if a word has a byte less than n".
const fn below(word: u64, n: u8) -> u64 {
    word.wrapping_sub(ONES * n as u64) & !word & TOPS
}

/// The top bits of bytes that do not stand for themselves, exact up to the first.
const fn special<const HIGH: bool>(word: u64) -> u64 {
    let quote = below(word ^ (ONES * b'"' as u64), 1);
    let backslash = below(word ^ (ONES * b'\\' as u64), 1);
    // A carry out of 0xff spoils the byte above only.
    let high = if HIGH { (word.wrapping_add(ONES) | word) & TOPS } else { 0 };
    below(word, 0x20) | quote | backslash | high
}

/// Up to seven bytes as a word, with zeros above them.
fn partial(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    if let (Some(low), Some(high)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (low, high) = (u32::from_le_bytes(*low), u32::from_le_bytes(*high));
        return u64::from(low) | u64::from(high) << (8 * (n - 4));
    }
    bytes.iter().rev().fold(0, |word, &b| word << 8 | u64::from(b))
}

/// How many bytes there are before the first control character, quote or backslash; with `HIGH`, also before the first
/// from DEL on.
pub fn run<const HIGH: bool>(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (i, chunk) in words.iter().enumerate() {
        let found = special::<HIGH>(u64::from_le_bytes(*chunk));
        if found != 0 {
            return i * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    // The zeros are found, if nothing is before.
    let found = special::<HIGH>(partial(rest)).trailing_zeros() as usize / 8;
    bytes.len() - rest.len() + found.min(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_at_a_time_is_as_one_at_a_time() {
        for length in [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 21] {
            for at in 0..length {
                for b in 0..=u8::MAX {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = b;
                    for after in [b'"', 0, 0xff, b'b', b' ', b'!', b'#', b'[', b']'] {
                        if let Some(next) = bytes.get_mut(at + 1) {
                            *next = after;
                        }
                        let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
                        let first =
                            |stop: &dyn Fn(u8) -> bool| bytes.iter().position(|&b| stop(b)).unwrap_or(length);
                        assert_eq!(run::<false>(&bytes), first(&|b| !plain(b)), "{bytes:x?}");
                        assert_eq!(run::<true>(&bytes), first(&|b| !plain(b) || b >= 0x7f), "{bytes:x?}");
                    }
                }
            }
        }
    }
}
