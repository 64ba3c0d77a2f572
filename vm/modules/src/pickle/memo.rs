//! What a pickler saved: numbers by identity.

use typhon_core::{Borrowed, Owned};

/// Objects saved, in the order of their numbers, and an open-addressing table of their addresses. The objects are kept,
/// so that no other gets the address of one.
#[derive(Default)]
pub struct Memo {
    saved: Vec<Owned>,
    /// Identity and number; identity 0: free. As long as a power of two, and at most half full.
    table: Vec<(u64, u32)>,
}

/// Entries of the first table.
const LEAST: usize = 16;

impl Memo {
    pub fn of(saved: Vec<Owned>) -> Memo {
        let mut memo = Memo { saved, table: Vec::new() };
        memo.rebuild((memo.saved.len() * 2).next_power_of_two().max(LEAST));
        memo
    }

    pub fn into_saved(self) -> Vec<Owned> {
        self.saved
    }

    /// Where an identity is, or where it belongs. The table is not empty, and never full.
    #[inline]
    fn place(&self, identity: u64) -> usize {
        let mask = self.table.len() - 1;
        let spread = identity.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut i = (spread >> 32) as usize & mask;
        while self.table[i].0 != identity && self.table[i].0 != 0 {
            i = (i + 1) & mask;
        }
        i
    }

    /// The number of an object.
    #[inline]
    pub fn number(&self, o: Borrowed<'_>) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        let (identity, number) = self.table[self.place(o.word().identity())];
        (identity != 0).then_some(number)
    }

    /// Gives an object the next number.
    #[inline]
    pub fn add(&mut self, o: Borrowed<'_>) -> u32 {
        if self.saved.len() * 2 >= self.table.len() {
            self.rebuild((self.table.len() * 4).max(LEAST));
        }
        let (identity, number) = (o.word().identity(), self.saved.len() as u32);
        let at = self.place(identity);
        self.table[at] = (identity, number);
        self.saved.push(o.to_owned());
        number
    }

    #[cold]
    fn rebuild(&mut self, size: usize) {
        self.table = vec![(0, 0); size];
        for number in 0..self.saved.len() {
            let identity = self.saved[number].word().identity();
            let at = self.place(identity);
            self.table[at] = (identity, number as u32);
        }
    }
}
