//! A driver of libva that decodes on the CPU, for tests of what reads a decoder's surfaces.
//!
//! libva itself loads it, where `LIBVA_DRIVERS_PATH` names the folder of `libzerohop_drv_video.so`
//! and `LIBVA_DRIVER_NAME` is `libzerohop`. Surfaces lie in dma-bufs of `/dev/udmabuf`, or in
//! memfds where there is none, and leave as DRM PRIME in every shape that `shape` has words for.
//! A display of X is as good as one of a DRM node: libva asks the driver for nothing of either.
//!
//! Deliberately absent: picture order count type 1 (libva does not tell its offsets), HEVC and AV1 (slices
//! refer to parameter sets that libva does not tell), all that encodes, and speed.
#![allow(unsafe_code, reason = "a driver is called by C, and calls it")]

mod abi;
mod bits;
mod driver;
mod entry;
mod error;
#[cfg(feature = "ffmpeg")]
mod ffmpeg;
mod format;
mod h264;
mod h264_sets;
mod jpeg;
mod shape;
mod surface;
