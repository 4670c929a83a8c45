//! EGL, OpenGL ES and GBM, loaded at run time: how a dma-buf becomes a texture that CUDA takes.
//!
//! CUDA takes no dma-buf on a desktop or a server, and no texture that lies over one. What it takes
//! is a texture of OpenGL's own. So a dma-buf becomes an `EGLImage` and a texture over that, of
//! whichever target the driver allows (`external_only`), and is drawn into an RGBA8 texture whose
//! bytes are those of the picture: tiling undone, channels swapped where they must be.
//!
//! [`Context::open`] finds the driver that serves a Vulkan device; [`Context::current`] is where
//! calls are made; [`Blitter`] does the work, and keeps what was imported by buffer. [`Gbm`] is the
//! other way in that compositors take, and says whether memory of ours could be theirs.
#![allow(unsafe_code, reason = "this crate is the door to EGL, OpenGL ES and GBM")]

mod blit;
mod blitter;
mod context;
mod current;
mod display;
mod dma_buf;
mod error;
mod fence;
mod gbm;
mod gles;
mod image;
mod library;
mod platform;
mod program;
mod table;

pub use blitter::{Blitted, Blitter};
pub use context::{Context, Wanted};
pub use current::Current;
pub use display::Facts;
pub use dma_buf::{Importable, Target};
pub use error::Error;
pub use gbm::{Gbm, Mapped};
pub use image::Texture;
pub use platform::{Platform, platforms};
