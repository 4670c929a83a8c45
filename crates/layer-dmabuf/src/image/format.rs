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

/// How large plane `index` of an image is: its rows, and the bytes of a row without padding. Of a
/// format that is not known here so many bytes as it has at least.
///
/// # References
///
/// `VkFormat` in `vulkan_core.h`, where formats of one size follow each other.
pub(super) fn rows_of(format: vk::Format, index: usize, extent: vk::Extent3D) -> (u64, u64) {
    let (width, height) = (u64::from(extent.width), u64::from(extent.height));
    let name = format!("{format:?}");
    if !name.contains("PLANE_") {
        return (height, width * texel(format));
    }
    let deep = if name.starts_with("G8_") { 1 } else { 2 };
    if index == 0 {
        return (height, width * deep);
    }
    let halves = |there: bool, side: u64| if there { side.div_ceil(2) } else { side };
    let wide = halves(!name.contains("_444_"), width);
    let both = if name.contains("_2PLANE_") { 2 } else { 1 };
    (halves(name.contains("_420_"), height), wide * deep * both)
}

/// Bytes of a pixel.
fn texel(format: vk::Format) -> u64 {
    match format.as_raw() {
        2..=8 | 16..=22 | 70..=76 => 2,
        23..=36 => 3,
        37..=69 | 77..=83 | 98..=100 | 122 | 123 => 4,
        84..=90 => 6,
        91..=97 | 101..=103 | 110..=112 => 8,
        104..=106 => 12,
        107..=109 | 113..=115 => 16,
        116..=118 => 24,
        119..=121 => 32,
        _ => 1,
    }
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

    #[test]
    fn a_plane_is_as_large_as_its_format_says() {
        use vk::Format as F;
        let extent = vk::Extent3D { width: 9, height: 7, depth: 1 };
        let sizes = |format, index| rows_of(format, index, extent);
        assert_eq!(sizes(F::B8G8R8A8_UNORM, 0), (7, 36));
        assert_eq!([sizes(F::R5G6B5_UNORM_PACK16, 0), sizes(F::R8_UNORM, 0)], [(7, 18), (7, 9)]);
        assert_eq!(sizes(F::R16G16B16A16_SFLOAT, 0), (7, 72));
        assert_eq!(sizes(F::A2B10G10R10_UNORM_PACK32, 0), (7, 36));
        let nv12 = F::G8_B8R8_2PLANE_420_UNORM;
        assert_eq!([sizes(nv12, 0), sizes(nv12, 1)], [(7, 9), (4, 10)]);
        assert_eq!(sizes(F::G8_B8R8_2PLANE_422_UNORM, 1), (7, 10));
        assert_eq!(sizes(F::G8_B8_R8_3PLANE_444_UNORM, 2), (7, 9));
        let p010 = F::G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16;
        assert_eq!([sizes(p010, 0), sizes(p010, 1)], [(7, 18), (4, 20)]);
    }
}
