//! Everybody who reads pictures, each in the way that a recording would.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_bridge::{Bridge, Way};
use zerohop_cuda::Pinned;
use zerohop_frame::{BoxError, FrameDescriptor};
use zerohop_vulkan::{
    Device, DeviceChoice, Image, Instance, InstanceOptions, Queue, read_back, wait_on_cpu,
};

use super::sent::{Kind, Sent};
use super::{Times, compare};

/// How long CUDA may take for a picture.
const PATIENCE: Duration = Duration::from_secs(10);

/// A reader.
pub(super) struct Consumer {
    /// As the table shows it.
    pub(super) name: &'static str,
    /// Whether there is such a way at all, for a layout and a kind of memory.
    takes: fn(&str, &str) -> bool,
    /// Takes the picture in, reads it and compares.
    pub(super) read: fn(&Arc<Device>, &Sent) -> Result<Times, BoxError>,
}

/// All of them. CUDA has a tiled image as an array and rows by a pointer, without a copy, those of a
/// memfd across the bus; other memory comes by a copy of Vulkan's or a drawing of OpenGL's.
pub(super) const CONSUMERS: [Consumer; 5] = [
    Consumer { name: "vulkan", takes: |_, _| true, read: vulkan },
    Consumer {
        name: "cuda array",
        // It is told of no other tiling (`CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC`).
        takes: |layout, _| layout == "OPTIMAL",
        read: |device, sent| cuda(&[Way::Opaque], device, sent),
    },
    Consumer {
        name: "cuda pointer",
        takes: |layout, handle| layout == "LINEAR" && handle != "dma_buf",
        read: |device, sent| cuda(&[Way::Opaque, Way::Locked], device, sent),
    },
    Consumer {
        name: "cuda by copy",
        takes: |_, _| true,
        read: |device, sent| cuda(&[Way::Vulkan], device, sent),
    },
    Consumer {
        name: "cuda by gl",
        takes: |_, handle| handle == "dma_buf",
        read: |device, sent| cuda(&[Way::Gl], device, sent),
    },
];

impl Consumer {
    /// Whether the pair is one that there could be.
    pub(super) fn may_read(&self, kind: &Kind) -> bool {
        (self.takes)(&kind.layout(), kind.handle)
    }
}

/// A second device of a second instance.
fn vulkan(device: &Arc<Device>, sent: &Sent) -> Result<Times, BoxError> {
    let second = Instance::new(InstanceOptions::default())?;
    let second = Device::open(&DeviceChoice::Owner(device.id()).pick(&second)?)?;
    let begin = Instant::now();
    let seen = Arc::new(Image::import(&second, sent.frame.buffer())?);
    let import = begin.elapsed();
    let queue = Queue::new(&second);
    let begin = Instant::now();
    let read = read_back(&queue, &sent.frame, &seen)?;
    compare(sent, &read.bytes, Times { import, read: begin.elapsed() })
}

/// CUDA on the same GPU, by one way. The first picture pays for its proof; the second is read into
/// locked memory by a stream.
fn cuda(ways: &'static [Way], device: &Arc<Device>, sent: &Sent) -> Result<Times, BoxError> {
    let queue = Queue::new(device);
    let mut bridge = Bridge::open(&queue)?.by(ways);
    let (stream, image) =
        (Arc::clone(bridge.stream()), Arc::new(Image::import(device, sent.frame.buffer())?));
    let begin = Instant::now();
    let first = bridge.cross(&sent.frame, &image)?;
    wait_on_cpu(&first.ready)?;
    let (row, rows) = first.size();
    drop(first);
    let import = begin.elapsed();
    let pinned = Arc::new(Pinned::new(stream.device(), row, rows)?);
    let begin = Instant::now();
    let second = bridge.cross(&sent.frame, &image)?;
    wait_on_cpu(&second.ready)?;
    second.copy(&stream, &pinned)?;
    stream.submit()?.wait("a picture of the matrix", PATIENCE)?;
    let times = Times { import, read: begin.elapsed() };
    compare(sent, &packed(&second.shape, &image, pinned.bytes())?, times)
}

/// The rows of all planes that lie in `bytes` as `shape` says, without what is between them.
fn packed(shape: &FrameDescriptor, image: &Image, bytes: &[u8]) -> Result<Vec<u8>, BoxError> {
    let mut all = Vec::new();
    for (layout, plane) in shape.planes.iter().zip(image.planes()) {
        let row = plane.row_bytes();
        for y in 0..plane.extent().height as usize {
            let start = layout.offset as usize + y * layout.stride as usize;
            let line = bytes.get(start..).and_then(|rest| rest.get(..row));
            all.extend_from_slice(line.ok_or("the copy is smaller than its shape says")?);
        }
    }
    Ok(all)
}
