//! The ways by which a picture comes into CUDA, whatever memory it is in.
//!
//! | [`Way`] | of | what happens to each picture |
//! |---|---|---|
//! | `Opaque` | opaque memory | nothing: CUDA has the application's image as an array, or its rows |
//! | `Locked` | shared memory | nothing: CUDA reads it where it lies, across the bus |
//! | `Vulkan` | anything that Vulkan reads | the GPU copies it once, into memory that CUDA imports |
//! | `Gl` | dma-bufs of 8-bit RGB | the GPU draws it once, into a texture that CUDA takes |
//! | `Host` | anything that Vulkan reads | the CPU copies it |
//!
//! The order is that of preference. None is assumed to work: before the first picture of a kind
//! takes a way, a known pattern goes through it and is compared (`zerohop_frame::Proofs`). What
//! failed is latched, and [`Crossed::fallback`] says once what that costs.
//!
//! CUDA takes no dma-buf itself, on a desktop or a server, which is why there is more than one way.
#![forbid(unsafe_code)]

mod bridge;
mod copier;
mod crossed;
mod error;
mod host;
mod near;
mod ring;
mod sample;
mod textures;
mod way;

pub use bridge::Bridge;
pub use crossed::{Crossed, Source};
pub use error::Error;
pub use near::Near;
pub use way::Way;
