//! Who did what to which picture, and when.

use std::borrow::Cow;
use std::time::Duration;

use crate::Rect;

/// A step on a picture's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// From the source's present to our sight of it.
    PresentToHost,
    /// Making a view of a buffer seen for the first time.
    Import,
    /// From the source's present to the moment the picture is complete for CUDA.
    Cuda,
    /// Finding out what changed.
    Classify,
    /// Writing the picture in the sink's format.
    Convert,
    /// Compressing it.
    Encode,
    /// From the sink's sight of it to the moment it is on a screen.
    Show,
    /// From our sight of it to its buffer going home.
    Release,
}

/// Takes measurements from any thread. Must not block.
pub trait Observer: Send + Sync {
    /// `stage` worked on picture `sequence` from `begin` to `end` (`CLOCK_MONOTONIC`).
    fn span(&self, sequence: u64, stage: Stage, begin: Duration, end: Duration);

    /// The CPU copied `bytes` of picture `sequence`, because of `why`.
    fn cpu_copy(&self, sequence: u64, bytes: u64, why: &'static str);

    /// The GPU copied picture `sequence`, because of `why`.
    fn gpu_copy(&self, sequence: u64, why: &'static str);

    /// The GPU copied `bytes` of picture `sequence` to memory of the host, because of `why`: what was
    /// new of it, as one copy.
    fn copy_down(&self, sequence: u64, bytes: u64, why: &'static str) {
        let _ = bytes;
        self.gpu_copy(sequence, why);
    }

    /// Of picture `sequence` the part `rect` is encoded by itself, in a recording of its own.
    fn region(&self, sequence: u64, rect: Rect) {
        let _ = (sequence, rect);
    }

    /// Picture `sequence` was lost, because of `why`.
    fn dropped(&self, sequence: u64, why: &'static str);

    /// A worse path than the best starts to be used. Called once per fallback.
    fn fallback(&self, fallback: Fallback);
}

/// A worse path than the best, with its reason and its cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// What falls back, as in `sync`.
    pub what: Cow<'static, str>,
    /// Why, as in "the device cannot export SYNC_FD semaphores".
    pub reason: String,
    /// What is slower or lost now, as in "the application waits for its GPU work at each present".
    pub cost: Cow<'static, str>,
}
