//! Pictures that a sink reads where they were drawn.

use std::sync::{Arc, OnceLock};

use crate::{Extent, Fourcc, MemoryHandle, SharedBuffer};

/// What a sink says of the pictures that it reads in the memory of a device: those that it reads in the
/// very memory that their maker drew them in, opaque, in its formats and sizes, and those that a stage
/// before it may convert to there. Shared with the stages before it, which hand the first on unconverted.
///
/// The device is the sink's own, or any of those that it may settle on with its first picture.
#[derive(Debug)]
pub struct Direct {
    devices: Vec<[u8; 16]>,
    settled: OnceLock<[u8; 16]>,
    formats: Vec<Fourcc>,
    rows: Vec<Fourcc>,
    least: Extent,
    most: Extent,
    refused: OnceLock<String>,
    refused_rows: OnceLock<String>,
}

impl Direct {
    /// Pictures of `formats`, with even sides from those of `least` to those of `most`, in memory of
    /// one of the devices that Vulkan calls `devices`; and in rows of such memory, converted, `rows`.
    pub fn new(
        devices: Vec<[u8; 16]>,
        formats: Vec<Fourcc>,
        rows: Vec<Fourcc>,
        (least, most): (Extent, Extent),
    ) -> Arc<Self> {
        let (settled, refused, refused_rows) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Arc::new(Self { devices, settled, formats, rows, least, most, refused, refused_rows })
    }

    /// The sink stays with this device. The first one counts.
    pub fn settle(&self, device_uuid: [u8; 16]) {
        let _ = self.settled.set(device_uuid);
    }

    /// Whether the sink reads memory of this device, or may settle on it.
    pub fn is_on(&self, device_uuid: &[u8; 16]) -> bool {
        match self.settled.get() {
            Some(settled) => settled == device_uuid,
            None => self.devices.contains(device_uuid),
        }
    }

    /// Whether the sink reads the pictures in `buffer`.
    pub fn takes(&self, buffer: &SharedBuffer) -> bool {
        let shape = buffer.descriptor();
        let fits = |side: u32, least: u32, most: u32| {
            side.is_multiple_of(2) && (least..=most).contains(&side)
        };
        let Extent { width, height } = shape.extent;
        let ours = |handle: &MemoryHandle| matches!(handle, MemoryHandle::OpaqueFd { device, .. } if self.is_on(&device.device_uuid));
        self.refused.get().is_none()
            && self.formats.contains(&shape.fourcc)
            && fits(width, self.least.width, self.most.width)
            && fits(height, self.least.height, self.most.height)
            && matches!(buffer.memory(), [handle] if ours(handle))
    }

    /// Whether the sink reads pictures of `fourcc` in rows of memory of that device.
    pub fn takes_rows(&self, device_uuid: &[u8; 16], fourcc: Fourcc) -> bool {
        let refused = self.refused_rows.get().is_some();
        !refused && self.is_on(device_uuid) && self.rows.contains(&fourcc)
    }

    /// Reads no rows any more, because of `why`. The first reason stays.
    pub fn refuse_rows(&self, why: String) {
        let _ = self.refused_rows.set(why);
    }

    /// Why it reads no rows any more, if that is so.
    pub fn refused_rows(&self) -> Option<&str> {
        self.refused_rows.get().map(String::as_str)
    }

    /// Reads none where it was drawn any more, because of `why`. The first reason stays.
    pub fn refuse(&self, why: String) {
        let _ = self.refused.set(why);
    }

    /// Why it reads none where it was drawn any more, if that is so.
    pub fn refused(&self) -> Option<&str> {
        self.refused.get().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;

    use super::*;
    use crate::{Color, DeviceId, FrameDescriptor, Modifier, OpaqueImage, PlaneLayout};

    fn buffer(fourcc: Fourcc, (width, height): (u32, u32), uuid: u8) -> Arc<SharedBuffer> {
        let memory = MemoryHandle::OpaqueFd {
            fd: std::fs::File::open("/dev/null").unwrap().into(),
            device: DeviceId { device_uuid: [uuid; 16], driver_uuid: [0; 16] },
            size: 1,
            memory_type: 0,
            image: OpaqueImage::default(),
        };
        let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]);
        let extent = Extent { width, height };
        let (modifier, color) = (Modifier::INVALID, Color::SRGB);
        let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
        SharedBuffer::new(descriptor, ArrayVec::from_iter([memory])).unwrap()
    }

    #[test]
    fn only_what_the_sink_can_read_is_handed_on_and_nothing_once_it_refused() {
        let sizes = (Extent { width: 64, height: 32 }, Extent { width: 640, height: 480 });
        let direct =
            Direct::new(vec![[7; 16], [9; 16]], vec![Fourcc::XRGB8888], vec![Fourcc::NV12], sizes);
        let xrgb = Fourcc::XRGB8888;
        assert!(direct.takes(&buffer(xrgb, (64, 480), 7)));
        for (fourcc, size, uuid) in [
            (Fourcc::RGB565, (64, 480), 7),
            (xrgb, (65, 480), 7),
            (xrgb, (62, 480), 7),
            (xrgb, (64, 482), 7),
            (xrgb, (64, 480), 8),
        ] {
            assert!(!direct.takes(&buffer(fourcc, size, uuid)), "{fourcc} {size:?} {uuid}");
        }
        assert!(direct.takes(&buffer(xrgb, (64, 480), 9)), "it may settle there");
        direct.settle([7; 16]);
        direct.settle([9; 16]);
        assert!(direct.takes(&buffer(xrgb, (64, 480), 7)));
        assert!(!direct.takes(&buffer(xrgb, (64, 480), 9)), "it has settled");
        assert!(direct.takes_rows(&[7; 16], Fourcc::NV12));
        assert!(!direct.takes_rows(&[9; 16], Fourcc::NV12));
        assert!(!direct.takes_rows(&[7; 16], Fourcc::P010));
        direct.refuse_rows("no pointers".into());
        assert!(!direct.takes_rows(&[7; 16], Fourcc::NV12));
        assert_eq!(direct.refused_rows(), Some("no pointers"));
        direct.refuse("no arrays".into());
        direct.refuse("again".into());
        assert_eq!(direct.refused(), Some("no arrays"));
        assert!(!direct.takes(&buffer(xrgb, (64, 480), 7)));
    }
}
