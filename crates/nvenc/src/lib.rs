//! NVENC.
#![allow(unsafe_code, reason = "this crate is the door to NVENC")]

pub mod sys;
mod version;

pub use version::{Structure, Version};
