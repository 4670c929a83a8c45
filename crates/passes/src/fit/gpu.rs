//! [`Fit`] by a device.

use std::sync::Arc;

use zerohop_frame::{Frame, FrameDescriptor, SyncPoint};
use zerohop_vulkan::{Bindings, Buffer, ComputePipeline, Image, Queue, Recording, Sight};

use super::taps::table;
use super::{Fit, Job};
use crate::list::Words;
use crate::shader::{self, Push};
use crate::{Error, check_shape};

impl Fit {
    /// The same for the device of `queue`.
    ///
    /// # Errors
    ///
    /// [`Error::Device`].
    pub fn shader(&self, queue: &Arc<Queue>) -> Result<FitShader, Error> {
        let (device, job) = (queue.device(), &self.0);
        let far = device.is_far_from_host();
        let half = shader::is_half(job.format);
        let words = table(&job.across, &job.down);
        let mut tables = vec![Words::constant(queue, &words, far)?];
        if half {
            tables.push(Words::constant(queue, &job.curve.words(), far)?);
        }
        let code = if half { shader::FIT_HALF } else { shader::FIT_PACKED };
        let (buffers, push) = (tables.len() as u32 + 1, job.push());
        let bytes = push.bytes().len() as u32;
        let pipeline = ComputePipeline::new(device, code, Sight::Images, buffers, bytes)?;
        let (across, down) = (job.across.len() as u32, job.down.len() as u32);
        let words = across.div_ceil(4 / job.bytes as u32);
        let groups = [words.div_ceil(8), down.div_ceil(8), 1];
        let (queue, shape, end) = (Arc::clone(queue), job.shape.clone(), job.end());
        Ok(FitShader { queue, pipeline, tables, push, groups, shape, end })
    }
}

impl Job {
    fn push(&self) -> Push {
        let ([red, green, blue], [r, g, b]) = (self.weights, self.channels.map(|one| one.shift));
        let size = [self.across.len(), self.down.len()].map(|side| side as u32);
        let (start, stride) = (self.start as u32 / 4, self.stride as u32 / 4);
        Push::default()
            .floats(shader::scale(self.format))
            .words([red, green, blue, 0])
            .words([r, g, b, 4 / self.bytes as u32])
            .words([size[0], size[1], start, stride])
    }
}

/// [`Fit`] by a device.
pub struct FitShader {
    queue: Arc<Queue>,
    pipeline: Arc<ComputePipeline>,
    tables: Vec<Arc<Buffer>>,
    push: Push,
    groups: [u32; 3],
    shape: FrameDescriptor,
    end: u64,
}

/// Memory that a [`FitShader`] writes.
pub struct FitTarget {
    bindings: Arc<Bindings>,
    out: Arc<Buffer>,
}

impl FitTarget {
    /// What is written.
    pub fn buffer(&self) -> &Arc<Buffer> {
        &self.out
    }
}

impl FitShader {
    /// To write into `out`.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] where shaders do not reach its end; [`Error::Device`] when the picture does
    /// not fit in it.
    pub fn onto(&self, out: Arc<Buffer>) -> Result<FitTarget, Error> {
        let (needs, has) = (self.end, out.size());
        if has < needs {
            return Err(zerohop_vulkan::Error::TooSmall { needs, has }.into());
        }
        if has > self.queue.device().longest_buffer() {
            return Err(Error::TooLarge(self.shape.extent));
        }
        let mut buffers = vec![Arc::clone(&self.tables[0]), Arc::clone(&out)];
        buffers.extend(self.tables.get(1).cloned());
        let bindings = Arc::new(Bindings::new(&self.pipeline, buffers)?);
        Ok(FitTarget { bindings, out })
    }

    /// Writes a picture, which is held until the point that is returned; then what was written is
    /// complete, for everybody who has the memory.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], [`Error::Device`]; [`Error::Sight`] of a picture that is no image.
    pub fn run(
        &self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        target: &FitTarget,
    ) -> Result<SyncPoint, Error> {
        check_shape(self.shape.extent, self.shape.fourcc, image)?;
        if image.sight() != Some(Sight::Images) {
            return Err(Error::Sight(self.shape.fourcc));
        }
        let mut recording = Recording::begin(&self.queue)?;
        recording.read(frame, image)?;
        recording.write(&target.out);
        let (pipeline, push) = (&self.pipeline, self.push.bytes());
        recording.dispatch(pipeline, image, &target.bindings, push, self.groups)?;
        Ok(recording.submit()?)
    }
}
