//! The twin of `luma.wgsl`: the same bytes from the same codes.

use zerohop_frame::Rect;
use zerohop_kernel::{VectorWork, vectorized};
use zerohop_vulkan::PixelLayout;

use super::codes::{Codes, POINT, Plane};
use crate::convert::curve::Curve;
use crate::paint::{Output, Work};
use crate::{Rows, TILE};

/// Pixels of a tile's row.
const SIDE: usize = TILE as usize;

/// Half a code, for rounding.
const HALF: u32 = 1 << (POINT - 1);

/// Writes `work` of `picture` into `out`.
pub(crate) fn paint(
    picture: &impl Rows,
    codes: &Codes,
    output: &Output,
    work: &Work<'_>,
    out: &mut [u8],
) {
    vectorized(Painter { picture, codes, output, work, out });
}

struct Painter<'a, R> {
    picture: &'a R,
    codes: &'a Codes,
    output: &'a Output,
    work: &'a Work<'a>,
    out: &'a mut [u8],
}

impl<R: Rows> VectorWork for Painter<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match self.codes {
            Codes::YCbCr(plane) if plane.format.bits == 8 => self.each(&Byte),
            Codes::YCbCr(plane) => self.each(&Short(plane)),
            Codes::Rgb { format, weights, curve } => match format.layout() {
                PixelLayout::Half { .. } => self.each(&HalfFloats { weights, curve }),
                PixelLayout::Packed { bytes, channels: [r, g, b, _] } => {
                    let shift = [r.shift, g.shift, b.shift];
                    let most = [r.max(), g.max(), b.max()];
                    let words = Words { weights, shift, most };
                    if bytes == 2 { self.each(&Narrow(words)) } else { self.each(&Wide(words)) }
                }
            },
        }
    }
}

/// How one kind of pixel becomes luma.
trait Decode {
    /// Bytes of a pixel.
    const BYTES: usize;

    /// The luma of the pixel at byte `offset` of row `row`.
    fn one(&self, picture: &impl Rows, row: usize, offset: usize) -> u8;

    /// The luma of sixteen pixels.
    #[inline(always)]
    fn sixteen(&self, picture: &impl Rows, row: usize, offset: usize) -> [u8; SIDE] {
        std::array::from_fn(|x| self.one(picture, row, offset + x * Self::BYTES))
    }
}

/// Codes of 8 bits, as they are.
struct Byte;

impl Decode for Byte {
    const BYTES: usize = 1;

    #[inline(always)]
    fn one(&self, picture: &impl Rows, row: usize, offset: usize) -> u8 {
        let [byte] = picture.read(row, offset);
        byte
    }

    #[inline(always)]
    fn sixteen(&self, picture: &impl Rows, row: usize, offset: usize) -> [u8; SIDE] {
        picture.read(row, offset)
    }
}

/// Codes of more bits.
struct Short<'a>(&'a Plane);

impl Decode for Short<'_> {
    const BYTES: usize = 2;

    #[inline(always)]
    fn one(&self, picture: &impl Rows, row: usize, offset: usize) -> u8 {
        self.0.luma(u16::from_le_bytes(picture.read(row, offset)))
    }

    #[inline(always)]
    fn sixteen(&self, picture: &impl Rows, row: usize, offset: usize) -> [u8; SIDE] {
        let bytes: [u8; 2 * SIDE] = picture.read(row, offset);
        std::array::from_fn(|x| self.0.luma(u16::from_le_bytes([bytes[2 * x], bytes[2 * x + 1]])))
    }
}

impl Plane {
    #[inline(always)]
    fn luma(&self, word: u16) -> u8 {
        ((self.format.code(word).min(self.most) * self.weight + HALF) >> POINT) as u8
    }
}

/// R', G' and B' in a word.
struct Words<'a> {
    weights: &'a [u32; 3],
    shift: [u32; 3],
    most: [u32; 3],
}

impl Words<'_> {
    #[inline(always)]
    fn luma(&self, word: u32) -> u8 {
        let part = |i: usize| (word >> self.shift[i] & self.most[i]) * self.weights[i];
        ((part(0) + part(1) + part(2) + HALF) >> POINT) as u8
    }
}

/// Pixels of four bytes.
struct Wide<'a>(Words<'a>);
/// Pixels of two bytes.
struct Narrow<'a>(Words<'a>);

impl Decode for Wide<'_> {
    const BYTES: usize = 4;

    #[inline(always)]
    fn one(&self, picture: &impl Rows, row: usize, offset: usize) -> u8 {
        self.0.luma(u32::from_le_bytes(picture.read(row, offset)))
    }

    #[inline(always)]
    fn sixteen(&self, picture: &impl Rows, row: usize, offset: usize) -> [u8; SIDE] {
        let bytes: [u8; 4 * SIDE] = picture.read(row, offset);
        let mut words = [0; SIDE];
        for (word, four) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*four);
        }
        words.map(|word| self.0.luma(word))
    }
}

impl Decode for Narrow<'_> {
    const BYTES: usize = 2;

    #[inline(always)]
    fn one(&self, picture: &impl Rows, row: usize, offset: usize) -> u8 {
        self.0.luma(u16::from_le_bytes(picture.read(row, offset)).into())
    }
}

/// Pixels of four half floats.
struct HalfFloats<'a> {
    weights: &'a [u32; 3],
    curve: &'a Curve,
}

impl Decode for HalfFloats<'_> {
    const BYTES: usize = 8;

    #[inline(always)]
    fn one(&self, picture: &impl Rows, row: usize, offset: usize) -> u8 {
        let [r0, r1, g0, g1, b0, b1, ..]: [u8; 8] = picture.read(row, offset);
        let codes = [[r0, r1], [g0, g1], [b0, b1]].map(u16::from_le_bytes);
        let part = |i: usize| u32::from(self.curve.code(codes[i])) * self.weights[i];
        ((part(0) + part(1) + part(2) + HALF) >> POINT) as u8
    }
}

impl<R: Rows> Painter<'_, R> {
    #[inline(always)]
    fn each(self, decode: &impl Decode) {
        let grid = self.work.tiles.grid();
        let stride = self.output.descriptor.planes[0].stride as usize;
        for index in self.work.tiles.iter() {
            let rect = grid.rect(index);
            let start = rect.y as usize * stride + rect.x as usize;
            let shown = self.work.is_shown(index);
            for y in 0..SIDE {
                let out = &mut self.out[start + y * stride..][..SIDE];
                if shown {
                    row(decode, self.picture, &rect, y, out);
                } else {
                    out.fill(0);
                }
            }
        }
    }
}

/// A row of a tile; outside of the picture the nearest pixel inside.
#[inline(always)]
fn row<D: Decode>(decode: &D, picture: &impl Rows, rect: &Rect, y: usize, out: &mut [u8]) {
    let row = rect.y as usize + y.min(rect.height as usize - 1);
    let left = rect.x as usize * D::BYTES;
    if rect.width == TILE {
        out.copy_from_slice(&decode.sixteen(picture, row, left));
        return;
    }
    for (x, out) in out.iter_mut().enumerate() {
        let x = x.min(rect.width as usize - 1);
        *out = decode.one(picture, row, left + x * D::BYTES);
    }
}
