//! Sets of the extensions that a layer provides, and lists of names.

use std::ffi::{CStr, c_char};

use ash::vk;
use zerohop_manifest::{Extension, Layer};

/// Some of the extensions of one list.
#[derive(Clone, Copy, Debug)]
pub struct ExtensionSet {
    list: &'static [Extension],
    bits: u32,
}

impl ExtensionSet {
    /// None of `list` yet.
    ///
    /// # Panics
    ///
    /// When the list has more than 32 entries.
    pub fn of(list: &'static [Extension]) -> Self {
        assert!(list.len() <= 32, "a set has 32 places");
        Self { list, bits: 0 }
    }

    /// Puts the extension called `name` in. `false`: it is none of ours.
    pub fn insert(&mut self, name: &CStr) -> bool {
        let found = self.list.iter().position(|one| one.name.as_bytes() == name.to_bytes());
        self.bits |= found.map_or(0, |index| 1 << index);
        found.is_some()
    }

    /// Whether the extension called `name` is in.
    pub fn contains(&self, name: &CStr) -> bool {
        self.iter().any(|one| one.name.as_bytes() == name.to_bytes())
    }

    /// Whether the command called `name` comes with one of ours, and if so whether that is in.
    pub fn provides(&self, name: &CStr) -> Option<bool> {
        let has = |one: &Extension| one.commands.iter().any(|it| it.as_bytes() == name.to_bytes());
        self.list.iter().any(has).then(|| self.iter().any(has))
    }

    fn iter(&self) -> impl Iterator<Item = &'static Extension> {
        let bits = self.bits;
        self.list.iter().enumerate().filter(move |(i, _)| bits & (1 << i) != 0).map(|(_, one)| one)
    }
}

/// An entry for `vkEnumerate*ExtensionProperties`.
pub fn properties(extension: &Extension) -> vk::ExtensionProperties {
    let mut out = vk::ExtensionProperties::default().spec_version(extension.version);
    copy(extension.name, &mut out.extension_name);
    out
}

/// The entry for `vkEnumerate*LayerProperties`.
pub fn layer_properties(layer: &Layer) -> vk::LayerProperties {
    let [major, minor, patch] = zerohop_manifest::API_VERSION;
    let mut out = vk::LayerProperties::default()
        .spec_version(vk::make_api_version(0, major, minor, patch))
        .implementation_version(zerohop_manifest::IMPLEMENTATION_VERSION);
    copy(layer.name, &mut out.layer_name);
    copy(layer.description, &mut out.description);
    out
}

/// As much of `text` as fits with a NUL after it.
fn copy(text: &str, out: &mut [c_char]) {
    let room = out.len() - 1;
    for (to, from) in out.iter_mut().zip(text.bytes()).take(room) {
        *to = from as c_char;
    }
}

/// The name in an entry; empty when the driver did not end it.
pub fn name(entry: &vk::ExtensionProperties) -> &CStr {
    entry.extension_name_as_c_str().unwrap_or_default()
}

/// The strings of an array of C strings.
///
/// # Safety
///
/// `names` points to `count` pointers to strings that live for `'a` (VUID-VkDeviceCreateInfo-
/// ppEnabledExtensionNames-parameter and its sibling of the instance).
pub unsafe fn names<'a>(names: *const *const c_char, count: u32) -> Vec<&'a CStr> {
    if names.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    let pointers = unsafe { std::slice::from_raw_parts(names, count as usize) };
    // SAFETY: the caller's promise.
    pointers.iter().map(|name| unsafe { CStr::from_ptr(*name) }).collect()
}

#[cfg(test)]
mod tests {
    use zerohop_manifest::INSTANCE_EXTENSIONS;

    use super::*;

    #[test]
    fn a_command_comes_only_with_its_extension() {
        let mut set = ExtensionSet::of(INSTANCE_EXTENSIONS);
        assert!(set.insert(c"VK_KHR_xcb_surface"));
        assert!(!set.insert(c"VK_EXT_directfb_surface"));
        assert_eq!(set.provides(c"vkCreateXcbSurfaceKHR"), Some(true));
        assert_eq!(set.provides(c"vkCreateXlibSurfaceKHR"), Some(false));
        assert_eq!(set.provides(c"vkCreateDirectFBSurfaceEXT"), None);
    }
}
