//! NVIDIA's video encoder behind a safe door: `libnvidia-encode.so.1`, loaded at run time.
//!
//! ```text
//! Session::open(device, stream) ─► codecs, formats, caps ─► Encoder::start(settings)
//!   register(surface) ─► Input, once per buffer
//!   encode(input, …, token) ─► (the stream) ─► a thread waits ─► poll() ─► Coded { data, token }
//! ```
//!
//! Nothing is copied on the way in: an [`Input`] is a CUDA array (the application's own image) or
//! rows of device memory. `encode` only queues: what the [`Stream`](zerohop_cuda::Stream) waits for
//! the encoder waits for too (`NvEncSetIOCudaStreams`). Linux has no completion events, so a thread
//! of the encoder's waits for each bitstream and copies it out; everything else is the caller's.
//!
//! The API is spoken in four versions ([`Version`]), negotiated downward from the newest.
#![allow(unsafe_code, reason = "this crate is the door to NVENC")]

mod bitstream;
mod caps;
mod codec;
mod config;
mod core;
mod encoder;
mod error;
mod input;
mod library;
mod retrieve;
mod session;
mod settings;
mod start;
mod status;
mod submit;
pub mod sys;
mod version;

pub use caps::Caps;
pub use codec::{Codec, Format};
pub use encoder::{Coded, Encoder, How};
pub use error::Error;
pub use input::Input;
pub use session::Session;
pub use settings::{Preset, Rate, Refresh, Settings, Tuning};
pub use status::Status;
pub use version::{Structure, Version};
