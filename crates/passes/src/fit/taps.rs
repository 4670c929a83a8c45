//! Which pixels a pixel of another size is made of, and what each of them weighs.

/// What the weights of a pixel are together, in each direction.
pub(super) const WHOLE: u32 = 1 << 10;

/// The weights of one direction, pixel after pixel.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    runs: Vec<Run>,
    weights: Vec<u32>,
}

/// Where the weights of one pixel begin, and the first pixel that they are for.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: usize,
    count: usize,
    start: usize,
}

impl Taps {
    /// For `to` pixels out of `from`: a triangle as wide as a pixel of the larger kind on either side,
    /// so that what grows is interpolated and what shrinks is averaged. Of as many pixels each one is
    /// itself.
    pub(super) fn new(from: u32, to: u32) -> Self {
        let mut taps = Self { runs: Vec::new(), weights: Vec::new() };
        (0..to).for_each(|pixel| taps.add(pixel, from, f64::from(from) / f64::from(to)));
        taps
    }

    fn add(&mut self, pixel: u32, from: u32, scale: f64) {
        let (center, reach) = ((f64::from(pixel) + 0.5) * scale, scale.max(1.0));
        let first = (center - reach + 0.5).floor().max(0.0) as u32;
        let end = ((center + reach + 0.5).floor() as u32).min(from);
        let weight = |at: u32| (1.0 - ((f64::from(at) + 0.5 - center) / reach).abs()).max(0.0);
        let all: f64 = (first..end).map(weight).sum();
        let (mut sum, mut before, start) = (0.0, 0, self.weights.len());
        let mut begins = first as usize;
        for at in first..end {
            sum += weight(at);
            // Rounded as a sum, so that all are `WHOLE` together.
            let so_far = (sum / all * f64::from(WHOLE)).round() as u32;
            if so_far == 0 {
                begins += 1;
                continue;
            }
            self.weights.push(so_far - before);
            before = so_far;
        }
        while self.weights.last() == Some(&0) {
            self.weights.pop();
        }
        self.runs.push(Run { first: begins, count: self.weights.len() - start, start });
    }

    /// How many pixels there are.
    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    /// The pixels that pixel `at` is made of, with their weights.
    pub(super) fn of(&self, at: usize) -> impl Iterator<Item = (usize, u32)> {
        let Run { first, count, start } = self.runs[at];
        (first..).zip(self.weights[start..start + count].iter().copied())
    }

    /// Whether each pixel is itself.
    pub(super) fn is_copy(&self) -> bool {
        self.runs.iter().enumerate().all(|(at, run)| (run.first, run.count) == (at, 1))
    }
}

/// Both directions as the shader reads them: two words for each column and then for each row (the
/// first pixel, and how many from the 16th bit on; where its weights begin), then all weights.
pub(super) fn table(across: &Taps, down: &Taps) -> Vec<u32> {
    let begin = 2 * (across.len() + down.len());
    let behind = begin + across.weights.len();
    let words = |taps: &Taps, begin: usize| -> Vec<u32> {
        let both =
            |run: &Run| [run.first as u32 | (run.count as u32) << 16, (begin + run.start) as u32];
        taps.runs.iter().flat_map(both).collect()
    };
    let parts = [words(across, begin), words(down, behind)];
    let weights = across.weights.iter().chain(&down.weights).copied();
    parts.into_iter().flatten().chain(weights).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taps(from: u32, to: u32, at: usize) -> Vec<(usize, u32)> {
        Taps::new(from, to).of(at).collect()
    }

    #[test]
    fn weights_are_whole_together_and_of_pixels_that_are_there() {
        for (from, to) in [(1, 1), (1, 16384), (16384, 1), (3, 7), (500, 768), (1366, 1024)] {
            let all = Taps::new(from, to);
            assert_eq!(all.len(), to as usize);
            for at in 0..to as usize {
                assert_eq!(all.of(at).map(|(_, weight)| weight).sum::<u32>(), WHOLE, "{from} {to}");
                assert!(all.of(at).all(|(pixel, _)| pixel < from as usize), "{from} {to}");
            }
        }
    }

    #[test]
    fn as_many_pixels_are_the_same_ones() {
        assert!(Taps::new(77, 77).is_copy());
        assert!(
            [(77, 78), (78, 77), (1, 2)].iter().all(|(from, to)| !Taps::new(*from, *to).is_copy())
        );
        assert_eq!(taps(77, 77, 76), [(76, WHOLE)]);
    }

    #[test]
    fn twice_as_many_are_three_quarters_of_the_nearest() {
        assert_eq!(taps(4, 8, 0), [(0, 1024)]);
        assert_eq!(taps(4, 8, 3), [(1, 768), (2, 256)]);
        assert_eq!(taps(4, 8, 7), [(3, 1024)]);
    }

    #[test]
    fn half_as_many_are_averages() {
        assert_eq!(taps(8, 4, 1), [(1, 128), (2, 384), (3, 384), (4, 128)]);
    }
}
