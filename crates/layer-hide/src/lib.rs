//! `VK_LAYER_ZEROHOP_hide`: a layer for tests that makes the driver below it a lesser one, so that
//! what we do without an extension is tested on drivers that have it.
//!
//! `ZEROHOP_HIDE` says what is hidden, separated by commas:
//!
//! | word | the driver |
//! |---|---|
//! | `VK_KHR_swapchain` | lacks this device extension, and refuses to enable it; likewise for every other |
//! | `1.1` | knows no newer Vulkan |
//! | `present` | can present from no queue to any window |
//! | `cpu` | does not say that its devices are CPUs: then images are tiled as the driver likes |
//! | `lost=100` | loses each device after that many submissions |
//! | `memory=100` | gives each device memory that many times, and then has none, whatever was freed |
//!
//! It goes between the layer that is tested and the validation layer. No product contains it.
#![allow(unsafe_code, reason = "this crate is the door to the Vulkan loader")]

mod commands;
mod hidden;
mod lost;
mod memory;
mod state;

use std::ffi::CStr;
use std::io;
use std::path::Path;

use ash::vk;
use zerohop_manifest::{Activation, HIDE};

use state::Device;

/// The layer's name, as in `VK_INSTANCE_LAYERS`.
pub const LAYER_NAME: &str = HIDE.name;

/// The environment variable that says what is hidden.
pub const VARIABLE: &str = "ZEROHOP_HIDE";

/// Writes the manifest of the explicit layer in `library` into `folder`.
///
/// # Errors
///
/// What the file system says.
pub fn install(library: &Path, folder: &Path) -> io::Result<()> {
    HIDE.install(library, folder, Activation::Explicit)
}

/// The file name of the library.
pub const LIBRARY: &str = HIDE.library;

// Under a name of its own: tests link several layers.
zerohop_layer::entry! { zerohop_hide_negotiate: Device }

/// The name in an entry; empty when the driver did not end it.
fn name(entry: &vk::ExtensionProperties) -> &CStr {
    entry.extension_name_as_c_str().unwrap_or_default()
}
