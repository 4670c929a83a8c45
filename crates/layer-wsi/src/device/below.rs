//! Device commands of the next layer that are not in [`ash::Device`], or that it may lack.

use std::ffi::CStr;
use std::mem;

use ash::vk;
use zerohop_layer::link::Next;

/// Commands of the next layer. `None`: it lacks the command.
pub(crate) struct Below {
    /// For the commands that we do not hook.
    pub(crate) get_device_proc_addr: Option<vk::PFN_vkGetDeviceProcAddr>,
    pub(crate) queue_begin_label: Option<vk::PFN_vkQueueBeginDebugUtilsLabelEXT>,
    pub(crate) queue_end_label: Option<vk::PFN_vkQueueEndDebugUtilsLabelEXT>,
    pub(crate) queue_insert_label: Option<vk::PFN_vkQueueInsertDebugUtilsLabelEXT>,
    pub(crate) queue_set_performance: Option<vk::PFN_vkQueueSetPerformanceConfigurationINTEL>,
    pub(crate) transition_layout: Option<vk::PFN_vkTransitionImageLayoutEXT>,
    pub(crate) copy_memory_to_image: Option<vk::PFN_vkCopyMemoryToImageEXT>,
    pub(crate) copy_image_to_memory: Option<vk::PFN_vkCopyImageToMemoryEXT>,
    pub(crate) copy_image_to_image: Option<vk::PFN_vkCopyImageToImageEXT>,
    pub(crate) set_object_name: Option<vk::PFN_vkSetDebugUtilsObjectNameEXT>,
    pub(crate) set_object_tag: Option<vk::PFN_vkSetDebugUtilsObjectTagEXT>,
    pub(crate) marker_set_name: Option<vk::PFN_vkDebugMarkerSetObjectNameEXT>,
    pub(crate) marker_set_tag: Option<vk::PFN_vkDebugMarkerSetObjectTagEXT>,
}

impl Below {
    pub(super) fn load(next: &Next, device: vk::Device) -> Self {
        /// The command called `name`.
        ///
        /// # Safety
        ///
        /// `F` is the `PFN_*` type of that command.
        unsafe fn find<F: Copy>(next: &Next, device: vk::Device, name: &CStr) -> Option<F> {
            let found = next.raw_device_command(device, name);
            // SAFETY: the caller's promise; function pointers have one size.
            (!found.is_null()).then(|| unsafe { mem::transmute_copy(&found) })
        }
        macro_rules! find {
            ($name:literal) => {
                // SAFETY: the field's type is the `PFN_*` of this name.
                unsafe { find(next, device, $name) }
            };
        }
        Self {
            get_device_proc_addr: next.get_device_proc_addr,
            queue_begin_label: find!(c"vkQueueBeginDebugUtilsLabelEXT"),
            queue_end_label: find!(c"vkQueueEndDebugUtilsLabelEXT"),
            queue_insert_label: find!(c"vkQueueInsertDebugUtilsLabelEXT"),
            queue_set_performance: find!(c"vkQueueSetPerformanceConfigurationINTEL"),
            transition_layout: find!(c"vkTransitionImageLayout")
                .or_else(|| find!(c"vkTransitionImageLayoutEXT")),
            copy_memory_to_image: find!(c"vkCopyMemoryToImage")
                .or_else(|| find!(c"vkCopyMemoryToImageEXT")),
            copy_image_to_memory: find!(c"vkCopyImageToMemory")
                .or_else(|| find!(c"vkCopyImageToMemoryEXT")),
            copy_image_to_image: find!(c"vkCopyImageToImage")
                .or_else(|| find!(c"vkCopyImageToImageEXT")),
            set_object_name: find!(c"vkSetDebugUtilsObjectNameEXT"),
            set_object_tag: find!(c"vkSetDebugUtilsObjectTagEXT"),
            marker_set_name: find!(c"vkDebugMarkerSetObjectNameEXT"),
            marker_set_tag: find!(c"vkDebugMarkerSetObjectTagEXT"),
        }
    }
}
