//! Where pictures end.
#![forbid(unsafe_code)]

mod encode_sink;
mod error;
mod mp4;
mod png;

pub use encode_sink::{Clock, EncodeSink, Timing};
pub use error::Error;
pub use mp4::Mp4;
pub use png::Png;
