//! The extensions that the layers provide, and the commands that come with each.

/// An extension of a layer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// As in `ppEnabledExtensionNames`.
    pub name: &'static str,
    /// `VkExtensionProperties::specVersion`.
    pub version: u32,
    /// The commands that it adds. A command of several extensions is in each of them.
    pub commands: &'static [&'static str],
}

/// What `layer-wsi` adds to every instance, in the order of the positions that it uses.
pub const INSTANCE_EXTENSIONS: &[Extension] = &[
    Extension {
        name: "VK_KHR_surface",
        version: 25,
        commands: &[
            "vkDestroySurfaceKHR",
            "vkGetPhysicalDeviceSurfaceSupportKHR",
            "vkGetPhysicalDeviceSurfaceCapabilitiesKHR",
            "vkGetPhysicalDeviceSurfaceFormatsKHR",
            "vkGetPhysicalDeviceSurfacePresentModesKHR",
        ],
    },
    Extension {
        name: "VK_KHR_xcb_surface",
        version: 6,
        commands: &["vkCreateXcbSurfaceKHR", "vkGetPhysicalDeviceXcbPresentationSupportKHR"],
    },
    Extension {
        name: "VK_KHR_xlib_surface",
        version: 6,
        commands: &["vkCreateXlibSurfaceKHR", "vkGetPhysicalDeviceXlibPresentationSupportKHR"],
    },
    Extension {
        name: "VK_KHR_wayland_surface",
        version: 6,
        commands: &[
            "vkCreateWaylandSurfaceKHR",
            "vkGetPhysicalDeviceWaylandPresentationSupportKHR",
        ],
    },
    Extension {
        name: "VK_EXT_headless_surface",
        version: 1,
        commands: &["vkCreateHeadlessSurfaceEXT"],
    },
    Extension {
        name: "VK_KHR_get_surface_capabilities2",
        version: 1,
        commands: &[
            "vkGetPhysicalDeviceSurfaceCapabilities2KHR",
            "vkGetPhysicalDeviceSurfaceFormats2KHR",
        ],
    },
    Extension { name: "VK_EXT_surface_maintenance1", version: 1, commands: &[] },
    Extension { name: "VK_KHR_surface_maintenance1", version: 1, commands: &[] },
    Extension {
        name: "VK_KHR_display",
        version: 23,
        commands: &[
            "vkGetPhysicalDeviceDisplayPropertiesKHR",
            "vkGetPhysicalDeviceDisplayPlanePropertiesKHR",
            "vkGetDisplayPlaneSupportedDisplaysKHR",
            "vkGetDisplayModePropertiesKHR",
            "vkCreateDisplayModeKHR",
            "vkGetDisplayPlaneCapabilitiesKHR",
            "vkCreateDisplayPlaneSurfaceKHR",
        ],
    },
    Extension {
        name: "VK_KHR_get_display_properties2",
        version: 1,
        commands: &[
            "vkGetPhysicalDeviceDisplayProperties2KHR",
            "vkGetPhysicalDeviceDisplayPlaneProperties2KHR",
            "vkGetDisplayModeProperties2KHR",
            "vkGetDisplayPlaneCapabilities2KHR",
        ],
    },
];

/// What `layer-wsi` adds to every device.
pub const DEVICE_EXTENSIONS: &[Extension] = &[
    Extension {
        name: "VK_KHR_swapchain",
        version: 70,
        commands: &[
            "vkCreateSwapchainKHR",
            "vkDestroySwapchainKHR",
            "vkGetSwapchainImagesKHR",
            "vkAcquireNextImageKHR",
            "vkAcquireNextImage2KHR",
            "vkQueuePresentKHR",
            "vkGetDeviceGroupPresentCapabilitiesKHR",
            "vkGetDeviceGroupSurfacePresentModesKHR",
            "vkGetPhysicalDevicePresentRectanglesKHR",
        ],
    },
    Extension { name: "VK_KHR_swapchain_mutable_format", version: 1, commands: &[] },
    Extension {
        name: "VK_EXT_swapchain_maintenance1",
        version: 1,
        commands: &["vkReleaseSwapchainImagesEXT"],
    },
    Extension {
        name: "VK_KHR_swapchain_maintenance1",
        version: 1,
        commands: &["vkReleaseSwapchainImagesKHR"],
    },
    Extension { name: "VK_KHR_incremental_present", version: 2, commands: &[] },
    Extension { name: "VK_KHR_present_id", version: 1, commands: &[] },
    Extension { name: "VK_KHR_present_wait", version: 1, commands: &["vkWaitForPresentKHR"] },
    Extension { name: "VK_KHR_present_id2", version: 1, commands: &[] },
    Extension { name: "VK_KHR_present_wait2", version: 1, commands: &["vkWaitForPresent2KHR"] },
];

/// What `layer-dmabuf` adds to devices that lack it, in the order of the positions that it uses.
pub const DMABUF_EXTENSIONS: &[Extension] = &[
    Extension {
        name: "VK_KHR_external_memory_fd",
        version: 1,
        commands: &["vkGetMemoryFdKHR", "vkGetMemoryFdPropertiesKHR"],
    },
    Extension { name: "VK_EXT_external_memory_dma_buf", version: 1, commands: &[] },
    Extension {
        name: "VK_EXT_image_drm_format_modifier",
        version: 2,
        commands: &["vkGetImageDrmFormatModifierPropertiesEXT"],
    },
    Extension { name: "VK_EXT_queue_family_foreign", version: 1, commands: &[] },
    Extension {
        name: "VK_KHR_external_semaphore_fd",
        version: 1,
        commands: &["vkGetSemaphoreFdKHR", "vkImportSemaphoreFdKHR"],
    },
    Extension {
        name: "VK_KHR_external_fence_fd",
        version: 1,
        commands: &["vkGetFenceFdKHR", "vkImportFenceFdKHR"],
    },
];
