//! A `libnvidia-encode.so.1` without a chip, for tests: it checks how it is called, and encodes on the
//! CPU.
//!
//! The dynamic linker finds it: put it into a folder of `LD_LIBRARY_PATH` as `libnvidia-encode.so.1`.
//! It reads pictures as the real one does, through `libcuda.so.1`, on the stream that it is told, so
//! that the CUDA of `testkit-cuda` checks what it is given. H.264 is real, by OpenH264. HEVC and AV1
//! have real headers, and pictures that nobody can decode.
//!
//! What it does is told by one variable and said in another's file: [`Behaviour`], [`Journal`].
//!
//! [`Behaviour`]: behaviour::Behaviour
//! [`Journal`]: journal
#![allow(unsafe_code, reason = "a library is called by C, and calls it")]

mod behaviour;
mod bits;
mod check;
mod cuda;
mod entry;
mod headers;
mod journal;
mod parameters;
mod pixels;
mod questions;
mod session;
mod stream;
mod surfaces;
