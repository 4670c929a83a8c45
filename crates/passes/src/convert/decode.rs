//! Pixels as codes of R, G and B, tile by tile.

use zerohop_frame::Rect;
use zerohop_vulkan::PixelLayout;

use super::cpu::{Job, SIDE};
use super::curve::Curve;
use crate::classify::{self, Pixel};
use crate::{Rows, TILE};

/// What is done with tiles, for each kind of pixel.
pub(crate) trait Tiles {
    /// Does it for pixels that are decoded so.
    fn each<D: Decode>(&mut self, decode: D);
}

/// Does `tiles` for the pixels of `job`.
#[inline(always)]
pub(crate) fn decoded(job: &Job<'_>, mut tiles: impl Tiles) {
    let PixelLayout::Packed { bytes, channels: [r, g, b, _] } = job.format.layout() else {
        return tiles.each(Half(job.curve));
    };
    let (shift, max) = ([r.shift, g.shift, b.shift], [r.max(), g.max(), b.max()]);
    // Constants for the two usual orders: shifts and masks by constants cost less.
    match (bytes, shift, max) {
        (2, ..) => tiles.each(Packed::<2> { shift, max }),
        (_, [16, 8, 0], [255, 255, 255]) => {
            tiles.each(Packed::<4> { shift: [16, 8, 0], max: [255; 3] });
        }
        (_, [0, 8, 16], [255, 255, 255]) => {
            tiles.each(Packed::<4> { shift: [0, 8, 16], max: [255; 3] });
        }
        _ => tiles.each(Packed::<4> { shift, max }),
    }
}

/// The R, G and B codes of a tile, row by row. Ten bits at most, so four of them fit as a sum.
pub(crate) type Codes = [[u16; SIDE * SIDE]; 3];

/// How one kind of pixel becomes codes.
pub(crate) trait Decode: Copy {
    /// Bytes of a pixel.
    const BYTES: usize;
    /// The same as words, for hashes.
    type Words: Pixel;

    /// Decodes sixteen pixels into row `to`.
    fn row(self, picture: &impl Rows, row: usize, offset: usize, codes: &mut Codes, to: usize);

    /// The codes of one pixel.
    fn one(self, picture: &impl Rows, row: usize, offset: usize) -> [u16; 3];
}

#[derive(Clone, Copy)]
pub(crate) struct Packed<const BYTES: usize> {
    shift: [u32; 3],
    max: [u32; 3],
}

impl<const BYTES: usize> Packed<BYTES> {
    #[inline(always)]
    fn split(self, word: u32, channel: usize) -> u16 {
        (word >> self.shift[channel] & self.max[channel]) as u16
    }

    #[inline(always)]
    fn split_row(self, words: &[u32; SIDE], codes: &mut Codes, to: usize) {
        for (channel, codes) in codes.iter_mut().enumerate() {
            for (code, word) in codes[to * SIDE..][..SIDE].iter_mut().zip(words) {
                *code = self.split(*word, channel);
            }
        }
    }
}

impl Decode for Packed<4> {
    const BYTES: usize = 4;
    type Words = classify::Word;

    #[inline(always)]
    fn row(self, picture: &impl Rows, row: usize, offset: usize, codes: &mut Codes, to: usize) {
        let bytes: [u8; 4 * SIDE] = picture.read(row, offset);
        let mut words = [0; SIDE];
        for (word, four) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*four);
        }
        self.split_row(&words, codes, to);
    }

    #[inline(always)]
    fn one(self, picture: &impl Rows, row: usize, offset: usize) -> [u16; 3] {
        let word = u32::from_le_bytes(picture.read(row, offset));
        [self.split(word, 0), self.split(word, 1), self.split(word, 2)]
    }
}

impl Decode for Packed<2> {
    const BYTES: usize = 2;
    type Words = classify::Short;

    #[inline(always)]
    fn row(self, picture: &impl Rows, row: usize, offset: usize, codes: &mut Codes, to: usize) {
        let bytes: [u8; 2 * SIDE] = picture.read(row, offset);
        let mut words = [0; SIDE];
        for (word, two) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u16::from_le_bytes(*two).into();
        }
        self.split_row(&words, codes, to);
    }

    #[inline(always)]
    fn one(self, picture: &impl Rows, row: usize, offset: usize) -> [u16; 3] {
        let word = u16::from_le_bytes(picture.read(row, offset)).into();
        [self.split(word, 0), self.split(word, 1), self.split(word, 2)]
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Half<'a>(&'a Curve);

impl Decode for Half<'_> {
    const BYTES: usize = 8;
    type Words = classify::Half;

    #[inline(always)]
    fn row(self, picture: &impl Rows, row: usize, offset: usize, codes: &mut Codes, to: usize) {
        for x in 0..SIDE {
            let one = self.one(picture, row, offset + x * Self::BYTES);
            set(codes, to * SIDE + x, one);
        }
    }

    #[inline(always)]
    fn one(self, picture: &impl Rows, row: usize, offset: usize) -> [u16; 3] {
        let [r0, r1, g0, g1, b0, b1, ..]: [u8; 8] = picture.read(row, offset);
        let code = |bytes| self.0.code(u16::from_le_bytes(bytes));
        [code([r0, r1]), code([g0, g1]), code([b0, b1])]
    }
}

#[inline(always)]
fn set(codes: &mut Codes, at: usize, one: [u16; 3]) {
    for (channel, code) in codes.iter_mut().zip(one) {
        channel[at] = code;
    }
}

/// The codes of a tile; outside of the picture those of the nearest pixel inside.
#[inline(always)]
pub(super) fn decode_tile<D: Decode>(decode: D, picture: &impl Rows, rect: &Rect) -> Codes {
    let mut codes = [[0; SIDE * SIDE]; 3];
    let left = rect.x as usize * D::BYTES;
    for y in 0..SIDE {
        let row = rect.y as usize + y.min(rect.height as usize - 1);
        if rect.width == TILE {
            decode.row(picture, row, left, &mut codes, y);
            continue;
        }
        for x in 0..SIDE {
            let offset = left + x.min(rect.width as usize - 1) * D::BYTES;
            set(&mut codes, y * SIDE + x, decode.one(picture, row, offset));
        }
    }
    codes
}
