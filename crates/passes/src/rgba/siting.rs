//! Where chroma samples lie between pixels.

use zerohop_frame::{Color, YCbCr};

/// Where the first chroma sample of a picture lies, where pixels share them.
///
/// # References
///
/// `Chroma420SampleLocType` of ITU-T H.273 (8.7), figure 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Siting {
    /// Type 0: on the first pixel across, between two rows. MPEG-2, H.264 and H.265 unless they say
    /// otherwise.
    Left,
    /// Type 1: in the middle of the pixels that share it. JPEG, MPEG-1.
    Centre,
    /// Type 2: on the first pixel. BT.2020 and BT.2100.
    TopLeft,
}

impl Siting {
    /// What applies where nobody said: [`TopLeft`](Self::TopLeft) for the matrix of BT.2020,
    /// [`Left`](Self::Left) otherwise.
    pub fn usual(color: &Color) -> Self {
        if color.matrix == 9 { Self::TopLeft } else { Self::Left }
    }

    /// How chroma lies across and down.
    pub(crate) fn places(self, format: &YCbCr) -> [Place; 2] {
        let of = |shared: u32, on_pixel: bool| match (shared, on_pixel) {
            (1, _) => Place::Each,
            (_, true) => Place::OnEven,
            (_, false) => Place::Between,
        };
        let across = of(format.shared.0, self != Self::Centre);
        [across, of(format.shared.1, self == Self::TopLeft)]
    }
}

/// How chroma lies in one direction. The numbers are those that the shader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A sample for each pixel.
    Each = 0,
    /// On the even pixels.
    OnEven = 1,
    /// Between an even pixel and the next.
    Between = 2,
}

/// The two samples around a pixel, and what they weigh in quarters.
pub(crate) type Taps = [(usize, u32); 2];

impl Place {
    /// The samples that pixel `at` is mixed from, of `count`. A pixel past the last sample has that.
    #[inline(always)]
    pub(crate) fn taps(self, at: usize, count: usize) -> Taps {
        let (half, last) = (at / 2, count - 1);
        let next = (half + 1).min(last);
        match (self, at % 2 == 1) {
            (Self::Each, _) => [(at, 4), (at, 0)],
            (Self::OnEven, false) => [(half, 4), (next, 0)],
            (Self::OnEven, true) => [(half, 2), (next, 2)],
            (Self::Between, true) => [(half, 3), (next, 1)],
            (Self::Between, false) => [(half.max(1) - 1, 1), (half, 3)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_of_chroma_stays_a_ramp() {
        // Samples are their own positions in pixels, times 16; so is what comes out.
        for (place, first) in [(Place::OnEven, 0.0), (Place::Between, 0.5)] {
            for at in 1..15_usize {
                let mix = place
                    .taps(at, 8)
                    .map(|(i, weight)| (first + 2.0 * i as f64) * f64::from(weight) / 4.0);
                assert_eq!(mix[0] + mix[1], at as f64, "{place:?}");
            }
        }
    }

    #[test]
    fn nothing_is_read_past_the_ends() {
        for place in [Place::OnEven, Place::Between] {
            for (width, count) in [(1, 1), (2, 1), (7, 4), (8, 4)] {
                for at in 0..width {
                    let taps = place.taps(at, count);
                    assert!(taps.iter().all(|(i, _)| *i < count), "{place:?} {at} of {width}");
                    assert_eq!(taps[0].1 + taps[1].1, 4);
                }
            }
        }
    }
}
