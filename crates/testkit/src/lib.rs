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

pub use layout::Layout;
pub use pattern::Pixel;
pub use weston::Weston;
pub use xvfb::Xvfb;
