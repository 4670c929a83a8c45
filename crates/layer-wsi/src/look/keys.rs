//! The keys of the hash.

use std::hash::{BuildHasher, RandomState};

use super::{Hash, SIDE};

/// Random numbers: for each word of each place of a block one for each lane.
pub struct Keys(Vec<Hash>);

impl Keys {
    /// New ones, for pixels of `words` words. They come from the keys of the process's hash maps,
    /// which the kernel's random numbers make.
    pub fn random(words: usize) -> Self {
        let random = RandomState::new();
        let count = SIDE as usize * SIDE as usize * words;
        let one = |place, lane: u8| random.hash_one((place, lane)) as u32;
        Self((0..count).map(|place| [0, 1, 2, 3].map(|lane| one(place, lane))).collect())
    }

    /// In the order of the words, row by row of a block.
    pub fn all(&self) -> &[Hash] {
        &self.0
    }
}
