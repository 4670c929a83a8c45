//! Percentiles of many durations in a fixed amount of memory.

use std::time::Duration;

use serde::Serialize;

/// Buckets between a power of two and the next: a duration is kept to one part in 64.
const STEPS: u64 = 64;

/// `STEPS` buckets of one microsecond, then `STEPS` for each power of two up to 2^38 us (76 hours).
const BUCKETS: usize = STEPS as usize * (38 - STEPS.ilog2() as usize + 1);

/// How often durations occurred, in microseconds.
///
/// Up to 64 us every value has its own bucket; above, a bucket is 1/64 of a power of two wide.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    max: u64,
}

/// What many durations amount to, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// How many durations there were.
    pub count: u64,
    /// The median.
    pub p50: u64,
    /// 95 of 100 were at most this.
    pub p95: u64,
    /// 99 of 100 were at most this.
    pub p99: u64,
    /// The longest, exact.
    pub max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS].into(), total: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)] += 1;
        self.total += 1;
        self.max = self.max.max(micros);
    }

    /// The percentiles, each rounded up to the end of its bucket, but never past the longest.
    pub(crate) fn percentiles(&self) -> Percentiles {
        let at = |percent: u64| self.value((self.total * percent).div_ceil(100));
        Percentiles { count: self.total, p50: at(50), p95: at(95), p99: at(99), max: self.max }
    }

    /// The value that `rank` durations do not exceed.
    fn value(&self, rank: u64) -> u64 {
        let mut seen = 0;
        let found = self.counts.iter().position(|&count| {
            seen += count;
            seen >= rank && seen > 0
        });
        found.map_or(0, |index| last_of(index).min(self.max))
    }
}

fn bucket(micros: u64) -> usize {
    let power = micros.max(1).ilog2().saturating_sub(STEPS.ilog2());
    let index = u64::from(power) * STEPS + (micros >> power);
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

/// The longest duration that falls into bucket `index`, in microseconds.
fn last_of(index: usize) -> u64 {
    let index = index as u64;
    if index < 2 * STEPS {
        return index;
    }
    let power = index / STEPS - 1;
    ((index - power * STEPS + 1) << power) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_ends_where_the_next_one_begins() {
        for index in 0..BUCKETS - 1 {
            let last = last_of(index);
            assert_eq!(bucket(last), index, "{last} us is the last of its bucket");
            assert_eq!(bucket(last + 1), index + 1, "{} us begins the next", last + 1);
        }
    }

    #[test]
    fn percentiles_are_within_one_part_in_64() {
        let mut histogram = Histogram::default();
        for micros in 1..=10_000 {
            histogram.record(Duration::from_micros(micros));
        }
        let found = histogram.percentiles();
        for (value, exact) in [(found.p50, 5_000), (found.p95, 9_500), (found.p99, 9_900)] {
            assert!(value >= exact && value <= exact + exact / 64 + 1, "{value} for {exact}");
        }
        assert_eq!((found.count, found.max), (10_000, 10_000));
    }

    #[test]
    fn the_longest_is_exact_and_nothing_is_zero() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentiles(), Percentiles::default());
        histogram.record(Duration::from_secs(1_000_000));
        histogram.record(Duration::MAX);
        assert_eq!(histogram.percentiles().max, u64::MAX);
    }
}
