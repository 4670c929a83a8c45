//! Frames in, compressed packets out.
//!
//! ```text
//! Frame (YU12 in a memfd) ──► OpenH264::encode ──► Packet (H.264, Annex B) ──► a PacketSink
//!        mapped once per buffer, read where it lies
//! ```
//!
//! An [`Encoder`] reads a picture where it lies: no room before it and no line here copies
//! pixels. (OpenH264 keeps a padded copy of each picture as the reference for the next one; that
//! is part of encoding.) What becomes of the packets is not here: containers are in `sinks`.
#![forbid(unsafe_code)]

mod encoder;
mod error;
mod nal;
mod openh264;
mod planes;
mod settings;

pub use encoder::{Encoder, Packet, PacketSink};
pub use error::Error;
pub use nal::{Nal, nal_units};
pub use openh264::OpenH264;
pub use settings::{Options, Rate};
pub use zerohop_openh264::ASSEMBLY;
