//! Tries every path on this machine, and says why one does not work and what to do about it.
//!
//! A picture is made, handed over and compared, a fence is taken out, a picture is encoded, the
//! layer is loaded: little is taken on a driver's word, and what is says so. What needs policy
//! (where the layer is, how a display is started) comes in through [`Machine`].
//!
//! # The JSON object
//!
//! | key | meaning |
//! |---|---|
//! | `schema`, `version` | versions of these keys and of zerohop |
//! | `ready` | whether a recording works here: no required check failed, and one device works |
//! | `checks` | what was tried on the machine: see [`Check`] |
//! | `cards` | every card, its connectors and modes, and what was tried on it: see [`CardReport`] |
//! | `egl` | every place where EGL has a driver, and the dma-bufs that it imports: see [`EglReport`] |
//! | `devices` | every Vulkan device, with what was tried on it: see [`DeviceReport`] |
//! | `matrix` | with `--matrix`: every format in every kind of memory, read by everybody: see [`Matrix`] |
//! | `codecs` | with `--matrix`: every decoder and encoder, tried on a picture: see [`Check`] |
//!
//! New keys may come; what is there keeps its meaning within a `schema`.
#![forbid(unsafe_code)]

mod check;
mod cuda;
mod device;
mod egl;
mod encoder;
mod layer;
mod matrix;
mod nvenc;
mod report;
mod screens;

pub use check::{Check, Trouble};
pub use device::{DeviceReport, Wsi};
pub use egl::{EglFormat, EglReport};
pub use encoder::film;
pub use layer::LayerProbe;
pub use matrix::{Cell, Matrix};
pub use nvenc::nvenc;
pub use report::{Machine, Report, SCHEMA};
pub use screens::{CardReport, ConnectorReport};
