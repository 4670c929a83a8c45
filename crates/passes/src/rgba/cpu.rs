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

/// Y', Cb and Cr of a row of a tile; chroma in sixteenths of a code.
type Numbers = [[u32; SIDE]; 3];

impl<R: Rows> Painter<'_, R> {
    #[inline(always)]
    fn each<const BYTES: usize, const PAIRS: bool>(self) {
        let grid = self.tiles.grid();
        let Self { planes, job, tiles, out } = self;
        let reader = Reader::<R, BYTES, PAIRS> { planes, job };
        for index in tiles.iter() {
            let rect = grid.rect(index);
            for y in 0..SIDE {
                let row = rect.y as usize + y.min(rect.height as usize - 1);
                let numbers = reader.row(&rect, row);
                let start = (rect.y as usize + y) * job.stride + rect.x as usize * 4;
                put(&job.matrix, &numbers, &mut out[start..][..SIDE * 4]);
            }
        }
    }
}

#[inline(always)]
fn put(matrix: &Matrix, [luma, cb, cr]: &Numbers, out: &mut [u8]) {
    let words = matrix.words(luma, cb, cr);
    for (pixel, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *pixel = word.to_le_bytes();
    }
}

/// Reads rows of tiles.
struct Reader<'a, R, const BYTES: usize, const PAIRS: bool> {
    planes: &'a [R],
    job: &'a Job,
}

impl<R: Rows, const BYTES: usize, const PAIRS: bool> Reader<'_, R, BYTES, PAIRS> {
    /// A row; past the edge of the picture its last pixel.
    #[inline(always)]
    fn row(&self, rect: &Rect, row: usize) -> Numbers {
        let (left, width) = (rect.x as usize, rect.width as usize);
        let luma = if width == SIDE {
            self.codes::<SIDE>(0, row, left)
        } else {
            std::array::from_fn(|x| self.one(0, row, left + x.min(width - 1)))
        };
        let [mut cb, mut cr] = if self.job.places[0] == Place::Each {
            let mixed = self.window::<SIDE>(row, left as isize);
            mixed.map(|component| component.map(|code| code * 4))
        } else {
            let mixed = self.window::<WINDOW>(row, (left / 2) as isize - 1);
            mixed.map(|component| across(self.job.places[0], &component))
        };
        for x in width..SIDE {
            (cb[x], cr[x]) = (cb[width - 1], cr[width - 1]);
        }
        if self.job.format.swapped { [luma, cr, cb] } else { [luma, cb, cr] }
    }

    /// `N` chroma samples from column `first` on, mixed down, in quarters of a code. Columns past
    /// the ends are the last ones.
    #[inline(always)]
    fn window<const N: usize>(&self, row: usize, first: isize) -> [[u32; N]; 2] {
        let Extent { width, height } = self.job.chroma;
        let rows = self.job.places[1].taps(row, height as usize);
        let inside = first >= 0 && first as usize + N <= width as usize;
        let mut mixed = [[0; N]; 2];
        for (row, weight) in rows {
            if weight == 0 {
                continue;
            }
            let both = if inside {
                self.chroma::<N>(row, first as usize)
            } else {
                self.chroma_at_edge::<N>(row, first)
            };
            for (mixed, codes) in mixed.iter_mut().zip(&both) {
                for (mixed, code) in mixed.iter_mut().zip(codes) {
                    *mixed += code * weight;
                }
            }
        }
        mixed
    }

    #[inline(always)]
    fn chroma<const N: usize>(&self, row: usize, first: usize) -> [[u32; N]; 2] {
        if !PAIRS {
            return [self.codes::<N>(1, row, first), self.codes::<N>(2, row, first)];
        }
        let near: [u32; N] = self.codes::<N>(1, row, first * 2);
        let far: [u32; N] = self.codes::<N>(1, row, first * 2 + N);
        let at = |i: usize| if i < N { near[i] } else { far[i - N] };
        [std::array::from_fn(|i| at(2 * i)), std::array::from_fn(|i| at(2 * i + 1))]
    }

    #[inline(never)]
    fn chroma_at_edge<const N: usize>(&self, row: usize, first: isize) -> [[u32; N]; 2] {
        let last = self.job.chroma.width as isize - 1;
        let column = |i: usize| (first + i as isize).clamp(0, last) as usize;
        if PAIRS {
            let one =
                |second: usize| std::array::from_fn(|i| self.one(1, row, column(i) * 2 + second));
            return [one(0), one(1)];
        }
        [1, 2].map(|plane| std::array::from_fn(|i| self.one(plane, row, column(i))))
    }

    /// `N` components of a plane from `first` on, in the order of memory. `N` is even.
    #[inline(always)]
    fn codes<const N: usize>(&self, plane: usize, row: usize, first: usize) -> [u32; N] {
        let plane = &self.planes[plane];
        let near: [u8; N] = plane.read(row, first * BYTES);
        if BYTES == 1 {
            return near.map(u32::from);
        }
        let far: [u8; N] = plane.read(row, first * 2 + N);
        let at = |i: usize| if i < N { near[i] } else { far[i - N] };
        let format = &self.job.format;
        std::array::from_fn(|i| format.code(u16::from_le_bytes([at(2 * i), at(2 * i + 1)])))
    }

    /// One component.
    #[inline(always)]
    fn one(&self, plane: usize, row: usize, at: usize) -> u32 {
        let plane = &self.planes[plane];
        if BYTES == 1 {
            let [byte] = plane.read(row, at);
            return byte.into();
        }
        self.job.format.code(u16::from_le_bytes(plane.read(row, at * 2)))
    }
}

/// Samples that the sixteen pixels of a row are mixed from, where two pixels share one: eight, and
/// one more at each end.
const WINDOW: usize = SIDE / 2 + 2;

/// Mixes samples across, as [`Place::taps`] says: sixteen pixels, in quarters more.
#[inline(always)]
fn across(place: Place, window: &[u32; WINDOW]) -> [u32; SIDE] {
    let mut out = [0; SIDE];
    for half in 0..SIDE / 2 {
        let [before, here, next] = [window[half], window[half + 1], window[half + 2]];
        [out[2 * half], out[2 * half + 1]] = if place == Place::OnEven {
            [here * 4, here * 2 + next * 2]
        } else {
            [before + here * 3, here * 3 + next]
        };
    }
    out
}
