//! Shared memory that the pictures of one image are copied into, where the image itself cannot
//! leave the process.
//!
//! ```text
//! imported   image ──GPU──► a buffer in the pages of a memfd ─────────► host
//! mapped     image ──GPU──► a buffer of the device ──CPU──► a memfd ──► host
//! ```

use std::sync::Arc;

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{FrameDescriptor, MemoryHandle, Modifier, PlaneLayout};
use zerohop_kernel::{AlignedMapping, Memfd};
use zerohop_layer::{LayerError, chain_line};
use zerohop_wire::Copies;

use super::buffer::Buffer;
use super::format;
use super::line::Exported;
use super::plan::{ImagePlan, SwapchainPlan, Way};
use crate::device::DeviceState;

/// What a row begins at a multiple of, in bytes. A multiple of every pixel's size.
const ROW: u32 = 64;

/// Memory for copies of one picture.
pub(crate) struct Staging {
    // Before `pages`, which it may lie in.
    buffer: Buffer,
    pages: AlignedMapping,
    memfd: Memfd,
    descriptor: FrameDescriptor,
    way: Way,
    /// Pixels from one row to the next.
    row: u32,
}

impl Staging {
    /// Memory for the pictures of a swapchain as planned, which come there by `way`.
    ///
    /// # Errors
    ///
    /// [`LayerError::Refused`] for a picture that has no plain form, [`LayerError::Outside`]
    /// without shared memory, and what the device reports.
    pub(crate) fn new(
        device: &Arc<DeviceState>,
        plan: &SwapchainPlan,
        way: Way,
    ) -> Result<Self, LayerError> {
        let (descriptor, pixel) = describe(plan)?;
        let stride = descriptor.planes[0].stride;
        let bytes = u64::from(stride) * u64::from(descriptor.extent.height);
        let (buffer, memfd, pages) = allocate(device, bytes, way)?;
        Ok(Self { buffer, pages, memfd, descriptor, way, row: stride / pixel })
    }

    /// What copies layer 0 of an image there.
    pub(crate) fn region(&self) -> vk::BufferImageCopy {
        let (width, height) = (self.descriptor.extent.width, self.descriptor.extent.height);
        let layer = vk::ImageSubresourceLayers {
            aspect_mask: vk::ImageAspectFlags::COLOR,
            layer_count: 1,
            ..Default::default()
        };
        vk::BufferImageCopy::default()
            .buffer_row_length(self.row)
            .image_subresource(layer)
            .image_extent(vk::Extent3D { width, height, depth: 1 })
    }

    /// Where the device writes.
    pub(crate) fn buffer(&self) -> vk::Buffer {
        self.buffer.raw()
    }

    /// Whether the CPU must [`fetch`](Self::fetch) each picture.
    pub(crate) fn is_mapped(&self) -> bool {
        self.way == Way::Mapped
    }

    /// Brings the picture that the device has written to where the host sees it.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(crate) fn fetch(&self) -> Result<(), LayerError> {
        let rows = self.descriptor.extent.height as usize;
        self.buffer.read_into(&self.pages, self.descriptor.planes[0].stride as usize * rows)
    }

    /// What the host must know to read the pictures, with their memory.
    ///
    /// # Errors
    ///
    /// [`LayerError::Outside`] when there is no descriptor left.
    pub(crate) fn export(&self) -> Result<Exported, LayerError> {
        let outside =
            |err| LayerError::outside("share a buffer", vk::Result::ERROR_TOO_MANY_OBJECTS, err);
        use std::os::fd::AsFd;
        let memfd = self.memfd.as_fd().try_clone_to_owned().map_err(outside)?;
        let copies = Copies { gpu: true, cpu: self.is_mapped() };
        Ok((self.descriptor.clone(), ArrayVec::from_iter([MemoryHandle::Shm(memfd)]), copies))
    }
}

/// Whether the device takes memory of the process for its own, tried out with as much as a picture of
/// `image` needs: some take little, and not all of a large one. `Err`: why not.
///
/// # Errors
///
/// The reason, for people.
pub(crate) fn imports(device: &Arc<DeviceState>, image: &ImagePlan) -> Result<(), String> {
    let extent = image.size();
    let row = format::bytes(image.format).and_then(|pixel| stride(extent.width, pixel));
    let bytes = u64::from(row.unwrap_or(ROW)) * u64::from(extent.height);
    allocate(device, bytes, Way::Imported).map(drop).map_err(|err| chain_line(&err))
}

/// From row to row, in bytes.
fn stride(width: u32, pixel: u32) -> Option<u32> {
    width.checked_mul(pixel)?.checked_next_multiple_of(ROW)
}

fn allocate(
    device: &Arc<DeviceState>,
    bytes: u64,
    way: Way,
) -> Result<(Buffer, Memfd, AlignedMapping), LayerError> {
    let mut buffer = Buffer::new(device, bytes, way == Way::Imported)?;
    let alignment = device.host_memory.as_ref().map_or(1, |host| host.alignment);
    let size = buffer.size().max(bytes).next_multiple_of(alignment);
    let outside =
        |err| LayerError::outside("share memory", vk::Result::ERROR_OUT_OF_HOST_MEMORY, err);
    let memfd = Memfd::create("zerohop-picture", size).map_err(outside)?;
    let known = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let pages = AlignedMapping::new(&memfd, known(size), known(alignment)).map_err(outside)?;
    match way {
        Way::Imported => buffer.import(&pages)?,
        Way::Mapped => buffer.allocate()?,
    }
    Ok((buffer, memfd, pages))
}

/// The picture in plain rows, and the bytes of a pixel.
fn describe(plan: &SwapchainPlan) -> Result<(FrameDescriptor, u32), LayerError> {
    let refused = |why| LayerError::refused(vk::Result::ERROR_FORMAT_NOT_SUPPORTED, why);
    let fourcc = plan.fourcc.ok_or(refused("the format has no fourcc"))?;
    let pixel = format::bytes(plan.image.format).ok_or(refused("the format has no plain form"))?;
    let extent = plan.image.size();
    let stride = stride(extent.width, pixel).ok_or(refused("the picture is too wide"))?;
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]);
    let (modifier, color) = (Modifier::LINEAR, plan.color);
    Ok((FrameDescriptor { extent, fourcc, modifier, planes, color }, pixel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_divides_a_row() {
        for format in [vk::Format::R5G6B5_UNORM_PACK16, vk::Format::R16G16B16A16_SFLOAT] {
            assert_eq!(ROW % format::bytes(format).unwrap(), 0);
        }
    }
}
