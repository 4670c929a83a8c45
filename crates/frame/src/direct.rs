//! Pictures that a sink reads where they were drawn.

use std::sync::{Arc, OnceLock};

use crate::{Extent, Fourcc, MemoryHandle, SharedBuffer};

/// What a sink says of the pictures that it reads in the very memory that their maker drew them in:
/// opaque memory of its own device, in its formats and sizes. Shared with the stages before it, which
/// hand these on unconverted.
#[derive(Debug)]
pub struct Direct {
    device_uuid: [u8; 16],
    formats: Vec<Fourcc>,
    least: Extent,
    most: Extent,
    refused: OnceLock<String>,
}

impl Direct {
    /// Pictures of `formats`, with even sides from those of `least` to those of `most`, in memory of
    /// the device that Vulkan calls `device_uuid`.
    pub fn new(
        device_uuid: [u8; 16],
        formats: Vec<Fourcc>,
        (least, most): (Extent, Extent),
    ) -> Arc<Self> {
        Arc::new(Self { device_uuid, formats, least, most, refused: OnceLock::new() })
    }

    /// Whether the sink reads the pictures in `buffer`.
    pub fn takes(&self, buffer: &SharedBuffer) -> bool {
        let shape = buffer.descriptor();
        let fits = |side: u32, least: u32, most: u32| {
            side.is_multiple_of(2) && (least..=most).contains(&side)
        };
        let Extent { width, height } = shape.extent;
        let ours = |handle: &MemoryHandle| {
            matches!(handle, MemoryHandle::OpaqueFd { device, .. }
                if device.device_uuid == self.device_uuid)
        };
        self.refused.get().is_none()
            && self.formats.contains(&shape.fourcc)
            && fits(width, self.least.width, self.most.width)
            && fits(height, self.least.height, self.most.height)
            && matches!(buffer.memory(), [handle] if ours(handle))
    }

    /// Reads none any more, because of `why`. The first reason stays.
    pub fn refuse(&self, why: String) {
        let _ = self.refused.set(why);
    }

    /// Why it reads none any more, if that is so.
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
        let direct = Direct::new([7; 16], vec![Fourcc::XRGB8888], sizes);
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
        direct.refuse("no arrays".into());
        direct.refuse("again".into());
        assert_eq!(direct.refused(), Some("no arrays"));
        assert!(!direct.takes(&buffer(xrgb, (64, 480), 7)));
    }
}
