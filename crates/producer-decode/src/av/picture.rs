//! An `AVFrame` that is ours.

use std::ptr::NonNull;

use ffmpeg_sys_next as ffi;
use zerohop_frame::{Color, Extent, FormatPlane, Siting};

use super::expand::{expand, expanded};
use super::{AvError, check};

/// A frame with what it refers to. Dropping it gives that back.
pub(crate) struct Picture(NonNull<ffi::AVFrame>);

// SAFETY: a frame is used by one thread at a time, and what it refers to is counted atomically
// (libavutil/buffer.h).
unsafe impl Send for Picture {}

impl Picture {
    /// One that is empty.
    pub(crate) fn new() -> Result<Self, AvError> {
        // SAFETY: it takes nothing, and returns a frame of ours or null.
        let frame = unsafe { ffi::av_frame_alloc() };
        NonNull::new(frame).map(Self).ok_or(AvError::NO_MEMORY)
    }

    /// Its fields.
    pub(crate) fn raw(&self) -> &ffi::AVFrame {
        // SAFETY: the frame is ours, and FFmpeg initialized it.
        unsafe { self.0.as_ref() }
    }

    /// Its fields, to be changed.
    pub(crate) fn raw_mut(&mut self) -> &mut ffi::AVFrame {
        // SAFETY: as above, and `&mut self` says that nobody else looks.
        unsafe { self.0.as_mut() }
    }

    /// For C.
    pub(crate) fn as_ptr(&self) -> *mut ffi::AVFrame {
        self.0.as_ptr()
    }

    /// Whether the decoder made up a part of it: the file is damaged there, or a picture is missing that
    /// it was made from.
    pub(crate) fn is_damaged(&self) -> bool {
        let raw = self.raw();
        let corrupt = raw.flags & ffi::AV_FRAME_FLAG_CORRUPT != 0;
        corrupt || raw.decode_error_flags != 0
    }

    /// Another reference to the same pixels.
    pub(crate) fn again(&self) -> Result<Self, AvError> {
        let other = Self::new()?;
        // SAFETY: both are valid, and the other one is empty.
        check(unsafe { ffi::av_frame_ref(other.as_ptr(), self.as_ptr()) })?;
        Ok(other)
    }

    /// The address of its first buffer, which tells whose memory it is in.
    pub(crate) fn memory(&self) -> Option<usize> {
        let buffer = NonNull::new(self.raw().buf[0])?;
        // SAFETY: a reference that a frame holds is valid as long as the frame holds it.
        let buffer = unsafe { buffer.as_ref() };
        Some(buffer.data as usize)
    }

    /// What is to be seen of it: where that begins, across and down, and how large it is. FFmpeg cuts
    /// a device's pictures at the right and at the bottom only, and says where they begin
    /// (`av_frame_apply_cropping`).
    pub(crate) fn visible(&self) -> (Extent, Extent) {
        let raw = self.raw();
        let (width, height) = (raw.width.unsigned_abs(), raw.height.unsigned_abs());
        // FFmpeg refuses a stream that leaves nothing.
        let (left, top) = (raw.crop_left as u32, raw.crop_top as u32);
        let size = Extent { width: width - left.min(width), height: height - top.min(height) };
        (Extent { width: left, height: top }, size)
    }

    /// What its numbers mean as colour: FFmpeg has the code points of H.273 too.
    pub(crate) fn color(&self) -> Color {
        let raw = self.raw();
        let code = |number: i64| u8::try_from(number).unwrap_or(2);
        Color {
            primaries: code(raw.color_primaries as i64),
            transfer: code(raw.color_trc as i64),
            matrix: code(raw.colorspace as i64),
            full_range: raw.color_range == ffi::AVColorRange::AVCOL_RANGE_JPEG,
            // FFmpeg counts those of H.273 from 1.
            siting: Siting::ALL.get((raw.chroma_location as usize).wrapping_sub(1)).copied(),
        }
    }

    /// All rows of `planes`, without what pads them, of a picture in plain memory.
    pub(crate) fn rows(&self, planes: &[FormatPlane]) -> Option<Vec<u8>> {
        let raw = self.raw();
        let extent = Extent { width: raw.width.unsigned_abs(), height: raw.height.unsigned_abs() };
        let mut all = Vec::new();
        for (index, plane) in planes.iter().enumerate() {
            let (first, stride) = (NonNull::new(raw.data[index])?, raw.linesize[index] as isize);
            let row = usize::try_from(plane.row_bytes(extent)).ok()?;
            for y in 0..plane.extent(extent).height as isize {
                let start = first.as_ptr().cast_const().wrapping_offset(y * stride);
                // SAFETY: FFmpeg's planes have that many rows of at least that many bytes.
                all.extend_from_slice(unsafe { std::slice::from_raw_parts(start, row) });
            }
        }
        Some(all)
    }

    /// Copies the pixels and all that is said about them from `other`, of the same size and of the
    /// same format, or of one that is [`expanded`] to ours; from a device's memory too.
    pub(crate) fn copy_from(&mut self, other: &Self) -> Result<(), AvError> {
        let (to, from) = (self.as_ptr(), other.as_ptr());
        if expanded(other.raw().format).is_some() {
            expand(other, self).ok_or(AvError::INVALID)?;
        } else if other.raw().hw_frames_ctx.is_null() {
            // SAFETY: both frames are valid, and of one format and size: it checks that.
            check(unsafe { ffi::av_frame_copy(to, from) })?;
        } else {
            // SAFETY: both frames are valid; it checks whether it can copy between them.
            check(unsafe { ffi::av_hwframe_transfer_data(to, from, 0) })?;
        }
        // SAFETY: both frames are valid.
        check(unsafe { ffi::av_frame_copy_props(to, from) })?;
        // What a device's pictures begin with, which those of the CPU do not have any more.
        let exactly = ffi::AV_FRAME_CROP_UNALIGNED as i32;
        // SAFETY: as above.
        check(unsafe { ffi::av_frame_apply_cropping(to, exactly) }).map(drop)
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        let mut frame = self.as_ptr();
        // SAFETY: it is ours, and nobody uses it after this.
        unsafe { ffi::av_frame_free(&raw mut frame) };
    }
}
