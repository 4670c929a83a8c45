//! What a clip is coded as, and kept in.

use libtest_mimic::Trial;

use crate::stage::{Stage, X264, ffmpegs, ours, same};
use crate::trial::named;

/// A test for each.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    CLIPS
        .iter()
        .map(|clip| named(&format!("{}_in_{}_is_ffmpegs", clip.0, clip.1), move || format(clip)))
}

/// What it is, how it is kept, and how ffmpeg makes it.
type Clip = (&'static str, &'static str, &'static [&'static str]);

const X265: [&str; 6] =
    ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=none"];

const CLIPS: &[Clip] = &[
    ("h264", "mp4", &["-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p"]),
    ("h264_full_range", "mkv", &[X264[0], X264[1], "-pix_fmt", "yuvj420p"]),
    ("h264_422", "mp4", &[X264[0], X264[1], X264[2], X264[3], "-pix_fmt", "yuv422p"]),
    ("h264_444", "mp4", &[X264[0], X264[1], X264[2], X264[3], "-pix_fmt", "yuv444p"]),
    ("h264_10_bits", "ts", &[X264[0], X264[1], X264[2], X264[3], "-pix_fmt", "yuv420p10le"]),
    ("h264_422_10_bits", "mkv", &[X264[0], X264[1], "-pix_fmt", "yuv422p10le"]),
    ("h264_grey", "mp4", &[X264[0], X264[1], "-pix_fmt", "gray"]),
    ("h264_rgb", "mkv", &["-c:v", "libx264rgb", "-preset", "ultrafast", "-pix_fmt", "rgb24"]),
    ("hevc", "mp4", &[X265[0], X265[1], X265[2], X265[3], X265[4], X265[5]]),
    ("hevc_10_bits", "mp4", &[X265[0], X265[1], X265[4], X265[5], "-pix_fmt", "yuv420p10le"]),
    ("hevc_444_12_bits", "mkv", &[X265[0], X265[1], X265[4], X265[5], "-pix_fmt", "yuv444p12le"]),
    ("vp8", "webm", &["-c:v", "libvpx", "-deadline", "realtime"]),
    ("vp9", "webm", &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"]),
    ("vp9_10_bits", "webm", &["-c:v", "libvpx-vp9", "-cpu-used", "8", "-pix_fmt", "yuv420p10le"]),
    ("av1", "mkv", &["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"]),
    ("mpeg2", "ts", &["-c:v", "mpeg2video", "-bf", "2"]),
    ("mpeg4", "avi", &["-c:v", "mpeg4"]),
    ("mjpeg", "avi", &["-c:v", "mjpeg", "-pix_fmt", "yuvj422p"]),
    ("prores", "mov", &["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"]),
    ("prores_4444", "mov", &["-c:v", "prores_ks", "-pix_fmt", "yuva444p10le"]),
    ("ffv1_planar_rgb", "mkv", &["-c:v", "ffv1", "-pix_fmt", "gbrp12le"]),
    ("ffv1_alpha", "mkv", &["-c:v", "ffv1", "-pix_fmt", "yuva420p"]),
    ("ffv1_16_bits", "mkv", &["-c:v", "ffv1", "-pix_fmt", "yuv420p16le"]),
    ("ffv1_wide_rgb", "mkv", &["-c:v", "ffv1", "-pix_fmt", "rgb48le"]),
    ("ffv1_rare_chroma", "mkv", &["-c:v", "ffv1", "-pix_fmt", "yuv410p"]),
    ("png", "mov", &["-c:v", "png", "-pix_fmt", "rgba"]),
    ("png_16_bits", "mov", &["-c:v", "png", "-pix_fmt", "gray16be"]),
    ("raw_nv12", "nut", &["-c:v", "rawvideo", "-pix_fmt", "nv12"]),
    ("raw_rgb_15_bits", "nut", &["-c:v", "rawvideo", "-pix_fmt", "rgb555le"]),
    ("raw_rgb", "nut", &["-c:v", "rawvideo", "-pix_fmt", "rgb24"]),
    ("raw_rgb_10_bits", "nut", &["-c:v", "rawvideo", "-pix_fmt", "x2rgb10le"]),
    ("raw_packed", "nut", &["-c:v", "rawvideo", "-pix_fmt", "uyvy422"]),
];

fn format((_, container, arguments): &Clip) {
    let stage = Stage::new();
    let clip = stage.clip(&format!("clip.{container}"), arguments);
    same(&ffmpegs(&[], &clip), &ours(&clip, &[]), 25);
}
