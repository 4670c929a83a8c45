//! Where pictures end.
//!
//! | sink | takes |
//! |---|---|
//! | [`EncodeSink`] into [`Mp4`] | YU12 |
//! | [`Png`] | every RGB format |
//! | [`Checksum`] | every RGB format, YU12, NV12 |
//! | [`ScreenSink`] | what its screen shows |
//! | [`Null`] | anything |
//! | [`Tee`] | what all its sinks take |
//!
//! All but the screen read pictures in memfds, `LINEAR`, where they lie. Pictures get there elsewhere: those to
//! encode by conversion (`zerohop-passes`), the others by a copy that `zerohop-pipeline` reports.
//! Compressing is in `zerohop-encode`.
#![forbid(unsafe_code)]

mod checksum;
mod encode_sink;
mod error;
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
pub use mp4::Mp4;
pub use null::Null;
pub use png::Png;
pub use screen::{ScreenSink, SharedScreen};
pub use tee::Tee;
