//! A Vulkan device with one queue that can draw and present.

use std::ffi::{CStr, CString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::{khr, vk};

use super::newer::{PresentId2Features, PresentWait2Features};
use super::{Doing, Error, Instance};

/// Features of WSI extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `presentId` of `VK_KHR_present_id`.
    pub present_id: bool,
    /// `presentWait` of `VK_KHR_present_wait`.
    pub present_wait: bool,
    /// `presentId2` of `VK_KHR_present_id2`.
    pub present_id2: bool,
    /// `presentWait2` of `VK_KHR_present_wait2`.
    pub present_wait2: bool,
    /// `swapchainMaintenance1` of `VK_EXT_swapchain_maintenance1`.
    pub maintenance1: bool,
}

/// What a device is to have.
#[derive(Clone, Debug, Default)]
pub struct DeviceOptions<'a> {
    /// Extensions beside `VK_KHR_swapchain`.
    pub extensions: &'a [&'a CStr],
    /// Features beside those of the core.
    pub features: Features,
}

/// A `VkDevice`.
pub struct Device {
    instance: Arc<Instance>,
    physical: vk::PhysicalDevice,
    family: u32,
    raw: ash::Device,
    swapchain: khr::swapchain::Device,
    queue: Mutex<vk::Queue>,
}

impl Device {
    /// Makes one on the instance's physical device.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] for an extension that is not there.
    pub fn new(instance: &Arc<Instance>, options: &DeviceOptions<'_>) -> Result<Arc<Self>, Error> {
        let physical = instance.physical()?;
        let mut names = vec![khr::swapchain::NAME];
        names.extend_from_slice(options.extensions);
        let listed = Self::listed(instance, physical)?;
        let missing = |name: &&&CStr| !listed.iter().any(|listed| listed.as_c_str() == **name);
        if let Some(name) = names.iter().find(missing) {
            return Err(Error::Missing(name.to_string_lossy().into_owned()));
        }
        let family = family(instance, physical)?;
        let raw = create(instance, physical, family, &names, options.features)?;
        let swapchain = khr::swapchain::Device::new(instance.raw(), &raw);
        // SAFETY: one queue of `family` was asked for.
        let queue = Mutex::new(unsafe { raw.get_device_queue(family, 0) });
        let instance = Arc::clone(instance);
        Ok(Arc::new(Self { instance, physical, family, raw, swapchain, queue }))
    }

    /// The device extensions of a physical device, those of layers included.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn listed(
        instance: &Instance,
        physical: vk::PhysicalDevice,
    ) -> Result<Vec<CString>, Error> {
        // SAFETY: `physical` is of `instance`.
        let listed = unsafe { instance.raw().enumerate_device_extension_properties(physical) };
        let listed = listed.doing("list device extensions")?;
        let names = listed.iter().filter_map(|p| p.extension_name_as_c_str().ok());
        Ok(names.map(CString::from).collect())
    }

    /// The instance.
    pub fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// The physical device.
    pub fn physical(&self) -> vk::PhysicalDevice {
        self.physical
    }

    /// The queue family of [`queue`](Self::queue).
    pub fn family(&self) -> u32 {
        self.family
    }

    /// The device.
    pub fn raw(&self) -> &ash::Device {
        &self.raw
    }

    /// The commands of `VK_KHR_swapchain`.
    pub fn swapchain(&self) -> &khr::swapchain::Device {
        &self.swapchain
    }

    /// The queue, locked: Vulkan wants it synchronized by the application.
    pub fn queue(&self) -> MutexGuard<'_, vk::Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all work is done.
    pub fn wait_idle(&self) {
        let _queue = self.queue();
        // SAFETY: the lock keeps others from the queue. A lost device has no work either.
        let _ = unsafe { self.raw.device_wait_idle() };
    }

    /// The first memory type of `bits` with `flags`.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`].
    pub fn memory_type(&self, bits: u32, flags: vk::MemoryPropertyFlags) -> Result<u32, Error> {
        let raw = self.instance.raw();
        // SAFETY: `physical` is of this instance.
        let properties = unsafe { raw.get_physical_device_memory_properties(self.physical) };
        let types = properties.memory_types_as_slice();
        let found = (0..)
            .zip(types)
            .find(|(index, kind)| bits & 1 << index != 0 && kind.property_flags.contains(flags));
        let missing = || Error::Missing(format!("memory type of {bits:#b} with {flags:?}"));
        found.map(|(index, _)| index).ok_or_else(missing)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.wait_idle();
        // SAFETY: every child holds an `Arc` of us, and nothing runs any more.
        unsafe { self.raw.destroy_device(None) };
    }
}

/// The first family with a graphics queue.
fn family(instance: &Instance, physical: vk::PhysicalDevice) -> Result<u32, Error> {
    // SAFETY: `physical` is of `instance`.
    let families = unsafe { instance.raw().get_physical_device_queue_family_properties(physical) };
    let graphics =
        |family: &vk::QueueFamilyProperties| family.queue_flags.contains(vk::QueueFlags::GRAPHICS);
    let missing = || Error::Missing("graphics queue".to_owned());
    let index = families.iter().position(graphics).ok_or_else(missing)?;
    Ok(u32::try_from(index).unwrap_or(u32::MAX))
}

fn create(
    instance: &Instance,
    physical: vk::PhysicalDevice,
    family: u32,
    names: &[&CStr],
    features: Features,
) -> Result<ash::Device, Error> {
    let queue =
        vk::DeviceQueueCreateInfo::default().queue_family_index(family).queue_priorities(&[1.0]);
    let names: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let mut id = vk::PhysicalDevicePresentIdFeaturesKHR::default().present_id(true);
    let mut wait = vk::PhysicalDevicePresentWaitFeaturesKHR::default().present_wait(true);
    let mut id2 = PresentId2Features::new(true);
    let mut wait2 = PresentWait2Features::new(true);
    let mut maintenance =
        vk::PhysicalDeviceSwapchainMaintenance1FeaturesEXT::default().swapchain_maintenance1(true);
    let mut core = vk::PhysicalDeviceVulkan13Features::default()
        .synchronization2(true)
        .dynamic_rendering(true)
        .private_data(true);
    // SAFETY: `physical` is of `instance`.
    let properties = unsafe { instance.raw().get_physical_device_properties(physical) };
    let queues = [queue];
    let mut info =
        vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names);
    if properties.api_version >= vk::API_VERSION_1_3 {
        info = info.push_next(&mut core);
    }
    if features.present_id {
        info = info.push_next(&mut id);
    }
    if features.present_wait {
        info = info.push_next(&mut wait);
    }
    if features.present_id2 {
        info = info.push_next(&mut id2);
    }
    if features.present_wait2 {
        info = info.push_next(&mut wait2);
    }
    if features.maintenance1 {
        info = info.push_next(&mut maintenance);
    }
    // SAFETY: `info` points to locals, and every extension in it was listed.
    unsafe { instance.raw().create_device(physical, &info, None) }.doing("create a device")
}
