//! The one feature that we enable for ourselves: timeline semaphores.

use std::ffi::c_void;

use ash::vk;
use zerohop_layer::chain;

/// What goes before an application's chain of `vkCreateDevice`.
#[derive(Default)]
pub(super) struct Features {
    alone: vk::PhysicalDeviceTimelineSemaphoreFeatures<'static>,
    among: vk::PhysicalDeviceVulkan12Features<'static>,
}

/// The structures that have the feature.
pub(super) const KINDS: [vk::StructureType; 2] = [
    vk::StructureType::PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
    vk::StructureType::PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
];

impl Features {
    /// The head of a chain that enables timelines, and all else that `p_next` enables: `rest` is the
    /// same without [`KINDS`]. `None`: they cannot be taken out.
    ///
    /// # Safety
    ///
    /// Both are chains of live structures, which outlive the result, as `self` does.
    pub(super) unsafe fn before(
        &mut self,
        p_next: *const c_void,
        rest: *const c_void,
    ) -> Option<*const c_void> {
        // SAFETY: the caller's promise.
        if unsafe { chain::find(rest, |_, kind| KINDS.contains(&kind)) }.is_some() {
            return None;
        }
        // SAFETY: the caller's promise.
        let among = unsafe { chain::get::<vk::PhysicalDeviceVulkan12Features<'_>>(p_next) };
        // One of the two, never both (VUID-VkDeviceCreateInfo-pNext-02830).
        Some(match among {
            Some(among) => {
                self.among = vk::PhysicalDeviceVulkan12Features {
                    p_next: rest.cast_mut(),
                    timeline_semaphore: vk::TRUE,
                    _marker: std::marker::PhantomData,
                    ..*among
                };
                (&raw const self.among).cast()
            }
            None => {
                self.alone.p_next = rest.cast_mut();
                self.alone.timeline_semaphore = vk::TRUE;
                (&raw const self.alone).cast()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chain of `info` as it goes down.
    fn rebuilt(p_next: *const c_void, look: impl FnOnce(*const c_void)) {
        // SAFETY: the callers' chains are of live structures.
        let rest = unsafe { chain::without(p_next, &KINDS) };
        let mut features = Features::default();
        // SAFETY: as above.
        look(unsafe { features.before(p_next, rest.head()) }.expect("they can be taken out"));
    }

    fn get<'a, T: vk::TaggedStructure>(p_next: *const c_void) -> Option<&'a T> {
        // SAFETY: the tests' chains are of live structures.
        unsafe { chain::get(p_next) }
    }

    #[test]
    fn what_an_application_enables_stays_enabled() {
        let mut among = vk::PhysicalDeviceVulkan12Features::default().host_query_reset(true);
        let mut other = vk::PhysicalDevice16BitStorageFeatures::default();
        let info = vk::DeviceCreateInfo::default().push_next(&mut among).push_next(&mut other);
        rebuilt(info.p_next, |head| {
            let down: &vk::PhysicalDeviceVulkan12Features<'_> = get(head).unwrap();
            assert_eq!((down.host_query_reset, down.timeline_semaphore), (vk::TRUE, vk::TRUE));
            assert!(get::<vk::PhysicalDevice16BitStorageFeatures<'_>>(head).is_some());
            assert!(get::<vk::PhysicalDeviceTimelineSemaphoreFeatures<'_>>(head).is_none());
        });
        assert_eq!(among.timeline_semaphore, vk::FALSE, "the application's own is as it was");
    }

    #[test]
    fn one_that_asks_for_nothing_gets_the_one_structure() {
        rebuilt(std::ptr::null(), |head| {
            let down: &vk::PhysicalDeviceTimelineSemaphoreFeatures<'_> = get(head).unwrap();
            assert_eq!((down.timeline_semaphore, down.p_next.is_null()), (vk::TRUE, true));
        });
        let mut no = vk::PhysicalDeviceTimelineSemaphoreFeatures::default();
        let info = vk::DeviceCreateInfo::default().push_next(&mut no);
        rebuilt(info.p_next, |head| {
            let down: &vk::PhysicalDeviceTimelineSemaphoreFeatures<'_> = get(head).unwrap();
            assert_eq!((down.timeline_semaphore, down.p_next.is_null()), (vk::TRUE, true));
        });
    }
}
