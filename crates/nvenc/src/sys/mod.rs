//! `nvEncodeAPI.h` in Rust: what we use of it, under its own names.
//!
//! One layout serves every version of the API that we speak: the fields that we use lie at the same
//! offsets in all of them, and each structure is as long as its longest version, so that a library
//! of any version reads and writes memory that is there. What differs is the version word
//! ([`Version::word`](crate::Version::word)) and a few bits, which say so.
//!
//! `tests/header.rs` compares all of it with the C header of the machine.
#![allow(
    non_camel_case_types,
    non_snake_case,
    missing_docs,
    reason = "names, and what they mean, are those of nvEncodeAPI.h"
)]

mod config;
mod guid;
mod number;
mod params;
mod table;

pub use config::*;
pub use guid::*;
pub use number::*;
pub use params::*;
pub use table::*;

/// A value whose bytes are all zero, which the header asks of what it reserves.
macro_rules! zeroed {
    ($($name:ty),* $(,)?) => { $(
        impl Default for $name {
            fn default() -> Self {
                // SAFETY: numbers, arrays of numbers, and pointers, for all of which zero is a value.
                unsafe { std::mem::zeroed() }
            }
        }
    )* };
}
pub(crate) use zeroed;
