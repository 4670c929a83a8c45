//! The ways to decode: on the CPU, or on a device that FFmpeg knows.

use std::ffi::CString;
use std::fmt;
use std::ptr::{self, NonNull};

use ffmpeg_sys_next::{self as ffi, AVHWDeviceType, AVPixelFormat};

use super::{AvError, check};

/// Where pictures are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// VA-API, as Mesa and Intel have it.
    Vaapi,
    /// Vulkan Video.
    Vulkan,
    /// NVDEC.
    Cuda,
    /// The CPU.
    Software,
}

impl Way {
    /// All of them, best first.
    pub(crate) const ALL: [Self; 4] = [Self::Vaapi, Self::Vulkan, Self::Cuda, Self::Software];

    /// What FFmpeg calls it; `None` for the CPU.
    fn kind(self) -> Option<AVHWDeviceType> {
        match self {
            Self::Vaapi => Some(AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI),
            Self::Vulkan => Some(AVHWDeviceType::AV_HWDEVICE_TYPE_VULKAN),
            Self::Cuda => Some(AVHWDeviceType::AV_HWDEVICE_TYPE_CUDA),
            Self::Software => None,
        }
    }

    /// The decoder of this FFmpeg that decodes `codec` so, and the format that its pictures have
    /// then; on the CPU the format is open.
    pub(crate) fn decoder(
        self,
        codec: ffi::AVCodecID,
    ) -> Option<(NonNull<ffi::AVCodec>, Option<AVPixelFormat>)> {
        let Some(kind) = self.kind() else {
            // SAFETY: it looks into a table of constants.
            let found = unsafe { ffi::avcodec_find_decoder(codec) };
            return Some((NonNull::new(found.cast_mut())?, None));
        };
        let mut place = ptr::null_mut();
        loop {
            // SAFETY: `place` is where the last call left off.
            let found = unsafe { ffi::av_codec_iterate(&raw mut place) };
            let found = NonNull::new(found.cast_mut())?;
            // SAFETY: codecs are constants of the library.
            if unsafe { found.as_ref() }.id == codec
                && let Some(format) = hardware_format(found, kind)
            {
                return Some((found, Some(format)));
            }
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vaapi => "vaapi",
            Self::Vulkan => "vulkan",
            Self::Cuda => "cuda",
            Self::Software => "software",
        })
    }
}

/// The format of the pictures that `codec` decodes on a device of `kind`, if it is a decoder and
/// does.
fn hardware_format(codec: NonNull<ffi::AVCodec>, kind: AVHWDeviceType) -> Option<AVPixelFormat> {
    // SAFETY: codecs are constants of the library.
    if unsafe { ffi::av_codec_is_decoder(codec.as_ptr()) } == 0 {
        return None;
    }
    (0..)
        .map_while(|index| {
            // SAFETY: as above; it returns a constant, or null past the last one.
            let config = unsafe { ffi::avcodec_get_hw_config(codec.as_ptr(), index) };
            // SAFETY: as above.
            NonNull::new(config.cast_mut()).map(|config| *unsafe { config.as_ref() })
        })
        .find(|config| {
            let by_device = ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as i32;
            config.device_type == kind && config.methods & by_device != 0
        })
        .map(|config| config.pix_fmt)
}

/// A device that decodes.
pub(crate) struct Device(NonNull<ffi::AVBufferRef>);

impl Device {
    /// Opens the device of `way` called `name` (a render node, an index), or the first one.
    pub(crate) fn open(way: Way, name: Option<&str>) -> Result<Option<Self>, AvError> {
        let Some(kind) = way.kind() else { return Ok(None) };
        let name = name.and_then(|name| CString::new(name).ok());
        let name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        let mut device = ptr::null_mut();
        // SAFETY: the name is null or ends with a zero; there are no options.
        check(unsafe {
            ffi::av_hwdevice_ctx_create(&raw mut device, kind, name, ptr::null_mut(), 0)
        })?;
        NonNull::new(device).map(|device| Some(Self(device))).ok_or(AvError::NO_MEMORY)
    }

    /// Another reference to it, for C.
    pub(super) fn reference(&self) -> *mut ffi::AVBufferRef {
        // SAFETY: ours is valid.
        unsafe { ffi::av_buffer_ref(self.0.as_ptr()) }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let mut device = self.0.as_ptr();
        // SAFETY: the reference is ours, and nobody uses it after this.
        unsafe { ffi::av_buffer_unref(&raw mut device) };
    }
}
