//! A run of pictures with their times.

use zerohop_encode::{Codec, Packet, nal_units};

use super::av1;
use super::boxes::Boxes;
use super::header::TRACK;

/// `sample_depends_on` 2: a picture of its own.
const KEY: u32 = 0x0200_0000;
/// `sample_depends_on` 1 and `sample_is_non_sync_sample`.
const NOT_KEY: u32 = 0x0101_0000;

/// Pictures that are not written yet.
#[derive(Default)]
pub(super) struct Fragment {
    samples: Vec<Sample>,
    data: Vec<u8>,
}

struct Sample {
    /// When it is shown, in ticks.
    at: u64,
    /// Bytes.
    size: u32,
    key: bool,
}

/// A fragment as bytes.
pub(super) struct Written {
    /// `moof` and `mdat`.
    pub(super) bytes: Vec<u8>,
    /// Where in `bytes` the duration of the last picture is.
    pub(super) last_duration: usize,
}

impl Fragment {
    /// Adds a picture: its NAL units with their lengths in place of start codes, or its OBUs.
    pub(super) fn push(&mut self, at: u64, packet: &Packet) {
        let before = self.data.len();
        match packet.codec {
            Codec::H264 | Codec::Hevc => {
                for unit in nal_units(&packet.data) {
                    let length = u32::try_from(unit.len()).unwrap_or(0);
                    self.data.extend_from_slice(&length.to_be_bytes());
                    self.data.extend_from_slice(unit);
                }
            }
            Codec::Av1 => av1::sample(&packet.data, &mut self.data),
        }
        let size = u32::try_from(self.data.len() - before).unwrap_or(0);
        self.samples.push(Sample { at, size, key: packet.key });
    }

    /// When its first picture is shown, in ticks; `None` when it has none.
    pub(super) fn first(&self) -> Option<u64> {
        self.samples.first().map(|sample| sample.at)
    }

    /// When its last picture is shown, in ticks.
    pub(super) fn last(&self) -> Option<u64> {
        self.samples.last().map(|sample| sample.at)
    }

    /// Whether decoding can start with it.
    pub(super) fn starts_with_key(&self) -> bool {
        self.samples.first().is_some_and(|sample| sample.key)
    }

    /// The bytes of fragment number `sequence`, whose last picture is shown until `end`. Empty
    /// afterwards.
    ///
    /// # References
    ///
    /// ISO/IEC 14496-12, 8.8.4 to 8.8.8 (`moof` to `trun`), 8.8.12 (`tfdt`).
    pub(super) fn take(&mut self, sequence: u32, end: u64) -> Written {
        let mut boxes = Boxes::default();
        let (mut offset_at, mut last_duration) = (0, 0);
        boxes.put(b"moof", |at| {
            at.full(b"mfhd", 0, 0, |at| at.u32(sequence));
            at.put(b"traf", |at| {
                // Offsets count from the start of this `moof`.
                at.full(b"tfhd", 0, 0x02_0000, |at| at.u32(TRACK));
                at.full(b"tfdt", 1, 0, |at| at.u64(self.first().unwrap_or(0)));
                // An offset, and each sample's duration, size and flags.
                at.full(b"trun", 0, 0x701, |at| {
                    at.u32(u32::try_from(self.samples.len()).unwrap_or(0));
                    offset_at = at.len();
                    at.u32(0);
                    let ends = self.samples.iter().skip(1).map(|next| next.at).chain([end]);
                    for (sample, end) in self.samples.iter().zip(ends) {
                        last_duration = at.len();
                        at.u32(duration(sample.at, end));
                        at.u32(sample.size);
                        at.u32(if sample.key { KEY } else { NOT_KEY });
                    }
                });
            });
        });
        let data_at = u32::try_from(boxes.len() + 8).unwrap_or(0).to_be_bytes();
        boxes.0[offset_at..offset_at + 4].copy_from_slice(&data_at);
        boxes.put(b"mdat", |at| at.bytes(&self.data));
        self.samples.clear();
        self.data.clear();
        Written { bytes: boxes.0, last_duration }
    }
}

/// Ticks from `start` to `end` as a sample's duration.
pub(super) fn duration(start: u64, end: u64) -> u32 {
    u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX)
}
