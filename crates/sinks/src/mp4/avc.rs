//! H.264 in MP4.

use zerohop_encode::{Nal, nal_units};

use super::boxes::Boxes;

/// The parameter sets of a stream.
pub(super) struct Avc<'a> {
    sps: &'a [u8],
    pps: &'a [u8],
}

impl<'a> Avc<'a> {
    /// Reads them off a key picture; `None` when that lacks one.
    pub(super) fn of(stream: &'a [u8]) -> Option<Self> {
        let find = |kind| nal_units(stream).find(|unit| Nal::of(unit) == kind);
        let sps = find(Nal::Sps).filter(|sps| sps.len() >= 4)?;
        Some(Self { sps, pps: find(Nal::Pps)? })
    }

    /// `avcC`: `AVCDecoderConfigurationRecord` for 8-bit 4:2:0 streams with lengths of four bytes.
    ///
    /// # References
    ///
    /// ISO/IEC 14496-15, 5.3.3.1.
    pub(super) fn put(&self, at: &mut Boxes) {
        at.put(b"avcC", |at| {
            at.u8(1);
            // Profile, compatibility, level: as they stand in the parameter set.
            at.bytes(&self.sps[1..4]);
            at.u8(0xff);
            at.u8(0xe1);
            at.u16(u16::try_from(self.sps.len()).unwrap_or(u16::MAX));
            at.bytes(self.sps);
            at.u8(1);
            at.u16(u16::try_from(self.pps.len()).unwrap_or(u16::MAX));
            at.bytes(self.pps);
            if matches!(self.sps[1], 100 | 110 | 122 | 144) {
                at.bytes(&[0xfc | 1, 0xf8, 0xf8, 0]);
            }
        });
    }
}
