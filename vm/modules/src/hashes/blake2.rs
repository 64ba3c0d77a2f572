//! BLAKE2b and BLAKE2s (RFC 7693) with all parameters of the tree mode, which the crates leave out.

/// What a hash is parametrised with.
pub struct Parameters {
    pub digest_size: u8,
    pub key: Vec<u8>,
    pub salt: Vec<u8>,
    pub person: Vec<u8>,
    pub fanout: u8,
    pub depth: u8,
    pub leaf_size: u32,
    pub node_offset: u64,
    pub node_depth: u8,
    pub inner_size: u8,
    pub last_node: bool,
}

/// Order of the message words in each round.
const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// Which words a round mixes: the columns, then the diagonals.
const MIXES: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

macro_rules! blake2 {
    ($(#[$doc:meta])* $name:ident, $word:ty, $double:ty, $rounds:literal, $rotations:expr, $iv:expr, $parameters:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            chain: [$word; 8],
            /// Bytes hashed, the block at hand not counted.
            counted: $double,
            block: [u8; $name::BLOCK],
            filled: usize,
            digest_size: usize,
            last_node: bool,
        }

        impl $name {
            const BLOCK: usize = 16 * size_of::<$word>();

            /// A hash with these parameters, whose fields are within the limits.
            pub fn new(p: &Parameters) -> $name {
                let mut chain: [$word; 8] = $iv;
                for (word, raw) in chain.iter_mut().zip($parameters(p).chunks_exact(size_of::<$word>())) {
                    *word ^= <$word>::from_le_bytes(raw.try_into().expect("exact chunks"));
                }
                let mut h = $name {
                    chain,
                    counted: 0,
                    block: [0; $name::BLOCK],
                    filled: 0,
                    digest_size: p.digest_size.into(),
                    last_node: p.last_node,
                };
                if !p.key.is_empty() {
                    let mut block = [0; $name::BLOCK];
                    block[..p.key.len()].copy_from_slice(&p.key);
                    h.update(&block);
                }
                h
            }

            pub fn digest_size(&self) -> usize {
                self.digest_size
            }

            pub fn update(&mut self, mut data: &[u8]) {
                while !data.is_empty() {
                    // A full block waits for more: the last one is compressed differently.
                    if self.filled == $name::BLOCK {
                        self.counted = self.counted.wrapping_add($name::BLOCK as $double);
                        self.compress(false);
                        self.filled = 0;
                    }
                    let n = data.len().min($name::BLOCK - self.filled);
                    let (now, later) = data.split_at(n);
                    self.block[self.filled..self.filled + n].copy_from_slice(now);
                    self.filled += n;
                    data = later;
                }
            }

            pub fn finish(mut self) -> Vec<u8> {
                self.counted = self.counted.wrapping_add(self.filled as $double);
                self.block[self.filled..].fill(0);
                self.compress(true);
                self.chain.iter().flat_map(|w| w.to_le_bytes()).take(self.digest_size).collect()
            }

            fn compress(&mut self, last: bool) {
                const R: [u32; 4] = $rotations;
                let iv: [$word; 8] = $iv;
                let mut m: [$word; 16] = [0; 16];
                for (word, raw) in m.iter_mut().zip(self.block.chunks_exact(size_of::<$word>())) {
                    *word = <$word>::from_le_bytes(raw.try_into().expect("exact chunks"));
                }
                let mut v: [$word; 16] = [0; 16];
                v[..8].copy_from_slice(&self.chain);
                v[8..].copy_from_slice(&iv);
                v[12] ^= self.counted as $word;
                v[13] ^= (self.counted >> <$word>::BITS) as $word;
                if last {
                    v[14] = !v[14];
                    if self.last_node {
                        v[15] = !v[15];
                    }
                }
                for round in 0..$rounds {
                    let order = &SIGMA[round % 10];
                    for (i, &[a, b, c, d]) in MIXES.iter().enumerate() {
                        v[a] = v[a].wrapping_add(v[b]).wrapping_add(m[order[2 * i]]);
                        v[d] = (v[d] ^ v[a]).rotate_right(R[0]);
                        v[c] = v[c].wrapping_add(v[d]);
                        v[b] = (v[b] ^ v[c]).rotate_right(R[1]);
                        v[a] = v[a].wrapping_add(v[b]).wrapping_add(m[order[2 * i + 1]]);
                        v[d] = (v[d] ^ v[a]).rotate_right(R[2]);
                        v[c] = v[c].wrapping_add(v[d]);
                        v[b] = (v[b] ^ v[c]).rotate_right(R[3]);
                    }
                }
                for (i, word) in self.chain.iter_mut().enumerate() {
                    *word ^= v[i] ^ v[i + 8];
                }
            }
        }
    };
}

blake2!(
    /// BLAKE2b: 64-bit words, digests up to 64 bytes.
    Blake2b,
    u64,
    u128,
    12,
    [32, 24, 16, 63],
    [
        0x6a09e667f3bcc908,
        0xbb67ae8584caa73b,
        0x3c6ef372fe94f82b,
        0xa54ff53a5f1d36f1,
        0x510e527fade682d1,
        0x9b05688c2b3e6c1f,
        0x1f83d9abfb41bd6b,
        0x5be0cd19137e2179,
    ],
    parameters_64
);

blake2!(
    /// BLAKE2s: 32-bit words, digests up to 32 bytes.
    Blake2s,
    u32,
    u64,
    10,
    [16, 12, 8, 7],
    [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ],
    parameters_32
);

/// The parameter block of BLAKE2b.
fn parameters_64(p: &Parameters) -> [u8; 64] {
    let mut b = [0; 64];
    b[..4].copy_from_slice(&[p.digest_size, p.key.len() as u8, p.fanout, p.depth]);
    b[4..8].copy_from_slice(&p.leaf_size.to_le_bytes());
    b[8..16].copy_from_slice(&p.node_offset.to_le_bytes());
    b[16] = p.node_depth;
    b[17] = p.inner_size;
    b[32..32 + p.salt.len()].copy_from_slice(&p.salt);
    b[48..48 + p.person.len()].copy_from_slice(&p.person);
    b
}

/// The parameter block of BLAKE2s.
fn parameters_32(p: &Parameters) -> [u8; 32] {
    let mut b = [0; 32];
    b[..4].copy_from_slice(&[p.digest_size, p.key.len() as u8, p.fanout, p.depth]);
    b[4..8].copy_from_slice(&p.leaf_size.to_le_bytes());
    b[8..14].copy_from_slice(&p.node_offset.to_le_bytes()[..6]);
    b[14] = p.node_depth;
    b[15] = p.inner_size;
    b[16..16 + p.salt.len()].copy_from_slice(&p.salt);
    b[24..24 + p.person.len()].copy_from_slice(&p.person);
    b
}
