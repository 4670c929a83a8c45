//! From R'G'B' codes to Y'CbCr codes of BT.709 in limited range, in whole numbers.
//!
//! ITU-T H.273 (ISO/IEC 23091-2), `MatrixCoefficients` 1 and `VideoFullRangeFlag` 0 for 8 bits:
//! ```text
//! E'Y  = 0.2126 R + 0.7152 G + 0.0722 B            Y' = 16 + 219 E'Y
//! E'PB = (B - E'Y) / 1.8556                        Cb = 128 + 224 E'PB
//! E'PR = (R - E'Y) / 1.5748                        Cr = 128 + 224 E'PR
//! ```
//! with R, G and B from 0 to 1. Each factor times 2^15, divided by the largest code of its channel
//! and rounded, is a whole number; their sums round half up by a shift. Nothing overflows 32 bits:
//! a luma sum is below 2^23, a chroma sum of four pixels below 2^25. For 10 bits all codes of the
//! right side are four times as large, and so are the sums. Against the real numbers the
//! result is off by one code at most, and by none for black, white and greys of 8 bits.
//!
//! # Chroma
//!
//! A chroma sample is that of the mean of the four pixels it stands for, so it lies in their
//! middle: `chroma_sample_loc_type` 1 (ITU-T H.264, figure E-1), which the result's colour says, and
//! encoders in their streams; what decoders assume else (0, on the left) is off by half a pixel.

use zerohop_vulkan::PixelFormat;

use super::curve::maxima;

/// Bits after the point.
pub(crate) const POINT: u32 = 15;

/// The weights of R, G and B for one component, and what is added before the shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weights {
    pub(crate) rgb: [i32; 3],
    pub(crate) bias: i32,
}

/// The weights of all three components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matrix {
    /// For one pixel; shift by [`POINT`].
    pub(crate) luma: Weights,
    /// For the sum of four pixels; shift by `POINT + 2`.
    pub(crate) blue: Weights,
    /// As `blue`.
    pub(crate) red: Weights,
}

/// What R, G and B weigh in Y' (H.273, equations 41 to 43 with KR 0.2126 and KB 0.0722).
const KR: f64 = 0.2126;
const KB: f64 = 0.0722;
const KG: f64 = 1.0 - KR - KB;

impl Matrix {
    /// From codes up to `max` in each channel to codes of `bits` bits: 8 or more.
    pub(crate) fn of(max: [u32; 3], bits: u32) -> Self {
        let pb = 0.5 / (1.0 - KB);
        let pr = 0.5 / (1.0 - KR);
        let half = |bits: u32| 1 << (bits - 1);
        let more = bits - 8;
        let offset = |code: i32, point: u32| (code << more << point) + half(point);
        let fixed = |factors, range: i32| fixed(factors, f64::from(range << more), max);
        Self {
            luma: Weights { rgb: fixed([KR, KG, KB], 219), bias: offset(16, POINT) },
            blue: Weights {
                rgb: fixed([-KR * pb, -KG * pb, (1.0 - KB) * pb], 224),
                bias: offset(128, POINT + 2),
            },
            red: Weights {
                rgb: fixed([(1.0 - KR) * pr, -KG * pr, -KB * pr], 224),
                bias: offset(128, POINT + 2),
            },
        }
    }

    /// From the codes of `format` to codes of `bits` bits. Half floats become codes of 10 bits first.
    pub(crate) fn for_format(format: PixelFormat, bits: u32) -> Self {
        Self::of(maxima(format), bits)
    }
}

fn fixed(factors: [f64; 3], range: f64, max: [u32; 3]) -> [i32; 3] {
    let one = f64::from(1 << POINT);
    std::array::from_fn(|i| (factors[i] * range * one / f64::from(max[i])).round() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ycbcr(matrix: &Matrix, rgb: [i32; 3]) -> [i32; 3] {
        let dot = |one: &Weights, times: i32| {
            (0..3).map(|i| one.rgb[i] * rgb[i] * times).sum::<i32>() + one.bias
        };
        [
            dot(&matrix.luma, 1) >> POINT,
            dot(&matrix.blue, 4) >> (POINT + 2),
            dot(&matrix.red, 4) >> (POINT + 2),
        ]
    }

    #[test]
    fn black_white_and_the_primaries_are_the_known_codes() {
        // ITU-R BT.709 colour bars at full level in 8 bits, as broadcast test signals list them.
        let bars = [
            ([255, 255, 255], [235, 128, 128]),
            ([0, 0, 0], [16, 128, 128]),
            ([255, 0, 0], [63, 102, 240]),
            ([0, 255, 0], [173, 42, 26]),
            ([0, 0, 255], [32, 240, 118]),
            ([255, 255, 0], [219, 16, 138]),
            ([0, 255, 255], [188, 154, 16]),
            ([255, 0, 255], [78, 214, 230]),
        ];
        for (rgb, expected) in bars {
            assert_eq!(ycbcr(&Matrix::of([255; 3], 8), rgb), expected, "{rgb:?}");
        }
    }

    #[test]
    fn ten_bits_are_four_times_as_fine() {
        let codes = [([1023; 3], [940, 512, 512]), ([0; 3], [64, 512, 512])];
        for (rgb, expected) in codes {
            assert_eq!(ycbcr(&Matrix::of([1023; 3], 10), rgb), expected);
        }
        assert_eq!(ycbcr(&Matrix::of([255; 3], 10), [255, 0, 0]), [250, 409, 960]);
    }

    #[test]
    fn whole_numbers_are_within_one_code_of_real_ones() {
        for max in [[255; 3], [1023; 3], [31, 63, 31]] {
            let matrix = Matrix::of(max, 8);
            for i in 0..40_000_u32 {
                let noise = i.wrapping_mul(0x9e37_79b9);
                let rgb: [i32; 3] =
                    std::array::from_fn(|c| (noise >> (c * 10) & max[c]).cast_signed());
                let real: [f64; 3] = std::array::from_fn(|c| f64::from(rgb[c]) / f64::from(max[c]));
                let y = KR * real[0] + KG * real[1] + KB * real[2];
                let expected = [
                    16.0 + 219.0 * y,
                    128.0 + 224.0 * (real[2] - y) / 1.8556,
                    128.0 + 224.0 * (real[0] - y) / 1.5748,
                ];
                for (found, expected) in ycbcr(&matrix, rgb).iter().zip(expected) {
                    assert!((f64::from(*found) - expected).abs() < 0.53, "{rgb:?} of {max:?}");
                }
            }
        }
    }
}
