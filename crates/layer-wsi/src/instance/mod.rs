//! What we know of an instance of the application's, and how it is made.

mod create;
mod decision;
pub(crate) mod features;
mod physical;

use std::ffi::CStr;
use std::sync::Arc;

use ash::{ext, khr, vk};
use zerohop_layer::{DispatchKey, LayerError, Table};

pub(crate) use create::{create, destroy};
pub(crate) use physical::PhysicalState;

use crate::display;
use crate::extensions::ExtensionSet;
use crate::surface::Surface;

/// All instances, by the dispatch pointer that their physical devices share.
static INSTANCES: Table<DispatchKey, InstanceState> = Table::new();

/// One `VkInstance`.
pub(crate) struct InstanceState {
    /// The next layer's functions. Commands that it lacks must not be called.
    pub(crate) raw: ash::Instance,
    /// The next layer's.
    pub(crate) get_instance_proc_addr: vk::PFN_vkGetInstanceProcAddr,
    /// The next layer's surface queries, for surfaces that are not ours.
    pub(crate) below: Below,
    /// Whether the next layer has `vkGetPhysicalDeviceProperties2` and what came with it.
    pub(crate) has_properties2: bool,
    /// Whether we leave everything to the driver (`Takeover::Never`).
    pub(crate) passes: bool,
    /// Those of our extensions that the application enabled.
    pub(crate) enabled: ExtensionSet,
    /// Whether the application can have surfaces that are not ours.
    pub(crate) foreign_surfaces: bool,
    /// Whether it may ask about no surface at all (`VK_GOOGLE_surfaceless_query`).
    surfaceless: bool,
    /// What was found out about its physical devices.
    physicals: Table<vk::PhysicalDevice, PhysicalState>,
    /// Our displays.
    pub(crate) displays: display::Tables,
    /// Our surfaces.
    pub(crate) surfaces: Table<vk::SurfaceKHR, Surface>,
}

/// Functions of the next layer that ash has no place for in [`ash::Instance`]; found when the
/// instance is created, since later the loader of Vulkan 1.3.239 would answer with our own.
pub(crate) struct Below {
    pub(crate) surface: khr::surface::InstanceFn,
    pub(crate) capabilities2: khr::get_surface_capabilities2::InstanceFn,
    pub(crate) swapchain: khr::swapchain::InstanceFn,
    pub(crate) counters: ext::display_surface_counter::InstanceFn,
    pub(crate) display: display::Below,
    /// `None`: the driver makes no surfaces for X.
    pub(crate) xcb_support: Option<vk::PFN_vkGetPhysicalDeviceXcbPresentationSupportKHR>,
}

impl InstanceState {
    /// The state that `handle` (an instance or one of its physical devices) belongs to.
    ///
    /// # Errors
    ///
    /// For a handle of an instance that was made without us.
    ///
    /// # Safety
    ///
    /// `handle` is live (VUID-*-instance-parameter, VUID-*-physicalDevice-parameter).
    pub(crate) unsafe fn of<H: vk::Handle>(handle: H) -> Result<Arc<Self>, LayerError> {
        // SAFETY: the caller's promise.
        let key = unsafe { DispatchKey::of(handle) };
        INSTANCES.get(&key).ok_or_else(|| {
            LayerError::refused(vk::Result::ERROR_UNKNOWN, "an instance that we do not know")
        })
    }

    /// Our surface behind `handle`. `None`: somebody else's; the call is the next layer's. Where
    /// there may be none, it stands for what all have in common, and that is one without a window.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_SURFACE_LOST_KHR` for a handle that nobody can have made.
    pub(crate) fn surface(
        &self,
        handle: vk::SurfaceKHR,
    ) -> Result<Option<Arc<Surface>>, LayerError> {
        if self.surfaceless && handle == vk::SurfaceKHR::null() {
            return Ok(Some(Surface::anywhere()));
        }
        match self.surfaces.get(&handle) {
            None if !self.foreign_surfaces => Err(LayerError::refused(
                vk::Result::ERROR_SURFACE_LOST_KHR,
                format!("surface {:#x} does not exist", vk::Handle::as_raw(handle)),
            )),
            found => Ok(found),
        }
    }

    /// Whether the next layer has the command.
    pub(crate) fn next_has(&self, name: &CStr) -> bool {
        self.next(name).is_some()
    }

    /// The next layer's command. Only for handing on: see [`Below`].
    pub(crate) fn next(&self, name: &CStr) -> vk::PFN_vkVoidFunction {
        // SAFETY: `raw` lives as long as we, and `name` ends with a NUL.
        unsafe { (self.get_instance_proc_addr)(self.raw.handle(), name.as_ptr()) }
    }
}
