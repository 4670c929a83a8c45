//! What FFmpeg says when it fails.

use std::ffi::CStr;
use std::fmt;

use ffmpeg_sys_next as ffi;

/// A negative number that a function of FFmpeg returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AvError(pub(crate) i32);

impl AvError {
    /// There is nothing more.
    pub(crate) const END: Self = Self(ffi::AVERROR_EOF);
    /// It takes something else first.
    pub(crate) const AGAIN: Self = Self(ffi::AVERROR(ffi::EAGAIN));
    /// What was read makes no sense.
    pub(crate) const INVALID: Self = Self(ffi::AVERROR_INVALIDDATA);
    /// What was asked for is not there.
    pub(crate) const UNSUPPORTED: Self = Self(ffi::AVERROR(ffi::ENOSYS));
    /// There is no stream of that kind.
    pub(crate) const NO_STREAM: Self = Self(ffi::AVERROR_STREAM_NOT_FOUND);
    /// Memory, or a slot, is missing.
    pub(crate) const NO_MEMORY: Self = Self(ffi::AVERROR(ffi::ENOMEM));
}

/// What `code` means: a number that is not negative, or an error.
pub(crate) fn check(code: i32) -> Result<i32, AvError> {
    if code < 0 { Err(AvError(code)) } else { Ok(code) }
}

impl fmt::Display for AvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 128];
        // SAFETY: it writes at most the 128 bytes that are there, with a zero at the end.
        unsafe { ffi::av_strerror(self.0, text.as_mut_ptr().cast(), text.len()) };
        let text = CStr::from_bytes_until_nul(&text).unwrap_or_default();
        f.write_str(&text.to_string_lossy())
    }
}

impl std::error::Error for AvError {}
