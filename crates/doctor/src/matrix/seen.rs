//! Everybody who reads pictures, each in the way that a recording would.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_bridge::{Bridge, Way};
use zerohop_cuda::Pinned;
use zerohop_frame::{BoxError, FrameDescriptor};
use zerohop_gl::{Blitter, Context, Wanted};
use zerohop_vulkan::{
    Device, DeviceChoice, Image, Instance, InstanceOptions, Queue, read_back, wait_on_cpu,
};

use super::sent::{Kind, Sent};
use super::{Times, compare};

/// How long CUDA may take for a picture.
const PATIENCE: Duration = Duration::from_secs(10);

/// CUDA's own kind of image, over the memory.
pub(super) const ARRAY: &str = "cuda array";

/// A reader.
pub(super) struct Consumer {
    /// As the table shows it.
    pub(super) name: &'static str,
    /// Whether there is such a way at all, for a layout and a kind of memory.
    takes: fn(&str, &str) -> bool,
    /// Takes the picture in, reads it and compares.
    pub(super) read: fn(&mut Readers, &Sent) -> Result<Times, BoxError>,
}

/// All of them. CUDA has a tiled image as an array and rows by a pointer, without a copy, those of a
/// memfd across the bus; other memory comes by a copy of Vulkan's or a drawing of OpenGL's, which takes
/// dma-bufs. Of a
/// tiling CUDA is told nothing (`CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC`): whether its own is that
/// of a modifier shows only in the picture.
pub(super) const CONSUMERS: [Consumer; 6] = [
    Consumer { name: "vulkan", takes: |_, _| true, read: Readers::vulkan },
    Consumer { name: "gl", takes: |_, handle| handle == "dma_buf", read: Readers::gl },
    Consumer {
        name: ARRAY,
        takes: |layout, handle| layout != "LINEAR" && handle == "opaque_fd",
        read: |readers, sent| readers.cuda(&[Way::Opaque], sent),
    },
    Consumer {
        name: "cuda pointer",
        takes: |layout, handle| layout == "LINEAR" && handle != "dma_buf",
        read: |readers, sent| readers.cuda(&[Way::Opaque, Way::Locked], sent),
    },
    Consumer {
        name: "cuda by copy",
        takes: |_, _| true,
        read: |readers, sent| readers.cuda(&[Way::Vulkan], sent),
    },
    Consumer {
        name: "cuda by gl",
        takes: |_, handle| handle == "dma_buf",
        read: |readers, sent| readers.cuda(&[Way::Gl], sent),
    },
];

impl Consumer {
    /// Whether the pair is one that there could be.
    pub(super) fn may_read(&self, kind: &Kind) -> bool {
        (self.takes)(&kind.layout(), kind.handle)
    }
}

/// Who reads the pictures of one device, each opened for the first: a GPU's driver takes some tenths of
/// a second for that.
pub(super) struct Readers {
    device: Arc<Device>,
    /// Of a second device of a second instance.
    second: Option<Arc<Queue>>,
    /// OpenGL of the same driver.
    gl: Option<Blitter>,
    /// To the same GPU in CUDA.
    bridge: Option<Bridge>,
}

impl Readers {
    /// Those of the pictures of `device`.
    pub(super) fn of(device: &Arc<Device>) -> Self {
        Self { device: Arc::clone(device), second: None, gl: None, bridge: None }
    }

    /// Another process's Vulkan, as far as the driver knows.
    fn vulkan(&mut self, sent: &Sent) -> Result<Times, BoxError> {
        let queue = match &mut self.second {
            Some(queue) => queue,
            none => none.insert(second(&self.device)?),
        };
        let begin = Instant::now();
        let seen = Arc::new(Image::import(queue.device(), sent.frame.buffer())?);
        let import = begin.elapsed();
        let begin = Instant::now();
        let read = read_back(queue, &sent.frame, &seen)?;
        compare(sent, &read.bytes, Times { import, read: begin.elapsed() })
    }

    /// OpenGL, which has no other memory: as a texture over the dma-buf, drawn into one of its own.
    fn gl(&mut self, sent: &Sent) -> Result<Times, BoxError> {
        let wanted = Wanted { device_uuid: self.device.id().device_uuid };
        let blitter = match &mut self.gl {
            Some(blitter) => blitter,
            none => none.insert(Blitter::new(Context::open(&wanted)?)),
        };
        let mut drawn = || {
            let (current, drawn) = blitter.blit(&sent.frame)?;
            drop(current);
            wait_on_cpu(&drawn.done).map_err(BoxError::from)
        };
        let begin = Instant::now();
        drawn()?;
        let import = begin.elapsed();
        let begin = Instant::now();
        drawn()?;
        let bytes = blitter.read()?;
        compare(sent, &bytes, Times { import, read: begin.elapsed() })
    }

    /// CUDA on the same GPU, by one way. The first picture pays for its proof; the second is read into
    /// locked memory by a stream.
    fn cuda(&mut self, ways: &'static [Way], sent: &Sent) -> Result<Times, BoxError> {
        let opened = match self.bridge.take() {
            Some(bridge) => bridge,
            None => Bridge::open(&Queue::new(&self.device))?,
        };
        let bridge = self.bridge.insert(opened.by(ways));
        let image = Arc::new(Image::import(&self.device, sent.frame.buffer())?);
        let stream = Arc::clone(bridge.stream());
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
}

/// The owner of `device`'s memory, in an instance of its own.
fn second(device: &Device) -> Result<Arc<Queue>, BoxError> {
    let instance = Instance::new(InstanceOptions::default())?;
    let second = Device::open(&DeviceChoice::Owner(device.id()).pick(&instance)?)?;
    Ok(Queue::new(&second))
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
