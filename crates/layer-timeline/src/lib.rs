//! `VK_LAYER_ZEROHOP_timeline`: a layer for tests that lets the timeline semaphores of the driver
//! below it be shared as `OPAQUE_FD`, as NVIDIA's are, where the driver has timeline semaphores but
//! cannot share them (llvmpipe).
//!
//! The descriptor is a memfd with a number in it ([`Counter`] says how it lies there). On each side two
//! threads keep the driver's own semaphore and that number at the same value, so that what is
//! submitted waits and signals in the driver, as ever. A value arrives a little later than it would on
//! one device, and never earlier.
//!
//! It offers `VK_KHR_external_semaphore_fd` with that type of handle for timelines alone, besides what
//! the driver has. Place it next to the driver, below the validation layer. No product contains it.
#![allow(unsafe_code, reason = "this crate is the door to the Vulkan loader")]

mod commands;
mod counter;
mod device;
mod mirror;
mod state;

use std::io;
use std::path::Path;

use state::Device;
use zerohop_manifest::{Activation, TIMELINE};

pub use counter::Counter;

/// The layer's name, as in `VK_INSTANCE_LAYERS`.
pub const LAYER_NAME: &str = TIMELINE.name;

/// With `1` the device says that it is an integrated GPU, so that what is done on a CPU device on the CPU,
/// with plain memory, is done on the device: host and application wait for each other there.
pub const DISGUISE: &str = "ZEROHOP_TIMELINE_GPU";

/// How many milliseconds later than the device everybody else sees a value: for who has to wait for one.
pub const DELAY: &str = "ZEROHOP_TIMELINE_DELAY_MS";

/// The file name of the library.
pub const LIBRARY: &str = TIMELINE.library;

/// Writes the manifest of the explicit layer in `library` into `folder`.
///
/// # Errors
///
/// What the file system says.
pub fn install(library: &Path, folder: &Path) -> io::Result<()> {
    TIMELINE.install(library, folder, Activation::Explicit)
}

// Under a name of its own: tests link several layers.
zerohop_layer::entry! { zerohop_timeline_negotiate: Device }
