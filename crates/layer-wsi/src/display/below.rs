//! The next layer's commands for displays that are not ours.

use std::ffi::{CStr, c_void};
use std::mem;

use ash::{khr, vk};

/// See the module. Commands that it lacks must not be called.
pub(crate) struct Below {
    pub(crate) khr: khr::display::InstanceFn,
    pub(crate) khr2: khr::get_display_properties2::InstanceFn,
    pub(crate) release: Option<vk::PFN_vkReleaseDisplayEXT>,
    pub(crate) acquire_xlib: Option<vk::PFN_vkAcquireXlibDisplayEXT>,
    pub(crate) acquire_drm: Option<vk::PFN_vkAcquireDrmDisplayEXT>,
    /// Whether there is `khr`, and `khr2` where the application may call it.
    pub(crate) exists: bool,
}

impl Below {
    /// Finds them; `wanted` says whether the application enabled `VK_KHR_display`.
    pub(crate) fn load(wanted: bool, mut find: impl FnMut(&CStr) -> *const c_void) -> Self {
        macro_rules! found {
            ($name:literal, $pfn:ty) => {{
                let found = find($name);
                // SAFETY: the type is the `PFN_*` of this name; function pointers have one size.
                (!found.is_null()).then(|| unsafe { mem::transmute::<*const c_void, $pfn>(found) })
            }};
        }
        Self {
            exists: wanted && !find(c"vkCreateDisplayPlaneSurfaceKHR").is_null(),
            release: found!(c"vkReleaseDisplayEXT", vk::PFN_vkReleaseDisplayEXT),
            acquire_xlib: found!(c"vkAcquireXlibDisplayEXT", vk::PFN_vkAcquireXlibDisplayEXT),
            acquire_drm: found!(c"vkAcquireDrmDisplayEXT", vk::PFN_vkAcquireDrmDisplayEXT),
            khr: khr::display::InstanceFn::load(&mut find),
            khr2: khr::get_display_properties2::InstanceFn::load(&mut find),
        }
    }
}
