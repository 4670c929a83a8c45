//! The keys of a hash, and the twin of `hash.wgsl`: the same sums from the same words, bit for bit.

use std::hash::{BuildHasher, RandomState};

use zerohop_vulkan::PixelFormat;

use crate::TILE;

/// Pixels of a tile's row.
pub(super) const SIDE: usize = TILE as usize;
/// Shader invocations for one tile.
const INVOCATIONS: usize = 16;

/// The hash of one tile: two lanes.
pub(crate) type Hash = [u64; 2];

/// The words of a row of a tile: the first ones of its pixels and the second ones, zero where there
/// are none.
pub(super) type Words = [[u32; SIDE]; 2];

/// Random numbers, two for each pair of words of a tile and two more: a lane uses those of a pair, the
/// other lane those of the next one.
pub(crate) struct Keys {
    upper: Vec<u32>,
    lower: Vec<u32>,
}

impl Keys {
    /// New ones, for tiles of `format`.
    pub(crate) fn random(format: PixelFormat) -> Self {
        let words = format.bytes().div_ceil(4);
        let random = RandomState::new();
        let pairs = (SIDE * SIDE / 2 * words + 1) as u64;
        let of = |lane: u64| (0..pairs).map(|pair| random.hash_one((lane, pair)) as u32).collect();
        Self { upper: of(0), lower: of(1) }
    }

    /// In the order in which sixteen invocations ask for them: the first two pairs of each, the next
    /// two of each, and so on, up to the first pair of the next invocation.
    pub(super) fn for_shaders(&self) -> Vec<u32> {
        let last = self.upper.len() - 1;
        let each = last / INVOCATIONS;
        let twos =
            (0..=each).step_by(2).flat_map(|i| (0..INVOCATIONS).map(move |it| it * each + i));
        // Of the last two, the second one is nobody's.
        let places = twos.flat_map(|place| [place, (place + 1).min(last)]);
        places.flat_map(|place| [self.upper[place], self.lower[place]]).collect()
    }
}

/// The sums of a tile's columns.
pub(super) struct Sums {
    first: [u64; SIDE],
    second: [u64; SIDE],
}

impl Sums {
    pub(super) const NOTHING: Self = Self { first: [0; SIDE], second: [0; SIDE] };

    /// Adds word `WORD` of the `words` of each pixel, of two rows of which the upper one is number
    /// `pair * 2` of the tile.
    #[inline(always)]
    pub(super) fn add<const WORD: usize>(
        &mut self,
        keys: &Keys,
        (pair, words): (usize, usize),
        top: &[u32; SIDE],
        low: &[u32; SIDE],
    ) {
        let place = pair * SIDE * words + WORD;
        let (upper, lower) = (row(&keys.upper, place, words), row(&keys.lower, place, words));
        for x in 0..SIDE {
            let (a, b) = (top[x].wrapping_add(upper[x]), low[x].wrapping_add(lower[x]));
            self.first[x] = self.first[x].wrapping_add(u64::from(a) * u64::from(b));
        }
        let place = place + 1;
        let (upper, lower) = (row(&keys.upper, place, words), row(&keys.lower, place, words));
        for x in 0..SIDE {
            let (a, b) = (top[x].wrapping_add(upper[x]), low[x].wrapping_add(lower[x]));
            self.second[x] = self.second[x].wrapping_add(u64::from(a) * u64::from(b));
        }
    }

    /// The hash.
    #[inline(always)]
    pub(super) fn hash(&self) -> Hash {
        let sum = |lanes: &[u64; SIDE]| lanes.iter().fold(0_u64, |sum, one| sum.wrapping_add(*one));
        [sum(&self.first), sum(&self.second)]
    }
}

/// The keys of a row from `place` on: every one, or every second one.
#[inline(always)]
fn row(table: &[u32], place: usize, words: usize) -> [u32; SIDE] {
    let mut keys = [0; SIDE];
    if words == 1 {
        keys.copy_from_slice(&table[place..place + SIDE]);
        return keys;
    }
    for (x, key) in keys.iter_mut().enumerate() {
        *key = table[place + 2 * x];
    }
    keys
}
