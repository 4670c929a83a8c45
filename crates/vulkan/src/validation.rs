//! The Khronos validation layer, and what it says.

use std::ffi::{CStr, c_void};
use std::panic::catch_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ash::{ext, vk};

use crate::Error;
use crate::error::Doing;

/// The layer's name.
pub(crate) const LAYER: &CStr = c"VK_LAYER_KHRONOS_validation";

/// How many messages are kept word by word; later ones are only counted.
const KEPT: usize = 64;

/// Rules that the layer checks by the number of an imported descriptor, whatever was behind that
/// number when the driver exported it last: it does not see `close` and `dup`, so that a fence of
/// long ago is taken for the memory. Mistaken whenever numbers are used again.
///
/// # References
///
/// Issue 11900 of Vulkan-ValidationLayers; seen with 1.4.309.
const BY_NUMBER: [&str; 5] = [
    "VUID-VkMemoryAllocateInfo-allocationSize-01742",
    "VUID-VkMemoryDedicatedAllocateInfo-image-01878",
    "VUID-VkMemoryDedicatedAllocateInfo-buffer-01879",
    "VUID-VkImportSemaphoreFdInfoKHR-handleType-03263",
    "VUID-VkImportSemaphoreFdInfoKHR-handleType-03264",
];

/// Warnings and errors of the validation layer, in order.
#[derive(Debug, Default)]
pub struct Messages(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    count: u64,
    /// The first of them.
    texts: Vec<String>,
    /// Whether somebody was told.
    told: bool,
}

impl Messages {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.said().count
    }

    /// The first 64 of them.
    pub fn texts(&self) -> Vec<String> {
        self.said().texts.clone()
    }

    /// The first of them, for the first who asks once there is one.
    pub fn tell(&self) -> Option<String> {
        let mut said = self.said();
        let first = said.texts.first().cloned().filter(|_| !said.told);
        said.told |= first.is_some();
        first
    }

    fn push(&self, text: String) {
        if BY_NUMBER.iter().any(|rule| text.contains(rule)) {
            return;
        }
        let mut said = self.said();
        said.count += 1;
        if said.texts.len() < KEPT {
            said.texts.push(text);
        }
    }
}

/// How to make a messenger that writes into `messages`, which must outlive it.
pub(crate) fn messenger_info(messages: &Messages) -> vk::DebugUtilsMessengerCreateInfoEXT<'static> {
    use vk::DebugUtilsMessageSeverityFlagsEXT as Severity;
    use vk::DebugUtilsMessageTypeFlagsEXT as Type;

    vk::DebugUtilsMessengerCreateInfoEXT::default()
        .message_severity(Severity::ERROR | Severity::WARNING)
        // Not PERFORMANCE: it dislikes every image in layout GENERAL, which is how pictures are
        // handed over.
        .message_type(Type::VALIDATION)
        .pfn_user_callback(Some(on_message))
        .user_data(std::ptr::from_ref(messages).cast_mut().cast())
}

/// A `VkDebugUtilsMessengerEXT`.
pub(crate) struct Messenger {
    calls: ext::debug_utils::Instance,
    raw: vk::DebugUtilsMessengerEXT,
}

impl Messenger {
    pub(crate) fn new(
        entry: &ash::Entry,
        instance: &ash::Instance,
        messages: &Messages,
    ) -> Result<Self, Error> {
        let calls = ext::debug_utils::Instance::new(entry, instance);
        let info = messenger_info(messages);
        // SAFETY: the extension is enabled, and `Instance` keeps `messages` longer than us.
        let raw = unsafe { calls.create_debug_utils_messenger(&info, None) }
            .doing("listen to the validation layer")?;
        Ok(Self { calls, raw })
    }
}

impl Drop for Messenger {
    fn drop(&mut self) {
        // SAFETY: the instance outlives us (`Instance` drops its messenger first).
        unsafe { self.calls.destroy_debug_utils_messenger(self.raw, None) };
    }
}

/// Stores one message.
///
/// # Safety
///
/// Called by the layer with valid pointers; `user` is the `Messages` of [`messenger_info`].
unsafe extern "system" fn on_message(
    _: vk::DebugUtilsMessageSeverityFlagsEXT,
    _: vk::DebugUtilsMessageTypeFlagsEXT,
    call: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    user: *mut c_void,
) -> vk::Bool32 {
    // SAFETY: VUID-PFN_vkDebugUtilsMessengerCallbackEXT-None-04769 and above: valid for the call.
    let call = unsafe { &*call };
    // SAFETY: `messenger_info` put a `Messages` there, which outlives the messenger.
    let messages = unsafe { &*user.cast::<Messages>() };
    let _ = catch_unwind(|| {
        // SAFETY: the layer's text is a C string that lives through the call.
        let text = unsafe { call.message_as_c_str() };
        messages.push(text.map_or_else(String::new, |text| text.to_string_lossy().into_owned()));
    });
    vk::FALSE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_told_once_however_many_ask() {
        let messages = Messages::default();
        assert_eq!(messages.tell(), None);
        messages.push(format!("mistaken: {}", BY_NUMBER[0]));
        assert_eq!(messages.tell(), None);
        messages.push("first".to_owned());
        messages.push("second".to_owned());
        assert_eq!((messages.tell().as_deref(), messages.tell()), (Some("first"), None));
        assert_eq!((messages.count(), messages.texts().len()), (2, 2));
    }
}
