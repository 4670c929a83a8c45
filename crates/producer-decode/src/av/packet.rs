//! An `AVPacket` that is ours.

use std::ptr::NonNull;

use ffmpeg_sys_next as ffi;

use super::AvError;

/// A piece of a stream, as it comes out of a file.
pub(crate) struct Packet(NonNull<ffi::AVPacket>);

impl Packet {
    /// One that is empty.
    pub(crate) fn new() -> Result<Self, AvError> {
        // SAFETY: it takes nothing, and returns a packet of ours or null.
        let packet = unsafe { ffi::av_packet_alloc() };
        NonNull::new(packet).map(Self).ok_or(AvError::NO_MEMORY)
    }

    /// Which of the file's streams it belongs to.
    pub(crate) fn stream(&self) -> i32 {
        // SAFETY: the packet is ours, and FFmpeg initialized it.
        unsafe { self.0.as_ref() }.stream_index
    }

    /// Lets go of what is in it.
    pub(crate) fn clear(&mut self) {
        // SAFETY: as above.
        unsafe { ffi::av_packet_unref(self.as_ptr()) };
    }

    /// For C.
    pub(crate) fn as_ptr(&self) -> *mut ffi::AVPacket {
        self.0.as_ptr()
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut packet = self.as_ptr();
        // SAFETY: it is ours, and nobody uses it after this.
        unsafe { ffi::av_packet_free(&raw mut packet) };
    }
}
