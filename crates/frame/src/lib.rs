//! The words of the house: what a frame is, where its memory lives and when it may be read.
//!
//! A [`SharedBuffer`] is memory that stays; a [`Frame`] is one picture in it, which passes.
//! Nothing here touches a device.
//!
//! # Handover state
//!
//! Between rooms and processes every image is in layout `VK_IMAGE_LAYOUT_GENERAL`, and owned by
//! `VK_QUEUE_FAMILY_FOREIGN_EXT` when its memory is a dma-buf, by `VK_QUEUE_FAMILY_EXTERNAL` when
//! it is opaque. Whoever touches an image acquires it from there and gives it back there. Host
//! memory ([`MemoryHandle::Shm`]) has no layout and no owner; its sync points are all it needs.
//!
//! # Synchronization
//!
//! Inside there is explicit synchronization only. A source that takes in a dma-buf turns its
//! implicit fences into a [`SyncPoint`] at the door (`zerohop_kernel::export_sync_file`).
#![forbid(unsafe_code)]

mod buffer;
mod causes;
mod color;
mod descriptor;
mod direct;
mod format;
mod frame;
mod media;
mod observe;
mod passing;
mod proof;
mod rect;
mod sink;
mod source;
mod sync;
mod timeline;
mod waits;

pub use buffer::{BufferId, DeviceId, MAX_VIEW_FORMATS, MemoryHandle, OpaqueImage, SharedBuffer};
pub use causes::with_causes;
pub use color::{Color, Siting};
pub use descriptor::{
    DescriptorError, Extent, Fourcc, FrameDescriptor, MAX_PLANES, Modifier, PlaneLayout,
};
pub use direct::Direct;
pub use format::{FormatPlane, YCbCr};
pub use frame::{Frame, FrameInfo, Recycle, Release};
pub use media::{MediaClock, MediaTime, Ratio};
pub use observe::{Fallback, Observer, Stage};
pub use proof::{Claim, Different, Proofs, Verdict, pattern, same};
pub use rect::{Damage, MAX_RECTS, Rect};
pub use sink::FrameSink;
pub use source::{BoxError, Kept, Source, SourceEvent};
pub use sync::SyncPoint;
pub use timeline::{Clock, Timeline, TimelineId, Writer};
pub use waits::{waiting, watch_waits};
