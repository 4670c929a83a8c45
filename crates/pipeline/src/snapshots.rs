//! Pictures for a sink that wants them as the application made them.

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{
    BoxError, Frame, FrameDescriptor, FrameSink, MemoryHandle, Modifier, Observer, PlaneLayout,
    Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd};
use zerohop_vulkan::{Image, Queue, read_back};

/// Shows every Nth picture to a sink, changed or not, in plain memory: `LINEAR` rows without
/// padding, in the application's own format. That is a copy, and the observer is told.
pub struct Snapshots {
    sink: Box<dyn FrameSink + Send>,
    every: u64,
    seen: u64,
    observer: Arc<dyn Observer>,
    failed: Option<BoxError>,
}

/// Nobody waits for the copy.
struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

impl Snapshots {
    /// Shows the first picture and every `every`th after it.
    ///
    /// # Panics
    ///
    /// When `every` is zero.
    pub fn new(sink: Box<dyn FrameSink + Send>, every: u64, observer: Arc<dyn Observer>) -> Self {
        assert!(every > 0, "every 0th picture is no picture");
        Self { sink, every, seen: 0, observer, failed: None }
    }

    /// A picture came by. A sink that failed is shown no more, see [`finish`](Self::finish).
    pub(crate) fn pass(&mut self, queue: &Arc<Queue>, frame: &Arc<Frame>, image: &Arc<Image>) {
        let wanted = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if wanted && self.failed.is_none() {
            self.failed = self.show(queue, frame, image).err();
        }
    }

    /// No picture follows.
    ///
    /// # Errors
    ///
    /// The first failure; pictures after it are missing.
    pub(crate) fn finish(&mut self) -> Result<(), BoxError> {
        let finished = self.sink.finish();
        self.failed.take().map_or(finished, Err)
    }

    fn show(
        &mut self,
        queue: &Arc<Queue>,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(), BoxError> {
        let read = read_back(queue, frame, image)?;
        if !frame.is_intact() {
            // Lost; the path finds out as well, and counts it.
            return Ok(());
        }
        read.copies.report(frame, &*self.observer, "a sink wants pictures in plain memory");
        let memfd = Memfd::create("zerohop-snapshot", read.bytes.len() as u64)?;
        MappingMut::new(&memfd)?.as_mut_slice().copy_from_slice(&read.bytes);
        let size = read.bytes.len() as u64;
        let sequence = frame.info().sequence;
        self.observer.cpu_copy(sequence, size, "a sink wants pictures in shared memory");
        let buffer = shared(frame.buffer().descriptor(), image, memfd)?;
        let info = frame.info().clone();
        self.sink.submit(Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody))))
    }
}

/// Rows without padding in `memfd`.
fn shared(
    shape: &FrameDescriptor,
    image: &Image,
    memfd: Memfd,
) -> Result<Arc<SharedBuffer>, BoxError> {
    let stride = shape.extent.width * u32::try_from(image.format().bytes())?;
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]);
    let descriptor = FrameDescriptor { modifier: Modifier::LINEAR, planes, ..shape.clone() };
    let memory = ArrayVec::from_iter([MemoryHandle::Shm(memfd.into())]);
    Ok(SharedBuffer::new(descriptor, memory)?)
}
