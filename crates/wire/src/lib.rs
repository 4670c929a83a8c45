//! What producers of frames (our Vulkan layer, decoders, third parties) and the host say to each
//! other, over a local socket. `PROTOCOL.md` beside this crate is the same for strangers.
//!
//! A [`Producer`] connects, opens streams, announces buffers once and sends frames; a [`Listener`]
//! gives the host a [`Peer`] for each. Both ends keep a [`Session`] of what was said, so each
//! message is checked twice: before it is sent and when it arrives. Neither end blocks, and
//! neither starts a thread.
//!
//! ```
//! use zerohop_kernel::Socket;
//! use zerohop_wire::{Peer, Producer, StreamId, ToHost, text};
//!
//! let (ours, theirs) = Socket::pair()?;
//! let mut producer = Producer::over(ours, "vkcube")?;
//! let peer = Peer::over(theirs)?;
//! producer.send(&ToHost::OpenStream { stream: StreamId(1), name: text("window"), clock: None })?;
//!
//! assert!(matches!(peer.poll()?, Some(ToHost::Hello { .. })));
//! assert!(matches!(peer.poll()?, Some(ToHost::OpenStream { .. })));
//! assert!(peer.poll()?.is_none());
//!
//! // A buffer that was not announced never leaves the producer.
//! let err = producer.send(&ToHost::Retire { buffer: zerohop_wire::WireBufferId(3) });
//! assert_eq!(err.unwrap_err().to_string(), "the message is invalid");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is *not* here: which stream is watched, how long a picture waits and what becomes of it
//! (`zerohop-sources`).
#![forbid(unsafe_code)]

mod bytes;
mod decode;
mod encode;
mod error;
mod kind;
mod limits;
mod listener;
mod memory;
mod message;
mod peer;
mod points;
mod producer;
mod session;
mod shape;
mod stream;
mod timelines;
mod violation;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use encode::Packet;
pub use error::Error;
pub use limits::Rate;
pub use listener::Listener;
pub use message::{
    Copies, FrameMessage, HostDisplay, KeptMessage, MAX_POINTS, MAX_TEXT, Point, SharedTimeline,
    StreamId, Text, ToHost, ToProducer, WireBufferId, WireTimelineId, text,
};
pub use peer::Peer;
pub use producer::Producer;
pub use session::Session;
pub use shape::linear_bytes;
pub use violation::Violation;

/// The version of the protocol that this crate speaks.
pub const VERSION: u32 = 2;

/// Names the socket to the layer and to other producers.
pub const SOCKET_VARIABLE: &str = "ZEROHOP_SOCKET";

/// Where the host of stream `number` of a producer with several listens: the first, 0, at `first`, which
/// [`SOCKET_VARIABLE`] names, and the others beside it.
pub fn socket_of(first: &Path, number: usize) -> PathBuf {
    let mut socket = first.as_os_str().to_owned();
    if number > 0 {
        socket.push(format!(".{number}"));
    }
    socket.into()
}

/// No message is longer, in bytes.
pub const MAX_MESSAGE: usize = 1024;

/// The longest side of a picture, in pixels.
pub const MAX_SIDE: u32 = 16384;

/// The fastest display, in refreshes per 1000 seconds.
pub const MAX_REFRESH: u32 = 1_000_000;

/// The most streams that a producer has open at a time.
pub const MAX_STREAMS: usize = 64;

/// The most buffers of a stream that are announced at a time, with the retired ones that are out.
pub const MAX_BUFFERS: usize = 64;

/// The most memory objects that a producer's buffers have at a time.
pub const MAX_OBJECTS: usize = 256;

/// The most devices whose timelines a host takes.
pub const MAX_DEVICES: usize = 4;

/// The most timelines that each side has announced at a time.
pub const MAX_TIMELINES: usize = 16;

/// How far a point may be beyond the farthest that was named of its timeline before: drivers limit how
/// far a value may be from the one that they are at, and whoever waits in vain must be able to signal it
/// (`maxTimelineSemaphoreValueDifference`, which is 2^31 - 1 at least).
pub const MAX_STEP: u64 = 1 << 30;

/// The farthest ahead of now that a picture may be shown.
pub const MAX_AHEAD: Duration = Duration::from_secs(60);

/// How long a producer may take from connecting to `Hello`.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(2);
