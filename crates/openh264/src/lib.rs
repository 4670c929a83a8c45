//! OpenH264's encoder behind a safe door. It is built into the binary, with its assembly where the
//! build found `nasm`.
//!
//! The `openh264` crate has a safe encoder as well, but no way to the quantizer and to the loop
//! filter, and it lets OpenH264 talk on the standard error while it starts. What to ask for is
//! decided in `zerohop-encode`.
#![allow(unsafe_code, reason = "this crate is the door to OpenH264")]

mod encoder;
mod error;
mod level;
mod settings;

pub use encoder::{Coded, Encoder, Picture};
pub use error::Error;
pub use settings::{Complexity, Content, Rate, Settings};

/// Whether OpenH264 was built with its assembly (`nasm`). Without it it takes more than twice as
/// long.
pub const ASSEMBLY: bool = cfg!(openh264_asm);
