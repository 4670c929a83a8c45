//! Where the chroma of an H.264 stream lies.
//!
//! Our passes put a chroma sample into the middle of its four pixels. A stream that says nothing has
//! it on the left of them, so decoders would draw colours half a pixel off. OpenH264 has no words for
//! it: they are put into its sequence parameter sets.

use zerohop_frame::Siting;

use crate::bits::{Bits, escape, unescape};
use crate::{Nal, nal_units};

/// `packet` with parameter sets that say where chroma lies; as it is where they say something
/// already, or have no VUI.
pub(crate) fn sited(packet: Vec<u8>, siting: Siting) -> Vec<u8> {
    if !nal_units(&packet).any(|unit| Nal::of(unit) == Nal::Sps) {
        return packet;
    }
    let mut out = Vec::with_capacity(packet.len() + 4);
    for unit in nal_units(&packet) {
        out.extend_from_slice(&[0, 0, 0, 1]);
        match located(unit, siting).filter(|_| Nal::of(unit) == Nal::Sps) {
            Some(told) => out.extend_from_slice(&told),
            None => out.extend_from_slice(unit),
        }
    }
    out
}

/// The bits of an Exp-Golomb code (H.264, 9.1).
fn code(number: u32) -> impl Iterator<Item = bool> + Clone {
    let length = (number + 1).ilog2();
    (0..=2 * length).rev().map(move |bit| (number + 1) >> bit & 1 == 1)
}

/// A sequence parameter set with the words in place of the bit that says that there are none:
/// `chroma_sample_loc_type` of both fields.
///
/// # References
///
/// ITU-T H.264, figure E-1 and E.2.1, whose numbers are those of `Siting`.
fn located(unit: &[u8], siting: Siting) -> Option<Vec<u8>> {
    let payload = unescape(unit);
    let at = absent(&payload)?;
    let bit = |index: usize| payload[index / 8] >> (7 - index % 8) & 1 == 1;
    // The last bit that is set ends the payload (7.3.2.11).
    let end = (0..payload.len() * 8).rev().find(|&index| bit(index))?;
    let before = (0..at).map(bit);
    let kind = code(siting as u32);
    let words = [true].into_iter().chain(kind.clone()).chain(kind);
    let bits: Vec<bool> = before.chain(words).chain((at + 1..=end).map(bit)).collect();
    let byte = |bits: &[bool]| {
        let set = bits.iter().enumerate().filter(|(_, bit)| **bit);
        set.fold(0, |byte, (index, _)| byte | 0x80 >> index)
    };
    Some(escape(&bits.chunks(8).map(byte).collect::<Vec<u8>>()))
}

/// Where `chroma_loc_info_present_flag` is, if it is there and not set.
///
/// # References
///
/// ITU-T H.264, 7.3.2.1.1 and E.1.1.
fn absent(payload: &[u8]) -> Option<usize> {
    let mut bits = Bits::new(payload);
    bits.skip(8)?;
    // Baseline and main have no formats of chroma, which is all that OpenH264 makes.
    let profile = bits.u(8)?;
    if !matches!(profile, 66 | 77) {
        return None;
    }
    bits.skip(16)?;
    bits.codes(2)?;
    match bits.ue()? {
        0 => bits.codes(1)?,
        2 => {}
        _ => return None,
    }
    bits.codes(1)?;
    bits.skip(1)?;
    bits.codes(2)?;
    if !bits.flag()? {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    if bits.flag()? {
        bits.codes(4)?;
    }
    let has_vui = bits.flag()?;
    if !has_vui {
        return None;
    }
    pass_to_chroma(&mut bits)?;
    let at = bits.position();
    (!bits.flag()?).then_some(at)
}

/// Passes over what a VUI says before it.
fn pass_to_chroma(bits: &mut Bits<'_>) -> Option<()> {
    /// `Extended_SAR`: two numbers follow.
    const EXTENDED: u32 = 255;
    if bits.flag()? && bits.u(8)? == EXTENDED {
        bits.skip(32)?;
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    if bits.flag()? {
        bits.skip(4)?;
        if bits.flag()? {
            bits.skip(24)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OpenH264 2.6 writes for 1280x720, with its colours.
    const SPS: [u8; 18] = [
        0x67, 0x42, 0xc0, 0x20, 0x8c, 0x68, 0x05, 0x00, 0x5b, 0xa6, 0xa0, 0x20, 0x20, 0x20, 0xf0,
        0x88, 0x46, 0xa0,
    ];

    #[test]
    fn the_words_are_put_in_and_nothing_else_changes() {
        let slice = [0, 0, 0, 1, 0x65, 9, 9];
        let told = sited([&[0, 0, 0, 1][..], &SPS, &slice].concat(), Siting::Centre);
        let units: Vec<_> = nal_units(&told).collect();
        assert_eq!(units[1], &slice[4..]);
        let bits = |unit: &[u8]| -> Vec<bool> {
            let payload = unescape(unit);
            let bit = |index: usize| payload[index / 8] >> (7 - index % 8) & 1 == 1;
            let end = (0..payload.len() * 8).rev().find(|&index| bit(index)).unwrap();
            (0..=end).map(bit).collect()
        };
        let (before, after) = (bits(&SPS), bits(units[0]));
        let at = absent(&SPS).unwrap();
        assert_eq!(after[..at], before[..at]);
        let [no, yes] = [false, true];
        assert_eq!(after[at..at + 7], [yes, no, yes, no, no, yes, no], "present, and twice 1");
        assert_eq!(after[at + 7..], before[at + 1..]);
        assert_eq!(sited(told.clone(), Siting::Left), told, "once is enough");
        let codes: Vec<String> = (0..6)
            .map(|number| code(number).map(|bit| if bit { '1' } else { '0' }).collect())
            .collect();
        assert_eq!(codes, ["1", "010", "011", "00100", "00101", "00110"]);
    }

    #[test]
    fn what_is_no_parameter_set_stays_as_it_is() {
        let slices = vec![0, 0, 0, 1, 0x65, 1, 2, 0, 0, 1, 0x41, 3];
        assert_eq!(sited(slices.clone(), Siting::Centre), slices);
        let cut = [&[0, 0, 0, 1][..], &SPS[..6]].concat();
        assert_eq!(sited(cut.clone(), Siting::Centre), cut, "a set that ends too early");
        let high = [&[0, 0, 0, 1, 0x67, 100][..], &SPS[2..]].concat();
        assert_eq!(sited(high.clone(), Siting::Centre), high, "another profile");
    }
}
