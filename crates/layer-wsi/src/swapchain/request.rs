//! What one `vkQueuePresentKHR` asks for, swapchain by swapchain.

use ash::vk;
use zerohop_frame::{Damage, Extent};
use zerohop_layer::chain;

use super::damage;
use super::plan::slice;
use crate::newer::PresentId2;

/// The arrays of a `VkPresentInfoKHR` and of what hangs on it. Those that are not there are empty.
///
/// `VkDeviceGroupPresentInfoKHR` says nothing that matters on a group of one device, which is all
/// that we offer (`vkGetDeviceGroupPresentCapabilitiesKHR`).
pub(crate) struct Request<'a> {
    /// What to wait for before the pictures are complete.
    pub(crate) waits: &'a [vk::Semaphore],
    swapchains: &'a [vk::SwapchainKHR],
    indices: &'a [u32],
    results: Option<&'a mut [vk::Result]>,
    regions: &'a [vk::PresentRegionKHR<'a>],
    ids: &'a [u64],
    fences: &'a [vk::Fence],
    modes: &'a [vk::PresentModeKHR],
}

/// The part of one swapchain.
pub(crate) struct Asked {
    /// The handle.
    pub(crate) swapchain: vk::SwapchainKHR,
    /// The image.
    pub(crate) index: u32,
    /// `VkPresentIdKHR` or `VkPresentId2KHR`; 0 for none.
    pub(crate) id: u64,
    /// `VkSwapchainPresentFenceInfoEXT`; null for none.
    pub(crate) fence: vk::Fence,
    /// `VkSwapchainPresentModeInfoEXT`.
    pub(crate) mode: Option<vk::PresentModeKHR>,
}

impl<'a> Request<'a> {
    /// What `info` says.
    ///
    /// # Safety
    ///
    /// `info` is what `vkQueuePresentKHR` got, and `'a` is no longer than that call.
    pub(crate) unsafe fn new(info: &vk::PresentInfoKHR<'a>) -> Self {
        /// The array of a structure in the chain; `$count` and `$array` are its fields.
        macro_rules! array {
            ($kind:ty, $count:ident, $array:ident) => {{
                // SAFETY: VUID-VkPresentInfoKHR-pNext-pNext.
                let found = unsafe { chain::get::<$kind>(info.p_next) };
                // SAFETY: VUID-*-parameter of the array.
                found.map_or(&[][..], |it| unsafe { slice(it.$array, it.$count) })
            }};
        }
        let count = info.swapchain_count;
        // SAFETY: VUID-VkPresentInfoKHR-pResults-parameter; nobody else has the array.
        let results = (!info.p_results.is_null())
            .then(|| unsafe { std::slice::from_raw_parts_mut(info.p_results, count as usize) });
        Self {
            // SAFETY: VUID-VkPresentInfoKHR-pWaitSemaphores-parameter.
            waits: unsafe { slice(info.p_wait_semaphores, info.wait_semaphore_count) },
            // SAFETY: VUID-VkPresentInfoKHR-pSwapchains-parameter.
            swapchains: unsafe { slice(info.p_swapchains, count) },
            // SAFETY: VUID-VkPresentInfoKHR-pImageIndices-parameter.
            indices: unsafe { slice(info.p_image_indices, count) },
            results,
            regions: array!(vk::PresentRegionsKHR<'_>, swapchain_count, p_regions),
            ids: match array!(PresentId2<'_>, swapchain_count, p_present_ids) {
                [] => array!(vk::PresentIdKHR<'_>, swapchain_count, p_present_ids),
                ids => ids,
            },
            fences: array!(vk::SwapchainPresentFenceInfoEXT<'_>, swapchain_count, p_fences),
            modes: array!(vk::SwapchainPresentModeInfoEXT<'_>, swapchain_count, p_present_modes),
        }
    }

    /// How many swapchains are presented to.
    pub(crate) fn len(&self) -> usize {
        self.swapchains.len()
    }

    /// The part of swapchain number `at`, which is below [`len`](Self::len).
    pub(crate) fn asked(&self, at: usize) -> Asked {
        Asked {
            swapchain: self.swapchains[at],
            index: self.indices[at],
            id: self.ids.get(at).copied().unwrap_or(0),
            fence: self.fences.get(at).copied().unwrap_or_default(),
            mode: self.modes.get(at).copied(),
        }
    }

    /// Where the picture of swapchain number `at` changed.
    pub(crate) fn damage(&self, at: usize, extent: Extent) -> Damage {
        let Some(region) = self.regions.get(at) else { return Damage::Unknown };
        // SAFETY: VUID-VkPresentRegionKHR-pRectangles-parameter.
        damage::of(unsafe { slice(region.p_rectangles, region.rectangle_count) }, extent)
    }

    /// Tells the application what became of swapchain number `at`.
    pub(crate) fn report(&mut self, at: usize, result: vk::Result) {
        if let Some(results) = &mut self.results {
            results[at] = result;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_in_either_structure() {
        let ids = [5u64];
        let id2 = PresentId2 {
            s_type: <PresentId2<'_> as vk::TaggedStructure>::STRUCTURE_TYPE,
            p_next: std::ptr::null_mut(),
            swapchain_count: 1,
            p_present_ids: ids.as_ptr(),
            life: std::marker::PhantomData,
        };
        let mut info = vk::PresentInfoKHR::default();
        let (swapchains, indices) = ([vk::SwapchainKHR::null()], [0]);
        info = info.swapchains(&swapchains).image_indices(&indices);
        info.p_next = (&raw const id2).cast();
        // SAFETY: every array is a local.
        assert_eq!(unsafe { Request::new(&info) }.asked(0).id, 5);
    }

    #[test]
    fn each_swapchain_gets_its_own_part() {
        let (swapchains, indices) = ([vk::SwapchainKHR::null(); 2], [3, 1]);
        let (ids, modes) = ([7, 0], [vk::PresentModeKHR::FIFO, vk::PresentModeKHR::MAILBOX]);
        let mut ids = vk::PresentIdKHR::default().present_ids(&ids);
        let mut modes = vk::SwapchainPresentModeInfoEXT::default().present_modes(&modes);
        let mut results = [vk::Result::ERROR_UNKNOWN; 2];
        let info = vk::PresentInfoKHR::default()
            .swapchains(&swapchains)
            .image_indices(&indices)
            .results(&mut results)
            .push_next(&mut ids)
            .push_next(&mut modes);
        // SAFETY: every array is a local.
        let mut request = unsafe { Request::new(&info) };
        let second = request.asked(1);
        assert_eq!((second.index, second.id, second.fence), (1, 0, vk::Fence::null()));
        assert_eq!(second.mode, Some(vk::PresentModeKHR::MAILBOX));
        assert_eq!(request.asked(0).id, 7);
        request.report(1, vk::Result::SUBOPTIMAL_KHR);
        assert_eq!(results, [vk::Result::ERROR_UNKNOWN, vk::Result::SUBOPTIMAL_KHR]);
    }
}
