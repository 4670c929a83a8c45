//! The twin of `fit.wgsl`: the same bytes from the same codes.

use zerohop_kernel::{VectorWork, vectorized};
use zerohop_vulkan::PixelLayout;

use super::Job;
use crate::Rows;

/// Half of what is cut off the mixed codes, which keep 6 bits behind their point.
const HALF_MIXED: u32 = 1 << 13;

/// Half of a code that is written, times 2^22.
const HALF_CODE: u32 = 1 << 21;

/// Writes `picture` into `out`, where the target's first row begins.
pub(super) fn paint(picture: &impl Rows, job: &Job, out: &mut [u8]) {
    vectorized(Painter { picture, job, out });
}

struct Painter<'a, R> {
    picture: &'a R,
    job: &'a Job,
    out: &'a mut [u8],
}

impl<R: Rows> VectorWork for Painter<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { picture, job, .. } = self;
        match job.format.layout() {
            PixelLayout::Packed { bytes: 4, .. } if job.same => self.same(),
            PixelLayout::Packed { bytes, channels: [r, g, b, _] } => {
                let part =
                    |word: u32, one: zerohop_vulkan::Channel| (word >> one.shift) & one.max();
                let parts = |word: u32| [r, g, b].map(|one| part(word, one));
                if bytes == 2 {
                    self.rows(|y, x| parts(u16::from_le_bytes(picture.read(y, x * 2)).into()));
                } else {
                    self.rows(|y, x| parts(u32::from_le_bytes(picture.read(y, x * 4))));
                }
            }
            PixelLayout::Half { .. } => self.rows(|y, x| {
                let [r0, r1, g0, g1, b0, b1, ..]: [u8; 8] = picture.read(y, x * 8);
                let codes = [[r0, r1], [g0, g1], [b0, b1]].map(u16::from_le_bytes);
                codes.map(|bits| job.curve.code(bits).into())
            }),
        }
    }
}

impl<R: Rows> Painter<'_, R> {
    /// Writes pixels of four bytes as they are, whatever is in the byte that does not count.
    #[inline(always)]
    fn same(self) {
        const MANY: usize = 64;
        let (job, row) = (self.job, self.job.across.len() * 4);
        for y in 0..job.down.len() {
            let out = &mut self.out[job.start + y * job.stride..][..row];
            let whole = row / MANY * MANY;
            for (place, out) in out.as_chunks_mut::<MANY>().0.iter_mut().enumerate() {
                *out = self.picture.read(y, place * MANY);
            }
            for (place, out) in out[whole..].as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *out = self.picture.read(y, whole + place * 4);
            }
        }
    }

    /// Writes each row of codes that `code` reads at a row and a column.
    #[inline(always)]
    fn rows(self, code: impl Fn(usize, usize) -> [u32; 3]) {
        let job = self.job;
        let (width, bytes) = (job.across.len(), job.bytes);
        let mut sums = vec![[0; 3]; width];
        for y in 0..job.down.len() {
            sums.fill([0; 3]);
            for (row, weight) in job.down.of(y) {
                add(&mut sums, job, weight, |x| code(row, x));
            }
            // Whole words, as the shader writes.
            let out = &mut self.out[job.start + y * job.stride..];
            let (out, rest) =
                out[..(width * bytes).next_multiple_of(4)].split_at_mut(width * bytes);
            rest.fill(0);
            for (pixel, sum) in out.chunks_exact_mut(bytes).zip(&sums) {
                pixel.copy_from_slice(&job.word(*sum).to_le_bytes()[..bytes]);
            }
        }
    }
}

/// Adds a row that weighs so much.
#[inline(always)]
fn add(sums: &mut [[u32; 3]], job: &Job, weight: u32, code: impl Fn(usize) -> [u32; 3]) {
    for (x, sum) in sums.iter_mut().enumerate() {
        for (column, part) in job.across.of(x) {
            for (sum, code) in sum.iter_mut().zip(code(column)) {
                *sum += code * (weight * part);
            }
        }
    }
}

impl Job {
    /// The pixel that is written for such sums.
    #[inline(always)]
    fn word(&self, sum: [u32; 3]) -> u32 {
        let part = |i: usize| {
            let mixed = (sum[i] + HALF_MIXED) >> 14;
            ((mixed * self.weights[i] + HALF_CODE) >> 22) << self.channels[i].shift
        };
        part(0) | part(1) | part(2)
    }
}
