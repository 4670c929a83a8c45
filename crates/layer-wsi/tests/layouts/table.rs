//! Everything that names the layout of an image, and what we do about it.

use crate::calls;
use crate::calls::Application;

/// What becomes of `PRESENT_SRC_KHR` there.
pub(crate) enum Treatment {
    /// The driver sees another layout; the function calls a command with it.
    Rewritten(fn(&Application)),
    /// It cannot be there, because of this rule.
    Excused(&'static str),
}

use Treatment::{Excused, Rewritten};

/// Where a layout is named: a structure or command without its author's suffix, and the member or
/// parameter as the header spells it.
pub(crate) type Place = (&'static str, &'static str, Treatment);

const DRIVERS: &str = "written by the driver";

/// `vulkan_core.h` of Vulkan 1.4.363.
pub(crate) const PLACES: &[Place] = &[
    ("VkImageMemoryBarrier", "oldLayout", Rewritten(calls::barrier)),
    ("VkImageMemoryBarrier", "newLayout", Rewritten(calls::events)),
    ("VkImageMemoryBarrier2", "oldLayout", Rewritten(calls::barrier2)),
    ("VkImageMemoryBarrier2", "newLayout", Rewritten(calls::events2)),
    ("VkAttachmentDescription", "initialLayout", Rewritten(calls::render_pass)),
    ("VkAttachmentDescription", "finalLayout", Rewritten(calls::render_pass)),
    ("VkAttachmentDescription2", "initialLayout", Rewritten(calls::render_pass2)),
    ("VkAttachmentDescription2", "finalLayout", Rewritten(calls::render_pass2)),
    ("VkHostImageLayoutTransitionInfo", "oldLayout", Rewritten(calls::transition)),
    ("VkHostImageLayoutTransitionInfo", "newLayout", Rewritten(calls::transition)),
    ("VkCopyMemoryToImageInfo", "dstImageLayout", Rewritten(calls::memory_to_image)),
    ("VkCopyImageToMemoryInfo", "srcImageLayout", Rewritten(calls::image_to_memory)),
    ("VkCopyImageToImageInfo", "srcImageLayout", Rewritten(calls::image_to_image)),
    ("VkCopyImageToImageInfo", "dstImageLayout", Rewritten(calls::image_to_image)),
    ("VkAttachmentReference", "layout", Excused("VUID-VkAttachmentReference-layout-03077")),
    ("VkAttachmentReference2", "layout", Excused("VUID-VkAttachmentReference2-layout-03077")),
    (
        "VkAttachmentReferenceStencilLayout",
        "stencilLayout",
        Excused("VUID-VkAttachmentReferenceStencilLayout-stencilLayout-03318"),
    ),
    ("VkAttachmentDescriptionStencilLayout", "stencilInitialLayout", Excused(STENCIL)),
    ("VkAttachmentDescriptionStencilLayout", "stencilFinalLayout", Excused(STENCIL)),
    (
        "VkRenderingAttachmentInfo",
        "imageLayout",
        Excused("VUID-VkRenderingAttachmentInfo-imageView-06145"),
    ),
    (
        "VkRenderingAttachmentInfo",
        "resolveImageLayout",
        Excused("VUID-VkRenderingAttachmentInfo-imageView-06146"),
    ),
    (
        "VkRenderingFragmentShadingRateAttachmentInfo",
        "imageLayout",
        Excused("VUID-VkRenderingFragmentShadingRateAttachmentInfoKHR-imageView-06147"),
    ),
    (
        "VkRenderingFragmentDensityMapAttachmentInfo",
        "imageLayout",
        Excused("VUID-VkRenderingFragmentDensityMapAttachmentInfoEXT-imageView-06157"),
    ),
    ("VkImageCreateInfo", "initialLayout", Excused("VUID-VkImageCreateInfo-initialLayout-00993")),
    (
        "VkDescriptorImageInfo",
        "imageLayout",
        Excused(
            "VUID-VkWriteDescriptorSet-descriptorType-04149 to -04152, also by template and push",
        ),
    ),
    ("VkImageDescriptorInfo", "layout", Excused("as for VkDescriptorImageInfo")),
    ("VkCopyImageInfo2", "srcImageLayout", Excused("VUID-VkCopyImageInfo2-srcImageLayout-01917")),
    ("VkCopyImageInfo2", "dstImageLayout", Excused("VUID-VkCopyImageInfo2-dstImageLayout-01395")),
    ("VkBlitImageInfo2", "srcImageLayout", Excused("VUID-VkBlitImageInfo2-srcImageLayout-01398")),
    ("VkBlitImageInfo2", "dstImageLayout", Excused("VUID-VkBlitImageInfo2-dstImageLayout-01399")),
    (
        "VkCopyBufferToImageInfo2",
        "dstImageLayout",
        Excused("VUID-VkCopyBufferToImageInfo2-dstImageLayout-01396"),
    ),
    (
        "VkCopyImageToBufferInfo2",
        "srcImageLayout",
        Excused("VUID-VkCopyImageToBufferInfo2-srcImageLayout-01397"),
    ),
    (
        "VkResolveImageInfo2",
        "srcImageLayout",
        Excused("VUID-VkResolveImageInfo2-srcImageLayout-01400"),
    ),
    (
        "VkResolveImageInfo2",
        "dstImageLayout",
        Excused("VUID-VkResolveImageInfo2-dstImageLayout-01401"),
    ),
    ("VkCopyMemoryToImageIndirectInfo", "dstImageLayout", Excused("transfer layouts only")),
    ("VkDeviceMemoryImageCopy", "imageLayout", Excused("transfer layouts only")),
    ("VkDataGraphPipelineResourceInfoImageLayoutARM", "layout", Excused("a tensor's")),
    ("VkPhysicalDeviceHostImageCopyProperties", "pCopySrcLayouts", Excused(DRIVERS)),
    ("VkPhysicalDeviceHostImageCopyProperties", "pCopyDstLayouts", Excused(DRIVERS)),
    ("VkPhysicalDeviceVulkan14Properties", "pCopySrcLayouts", Excused(DRIVERS)),
    ("VkPhysicalDeviceVulkan14Properties", "pCopyDstLayouts", Excused(DRIVERS)),
    ("vkCmdCopyImage", "srcImageLayout", Excused("VUID-vkCmdCopyImage-srcImageLayout-01917")),
    ("vkCmdCopyImage", "dstImageLayout", Excused("VUID-vkCmdCopyImage-dstImageLayout-01395")),
    ("vkCmdBlitImage", "srcImageLayout", Excused("VUID-vkCmdBlitImage-srcImageLayout-01398")),
    ("vkCmdBlitImage", "dstImageLayout", Excused("VUID-vkCmdBlitImage-dstImageLayout-01399")),
    (
        "vkCmdCopyBufferToImage",
        "dstImageLayout",
        Excused("VUID-vkCmdCopyBufferToImage-dstImageLayout-01396"),
    ),
    (
        "vkCmdCopyImageToBuffer",
        "srcImageLayout",
        Excused("VUID-vkCmdCopyImageToBuffer-srcImageLayout-01397"),
    ),
    ("vkCmdResolveImage", "srcImageLayout", Excused("VUID-vkCmdResolveImage-srcImageLayout-01400")),
    ("vkCmdResolveImage", "dstImageLayout", Excused("VUID-vkCmdResolveImage-dstImageLayout-01401")),
    ("vkCmdClearColorImage", "imageLayout", Excused("VUID-vkCmdClearColorImage-imageLayout-01394")),
    (
        "vkCmdClearDepthStencilImage",
        "imageLayout",
        Excused("VUID-vkCmdClearDepthStencilImage-imageLayout-00012"),
    ),
    (
        "vkCmdBindShadingRateImageNV",
        "imageLayout",
        Excused("VUID-vkCmdBindShadingRateImageNV-imageLayout-02063"),
    ),
    (
        "vkCmdBindInvocationMaskHUAWEI",
        "imageLayout",
        Excused("VUID-vkCmdBindInvocationMaskHUAWEI-imageView-04980"),
    ),
    (
        "vkCmdCopyMemoryToImageIndirectNV",
        "dstImageLayout",
        Excused("VUID-vkCmdCopyMemoryToImageIndirectNV-dstImageLayout-07669"),
    ),
    ("vkBindOpticalFlowSessionImageNV", "layout", Excused("an optical flow session's images")),
];

const STENCIL: &str = "an image that is presented has no stencil";
