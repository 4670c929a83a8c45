//! How many planes a format has, and what they are called.

use ash::vk;

/// The most planes that a format has.
pub(crate) const MAX_PLANES: usize = 3;

const COLOR: [vk::ImageAspectFlags; 1] = [vk::ImageAspectFlags::COLOR];
const PLANES: [vk::ImageAspectFlags; MAX_PLANES] =
    [vk::ImageAspectFlags::PLANE_0, vk::ImageAspectFlags::PLANE_1, vk::ImageAspectFlags::PLANE_2];

/// The planes of a linear image of `format`, as drivers name them. With `LINEAR`, each plane of the
/// format is one memory plane. `None`: no modifier is for depth and stencil.
///
/// # References
///
/// Vulkan specification, "Compatible formats of planes of multi-planar formats".
pub(crate) fn memory_planes(format: vk::Format) -> Option<&'static [vk::ImageAspectFlags]> {
    use vk::Format as F;
    Some(match format {
        F::UNDEFINED
        | F::D16_UNORM
        | F::X8_D24_UNORM_PACK32
        | F::D32_SFLOAT
        | F::S8_UINT
        | F::D16_UNORM_S8_UINT
        | F::D24_UNORM_S8_UINT
        | F::D32_SFLOAT_S8_UINT => return None,
        F::G8_B8R8_2PLANE_420_UNORM
        | F::G8_B8R8_2PLANE_422_UNORM
        | F::G8_B8R8_2PLANE_444_UNORM
        | F::G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16
        | F::G10X6_B10X6R10X6_2PLANE_422_UNORM_3PACK16
        | F::G10X6_B10X6R10X6_2PLANE_444_UNORM_3PACK16
        | F::G12X4_B12X4R12X4_2PLANE_420_UNORM_3PACK16
        | F::G12X4_B12X4R12X4_2PLANE_422_UNORM_3PACK16
        | F::G12X4_B12X4R12X4_2PLANE_444_UNORM_3PACK16
        | F::G16_B16R16_2PLANE_420_UNORM
        | F::G16_B16R16_2PLANE_422_UNORM
        | F::G16_B16R16_2PLANE_444_UNORM => &PLANES[..2],
        F::G8_B8_R8_3PLANE_420_UNORM
        | F::G8_B8_R8_3PLANE_422_UNORM
        | F::G8_B8_R8_3PLANE_444_UNORM
        | F::G10X6_B10X6_R10X6_3PLANE_420_UNORM_3PACK16
        | F::G10X6_B10X6_R10X6_3PLANE_422_UNORM_3PACK16
        | F::G10X6_B10X6_R10X6_3PLANE_444_UNORM_3PACK16
        | F::G12X4_B12X4_R12X4_3PLANE_420_UNORM_3PACK16
        | F::G12X4_B12X4_R12X4_3PLANE_422_UNORM_3PACK16
        | F::G12X4_B12X4_R12X4_3PLANE_444_UNORM_3PACK16
        | F::G16_B16_R16_3PLANE_420_UNORM
        | F::G16_B16_R16_3PLANE_422_UNORM
        | F::G16_B16_R16_3PLANE_444_UNORM => &PLANES,
        _ => &COLOR,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_format_has_as_many_planes_as_its_name_says() {
        let count = |format| memory_planes(format).map(<[_]>::len);
        assert_eq!(count(vk::Format::G8_B8R8_2PLANE_420_UNORM), Some(2));
        assert_eq!(count(vk::Format::G8_B8_R8_3PLANE_420_UNORM), Some(3));
        assert_eq!(count(vk::Format::G8B8G8R8_422_UNORM), Some(1));
        assert_eq!(count(vk::Format::D32_SFLOAT), None);
    }
}
