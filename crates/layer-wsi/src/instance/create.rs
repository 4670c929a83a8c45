//! `vkCreateInstance` and its end.

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

use ash::vk;
use zerohop_layer::config::{self, Takeover};
use zerohop_layer::link::{self, Next};
use zerohop_layer::{DispatchKey, Doing, LayerError, Level, Table, log};
use zerohop_manifest::{INSTANCE_EXTENSIONS, WsiDecision};

use super::{Below, INSTANCES, InstanceState};
use crate::display;
use crate::extensions::{ExtensionSet, names};

/// What goes down to the next layer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// Vulkan 1.1 at least, our extensions among the names: the loader drops what a driver lacks.
    Best,
    /// The application's version, without our extensions.
    Plain,
    /// What the application asks for: all is left to the driver.
    Asis,
}

/// Creates an instance in the next layer and remembers it.
///
/// # Errors
///
/// What the next layer reports.
///
/// # Safety
///
/// `info` is what `vkCreateInstance` got from the loader, and so are the others.
pub(crate) unsafe fn create(
    info: &vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Instance,
) -> Result<(), LayerError> {
    // SAFETY: the caller's promise.
    let next = unsafe { link::instance_link(info.p_next) }?;
    // SAFETY: VUID-VkInstanceCreateInfo-ppEnabledExtensionNames-parameter.
    let asked = unsafe { names(info.pp_enabled_extension_names, info.enabled_extension_count) };
    // SAFETY: VUID-VkInstanceCreateInfo-pApplicationInfo-parameter.
    let application = unsafe { info.p_application_info.as_ref() }.copied().unwrap_or_default();

    // The loader passes something of its own to its end of the chain in here.
    let loaders = out.cast::<MaybeUninit<vk::Instance>>();
    // SAFETY: VUID-vkCreateInstance-pInstance-parameter.
    let before = unsafe { loaders.read() };
    let passes = config::get().wsi == Takeover::Never;
    let attempts: &[_] = if passes { &[Attempt::Asis] } else { &[Attempt::Best, Attempt::Plain] };
    for &attempt in attempts {
        next.arm();
        // SAFETY: as above.
        unsafe { loaders.write(before) };
        let down = Down::new(application, &asked, attempt);
        match down.create(info, allocator, out, &next) {
            Err(
                vk::Result::ERROR_INCOMPATIBLE_DRIVER | vk::Result::ERROR_EXTENSION_NOT_PRESENT,
            ) if attempt == Attempt::Best => {}
            other => {
                let raw = other.doing("create the instance")?;
                if passes {
                    let decision = WsiDecision::new(Takeover::Never, false, None);
                    log(Level::Info, format_args!("surfaces and swapchains are {decision}"));
                }
                remember(raw, &next, &asked, passes);
                return Ok(());
            }
        }
    }
    unreachable!("the last attempt returns");
}

/// What one attempt hands on.
struct Down<'a> {
    application: vk::ApplicationInfo<'a>,
    names: Vec<*const c_char>,
}

impl<'a> Down<'a> {
    fn new(mut application: vk::ApplicationInfo<'a>, asked: &[&CStr], attempt: Attempt) -> Self {
        let mut ours = ExtensionSet::of(INSTANCE_EXTENSIONS);
        let goes = |name: &&&CStr| !ours.insert(name) || attempt != Attempt::Plain;
        let names = asked.iter().filter(goes).map(|name| name.as_ptr()).collect();
        // Zero means 1.0 (`VkApplicationInfo::apiVersion`).
        let least = match attempt {
            Attempt::Best => vk::API_VERSION_1_1,
            Attempt::Plain | Attempt::Asis => vk::API_VERSION_1_0,
        };
        application.api_version = application.api_version.max(least);
        Self { application, names }
    }

    fn create(
        &self,
        info: &vk::InstanceCreateInfo<'_>,
        allocator: *const vk::AllocationCallbacks<'_>,
        out: *mut vk::Instance,
        next: &Next,
    ) -> Result<vk::Instance, vk::Result> {
        let copy = vk::InstanceCreateInfo { p_application_info: &self.application, ..*info }
            .enabled_extension_names(&self.names);
        // SAFETY: the type belongs to the name.
        let create: Option<vk::PFN_vkCreateInstance> =
            unsafe { next.instance_command(vk::Instance::null(), c"vkCreateInstance") };
        let create = create.ok_or(vk::Result::ERROR_INITIALIZATION_FAILED)?;
        // SAFETY: `copy` is the application's, with names and a version that we keep.
        unsafe { create(&copy, allocator, out) }.result()?;
        // SAFETY: the next layer has just written it.
        Ok(unsafe { *out })
    }
}

fn remember(raw: vk::Instance, next: &Next, asked: &[&CStr], passes: bool) {
    let mut enabled = ExtensionSet::of(INSTANCE_EXTENSIONS);
    for name in asked {
        enabled.insert(name);
    }
    let wanted = asked.contains(&c"VK_KHR_display");
    let below = Below::load(wanted, |name| next.raw_command(raw, name));
    let foreign_surfaces = below.display.exists || asked.iter().any(|name| is_foreign(name));
    let state = InstanceState {
        raw: next.instance(raw),
        get_instance_proc_addr: next.get_instance_proc_addr,
        below,
        has_properties2: [
            c"vkGetPhysicalDeviceProperties2",
            c"vkGetPhysicalDeviceExternalFenceProperties",
            c"vkGetPhysicalDeviceExternalSemaphoreProperties",
        ]
        .iter()
        .all(|name| !next.raw_command(raw, name).is_null()),
        passes,
        enabled,
        foreign_surfaces,
        surfaceless: asked.contains(&c"VK_GOOGLE_surfaceless_query"),
        physicals: Table::new(),
        displays: display::Tables::new(),
        surfaces: Table::new(),
    };
    // SAFETY: the next layer has just made it.
    let key = unsafe { DispatchKey::of(raw) };
    INSTANCES.insert(key, Arc::new(state));
}

/// Whether the driver makes surfaces with the extension called `name`: those of a platform that is
/// none of ours.
fn is_foreign(name: &CStr) -> bool {
    let ours = ExtensionSet::of(INSTANCE_EXTENSIONS).insert(name);
    !ours && name.to_bytes().ends_with(b"_surface")
}

impl Below {
    fn load(displays: bool, mut find: impl FnMut(&CStr) -> *const c_void) -> Self {
        Self {
            surface: ash::khr::surface::InstanceFn::load(&mut find),
            capabilities2: ash::khr::get_surface_capabilities2::InstanceFn::load(&mut find),
            swapchain: ash::khr::swapchain::InstanceFn::load(&mut find),
            xcb_support: {
                let found = find(c"vkGetPhysicalDeviceXcbPresentationSupportKHR");
                // SAFETY: the type belongs to the name; function pointers have one size.
                (!found.is_null()).then(|| unsafe { std::mem::transmute(found) })
            },
            counters: ash::ext::display_surface_counter::InstanceFn::load(&mut find),
            display: display::Below::load(displays, &mut find),
        }
    }
}

/// Forgets an instance and destroys it in the next layer.
///
/// # Safety
///
/// As `vkDestroyInstance`.
pub(crate) unsafe fn destroy(
    instance: vk::Instance,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    // SAFETY: the caller's promise; the handle is live until the next layer destroys it.
    let key = unsafe { DispatchKey::of(instance) };
    if let Some(state) = INSTANCES.remove(&key) {
        // SAFETY: the caller's promise.
        unsafe { (state.raw.fp_v1_0().destroy_instance)(instance, allocator) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surfaces_of_unknown_platforms_are_the_drivers() {
        assert!(is_foreign(c"VK_EXT_directfb_surface"));
        assert!(!is_foreign(c"VK_KHR_surface") && !is_foreign(c"VK_KHR_xcb_surface"));
        assert!(!is_foreign(c"VK_EXT_debug_utils"));
    }
}
