//! What we know of an instance of the application's, and how it is made.

mod create;
mod physical;
mod query;

use std::ffi::CStr;
use std::sync::Arc;

use ash::vk;
use zerohop_layer::config::{self, Takeover};
use zerohop_layer::{DispatchKey, LayerError, Table};

pub(crate) use create::{create, destroy};
pub(crate) use physical::{Emulation, MEMORY, below, extensions};
pub(crate) use query::{buffer_properties, format_properties, image_format_properties};

use crate::sync::SyncFd;

/// All instances, by the dispatch pointer that their physical devices share.
static INSTANCES: Table<DispatchKey, InstanceState> = Table::new();

/// One `VkInstance`.
pub(crate) struct InstanceState {
    /// The next layer's functions. Commands that it lacks must not be called.
    pub(crate) raw: ash::Instance,
    /// The next layer's.
    get_instance_proc_addr: vk::PFN_vkGetInstanceProcAddr,
    /// Whether the next layer has the queries that say what memory can leave.
    has_queries: bool,
    /// And those that say which semaphores and fences can.
    has_sync_queries: bool,
    /// What we do on each physical device.
    emulations: Table<vk::PhysicalDevice, Option<Emulation>>,
    /// What of `SYNC_FD` is ours on each.
    sync_fds: Table<vk::PhysicalDevice, SyncFd>,
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

    /// What of `SYNC_FD` is ours on a physical device of this instance.
    ///
    /// # Errors
    ///
    /// What the next layer reports.
    pub(crate) fn sync_fd(&self, physical: vk::PhysicalDevice) -> Result<Arc<SyncFd>, LayerError> {
        if let Some(known) = self.sync_fds.get(&physical) {
            return Ok(known);
        }
        let never = config::get().dmabuf == Takeover::Never || !self.has_sync_queries;
        let decided = if never { SyncFd::default() } else { SyncFd::of(self, physical)? };
        let decided = Arc::new(decided);
        self.sync_fds.insert(physical, Arc::clone(&decided));
        Ok(decided)
    }

    /// The next layer's command. Only for handing on.
    pub(crate) fn next(&self, name: &CStr) -> vk::PFN_vkVoidFunction {
        // SAFETY: `raw` lives as long as we, and `name` ends with a NUL.
        unsafe { (self.get_instance_proc_addr)(self.raw.handle(), name.as_ptr()) }
    }
}
