//! The formats that pictures for a surface can have.

use ash::vk;
use zerohop_layer::LayerError;

use crate::instance::PhysicalState;
use crate::surface::capabilities::lost;
use crate::surface::{Platform, Surface};

/// Of a window of an X server, as far as its pixels look so. Mesa's order: the first one is what
/// many applications take.
const X11: &[vk::Format] = &[
    vk::Format::B8G8R8A8_SRGB,
    vk::Format::B8G8R8A8_UNORM,
    vk::Format::R8G8B8A8_SRGB,
    vk::Format::R8G8B8A8_UNORM,
    vk::Format::A2R10G10B10_UNORM_PACK32,
    vk::Format::A2B10G10R10_UNORM_PACK32,
    vk::Format::R5G6B5_UNORM_PACK16,
];

/// Of a Wayland surface or a display: Mesa's on a plain compositor, and then what a host takes
/// besides.
const WAYLAND: &[vk::Format] = &[
    vk::Format::B8G8R8A8_SRGB,
    vk::Format::B8G8R8A8_UNORM,
    vk::Format::R8G8B8A8_SRGB,
    vk::Format::R8G8B8A8_UNORM,
    vk::Format::A2R10G10B10_UNORM_PACK32,
    vk::Format::A2B10G10R10_UNORM_PACK32,
];

/// Without a window: Mesa's two, and then what a host takes besides.
const HEADLESS: &[vk::Format] = &[
    vk::Format::R8G8B8A8_UNORM,
    vk::Format::B8G8R8A8_UNORM,
    vk::Format::R8G8B8A8_SRGB,
    vk::Format::B8G8R8A8_SRGB,
    vk::Format::A2R10G10B10_UNORM_PACK32,
    vk::Format::A2B10G10R10_UNORM_PACK32,
];

/// Of a screen that the application drives: every card shows these, and not every one others.
const SCREEN: &[vk::Format] = &[vk::Format::B8G8R8A8_SRGB, vk::Format::B8G8R8A8_UNORM];

/// Of every surface: the usual windows of an X server take no other.
const ANY: &[vk::Format] = &[vk::Format::B8G8R8A8_SRGB, vk::Format::B8G8R8A8_UNORM];

/// What the device can render to and hand over, best first.
///
/// # Errors
///
/// `VK_ERROR_SURFACE_LOST_KHR` when the window is gone.
pub(crate) fn formats(
    physical: &PhysicalState,
    surface: &Surface,
) -> Result<Vec<vk::SurfaceFormatKHR>, LayerError> {
    let (list, visual) = match surface.platform() {
        Platform::X11 if !surface.is_alive() => return Err(lost(surface)),
        Platform::X11 => (X11, surface.visual()),
        Platform::Display if surface.drives() => (SCREEN, None),
        Platform::Wayland | Platform::Display => (WAYLAND, None),
        Platform::Headless => (HEADLESS, None),
        Platform::Any => (ANY, None),
    };
    let color_space = vk::ColorSpaceKHR::SRGB_NONLINEAR;
    let fits = |format: &&vk::Format| {
        physical.has_format(**format) && visual.is_none_or(|visual| visual.takes(**format))
    };
    let entry = |format: &vk::Format| vk::SurfaceFormatKHR { format: *format, color_space };
    Ok(list.iter().filter(fits).map(entry).collect())
}
