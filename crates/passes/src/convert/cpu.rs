//! The twin of `convert.wgsl`: the same bytes from the same codes. On a CPU device it is the pass
//! itself, since there it reads the picture where it lies and writes where encoders read.

use zerohop_kernel::{VectorWork, vectorized};
use zerohop_vulkan::{PixelFormat, PixelLayout};

use super::curve::Curve;
use super::layout::{Chroma, Layout};
use super::matrix::{Matrix, POINT, Weights};
use crate::{Rows, TILE, TileSet};

/// Pixels of a tile's row.
const SIDE: usize = TILE as usize;

/// What a picture is converted with.
pub(crate) struct Job<'a> {
    pub(crate) format: PixelFormat,
    pub(crate) matrix: Matrix,
    pub(crate) curve: &'a Curve,
    pub(crate) layout: Layout,
}

/// Writes `tiles` of `picture` into `out`.
///
/// # Panics
///
/// When `out` is smaller than the layout, or `picture` has not all pixels.
pub(crate) fn convert_tiles(picture: &impl Rows, job: &Job<'_>, tiles: &TileSet, out: &mut [u8]) {
    assert!(out.len() >= job.layout.size as usize, "room for the picture");
    vectorized(Work { picture, job, tiles, out });
}

struct Work<'a, R> {
    picture: &'a R,
    job: &'a Job<'a>,
    tiles: &'a TileSet,
    out: &'a mut [u8],
}

impl<R: Rows> VectorWork for Work<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let layout = self.job.format.layout();
        match layout {
            PixelLayout::Packed { bytes: 2, channels: [r, g, b, _] } => {
                let max = [r, g, b].map(|it| it.max());
                self.each(Packed::<2> { shift: [r.shift, g.shift, b.shift], max });
            }
            PixelLayout::Packed { channels: [r, g, b, _], .. } => {
                // Constants for the two usual orders, so that shifts and masks cost less.
                let shift = [r.shift, g.shift, b.shift];
                let max = [r, g, b].map(|it| it.max());
                match (shift, max) {
                    ([16, 8, 0], [255, 255, 255]) => {
                        self.each(Packed::<4> { shift: [16, 8, 0], max: [255; 3] });
                    }
                    ([0, 8, 16], [255, 255, 255]) => {
                        self.each(Packed::<4> { shift: [0, 8, 16], max: [255; 3] });
                    }
                    _ => self.each(Packed::<4> { shift, max }),
                }
            }
            PixelLayout::Half { .. } => {
                let curve = self.job.curve;
                self.each(Half(curve));
            }
        }
    }
}

/// A row of R, G and B codes.
type Codes = [[i32; SIDE]; 3];

/// How one kind of pixel becomes codes.
trait Decode: Copy {
    /// Bytes of a pixel.
    const BYTES: usize;

    /// The codes of sixteen pixels.
    fn sixteen(self, picture: &impl Rows, row: usize, offset: usize) -> Codes;

    /// The codes of one pixel.
    fn one(self, picture: &impl Rows, row: usize, offset: usize) -> [i32; 3];
}

#[derive(Clone, Copy)]
struct Packed<const BYTES: usize> {
    shift: [u32; 3],
    max: [u32; 3],
}

impl<const BYTES: usize> Packed<BYTES> {
    #[inline(always)]
    fn split(self, word: u32, channel: usize) -> i32 {
        (word >> self.shift[channel] & self.max[channel]).cast_signed()
    }
}

impl Decode for Packed<4> {
    const BYTES: usize = 4;

    #[inline(always)]
    fn sixteen(self, picture: &impl Rows, row: usize, offset: usize) -> Codes {
        let bytes: [u8; 4 * SIDE] = picture.read(row, offset);
        let word: [u32; SIDE] = std::array::from_fn(|i| {
            u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
        });
        std::array::from_fn(|channel| std::array::from_fn(|i| self.split(word[i], channel)))
    }

    #[inline(always)]
    fn one(self, picture: &impl Rows, row: usize, offset: usize) -> [i32; 3] {
        let word = u32::from_le_bytes(picture.read(row, offset));
        std::array::from_fn(|channel| self.split(word, channel))
    }
}

impl Decode for Packed<2> {
    const BYTES: usize = 2;

    #[inline(always)]
    fn sixteen(self, picture: &impl Rows, row: usize, offset: usize) -> Codes {
        let bytes: [u8; 2 * SIDE] = picture.read(row, offset);
        let word: [u32; SIDE] =
            std::array::from_fn(|i| u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]).into());
        std::array::from_fn(|channel| std::array::from_fn(|i| self.split(word[i], channel)))
    }

    #[inline(always)]
    fn one(self, picture: &impl Rows, row: usize, offset: usize) -> [i32; 3] {
        let word = u16::from_le_bytes(picture.read(row, offset)).into();
        std::array::from_fn(|channel| self.split(word, channel))
    }
}

#[derive(Clone, Copy)]
struct Half<'a>(&'a Curve);

impl Decode for Half<'_> {
    const BYTES: usize = 8;

    #[inline(always)]
    fn sixteen(self, picture: &impl Rows, row: usize, offset: usize) -> Codes {
        let bytes: [u8; 8 * SIDE] = picture.read(row, offset);
        std::array::from_fn(|channel| {
            std::array::from_fn(|i| {
                let at = i * 8 + channel * 2;
                self.0.code(u16::from_le_bytes([bytes[at], bytes[at + 1]])).into()
            })
        })
    }

    #[inline(always)]
    fn one(self, picture: &impl Rows, row: usize, offset: usize) -> [i32; 3] {
        let bytes: [u8; 8] = picture.read(row, offset);
        std::array::from_fn(|channel| {
            let at = channel * 2;
            self.0.code(u16::from_le_bytes([bytes[at], bytes[at + 1]])).into()
        })
    }
}

impl<R: Rows> Work<'_, R> {
    #[inline(always)]
    fn each(self, decode: impl Decode) {
        let grid = self.tiles.grid();
        let Job { matrix, layout, .. } = self.job;
        for index in self.tiles.iter() {
            let rect = grid.rect(index);
            for pair in 0..SIDE / 2 {
                let row = |y: usize| codes(decode, self.picture, rect, y);
                let (top, low) = (row(2 * pair), row(2 * pair + 1));
                let y = rect.y as usize + 2 * pair;
                let at = y * layout.stride as usize + rect.x as usize;
                put(self.out, at, luma(&matrix.luma, &top));
                put(self.out, at + layout.stride as usize, luma(&matrix.luma, &low));
                let sums = sums(&top, &low);
                let (cb, cr) = (chroma(&matrix.blue, &sums), chroma(&matrix.red, &sums));
                chroma_row(self.out, layout, rect.x as usize, y / 2, cb, cr);
            }
        }
    }
}

/// The codes of one row of a tile; outside of the picture those of the nearest pixel inside.
#[inline(always)]
fn codes<D: Decode>(decode: D, picture: &impl Rows, rect: zerohop_frame::Rect, y: usize) -> Codes {
    let row = rect.y as usize + y.min(rect.height as usize - 1);
    let left = rect.x as usize * D::BYTES;
    if rect.width == TILE {
        return decode.sixteen(picture, row, left);
    }
    let mut codes = [[0; SIDE]; 3];
    for x in 0..SIDE {
        let offset = left + x.min(rect.width as usize - 1) * D::BYTES;
        let one = decode.one(picture, row, offset);
        for (row, code) in codes.iter_mut().zip(one) {
            row[x] = code;
        }
    }
    codes
}

#[inline(always)]
fn luma(weights: &Weights, codes: &Codes) -> [u8; SIDE] {
    std::array::from_fn(|i| {
        let sum = codes[0][i] * weights.rgb[0]
            + codes[1][i] * weights.rgb[1]
            + codes[2][i] * weights.rgb[2]
            + weights.bias;
        (sum >> POINT) as u8
    })
}

/// The sums of the four pixels of each chroma sample.
#[inline(always)]
fn sums(top: &Codes, low: &Codes) -> [[i32; SIDE / 2]; 3] {
    std::array::from_fn(|channel| {
        let both: [i32; SIDE] = std::array::from_fn(|i| top[channel][i] + low[channel][i]);
        std::array::from_fn(|i| both[2 * i] + both[2 * i + 1])
    })
}

#[inline(always)]
fn chroma(weights: &Weights, sums: &[[i32; SIDE / 2]; 3]) -> [u8; SIDE / 2] {
    std::array::from_fn(|i| {
        let sum = sums[0][i] * weights.rgb[0]
            + sums[1][i] * weights.rgb[1]
            + sums[2][i] * weights.rgb[2]
            + weights.bias;
        (sum >> (POINT + 2)) as u8
    })
}

#[inline(always)]
fn chroma_row(
    out: &mut [u8],
    layout: &Layout,
    x: usize,
    row: usize,
    cb: [u8; SIDE / 2],
    cr: [u8; SIDE / 2],
) {
    let start = row * layout.chroma_stride as usize;
    match layout.chroma {
        Chroma::Interleaved => {
            let both: [u8; SIDE] =
                std::array::from_fn(|i| if i % 2 == 0 { cb[i / 2] } else { cr[i / 2] });
            put(out, layout.cb as usize + start + x, both);
        }
        Chroma::Planar => {
            put(out, layout.cb as usize + start + x / 2, cb);
            put(out, layout.cr as usize + start + x / 2, cr);
        }
    }
}

#[inline(always)]
fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    out[at..at + N].copy_from_slice(&bytes);
}
