//! When a device's picture is complete, and whose it is.

use std::ffi::c_void;
use std::ptr::NonNull;

use anyhow::{Context as _, Result, bail};
use ffmpeg_sys_next::{self as ffi, AVPixelFormat};

use super::{Picture, expanded};

/// `VAStatus vaSyncSurface(VADisplay, VASurfaceID)` (`va/va.h`).
type SyncSurface = unsafe extern "C" fn(*mut c_void, u32) -> i32;

/// The device's own name for the memory of a picture.
pub(crate) fn surface_of(picture: &Picture) -> Result<usize> {
    if picture.raw().format != AVPixelFormat::AV_PIX_FMT_VAAPI as i32 {
        bail!("this decoder's memory cannot be handed out by FFmpeg");
    }
    // `VASurfaceID` (libavutil/pixfmt.h).
    Ok(picture.raw().data[3] as usize)
}

/// The memory that a device's pictures are in, kept from going: as long as it is, no other has its
/// place, so that a surface's name in it stands for one thing.
pub(crate) struct Frames(NonNull<ffi::AVBufferRef>);

impl Frames {
    /// That of `picture`, if it is a device's.
    pub(crate) fn of(picture: &Picture) -> Option<Self> {
        let frames = NonNull::new(picture.raw().hw_frames_ctx)?;
        // SAFETY: the frame holds the reference.
        NonNull::new(unsafe { ffi::av_buffer_ref(frames.as_ptr()) }).map(Self)
    }

    /// Whether `picture` is in it.
    pub(crate) fn has(&self, picture: &Picture) -> bool {
        // SAFETY: the reference is ours.
        let ours = unsafe { self.0.as_ref() }.data;
        let theirs = NonNull::new(picture.raw().hw_frames_ctx);
        // SAFETY: the frame holds the reference.
        theirs.is_some_and(|theirs| unsafe { theirs.as_ref() }.data == ours)
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        let mut frames = self.0.as_ptr();
        // SAFETY: it is ours, and nobody uses it after this.
        unsafe { ffi::av_buffer_unref(&raw mut frames) };
    }
}

/// The format of a picture when it is copied to plain memory.
pub(crate) fn plain_format(picture: &Picture) -> i32 {
    let format = picture.raw().format;
    let plain = || expanded(format).map_or(format, |expanded| expanded as i32);
    frames_of(picture).map_or_else(plain, |frames| frames.sw_format as i32)
}

/// What a device's pictures are in, in words.
pub(crate) fn memory_of(picture: &Picture) -> &'static str {
    match picture.raw().format {
        format if format == AVPixelFormat::AV_PIX_FMT_CUDA as i32 => "memory of CUDA",
        format if format == AVPixelFormat::AV_PIX_FMT_VULKAN as i32 => "image of Vulkan",
        _ => "memory",
    }
}

/// What a device's pictures have in common; `None` for one in plain memory.
pub(super) fn frames_of(picture: &Picture) -> Option<&ffi::AVHWFramesContext> {
    let reference = NonNull::new(picture.raw().hw_frames_ctx)?;
    // SAFETY: the frame holds the reference.
    let data = unsafe { reference.as_ref() }.data.cast::<ffi::AVHWFramesContext>();
    let frames = NonNull::new(data)?;
    // SAFETY: that is what its data is, for as long as the frame is there.
    Some(unsafe { frames.as_ref() })
}

/// Waits until a VA-API picture may be read: its driver says so.
pub(crate) fn finish(picture: &Picture) -> Result<()> {
    let frames = frames_of(picture).context("the picture is in no device")?;
    // SAFETY: a frames context has a device context as long as it lives.
    let device = unsafe { &*frames.device_ctx };
    // SAFETY: that is what `hwctx` is for this kind of device (libavutil/hwcontext_vaapi.h).
    let display = unsafe { (*device.hwctx.cast::<ffi::AVVAAPIDeviceContext>()).display };
    let library = libloading::os::unix::Library::this();
    // SAFETY: libavutil is linked to libva, which has this function with this signature.
    let sync = unsafe { library.get::<SyncSurface>(b"vaSyncSurface\0") };
    let sync = sync.context("libva is not there")?;
    let surface = u32::try_from(surface_of(picture)?).context("an odd surface")?;
    // SAFETY: display and surface belong together, and live as long as the picture.
    let status = unsafe { sync(display, surface) };
    if status != 0 {
        bail!("the driver does not finish a picture: VA status {status}");
    }
    Ok(())
}
