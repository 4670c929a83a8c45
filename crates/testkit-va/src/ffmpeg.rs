//! What OpenH264 does not decode, by FFmpeg's libraries on the CPU.
//!
//! FFmpeg gives pictures out in the order in which they are shown, and libva has its surfaces filled in
//! that in which they are coded. So a picture is taken from where FFmpeg decodes to, which it asks for
//! (`get_buffer2`) once for each coded picture, and which is complete when a packet was taken: with one
//! thread all of a packet is decoded before the call returns.

use std::ffi::c_int;
use std::ptr::null_mut;
use std::slice;

use ffmpeg_sys_next as ffi;

use crate::error::Error;
use crate::format::Planar;
use crate::surface::Surface;

/// One stream.
pub(crate) struct Ffmpeg {
    context: *mut ffi::AVCodecContext,
    packet: *mut ffi::AVPacket,
    /// What comes out, which is not looked at.
    shown: *mut ffi::AVFrame,
    /// The picture that was begun last, which `context.opaque` names as well.
    latest: *mut ffi::AVFrame,
}

// SAFETY: all of it is ours alone, and used by one thread at a time.
unsafe impl Send for Ffmpeg {}

/// Gives a picture memory, and remembers it.
unsafe extern "C" fn get_buffer(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
    flags: c_int,
) -> c_int {
    // SAFETY: FFmpeg's arguments.
    let got = unsafe { ffi::avcodec_default_get_buffer2(context, frame, flags) };
    if got < 0 {
        return got;
    }
    // SAFETY: `new` put our frame there, which lives as long as the context.
    let latest = unsafe { (*context).opaque }.cast::<ffi::AVFrame>();
    // SAFETY: a frame of ours.
    unsafe { ffi::av_frame_unref(latest) };
    // SAFETY: two frames, the first of which is empty.
    unsafe { ffi::av_frame_ref(latest, frame) }
}

impl Ffmpeg {
    /// A stream of H.264 as NAL units with start codes.
    pub(crate) fn h264() -> Result<Self, Error> {
        Self::new(ffi::AVCodecID::AV_CODEC_ID_H264)
    }

    /// A stream of VP9.
    pub(crate) fn vp9() -> Result<Self, Error> {
        Self::new(ffi::AVCodecID::AV_CODEC_ID_VP9)
    }

    fn new(codec: ffi::AVCodecID) -> Result<Self, Error> {
        // SAFETY: it has no demands.
        let codec = unsafe { ffi::avcodec_find_decoder(codec) };
        // SAFETY: null or a codec.
        let context = unsafe { ffi::avcodec_alloc_context3(codec) };
        // SAFETY: it has no demands.
        let packet = unsafe { ffi::av_packet_alloc() };
        // SAFETY: as above.
        let shown = unsafe { ffi::av_frame_alloc() };
        // SAFETY: as above.
        let latest = unsafe { ffi::av_frame_alloc() };
        // What is missing is freed as what is there.
        let new = Self { context, packet, shown, latest };
        if codec.is_null() || packet.is_null() || shown.is_null() || latest.is_null() {
            return Err(Error::AllocationFailed);
        }
        // SAFETY: a new context of ours.
        let fields = unsafe { context.as_mut() }.ok_or(Error::AllocationFailed)?;
        fields.thread_count = 1;
        fields.thread_type = ffi::FF_THREAD_SLICE as c_int;
        // As many as there can be: otherwise it says that it finds more.
        fields.has_b_frames = 16;
        fields.opaque = latest.cast();
        fields.get_buffer2 = Some(get_buffer);
        // SAFETY: a context of ours and its codec.
        match unsafe { ffi::avcodec_open2(context, codec, null_mut()) } {
            0 => Ok(new),
            _ => Err(Error::AllocationFailed),
        }
    }

    /// Decodes a coded picture into `surface`.
    ///
    /// # Errors
    ///
    /// FFmpeg cannot; other samples than the surface has.
    pub(crate) fn decode(&mut self, data: &[u8], to: &mut Surface) -> Result<(), Error> {
        let length = c_int::try_from(data.len()).map_err(|_| Error::Decoding)?;
        // SAFETY: a packet of ours.
        unsafe { ffi::av_packet_unref(self.packet) };
        // SAFETY: as above.
        if unsafe { ffi::av_new_packet(self.packet, length) } < 0 {
            return Err(Error::AllocationFailed);
        }
        // SAFETY: as above.
        let start = unsafe { (*self.packet).data };
        // SAFETY: it has just got so many bytes.
        unsafe { slice::from_raw_parts_mut(start, data.len()) }.copy_from_slice(data);
        // SAFETY: an open context and a packet of ours.
        let sent = unsafe { ffi::avcodec_send_packet(self.context, self.packet) };
        // SAFETY: an open context and a frame of ours, until there is nothing more.
        while unsafe { ffi::avcodec_receive_frame(self.context, self.shown) } == 0 {}
        if sent < 0 {
            return Err(Error::Decoding);
        }
        to.put(&self.picture()?)
    }

    /// What was decoded last.
    fn picture(&self) -> Result<Planar<'_>, Error> {
        use ffi::AVPixelFormat as Pixels;
        // SAFETY: a frame of ours.
        let frame = unsafe { &*self.latest };
        let yuv420 = [Pixels::AV_PIX_FMT_YUV420P as i32, Pixels::AV_PIX_FMT_YUVJ420P as i32];
        let bits = match frame.format {
            format if yuv420.contains(&format) => 8,
            format if format == Pixels::AV_PIX_FMT_YUV420P10LE as i32 => 10,
            other => {
                eprintln!("zerohop-va: FFmpeg decodes to pixel format {other}");
                return Err(Error::Decoding);
            }
        };
        let mut planes: [&[u8]; 3] = [&[]; 3];
        let mut strides = [0; 3];
        for (plane, shared) in [1, 2, 2].into_iter().enumerate() {
            let stride = usize::try_from(frame.linesize[plane]).map_err(|_| Error::Decoding)?;
            let rows = frame.height.unsigned_abs().div_ceil(shared) as usize;
            if frame.data[plane].is_null() {
                return Err(Error::Decoding);
            }
            // SAFETY: rows of that stride from there on, in memory that the frame holds.
            planes[plane] = unsafe { slice::from_raw_parts(frame.data[plane], stride * rows) };
            strides[plane] = stride;
        }
        Ok(Planar { planes, strides, bits, shared: (2, 2) })
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        // SAFETY: all of it is ours, and goes here; each function takes null as well. The context first,
        // since it names a frame.
        unsafe { ffi::avcodec_free_context(&mut self.context) };
        // SAFETY: as above.
        unsafe { ffi::av_packet_free(&mut self.packet) };
        // SAFETY: as above.
        unsafe { ffi::av_frame_free(&mut self.shown) };
        // SAFETY: as above.
        unsafe { ffi::av_frame_free(&mut self.latest) };
    }
}
