//! Where pictures come from, on the host's side.
//!
//! [`WireSource`] is the door for everything outside this process: the Vulkan layer, decoders,
//! screen casts. It listens on a socket, takes announced buffers and frames from any number of
//! producers (in the pipeline's thread while that waits, else in one of its own), follows the largest stream and hands its pictures to the
//! pipeline. [`Pattern`] draws its own, for tests and for a pipeline without a producer.
//!
//! A slow pipeline never slows a producer: pictures that cannot wait go home at once, unread, and
//! are counted. What is *not* here: importing memory, and any look at a pixel.
#![forbid(unsafe_code)]

mod act;
mod drawing;
mod duty;
mod election;
mod error;
mod home;
mod io;
mod line;
mod pattern;
mod peers;
mod promises;
mod report;
mod shared;
mod watch;
mod wire;

pub use error::Error;
pub use pattern::{Pattern, PatternConfig};
pub use report::{Refusal, Report, StreamReport};
pub use wire::{Control, Overflow, WireConfig, WireSource};
