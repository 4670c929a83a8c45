//! Looks whether a picture is, to the last bit, the one that was looked at before it, on the
//! application's own queue.
//!
//! ```text
//! picture ── view ──► one workgroup for each block of 32x32 ──► its hash, in memory of the device
//!                                      │
//!                      another than the hash before? ──► a word that the CPU sees
//! ```
//!
//! The hash is NH (Black and others, "UMAC: Fast and Secure Message Authentication", 1999) over
//! halves of 16 bits with random keys, in four lanes: a block that changed goes unseen with a
//! probability of 2^-64, whatever the change. All that it takes is 32-bit arithmetic.
//!
//! *What counts as the same* are the codes of the pixels, alpha included where there is alpha, also
//! that of an opaque window. Where an image has no view of its words, its codes are what a fetch
//! makes of them: an integer is exactly itself again, and a half is compared by the bits of the
//! float that it is. So 0 and -0 differ, and a NaN, which no comparison of numbers would find equal
//! to itself, is the same as itself; drivers may take two NaNs of other bits for one.

pub mod cpu;
mod keys;
mod looker;
mod reading;
mod sight;
mod store;

pub use keys::Keys;
pub use looker::{Ground, Looker};
pub use reading::Reading;
pub use sight::Sight;

/// Pixels of a block's side.
pub const SIDE: u32 = 32;

/// The hash of a block: four lanes.
pub type Hash = [u32; 4];
