//! The twin of `classify.wgsl`: the same hashes from the same codes, bit for bit. On a CPU device
//! it is the pass itself, since there it reads the picture where it lies.

use zerohop_kernel::{VectorWork, vectorized};
use zerohop_vulkan::{PixelFormat, PixelLayout};

use crate::{Grid, Rows, TILE, TileSet};

/// Pixels of a tile's row.
const SIDE: usize = TILE as usize;

/// The hash of one tile: two lanes.
pub type Hash = [u32; 2];

/// Hashes the tiles in `look` and returns those whose hash is not the one in `hashes`, which then
/// holds the new one.
///
/// # Panics
///
/// When `hashes` has not one hash for each tile, or `picture` not all pixels.
pub fn changed_tiles(
    picture: &impl Rows,
    format: PixelFormat,
    seed: u32,
    look: &TileSet,
    hashes: &mut [Hash],
) -> TileSet {
    assert_eq!(hashes.len(), look.grid().len(), "one hash for each tile");
    vectorized(Look { picture, layout: format.layout(), seed, look, hashes })
}

struct Look<'a, R> {
    picture: &'a R,
    layout: PixelLayout,
    seed: u32,
    look: &'a TileSet,
    hashes: &'a mut [Hash],
}

impl<R: Rows> VectorWork for Look<'_, R> {
    type Output = TileSet;

    #[inline(always)]
    fn run(self) -> TileSet {
        match self.layout {
            PixelLayout::Packed { bytes: 1, .. } => self.each::<Byte>(u32::from(u8::MAX)),
            PixelLayout::Packed { bytes: 2, .. } => self.each::<Short>(u32::from(u16::MAX)),
            PixelLayout::Packed { channels, .. } => {
                let mask = channels.iter().fold(0, |all, one| all | (one.max() << one.shift));
                self.each::<Word>(mask)
            }
            PixelLayout::Half { alpha } => self.each::<Half>(if alpha { u32::MAX } else { 0xffff }),
        }
    }
}

impl<R: Rows> Look<'_, R> {
    /// Looks at each tile. `mask` has the bits of a pixel's last word that count.
    #[inline(always)]
    fn each<P: Pixel>(self, mask: u32) -> TileSet {
        let grid = self.look.grid();
        let mut changed = TileSet::none(grid);
        for index in self.look.iter() {
            let hash = tile::<P>(self.picture, grid, index, self.seed, mask);
            if self.hashes[index] != hash {
                self.hashes[index] = hash;
                changed.insert(index);
            }
        }
        changed
    }
}

/// How one kind of pixel becomes words.
trait Pixel {
    /// Bytes of a pixel.
    const BYTES: usize;
    /// Words of a pixel.
    const WORDS: u32;

    /// Both words of sixteen pixels; the second is 0 when there is but one.
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [[u32; SIDE]; 2];

    /// Both words of one pixel.
    fn one(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [u32; 2];
}

/// One byte.
struct Byte;
/// Two bytes.
struct Short;
/// Four bytes.
struct Word;
/// Four half floats.
struct Half;

impl Pixel for Byte {
    const BYTES: usize = 1;
    const WORDS: u32 = 1;

    #[inline(always)]
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [[u32; SIDE]; 2] {
        let bytes: [u8; SIDE] = picture.read(row, offset);
        [bytes.map(|byte| u32::from(byte) & mask), [0; SIDE]]
    }

    #[inline(always)]
    fn one(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [u32; 2] {
        let [byte]: [u8; 1] = picture.read(row, offset);
        [u32::from(byte) & mask, 0]
    }
}

impl Pixel for Short {
    const BYTES: usize = 2;
    const WORDS: u32 = 1;

    #[inline(always)]
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [[u32; SIDE]; 2] {
        let bytes: [u8; 2 * SIDE] = picture.read(row, offset);
        let word = |i: usize| u32::from(u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]));
        [std::array::from_fn(|i| word(i) & mask), [0; SIDE]]
    }

    #[inline(always)]
    fn one(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [u32; 2] {
        [u32::from(u16::from_le_bytes(picture.read(row, offset))) & mask, 0]
    }
}

impl Pixel for Word {
    const BYTES: usize = 4;
    const WORDS: u32 = 1;

    #[inline(always)]
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [[u32; SIDE]; 2] {
        let bytes: [u8; 4 * SIDE] = picture.read(row, offset);
        [std::array::from_fn(|i| word_at(&bytes, i) & mask), [0; SIDE]]
    }

    #[inline(always)]
    fn one(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [u32; 2] {
        [u32::from_le_bytes(picture.read(row, offset)) & mask, 0]
    }
}

impl Pixel for Half {
    const BYTES: usize = 8;
    const WORDS: u32 = 2;

    #[inline(always)]
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [[u32; SIDE]; 2] {
        let bytes: [u8; 8 * SIDE] = picture.read(row, offset);
        [
            std::array::from_fn(|i| one_nan(word_at(&bytes, 2 * i))),
            std::array::from_fn(|i| one_nan(word_at(&bytes, 2 * i + 1)) & mask),
        ]
    }

    #[inline(always)]
    fn one(picture: &impl Rows, row: usize, offset: usize, mask: u32) -> [u32; 2] {
        let bytes: [u8; 8] = picture.read(row, offset);
        [one_nan(word_at(&bytes, 0)), one_nan(word_at(&bytes, 1)) & mask]
    }
}

#[inline(always)]
fn word_at(bytes: &[u8], i: usize) -> u32 {
    u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
}

/// Two half floats in which every NaN is 0x7e00: a device that loads one may change its payload.
#[inline(always)]
fn one_nan(pair: u32) -> u32 {
    let (low, high) = (pair & 0xffff, pair >> 16);
    let low = if low & 0x7fff > 0x7c00 { 0x7e00 } else { low };
    let high = if high & 0x7fff > 0x7c00 { 0x7e00 } else { high };
    low | high << 16
}

/// Both lanes of one word at its place in the tile.
#[inline(always)]
fn mix(word: u32, place: u32, seed: u32) -> [u32; 2] {
    let key = place.wrapping_mul(0x9e37_79b9).wrapping_add(seed);
    let a = (word ^ key).wrapping_mul(0x7feb_352d);
    let a = (a ^ a >> 16).wrapping_mul(0x846c_a68b);
    let a = a ^ a >> 15;
    let b = a.wrapping_mul(0xc2b2_ae35);
    [a, b ^ b >> 16]
}

#[inline(always)]
fn tile<P: Pixel>(picture: &impl Rows, grid: Grid, index: usize, seed: u32, mask: u32) -> Hash {
    let rect = grid.rect(index);
    let (left, top) = (rect.x as usize * P::BYTES, rect.y as usize);
    if rect.width == TILE {
        return rows::<P>(picture, left, top..top + rect.height as usize, seed, mask);
    }
    let mut hash = [0_u32; 2];
    for y in 0..rect.height {
        for x in 0..rect.width {
            let offset = left + x as usize * P::BYTES;
            let words = P::one(picture, top + y as usize, offset, mask);
            let place = (y * TILE + x) * P::WORDS;
            add(&mut hash, mix(words[0], place, seed));
            if P::WORDS == 2 {
                add(&mut hash, mix(words[1], place + 1, seed));
            }
        }
    }
    hash
}

/// A tile whose rows are whole: sixteen columns at a time.
#[inline(always)]
fn rows<P: Pixel>(
    picture: &impl Rows,
    left: usize,
    rows: std::ops::Range<usize>,
    seed: u32,
    mask: u32,
) -> Hash {
    let (mut low, mut high) = ([0_u32; SIDE], [0_u32; SIDE]);
    let mut first = 0;
    for row in rows {
        let words = P::sixteen(picture, row, left, mask);
        for word in 0..P::WORDS {
            for x in 0..SIDE {
                let place = first + x as u32 * P::WORDS + word;
                let [a, b] = mix(words[word as usize][x], place, seed);
                low[x] = low[x].wrapping_add(a);
                high[x] = high[x].wrapping_add(b);
            }
        }
        first += TILE * P::WORDS;
    }
    let sum = |lanes: [u32; SIDE]| lanes.iter().fold(0_u32, |sum, one| sum.wrapping_add(*one));
    [sum(low), sum(high)]
}

#[inline(always)]
fn add(hash: &mut Hash, more: [u32; 2]) {
    hash[0] = hash[0].wrapping_add(more[0]);
    hash[1] = hash[1].wrapping_add(more[1]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zerohop_frame::{Extent, Fourcc};

    use super::*;
    use crate::Plain;

    fn look(bytes: &[u8], extent: Extent, fourcc: Fourcc, hashes: &mut [Hash]) -> Vec<usize> {
        let format = PixelFormat::of(fourcc).unwrap();
        let picture = Plain { bytes, stride: extent.width as usize * format.bytes() };
        let all = TileSet::all(Grid::of(extent));
        changed_tiles(&picture, format, 7, &all, hashes).iter().collect()
    }

    proptest! {
        /// One pixel is always seen: each of the steps from a word to its lane can be undone.
        #[test]
        fn a_single_pixel_never_hides(
            at in 0_usize..33 * 17, flip in 1_u32..=0x00ff_ffff, noise: u32,
        ) {
            let extent = Extent { width: 33, height: 17 };
            let mut bytes: Vec<u8> =
                (0..33 * 17).flat_map(|i: u32| (i.wrapping_mul(noise)).to_le_bytes()).collect();
            let mut hashes = vec![[0; 2]; 6];
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
            let mut hashes = vec![[0; 2]];
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
        let mut hashes = vec![[0; 2]];
        look(&bytes, extent, Fourcc::XRGB8888, &mut hashes);
        bytes.swap(0, 4);
        assert_eq!(look(&bytes, extent, Fourcc::XRGB8888, &mut hashes), [0]);
    }

    #[test]
    fn one_nan_is_as_good_as_another() {
        assert_eq!(one_nan(0x7c01_fdff), 0x7e00_7e00);
        assert_eq!(one_nan(0xfc00_7c00), 0xfc00_7c00);
    }
}
