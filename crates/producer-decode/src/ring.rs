//! Memory near the device that decodes, which the device copies pictures to: rows that a host reads
//! where they lie, on the same device.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context as _, Result};
use arrayvec::ArrayVec;
use zerohop_frame::{Extent, Fourcc, FrameDescriptor, MAX_PLANES, MemoryHandle, PlaneLayout};
use zerohop_vulkan::{Buffer, Device, DeviceChoice, Instance, InstanceOptions};

use crate::pool::SurfaceId;

/// Where rows and planes begin: a multiple of it, in bytes, which suits every GPU's copies and loads.
const ALIGNMENT: u64 = 256;

/// The device that was opened last, for all films on it: opening one takes long, and all the longer the
/// more are opened at once. It is locked meanwhile: whoever calls [`Ring::on`] is watched.
static OPEN: Mutex<Weak<Device>> = Mutex::new(Weak::new());

/// Memory of one picture.
pub(crate) struct Slot<T> {
    pub(crate) id: SurfaceId,
    /// Where the planes lie.
    pub(crate) planes: ArrayVec<PlaneLayout, MAX_PLANES>,
    /// The same memory, as the library knows it that copies.
    pub(crate) target: T,
    buffer: Buffer,
}

impl<T> Slot<T> {
    /// A handle for the host.
    pub(crate) fn memory(&self) -> Result<MemoryHandle> {
        self.buffer.export().context("export the device's memory")
    }
}

/// Memory for pictures of one shape at a time. What nobody holds any more is used again.
pub(crate) struct Ring<T> {
    device: Arc<Device>,
    shape: Option<(Extent, Fourcc)>,
    slots: Vec<Arc<Slot<T>>>,
    gone: Vec<SurfaceId>,
}

impl<T> Ring<T> {
    /// On the device with the name `uuid` (`VkPhysicalDeviceIDProperties::deviceUUID`).
    pub(crate) fn on(uuid: [u8; 16]) -> Result<Self> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.upgrade().filter(|device| device.id().device_uuid == uuid);
        let device = known.map_or_else(|| open_device(uuid), Ok)?;
        *open = Arc::downgrade(&device);
        Ok(Self { device, shape: None, slots: Vec::new(), gone: Vec::new() })
    }

    /// Memory for a picture, which nobody else has. New memory is made known to the library that
    /// copies by `adopt`.
    pub(crate) fn take(
        &mut self,
        extent: Extent,
        fourcc: Fourcc,
        adopt: impl FnOnce(&MemoryHandle) -> Result<T>,
    ) -> Result<Arc<Slot<T>>> {
        if self.shape != Some((extent, fourcc)) {
            self.gone.extend(self.slots.drain(..).map(|slot| slot.id));
            self.shape = Some((extent, fourcc));
        }
        if let Some(free) = self.slots.iter().find(|slot| Arc::strong_count(slot) == 1) {
            return Ok(Arc::clone(free));
        }
        let (planes, size) = lay_out(extent, fourcc).context("planes that are not known")?;
        let buffer = Buffer::exportable(&self.device, size).context("memory that can leave")?;
        let target = adopt(&buffer.export()?)?;
        let slot = Arc::new(Slot { id: SurfaceId::next(), planes, target, buffer });
        self.slots.push(Arc::clone(&slot));
        Ok(slot)
    }

    /// Memory that nobody will see again.
    pub(crate) fn take_gone(&mut self) -> Vec<SurfaceId> {
        std::mem::take(&mut self.gone)
    }
}

fn open_device(uuid: [u8; 16]) -> Result<Arc<Device>> {
    let instance = Instance::new(InstanceOptions::default()).context("load Vulkan")?;
    let physical = DeviceChoice::Uuid(uuid).pick(&instance)?;
    Device::open(&physical).context("open the device that decodes")
}

/// Where the planes of a picture lie, and how many bytes they need.
fn lay_out(extent: Extent, fourcc: Fourcc) -> Option<(ArrayVec<PlaneLayout, MAX_PLANES>, u64)> {
    let mut end = 0;
    let mut planes = ArrayVec::new();
    for plane in fourcc.planes()? {
        // So that a row is a whole number of samples of 3, 6 and 12 bytes too.
        let unit = ALIGNMENT * u64::from(plane.bytes);
        let unit = if ALIGNMENT.is_multiple_of(plane.bytes.into()) { ALIGNMENT } else { unit };
        let stride = plane.row_bytes(extent).next_multiple_of(unit);
        let (offset, rows) = (u32::try_from(end).ok()?, plane.extent(extent).height);
        planes.push(PlaneLayout { object: 0, offset, stride: u32::try_from(stride).ok()? });
        end = (end + stride * u64::from(rows)).next_multiple_of(unit * 3);
    }
    Some((planes, end))
}

/// What a picture in there looks like.
pub(crate) fn descriptor(
    (extent, fourcc): (Extent, Fourcc),
    planes: &ArrayVec<PlaneLayout, MAX_PLANES>,
    color: zerohop_frame::Color,
) -> FrameDescriptor {
    let modifier = zerohop_frame::Modifier::LINEAR;
    FrameDescriptor { extent, fourcc, modifier, planes: planes.clone(), color }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn planes_begin_where_copies_may_and_hold_whole_samples() {
        for name in [b"NV12", b"P010", b"YU12", b"BG24", b"BG48", b"XR24", b"NV24"] {
            let fourcc = Fourcc(u32::from_le_bytes(*name));
            let extent = Extent { width: 146, height: 51 };
            let (planes, size) = lay_out(extent, fourcc).unwrap();
            let shape = descriptor((extent, fourcc), &planes, zerohop_frame::Color::BT709);
            shape.check_rows().unwrap();
            shape.check_end(0, size).unwrap();
            let formats = fourcc.planes().unwrap();
            for (plane, at) in formats.iter().zip(&planes) {
                assert_eq!((at.stride % plane.bytes, at.offset % plane.bytes), (0, 0), "{fourcc}");
                assert_eq!((at.stride % 256, at.offset % 256), (0, 0), "{fourcc}");
            }
        }
    }
}
