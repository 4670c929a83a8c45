//! `VK_LAYER_ZEROHOP_modifiers`: a layer for tests that gives the driver below it modifiers as those of
//! desktop GPUs: with more planes in memory than the format has, and with images whose planes are bound
//! one by one (`VK_IMAGE_CREATE_DISJOINT_BIT`).
//!
//! Each format that the driver knows as `LINEAR` has up to three more, by [`modifier`]. Its planes lie in
//! rows, and behind them in the list come 0, 1 or 2 *control planes* for each, in the order in which Intel's
//! and AMD's drivers want what their compression needs (`drm_fourcc.h`, `I915_FORMAT_MOD_Y_TILED_GEN12_MC_CCS`,
//! `AMD_FMT_MOD_DCC_RETILE`). A control plane begins with its [`mark`].
//!
//! A driver for such a GPU would hang or read what is not its own if a plane were missing or another's. This
//! one looks: whoever makes an image with another number of planes, with a size in a layout, or binds
//! memory in which a mark is not where the layout says, gets an error that names it. So does whoever uses
//! memory that others have too without taking it from them (`owners.rs`).
//!
//! It also says that the driver is another than llvmpipe, since ours knows what that one confuses. Place
//! it next to the driver, below the validation layer. No product contains it.
#![allow(unsafe_code, reason = "this crate is the door to the Vulkan loader")]

mod buffer;
mod commands;
mod image;
mod memory;
mod owners;
mod physical;
mod recording;
mod shape;
mod state;

use std::io;
use std::path::Path;

use state::Device;
use zerohop_manifest::{Activation, MODIFIERS};

/// The layer's name, as in `VK_INSTANCE_LAYERS`.
pub const LAYER_NAME: &str = MODIFIERS.name;

/// The file name of the library.
pub const LIBRARY: &str = MODIFIERS.library;

/// The most control planes of a plane.
pub const MOST_CONTROLS: u64 = 2;

/// Modifiers of a vendor that does not exist.
const FIRST: u64 = 0x7f00_0000_0000_0100;

/// The modifier whose planes have `controls` control planes each, at most [`MOST_CONTROLS`].
pub fn modifier(controls: u64) -> u64 {
    FIRST + controls
}

/// How many control planes each plane has with `modifier`, if that is one of ours.
fn controls_of(modifier: u64) -> Option<u32> {
    let controls = modifier.checked_sub(FIRST).filter(|controls| *controls <= MOST_CONTROLS);
    controls.and_then(|controls| u32::try_from(controls).ok())
}

/// What the control plane begins with that is number `control`, from 0, of a plane that begins `offset`
/// bytes into its memory.
pub fn mark(control: usize, offset: u64) -> [u8; 16] {
    let mut mark = *b"control ........";
    mark[7] = b'0' + control as u8;
    mark[8..].copy_from_slice(&offset.to_le_bytes());
    mark
}

/// Writes the manifest of the explicit layer in `library` into `folder`.
///
/// # Errors
///
/// What the file system says.
pub fn install(library: &Path, folder: &Path) -> io::Result<()> {
    MODIFIERS.install(library, folder, Activation::Explicit)
}

// Under a name of its own: tests link several layers.
zerohop_layer::entry! { zerohop_modifiers_negotiate: Device }
