//! The ways to decode: on the CPU, or on a device that FFmpeg knows.

use std::ffi::CString;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::Context as _;
use ffmpeg_sys_next::{self as ffi, AVHWDeviceType, AVPixelFormat};

use super::cuda::CudaCopier;
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
    /// All of them, best first. On an H200, NVDEC by CUDA opens in a third of the time that it takes by
    /// Vulkan, knows more codecs, and uses all engines where FFmpeg's Vulkan uses two.
    pub(crate) const ALL: [Self; 4] = [Self::Vaapi, Self::Cuda, Self::Vulkan, Self::Software];

    /// What FFmpeg calls it; `None` for the CPU.
    fn kind(self) -> Option<AVHWDeviceType> {
        match self {
            Self::Vaapi => Some(AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI),
            Self::Vulkan => Some(AVHWDeviceType::AV_HWDEVICE_TYPE_VULKAN),
            Self::Cuda => Some(AVHWDeviceType::AV_HWDEVICE_TYPE_CUDA),
            Self::Software => None,
        }
    }

    /// How many more surfaces a decoder gets than it needs for itself: those that the host has,
    /// `held` at most where it reads the decoder's own, the one that is handed over and its successor;
    /// else only these two, which are copied.
    pub(super) fn surfaces(self, held: u8) -> i32 {
        let copied = if self == Self::Vaapi { i32::from(held) } else { 0 };
        copied + 2
    }

    /// How many threads it decodes with, where the CPU would have `most`. Each takes a surface, of
    /// which NVDEC has 32, and has nothing to do; with Vulkan's FFmpeg 7.1 crashes when it begins
    /// anew (seen on an H200: `--loop`, 16 threads).
    pub(super) fn threads(self, most: i32) -> i32 {
        if matches!(self, Self::Vulkan | Self::Cuda) { 1 } else { most }
    }

    /// What FFmpeg is told when it opens a device: CUDA's primary context, in which we are too.
    fn options(self) -> Result<*mut ffi::AVDictionary, AvError> {
        let mut options = ptr::null_mut();
        if self == Self::Cuda {
            let (name, one) = (c"primary_ctx".as_ptr(), c"1".as_ptr());
            // SAFETY: both texts end with a zero, and an empty dictionary is null.
            check(unsafe { ffi::av_dict_set(&raw mut options, name, one, 0) })?;
        }
        Ok(options)
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

/// A device of FFmpeg's, which goes with its last reference.
struct Opened(NonNull<ffi::AVBufferRef>);

// SAFETY: references are counted atomically (libavutil/buffer.h), and decoders in several threads share a
// device (libavutil/hwcontext_vulkan.h: its queues have locks).
unsafe impl Send for Opened {}
// SAFETY: as above.
unsafe impl Sync for Opened {}

/// The device of Vulkan that was opened last, and its name, for all films on it: each more would be a context
/// of the GPU more, and opening several at a time takes many seconds. FFmpeg 5.1 has no locks for its
/// queues: with it each film opens one, one after the other. It is locked meanwhile: whoever calls [`Device::open`] is
/// watched.
static VULKAN: Mutex<(Option<String>, Weak<Opened>)> = Mutex::new((None, Weak::new()));

/// A device that decodes.
pub(crate) struct Device {
    opened: Arc<Opened>,
    way: Way,
    /// What copies there, in the order of the decoder's own work.
    cuda: Option<CudaCopier>,
}

impl Device {
    /// Opens the device of `way` called `name` (a render node, an index), or the first one.
    pub(crate) fn open(way: Way, name: Option<&str>) -> anyhow::Result<Option<Self>> {
        let Some(kind) = way.kind() else { return Ok(None) };
        if way == Way::Vulkan {
            let mut last = VULKAN.lock().unwrap_or_else(PoisonError::into_inner);
            let shares = cfg!(not(before_ffmpeg_6)) && last.0.as_deref() == name;
            let known = last.1.upgrade().filter(|_| shares);
            let opened = known.map_or_else(|| Opened::new(way, kind, name), Ok)?;
            *last = (name.map(str::to_owned), Arc::downgrade(&opened));
            return Ok(Some(Self { opened, way, cuda: None }));
        }
        let mut device = Self { opened: Opened::new(way, kind, name)?, way, cuda: None };
        if way == Way::Cuda {
            let index = name.map_or(Ok(0), str::parse).context("CUDA's devices are numbers")?;
            device.share_stream(CudaCopier::on(index).context("beside FFmpeg")?);
        }
        Ok(Some(device))
    }

    /// Has FFmpeg work on the stream of `copier`.
    fn share_stream(&mut self, copier: CudaCopier) {
        // SAFETY: the reference is ours.
        let data = unsafe { self.opened.0.as_ref() }.data.cast::<ffi::AVHWDeviceContext>();
        // SAFETY: that is what the data of a device's reference is.
        let device = unsafe { &*data };
        let context = device.hwctx.cast::<ffi::AVCUDADeviceContext>();
        // SAFETY: that is what `hwctx` is for this kind of device (libavutil/hwcontext_cuda.h);
        // nobody works with it yet.
        unsafe { (*context).stream = copier.raw_stream().cast() };
        self.cuda = Some(copier);
    }

    /// What copies from its memory, on the stream that FFmpeg works on, if it is one of CUDA.
    pub(crate) fn cuda(&self) -> Option<&CudaCopier> {
        self.cuda.as_ref()
    }

    /// The format of pictures in its memory.
    pub(super) fn format(&self) -> AVPixelFormat {
        match self.way {
            Way::Vaapi => AVPixelFormat::AV_PIX_FMT_VAAPI,
            Way::Vulkan => AVPixelFormat::AV_PIX_FMT_VULKAN,
            Way::Cuda => AVPixelFormat::AV_PIX_FMT_CUDA,
            Way::Software => AVPixelFormat::AV_PIX_FMT_NONE,
        }
    }

    /// For C.
    pub(super) fn as_ptr(&self) -> *mut ffi::AVBufferRef {
        self.opened.0.as_ptr()
    }

    /// Another reference to it, for C.
    pub(super) fn reference(&self) -> *mut ffi::AVBufferRef {
        // SAFETY: ours is valid.
        unsafe { ffi::av_buffer_ref(self.as_ptr()) }
    }
}

impl Opened {
    /// Opens the device of `kind` called `name`, or the first one.
    fn new(way: Way, kind: AVHWDeviceType, name: Option<&str>) -> Result<Arc<Self>, AvError> {
        let text = name.and_then(|name| CString::new(name).ok());
        let text = text.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        let (mut device, mut options) = (ptr::null_mut(), way.options()?);
        // SAFETY: the name is null or ends with a zero.
        let opened =
            check(unsafe { ffi::av_hwdevice_ctx_create(&raw mut device, kind, text, options, 0) });
        // SAFETY: the options are ours, or null.
        unsafe { ffi::av_dict_free(&raw mut options) };
        opened?;
        Ok(Arc::new(Self(NonNull::new(device).ok_or(AvError::NO_MEMORY)?)))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut device = self.0.as_ptr();
        // SAFETY: the reference is ours, and nobody uses it after this.
        unsafe { ffi::av_buffer_unref(&raw mut device) };
    }
}
