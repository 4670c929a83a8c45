//! A picture that nobody draws and nobody waits for, for what measures the device.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    BoxError, Color, Damage, Frame, FrameDescriptor, FrameInfo, Modifier, PlaneLayout, Recycle,
    Release, SharedBuffer, SyncPoint,
};
use zerohop_vulkan::Image;

/// Nobody waits for the picture.
struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

/// What `image` holds, complete.
pub(crate) fn frame(image: &Image) -> Result<Frame, BoxError> {
    let descriptor = FrameDescriptor {
        extent: image.extent(),
        fourcc: image.format().fourcc(),
        modifier: Modifier::INVALID,
        planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]),
        color: Color::SRGB,
    };
    let buffer = SharedBuffer::new(descriptor, ArrayVec::from_iter([image.export()?]))?;
    let info = FrameInfo {
        sequence: 0,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Ok(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody)))
}
