//! What producers of frames (our Vulkan layer, decoders, third parties) and the host say to each
//! other, over a local socket. `PROTOCOL.md` beside this crate is the same for strangers.
#![forbid(unsafe_code)]

mod message;

pub use message::{
    FrameMessage, MAX_POINTS, MAX_TEXT, StreamId, Text, ToHost, ToProducer, WireBufferId,
};

/// The version of the protocol that this crate speaks.
pub const VERSION: u32 = 1;
