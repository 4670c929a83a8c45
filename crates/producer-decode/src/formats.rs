//! FFmpeg's pixel formats and their names on the wire.

use std::ffi::{CStr, c_char, c_int};

use ffmpeg_sys_next::AVPixelFormat::{self, *};
use zerohop_frame::Fourcc;

const fn code(name: &[u8; 4]) -> Fourcc {
    Fourcc(u32::from_le_bytes(*name))
}

/// The same in words of the other byte order (`DRM_FORMAT_BIG_ENDIAN`).
const fn big(name: &[u8; 4]) -> Fourcc {
    Fourcc(u32::from_le_bytes(*name) | 1 << 31)
}

/// What each format is called. Where DRM has no code, FFmpeg's own tag for raw video stands for it.
///
/// # References
///
/// `include/uapi/drm/drm_fourcc.h`; `libavutil/pixfmt.h`; `libavcodec/raw_pix_fmt_tags.h`.
const FORMATS: &[(AVPixelFormat, Fourcc)] = &[
    (AV_PIX_FMT_YUV420P, code(b"YU12")),
    (AV_PIX_FMT_YUVJ420P, code(b"YU12")),
    (AV_PIX_FMT_YUV422P, code(b"YU16")),
    (AV_PIX_FMT_YUVJ422P, code(b"YU16")),
    (AV_PIX_FMT_YUV444P, code(b"YU24")),
    (AV_PIX_FMT_YUVJ444P, code(b"YU24")),
    (AV_PIX_FMT_YUV440P, code(b"440P")),
    (AV_PIX_FMT_YUVJ440P, code(b"440P")),
    (AV_PIX_FMT_YUV411P, code(b"YU11")),
    (AV_PIX_FMT_YUV410P, code(b"YUV9")),
    (AV_PIX_FMT_NV12, code(b"NV12")),
    (AV_PIX_FMT_NV21, code(b"NV21")),
    (AV_PIX_FMT_NV16, code(b"NV16")),
    (AV_PIX_FMT_NV24, code(b"NV24")),
    (AV_PIX_FMT_NV42, code(b"NV42")),
    (AV_PIX_FMT_P010LE, code(b"P010")),
    (AV_PIX_FMT_P016LE, code(b"P016")),
    (AV_PIX_FMT_P210LE, code(b"P210")),
    (AV_PIX_FMT_YUV420P10LE, code(b"S010")),
    (AV_PIX_FMT_YUV422P10LE, code(b"S210")),
    (AV_PIX_FMT_YUV444P10LE, code(b"S410")),
    (AV_PIX_FMT_YUV420P12LE, code(b"S012")),
    (AV_PIX_FMT_YUV422P12LE, code(b"S212")),
    (AV_PIX_FMT_YUV444P12LE, code(b"S412")),
    (AV_PIX_FMT_YUV420P16LE, code(b"S016")),
    (AV_PIX_FMT_YUV422P16LE, code(b"S216")),
    (AV_PIX_FMT_YUV444P16LE, code(b"S416")),
    (AV_PIX_FMT_YUV420P9LE, code(b"Y3\x0b\x09")),
    (AV_PIX_FMT_YUV422P9LE, code(b"Y3\x0a\x09")),
    (AV_PIX_FMT_YUV444P9LE, code(b"Y3\x00\x09")),
    (AV_PIX_FMT_YUV420P14LE, code(b"Y3\x0b\x0e")),
    (AV_PIX_FMT_YUV422P14LE, code(b"Y3\x0a\x0e")),
    (AV_PIX_FMT_YUV444P14LE, code(b"Y3\x00\x0e")),
    (AV_PIX_FMT_YUVA420P, code(b"Y4\x0b\x08")),
    (AV_PIX_FMT_YUVA422P, code(b"Y4\x0a\x08")),
    (AV_PIX_FMT_YUVA444P, code(b"Y4\x00\x08")),
    (AV_PIX_FMT_YUVA420P10LE, code(b"Y4\x0b\x0a")),
    (AV_PIX_FMT_YUVA422P10LE, code(b"Y4\x0a\x0a")),
    (AV_PIX_FMT_YUVA444P10LE, code(b"Y4\x00\x0a")),
    (AV_PIX_FMT_YUVA422P12LE, code(b"Y4\x0a\x0c")),
    (AV_PIX_FMT_YUVA444P12LE, code(b"Y4\x00\x0c")),
    (AV_PIX_FMT_YUVA444P16LE, code(b"Y4\x00\x10")),
    (AV_PIX_FMT_GBRP, code(b"G3\x00\x08")),
    (AV_PIX_FMT_GBRP9LE, code(b"G3\x00\x09")),
    (AV_PIX_FMT_GBRP10LE, code(b"G3\x00\x0a")),
    (AV_PIX_FMT_GBRP12LE, code(b"G3\x00\x0c")),
    (AV_PIX_FMT_GBRP14LE, code(b"G3\x00\x0e")),
    (AV_PIX_FMT_GBRP16LE, code(b"G3\x00\x10")),
    (AV_PIX_FMT_GBRAP, code(b"G4\x00\x08")),
    (AV_PIX_FMT_GBRAP10LE, code(b"G4\x00\x0a")),
    (AV_PIX_FMT_GBRAP12LE, code(b"G4\x00\x0c")),
    (AV_PIX_FMT_GBRAP16LE, code(b"G4\x00\x10")),
    (AV_PIX_FMT_GRAY8, code(b"R8  ")),
    (AV_PIX_FMT_GRAY10LE, code(b"R10 ")),
    (AV_PIX_FMT_GRAY12LE, code(b"R12 ")),
    (AV_PIX_FMT_GRAY16LE, code(b"R16 ")),
    (AV_PIX_FMT_RGB24, code(b"BG24")),
    (AV_PIX_FMT_BGR24, code(b"RG24")),
    (AV_PIX_FMT_RGBA, code(b"AB24")),
    (AV_PIX_FMT_BGRA, code(b"AR24")),
    (AV_PIX_FMT_ARGB, code(b"BA24")),
    (AV_PIX_FMT_ABGR, code(b"RA24")),
    (AV_PIX_FMT_RGB0, code(b"XB24")),
    (AV_PIX_FMT_BGR0, code(b"XR24")),
    (AV_PIX_FMT_0RGB, code(b"BX24")),
    (AV_PIX_FMT_0BGR, code(b"RX24")),
    (AV_PIX_FMT_RGB565LE, code(b"RG16")),
    (AV_PIX_FMT_BGR565LE, code(b"BG16")),
    (AV_PIX_FMT_RGB555LE, code(b"XR15")),
    (AV_PIX_FMT_BGR555LE, code(b"XB15")),
    (AV_PIX_FMT_X2RGB10LE, code(b"XR30")),
    (AV_PIX_FMT_X2BGR10LE, code(b"XB30")),
    (AV_PIX_FMT_RGB48LE, code(b"BG48")),
    (AV_PIX_FMT_RGBA64LE, code(b"AB48")),
    (AV_PIX_FMT_YA8, code(b"Y2\x00\x08")),
    (AV_PIX_FMT_GRAY16BE, big(b"R16 ")),
    (AV_PIX_FMT_RGB48BE, big(b"BG48")),
    (AV_PIX_FMT_RGBA64BE, big(b"AB48")),
    (AV_PIX_FMT_YA16BE, big(b"Y2\x00\x10")),
    (AV_PIX_FMT_YUYV422, code(b"YUYV")),
    (AV_PIX_FMT_YVYU422, code(b"YVYU")),
    (AV_PIX_FMT_UYVY422, code(b"UYVY")),
];

unsafe extern "C" {
    // The library's own, which take an enumeration: frames have numbers, perhaps newer ones.
    fn av_get_pix_fmt_name(format: c_int) -> *const c_char;
    fn av_pix_fmt_get_chroma_sub_sample(
        format: c_int,
        across: *mut c_int,
        down: *mut c_int,
    ) -> c_int;
}

/// The format with the number `format`, as frames have it, and its name on the wire.
pub(crate) fn of_frame(format: i32) -> Option<(AVPixelFormat, Fourcc)> {
    FORMATS.iter().copied().find(|(known, _)| *known as i32 == format)
}

/// What FFmpeg calls the format with the number `format`.
pub(crate) fn name(format: i32) -> String {
    // SAFETY: it is declared with an enumeration and reads a table by that number, which it
    // compares with the table's length first (libavutil/pixdesc.c).
    let name = unsafe { av_get_pix_fmt_name(format) };
    if name.is_null() {
        return format!("pixel format {format}");
    }
    // SAFETY: it is a constant text that ends with a zero.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

/// How pixels of the format with the number `format` share chroma, across and down, as powers of
/// two; `None` for no format.
pub(crate) fn chroma(format: i32) -> Option<(i32, i32)> {
    let (mut across, mut down) = (0, 0);
    // SAFETY: it compares the number with its table's length first, and writes to both places.
    let known =
        unsafe { av_pix_fmt_get_chroma_sub_sample(format, &raw mut across, &raw mut down) } == 0;
    known.then_some((across, down))
}

#[cfg(test)]
mod tests {
    use ffmpeg_sys_next as ffi;

    use super::*;

    /// Planes of a picture of 34 by 18 as FFmpeg counts them: bytes of each.
    fn ffmpegs(format: AVPixelFormat) -> Vec<u64> {
        let (mut lines, mut sizes) = ([0; 4], [0; 4]);
        // SAFETY: both arrays have the four places that it fills.
        unsafe { ffi::av_image_fill_linesizes(lines.as_mut_ptr(), format, 34) };
        let lines = lines.map(|line| line as isize);
        // SAFETY: as above.
        unsafe { ffi::av_image_fill_plane_sizes(sizes.as_mut_ptr(), format, 18, lines.as_ptr()) };
        sizes.into_iter().take_while(|size| *size > 0).map(|size| size as u64).collect()
    }

    #[test]
    fn a_format_has_the_planes_that_ffmpeg_gives_it() {
        let extent = zerohop_frame::Extent { width: 34, height: 18 };
        for (format, fourcc) in FORMATS {
            let planes = fourcc.planes().unwrap_or_else(|| panic!("{fourcc} is not known"));
            let sizes = planes
                .iter()
                .map(|plane| plane.row_bytes(extent) * u64::from(plane.extent(extent).height));
            assert_eq!(
                sizes.collect::<Vec<_>>(),
                ffmpegs(*format),
                "{} {fourcc}",
                name(*format as i32)
            );
        }
    }
}
