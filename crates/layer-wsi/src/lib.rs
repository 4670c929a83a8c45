//! `VK_LAYER_ZEROHOP_wsi`: gives an application surfaces and swapchains of ours, on any driver,
//! and hands each picture that it presents to a host.
//!
//! ```text
//! loader ── negotiate ── commands (name → hook, if the application enabled it)
//!                            │
//!                            ▼
//!                          entry/      C in, references out; decides nothing
//!                            │
//!        instance/  device/  surface/  swapchain/     what is decided, in safe signatures
//!                                        │
//!                                      look/          whether a picture is the one before
//! ```
//!
//! The layer does nothing in a process that makes no swapchain, and starts no thread but for one whose
//! pictures the CPU must copy or stand still (`swapchain/copier.rs`). No handle of ours goes down to the
//! driver. `VkAllocationCallbacks` of the application are passed down unchanged and not used for our own
//! objects.
#![allow(unsafe_code, reason = "this crate is the door to the Vulkan loader")]

mod commands;
mod device;
mod display;
mod entry;
mod extensions;
mod instance;
mod layouts;
mod listing;
pub mod look;
mod negotiate;
mod newer;
mod surface;
mod swapchain;
mod trace;

pub use listing::zerohop_listing_negotiate;
pub use negotiate::vkNegotiateLoaderLayerInterfaceVersion;
