//! What is counted, as plain numbers.

use std::collections::BTreeMap;

use serde::Serialize;
use zerohop_frame::{Fallback, Rect, Stage};

use crate::Percentiles;

/// The steps that are measured, in the order of a picture's way.
pub(crate) const STAGES: [Stage; 8] = [
    Stage::PresentToHost,
    Stage::Import,
    Stage::Cuda,
    Stage::Classify,
    Stage::Convert,
    Stage::Encode,
    Stage::Show,
    Stage::Release,
];

/// The name of a step in report and trace.
pub(crate) fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::PresentToHost => "present_to_host",
        Stage::Import => "import",
        Stage::Cuda => "present_to_cuda",
        Stage::Classify => "classify",
        Stage::Convert => "convert",
        Stage::Encode => "encode",
        Stage::Show => "show",
        Stage::Release => "release",
        _ => "other",
    }
}

/// How many pictures were worth what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// They equal the one before.
    pub unchanged: u64,
    /// They differ.
    pub changed: u64,
    /// They differ only inside a rectangle that is known for it.
    pub region: u64,
}

/// Copies of pixels, by their reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copies {
    /// Bytes that the CPU copied.
    pub cpu_bytes: u64,
    /// Pictures that the GPU copied.
    pub gpu: u64,
    /// Bytes that the GPU copied to memory of the host; the pictures are among the others.
    pub down_bytes: u64,
    /// How often, by reason.
    pub reasons: BTreeMap<&'static str, u64>,
}

impl Copies {
    /// One more by the CPU.
    pub(crate) fn cpu(&mut self, bytes: u64, why: &'static str) {
        self.cpu_bytes += bytes;
        *self.reasons.entry(why).or_default() += 1;
    }

    /// Those of another stream too.
    fn add(&mut self, other: &Self) {
        self.cpu_bytes += other.cpu_bytes;
        self.gpu += other.gpu;
        self.down_bytes += other.down_bytes;
        other
            .reasons
            .iter()
            .for_each(|(why, count)| *self.reasons.entry(why).or_default() += count);
    }

    /// One more by the GPU.
    pub(crate) fn gpu(&mut self, why: &'static str) {
        self.gpu += 1;
        *self.reasons.entry(why).or_default() += 1;
    }
}

/// Where a recording of regions lies in the pictures, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Region {
    /// Pixels from the left edge.
    pub x: u32,
    /// Pixels from the top edge.
    pub y: u32,
    /// Its size, which is that of the recording's pictures.
    pub width: u32,
    /// As `width`.
    pub height: u32,
    /// The number of the first picture.
    pub first: u64,
    /// How many pictures were there, one after the other.
    pub pictures: u64,
}

impl Region {
    /// The most that are kept.
    const MOST: usize = 256;

    /// Notes that picture `sequence` lies at `rect`, behind what `all` has.
    pub(crate) fn note(all: &mut Vec<Self>, sequence: u64, rect: Rect) {
        let Rect { x, y, width, height } = rect;
        let here = |it: &&mut Self| (it.x, it.y, it.width, it.height) == (x, y, width, height);
        if let Some(last) = all.last_mut().filter(here) {
            last.pictures += 1;
        } else if all.len() < Self::MOST {
            all.push(Self { x, y, width, height, first: sequence, pictures: 1 });
        }
    }
}

/// All counts at one moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Pictures that came out of the source, or were kept where they were made.
    pub taken: u64,
    /// Of these, pictures that were kept where they were made, as they equal the ones before them; they are
    /// among the unchanged.
    pub kept: u64,
    /// How often whoever makes the pictures was asked to look at them, as they stood still.
    pub asked: u64,
    /// Pictures that were handed to the main sink.
    pub submitted: u64,
    /// What they were worth.
    pub verdicts: Verdicts,
    /// Where regions were that are recorded by themselves, in order.
    pub regions: Vec<Region>,
    /// Lost pictures, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Copies on the way to the main sink.
    pub path_copies: Copies,
    /// Copies that sinks made for themselves.
    pub sink_copies: Copies,
    /// Worse paths that came into use.
    pub fallbacks: Vec<Fallback>,
    /// Durations by step.
    pub stages: Vec<(&'static str, Percentiles)>,
}

impl Counts {
    /// Those of all streams that are read beside each other. Regions and durations are of one stream each,
    /// and left out.
    #[must_use]
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut sum, one| {
            sum.taken += one.taken;
            sum.kept += one.kept;
            sum.asked += one.asked;
            sum.submitted += one.submitted;
            sum.verdicts.unchanged += one.verdicts.unchanged;
            sum.verdicts.changed += one.verdicts.changed;
            sum.verdicts.region += one.verdicts.region;
            one.dropped.iter().for_each(|(why, n)| *sum.dropped.entry(why).or_default() += n);
            sum.path_copies.add(&one.path_copies);
            sum.sink_copies.add(&one.sink_copies);
            for fallback in &one.fallbacks {
                if !sum.fallbacks.contains(fallback) {
                    sum.fallbacks.push(fallback.clone());
                }
            }
            sum
        })
    }

    /// The durations of one step; all zero when it never ran.
    pub fn stage(&self, stage: Stage) -> Percentiles {
        let found = self.stages.iter().find(|(one, _)| *one == name(stage));
        found.map_or_else(Percentiles::default, |(_, percentiles)| *percentiles)
    }
}
