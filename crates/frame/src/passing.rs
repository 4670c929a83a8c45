//! The planes of formats that pass through without anybody computing with them: what FFmpeg
//! decodes to beyond what screens and GPUs have.

use arrayvec::ArrayVec;

use crate::format::FormatPlane;
use crate::{Fourcc, MAX_PLANES};

/// Words in the other byte order (`DRM_FORMAT_BIG_ENDIAN`).
const BIG_ENDIAN: u32 = 1 << 31;

/// The planes of `fourcc`, in order.
///
/// # References
///
/// `include/uapi/drm/drm_fourcc.h`; for codes that DRM does not have `libavcodec/raw_pix_fmt_tags.h`
/// of FFmpeg.
pub(crate) fn planes(fourcc: Fourcc) -> Option<ArrayVec<FormatPlane, MAX_PLANES>> {
    let one = |shared, bytes| ArrayVec::from_iter([FormatPlane { fourcc, shared, bytes }]);
    let chroma = |shared| many(3, 8, shared);
    let little = fourcc.0 & !BIG_ENDIAN;
    match &little.to_le_bytes() {
        b"R16 " if little != fourcc.0 => Some(one((1, 1), 2)),
        b"AB48" if little != fourcc.0 => Some(one((1, 1), 8)),
        b"Y2\0\x08" => Some(one((1, 1), 2)),
        b"Y2\0\x10" => Some(one((1, 1), 4)),
        b"R10 " | b"R12 " | b"XR15" | b"XB15" => Some(one((1, 1), 2)),
        b"BG24" | b"RG24" => Some(one((1, 1), 3)),
        b"BG48" | b"RG48" => Some(one((1, 1), 6)),
        b"YUYV" | b"YVYU" | b"UYVY" | b"VYUY" => Some(one((2, 1), 4)),
        b"YU11" => Some(chroma((4, 1))),
        b"YUV9" => Some(chroma((4, 4))),
        b"440P" => Some(chroma((1, 2))),
        [family @ (b'Y' | b'G'), count @ (b'3' | b'4'), shared, bits @ 8..=16] => {
            let shared = match shared {
                0 => (1, 1),
                10 if *family == b'Y' => (2, 1),
                11 if *family == b'Y' => (2, 2),
                _ => return None,
            };
            Some(many(count - b'0', *bits, shared))
        }
        _ => None,
    }
}

/// `count` planes of one component each with `bits`: the second and the third share samples, the
/// fourth is alpha.
fn many(count: u8, bits: u8, shared: (u32, u32)) -> ArrayVec<FormatPlane, MAX_PLANES> {
    let (fourcc, bytes) = if bits > 8 { (Fourcc::R16, 2) } else { (Fourcc::R8, 1) };
    let full = FormatPlane { fourcc, shared: (1, 1), bytes };
    let part = FormatPlane { shared, ..full };
    [full, part, part, full].into_iter().take(usize::from(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Extent;

    #[test]
    fn planes_of_ffmpegs_own_formats_are_in_their_tags() {
        let extent = Extent { width: 7, height: 5 };
        let sizes = |code: &[u8; 4]| -> Vec<_> {
            let planes = Fourcc(u32::from_le_bytes(*code)).planes().expect("a known format");
            planes.iter().map(|it| (it.row_bytes(extent), it.extent(extent).height)).collect()
        };
        assert_eq!(sizes(b"G3\0\x0a"), [(14, 5), (14, 5), (14, 5)]);
        assert_eq!(sizes(b"Y4\x0b\x08"), [(7, 5), (4, 3), (4, 3), (7, 5)]);
        assert_eq!(sizes(b"YUV9"), [(7, 5), (2, 2), (2, 2)]);
        assert_eq!(sizes(b"YUYV"), [(16, 5)]);
        assert_eq!(Fourcc(u32::from_le_bytes(*b"Y3\x0c\x08")).planes(), None);
    }
}
