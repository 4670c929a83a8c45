//! What stands at the start of the file: what is in it and how to decode it.

use zerohop_encode::{Codec, Packet};
use zerohop_frame::{Color, Extent};

use super::TIMESCALE;
use super::av1::Av1;
use super::avc::Avc;
use super::boxes::Boxes;
use super::hevc::Hevc;

/// The one track's id.
pub(super) const TRACK: u32 = 1;

/// `matrix`: unity, as 16.16 and 2.30 fixed point numbers.
const UNITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// `ftyp` and `moov`, and where they keep what is known at the end only.
pub(super) struct Header {
    /// To write first.
    pub(super) bytes: Vec<u8>,
    /// Where the three 64-bit durations are (`mvhd`, `tkhd`, `mdhd`).
    pub(super) durations: Vec<u64>,
    /// Where [`mehd`] goes: until then a `free` box of the same size is there.
    pub(super) mehd: u64,
}

/// What the header says of the pictures.
pub(super) struct Stream<'a> {
    extent: Extent,
    color: Color,
    codec: Description<'a>,
}

/// How to decode them.
enum Description<'a> {
    Avc(Avc<'a>),
    Hevc(Hevc<'a>),
    Av1(Av1<'a>),
}

impl<'a> Stream<'a> {
    /// Reads it off a key packet, or `None` when that lacks its headers.
    pub(super) fn of(packet: &'a Packet) -> Option<Self> {
        let Packet { ref data, extent, color, .. } = *packet;
        let codec = match packet.codec {
            Codec::H264 => Description::Avc(Avc::of(data)?),
            Codec::Hevc => Description::Hevc(Hevc::of(data)?),
            Codec::Av1 => Description::Av1(Av1::of(data)?),
        };
        Some(Self { extent, color, codec })
    }
}

impl Description<'_> {
    /// The name of the sample entry. Parameter sets may come with the samples, and do, so that the
    /// size may change.
    fn entry(&self) -> &'static [u8; 4] {
        match self {
            Self::Avc(_) => b"avc3",
            Self::Hevc(_) => b"hev1",
            Self::Av1(_) => b"av01",
        }
    }

    /// What the file is besides (AV1 in ISOBMFF, 2.1: it should be named).
    fn brand(&self) -> &'static [u8] {
        match self {
            Self::Avc(_) | Self::Hevc(_) => b"",
            Self::Av1(_) => b"av01",
        }
    }

    fn put(&self, at: &mut Boxes) {
        match self {
            Self::Avc(avc) => avc.put(at),
            Self::Hevc(hevc) => hevc.put(at),
            Self::Av1(av1) => av1.put(at),
        }
    }
}

/// The duration of the whole in ticks, in place of the `free` box.
///
/// # References
///
/// ISO/IEC 14496-12, 8.8.2.
pub(super) fn mehd(duration: u64) -> Vec<u8> {
    let mut boxes = Boxes::default();
    boxes.full(b"mehd", 1, 0, |at| at.u64(duration));
    boxes.0
}

/// The start of a file with `stream`.
///
/// # References
///
/// ISO/IEC 14496-12, 8.2 to 8.5 (`moov` to `stbl`), 8.8.1 to 8.8.3 (`mvex`); 14496-15, 5.4.2.
pub(super) fn header(stream: &Stream<'_>) -> Header {
    let mut boxes = Boxes::default();
    let (mut durations, mut mehd_at) = (Vec::new(), 0);
    boxes.put(b"ftyp", |at| {
        at.bytes(b"iso6");
        at.u32(0);
        at.bytes(b"iso6mp41");
        at.bytes(stream.codec.brand());
    });
    boxes.put(b"moov", |at| {
        at.full(b"mvhd", 1, 0, |at| {
            at.zeros(16);
            at.u32(TIMESCALE);
            durations.push(at.len() as u64);
            at.u64(0);
            // Normal rate and volume.
            at.u32(0x1_0000);
            at.u16(0x100);
            at.zeros(10);
            at.u32s(&UNITY);
            at.zeros(24);
            at.u32(TRACK + 1);
        });
        at.put(b"trak", |at| track(at, stream, &mut durations));
        at.put(b"mvex", |at| {
            mehd_at = at.len() as u64;
            at.put(b"free", |at| at.zeros(12));
            at.full(b"trex", 0, 0, |at| at.u32s(&[TRACK, 1, 0, 0, 0]));
        });
    });
    Header { bytes: boxes.0, durations, mehd: mehd_at }
}

fn track(at: &mut Boxes, stream: &Stream<'_>, durations: &mut Vec<u64>) {
    // Enabled, and part of the presentation.
    at.full(b"tkhd", 1, 3, |at| {
        at.zeros(16);
        at.u32(TRACK);
        at.zeros(4);
        durations.push(at.len() as u64);
        at.u64(0);
        at.zeros(16);
        at.u32s(&UNITY);
        // 16.16 fixed point.
        at.u32(stream.extent.width << 16);
        at.u32(stream.extent.height << 16);
    });
    at.put(b"mdia", |at| {
        at.full(b"mdhd", 1, 0, |at| {
            at.zeros(16);
            at.u32(TIMESCALE);
            durations.push(at.len() as u64);
            at.u64(0);
            // "und" in three times five bits.
            at.u16(0x55c4);
            at.zeros(2);
        });
        at.full(b"hdlr", 0, 0, |at| {
            at.zeros(4);
            at.bytes(b"vide");
            at.zeros(12);
            at.bytes(b"zerohop\0");
        });
        at.put(b"minf", |at| {
            at.full(b"vmhd", 0, 1, |at| at.zeros(8));
            at.put(b"dinf", |at| {
                at.full(b"dref", 0, 0, |at| {
                    at.u32(1);
                    // The data is in this file.
                    at.full(b"url ", 0, 1, |_| ());
                });
            });
            at.put(b"stbl", |at| sample_table(at, stream));
        });
    });
}

/// The samples of a fragmented file are in its fragments, so that only their description is here.
fn sample_table(at: &mut Boxes, stream: &Stream<'_>) {
    at.full(b"stsd", 0, 0, |at| {
        at.u32(1);
        at.put(stream.codec.entry(), |at| sample_entry(at, stream));
    });
    at.full(b"stts", 0, 0, |at| at.u32(0));
    at.full(b"stsc", 0, 0, |at| at.u32(0));
    at.full(b"stsz", 0, 0, |at| at.zeros(8));
    at.full(b"stco", 0, 0, |at| at.u32(0));
}

/// What the samples are.
///
/// # References
///
/// ISO/IEC 14496-12, 12.1.3 (`VisualSampleEntry`), 12.1.5 (`colr`).
fn sample_entry(at: &mut Boxes, stream: &Stream<'_>) {
    at.zeros(6);
    at.u16(1);
    at.zeros(16);
    for side in [stream.extent.width, stream.extent.height] {
        at.u16(u16::try_from(side).unwrap_or(u16::MAX));
    }
    // 72 dots an inch, one picture a sample, no name, 24 bits deep.
    at.u32(0x48_0000);
    at.u32(0x48_0000);
    at.zeros(4);
    at.u16(1);
    at.zeros(32);
    at.u16(0x18);
    at.u16(0xffff);
    stream.codec.put(at);
    at.put(b"colr", |at| {
        at.bytes(b"nclx");
        at.u16(stream.color.primaries.into());
        at.u16(stream.color.transfer.into());
        at.u16(stream.color.matrix.into());
        at.u8(u8::from(stream.color.full_range) << 7);
    });
}
