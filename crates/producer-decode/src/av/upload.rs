//! Pictures of the CPU on their way to a device: what a decoder on the device would give, where it
//! has none.

use std::ptr;

use ffmpeg_sys_next as ffi;

use super::{AvError, Device, Picture, Way, check};

/// Puts pictures into memory of a device.
pub(crate) struct Upload {
    device: Device,
    frames: Option<Frames>,
}

/// Memory of a device for pictures of one shape.
struct Frames {
    reference: *mut ffi::AVBufferRef,
    shape: (i32, i32, i32),
}

impl Upload {
    /// To the device of `way` called `name`, or the first one.
    pub(crate) fn to(way: Way, name: Option<&str>) -> anyhow::Result<Option<Self>> {
        Ok(Device::open(way, name)?.map(|device| Self { device, frames: None }))
    }

    /// The device.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// The same picture on the device.
    pub(crate) fn upload(&mut self, picture: &Picture) -> Result<Picture, AvError> {
        let shape = (picture.raw().format, picture.raw().width, picture.raw().height);
        let frames = match self.frames.take().filter(|frames| frames.shape == shape) {
            Some(frames) => frames,
            None => Frames::new(&self.device, picture)?,
        };
        let frames = self.frames.insert(frames);
        let mut uploaded = Picture::new()?;
        // SAFETY: both are valid, and the frame is empty.
        check(unsafe { ffi::av_hwframe_get_buffer(frames.reference, uploaded.as_ptr(), 0) })?;
        let raw = uploaded.raw_mut();
        (raw.width, raw.height) = (shape.1, shape.2);
        // SAFETY: both frames are valid, and of one size.
        check(unsafe { ffi::av_hwframe_transfer_data(uploaded.as_ptr(), picture.as_ptr(), 0) })?;
        // SAFETY: as above.
        check(unsafe { ffi::av_frame_copy_props(uploaded.as_ptr(), picture.as_ptr()) })?;
        Ok(uploaded)
    }
}

impl Frames {
    fn new(device: &Device, picture: &Picture) -> Result<Self, AvError> {
        let raw = picture.raw();
        let (format, _) = crate::formats::of_frame(raw.format).ok_or(AvError::UNSUPPORTED)?;
        if !takes(device, format) {
            return Err(AvError::UNSUPPORTED);
        }
        // SAFETY: the device is open.
        let reference = unsafe { ffi::av_hwframe_ctx_alloc(device.as_ptr()) };
        if reference.is_null() {
            return Err(AvError::NO_MEMORY);
        }
        let frames = Self { reference, shape: (raw.format, raw.width, raw.height) };
        // SAFETY: the reference is ours.
        let data = unsafe { (*reference).data }.cast::<ffi::AVHWFramesContext>();
        // SAFETY: that is what the data of such a reference is, and nobody else has it.
        let context = unsafe { &mut *data };
        context.format = device.format();
        context.sw_format = format;
        (context.width, context.height) = (raw.width, raw.height);
        // SAFETY: all of it is said.
        check(unsafe { ffi::av_hwframe_ctx_init(reference) })?;
        Ok(frames)
    }
}

/// Whether there is memory for pictures in `format` on `device`. FFmpeg 5.1 does not survive to be
/// asked for what Vulkan does not have.
fn takes(device: &Device, format: ffi::AVPixelFormat) -> bool {
    // SAFETY: the device is open, and nothing special is asked for.
    let mut limits =
        unsafe { ffi::av_hwdevice_get_hwframe_constraints(device.as_ptr(), ptr::null()) };
    let Some(found) = ptr::NonNull::new(limits) else { return true };
    // SAFETY: it is ours until it is freed.
    let mut place = unsafe { found.as_ref() }.valid_sw_formats.cast_const();
    let mut known = place.is_null();
    while !known {
        // SAFETY: the list ends with `NONE`, which is not passed.
        let one = unsafe { *place };
        if one == ffi::AVPixelFormat::AV_PIX_FMT_NONE {
            break;
        }
        known = one == format;
        place = place.wrapping_add(1);
    }
    // SAFETY: as above, and nobody uses it after this.
    unsafe { ffi::av_hwframe_constraints_free(&raw mut limits) };
    known
}

impl Drop for Frames {
    fn drop(&mut self) {
        // SAFETY: it is ours; pictures have references of their own.
        unsafe { ffi::av_buffer_unref(ptr::from_mut(&mut self.reference)) };
    }
}
