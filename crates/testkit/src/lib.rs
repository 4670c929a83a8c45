//! What tests of the other rooms stand on. Nothing here is shipped.
//!
//! - [`pattern`], [`Layout`], [`check`]: pictures that say which one they are, and what became of
//!   them on their way.
//! - [`app`]: an application that shows them.
//! - [`rig`]: an application's side of Vulkan, small enough to test with.
//! - [`host`]: the other end of the wire, well or badly behaved.
//! - [`fake_driver`], [`loader`]: what a layer stands on when there is nothing, and under whom.
//! - [`layers`]: layers between an application and its driver, in an order.
//! - [`vkms`], [`scanout`]: virtual cards, and the memory that a card shows.
//! - [`xcb`], [`xlib`], [`wayland`], [`Xvfb`], [`Weston`]: windows, and screens to show them on.
#![allow(unsafe_code, reason = "a test application calls Vulkan and xcb")]

pub mod app;
pub mod check;
pub mod fake_driver;
pub mod host;
pub mod layers;
mod layout;
pub mod loader;
pub mod pattern;
pub mod rig;
pub mod scanout;
pub mod vkms;
pub mod wayland;
mod weston;
pub mod xcb;
pub mod xlib;
mod xvfb;

use std::env;
use std::path::{Path, PathBuf};

pub use layout::Layout;
pub use pattern::Pixel;
pub use weston::Weston;
pub use xvfb::Xvfb;

/// Where the tests of a program write: `of_cargo` (`CARGO_TARGET_TMPDIR`), or a folder for temporary
/// files where the program was carried to a machine without Cargo's.
pub fn scratch(of_cargo: &str) -> PathBuf {
    let folder = Path::new(of_cargo);
    if folder.parent().is_some_and(Path::is_dir) {
        folder.to_owned()
    } else {
        env::temp_dir().join("zerohop-tests")
    }
}
