//! HEVC in MP4.

use zerohop_encode::nal_units;

use super::boxes::Boxes;
use zerohop_encode::{Bits, unescape};

/// Types of parameter sets (H.265 table 7-1).
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;

/// The parameter sets of a stream, and what the second of them says.
pub(super) struct Hevc<'a> {
    sets: [(u8, &'a [u8]); 3],
    /// `general_profile_space` to `general_level_idc`.
    profile: [u8; 12],
    chroma: u8,
    depths: [u8; 2],
    layers: u8,
    nested: u8,
}

impl<'a> Hevc<'a> {
    /// Reads them off a key picture; `None` when that lacks one.
    ///
    /// # References
    ///
    /// ITU-T H.265, 7.3.2.2 (`seq_parameter_set_rbsp`), 7.3.3 (`profile_tier_level`).
    pub(super) fn of(stream: &'a [u8]) -> Option<Self> {
        let find = |kind| nal_units(stream).find(|unit| unit[0] >> 1 & 0x3f == kind);
        let [vps, sps, pps] = [find(VPS)?, find(SPS)?, find(PPS)?];
        let payload = unescape(sps.get(2..)?);
        let profile = payload.get(1..13)?.try_into().ok()?;
        let mut bits = Bits::new(&payload);
        bits.skip(4)?;
        let more = bits.u(3)?;
        let nested = bits.u(1)? as u8;
        bits.skip(96)?;
        skip_layers(&mut bits, more)?;
        bits.ue()?;
        let chroma = bits.ue()?;
        if chroma == 3 {
            bits.skip(1)?;
        }
        // The size, and what of it is not shown.
        bits.codes(2)?;
        if bits.flag()? {
            bits.codes(4)?;
        }
        let depths = [bits.ue()?, bits.ue()?];
        let small = chroma <= 3 && depths.iter().all(|depth| *depth <= 7);
        let (chroma, depths) = (chroma as u8, depths.map(|depth| depth as u8));
        let (sets, layers) = ([(VPS, vps), (SPS, sps), (PPS, pps)], more as u8 + 1);
        small.then_some(Self { sets, profile, chroma, depths, layers, nested })
    }

    /// `hvcC`: `HEVCDecoderConfigurationRecord` with lengths of four bytes; parameter sets come with
    /// the samples as well.
    ///
    /// # References
    ///
    /// ISO/IEC 14496-15, 8.3.3.1.
    pub(super) fn put(&self, at: &mut Boxes) {
        at.put(b"hvcC", |at| {
            at.u8(1);
            at.bytes(&self.profile);
            at.u16(0xf000);
            at.u8(0xfc);
            at.u8(0xfc | self.chroma);
            self.depths.iter().for_each(|depth| at.u8(0xf8 | depth));
            at.u16(0);
            at.u8(self.layers << 3 | self.nested << 2 | 3);
            at.u8(3);
            for (kind, unit) in self.sets {
                at.u8(kind);
                at.u16(1);
                at.u16(u16::try_from(unit.len()).unwrap_or(u16::MAX));
                at.bytes(unit);
            }
        });
    }
}

/// Passes over what `profile_tier_level` has for `more` layers.
fn skip_layers(bits: &mut Bits<'_>, more: u32) -> Option<()> {
    let mut present = [(false, false); 8];
    for layer in present.iter_mut().take(more as usize) {
        *layer = (bits.flag()?, bits.flag()?);
    }
    if more > 0 {
        bits.skip((8 - more) * 2)?;
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Some(())
}
