//! What the driver answers when it cannot.

use crate::abi::Status;

/// An answer other than `VA_STATUS_SUCCESS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[repr(i32)]
pub(crate) enum Error {
    #[error("the operation failed")]
    OperationFailed = 1,
    #[error("no memory")]
    AllocationFailed = 2,
    #[error("no such configuration")]
    InvalidConfig = 4,
    #[error("no such context")]
    InvalidContext = 5,
    #[error("no such surface")]
    InvalidSurface = 6,
    #[error("no such buffer, or one of another size")]
    InvalidBuffer = 7,
    #[error("no such image")]
    InvalidImage = 8,
    #[error("another profile")]
    UnsupportedProfile = 0xc,
    #[error("another entry point")]
    UnsupportedEntrypoint = 0xd,
    #[error("another render target format")]
    UnsupportedFormat = 0xe,
    #[error("a parameter that makes no sense")]
    InvalidParameter = 0x12,
    #[error("a resolution out of range")]
    Resolution = 0x13,
    #[error("not implemented")]
    Unimplemented = 0x14,
    #[error("another image format")]
    InvalidImageFormat = 0x16,
    #[error("the stream cannot be decoded")]
    Decoding = 0x17,
    #[error("another memory type")]
    MemoryType = 0x24,
}

impl Error {
    /// The number that libva knows it by.
    pub(crate) fn status(self) -> Status {
        self as Status
    }
}
