//! CUDA's driver API, loaded at run time: no toolkit is needed to build, and a machine without
//! NVIDIA's driver says so in an [`Error`].
//!
//! ```text
//! Cuda::load ─► Device::open(uuid) ─► Stream ─► wait(semaphore) ─► copy ─► signal ─► submit ─► Done
//!                    │
//!                    └─► ImportCache: SharedBuffer ─► Picture (an array, or rows), once
//! ```
//!
//! [`Device`] is the door: the primary context of one GPU, chosen by the UUID that Vulkan knows it
//! by. Memory and semaphores come in as `OPAQUE_FD` ([`Memory`], [`Semaphore`]); pictures are
//! imported once ([`ImportCache`]) and stay where they are. A [`Stream`] keeps what its work uses
//! until that is done, so no handle is destroyed under a running copy. Nothing here waits for a
//! whole context.
//!
//! No kernel of ours runs here: passes over pictures are Vulkan's (`zerohop-passes`).
#![allow(unsafe_code, reason = "this crate is the door to CUDA")]

pub mod abi;
mod array;
mod buffer;
mod cache;
mod copy;
mod cuda;
mod device;
mod error;
mod event;
mod format;
mod gl;
mod locked;
mod memory;
mod part;
mod picture;
mod pinned;
mod pitched;
mod semaphore;
mod stacked;
mod stream;
mod symbols;
mod timelines;

pub use array::Array;
pub use buffer::Buffer;
pub use cache::{Cached, ImportCache};
pub use copy::{Place, Surface};
pub use cuda::{Cuda, Gpu, Uuid};
pub use device::Device;
pub use error::{Error, Fault};
pub use event::Done;
pub use gl::{GlImage, Mapped};
pub use locked::Locked;
pub use memory::Memory;
pub use part::Part;
pub use picture::{Picture, Rows};
pub use pinned::Pinned;
pub use pitched::{Pitched, Pool};
pub use semaphore::{Semaphore, SemaphoreKind};
pub use stacked::Stacked;
pub use stream::Stream;
pub use timelines::Timelines;
