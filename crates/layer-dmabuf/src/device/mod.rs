//! What we know of a device of the application's.

mod create;
mod plan;

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ash::{ext, khr, vk};
use zerohop_layer::extensions::ExtensionSet;
use zerohop_layer::{DispatchKey, LayerError, Table};

pub(crate) use create::{create, destroy};

use crate::image::Image;
use crate::instance::{Emulation, InstanceState};
use crate::memory::Memory;
use crate::sync::Sync;

/// All devices, by the dispatch pointer that their queues share.
static DEVICES: Table<DispatchKey, DeviceState> = Table::new();

/// One `VkDevice`.
pub(crate) struct DeviceState {
    /// The next layer's functions. Commands that it lacks must not be called.
    pub(crate) raw: ash::Device,
    /// For the commands that we do not hook.
    get_device_proc_addr: Option<vk::PFN_vkGetDeviceProcAddr>,
    /// Those of our extensions that the application enabled and the driver does not know of.
    pub(crate) enabled: ExtensionSet,
    /// What we do for it. `None`: nothing.
    pub(crate) help: Option<Help>,
    /// What we keep for its `SYNC_FD`. `None`: that is the driver's.
    pub(crate) sync: Option<Sync>,
}

/// What we need, and keep, to help a device.
pub(crate) struct Help {
    /// What is ours.
    pub(crate) emulation: Emulation,
    /// Whose it is.
    pub(crate) instance: Arc<InstanceState>,
    /// The device that this is a view of.
    pub(crate) physical: vk::PhysicalDevice,
    /// How memory of the process becomes the device's.
    pub(crate) host: ext::external_memory_host::DeviceFn,
    /// The driver's own handles, where it has some.
    pub(crate) memory_fd: Option<khr::external_memory_fd::DeviceFn>,
    /// The driver's own modifiers, where it has some and they stay its own.
    pub(crate) modifiers: Option<ext::image_drm_format_modifier::DeviceFn>,
    /// The driver's newer way to ask for the layout of an image, under whichever name.
    pub(crate) layout2: Option<vk::PFN_vkGetImageSubresourceLayout2KHR>,
    /// Its newer way to map memory, under whichever name.
    pub(crate) map2: Option<vk::PFN_vkMapMemory2KHR>,
    /// Its way to ask for the layout of an image that is not made yet.
    pub(crate) device_layout: Option<vk::PFN_vkGetDeviceImageSubresourceLayoutKHR>,
    /// The memory types that take mapped memory, a bit for each.
    pub(crate) memory_types: u32,
    /// Memory that leaves or came in as `DMA_BUF`.
    pub(crate) memory: Table<vk::DeviceMemory, Memory>,
    /// How many of these are dma-bufs of strangers.
    pub(crate) strangers: AtomicUsize,
    /// Images whose tiling or memory is ours.
    pub(crate) images: Table<vk::Image, Image>,
    /// Buffers whose memory may be ours.
    pub(crate) buffers: Table<vk::Buffer, ()>,
}

impl DeviceState {
    /// The state that `handle` (a device, a queue, a command buffer) belongs to.
    ///
    /// # Errors
    ///
    /// For a handle of a device that was made without us.
    ///
    /// # Safety
    ///
    /// `handle` is live (VUID-*-device-parameter, VUID-*-commandBuffer-parameter).
    pub(crate) unsafe fn of<H: vk::Handle>(handle: H) -> Result<Arc<Self>, LayerError> {
        // SAFETY: the caller's promise.
        let key = unsafe { DispatchKey::of(handle) };
        DEVICES.get(&key).ok_or_else(|| {
            LayerError::refused(vk::Result::ERROR_UNKNOWN, "a device that we do not know")
        })
    }

    /// Our help for it.
    ///
    /// # Errors
    ///
    /// For a device that gets none: the command is of no extension that it has.
    pub(crate) fn help(&self) -> Result<&Help, LayerError> {
        let code = vk::Result::ERROR_EXTENSION_NOT_PRESENT;
        self.help.as_ref().ok_or_else(|| {
            LayerError::refused(code, "the application enabled no extension of this command")
        })
    }

    /// The next layer's command `name`.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_EXTENSION_NOT_PRESENT` where it has none.
    ///
    /// # Safety
    ///
    /// `F` is the `PFN_*` type of the command.
    pub(crate) unsafe fn below<F: Copy>(&self, name: &CStr) -> Result<F, LayerError> {
        const { assert!(size_of::<F>() == size_of::<vk::PFN_vkVoidFunction>()) };
        let found = self.next(name).ok_or_else(|| {
            let what = format!("the next layer has no {}", name.to_string_lossy());
            LayerError::refused(vk::Result::ERROR_EXTENSION_NOT_PRESENT, what)
        })?;
        // SAFETY: the caller's promise; function pointers have one size.
        Ok(unsafe { std::mem::transmute_copy(&found) })
    }

    /// Our image behind `handle`.
    pub(crate) fn image(&self, handle: vk::Image) -> Option<Arc<Image>> {
        self.help.as_ref()?.images.get(&handle)
    }

    /// Keeps the dma-bufs of strangers coherent: to be called before work is submitted, and after
    /// it was waited for.
    pub(crate) fn turn_over(&self) {
        let Some(help) = &self.help else { return };
        if help.strangers.load(Ordering::Relaxed) > 0 {
            help.memory.values().iter().for_each(|memory| memory.turn_over());
        }
    }

    /// The same, if a wait was successful.
    pub(crate) fn turn_over_after(&self, waited: vk::Result) {
        if waited == vk::Result::SUCCESS {
            self.turn_over();
        }
    }

    /// The next layer's command, for handing on.
    pub(crate) fn next(&self, name: &CStr) -> vk::PFN_vkVoidFunction {
        let get = self.get_device_proc_addr?;
        // SAFETY: `raw` lives as long as we, and `name` ends with a NUL.
        unsafe { get(self.raw.handle(), name.as_ptr()) }
    }
}
