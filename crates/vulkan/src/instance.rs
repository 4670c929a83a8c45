//! The door to the loader.

use std::ffi::CStr;
use std::sync::Arc;

use ash::{ext, vk};

use crate::error::Doing;
use crate::validation::{self, Messages, Messenger};
use crate::{Error, PhysicalDevice, own_layer};

/// How to make an [`Instance`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstanceOptions {
    /// Load the Khronos validation layer, with synchronization validation.
    pub validation: bool,
}

impl InstanceOptions {
    /// Validation when `ZEROHOP_VALIDATION` is `1`.
    pub fn from_env() -> Self {
        Self { validation: std::env::var_os("ZEROHOP_VALIDATION").is_some_and(|it| it == "1") }
    }
}

/// A Vulkan instance.
pub struct Instance {
    // Ended before the instance, see `Drop`.
    messenger: Option<Messenger>,
    raw: ash::Instance,
    entry: ash::Entry,
    // Written to until the instance is gone.
    messages: Option<Box<Messages>>,
}

impl Instance {
    /// Loads Vulkan. Our own layer stays out, whatever the environment says.
    ///
    /// # Errors
    ///
    /// [`Error::Loader`] on machines without Vulkan, [`Error::Missing`] when validation is asked
    /// for and the layer is not installed.
    pub fn new(options: InstanceOptions) -> Result<Arc<Self>, Error> {
        own_layer::keep_out();
        // SAFETY: loading runs the initializers of libvulkan, which we trust.
        let entry = unsafe { ash::Entry::load() }?;
        if options.validation { Self::validated(entry) } else { Self::plain(entry) }
    }

    /// Loads Vulkan with our own layer, if the environment asks for it: for trying the layer.
    ///
    /// # Errors
    ///
    /// [`Error::Loader`] on machines without Vulkan.
    pub fn under_own_layer() -> Result<Arc<Self>, Error> {
        // SAFETY: as in `new`.
        let entry = unsafe { ash::Entry::load() }?;
        Self::plain(entry)
    }

    fn plain(entry: ash::Entry) -> Result<Arc<Self>, Error> {
        let app = application();
        let info = vk::InstanceCreateInfo::default().application_info(&app);
        // SAFETY: `info` points to locals, and `entry` outlives the instance (field order).
        let raw = unsafe { entry.create_instance(&info, None) }.doing("create an instance")?;
        Ok(Arc::new(Self { messenger: None, raw, entry, messages: None }))
    }

    fn validated(entry: ash::Entry) -> Result<Arc<Self>, Error> {
        if !has_layer(&entry, validation::LAYER)? {
            return Err(Error::Missing("VK_LAYER_KHRONOS_validation"));
        }
        let messages = Box::<Messages>::default();
        let app = application();
        let layers = [validation::LAYER.as_ptr()];
        let extensions = [ext::debug_utils::NAME.as_ptr(), ext::validation_features::NAME.as_ptr()];
        let enabled = [vk::ValidationFeatureEnableEXT::SYNCHRONIZATION_VALIDATION];
        let mut features =
            vk::ValidationFeaturesEXT::default().enabled_validation_features(&enabled);
        // Chained as well, for what happens inside vkCreateInstance and vkDestroyInstance.
        let mut messenger = validation::messenger_info(&messages);
        let info = vk::InstanceCreateInfo::default()
            .application_info(&app)
            .enabled_layer_names(&layers)
            .enabled_extension_names(&extensions)
            .push_next(&mut features)
            .push_next(&mut messenger);
        // SAFETY: as in `plain`; `messages` is freed after the instance (field order).
        let raw = unsafe { entry.create_instance(&info, None) }.doing("create an instance")?;
        let mut instance = Self { messenger: None, raw, entry, messages: None };
        let messages = instance.messages.insert(messages);
        instance.messenger = Some(Messenger::new(&instance.entry, &instance.raw, messages)?);
        Ok(Arc::new(instance))
    }

    /// Every physical device, in the loader's order.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn devices(self: &Arc<Self>) -> Result<Vec<PhysicalDevice>, Error> {
        // SAFETY: the instance is alive.
        let all = unsafe { self.raw.enumerate_physical_devices() }.doing("list the devices")?;
        Ok(all
            .into_iter()
            .enumerate()
            .map(|(index, raw)| PhysicalDevice::new(self, index, raw))
            .collect())
    }

    /// The names of the instance extensions, those that only `layer` provides included.
    ///
    /// # Errors
    ///
    /// [`Error::Call`] when there is no such layer, too.
    pub fn extensions(&self, layer: Option<&CStr>) -> Result<Vec<String>, Error> {
        let list = |layer| {
            // SAFETY: the loader is loaded, that is all the call needs.
            let found = unsafe { self.entry.enumerate_instance_extension_properties(layer) };
            found.doing("list the instance extensions")
        };
        let mut found = list(None)?;
        if layer.is_some() {
            found.extend(list(layer)?);
        }
        let names = found.iter().filter_map(|one| one.extension_name_as_c_str().ok());
        Ok(names.map(|name| name.to_string_lossy().into_owned()).collect())
    }

    /// The Vulkan version that the loader speaks: major, minor, patch.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn loader_version(&self) -> Result<(u32, u32, u32), Error> {
        // SAFETY: the loader is loaded, that is all the call needs.
        let version = unsafe { self.entry.try_enumerate_instance_version() };
        // Absent from loaders that know nothing but 1.0 (`vkEnumerateInstanceVersion`).
        let version = version.doing("ask for the loader's version")?.unwrap_or(vk::API_VERSION_1_0);
        Ok((
            vk::api_version_major(version),
            vk::api_version_minor(version),
            vk::api_version_patch(version),
        ))
    }

    /// What the validation layer said; `None` when it was not asked for.
    pub fn messages(&self) -> Option<&Messages> {
        self.messages.as_deref()
    }

    pub(crate) fn raw(&self) -> &ash::Instance {
        &self.raw
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        drop(self.messenger.take());
        // SAFETY: every `Device` holds an `Arc` of us, so none is left.
        unsafe { self.raw.destroy_instance(None) };
    }
}

fn application() -> vk::ApplicationInfo<'static> {
    vk::ApplicationInfo::default().application_name(c"zerohop").api_version(vk::API_VERSION_1_3)
}

fn has_layer(entry: &ash::Entry, name: &CStr) -> Result<bool, Error> {
    // SAFETY: the loader is loaded, that is all the call needs.
    let layers = unsafe { entry.enumerate_instance_layer_properties() }.doing("list the layers")?;
    Ok(layers.iter().any(|layer| layer.layer_name_as_c_str().is_ok_and(|it| it == name)))
}
