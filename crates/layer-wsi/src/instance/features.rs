//! The features that come with our device extensions.

use std::ffi::c_void;

use ash::vk;
use zerohop_layer::chain;

use crate::newer::{PresentId2Features, PresentWait2Features};

/// Says yes to ours, whatever the driver said.
///
/// # Safety
///
/// `p_next` is the chain of a `VkPhysicalDeviceFeatures2` that is to be filled in.
pub(crate) unsafe fn answer(p_next: *mut c_void) {
    type Maintenance1<'a> = vk::PhysicalDeviceSwapchainMaintenance1FeaturesEXT<'a>;
    // SAFETY: the caller's promise.
    if let Some(out) = unsafe { chain::get_mut::<Maintenance1<'_>>(p_next) } {
        out.swapchain_maintenance1 = vk::TRUE;
    }
    type Id<'a> = vk::PhysicalDevicePresentIdFeaturesKHR<'a>;
    // SAFETY: the caller's promise.
    if let Some(out) = unsafe { chain::get_mut::<Id<'_>>(p_next) } {
        out.present_id = vk::TRUE;
    }
    type Wait<'a> = vk::PhysicalDevicePresentWaitFeaturesKHR<'a>;
    // SAFETY: the caller's promise.
    if let Some(out) = unsafe { chain::get_mut::<Wait<'_>>(p_next) } {
        out.present_wait = vk::TRUE;
    }
    // SAFETY: the caller's promise.
    if let Some(out) = unsafe { chain::get_mut::<PresentId2Features<'_>>(p_next) } {
        out.present_id2 = vk::TRUE;
    }
    // SAFETY: the caller's promise.
    if let Some(out) = unsafe { chain::get_mut::<PresentWait2Features<'_>>(p_next) } {
        out.present_wait2 = vk::TRUE;
    }
}
