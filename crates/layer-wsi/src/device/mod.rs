//! What we know of a device of the application's.

mod below;
mod create;
mod extensions;
mod features;
mod plan;
mod query;
mod queue;
mod timelines;

use std::ffi::CStr;
use std::sync::Arc;

use ash::{ext, khr, vk};
use zerohop_frame::DeviceId;
use zerohop_layer::abi::SetDeviceLoaderData;
use zerohop_layer::{DispatchKey, LayerError, Table};

pub(crate) use below::Below;
pub(crate) use create::{create, destroy};
pub(crate) use extensions::{below as extensions_below, extensions};
pub(crate) use queue::QueueState;
pub(crate) use timelines::{Count, Timelines};

use crate::extensions::ExtensionSet;
use crate::instance::InstanceState;
use crate::swapchain::{Alias, Swapchain, SyncFdWaits};

/// All devices, by the dispatch pointer that their queues share.
static DEVICES: Table<DispatchKey, DeviceState> = Table::new();

/// One `VkDevice`.
pub(crate) struct DeviceState {
    /// The next layer's functions. Commands that it lacks must not be called.
    pub(crate) raw: ash::Device,
    /// The device that this is a view of.
    pub(crate) physical: vk::PhysicalDevice,
    /// Whose it is.
    pub(crate) instance: Arc<InstanceState>,
    /// Of `physical`.
    pub(crate) memory_properties: vk::PhysicalDeviceMemoryProperties,
    /// `None`: memory cannot leave the process, so pictures cannot be handed over.
    pub(crate) memory_fd: Option<khr::external_memory_fd::Device>,
    /// `Some` when images can have a DRM format modifier and leave as a dma-buf.
    pub(crate) modifiers: Option<ext::image_drm_format_modifier::Device>,
    /// `Some` when the device can make memory of its own of the process's.
    pub(crate) host_memory: Option<HostMemory>,
    /// Whether the application enabled `VK_KHR_swapchain`. Else we stay out of its way.
    pub(crate) presents: bool,
    /// The layout in which the application leaves an image that it presents, as the driver sees
    /// it: `GENERAL` where the driver has no `PRESENT_SRC_KHR` ([`crate::layouts`]).
    pub(crate) present_layout: vk::ImageLayout,
    /// `Some` when a binary semaphore can be made from a `SYNC_FD` and become one.
    pub(crate) semaphore_fd: Option<khr::external_semaphore_fd::Device>,
    /// Whether that is more than a wait for the GPU.
    pub(crate) sync_fd_waits: SyncFdWaits,
    /// `Some` when timeline semaphores can go to a host and come from it.
    pub(crate) timelines: Option<Timelines>,
    /// `Some` when a fence can be made from a `SYNC_FD` and become one.
    pub(crate) fence_fd: Option<khr::external_fence_fd::Device>,
    /// Device and driver, as opaque handles ask.
    pub(crate) id: DeviceId,
    /// Those of our extensions that the application enabled.
    pub(crate) enabled: ExtensionSet,
    /// For dispatchable objects that we get by ourselves.
    pub(crate) set_device_loader_data: Option<SetDeviceLoaderData>,
    /// A family of which the device was made with a queue. `None`: all of them are protected.
    pub(crate) first_family: Option<u32>,
    /// The queues that the application has asked for.
    pub(crate) queues: Table<vk::Queue, QueueState>,
    /// Our swapchains.
    pub(crate) swapchains: Table<vk::SwapchainKHR, Swapchain>,
    /// The next layer's swapchain commands, where the application can have surfaces that are not
    /// ours (`VK_KHR_display`). Those swapchains are the driver's own, with what core
    /// `VK_KHR_swapchain` says and none of our additions.
    pub(crate) foreign_swapchains: Option<khr::swapchain::DeviceFn>,
    /// Images of the application's over the memory of swapchain images.
    pub(crate) aliases: Table<vk::Image, Alias>,
    /// Private data that the application put on handles of ours.
    pub(crate) private_data: Table<(vk::PrivateDataSlot, u64), u64>,
    /// Commands of the next layer outside ash's core tables.
    pub(crate) below: Below,
}

/// `VK_EXT_external_memory_host`.
pub(crate) struct HostMemory {
    /// Its commands.
    pub(crate) commands: ext::external_memory_host::Device,
    /// `minImportedHostPointerAlignment`: what imported memory begins at and ends at a multiple
    /// of, in bytes.
    pub(crate) alignment: u64,
}

/// Who made a swapchain.
pub(crate) enum Whose<'a> {
    /// We.
    Ours(Arc<Swapchain>),
    /// The driver, on a surface of a kind that we leave to it.
    Theirs(&'a khr::swapchain::DeviceFn),
}

impl DeviceState {
    /// The state that `handle` (a device, a queue) belongs to.
    ///
    /// # Errors
    ///
    /// For a handle of a device that was made without us.
    ///
    /// # Safety
    ///
    /// `handle` is live (VUID-*-device-parameter, VUID-*-queue-parameter).
    pub(crate) unsafe fn of<H: vk::Handle>(handle: H) -> Result<Arc<Self>, LayerError> {
        // SAFETY: the caller's promise.
        let key = unsafe { DispatchKey::of(handle) };
        DEVICES.get(&key).ok_or_else(|| {
            LayerError::refused(vk::Result::ERROR_UNKNOWN, "a device that we do not know")
        })
    }

    /// Whose swapchain is behind `handle`.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_OUT_OF_DATE_KHR` for one that nobody can have made, or that is gone.
    pub(crate) fn whose(&self, handle: vk::SwapchainKHR) -> Result<Whose<'_>, LayerError> {
        match &self.foreign_swapchains {
            Some(theirs) if !self.swapchains.contains(&handle) => Ok(Whose::Theirs(theirs)),
            _ => self.swapchain(handle).map(Whose::Ours),
        }
    }

    /// Our swapchain behind `handle`.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_OUT_OF_DATE_KHR` for a handle that we have not made, or that is gone.
    pub(crate) fn swapchain(&self, handle: vk::SwapchainKHR) -> Result<Arc<Swapchain>, LayerError> {
        self.swapchains.get(&handle).ok_or_else(|| {
            LayerError::refused(
                vk::Result::ERROR_OUT_OF_DATE_KHR,
                format!("swapchain {:#x} does not exist", vk::Handle::as_raw(handle)),
            )
        })
    }

    /// The queue behind `handle`.
    ///
    /// # Errors
    ///
    /// For a queue that did not come through `vkGetDeviceQueue`.
    pub(crate) fn queue(&self, handle: vk::Queue) -> Result<Arc<QueueState>, LayerError> {
        self.queues.get(&handle).ok_or_else(|| {
            LayerError::refused(vk::Result::ERROR_UNKNOWN, "a queue that we do not know")
        })
    }

    /// Whether the application may ask when a picture is shown.
    pub(crate) fn can_wait_for_presents(&self) -> bool {
        [khr::present_wait::NAME, c"VK_KHR_present_wait2"]
            .iter()
            .any(|it| self.enabled.contains(it))
    }

    /// Whether its GPU work runs on the CPU, in plain memory.
    pub(crate) fn is_cpu(&self) -> bool {
        self.properties().device_type == vk::PhysicalDeviceType::CPU
    }

    /// Whether it has Vulkan 1.1, as every instance of ours has.
    pub(crate) fn has_1_1(&self) -> bool {
        self.instance.has_properties2 && self.properties().api_version >= vk::API_VERSION_1_1
    }

    fn properties(&self) -> vk::PhysicalDeviceProperties {
        // SAFETY: `physical` is of this instance.
        unsafe { self.instance.raw.get_physical_device_properties(self.physical) }
    }

    /// The next layer's command, for handing on.
    pub(crate) fn next(&self, name: &CStr) -> vk::PFN_vkVoidFunction {
        let get = self.below.get_device_proc_addr?;
        // SAFETY: `raw` lives as long as we, and `name` ends with a NUL.
        unsafe { get(self.raw.handle(), name.as_ptr()) }
    }
}
