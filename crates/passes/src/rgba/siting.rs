//! Where chroma samples lie between pixels.

use zerohop_frame::{Siting, YCbCr};

/// How chroma lies across and down.
pub(super) fn places(siting: Siting, format: &YCbCr) -> [Place; 2] {
    let of = |shared: u32, place: Place| if shared == 1 { Place::Each } else { place };
    let across = match siting {
        Siting::Left | Siting::TopLeft | Siting::BottomLeft => Place::OnEven,
        Siting::Centre | Siting::Top | Siting::Bottom => Place::Between,
    };
    let down = match siting {
        Siting::TopLeft | Siting::Top => Place::OnEven,
        Siting::Left | Siting::Centre => Place::Between,
        Siting::BottomLeft | Siting::Bottom => Place::OnOdd,
    };
    [of(format.shared.0, across), of(format.shared.1, down)]
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
    /// On the odd pixels. Down only.
    OnOdd = 3,
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
            (Self::OnOdd, true) => [(half, 4), (next, 0)],
            (Self::OnOdd, false) => [(half.max(1) - 1, 2), (half.min(last), 2)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_of_chroma_stays_a_ramp() {
        // Samples are their own positions in pixels, times 16; so is what comes out.
        for (place, first) in [(Place::OnEven, 0.0), (Place::Between, 0.5), (Place::OnOdd, 1.0)] {
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
        for place in [Place::OnEven, Place::Between, Place::OnOdd] {
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
