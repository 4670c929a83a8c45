//! The twin of the shaders that find hashes: the same ones from the same codes, bit for bit. On a CPU
//! device it is the pass itself, since there it reads the picture where it lies.

use zerohop_frame::Rect;
use zerohop_kernel::{VectorWork, vectorized};
use zerohop_vulkan::{PixelFormat, PixelLayout};

use super::hash::{Hash, Keys, SIDE, Sums, Words};
use super::pixel::{Byte, Half, Pixel, Short, Word};
use crate::{Rows, TILE, TileSet};

/// Hashes the tiles in `look` and returns those whose hash is not the one in `hashes`, which then
/// holds the new one.
///
/// # Panics
///
/// When `hashes` has not one hash for each tile, or `picture` not all pixels.
pub(crate) fn changed_tiles(
    picture: &impl Rows,
    format: PixelFormat,
    keys: &Keys,
    look: &TileSet,
    hashes: &mut [Hash],
) -> TileSet {
    assert_eq!(hashes.len(), look.grid().len(), "one hash for each tile");
    vectorized(Look { picture, format, keys, look, hashes })
}

struct Look<'a, R> {
    picture: &'a R,
    format: PixelFormat,
    keys: &'a Keys,
    look: &'a TileSet,
    hashes: &'a mut [Hash],
}

impl<R: Rows> VectorWork for Look<'_, R> {
    type Output = TileSet;

    #[inline(always)]
    fn run(self) -> TileSet {
        let lift = lift(self.format);
        match self.format.layout() {
            PixelLayout::Packed { bytes: 1, .. } => self.each::<Byte>(lift),
            PixelLayout::Packed { bytes: 2, .. } => self.each::<Short>(lift),
            PixelLayout::Packed { .. } => self.each::<Word>(lift),
            PixelLayout::Half { .. } => self.each::<Half>(lift),
        }
    }
}

/// By how many bits a pixel's last word is shifted to the left, so that those that do not count are gone:
/// they are the highest ones.
#[inline(always)]
pub(crate) fn lift(format: PixelFormat) -> u32 {
    match format.layout() {
        PixelLayout::Packed { bytes: 4, channels } => {
            channels.iter().fold(0, |all, one| all | (one.max() << one.shift)).leading_zeros()
        }
        PixelLayout::Half { alpha: false } => 16,
        _ => 0,
    }
}

impl<R: Rows> Look<'_, R> {
    /// Looks at each tile. `lift`: see [`lift`].
    #[inline(always)]
    fn each<P: Pixel>(self, lift: u32) -> TileSet {
        let grid = self.look.grid();
        let mut changed = TileSet::none(grid);
        for index in self.look.iter() {
            let hash = hash_of::<P>(self.picture, &grid.rect(index), self.keys, lift);
            if self.hashes[index] != hash {
                self.hashes[index] = hash;
                changed.insert(index);
            }
        }
        changed
    }
}

/// The hash of the tile at `rect`.
#[inline(always)]
pub(crate) fn hash_of<P: Pixel>(picture: &impl Rows, rect: &Rect, keys: &Keys, lift: u32) -> Hash {
    let mut sums = Sums::NOTHING;
    for pair in 0..SIDE / 2 {
        let top = words_of::<P>(picture, rect, pair * 2, lift);
        let low = words_of::<P>(picture, rect, pair * 2 + 1, lift);
        sums.add::<0>(keys, (pair, P::WORDS), &top[0], &low[0]);
        if P::WORDS == 2 {
            sums.add::<1>(keys, (pair, P::WORDS), &top[1], &low[1]);
        }
    }
    sums.hash()
}

/// The words of row `y` of a tile; past the edge of the picture, its last pixel again.
#[inline(always)]
fn words_of<P: Pixel>(picture: &impl Rows, rect: &Rect, y: usize, lift: u32) -> Words {
    let row = rect.y as usize + y.min(rect.height as usize - 1);
    let left = rect.x as usize * P::BYTES;
    if rect.width == TILE {
        return P::sixteen(picture, row, left, lift);
    }
    let [mut firsts, mut seconds] = [[0; SIDE]; 2];
    for (x, (first, second)) in firsts.iter_mut().zip(&mut seconds).enumerate() {
        let x = x.min(rect.width as usize - 1);
        [*first, *second] = P::one(picture, row, left + x * P::BYTES, lift);
    }
    [firsts, seconds]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zerohop_frame::{Extent, Fourcc};

    use super::*;
    use crate::{Grid, Plain};

    /// Keys, and the hashes of the picture before.
    type Known = Option<(Keys, Vec<Hash>)>;

    fn look(bytes: &[u8], extent: Extent, fourcc: Fourcc, known: &mut Known) -> Vec<usize> {
        let format = PixelFormat::of(fourcc).unwrap();
        let picture = Plain { bytes, stride: extent.width as usize * format.bytes() };
        let all = TileSet::all(Grid::of(extent));
        let (keys, hashes) =
            known.get_or_insert_with(|| (Keys::random(format), vec![[0; 2]; all.len()]));
        changed_tiles(&picture, format, keys, &all, hashes).iter().collect()
    }

    proptest! {
        /// Missed with a probability of at most 2^-64 (`classify/mod.rs`).
        #[test]
        fn a_single_pixel_is_seen_but_for_2_to_the_minus_64(
            at in 0_usize..33 * 17, flip in 1_u32..=0x00ff_ffff, noise: u32,
        ) {
            let extent = Extent { width: 33, height: 17 };
            let mut bytes: Vec<u8> =
                (0..33 * 17).flat_map(|i: u32| (i.wrapping_mul(noise)).to_le_bytes()).collect();
            let mut hashes = None;
            look(&bytes, extent, Fourcc::XRGB8888, &mut hashes);
            for i in 0..4 {
                bytes[at * 4 + i] ^= flip.to_le_bytes()[i];
            }
            let (x, y) = (at % 33, at / 33);
            let tile = y / 16 * 3 + x / 16;
            prop_assert_eq!(look(&bytes, extent, Fourcc::XRGB8888, &mut hashes), vec![tile]);
            prop_assert_eq!(look(&bytes, extent, Fourcc::XRGB8888, &mut hashes), vec![]);
        }
    }

    #[test]
    fn alpha_counts_only_where_it_is() {
        let extent = Extent { width: 16, height: 16 };
        let seen = |fourcc, byte: usize| {
            let mut hashes = None;
            let bytes_of_pixel = PixelFormat::of(fourcc).unwrap().bytes();
            let mut bytes = vec![1; 256 * bytes_of_pixel];
            look(&bytes, extent, fourcc, &mut hashes);
            bytes[5 * bytes_of_pixel + byte] ^= 0x80;
            !look(&bytes, extent, fourcc, &mut hashes).is_empty()
        };
        assert!(seen(Fourcc::ARGB8888, 3) && !seen(Fourcc::XRGB8888, 3));
        assert!(seen(Fourcc::ABGR2101010, 3) && !seen(Fourcc::XBGR2101010, 3));
        assert!(seen(Fourcc::ABGR16161616F, 7) && !seen(Fourcc::XBGR16161616F, 7));
        assert!(seen(Fourcc::XRGB2101010, 2) && seen(Fourcc::RGB565, 1));
    }

    #[test]
    fn swapped_pixels_are_a_change() {
        let extent = Extent { width: 16, height: 16 };
        let mut bytes = vec![0; 1024];
        bytes[0] = 1;
        let mut hashes = None;
        look(&bytes, extent, Fourcc::XRGB8888, &mut hashes);
        bytes.swap(0, 4);
        assert_eq!(look(&bytes, extent, Fourcc::XRGB8888, &mut hashes), [0]);
    }

    #[test]
    fn pixels_that_change_places_or_one_for_the_other_are_a_change() {
        let extent = Extent { width: 16, height: 16 };
        for (one, other, by) in [(0, 1, 0x80), (0, 16, 0x80), (5, 37, 1), (0, 255, 0x40)] {
            let mut bytes = vec![0x55; 1024];
            let mut hashes = None;
            look(&bytes, extent, Fourcc::ARGB8888, &mut hashes);
            bytes[one * 4 + 3] ^= by;
            bytes[other * 4 + 3] ^= by;
            assert_eq!(look(&bytes, extent, Fourcc::ARGB8888, &mut hashes), [0], "{one} {other}");
        }
    }
}
