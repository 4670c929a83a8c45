//! The Vulkan bridge: one copy on the GPU, into memory that CUDA imports.

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{Frame, FrameDescriptor, Modifier, PlaneLayout};
use zerohop_vulkan::{Copies, Image, ImportCache, Queue, Recording, Way};

use crate::Error;
use crate::ring::Ring;

/// Copies pictures, and imports the rows of linear ones for that, once for each buffer.
pub(crate) struct Copier {
    queue: Arc<Queue>,
    /// Linear pictures as rows: shaders see them better as images, which would be one copy more.
    rows: ImportCache,
    ring: Ring,
}

impl Copier {
    pub(crate) fn new(queue: &Arc<Queue>) -> Self {
        let rows = ImportCache::by(queue.device(), &[Way::Buffers]);
        Self { queue: Arc::clone(queue), rows, ring: Ring::new(queue.device()) }
    }

    /// A frame of a copy, whose rows have no padding. The picture is held until it is made.
    pub(crate) fn copy(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(Arc<Frame>, Copies), Error> {
        let picture = self.picture(frame, image);
        let (shape, bytes) = tight(frame.buffer().descriptor(), &picture);
        let slot = self.ring.take(&shape, bytes)?;
        let (shared, buffer) = (Arc::clone(&slot.shared), Arc::clone(&slot.buffer));
        let mut recording = Recording::begin(&self.queue)?;
        recording.read(frame, &picture)?;
        recording.copy_out(&picture, &buffer);
        recording.hand_over(&buffer);
        let ready = recording.submit()?;
        let home = self.ring.lend(&shared);
        let copy = Frame::new(shared, frame.info().clone(), ready, home);
        let Copies { cpu_bytes, gpu } = picture.copies();
        Ok((Arc::new(copy), Copies { cpu_bytes, gpu: gpu + 1 }))
    }

    /// The rows where they lie, else what Vulkan has of the picture.
    fn picture(&mut self, frame: &Frame, image: &Arc<Image>) -> Arc<Image> {
        let buffer = frame.buffer();
        if buffer.descriptor().modifier != Modifier::LINEAR {
            return Arc::clone(image);
        }
        self.rows.get(buffer).map_or_else(|_| Arc::clone(image), |cached| cached.image)
    }
}

/// The shape of a copy without padding, and its bytes.
fn tight(shape: &FrameDescriptor, image: &Image) -> (FrameDescriptor, u64) {
    let (starts, bytes) = image.tight();
    let planes = image.planes().iter().zip(starts).map(|(plane, start)| PlaneLayout {
        object: 0,
        offset: u32::try_from(start).unwrap_or(u32::MAX),
        stride: u32::try_from(plane.row_bytes()).unwrap_or(u32::MAX),
    });
    let planes = ArrayVec::from_iter(planes);
    (FrameDescriptor { modifier: Modifier::LINEAR, planes, ..shape.clone() }, bytes)
}
