//! The planes of an image in memory, and what must be true of them.

use std::os::fd::{AsFd as _, OwnedFd};

use ash::vk;
use zerohop_kernel::{Mapping, begin_cpu_access, end_cpu_access};
use zerohop_layer::LayerError;

use crate::mark;

/// Formats whose second plane has half as many rows as the first.
const HALF_AS_HIGH: [vk::Format; 8] = [
    vk::Format::G8_B8R8_2PLANE_420_UNORM,
    vk::Format::G8_B8_R8_3PLANE_420_UNORM,
    vk::Format::G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16,
    vk::Format::G10X6_B10X6_R10X6_3PLANE_420_UNORM_3PACK16,
    vk::Format::G12X4_B12X4R12X4_2PLANE_420_UNORM_3PACK16,
    vk::Format::G12X4_B12X4_R12X4_3PLANE_420_UNORM_3PACK16,
    vk::Format::G16_B16R16_2PLANE_420_UNORM,
    vk::Format::G16_B16_R16_3PLANE_420_UNORM,
];

/// An image with a modifier of ours.
#[derive(Clone)]
pub(crate) struct Shape {
    /// The planes of its format; the others are control planes.
    pub(crate) planes: usize,
    /// How many rows each of these has.
    rows: Vec<u32>,
    /// Where each memory plane lies.
    pub(crate) layouts: Vec<vk::SubresourceLayout>,
    /// Whether each is bound by itself.
    pub(crate) disjoint: bool,
}

/// The places of a layout are wrong.
fn wrong(what: String) -> LayerError {
    let code = vk::Result::ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT;
    LayerError::refused(code, what)
}

impl Shape {
    /// Of an image whose format has that many planes, each with so many control planes.
    ///
    /// # Errors
    ///
    /// What breaks `VkImageDrmFormatModifierExplicitCreateInfoEXT`: VUID-...-02265, -02267, -02268.
    pub(crate) fn new(
        info: &vk::ImageCreateInfo<'_>,
        (planes, controls): (u32, u32),
        layouts: &[vk::SubresourceLayout],
    ) -> Result<Self, LayerError> {
        let needed = (planes * (1 + controls)) as usize;
        if layouts.len() != needed {
            return Err(wrong(format!("{} planes in memory, not {needed}", layouts.len())));
        }
        for (plane, layout) in layouts.iter().enumerate() {
            if (layout.size, layout.array_pitch, layout.depth_pitch) != (0, 0, 0) {
                return Err(wrong(format!("memory plane {plane} is said to be {layout:?}")));
            }
        }
        let disjoint = info.flags.contains(vk::ImageCreateFlags::DISJOINT);
        let rows = |plane| match plane {
            0 => info.extent.height,
            _ if HALF_AS_HIGH.contains(&info.format) => info.extent.height.div_ceil(2),
            _ => info.extent.height,
        };
        let rows = (0..planes).map(rows).collect();
        Ok(Self { planes: planes as usize, rows, layouts: layouts.to_vec(), disjoint })
    }

    /// One past the last byte of memory plane `plane`.
    pub(crate) fn end(&self, plane: usize) -> u64 {
        let layout = &self.layouts[plane];
        let mark = self.mark(plane).len() as u64;
        layout.offset
            + self.rows.get(plane).map_or(mark, |rows| layout.row_pitch * u64::from(*rows))
    }

    /// What control plane `plane` begins with. They come in the order of the planes that they belong to.
    fn mark(&self, plane: usize) -> [u8; 16] {
        let control = (plane / self.planes).saturating_sub(1);
        mark(control, self.layouts[plane % self.planes].offset)
    }

    /// Whether the mark of `plane`, if that is a control plane, is in `memory` where the layout says.
    ///
    /// # Errors
    ///
    /// It is not.
    pub(crate) fn check(&self, plane: usize, memory: Option<&OwnedFd>) -> Result<(), LayerError> {
        let memory = memory.ok_or_else(|| wrong("memory that is no dma-buf".to_owned()))?;
        if plane < self.planes {
            return Ok(());
        }
        let outside = |err| {
            let code = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
            LayerError::outside("look into a dma-buf", code, err)
        };
        let mapping = Mapping::of_dma_buf(memory.as_fd()).map_err(outside)?;
        begin_cpu_access(memory.as_fd()).map_err(outside)?;
        let (start, end) = (self.layouts[plane].offset as usize, self.end(plane) as usize);
        let found = mapping.as_slice().get(start..end) == Some(&self.mark(plane)[..]);
        end_cpu_access(memory.as_fd()).map_err(outside)?;
        if found {
            return Ok(());
        }
        Err(wrong(format!("control plane {plane} is not at byte {start} of its memory")))
    }
}
