//! A decoder, and where it writes.

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

use ffmpeg_sys_next as ffi;

use super::{AvError, Device, Packet, Picture, Video, Way, check, lease};
use crate::pool::Pool;

/// The most threads that decode. Each may hold a surface, and a stream has 64.
const MAX_THREADS: usize = 16;

/// A decoder that is open.
pub(crate) struct Decoder {
    context: NonNull<ffi::AVCodecContext>,
    /// What its pictures are written to, where it lets us say so. Must outlive the context.
    pool: Arc<Pool>,
    /// Where it decodes, if not on the CPU.
    device: Option<Device>,
    /// Whether the device turned out to decode nothing of the kind. Must outlive the context.
    refused: Box<AtomicBool>,
    name: String,
}

impl Decoder {
    /// Opens the decoder for `video` that decodes by `way`, on `device` or with so many `threads`. The
    /// host has at most `held` pictures at a time.
    ///
    /// `Ok(None)` when this FFmpeg has none.
    pub(crate) fn open(
        video: &Video,
        way: Way,
        device: Option<Device>,
        threads: Option<u8>,
        held: u8,
    ) -> Result<Option<Self>, AvError> {
        // SAFETY: the parameters live as long as the file they are of, which is open.
        let codec = unsafe { video.parameters.as_ref() }.codec_id;
        let Some((codec, format)) = way.decoder(codec) else { return Ok(None) };
        // SAFETY: codecs are constants of the library.
        let context = unsafe { ffi::avcodec_alloc_context3(codec.as_ptr()) };
        let context = NonNull::new(context).ok_or(AvError::NO_MEMORY)?;
        // SAFETY: as above.
        let name = unsafe { codec.as_ref() }.name;
        // SAFETY: it is a text that ends with a zero.
        let name = unsafe { CStr::from_ptr(name) };
        let name = name.to_string_lossy().into_owned();
        let (pool, refused) = (Arc::default(), Box::default());
        let mut decoder = Self { context, pool, device, refused, name };
        // SAFETY: both are valid.
        check(unsafe {
            ffi::avcodec_parameters_to_context(context.as_ptr(), video.parameters.as_ptr())
        })?;
        decoder.set_up(video, (way, held), format, threads);
        // SAFETY: the context was made for this codec; there are no options.
        check(unsafe { ffi::avcodec_open2(context.as_ptr(), codec.as_ptr(), ptr::null_mut()) })?;
        Ok(Some(decoder))
    }

    /// Whether this FFmpeg decodes `video` by `way`.
    pub(crate) fn exists(video: &Video, way: Way) -> bool {
        // SAFETY: the parameters live as long as the file they are of, which is open.
        way.decoder(unsafe { video.parameters.as_ref() }.codec_id).is_some()
    }

    /// What must be known before it is opened.
    fn set_up(
        &mut self,
        video: &Video,
        (way, held): (Way, u8),
        format: Option<ffi::AVPixelFormat>,
        threads: Option<u8>,
    ) {
        let (pool, device) = (Arc::clone(&self.pool), self.device.as_ref().map(Device::reference));
        // SAFETY: the context is ours alone until it is opened.
        let raw = unsafe { self.context.as_mut() };
        raw.pkt_timebase = video.tick;
        let cores = || available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS));
        let threads = threads.map_or_else(cores, usize::from) as i32;
        raw.thread_count = way.threads(threads);
        match (device, format) {
            (Some(device), Some(_)) => {
                raw.hw_device_ctx = device;
                raw.get_format = Some(choose);
                raw.extra_hw_frames = way.surfaces(held);
                #[cfg(not(before_ffmpeg_6))]
                {
                    // What NVDEC maps is copied once, by us, and goes back at once.
                    raw.hwaccel_flags |= ffi::AV_HWACCEL_FLAG_UNSAFE_OUTPUT as i32;
                }
                raw.opaque = ptr::from_ref(&*self.refused).cast_mut().cast();
            }
            _ => lease::lend_from(&pool, raw),
        }
    }

    /// Whether it has failed because the device decodes nothing of the kind.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// What its pictures would be if the CPU decoded them.
    pub(crate) fn coded_format(&self) -> i32 {
        // SAFETY: the context is open.
        unsafe { self.context.as_ref() }.sw_pix_fmt as i32
    }

    /// What FFmpeg calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it decodes, if not on the CPU.
    pub(crate) fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    /// The memory that it writes to.
    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Gives it a packet, or tells it that there is no other.
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Result<(), AvError> {
        let packet = packet.map_or(ptr::null_mut(), Packet::as_ptr);
        // SAFETY: the context is open, the packet valid or null.
        check(unsafe { ffi::avcodec_send_packet(self.context.as_ptr(), packet) }).map(drop)
    }

    /// The next picture.
    pub(crate) fn receive(&mut self) -> Result<Picture, AvError> {
        let picture = Picture::new()?;
        // SAFETY: the context is open, and the frame valid.
        check(unsafe { ffi::avcodec_receive_frame(self.context.as_ptr(), picture.as_ptr()) })?;
        Ok(picture)
    }

    /// Forgets everything, so that decoding may go on elsewhere in the file.
    pub(crate) fn flush(&mut self) {
        // SAFETY: the context is open.
        unsafe { ffi::avcodec_flush_buffers(self.context.as_ptr()) };
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: it is ours, and nobody uses it after this. The pool is dropped later.
        unsafe { ffi::avcodec_free_context(&raw mut context) };
    }
}

/// Chooses the format that lies in the memory of a device; the decoder goes on in plain memory
/// where there is none, and the caller finds that out by the pictures.
///
/// # Safety
///
/// FFmpeg calls it, with a list that ends with `AV_PIX_FMT_NONE`.
unsafe extern "C" fn choose(
    context: *mut ffi::AVCodecContext,
    formats: *const ffi::AVPixelFormat,
) -> ffi::AVPixelFormat {
    // SAFETY: see above.
    let device = unsafe { (*context).hw_device_ctx };
    if device.is_null() {
        // SAFETY: it is made to be called from here.
        return unsafe { ffi::avcodec_default_get_format(context, formats) };
    }
    // SAFETY: the context holds the reference.
    let data = unsafe { (*device).data }.cast::<ffi::AVHWDeviceContext>();
    // SAFETY: that is what the data of a device's reference is.
    let kind = unsafe { (*data).type_ };
    let wanted = match kind {
        ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI => ffi::AVPixelFormat::AV_PIX_FMT_VAAPI,
        ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VULKAN => ffi::AVPixelFormat::AV_PIX_FMT_VULKAN,
        _ => ffi::AVPixelFormat::AV_PIX_FMT_CUDA,
    };
    let mut place = formats;
    loop {
        // SAFETY: the list has an end, and this is not past it.
        let offered = unsafe { *place };
        if offered == wanted {
            return wanted;
        }
        if offered == ffi::AVPixelFormat::AV_PIX_FMT_NONE {
            break;
        }
        // As above.
        place = place.wrapping_add(1);
    }
    // SAFETY: see above.
    let refused = unsafe { (*context).opaque }.cast::<AtomicBool>();
    // SAFETY: `set_up` put it there, and it outlives the context.
    unsafe { &*refused }.store(true, Ordering::Relaxed);
    // Nothing that the device decodes: an error, and not the CPU in silence.
    ffi::AVPixelFormat::AV_PIX_FMT_NONE
}
