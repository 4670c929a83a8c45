//! `VK_LAYER_ZEROHOP_dmabuf`: gives an application memory that leaves as a dma-buf and images with
//! the modifier `LINEAR`, on drivers that have neither.
//!
//! ```text
//! loader ── negotiate ── commands (name → hook, where the device is one that we help)
//!                            │
//!                            ▼
//!                          entry/      C in, references out; decides nothing
//!                            │
//!        instance/  device/  memory/  image/  sync/     what is decided, in safe signatures
//! ```
//!
//! Memory that may leave is a memfd that the driver imports as host memory; an image with a modifier
//! is a `LINEAR` one. No structure, handle type or tiling of an extension of ours goes down to the
//! driver. Handles are the driver's own. There is no thread, and a device whose driver can do it all
//! is left alone.
#![allow(unsafe_code, reason = "this crate is the door to the Vulkan loader")]

mod buffer;
mod commands;
mod device;
mod entry;
mod foreign;
mod image;
mod instance;
mod memory;
mod negotiate;
mod sync;

pub use negotiate::vkNegotiateLoaderLayerInterfaceVersion;
