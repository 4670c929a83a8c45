//! The twin of `convert.wgsl`: the same bytes from the same codes. On a CPU device it is the pass
//! itself, since there it reads the picture where it lies and writes where encoders read.

use zerohop_frame::Rect;
use zerohop_kernel::{VectorWork, vectorized};
use zerohop_vulkan::PixelFormat;

use super::curve::Curve;
use super::decode::{Codes, Decode, Tiles, decode_tile, decoded};
use super::layout::{Chroma, Layout};
use super::matrix::{Matrix, POINT, Weights};
use crate::{Rows, TILE, TileSet};

/// Pixels of a tile's row.
pub(super) const SIDE: usize = TILE as usize;

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
