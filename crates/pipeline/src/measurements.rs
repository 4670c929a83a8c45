//! What is counted while a pipeline runs, in a fixed amount of memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zerohop_frame::{Fallback, Observer, Rect, Stage, watch_waits};
use zerohop_kernel::clock_monotonic;
use zerohop_passes::Verdict;

use crate::Trace;
use crate::counts::{Counts, Region, STAGES, name};
use crate::histogram::Histogram;

/// The most fallbacks that are kept; a producer that makes up more is ignored.
const MAX_FALLBACKS: usize = 64;

/// Takes measurements from all threads of a pipeline.
#[derive(Debug, Default)]
pub struct Measurements {
    inner: Mutex<Inner>,
    trace: Option<Trace>,
}

#[derive(Debug, Default)]
struct Inner {
    counts: Counts,
    histograms: [Histogram; STAGES.len()],
}

impl Measurements {
    /// Counts from zero, and writes `trace` on the way.
    pub fn new(trace: Option<Trace>) -> Self {
        Self { inner: Mutex::default(), trace }
    }

    /// Has each wait of this process's CPU for a device in the trace, if there is one.
    pub fn watch_waits(self: &Arc<Self>) {
        if self.trace.is_none() {
            return;
        }
        let all = Arc::downgrade(self);
        watch_waits(move |why, begin, end| {
            let all = all.upgrade();
            if let Some(trace) = all.as_ref().and_then(|all| all.trace()) {
                trace.wait(why, begin, end);
            }
        });
    }

    /// The trace being written.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// Where sinks report to: their copies are counted apart from those on the way to them.
    pub fn of_sinks(self: &Arc<Self>) -> Arc<dyn Observer> {
        Arc::new(OfSinks(Arc::clone(self)))
    }

    /// A picture came out of the source.
    pub fn taken(&self) {
        self.lock().counts.taken += 1;
    }

    /// Pictures came no further than their maker, who found out that they equal the ones before them.
    /// `sequence` is the last one's.
    pub fn kept(&self, sequence: u64, count: u64) {
        let mut inner = self.lock();
        let counts = &mut inner.counts;
        counts.taken += count;
        counts.kept += count;
        counts.verdicts.unchanged += count;
        drop(inner);
        if self.trace.is_some() {
            self.trace_instant(sequence, &format!("kept: {count}"), None);
        }
    }

    /// Whoever makes the pictures was asked to look at them.
    pub fn asked(&self) {
        self.lock().counts.asked += 1;
    }

    /// A picture was handed to the main sink.
    pub fn submitted(&self) {
        self.lock().counts.submitted += 1;
    }

    /// Picture `sequence` turned out to be worth `verdict`.
    pub fn verdict(&self, sequence: u64, verdict: &Verdict) {
        let mut inner = self.lock();
        let verdicts = &mut inner.counts.verdicts;
        *match verdict {
            Verdict::Unchanged => &mut verdicts.unchanged,
            Verdict::Changed { .. } => &mut verdicts.changed,
            Verdict::Region { .. } => &mut verdicts.region,
        } += 1;
        drop(inner);
        let place = match verdict {
            Verdict::Unchanged => None,
            Verdict::Changed { rect, .. } => Some(*rect),
            Verdict::Region { region, .. } => Some(*region),
        };
        self.trace_instant(sequence, verdict.name(), place);
    }

    /// Everything up to now.
    pub fn counts(&self) -> Counts {
        let inner = self.lock();
        let stages = STAGES.iter().zip(&inner.histograms);
        let stages = stages.map(|(&stage, durations)| (name(stage), durations.percentiles()));
        Counts { stages: stages.collect(), ..inner.counts.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trace_instant(&self, sequence: u64, what: &str, place: Option<Rect>) {
        if let Some(trace) = &self.trace {
            trace.instant(sequence, what, place, clock_monotonic());
        }
    }
}

impl Observer for Measurements {
    fn span(&self, sequence: u64, stage: Stage, begin: Duration, end: Duration) {
        if let Some(index) = STAGES.iter().position(|&one| one == stage) {
            self.lock().histograms[index].record(end.saturating_sub(begin));
        }
        if let Some(trace) = &self.trace {
            trace.span(sequence, stage, begin, end);
        }
    }

    fn cpu_copy(&self, _: u64, bytes: u64, why: &'static str) {
        self.lock().counts.path_copies.cpu(bytes, why);
    }

    fn gpu_copy(&self, _: u64, why: &'static str) {
        self.lock().counts.path_copies.gpu(why);
    }

    fn copy_down(&self, _: u64, bytes: u64, why: &'static str) {
        let copies = &mut self.lock().counts.path_copies;
        copies.gpu(why);
        copies.down_bytes += bytes;
    }

    fn region(&self, sequence: u64, rect: Rect) {
        Region::note(&mut self.lock().counts.regions, sequence, rect);
    }

    fn dropped(&self, sequence: u64, why: &'static str) {
        *self.lock().counts.dropped.entry(why).or_default() += 1;
        self.trace_instant(sequence, &format!("dropped: {why}"), None);
    }

    fn fallback(&self, fallback: Fallback) {
        let fallbacks = &mut self.lock().counts.fallbacks;
        if fallbacks.len() < MAX_FALLBACKS && !fallbacks.contains(&fallback) {
            fallbacks.push(fallback);
        }
    }
}

/// The same counts, with copies put down to the sinks.
struct OfSinks(Arc<Measurements>);

impl Observer for OfSinks {
    fn span(&self, sequence: u64, stage: Stage, begin: Duration, end: Duration) {
        self.0.span(sequence, stage, begin, end);
    }

    fn cpu_copy(&self, _: u64, bytes: u64, why: &'static str) {
        self.0.lock().counts.sink_copies.cpu(bytes, why);
    }

    fn gpu_copy(&self, _: u64, why: &'static str) {
        self.0.lock().counts.sink_copies.gpu(why);
    }

    fn region(&self, sequence: u64, rect: Rect) {
        self.0.region(sequence, rect);
    }

    fn dropped(&self, sequence: u64, why: &'static str) {
        self.0.dropped(sequence, why);
    }

    fn fallback(&self, fallback: Fallback) {
        self.0.fallback(fallback);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_a_sink_is_not_a_copy_on_the_way_to_it() {
        let all = Arc::new(Measurements::default());
        all.of_sinks().cpu_copy(0, 100, "png reads back");
        all.gpu_copy(1, "the pass cannot write there");
        let counts = all.counts();
        assert_eq!((counts.path_copies.cpu_bytes, counts.path_copies.gpu), (0, 1));
        assert_eq!(counts.sink_copies.cpu_bytes, 100);
        assert_eq!(counts.sink_copies.reasons["png reads back"], 1);
    }

    #[test]
    fn a_fallback_is_kept_once() {
        let all = Measurements::default();
        let fallback = Fallback {
            what: "sync".into(),
            reason: "no SYNC_FD".into(),
            cost: "a wait at each present".into(),
        };
        all.fallback(fallback.clone());
        all.fallback(fallback.clone());
        assert_eq!(all.counts().fallbacks, [fallback]);
    }

    #[test]
    fn a_region_is_told_once_for_as_long_as_it_stays() {
        let all = Measurements::default();
        let rect = |x| Rect { x, y: 8, width: 64, height: 32 };
        for (sequence, x) in [(3, 0), (4, 0), (9, 16), (10, 0)] {
            all.region(sequence, rect(x));
        }
        let seen: Vec<_> =
            all.counts().regions.iter().map(|it| (it.first, it.x, it.pictures)).collect();
        assert_eq!(seen, [(3, 0, 2), (9, 16, 1), (10, 0, 1)]);
        (0..10_000).for_each(|sequence| all.region(sequence, rect(sequence as u32)));
        assert_eq!(all.counts().regions.len(), 256, "no more than that");
    }

    #[test]
    fn a_hundred_thousand_pictures_take_no_more_memory_than_one() {
        let all = Measurements::default();
        let size = |all: &Measurements| {
            let inner = all.lock();
            let counts = &inner.counts;
            (counts.dropped.len(), counts.fallbacks.capacity(), counts.path_copies.reasons.len())
        };
        let round = |sequence| {
            let begin = Duration::from_micros(sequence);
            for stage in STAGES {
                all.span(sequence, stage, begin, begin * 2);
            }
            all.verdict(sequence, &Verdict::Unchanged);
            all.dropped(sequence, "replaced");
            all.cpu_copy(sequence, 4, "a test");
        };
        round(0);
        let one = size(&all);
        (1..100_000).for_each(round);
        assert_eq!(size(&all), one);
        assert_eq!(all.counts().stage(Stage::Convert).count, 100_000);
    }
}
