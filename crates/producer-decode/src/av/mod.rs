//! FFmpeg's libraries behind types that give back what they take. All `unsafe` of this room but the
//! names of formats is here.

mod copier;
mod cuda;
mod decoder;
mod device;
mod drm;
mod error;
mod expand;
mod input;
mod lease;
mod packet;
mod picture;
mod sync;
mod upload;
mod vulkan;

pub(crate) use copier::{Copied, Copier};
pub(crate) use cuda::Copying;
pub(crate) use decoder::Decoder;
pub(crate) use device::{Device, Way};
pub(crate) use drm::{Exported, export};
pub(crate) use error::{AvError, check};
pub(crate) use expand::expanded;
pub(crate) use input::{Input, Video};
pub(crate) use lease::surface_for;
pub(crate) use packet::Packet;
pub(crate) use picture::Picture;
pub(crate) use sync::{Frames, finish, memory_of, plain_format, surface_of};
pub(crate) use upload::Upload;

/// Converts `ticks` of one length into ticks of another, to the nearest; half a tick goes up.
pub(crate) fn rescale(
    ticks: i64,
    from: ffmpeg_sys_next::AVRational,
    to: ffmpeg_sys_next::AVRational,
) -> i64 {
    // SAFETY: it computes with its arguments only.
    unsafe { ffmpeg_sys_next::av_rescale_q(ticks, from, to) }
}

/// Keeps FFmpeg's own messages off the terminal, unless `verbose`; all of them are for twice that.
pub(crate) fn set_log(verbose: u8) {
    let level = match verbose {
        0 => ffmpeg_sys_next::AV_LOG_QUIET,
        1 => ffmpeg_sys_next::AV_LOG_WARNING,
        _ => ffmpeg_sys_next::AV_LOG_DEBUG,
    };
    // SAFETY: it sets a number.
    unsafe { ffmpeg_sys_next::av_log_set_level(level) };
}

/// FFmpeg's version as its programs say it, as in `5.1.9-0+deb12u1`.
pub(crate) fn version() -> String {
    // SAFETY: it returns a constant.
    let text = unsafe { ffmpeg_sys_next::av_version_info() };
    // SAFETY: it ends with a zero.
    unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
