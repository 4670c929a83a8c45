//! Structures that are newer than the bindings.
//!
//! # References
//!
//! `vulkan_core.h` of Vulkan 1.4.317 and later: `VK_KHR_present_id2`, `VK_KHR_present_wait2`.

use std::ffi::c_void;

use ash::vk;

/// `VK_SWAPCHAIN_CREATE_PRESENT_ID_2_BIT_KHR | VK_SWAPCHAIN_CREATE_PRESENT_WAIT_2_BIT_KHR`.
pub const PRESENT_ID_AND_WAIT_2: vk::SwapchainCreateFlagsKHR =
    vk::SwapchainCreateFlagsKHR::from_raw(0x40 | 0x80);

/// A structure of one truth value: a feature, or what a surface supports.
#[repr(C)]
#[derive(Debug)]
pub struct Truth<const KIND: i32> {
    s_type: vk::StructureType,
    p_next: *mut c_void,
    /// The value.
    pub value: vk::Bool32,
}

impl<const KIND: i32> Truth<KIND> {
    /// One with this value.
    pub fn new(value: bool) -> Self {
        let s_type = vk::StructureType::from_raw(KIND);
        Self { s_type, p_next: std::ptr::null_mut(), value: value.into() }
    }
}

/// `VkPhysicalDevicePresentId2FeaturesKHR`.
pub type PresentId2Features = Truth<1_000_479_002>;
/// `VkPhysicalDevicePresentWait2FeaturesKHR`.
pub type PresentWait2Features = Truth<1_000_480_001>;
/// `VkSurfaceCapabilitiesPresentId2KHR`.
pub type SurfacePresentId2 = Truth<1_000_479_000>;
/// `VkSurfaceCapabilitiesPresentWait2KHR`.
pub type SurfacePresentWait2 = Truth<1_000_480_000>;

// SAFETY: vk.xml lets both feature structures extend VkDeviceCreateInfo.
unsafe impl<const KIND: i32> vk::ExtendsDeviceCreateInfo for Truth<KIND> {}
// SAFETY: vk.xml lets both surface structures extend VkSurfaceCapabilities2KHR.
unsafe impl<const KIND: i32> vk::ExtendsSurfaceCapabilities2KHR for Truth<KIND> {}

/// `VkPresentId2KHR` for one swapchain.
#[repr(C)]
#[derive(Debug)]
pub struct PresentId2 {
    s_type: vk::StructureType,
    p_next: *const c_void,
    swapchain_count: u32,
    p_present_ids: *const u64,
}

impl PresentId2 {
    /// The structure for `id`, which must outlive it.
    pub fn new(id: &u64) -> Self {
        Self {
            s_type: vk::StructureType::from_raw(1_000_479_001),
            p_next: std::ptr::null(),
            swapchain_count: 1,
            p_present_ids: id,
        }
    }
}

// SAFETY: vk.xml lets it extend VkPresentInfoKHR.
unsafe impl vk::ExtendsPresentInfoKHR for PresentId2 {}

/// `VkPresentWait2InfoKHR`.
#[repr(C)]
#[derive(Debug)]
pub struct PresentWait2 {
    s_type: vk::StructureType,
    p_next: *const c_void,
    present_id: u64,
    timeout: u64,
}

impl PresentWait2 {
    /// A wait for `present_id` of at most `timeout` nanoseconds.
    pub fn new(present_id: u64, timeout: u64) -> Self {
        let s_type = vk::StructureType::from_raw(1_000_480_002);
        Self { s_type, p_next: std::ptr::null(), present_id, timeout }
    }
}

/// `PFN_vkWaitForPresent2KHR`.
pub type WaitForPresent2 =
    unsafe extern "system" fn(vk::Device, vk::SwapchainKHR, *const PresentWait2) -> vk::Result;
