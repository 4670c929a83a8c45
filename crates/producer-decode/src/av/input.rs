//! A file or a stream, and the video in it.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::ptr::{self, NonNull};

use ffmpeg_sys_next as ffi;

use super::{AvError, Packet, check};

/// An open file or stream.
pub(crate) struct Input {
    context: NonNull<ffi::AVFormatContext>,
    video: i32,
}

/// What its video stream says of itself.
#[derive(Clone, Copy)]
pub(crate) struct Video {
    /// Seconds of a tick of its timestamps.
    pub(crate) tick: ffi::AVRational,
    /// Pictures a second, as far as can be guessed; 0 where not.
    pub(crate) rate: ffi::AVRational,
    /// Width of a pixel to its height; 0 if unknown.
    pub(crate) pixel_aspect: ffi::AVRational,
    /// When it starts, in its ticks; `AV_NOPTS_VALUE` if unknown.
    start: i64,
    /// How it is coded.
    pub(crate) parameters: NonNull<ffi::AVCodecParameters>,
}

impl Video {
    /// What FFmpeg calls the codec, as in `h264`.
    pub(crate) fn codec(&self) -> String {
        // SAFETY: the parameters live as long as the file they are of, which is open.
        let id = unsafe { self.parameters.as_ref() }.codec_id;
        // SAFETY: it looks into a table of constants.
        let name = unsafe { ffi::avcodec_get_name(id) };
        // SAFETY: it is a constant text that ends with a zero.
        unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
    }
}

impl Input {
    /// Opens `url`, a path or an address that FFmpeg knows, and finds its video.
    pub(crate) fn open(url: &OsStr) -> Result<Self, AvError> {
        let invalid = AvError(ffi::AVERROR(ffi::EINVAL));
        let url = CString::new(url.as_bytes()).map_err(|_| invalid)?;
        let (mut context, nothing) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: a null context is made; the text ends with a zero; there are no options.
        check(unsafe {
            ffi::avformat_open_input(&raw mut context, url.as_ptr(), ptr::null(), nothing)
        })?;
        let context = NonNull::new(context).ok_or(AvError::NO_MEMORY)?;
        let mut input = Self { context, video: 0 };
        // SAFETY: the context is open; there are no options.
        check(unsafe { ffi::avformat_find_stream_info(input.as_ptr(), ptr::null_mut()) })?;
        let (video, none) = (ffi::AVMediaType::AVMEDIA_TYPE_VIDEO, ptr::null_mut());
        // SAFETY: the context is open, and nobody wants the decoder.
        let found = unsafe { ffi::av_find_best_stream(input.as_ptr(), video, -1, -1, none, 0) };
        input.video = check(found)?;
        Ok(input)
    }

    fn as_ptr(&self) -> *mut ffi::AVFormatContext {
        self.context.as_ptr()
    }

    fn raw(&self) -> &ffi::AVFormatContext {
        // SAFETY: it is open until `self` is dropped.
        unsafe { self.context.as_ref() }
    }

    /// What container it is, as in `mov,mp4,m4a,3gp,3g2,mj2`.
    pub(crate) fn container(&self) -> String {
        // SAFETY: an open context has a format, which is a constant of the library.
        let format = unsafe { &*self.raw().iformat };
        // SAFETY: its name is a text that ends with a zero.
        let name = unsafe { CStr::from_ptr(format.name) };
        name.to_string_lossy().into_owned()
    }

    /// How many streams there are, of any kind.
    pub(crate) fn streams(&self) -> u32 {
        self.raw().nb_streams
    }

    /// How long it is in microseconds, if that is known.
    pub(crate) fn duration(&self) -> Option<i64> {
        Some(self.raw().duration).filter(|&duration| duration > 0)
    }

    /// Whether it may come as it is made, so that the next packet may be long in coming: nobody can go back
    /// in it (a pipe, RTSP), or knows how long it is.
    pub(crate) fn is_live(&self) -> bool {
        // SAFETY: null, or what it is read from until it is closed.
        let bytes = unsafe { self.raw().pb.as_ref() };
        bytes.is_none_or(|bytes| bytes.seekable == 0) || self.duration().is_none()
    }

    /// When it starts, in microseconds of its own time. Where times may jump, as in a broadcast,
    /// that is when its video does, else when the first of its streams does: as the program
    /// `ffmpeg` has it (`correct_input_start_times`).
    pub(crate) fn start(&self) -> i64 {
        let known = |time: i64| Some(time).filter(|&time| time != ffi::AV_NOPTS_VALUE);
        let of_all = known(self.raw().start_time);
        // SAFETY: an open context has a format, which is a constant of the library.
        let jumps = unsafe { (*self.raw().iformat).flags } & ffi::AVFMT_TS_DISCONT != 0;
        let of_video = self.video().filter(|_| jumps).and_then(|video| {
            Some(super::rescale(known(video.start)?, video.tick, ffi::AV_TIME_BASE_Q))
        });
        of_all.map_or(0, |of_all| of_video.unwrap_or(of_all))
    }

    /// The video in it.
    pub(crate) fn video(&self) -> Option<Video> {
        let index = usize::try_from(self.video).ok()?;
        let place = self.raw().streams.wrapping_add(index);
        // SAFETY: `av_find_best_stream` returned an index below `nb_streams`.
        let stream = unsafe { *place };
        let stream = NonNull::new(stream)?;
        // SAFETY: a stream lives as long as its context.
        let raw = unsafe { stream.as_ref() };
        let none = ptr::null_mut();
        // SAFETY: context and stream belong together; a frame is not needed.
        let rate = unsafe { ffi::av_guess_frame_rate(self.as_ptr(), stream.as_ptr(), none) };
        let parameters = NonNull::new(raw.codecpar)?;
        let said = raw.sample_aspect_ratio;
        let pixel_aspect = match said.num {
            // SAFETY: the parameters live as long as their stream.
            0 => unsafe { parameters.as_ref() }.sample_aspect_ratio,
            _ => said,
        };
        let (tick, start) = (raw.time_base, raw.start_time);
        Some(Video { tick, rate, pixel_aspect, start, parameters })
    }

    /// Reads the next packet of the video into `packet`.
    pub(crate) fn read(&mut self, packet: &mut Packet) -> Result<(), AvError> {
        loop {
            packet.clear();
            // SAFETY: the context is open and the packet is empty.
            check(unsafe { ffi::av_read_frame(self.as_ptr(), packet.as_ptr()) })?;
            if packet.stream() == self.video {
                return Ok(());
            }
        }
    }

    /// Goes to the last key picture at or before `time`, in microseconds of its own time. As the
    /// program `ffmpeg` does it, which looks a little earlier where pictures are reordered and the
    /// container finds its place by decoding times.
    pub(crate) fn seek(&mut self, time: i64) -> Result<(), AvError> {
        // SAFETY: an open context has a format, which is a constant of the library.
        let by_pts = unsafe { (*self.raw().iformat).flags } & ffi::AVFMT_SEEK_TO_PTS != 0;
        let reordered = self.video().is_some_and(|video| {
            // SAFETY: the parameters live as long as their stream.
            unsafe { video.parameters.as_ref() }.video_delay > 0
        });
        let early = if reordered && !by_pts { 3 * i64::from(ffi::AV_TIME_BASE) / 23 } else { 0 };
        let to = time - early;
        // SAFETY: the context is open.
        check(unsafe { ffi::avformat_seek_file(self.as_ptr(), -1, i64::MIN, to, to, 0) }).map(drop)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        let mut context = self.as_ptr();
        // SAFETY: it is ours, and nobody uses it after this.
        unsafe { ffi::avformat_close_input(&raw mut context) };
    }
}
