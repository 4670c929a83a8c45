//! From Y'CbCr codes to R'G'B' codes of 8 bits, in whole numbers.
//!
//! ITU-T H.273 (8.3), `MatrixCoefficients` 1, 5, 6 and 9, solved for R'G'B':
//! ```text
//! E'Y = (Y - black) / luma     E'PB = (Cb - middle) / chroma     E'PR = (Cr - middle) / chroma
//! R = E'Y + 2 (1 - KR) E'PR
//! G = E'Y - 2 (1 - KB) KB / KG E'PB - 2 (1 - KR) KR / KG E'PR
//! B = E'Y + 2 (1 - KB) E'PB
//! ```
//! with the numbers of codes of [`Range`]. Each factor times 255 and 2^21 is rounded to a whole
//! number; chroma comes in sixteenths of a code, as it is mixed. Sums round half up by a shift.
//!
//! Nothing overflows 32 bits: luma is below 280 * 2^21 whatever the number of bits, and chroma within
//! 280 * 2^21 on either side. Against real numbers a sum of 16 bits is off by less than 0.27 (half of
//! 2^-21 for each sixteenth of a code of Cb and of Cr), and one of 12 bits by a sixteenth of that: a
//! code is off by one at most.

use crate::ycbcr::{Kind, Range};

/// Bits after the point.
pub(crate) const POINT: u32 = 21;

/// The factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matrix {
    /// The code of black.
    pub(crate) black: i32,
    /// The code of no chroma, times 16.
    pub(crate) middle: i32,
    /// Of luma.
    pub(crate) luma: i32,
    /// Of Cr in R.
    pub(crate) red: i32,
    /// Of Cb and Cr in G.
    pub(crate) green: [i32; 2],
    /// Of Cb in B.
    pub(crate) blue: i32,
}

impl Matrix {
    pub(crate) fn of(kind: Kind, range: Range) -> Self {
        let one = 255.0 * f64::from(1 << POINT);
        let luma = (one / f64::from(range.luma)).round() as i32;
        let chroma = |factor: f64| (factor * one / f64::from(range.chroma) / 16.0).round() as i32;
        let (red, blue) = (2.0 * (1.0 - kind.red), 2.0 * (1.0 - kind.blue));
        Self {
            black: range.black as i32,
            middle: (range.middle * 16) as i32,
            luma,
            red: chroma(red),
            green: [
                chroma(-blue * kind.blue / kind.green()),
                chroma(-red * kind.red / kind.green()),
            ],
            blue: chroma(blue),
        }
    }

    /// Words of R', G', B' and 255, from the lowest byte on, of `N` pixels: of luma codes, and chroma
    /// in sixteenths.
    #[inline(always)]
    pub(crate) fn words<const N: usize>(
        &self,
        luma: &[u32; N],
        cb: &[u32; N],
        cr: &[u32; N],
    ) -> [u32; N] {
        let [green_b, green_r] = self.green;
        let code = |sum: i32| (sum >> POINT).clamp(0, 255).cast_unsigned();
        let mut words = [0; N];
        for x in 0..N {
            let y = (luma[x] as i32 - self.black) * self.luma + (1 << (POINT - 1));
            let (cb, cr) = (cb[x] as i32 - self.middle, cr[x] as i32 - self.middle);
            let r = code(y + cr * self.red);
            let g = code(y + cb * green_b + cr * green_r);
            let b = code(y + cb * self.blue);
            words[x] = r | g << 8 | b << 16 | 0xff00_0000;
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use zerohop_frame::{Color, Extent};

    use super::*;

    fn matrix(matrix: u8, full_range: bool, bits: u32) -> Matrix {
        let color = Color { matrix, full_range, ..Color::BT709 };
        let kind = Kind::of(&color, Extent { width: 1, height: 1 }).unwrap();
        Matrix::of(kind, Range::of(full_range, bits))
    }

    #[test]
    fn the_known_colour_bars_come_back() {
        let limited = matrix(1, false, 8);
        for (rgb, [y, cb, cr]) in [
            ([255, 255, 255], [235, 128, 128]),
            ([0, 0, 0], [16, 128, 128]),
            ([255, 0, 0], [63, 102, 240]),
            ([0, 255, 0], [173, 42, 26]),
            ([0, 0, 255], [32, 240, 118]),
        ] {
            let [word] = limited.words(&[y], &[cb * 16], &[cr * 16]);
            let found = word.to_le_bytes();
            let near = |(a, b): (&u8, u8)| a.abs_diff(b) <= 1;
            assert!(found.iter().zip(rgb).all(near), "{found:?} for {rgb:?}");
        }
    }

    #[test]
    fn the_largest_sums_fit() {
        for (code, full) in [(1, true), (6, false), (9, false)] {
            for bits in [8, 10, 12, 16] {
                let matrix = matrix(code, full, bits);
                let most = (1_u32 << bits) - 1;
                for (y, cb, cr) in [(0, 0, 0), (most, most, most), (most, 0, 0), (0, most, most)] {
                    // Overflow panics here.
                    let _ = matrix.words(&[y], &[cb * 16], &[cr * 16]);
                }
            }
        }
    }
}
