//! The formats that pictures for a surface can have.

use ash::vk;

use crate::instance::InstanceState;
use crate::surface::Surface;

const WINDOW: &[vk::Format] = &[vk::Format::B8G8R8A8_SRGB, vk::Format::B8G8R8A8_UNORM];

/// What the device can render to and hand over, best first.
pub(crate) fn formats(
    _instance: &InstanceState,
    _physical: vk::PhysicalDevice,
    _surface: Option<&Surface>,
) -> Vec<vk::SurfaceFormatKHR> {
    let color_space = vk::ColorSpaceKHR::SRGB_NONLINEAR;
    WINDOW.iter().map(|format| vk::SurfaceFormatKHR { format: *format, color_space }).collect()
}
