//! The Vulkan bridge: one copy on the GPU, into memory that CUDA imports.

use std::sync::Arc;

use zerohop_frame::{Frame, FrameDescriptor, Modifier, PlaneLayout};
use zerohop_vulkan::{Copies, Image, ImportCache, Place, Queue, Recording, Way};

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

    /// A frame of a copy, whose rows are as far apart as they were. The picture is held until it is
    /// made.
    pub(crate) fn copy(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(Arc<Frame>, Copies), Error> {
        let picture = self.picture(frame, image);
        let (places, bytes) = picture.padded();
        let shape = laid_out(frame.buffer().descriptor(), &places, bytes)?;
        let slot = self.ring.take(&shape, bytes)?;
        let (shared, buffer) = (Arc::clone(&slot.shared), Arc::clone(&slot.buffer));
        let mut recording = Recording::begin(&self.queue)?;
        recording.read(frame, &picture)?;
        recording.write(&buffer);
        recording.copy_out_to(&picture, &buffer, &places);
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

/// The shape of a copy with its planes at these places, in so many bytes.
fn laid_out(
    shape: &FrameDescriptor,
    places: &[Place],
    bytes: u64,
) -> Result<FrameDescriptor, Error> {
    let most = u64::from(u32::MAX);
    if bytes > most {
        return Err(zerohop_vulkan::Error::TooLarge { needs: bytes, most }.into());
    }
    let plane = |at: &Place| PlaneLayout { object: 0, offset: at.offset, stride: at.stride };
    let planes = places.iter().map(plane).collect();
    Ok(FrameDescriptor { modifier: Modifier::LINEAR, planes, ..shape.clone() })
}
