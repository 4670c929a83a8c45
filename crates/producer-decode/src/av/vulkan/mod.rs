//! What FFmpeg has in images of its own Vulkan device, copied by that device to memory that can
//! leave.
//!
//! The images themselves stay: a decoder reads them again as references, in a layout of its own; an
//! image for video can only be made again by one who knows the codec's profile
//! (VUID-VkImageCreateInfo-usage-04815); and it is larger than the picture.

mod copy;
mod device;
mod target;

pub(crate) use copy::VulkanCopier;
pub(crate) use target::Target;
