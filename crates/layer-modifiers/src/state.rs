//! What is kept of a device: what was imported into it, and the images with modifiers of ours.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::vk;
use zerohop_layer::LayerError;
use zerohop_layer::link::Next;
use zerohop_layer::thin::{Below, Tables, Thin};

use crate::commands;
use crate::owners::Owners;
use crate::shape::Shape;

static TABLES: Tables<Device> = Tables::new();

/// One `VkDevice`.
pub(crate) struct Device {
    pub(crate) raw: ash::Device,
    pub(crate) get: vk::PFN_vkGetDeviceProcAddr,
    pub(crate) instance: Arc<Below>,
    pub(crate) physical: vk::PhysicalDevice,
    memory: Mutex<HashMap<vk::DeviceMemory, OwnedFd>>,
    images: Mutex<HashMap<vk::Image, Shape>>,
    owners: Mutex<Owners>,
}

impl Thin for Device {
    fn tables() -> &'static Tables<Self> {
        &TABLES
    }

    fn instance_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
        commands::instance(name)
    }

    fn device_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
        commands::device(name)
    }

    unsafe fn create(
        physical: vk::PhysicalDevice,
        info: &vk::DeviceCreateInfo<'_>,
        allocator: *const vk::AllocationCallbacks<'_>,
        out: *mut vk::Device,
    ) -> Result<vk::Result, LayerError> {
        // SAFETY: VUID-vkCreateDevice-physicalDevice-parameter.
        let instance = unsafe { TABLES.instance(physical) }?;
        let own = |_: &Next, raw, get| Self::new(raw, get, instance, physical);
        // SAFETY: the caller's arguments.
        unsafe { TABLES.create_device(physical, info, allocator, out, own) }
    }

    fn below(&self) -> (&ash::Device, vk::PFN_vkGetDeviceProcAddr) {
        (&self.raw, self.get)
    }
}

impl Device {
    pub(crate) fn new(
        raw: ash::Device,
        get: vk::PFN_vkGetDeviceProcAddr,
        instance: Arc<Below>,
        physical: vk::PhysicalDevice,
    ) -> Self {
        Self {
            raw,
            get,
            instance,
            physical,
            memory: Mutex::default(),
            images: Mutex::default(),
            owners: Mutex::default(),
        }
    }

    /// Whose `handle` is.
    ///
    /// # Safety
    ///
    /// It is live.
    pub(crate) unsafe fn of<H: vk::Handle>(handle: H) -> Result<Arc<Self>, LayerError> {
        // SAFETY: the caller's promise.
        unsafe { TABLES.device(handle) }
    }

    /// The dma-bufs that memory was imported from.
    pub(crate) fn memory(&self) -> MutexGuard<'_, HashMap<vk::DeviceMemory, OwnedFd>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who owns what others have too.
    pub(crate) fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The images with modifiers of ours.
    pub(crate) fn images(&self) -> MutexGuard<'_, HashMap<vk::Image, Shape>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
