//! SHA-3 and SHAKE (FIPS 202): a sponge over the permutation of `keccak`.

use keccak::{Keccak, State1600};

/// A sponge that takes in bytes.
#[derive(Clone)]
pub struct Sponge {
    state: State1600,
    /// Bytes taken in since the last permutation.
    filled: usize,
    rate: usize,
    /// What ends the message: the suffix of the function and the first bit of the padding.
    suffix: u8,
    /// 0: as many as one asks for.
    digest_size: usize,
    name: &'static str,
}

impl Sponge {
    /// SHA-3 with a digest of so many bytes.
    pub fn sha3(name: &'static str, digest_size: usize) -> Sponge {
        Sponge { state: [0; 25], filled: 0, rate: 200 - 2 * digest_size, suffix: 0x06, digest_size, name }
    }

    /// SHAKE with a strength of so many bytes.
    pub fn shake(name: &'static str, strength: usize) -> Sponge {
        Sponge { state: [0; 25], filled: 0, rate: 200 - 2 * strength, suffix: 0x1F, digest_size: 0, name }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Bytes taken in between two permutations.
    pub fn rate(&self) -> usize {
        self.rate
    }

    pub fn digest_size(&self) -> usize {
        self.digest_size
    }

    fn permute(&mut self) {
        Keccak::new().with_f1600(|f| f(&mut self.state));
        self.filled = 0;
    }

    fn xor(&mut self, at: usize, byte: u8) {
        self.state[at / 8] ^= u64::from(byte) << (8 * (at % 8));
    }

    pub fn update(&mut self, mut data: &[u8]) {
        while let Some((&first, rest)) = data.split_first() {
            if self.filled.is_multiple_of(8) && data.len() >= 8 && self.filled + 8 <= self.rate {
                let (word, rest) = data.split_at(8);
                self.state[self.filled / 8] ^= word.iter().rev().fold(0, |w, b| w << 8 | u64::from(*b));
                self.filled += 8;
                data = rest;
            } else {
                self.xor(self.filled, first);
                self.filled += 1;
                data = rest;
            }
            if self.filled == self.rate {
                self.permute();
            }
        }
    }

    /// The digest; `len` bytes for SHAKE.
    pub fn finish(mut self, len: usize) -> Vec<u8> {
        let len = if self.digest_size == 0 { len } else { self.digest_size };
        self.xor(self.filled, self.suffix);
        self.xor(self.rate - 1, 0x80);
        let mut out = Vec::with_capacity(len);
        while out.len() < len {
            self.permute();
            let block = self.state.iter().flat_map(|w| w.to_le_bytes()).take(self.rate);
            out.extend(block.take(len - out.len()));
        }
        out
    }
}
