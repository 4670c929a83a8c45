//! What the host is told about a swapchain's format.

use ash::vk;
use zerohop_frame::{Color, Fourcc};

/// The fourcc of a swapchain format, without alpha when the window is `opaque`. `None` when DRM
/// has no code for it: such pictures cannot be handed over.
///
/// An sRGB format and its UNORM twin have the same code: the host reads the codes as they lie.
pub(crate) fn fourcc(format: vk::Format, opaque: bool) -> Option<Fourcc> {
    use vk::Format as F;
    let (with_alpha, without) = match format {
        F::B8G8R8A8_UNORM | F::B8G8R8A8_SRGB => (Fourcc::ARGB8888, Fourcc::XRGB8888),
        // Packed from the low byte up, these are the bytes R, G, B, A.
        F::R8G8B8A8_UNORM
        | F::R8G8B8A8_SRGB
        | F::A8B8G8R8_UNORM_PACK32
        | F::A8B8G8R8_SRGB_PACK32 => (Fourcc::ABGR8888, Fourcc::XBGR8888),
        F::A2R10G10B10_UNORM_PACK32 => (Fourcc::ARGB2101010, Fourcc::XRGB2101010),
        F::A2B10G10R10_UNORM_PACK32 => (Fourcc::ABGR2101010, Fourcc::XBGR2101010),
        F::R16G16B16A16_SFLOAT => (Fourcc::ABGR16161616F, Fourcc::XBGR16161616F),
        F::R5G6B5_UNORM_PACK16 => (Fourcc::RGB565, Fourcc::RGB565),
        _ => return None,
    };
    Some(if opaque { without } else { with_alpha })
}

/// Bytes of a pixel, in a format that has a [`fourcc`].
pub(crate) fn bytes(format: vk::Format) -> Option<u32> {
    fourcc(format, true).map(|_| match format {
        vk::Format::R5G6B5_UNORM_PACK16 => 2,
        vk::Format::R16G16B16A16_SFLOAT => 8,
        _ => 4,
    })
}

/// The format whose texels are the words of a pixel as they lie in memory.
pub(super) fn words(format: vk::Format) -> Option<vk::Format> {
    match bytes(format)? {
        4 => Some(vk::Format::R32_UINT),
        8 => Some(vk::Format::R32G32_UINT),
        _ => None,
    }
}

/// The UNORM format with the same bits as an sRGB one.
pub(crate) fn unorm_twin(format: vk::Format) -> Option<vk::Format> {
    use vk::Format as F;
    match format {
        F::B8G8R8A8_SRGB => Some(F::B8G8R8A8_UNORM),
        F::R8G8B8A8_SRGB => Some(F::R8G8B8A8_UNORM),
        F::A8B8G8R8_SRGB_PACK32 => Some(F::A8B8G8R8_UNORM_PACK32),
        _ => None,
    }
}

/// What the codes mean as colour (H.273).
pub(crate) fn color(space: vk::ColorSpaceKHR) -> Color {
    match space {
        vk::ColorSpaceKHR::DISPLAY_P3_NONLINEAR_EXT => Color { primaries: 12, ..Color::SRGB },
        vk::ColorSpaceKHR::EXTENDED_SRGB_LINEAR_EXT => Color { transfer: 8, ..Color::SRGB },
        vk::ColorSpaceKHR::HDR10_ST2084_EXT => Color { primaries: 9, transfer: 16, ..Color::SRGB },
        _ => Color::SRGB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_window_has_no_alpha() {
        let format = vk::Format::B8G8R8A8_SRGB;
        assert_eq!(fourcc(format, true), Some(Fourcc::XRGB8888));
        assert_eq!(fourcc(format, false), Some(Fourcc::ARGB8888));
        assert_eq!(fourcc(vk::Format::R8_UNORM, true), None);
    }

    #[test]
    fn twins_have_one_fourcc() {
        for format in [vk::Format::B8G8R8A8_SRGB, vk::Format::R8G8B8A8_SRGB] {
            let twin = unorm_twin(format).unwrap();
            assert_eq!(fourcc(format, true), fourcc(twin, true));
            assert_eq!(unorm_twin(twin), None);
        }
    }
}
