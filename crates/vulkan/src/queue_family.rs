//! On which queue our work runs, and before whose.
//!
//! Classification and conversion take a few microseconds of a GPU, but must not wait for those an
//! application fills it with. Two things keep it from that: a queue family for compute alone, whose
//! work runs beside the graphics of others, and a high global priority
//! (`VK_KHR_global_priority`), with which it runs before theirs. The system may refuse the second:
//! Linux drivers want `CAP_SYS_NICE` for it. Then the device is opened without, and
//! [`Device::fallback`](crate::Device::fallback) says so.
//!
//! Measured on an H200 (driver 580.159, as root): `vkCreateDevice` takes every priority on the families
//! with graphics and with compute alone, and refuses `REALTIME` on those for transfer and decoding.
//! Between processes its time is sliced, whatever the family: a classification of 14 us of GPU time
//! returns after 0.08 ms beside nobody, and after 0.7 to 1.3 ms (p99 2 to 2.9 ms) beside a process that
//! keeps three submissions of 1.85 ms queued, from either family, and `HIGH` changes nothing there.
//! `REALTIME` bounds it (p99 1.2 to 1.9 ms), but costs 0.19 ms for each submission when nobody else
//! is there, which is three times what a picture may take on its way. And a dozen hosts with `HIGH`
//! keep others from beginning ([`Quirks::high_priority_starves`]): so there none is asked for.
//!
//! [`Quirks::high_priority_starves`]: crate::quirks::Quirks::high_priority_starves

use std::ffi::CStr;

use ash::{ext, khr, vk};
use zerohop_frame::Fallback;

use crate::error::Doing;
use crate::{Error, PhysicalDevice};

/// A device that was made, and what is worse about its queue than it could be.
pub(crate) struct Made {
    pub(crate) raw: ash::Device,
    pub(crate) fallback: Option<Fallback>,
}

/// A family for compute alone when there is one, so that the application's graphics queue is not
/// disturbed; any other with compute otherwise.
pub(crate) fn choose(physical: &PhysicalDevice) -> Option<u32> {
    let all = families(physical);
    let computes = |family: &vk::QueueFamilyProperties| {
        family.queue_flags.contains(vk::QueueFlags::COMPUTE) && family.queue_count > 0
    };
    let alone = |family: &vk::QueueFamilyProperties| {
        computes(family) && !family.queue_flags.contains(vk::QueueFlags::GRAPHICS)
    };
    let index = all.iter().position(alone).or_else(|| all.iter().position(computes))?;
    u32::try_from(index).ok()
}

pub(crate) fn families(physical: &PhysicalDevice) -> Vec<vk::QueueFamilyProperties> {
    // SAFETY: `physical` is of this instance.
    unsafe { physical.instance.raw().get_physical_device_queue_family_properties(physical.raw) }
}

/// Makes the device with one queue of `family`, of high priority where it is to go `first` and that is
/// allowed.
///
/// # References
///
/// `vkCreateDevice`: `VK_ERROR_NOT_PERMITTED_KHR` where the caller may not have the priority, and
/// `VK_ERROR_INITIALIZATION_FAILED` where the family has none of it.
pub(crate) fn create(
    first: bool,
    extensions: &[&'static CStr],
    family: u32,
    make: &mut dyn FnMut(vk::DeviceQueueCreateInfo<'_>) -> Result<ash::Device, vk::Result>,
) -> Result<Made, Error> {
    let queue = vk::DeviceQueueCreateInfo::default().queue_family_index(family);
    let queue = queue.queue_priorities(&[1.0]);
    let names = [khr::global_priority::NAME, ext::global_priority::NAME];
    let reason = if !first {
        None
    } else if names.iter().any(|name| extensions.contains(name)) {
        let mut high = vk::DeviceQueueGlobalPriorityCreateInfoKHR::default()
            .global_priority(vk::QueueGlobalPriorityKHR::HIGH);
        match make(queue.push_next(&mut high)) {
            Err(vk::Result::ERROR_NOT_PERMITTED_KHR) => {
                Some("this process may not have a high priority (CAP_SYS_NICE)".to_owned())
            }
            Err(vk::Result::ERROR_INITIALIZATION_FAILED) => {
                Some(format!("queue family {family} has no high priority"))
            }
            other => {
                return Ok(Made { raw: other.doing("create a device")?, fallback: None });
            }
        }
    } else {
        Some("the driver has no VK_KHR_global_priority".to_owned())
    };
    let raw = make(queue).doing("create a device")?;
    let fallback = reason.map(|reason| Fallback {
        what: "priority".into(),
        reason,
        cost: "pictures wait while another program keeps the GPU busy".into(),
    });
    Ok(Made { raw, fallback })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a driver that refuses everything. Whether each request was for a priority.
    fn asked(first: bool, extensions: &[&'static CStr], refusal: vk::Result) -> Vec<bool> {
        let mut asked = Vec::new();
        let made = create(first, extensions, 3, &mut |queue| {
            asked.push(!queue.p_next.is_null());
            Err(refusal)
        });
        assert!(made.is_err());
        asked
    }

    #[test]
    fn what_the_system_refuses_is_not_insisted_on() {
        let offered = [khr::global_priority::NAME];
        for refusal in
            [vk::Result::ERROR_NOT_PERMITTED_KHR, vk::Result::ERROR_INITIALIZATION_FAILED]
        {
            assert_eq!(asked(true, &offered, refusal), [true, false]);
        }
        // Another failure has nothing to do with it.
        assert_eq!(asked(true, &offered, vk::Result::ERROR_DEVICE_LOST), [true]);
        assert_eq!(asked(true, &[], vk::Result::ERROR_DEVICE_LOST), [false]);
        assert_eq!(asked(false, &offered, vk::Result::ERROR_DEVICE_LOST), [false]);
    }
}
