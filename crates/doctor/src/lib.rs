//! Tries every path on this machine, and says why one does not work and what to do about it.
//!
//! Nothing is taken on a driver's word: a picture is made, handed over and compared, a fence is
//! taken out, a picture is encoded, the layer is loaded. What needs policy (where the layer is,
//! how a display is started) comes in through [`Machine`].
#![forbid(unsafe_code)]

mod check;
mod device;
mod encoder;
mod layer;
mod report;

pub use check::{Check, Trouble};
pub use device::DeviceReport;
pub use layer::LayerProbe;
pub use report::{Machine, Report, SCHEMA};
