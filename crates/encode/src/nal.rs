//! NAL units in a byte stream.

/// What kind of NAL unit it is: the type numbers that matter here.
///
/// # References
///
/// ITU-T H.264 table 7-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nal {
    /// A slice of a key picture (5).
    Idr,
    /// A sequence parameter set (7).
    Sps,
    /// A picture parameter set (8).
    Pps,
    /// Anything else.
    Other(u8),
}

impl Nal {
    /// The kind of `unit`, which starts with its header byte.
    pub fn of(unit: &[u8]) -> Self {
        match unit.first().map_or(0, |header| header & 0x1f) {
            5 => Self::Idr,
            7 => Self::Sps,
            8 => Self::Pps,
            other => Self::Other(other),
        }
    }
}

/// The NAL units of an Annex B byte stream, without start codes. Start codes of three and of four
/// bytes are taken; bytes before the first one are not part of any unit.
///
/// # References
///
/// ITU-T H.264 annex B.
pub fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = start_code(stream).map(|(_, after)| &stream[after..]);
    std::iter::from_fn(move || {
        let unit = rest?;
        let end = match start_code(unit) {
            Some((before, after)) => {
                rest = Some(&unit[after..]);
                before
            }
            None => {
                rest = None;
                unit.len()
            }
        };
        Some(&unit[..end])
    })
    .filter(|unit| !unit.is_empty())
}

/// Where the next start code begins (with the zero byte that may precede it) and ends.
fn start_code(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    // A unit holds no `00 00 00` to `00 00 03`, so looking at every third byte is enough to skip.
    while let Some(&third) = bytes.get(at + 2) {
        match third {
            1 if bytes[at] == 0 && bytes[at + 1] == 0 => {
                let before = if at > 0 && bytes[at - 1] == 0 { at - 1 } else { at };
                return Some((before, at + 3));
            }
            0 | 1 => at += 1,
            _ => at += 3,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(stream: &[u8]) -> Vec<&[u8]> {
        nal_units(stream).collect()
    }

    #[test]
    fn both_start_codes_split_and_belong_to_no_unit() {
        let stream = [9, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 0, 1];
        assert_eq!(split(&stream), [&[0x67, 1, 2][..], &[0x68], &[0x65, 0, 1]]);
        assert!(split(&[0, 0, 0, 1]).is_empty());
        assert!(split(&[1, 2, 3]).is_empty());
    }

    #[test]
    fn every_split_is_found_at_every_offset() {
        for length in 0..9 {
            let unit = vec![0x65; length + 1];
            let stream = [&[0, 0, 0, 1][..], &unit, &[0, 0, 1], &unit].concat();
            assert_eq!(split(&stream), [&unit[..], &unit]);
        }
    }

    #[test]
    fn kinds_are_told_by_the_low_five_bits() {
        assert_eq!(
            [0x67, 0x68, 0x65, 0x41].map(|header| Nal::of(&[header])),
            [Nal::Sps, Nal::Pps, Nal::Idr, Nal::Other(1)]
        );
    }
}
