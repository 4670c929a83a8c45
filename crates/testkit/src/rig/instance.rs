//! A Vulkan instance that listens to the validation layer.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_void};
use std::sync::{Arc, Mutex, PoisonError};

use ash::{Entry, ext, khr, vk};

use super::{Doing, Error};

/// What layers said that should not have been said.
type Messages = Mutex<Vec<String>>;

/// A `VkInstance` of Vulkan 1.3 with every surface extension that there is.
pub struct Instance {
    entry: Entry,
    raw: ash::Instance,
    extensions: BTreeSet<CString>,
    surface: khr::surface::Instance,
    debug: Option<(ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT)>,
    /// Boxed: the messenger has its address.
    messages: Box<Messages>,
}

/// What an instance enables when it is there.
const EXTENSIONS: [&CStr; 14] = [
    khr::surface::NAME,
    khr::get_surface_capabilities2::NAME,
    khr::surface_protected_capabilities::NAME,
    khr::xcb_surface::NAME,
    khr::xlib_surface::NAME,
    khr::wayland_surface::NAME,
    ext::headless_surface::NAME,
    khr::display::NAME,
    khr::get_display_properties2::NAME,
    ext::display_surface_counter::NAME,
    ext::surface_maintenance1::NAME,
    c"VK_KHR_surface_maintenance1",
    ext::swapchain_colorspace::NAME,
    ext::debug_utils::NAME,
];

impl Instance {
    /// Makes one. Layers come from the environment.
    ///
    /// # Errors
    ///
    /// [`Error::Load`], [`Error::Call`].
    pub fn new() -> Result<Arc<Self>, Error> {
        // SAFETY: the loader is the system's, and is never unloaded before `entry` is dropped.
        let entry = unsafe { Entry::load() }?;
        Self::over(entry)
    }

    /// Makes one with a loader of the test's.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn over(entry: Entry) -> Result<Arc<Self>, Error> {
        let listed = listed(&entry)?;
        let names = EXTENSIONS.iter().map(|name| CString::from(*name));
        let extensions: BTreeSet<_> = names.filter(|name| listed.contains(name)).collect();
        let pointers: Vec<_> = extensions.iter().map(|name| name.as_ptr()).collect();
        let application = vk::ApplicationInfo::default()
            .application_name(c"zerohop testkit")
            .api_version(vk::API_VERSION_1_3);
        let info = vk::InstanceCreateInfo::default()
            .application_info(&application)
            .enabled_extension_names(&pointers);
        // SAFETY: `info` points to locals, and every name in it was listed.
        let raw = unsafe { entry.create_instance(&info, None) }.doing("create an instance")?;
        let surface = khr::surface::Instance::new(&entry, &raw);
        let messages = Box::new(Messages::default());
        let mut made = Self { entry, raw, extensions, surface, debug: None, messages };
        made.listen()?;
        Ok(Arc::new(made))
    }

    /// Sends warnings and errors of the validation layer to [`messages`](Self::messages).
    fn listen(&mut self) -> Result<(), Error> {
        if !self.has(ext::debug_utils::NAME) {
            return Ok(());
        }
        let debug = ext::debug_utils::Instance::new(&self.entry, &self.raw);
        let info = vk::DebugUtilsMessengerCreateInfoEXT::default()
            .message_severity(
                vk::DebugUtilsMessageSeverityFlagsEXT::WARNING
                    | vk::DebugUtilsMessageSeverityFlagsEXT::ERROR,
            )
            .message_type(vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION)
            .pfn_user_callback(Some(take_message))
            .user_data((&raw const *self.messages).cast_mut().cast());
        // SAFETY: `messages` is boxed and lives until after the messenger is destroyed.
        let messenger = unsafe { debug.create_debug_utils_messenger(&info, None) };
        self.debug = Some((debug, messenger.doing("create a messenger")?));
        Ok(())
    }

    /// The loader.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The instance.
    pub fn raw(&self) -> &ash::Instance {
        &self.raw
    }

    /// The commands of `VK_KHR_surface`.
    pub fn surface(&self) -> &khr::surface::Instance {
        &self.surface
    }

    /// Whether an extension was there and is enabled.
    pub fn has(&self, extension: &CStr) -> bool {
        self.extensions.contains(extension)
    }

    /// The physical device that `ZEROHOP_TEST_DEVICE` names a part of, or the first.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when there is none.
    pub fn physical(&self) -> Result<vk::PhysicalDevice, Error> {
        // SAFETY: the instance is alive.
        let all = unsafe { self.raw.enumerate_physical_devices() }.doing("list devices")?;
        let part = std::env::var("ZEROHOP_TEST_DEVICE").unwrap_or_default();
        let named = all.into_iter().find(|device| {
            // SAFETY: the device was just listed.
            let properties = unsafe { self.raw.get_physical_device_properties(*device) };
            properties.device_name_as_c_str().is_ok_and(|n| n.to_string_lossy().contains(&part))
        });
        named.ok_or_else(|| Error::Missing(format!("Vulkan device named {part:?}")))
    }

    /// What the validation layer has said so far; it is forgotten here.
    pub fn messages(&self) -> Vec<String> {
        std::mem::take(&mut self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some((debug, messenger)) = self.debug.take() {
            // SAFETY: it is ours, and nobody else has it.
            unsafe { debug.destroy_debug_utils_messenger(messenger, None) };
        }
        // SAFETY: every child holds an `Arc` of us.
        unsafe { self.raw.destroy_instance(None) };
    }
}

/// The names of all instance extensions, those of layers in the environment included.
fn listed(entry: &Entry) -> Result<BTreeSet<CString>, Error> {
    // SAFETY: no layer is named.
    let listed = unsafe { entry.enumerate_instance_extension_properties(None) };
    let listed = listed.doing("list instance extensions")?;
    Ok(listed.iter().filter_map(|p| p.extension_name_as_c_str().ok()).map(CString::from).collect())
}

/// `PFN_vkDebugUtilsMessengerCallbackEXT`.
unsafe extern "system" fn take_message(
    _: vk::DebugUtilsMessageSeverityFlagsEXT,
    _: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    user: *mut c_void,
) -> vk::Bool32 {
    // SAFETY: `user` is the boxed list that the messenger was made with.
    let messages = unsafe { &*user.cast::<Messages>() };
    // SAFETY: VUID-PFN_vkDebugUtilsMessengerCallbackEXT-None: the data is valid during the call.
    let data = unsafe { &*data };
    // SAFETY: `pMessage` is a null-terminated string or null.
    let text = unsafe { data.message_as_c_str() }.map(CStr::to_string_lossy);
    messages
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(text.unwrap_or_default().into_owned());
    vk::FALSE
}
