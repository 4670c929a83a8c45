//! Where pictures end.
//!
//! | sink | takes |
//! |---|---|
//! | [`EncodeSink`] into [`Mp4`] | YU12; of NVENC what was drawn, and NV12 |
//! | [`Png`] | every RGB format, R8 |
//! | [`Checksum`] | every format whose planes are known |
//! | [`ScreenSink`] | what its screen shows |
//! | [`Null`] | anything |
//! | [`Every`] | what its sink takes |
//! | [`Tee`] | what all its sinks take |
//!
//! All but the screen read pictures in memfds, `LINEAR`, where they lie. Pictures get there elsewhere: those to
//! encode by conversion (`zerohop-passes`), the others by a copy that `zerohop-pipeline` reports.
//! Compressing is in `zerohop-encode`.
#![forbid(unsafe_code)]

mod checksum;
mod encode_sink;
mod error;
mod every;
mod md5;
mod mp4;
mod null;
mod pictures;
mod png;
mod screen;
mod tee;
mod worker;

pub use checksum::Checksum;
pub use encode_sink::{Clock, EncodeSink, Timing};
pub use error::Error;
pub use every::Every;
pub use mp4::Mp4;
pub use null::{Null, NullNv12};
pub use png::Png;
pub use screen::{ScreenSink, SharedScreen};
pub use tee::Tee;
