//! The twin of `convert.wgsl`: the same bytes from the same codes. On a CPU device it is the pass
//! itself, since there it reads the picture where it lies and writes where encoders read.

use zerohop_frame::Rect;
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
        let curve = self.job.curve;
        let PixelLayout::Packed { bytes, channels: [r, g, b, _] } = self.job.format.layout() else {
            return self.each(Half(curve));
        };
        let (shift, max) = ([r.shift, g.shift, b.shift], [r.max(), g.max(), b.max()]);
        // Constants for the two usual orders: shifts and masks by constants cost less.
        match (bytes, shift, max) {
            (2, ..) => self.each(Packed::<2> { shift, max }),
            (_, [16, 8, 0], [255, 255, 255]) => {
                self.each(Packed::<4> { shift: [16, 8, 0], max: [255; 3] });
            }
            (_, [0, 8, 16], [255, 255, 255]) => {
                self.each(Packed::<4> { shift: [0, 8, 16], max: [255; 3] });
            }
            _ => self.each(Packed::<4> { shift, max }),
        }
    }
}

/// The R, G and B codes of a tile, row by row. Ten bits at most, so four of them fit as a sum.
type Codes = [[u16; SIDE * SIDE]; 3];

/// How one kind of pixel becomes codes.
trait Decode: Copy {
    /// Bytes of a pixel.
    const BYTES: usize;

    /// Decodes sixteen pixels into row `to`.
    fn row(self, picture: &impl Rows, row: usize, offset: usize, codes: &mut Codes, to: usize);

    /// The codes of one pixel.
    fn one(self, picture: &impl Rows, row: usize, offset: usize) -> [u16; 3];
}

#[derive(Clone, Copy)]
struct Packed<const BYTES: usize> {
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
struct Half<'a>(&'a Curve);

impl Decode for Half<'_> {
    const BYTES: usize = 8;

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

impl<R: Rows> Work<'_, R> {
    #[inline(always)]
    fn each(self, decode: impl Decode) {
        let grid = self.tiles.grid();
        let Job { matrix, layout, .. } = self.job;
        for index in self.tiles.iter() {
            let rect = grid.rect(index);
            let codes = decode_tile(decode, self.picture, &rect);
            let stride = layout.stride as usize;
            let start = rect.y as usize * stride + rect.x as usize;
            put_rows::<SIDE>(self.out, start, stride, &luma(&matrix.luma, &codes));
            let sums = sums(&codes);
            let (cb, cr) = (chroma(&matrix.blue, &sums), chroma(&matrix.red, &sums));
            put_chroma(self.out, layout, &rect, &cb, &cr);
        }
    }
}

/// The codes of a tile; outside of the picture those of the nearest pixel inside.
#[inline(always)]
fn decode_tile<D: Decode>(decode: D, picture: &impl Rows, rect: &Rect) -> Codes {
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

#[inline(always)]
fn luma(weights: &Weights, codes: &Codes) -> [u8; SIDE * SIDE] {
    let mut out = [0; SIDE * SIDE];
    for (i, code) in out.iter_mut().enumerate() {
        *code = (dot(weights, codes[0][i], codes[1][i], codes[2][i]) >> POINT) as u8;
    }
    out
}

/// The sums of the four pixels of each chroma sample.
#[inline(always)]
fn sums(codes: &Codes) -> [[u16; SIDE * SIDE / 4]; 3] {
    let mut sums = [[0; SIDE * SIDE / 4]; 3];
    for (codes, sums) in codes.iter().zip(&mut sums) {
        for pair in 0..SIDE / 2 {
            let mut both = [0; SIDE];
            for (x, both) in both.iter_mut().enumerate() {
                *both = codes[pair * 2 * SIDE + x] + codes[(pair * 2 + 1) * SIDE + x];
            }
            for x in 0..SIDE / 2 {
                sums[pair * SIDE / 2 + x] = both[2 * x] + both[2 * x + 1];
            }
        }
    }
    sums
}

#[inline(always)]
fn chroma(weights: &Weights, sums: &[[u16; SIDE * SIDE / 4]; 3]) -> [u8; SIDE * SIDE / 4] {
    let mut out = [0; SIDE * SIDE / 4];
    for (i, code) in out.iter_mut().enumerate() {
        *code = (dot(weights, sums[0][i], sums[1][i], sums[2][i]) >> (POINT + 2)) as u8;
    }
    out
}

#[inline(always)]
fn dot(weights: &Weights, r: u16, g: u16, b: u16) -> i32 {
    let [kr, kg, kb] = weights.rgb;
    i32::from(r) * kr + i32::from(g) * kg + i32::from(b) * kb + weights.bias
}

#[inline(always)]
fn put_chroma(
    out: &mut [u8],
    layout: &Layout,
    rect: &Rect,
    cb: &[u8; SIDE * SIDE / 4],
    cr: &[u8; SIDE * SIDE / 4],
) {
    let stride = layout.chroma_stride as usize;
    let start = rect.y as usize / 2 * stride;
    match layout.chroma {
        Chroma::Interleaved => {
            let mut both = [0; SIDE * SIDE / 2];
            for (pair, (cb, cr)) in both.as_chunks_mut().0.iter_mut().zip(cb.iter().zip(cr)) {
                *pair = [*cb, *cr];
            }
            put_rows::<SIDE>(out, layout.cb as usize + start + rect.x as usize, stride, &both);
        }
        Chroma::Planar => {
            let start = start + rect.x as usize / 2;
            put_rows::<{ SIDE / 2 }>(out, layout.cb as usize + start, stride, cb);
            put_rows::<{ SIDE / 2 }>(out, layout.cr as usize + start, stride, cr);
        }
    }
}

/// Writes rows of `N` bytes, `stride` apart.
#[inline(always)]
fn put_rows<const N: usize>(out: &mut [u8], start: usize, stride: usize, rows: &[u8]) {
    for (y, row) in rows.as_chunks::<N>().0.iter().enumerate() {
        out[start + y * stride..][..N].copy_from_slice(row);
    }
}
