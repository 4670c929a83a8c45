//! The twin of `rgba.wgsl`: the same bytes from the same codes.

use zerohop_frame::{Extent, Rect, YCbCr};
use zerohop_kernel::{VectorWork, vectorized};

use super::matrix::Matrix;
use super::siting::Place;
use crate::{Rows, TILE, TileSet};

/// Pixels of a tile's row.
const SIDE: usize = TILE as usize;

/// What a picture is converted with.
#[derive(Clone, Copy)]
pub(super) struct Job {
    pub(super) format: YCbCr,
    pub(super) matrix: Matrix,
    /// How chroma lies across and down.
    pub(super) places: [Place; 2],
    /// Chroma samples.
    pub(super) chroma: Extent,
    /// Bytes from row to row of what is written.
    pub(super) stride: usize,
}

/// Writes `tiles` of `planes` into `out`.
///
/// # Panics
///
/// When `out` is smaller than the picture, or a plane has not all samples.
pub(super) fn paint<R: Rows>(planes: &[R], job: &Job, tiles: &TileSet, out: &mut [u8]) {
    vectorized(Painter { planes, job, tiles, out });
}

struct Painter<'a, R> {
    planes: &'a [R],
    job: &'a Job,
    tiles: &'a TileSet,
    out: &'a mut [u8],
}

impl<R: Rows> VectorWork for Painter<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match (self.job.format.bytes(), self.job.format.interleaved) {
            (1, true) => self.each::<1, true>(),
            (1, false) => self.each::<1, false>(),
            (_, true) => self.each::<2, true>(),
            (_, false) => self.each::<2, false>(),
        }
    }
}

/// The chroma of a row of a tile: Cb and Cr.
type Mixed = [[u32; SIDE]; 2];

impl<R: Rows> Painter<'_, R> {
    #[inline(always)]
    fn each<const BYTES: usize, const PAIRS: bool>(self) {
        let grid = self.tiles.grid();
        let Self { planes, job, tiles, out } = self;
        for index in tiles.iter() {
            let rect = grid.rect(index);
            let left = rect.x as usize;
            for y in 0..SIDE {
                let row = rect.y as usize + y.min(rect.height as usize - 1);
                let luma = luma::<R, BYTES>(planes, job, &rect, row);
                let chroma = chroma::<R, BYTES, PAIRS>(planes, job, &rect, row);
                let start = (rect.y as usize + y) * job.stride + left * 4;
                let out = &mut out[start..][..SIDE * 4];
                for (x, pixel) in out.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                    let [r, g, b] = job.matrix.rgb(luma[x], chroma[0][x], chroma[1][x]);
                    *pixel = [r, g, b, 255];
                }
            }
        }
    }
}

/// One component.
#[inline(always)]
fn code<R: Rows, const BYTES: usize>(plane: &R, job: &Job, row: usize, offset: usize) -> u32 {
    if BYTES == 1 {
        let [byte] = plane.read(row, offset);
        return byte.into();
    }
    job.format.code(u16::from_le_bytes(plane.read(row, offset)))
}

/// The luma of a row of a tile; past the edge that of the last pixel.
#[inline(always)]
fn luma<R: Rows, const BYTES: usize>(
    planes: &[R],
    job: &Job,
    rect: &Rect,
    row: usize,
) -> [u32; SIDE] {
    let most = rect.width as usize - 1;
    std::array::from_fn(|x| {
        let x = rect.x as usize + x.min(most);
        code::<R, BYTES>(&planes[0], job, row, x * BYTES)
    })
}

/// The chroma of a row of a tile, Cb and Cr in sixteenths of a code.
#[inline(always)]
fn chroma<R: Rows, const BYTES: usize, const PAIRS: bool>(
    planes: &[R],
    job: &Job,
    rect: &Rect,
    row: usize,
) -> Mixed {
    let [across, down] = job.places;
    let rows = down.taps(row, job.chroma.height as usize);
    let most = rect.width as usize - 1;
    let mut mixed: Mixed = [[0; SIDE]; 2];
    let [first, second] = &mut mixed;
    for (x, (first, second)) in first.iter_mut().zip(second).enumerate() {
        let pixel = rect.x as usize + x.min(most);
        let columns = across.taps(pixel, job.chroma.width as usize);
        for (row, down) in rows.iter().filter(|(_, weight)| *weight > 0) {
            for (column, across) in columns.iter().filter(|(_, weight)| *weight > 0) {
                let both = pair::<R, BYTES, PAIRS>(planes, job, *row, *column);
                *first += both[0] * down * across;
                *second += both[1] * down * across;
            }
        }
    }
    if job.format.swapped {
        mixed.swap(0, 1);
    }
    mixed
}

/// Both components of a chroma sample, in the order of the format.
#[inline(always)]
fn pair<R: Rows, const BYTES: usize, const PAIRS: bool>(
    planes: &[R],
    job: &Job,
    row: usize,
    column: usize,
) -> [u32; 2] {
    if PAIRS {
        let offset = column * 2 * BYTES;
        let one = code::<R, BYTES>(&planes[1], job, row, offset);
        return [one, code::<R, BYTES>(&planes[1], job, row, offset + BYTES)];
    }
    let one = code::<R, BYTES>(&planes[1], job, row, column * BYTES);
    [one, code::<R, BYTES>(&planes[2], job, row, column * BYTES)]
}
