//! What a plane can show: formats and modifiers.

use zerohop_frame::{Fourcc, Modifier};

/// Reads the `IN_FORMATS` blob of a plane. A blob that is not well-formed gives what could be read
/// of it.
///
/// # References
///
/// `struct drm_format_modifier_blob` and `struct drm_format_modifier` in
/// `include/uapi/drm/drm_mode.h`: a list of formats, and a list of modifiers, each with a mask of
/// 64 formats from an offset on.
pub(crate) fn in_formats(blob: &[u8]) -> Vec<(Fourcc, Modifier)> {
    let word = |at: usize| blob.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let wide = |at: usize| blob.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let header = |place: usize| word(place * 4).map_or(0, |value| value as usize);
    let [count, formats_at, modifiers, modifiers_at] = [2, 3, 4, 5].map(header);
    let format = |place: usize| word(formats_at.checked_add(place.checked_mul(4)?)?);
    let mut found = Vec::new();
    for entry in 0..modifiers.min(blob.len() / 24) {
        let at = modifiers_at.saturating_add(entry * 24);
        let (Some(mask), Some(first), Some(modifier)) =
            (wide(at), word(at.saturating_add(8)), wide(at.saturating_add(16)))
        else {
            break;
        };
        let bits = (0..64).filter(|bit| mask >> bit & 1 == 1);
        let places = bits.map(|bit: usize| first as usize + bit).filter(|place| *place < count);
        found.extend(places.filter_map(format).map(|code| (Fourcc(code), Modifier(modifier))));
    }
    found
}

/// The formats to try for pixels of `fourcc`, best first: nothing is behind a picture that fills
/// the screen, so its alpha has no meaning.
pub(crate) fn shown_as(fourcc: Fourcc) -> [Fourcc; 2] {
    [without_alpha(fourcc), fourcc]
}

fn without_alpha(fourcc: Fourcc) -> Fourcc {
    match fourcc {
        Fourcc::ARGB8888 => Fourcc::XRGB8888,
        Fourcc::ABGR8888 => Fourcc::XBGR8888,
        Fourcc::ARGB2101010 => Fourcc::XRGB2101010,
        Fourcc::ABGR2101010 => Fourcc::XBGR2101010,
        Fourcc::ABGR16161616F => Fourcc::XBGR16161616F,
        other => other,
    }
}

/// All pairs that need no conversion to be shown by a plane that shows `shown`: a format with
/// alpha as well as its twin without.
pub(crate) fn taken(shown: &[(Fourcc, Modifier)]) -> Vec<(Fourcc, Modifier)> {
    let alpha = [
        Fourcc::ARGB8888,
        Fourcc::ABGR8888,
        Fourcc::ARGB2101010,
        Fourcc::ABGR2101010,
        Fourcc::ABGR16161616F,
    ];
    let mut taken = shown.to_vec();
    for &(fourcc, modifier) in shown {
        let twins = alpha.iter().filter(|one| without_alpha(**one) == fourcc);
        for pair in twins.map(|twin| (*twin, modifier)) {
            if !taken.contains(&pair) {
                taken.push(pair);
            }
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two formats; `LINEAR` for both, and another modifier for the second.
    fn blob() -> Vec<u8> {
        let tiled = 0x0100_0000_0000_0001_u64;
        let mut blob = Vec::new();
        for word in [1, 0, 2, 24, 2, 32_u32] {
            blob.extend(word.to_le_bytes());
        }
        blob.extend(Fourcc::XRGB8888.0.to_le_bytes());
        blob.extend(Fourcc::ABGR8888.0.to_le_bytes());
        for (mask, modifier) in [(0b11_u64, 0), (0b10, tiled)] {
            blob.extend(mask.to_le_bytes());
            blob.extend([0; 8]);
            blob.extend(modifier.to_le_bytes());
        }
        blob
    }

    #[test]
    fn a_blob_pairs_formats_with_modifiers() {
        let pairs = in_formats(&blob());
        assert_eq!(pairs[0], (Fourcc::XRGB8888, Modifier::LINEAR));
        assert_eq!(pairs[2], (Fourcc::ABGR8888, Modifier(0x0100_0000_0000_0001)));
        assert_eq!(pairs.len(), 3);
    }

    #[test]
    fn a_blob_that_is_cut_or_lies_is_read_as_far_as_it_goes() {
        let whole = blob();
        for length in 0..whole.len() {
            assert!(in_formats(&whole[..length]).len() < 3, "{length}");
        }
        assert!(in_formats(&[0xff; 200]).len() <= 64 * 8);
    }

    #[test]
    fn alpha_has_no_meaning_on_a_screen() {
        assert_eq!(shown_as(Fourcc::ARGB8888)[0], Fourcc::XRGB8888);
        assert_eq!(shown_as(Fourcc::NV12), [Fourcc::NV12; 2]);
        let pair = |fourcc| (fourcc, Modifier::LINEAR);
        let taken = taken(&[pair(Fourcc::XRGB8888)]);
        assert_eq!(taken, [pair(Fourcc::XRGB8888), pair(Fourcc::ARGB8888)]);
    }
}
