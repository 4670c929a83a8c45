//! What a wire source saw, for the report.

use zerohop_frame::{Extent, Fourcc};

/// The most refusals and streams that are kept one by one. All are counted.
pub(crate) const MAX_KEPT: usize = 256;

/// What came in so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Producers that connected, the refused ones too.
    pub peers: u64,
    /// Producers that were refused, in order; the first 256.
    pub refused: Vec<Refusal>,
    /// How many were refused in all.
    pub refused_count: u64,
    /// Streams that showed a picture, in the order they opened; the first 256.
    pub streams: Vec<StreamReport>,
    /// Pictures of the main stream that arrived, or were kept.
    pub frames_presented: u64,
    /// Of these, pictures that their producer kept, as they equal the ones before them.
    pub frames_kept: u64,
    /// Pictures of the main stream that its producer counted and did not send.
    pub frames_unsent: u64,
    /// Pictures of the main stream that were lost because the pipeline was slower, or so slow that
    /// their producer took them back.
    pub frames_dropped: u64,
    /// Pictures of the main stream that a newer one replaced before their time, as their
    /// application asked for.
    pub frames_replaced: u64,
    /// Pictures of all other streams. They went home unread, or were kept.
    pub frames_of_other_streams: u64,
}

/// A producer that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its process; 0 when unknown.
    pub pid: u32,
    /// Its name, if it said one.
    pub name: String,
    /// The rule that it broke.
    pub reason: String,
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamReport {
    /// Its producer.
    pub producer: String,
    /// The producer's process; 0 when unknown.
    pub pid: u32,
    /// What it is, as in "xcb window 0x400002".
    pub name: String,
    /// Size of its last picture.
    pub extent: Extent,
    /// Pixel format of its last picture.
    pub fourcc: Fourcc,
    /// How its last picture's memory came: "dma-buf", "opaque" or "shm".
    pub handover: &'static str,
    /// Pictures that arrived.
    pub frames: u64,
    /// Pictures that its producer kept, as they equal the ones before them.
    pub frames_kept: u64,
    /// Of these, pictures that were complete when they arrived (tier `signaled`).
    pub frames_signaled: u64,
    /// Of these, pictures that were complete at a value of a timeline (tier `timeline`); the others came
    /// with a fence (tier `sync_file`).
    pub frames_timeline: u64,
    /// Whether it was the main stream at any time.
    pub was_main: bool,
}
