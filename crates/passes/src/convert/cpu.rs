//! The twin of `convert.wgsl`: the same bytes from the same codes. On a CPU device it is the pass
//! itself, since there it reads the picture where it lies and writes where encoders read.

use zerohop_frame::Rect;
use zerohop_kernel::{VectorWork, vectorized};
use zerohop_vulkan::{PixelFormat, PixelLayout};

use super::curve::Curve;
use super::layout::{Chroma, Layout};
use super::matrix::{Matrix, POINT, Weights};
use crate::classify::{self, Pixel};
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
        let job = self.job;
        decoded(job, self);
    }
}

impl<R: Rows> Tiles for Work<'_, R> {
    #[inline(always)]
    fn each<D: Decode>(&mut self, decode: D) {
        let grid = self.tiles.grid();
        for index in self.tiles.iter() {
            convert_tile(decode, self.picture, self.job, &grid.rect(index), self.out);
        }
    }
}

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

/// Writes the tile at `rect`.
#[inline(always)]
pub(crate) fn convert_tile(
    decode: impl Decode,
    picture: &impl Rows,
    job: &Job<'_>,
    rect: &Rect,
    out: &mut [u8],
) {
    let codes = decode_tile(decode, picture, rect);
    match job.layout.chroma {
        Chroma::Deep => put_tile::<u16>(&codes, job, rect, out),
        Chroma::Interleaved | Chroma::Planar => put_tile::<u8>(&codes, job, rect, out),
    }
}

/// A code as it is stored.
trait Sample: Copy + Default {
    const BYTES: usize;

    fn of(code: i32) -> Self;

    fn put(row: &[Self], out: &mut [u8]);
}

impl Sample for u8 {
    const BYTES: usize = 1;

    #[inline(always)]
    fn of(code: i32) -> Self {
        code as Self
    }

    #[inline(always)]
    fn put(row: &[Self], out: &mut [u8]) {
        out.copy_from_slice(row);
    }
}

/// Ten bits at the top.
impl Sample for u16 {
    const BYTES: usize = 2;

    #[inline(always)]
    fn of(code: i32) -> Self {
        (code as Self) << 6
    }

    #[inline(always)]
    fn put(row: &[Self], out: &mut [u8]) {
        for (two, code) in out.as_chunks_mut().0.iter_mut().zip(row) {
            *two = code.to_le_bytes();
        }
    }
}

#[inline(always)]
fn put_tile<S: Sample>(codes: &Codes, job: &Job<'_>, rect: &Rect, out: &mut [u8]) {
    let Job { matrix, layout, .. } = job;
    let stride = layout.stride as usize;
    let start = rect.y as usize * stride + rect.x as usize * S::BYTES;
    put_rows::<SIDE, S>(out, start, stride, &luma::<S>(&matrix.luma, codes));
    let sums = sums(codes);
    let (cb, cr) = (chroma::<S>(&matrix.blue, &sums), chroma::<S>(&matrix.red, &sums));
    put_chroma(out, layout, rect, &cb, &cr);
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
fn luma<S: Sample>(weights: &Weights, codes: &Codes) -> [S; SIDE * SIDE] {
    let mut out = [S::default(); SIDE * SIDE];
    for (i, code) in out.iter_mut().enumerate() {
        *code = S::of(dot(weights, codes[0][i], codes[1][i], codes[2][i]) >> POINT);
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
fn chroma<S: Sample>(
    weights: &Weights,
    sums: &[[u16; SIDE * SIDE / 4]; 3],
) -> [S; SIDE * SIDE / 4] {
    let mut out = [S::default(); SIDE * SIDE / 4];
    for (i, code) in out.iter_mut().enumerate() {
        *code = S::of(dot(weights, sums[0][i], sums[1][i], sums[2][i]) >> (POINT + 2));
    }
    out
}

#[inline(always)]
fn dot(weights: &Weights, r: u16, g: u16, b: u16) -> i32 {
    let [kr, kg, kb] = weights.rgb;
    i32::from(r) * kr + i32::from(g) * kg + i32::from(b) * kb + weights.bias
}

#[inline(always)]
fn put_chroma<S: Sample>(
    out: &mut [u8],
    layout: &Layout,
    rect: &Rect,
    cb: &[S; SIDE * SIDE / 4],
    cr: &[S; SIDE * SIDE / 4],
) {
    let stride = layout.chroma_stride as usize;
    let start = rect.y as usize / 2 * stride;
    let x = rect.x as usize * S::BYTES;
    match layout.chroma {
        Chroma::Interleaved | Chroma::Deep => {
            let mut both = [S::default(); SIDE * SIDE / 2];
            for (pair, (cb, cr)) in both.as_chunks_mut().0.iter_mut().zip(cb.iter().zip(cr)) {
                *pair = [*cb, *cr];
            }
            put_rows::<SIDE, S>(out, layout.cb as usize + start + x, stride, &both);
        }
        Chroma::Planar => {
            let start = start + x / 2;
            put_rows::<{ SIDE / 2 }, S>(out, layout.cb as usize + start, stride, cb);
            put_rows::<{ SIDE / 2 }, S>(out, layout.cr as usize + start, stride, cr);
        }
    }
}

/// Writes rows of `N` samples, `stride` bytes apart.
#[inline(always)]
fn put_rows<const N: usize, S: Sample>(out: &mut [u8], start: usize, stride: usize, rows: &[S]) {
    for (y, row) in rows.as_chunks::<N>().0.iter().enumerate() {
        S::put(row, &mut out[start + y * stride..][..N * S::BYTES]);
    }
}
