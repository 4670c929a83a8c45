//! AV1 in MP4.

use super::boxes::Boxes;
use zerohop_encode::Bits;

/// `obu_type` (AV1, 6.2.2).
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;

/// The sequence of a stream.
pub(super) struct Av1<'a> {
    /// The OBU as it stands in the stream.
    obu: &'a [u8],
    /// Profile and level, then tier and what `color_config` says, as `av1C` has them.
    said: [u8; 2],
}

impl<'a> Av1<'a> {
    /// Reads it off a key frame; `None` when that has none.
    pub(super) fn of(stream: &'a [u8]) -> Option<Self> {
        let (_, obu, payload) = obus(stream).find(|(kind, ..)| *kind == SEQUENCE_HEADER)?;
        Some(Self { obu, said: sequence(payload)? })
    }

    /// `av1C`: `AV1CodecConfigurationRecord`.
    ///
    /// # References
    ///
    /// "AV1 Codec ISO Media File Format Binding", 2.3.
    pub(super) fn put(&self, at: &mut Boxes) {
        at.put(b"av1C", |at| {
            at.u8(0x81);
            at.bytes(&self.said);
            at.u8(0);
            at.bytes(self.obu);
        });
    }
}

/// A temporal unit as a sample: without its delimiter.
///
/// # References
///
/// "AV1 Codec ISO Media File Format Binding", 2.4.
pub(super) fn sample(stream: &[u8], out: &mut Vec<u8>) {
    for (_, obu, _) in obus(stream).filter(|(kind, ..)| *kind != TEMPORAL_DELIMITER) {
        out.extend_from_slice(obu);
    }
}

/// The OBUs of a stream: type, all of it, and what is in it. Ends where one has no sound size.
///
/// # References
///
/// AV1, 5.3.2 (`obu_header`), 4.10.5 (`leb128`).
fn obus(mut stream: &[u8]) -> impl Iterator<Item = (u8, &[u8], &[u8])> {
    std::iter::from_fn(move || {
        let header = *stream.first()?;
        let mut at = if header & 4 == 0 { 1 } else { 2 };
        let mut size = stream.len().checked_sub(at)?;
        if header & 2 != 0 {
            size = 0;
            for shift in (0..56).step_by(7) {
                let byte = *stream.get(at)?;
                at += 1;
                size |= usize::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
        }
        let end = at.checked_add(size).filter(|end| *end <= stream.len())?;
        let obu = (header >> 3 & 0xf, &stream[..end], &stream[at..end]);
        stream = &stream[end..];
        Some(obu)
    })
}

/// Reads `sequence_header_obu` up to its colours; `None` for one with a decoder model.
///
/// # References
///
/// AV1, 5.5.1, 5.5.2 (`color_config`).
fn sequence(payload: &[u8]) -> Option<[u8; 2]> {
    let mut bits = Bits::new(payload);
    let profile = bits.u(3)?;
    bits.skip(1)?;
    let reduced = bits.flag()?;
    let (level, tier) = if reduced { (bits.u(5)?, 0) } else { points(&mut bits)? };
    let (width, height) = (bits.u(4)? + 1, bits.u(4)? + 1);
    bits.skip(width + height)?;
    if !reduced && bits.flag()? {
        bits.skip(7)?;
    }
    bits.skip(3)?;
    if !reduced {
        tools(&mut bits)?;
    }
    bits.skip(3)?;
    let colors = colors(&mut bits, profile)?;
    Some([(profile << 5 | level) as u8, (tier << 7 | colors) as u8])
}

/// Up to the last operating point: level and tier of the first.
fn points(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    if bits.flag()? {
        bits.skip(64)?;
        if bits.flag()? {
            bits.ue()?;
        }
        if bits.flag()? {
            return None;
        }
    }
    let delays = bits.flag()?;
    let mut first = None;
    for _ in 0..=bits.u(5)? {
        bits.skip(12)?;
        let level = bits.u(5)?;
        let tier = if level > 7 { bits.u(1)? } else { 0 };
        if delays && bits.flag()? {
            bits.skip(4)?;
        }
        first.get_or_insert((level, tier));
    }
    first
}

/// From `enable_interintra_compound` to `order_hint_bits_minus_1`.
fn tools(bits: &mut Bits<'_>) -> Option<()> {
    bits.skip(4)?;
    let hints = bits.flag()?;
    if hints {
        bits.skip(2)?;
    }
    let screen = bits.flag()? || bits.flag()?;
    if screen && !bits.flag()? {
        bits.skip(1)?;
    }
    bits.skip(if hints { 3 } else { 0 })
}

/// `color_config`, as the low seven bits of the second byte of `av1C`.
fn colors(bits: &mut Bits<'_>, profile: u32) -> Option<u32> {
    let high = bits.u(1)?;
    let twelve = if profile == 2 && high == 1 { bits.u(1)? } else { 0 };
    let mono = if profile == 1 { 0 } else { bits.u(1)? };
    let described = if bits.flag()? { (bits.u(8)?, bits.u(8)?, bits.u(8)?) } else { (2, 2, 2) };
    let begun = high << 6 | twelve << 5 | mono << 4;
    if mono == 1 {
        return Some(begun | 3 << 2);
    }
    if described == (1, 13, 0) {
        return Some(begun);
    }
    bits.skip(1)?;
    let shared = match profile {
        0 => (1, 1),
        1 => (0, 0),
        _ if twelve == 0 => (1, 0),
        _ => {
            let across = bits.u(1)?;
            (across, if across == 1 { bits.u(1)? } else { 0 })
        }
    };
    let place = if shared == (1, 1) { bits.u(2)? } else { 0 };
    Some(begun | shared.0 << 3 | shared.1 << 2 | place)
}
