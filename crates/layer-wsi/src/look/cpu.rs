//! The twin of `look.wgsl` on the CPU: the same sums of the same words, bit for bit.

use zerohop_frame::Extent;

use super::{Hash, Keys, SIDE};

/// The hashes of the blocks of a picture, row by row. `words` gives those of the pixel at a column
/// and a row, as many as the keys are for.
pub fn hashes<W: AsRef<[u32]>>(
    keys: &Keys,
    size: Extent,
    words: impl Fn(u32, u32) -> W,
) -> Vec<Hash> {
    let (columns, rows) = (size.width.div_ceil(SIDE), size.height.div_ceil(SIDE));
    let blocks = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    blocks.map(|block| hash(keys, size, block, &words)).collect()
}

fn hash<W: AsRef<[u32]>>(
    keys: &Keys,
    size: Extent,
    (column, row): (u32, u32),
    words: impl Fn(u32, u32) -> W,
) -> Hash {
    let mut sum = Hash::default();
    let mut keys = keys.all().iter();
    for place in 0..SIDE * SIDE {
        let x = (column * SIDE + place % SIDE).min(size.width - 1);
        let y = (row * SIDE + place / SIDE).min(size.height - 1);
        for (word, key) in words(x, y).as_ref().iter().zip(&mut keys) {
            for (sum, key) in sum.iter_mut().zip(key) {
                *sum = sum.wrapping_add(nh(*word, *key));
            }
        }
    }
    sum
}

/// NH of one pair: the two halves of a word, each with its key.
fn nh(word: u32, key: u32) -> u32 {
    let low = word.wrapping_add(key) & 0xffff;
    let high = (word >> 16).wrapping_add(key >> 16) & 0xffff;
    low.wrapping_mul(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Extent = Extent { width: 37, height: 35 };

    /// A picture of noise in which bit `bit` of the pixel at `at` is another.
    fn with(at: (u32, u32), bit: u32) -> impl Fn(u32, u32) -> [u32; 1] {
        move |x, y| {
            let noise = (x + 1).wrapping_mul(0x9e37_79b1) ^ (y + 7).wrapping_mul(0x85eb_ca6b);
            [noise ^ if (x, y) == at { 1 << bit } else { 0 }]
        }
    }

    #[test]
    fn every_bit_of_every_pixel_is_in_the_hash_of_its_block_alone() {
        let keys = Keys::random(1);
        let before = hashes(&keys, SIZE, with((99, 99), 0));
        assert_eq!(before.len(), 4);
        for (place, bit) in (0..SIZE.width * SIZE.height).zip((0..32).cycle()) {
            let at = (place % SIZE.width, place / SIZE.width);
            let after = hashes(&keys, SIZE, with(at, bit));
            let block = (at.1 / SIDE * 2 + at.0 / SIDE) as usize;
            for (one, (before, after)) in before.iter().zip(&after).enumerate() {
                assert_eq!(before != after, one == block, "bit {bit} of {at:?}, block {one}");
            }
        }
    }

    #[test]
    fn other_keys_are_another_hash() {
        let of = || hashes(&Keys::random(1), SIZE, with((0, 0), 0));
        assert_ne!(of(), of());
    }
}
