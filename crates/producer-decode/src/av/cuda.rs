//! What FFmpeg has in memory of CUDA, copied there to memory that can leave.
//!
//! Memory of CUDA's own cannot be read by Vulkan, and what NVDEC maps is its decoder's. FFmpeg's
//! device is the GPU's primary context, as ours is, and works on our stream, so that a copy comes
//! after the decoder's own work without anybody waiting in between.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use zerohop_cuda::{Buffer, Cuda, Device, Done, Memory, Place, Stream, Surface};
use zerohop_frame::{Extent, FormatPlane, Fourcc, MemoryHandle};

use super::Picture;
use crate::ring::Slot;

/// How long a GPU may take for a copy, with all that it has to decode before.
const PATIENCE: Duration = Duration::from_secs(5);

/// Copies pictures, one at a time.
pub(crate) struct CudaCopier {
    stream: Arc<Stream>,
}

/// Rows in memory of the GPU.
struct Rows {
    pointer: u64,
    pitch: usize,
    row_bytes: usize,
    rows: usize,
}

// SAFETY: `Copying` keeps the picture and the slot until the copy is done, and for ever where that cannot be
// known; so does `CudaCopier::copy` where only some planes could be given to the stream.
unsafe impl Surface for Rows {
    fn place(&self) -> Place {
        Place::Device { pointer: self.pointer, pitch: self.pitch }
    }

    fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

impl CudaCopier {
    /// On the GPU that CUDA counts as `index`, whose primary context is there already.
    pub(super) fn on(index: usize) -> Result<Self> {
        let cuda = Cuda::load()?;
        let gpu = cuda.gpus()?.into_iter().nth(index);
        let gpu = gpu.with_context(|| format!("CUDA has no GPU {index}"))?;
        let stream = Stream::new(&Device::open(&cuda, gpu.uuid)?)?;
        Ok(Self { stream })
    }

    /// Another one, of the same stream.
    pub(super) fn again(&self) -> Self {
        Self { stream: Arc::clone(&self.stream) }
    }

    /// `CUstream`, for FFmpeg.
    pub(super) fn raw_stream(&self) -> *mut std::ffi::c_void {
        self.stream.raw().0
    }

    /// `VkPhysicalDeviceIDProperties::deviceUUID` of its GPU.
    pub(crate) fn uuid(&self) -> [u8; 16] {
        self.stream.device().gpu().uuid.0
    }

    /// The view of memory that it copies to.
    pub(crate) fn adopt(&self, handle: &MemoryHandle) -> Result<Buffer> {
        let MemoryHandle::OpaqueFd { fd, size, image, .. } = handle else {
            bail!("memory of another kind");
        };
        use std::os::fd::AsFd as _;
        let memory = Memory::import(self.stream.device(), fd.as_fd(), *size, image.dedicated)?;
        Ok(Buffer::map(&memory, 0, *size)?)
    }

    /// Copies the planes of `picture`, after all that the decoder has to do with it.
    pub(crate) fn copy(
        &self,
        picture: &Picture,
        fourcc: Fourcc,
        slot: &Arc<Slot<Buffer>>,
    ) -> Result<Copying> {
        let used = (picture.again()?, Arc::clone(slot));
        let queued = self.queue(picture, fourcc, slot);
        match queued.and_then(|()| Ok(self.stream.submit()?)) {
            Ok(done) => Ok(Copying { done, used: Some(used) }),
            Err(err) => {
                // Some planes may be on their way.
                let rest = self.stream.submit();
                if rest.and_then(|done| done.wait("a part of a picture", PATIENCE)).is_err() {
                    mem::forget(used);
                }
                Err(err)
            }
        }
    }

    /// Gives the copies of all planes to the stream.
    fn queue(&self, picture: &Picture, fourcc: Fourcc, slot: &Slot<Buffer>) -> Result<()> {
        let raw = picture.raw();
        let (begin, extent) = picture.visible();
        let planes = fourcc.planes().context("planes that are not known")?;
        for (index, plane) in planes.iter().enumerate() {
            let (pointer, pitch) = (raw.data[index] as u64, raw.linesize[index]);
            if pointer == 0 || pitch <= 0 {
                bail!("FFmpeg says that plane {index} is at {pointer:#x}, {pitch} bytes a row");
            }
            let pitch = pitch.unsigned_abs() as usize;
            let above = u64::from(plane.extent(begin).height) * pitch as u64;
            let from = rows(plane, extent, pointer + above + plane.row_bytes(begin), pitch);
            let at = &slot.planes[index];
            let pointer = slot.target.pointer() + u64::from(at.offset);
            let to = rows(plane, extent, pointer, at.stride as usize);
            self.stream.copy(&Arc::new(from), &Arc::new(to))?;
        }
        Ok(())
    }
}

/// A copy on its way, with what it reads and writes.
#[must_use = "what it writes may not be complete"]
pub(crate) struct Copying {
    done: Done,
    /// Until it has been waited for.
    used: Option<(Picture, Arc<Slot<Buffer>>)>,
}

impl Copying {
    /// Whether it is done.
    pub(crate) fn is_done(&self) -> Result<bool> {
        Ok(self.done.is_reached()?)
    }

    /// Waits for it.
    pub(crate) fn wait(mut self) -> Result<()> {
        self.reach()?;
        self.used = None;
        Ok(())
    }

    fn reach(&self) -> Result<()> {
        Ok(self.done.wait("a copy of a decoded picture", PATIENCE)?)
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        // One that is not done in time may still be, in a context that other films go on with: then nobody
        // may have that memory again.
        if self.used.is_some() && self.reach().is_err() {
            mem::forget(self.used.take());
        }
    }
}

fn rows(plane: &FormatPlane, extent: Extent, pointer: u64, pitch: usize) -> Rows {
    let row_bytes = plane.row_bytes(extent) as usize;
    Rows { pointer, pitch, row_bytes, rows: plane.extent(extent).height as usize }
}
