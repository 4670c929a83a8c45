//! Frames in, compressed packets out.
//!
//! ```text
//! Frame (YU12 in a memfd) ──► OpenH264::encode ──► Packet (H.264, Annex B) ──► a PacketSink
//!        mapped once per buffer, read where it lies
//! Frame (the application's image) ──► Nvenc::encode ──► Packet (H.264, HEVC, AV1)
//!        imported and registered once per buffer, read where it was drawn
//! ```
//!
//! An [`Encoder`] reads a picture where it lies: no room before it and no line here copies
//! pixels. (OpenH264 keeps a padded copy of each picture as the reference for the next one; that
//! is part of encoding. [`Nvenc`] has pictures that it cannot read where they were drawn copied once
//! to the GPU, and says so.) [`open`] takes the best there is. What becomes of the packets is not
//! here: containers are in `sinks`.
#![forbid(unsafe_code)]

mod bits;
mod choice;
mod chroma;
mod encoder;
mod error;
mod nal;
mod nvenc;
mod openh264;
mod planes;
mod settings;

pub use bits::{Bits, unescape};
pub use choice::{Choice, open};
pub use encoder::{Encoder, Notify, Packet, PacketSink};
pub use error::Error;
pub use nal::{Nal, nal_units};
pub use nvenc::Nvenc;
pub use openh264::OpenH264;
pub use settings::{Options, Rate};
pub use zerohop_cuda::Uuid;
pub use zerohop_nvenc::{Codec, Preset, Refresh, Tuning};
pub use zerohop_openh264::ASSEMBLY;
