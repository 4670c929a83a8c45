//! Structures that are newer than the bindings: `VK_KHR_present_id2` and `VK_KHR_present_wait2`.
//!
//! # References
//!
//! `vulkan_core.h` of Vulkan 1.4.317 and later.

use std::ffi::c_void;
use std::marker::PhantomData;

use ash::vk;

/// `VK_SWAPCHAIN_CREATE_PRESENT_ID_2_BIT_KHR`.
pub(crate) const PRESENT_ID_2: vk::SwapchainCreateFlagsKHR =
    vk::SwapchainCreateFlagsKHR::from_raw(0x40);

/// `VK_SWAPCHAIN_CREATE_PRESENT_WAIT_2_BIT_KHR`.
pub(crate) const PRESENT_WAIT_2: vk::SwapchainCreateFlagsKHR =
    vk::SwapchainCreateFlagsKHR::from_raw(0x80);

/// Declares a structure and says what its `sType` is.
macro_rules! structure {
    ($(#[$doc:meta])* $name:ident = $number:literal { $($(#[$field:meta])* $member:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name<'a> {
            pub(crate) s_type: vk::StructureType,
            pub(crate) p_next: *mut c_void,
            $($(#[$field])* pub(crate) $member: $kind,)*
            pub(crate) life: PhantomData<&'a ()>,
        }

        // SAFETY: the number is the one that the header gives this structure.
        unsafe impl vk::TaggedStructure for $name<'_> {
            const STRUCTURE_TYPE: vk::StructureType = vk::StructureType::from_raw($number);
        }
    };
}

structure! {
    /// `VkSurfaceCapabilitiesPresentId2KHR`.
    SurfacePresentId2 = 1_000_479_000 { supported: vk::Bool32, }
}
structure! {
    /// `VkPresentId2KHR`.
    PresentId2 = 1_000_479_001 {
        swapchain_count: u32,
        /// Null, or one id for each swapchain; 0 for none.
        p_present_ids: *const u64,
    }
}
structure! {
    /// `VkPhysicalDevicePresentId2FeaturesKHR`.
    PresentId2Features = 1_000_479_002 { present_id2: vk::Bool32, }
}
structure! {
    /// `VkSurfaceCapabilitiesPresentWait2KHR`.
    SurfacePresentWait2 = 1_000_480_000 { supported: vk::Bool32, }
}
structure! {
    /// `VkPhysicalDevicePresentWait2FeaturesKHR`.
    PresentWait2Features = 1_000_480_001 { present_wait2: vk::Bool32, }
}
structure! {
    /// `VkPresentWait2InfoKHR`.
    PresentWait2 = 1_000_480_002 {
        /// The one to wait for, or a greater one.
        present_id: u64,
        /// Nanoseconds; `u64::MAX` is for ever.
        timeout: u64,
    }
}

/// `PFN_vkWaitForPresent2KHR`.
pub(crate) type WaitForPresent2 =
    unsafe extern "system" fn(vk::Device, vk::SwapchainKHR, *const PresentWait2<'_>) -> vk::Result;

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn the_layout_is_that_of_the_header_on_64_bits() {
        assert_eq!(offset_of!(PresentId2<'_>, p_present_ids), 24);
        assert_eq!(offset_of!(PresentWait2<'_>, timeout), 24);
        assert_eq!(size_of::<PresentId2Features<'_>>(), 24);
    }
}
