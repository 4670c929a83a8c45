//! Pictures in memory of a device that cannot leave it, copied by that device to memory that can.

use std::any::Any;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ffmpeg_sys_next::AVPixelFormat;
use zerohop_cuda::Buffer;
use zerohop_frame::{Fourcc, FrameDescriptor, MAX_PLANES, MemoryHandle, PlaneLayout};

use super::cuda::{Copying, CudaCopier};
use super::vulkan::{Target, VulkanCopier};
use super::{Device, Picture};
use crate::pool::SurfaceId;
use crate::ring::{Ring, Slot, descriptor};

/// Copies for one device.
pub(crate) enum Copier {
    /// Images of Vulkan.
    Vulkan(VulkanCopier, Ring<Target>),
    /// Memory of CUDA.
    Cuda(CudaCopier, Ring<Buffer>),
}

/// A copy.
pub(crate) struct Copied {
    pub(crate) id: SurfaceId,
    pub(crate) descriptor: FrameDescriptor,
    /// Its memory, if it was asked for.
    pub(crate) memory: Option<MemoryHandle>,
    /// Keeps the memory from being written.
    pub(crate) keep: Box<dyn Any>,
    /// What is not done yet.
    pub(crate) copying: Option<Copying>,
}

impl Copier {
    /// For pictures like `picture`, on `device`. `None` where the memory may leave by itself, or
    /// nobody knows how to copy it.
    pub(crate) fn of(picture: &Picture, device: Option<&Device>) -> Result<Option<Self>> {
        let format = picture.raw().format;
        if format == AVPixelFormat::AV_PIX_FMT_VULKAN as i32 {
            let copier = VulkanCopier::of(picture)?;
            let ring = Ring::on(copier.uuid())?;
            return Ok(Some(Self::Vulkan(copier, ring)));
        }
        if format == AVPixelFormat::AV_PIX_FMT_CUDA as i32 {
            let copier = device.and_then(Device::cuda).context("CUDA is not there")?.again();
            let ring = Ring::on(copier.uuid())?;
            return Ok(Some(Self::Cuda(copier, ring)));
        }
        Ok(None)
    }

    /// Copies `picture`, in pixels of `fourcc`. Its memory comes with it unless `knows` it.
    pub(crate) fn copy(
        &mut self,
        picture: &Picture,
        fourcc: Fourcc,
        knows: impl Fn(SurfaceId, &FrameDescriptor) -> bool,
    ) -> Result<Copied> {
        let (_, extent) = picture.visible();
        let shape = |planes: &Planes| descriptor((extent, fourcc), planes, picture.color());
        match self {
            Self::Vulkan(copier, ring) => {
                let slot = ring.take(extent, fourcc, |memory| copier.adopt(memory))?;
                copier.copy(picture, fourcc, &slot)?;
                copied(shape(&slot.planes), slot, None, knows)
            }
            Self::Cuda(copier, ring) => {
                let slot = ring.take(extent, fourcc, |memory| copier.adopt(memory))?;
                let copying = copier.copy(picture, fourcc, &slot)?;
                copied(shape(&slot.planes), slot, Some(copying), knows)
            }
        }
    }

    /// Memory that nobody will see again.
    pub(crate) fn take_gone(&mut self) -> Vec<SurfaceId> {
        match self {
            Self::Vulkan(_, ring) => ring.take_gone(),
            Self::Cuda(_, ring) => ring.take_gone(),
        }
    }
}

type Planes = arrayvec::ArrayVec<PlaneLayout, MAX_PLANES>;

fn copied<T: 'static>(
    descriptor: FrameDescriptor,
    slot: Arc<Slot<T>>,
    copying: Option<Copying>,
    knows: impl Fn(SurfaceId, &FrameDescriptor) -> bool,
) -> Result<Copied> {
    let known = knows(slot.id, &descriptor);
    let memory = if known { None } else { Some(slot.memory()?) };
    Ok(Copied { id: slot.id, descriptor, memory, keep: Box::new(slot), copying })
}
