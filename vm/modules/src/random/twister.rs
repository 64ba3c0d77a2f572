//! MT19937.
//!
//! Source: Matsumoto, Nishimura, "Mersenne Twister" (1998) and their initialisation by array (2002).
//! (A crate exists, but it gives no access to its position, which `getstate` needs.)

/// Words of state.
pub const N: usize = 624;
const M: usize = 397;

/// A generator.
pub struct Twister {
    pub words: [u32; N],
    /// The word to give out next; `N` = a new batch is due.
    pub index: usize,
}

impl Twister {
    /// With the default seed.
    pub fn new() -> Twister {
        let mut t = Twister { words: [0; N], index: N };
        t.seed_word(5489);
        t
    }

    fn seed_word(&mut self, seed: u32) {
        self.words[0] = seed;
        for i in 1..N {
            let before = self.words[i - 1];
            self.words[i] = (before ^ before >> 30).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        self.index = N;
    }

    /// Seeds by a key of any length (at least one word).
    pub fn seed(&mut self, key: &[u32]) {
        self.seed_word(19_650_218);
        let w = &mut self.words;
        let mut i = 1;
        let mut next = |w: &mut [u32; N], mix: &dyn Fn(u32, u32, usize) -> u32| {
            w[i] = mix(w[i], w[i - 1] ^ w[i - 1] >> 30, i);
            i += 1;
            if i >= N {
                w[0] = w[N - 1];
                i = 1;
            }
        };
        for k in 0..N.max(key.len()) {
            let j = k % key.len();
            next(w, &|now, before, _| {
                (now ^ before.wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32)
            });
        }
        for _ in 1..N {
            next(w, &|now, before, i| (now ^ before.wrapping_mul(1_566_083_941)).wrapping_sub(i as u32));
        }
        w[0] = 0x8000_0000;
    }

    #[cold]
    fn refill(&mut self) {
        let w = &mut self.words;
        let twist = |high: u32, low: u32| {
            let y = (high & 0x8000_0000) | (low & 0x7fff_ffff);
            (y >> 1) ^ if low & 1 != 0 { 0x9908_b0df } else { 0 }
        };
        for i in 0..N - M {
            w[i] = w[i + M] ^ twist(w[i], w[i + 1]);
        }
        for i in N - M..N - 1 {
            w[i] = w[i + M - N] ^ twist(w[i], w[i + 1]);
        }
        w[N - 1] = w[M - 1] ^ twist(w[N - 1], w[0]);
        self.index = 0;
    }

    /// 32 random bits.
    #[inline]
    pub fn word(&mut self) -> u32 {
        if self.index >= N {
            self.refill();
        }
        let mut y = self.words[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c_5680;
        y ^= y << 15 & 0xefc6_0000;
        y ^ y >> 18
    }

    /// A float in [0, 1) with 53 random bits.
    #[inline]
    pub fn float(&mut self) -> f64 {
        let (a, b) = (self.word() >> 5, self.word() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) * (1.0 / 9_007_199_254_740_992.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_reference_program() {
        // mt19937ar.out of the authors: init_by_array({0x123, 0x234, 0x345, 0x456}).
        let mut t = Twister::new();
        t.seed(&[0x123, 0x234, 0x345, 0x456]);
        assert_eq!([t.word(), t.word(), t.word()], [1_067_595_299, 955_945_823, 477_289_528]);
    }
}
