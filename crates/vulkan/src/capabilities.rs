//! What a device can do for us, found out without opening it.

use ash::vk;

use crate::{Error, PhysicalDevice};

/// What a device offers, as far as it matters here. Each `false` closes a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `VK_KHR_external_memory_fd`: memory goes in and out by descriptor.
    pub memory_fd: bool,
    /// `VK_EXT_external_memory_dma_buf`: the descriptor may be a dma-buf.
    pub dma_buf: bool,
    /// `VK_EXT_image_drm_format_modifier`: images of dma-bufs whose tiling is named.
    pub modifiers: bool,
    /// `VK_EXT_queue_family_foreign`: images pass between drivers.
    pub foreign: bool,
    /// `VK_EXT_external_memory_host`, and the alignment of imported pointers in bytes.
    pub host_pointers: Option<u64>,
    /// Binary semaphores import `SYNC_FD`.
    pub sync_file_import: bool,
    /// Binary semaphores export `SYNC_FD`.
    pub sync_file_export: bool,
    /// Timeline semaphores.
    pub timeline: bool,
    /// Timeline semaphores go in and out as `OPAQUE_FD`.
    pub timeline_fd: bool,
    /// Subgroup arithmetic in compute shaders, and the size of a subgroup.
    pub subgroups: Option<u32>,
    /// Numbers of 64 bits in shaders.
    pub int64: bool,
    /// Full subgroups that shuffle in compute shaders (`VK_EXT_subgroup_size_control`), and their
    /// size: 8 to 128.
    pub shuffles: Option<u32>,
    /// Nanoseconds per tick of compute timestamps.
    pub timestamps: Option<u32>,
    /// `VK_KHR_video_encode_h264`.
    pub encode_h264: bool,
    /// `VK_KHR_video_encode_h265`.
    pub encode_h265: bool,
    /// `VK_KHR_video_encode_av1`.
    pub encode_av1: bool,
    /// `VK_EXT_physical_device_drm`: the device node is known.
    pub drm_node: bool,
}

impl Capabilities {
    /// Whether fences pass in and out as `sync_file`.
    pub fn sync_files(&self) -> bool {
        self.sync_file_import && self.sync_file_export
    }

    /// How pictures come in, best path first.
    pub fn handover(&self) -> &'static str {
        if self.dma_buf && self.modifiers { "dma-buf" } else { "opaque fd" }
    }

    /// What a sync point is between processes on this device, best first: `sync_file`, `timeline` or
    /// `signaled`.
    pub fn sync_tier(&self) -> &'static str {
        match self {
            _ if self.sync_files() => "sync_file",
            _ if self.timeline_fd => "timeline",
            _ => "signaled",
        }
    }

    /// Why it is no better one.
    pub fn sync_reason(&self) -> Option<&'static str> {
        match self {
            _ if self.sync_files() => None,
            _ if self.timeline_fd => Some("SYNC_FD semaphores do not go in and out"),
            _ if !self.timeline => Some("no SYNC_FD semaphores, and no timeline semaphores"),
            _ => Some("no SYNC_FD semaphores, and timelines do not go in and out as OPAQUE_FD"),
        }
    }
}

impl PhysicalDevice {
    /// What the device offers.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn capabilities(&self) -> Result<Capabilities, Error> {
        let names = self.extensions()?;
        let has = |name: &str| names.iter().any(|one| one == name);
        let version = self.properties.api_version;
        let semaphore_fd = has("VK_KHR_external_semaphore_fd");
        // By the name of its extension, which newer drivers list too.
        let timeline = has("VK_KHR_timeline_semaphore") && self.has_timeline();
        let sync = if semaphore_fd { self.sync_fd_features() } else { Default::default() };
        let timeline_fd = semaphore_fd && timeline && self.shares_timelines();
        use vk::ExternalSemaphoreFeatureFlags as Feature;
        Ok(Capabilities {
            memory_fd: has("VK_KHR_external_memory_fd"),
            dma_buf: has("VK_EXT_external_memory_dma_buf"),
            modifiers: has("VK_EXT_image_drm_format_modifier"),
            foreign: has("VK_EXT_queue_family_foreign"),
            host_pointers: has("VK_EXT_external_memory_host").then(|| self.host_alignment()),
            sync_file_import: sync.contains(Feature::IMPORTABLE),
            sync_file_export: sync.contains(Feature::EXPORTABLE),
            timeline,
            timeline_fd,
            subgroups: (version >= vk::API_VERSION_1_1)
                .then(|| self.subgroups_with(vk::SubgroupFeatureFlags::ARITHMETIC))
                .flatten(),
            int64: self.has_int64(),
            shuffles: has("VK_EXT_subgroup_size_control").then(|| self.shuffles()).flatten(),
            timestamps: (self.properties.limits.timestamp_compute_and_graphics == vk::TRUE)
                .then_some(self.properties.limits.timestamp_period as u32),
            encode_h264: has("VK_KHR_video_encode_h264"),
            encode_h265: has("VK_KHR_video_encode_h265"),
            encode_av1: has("VK_KHR_video_encode_av1"),
            drm_node: has("VK_EXT_physical_device_drm"),
        })
    }

    fn sync_fd_features(&self) -> vk::ExternalSemaphoreFeatureFlags {
        let kind = vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD;
        let info = vk::PhysicalDeviceExternalSemaphoreInfo::default().handle_type(kind);
        self.semaphore_features(&info)
    }

    fn shares_timelines(&self) -> bool {
        let mut kind =
            vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
        let info = vk::PhysicalDeviceExternalSemaphoreInfo::default()
            .handle_type(vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD)
            .push_next(&mut kind);
        let both = vk::ExternalSemaphoreFeatureFlags::EXPORTABLE
            | vk::ExternalSemaphoreFeatureFlags::IMPORTABLE;
        self.semaphore_features(&info).contains(both)
    }

    fn semaphore_features(
        &self,
        info: &vk::PhysicalDeviceExternalSemaphoreInfo<'_>,
    ) -> vk::ExternalSemaphoreFeatureFlags {
        let mut found = vk::ExternalSemaphoreProperties::default();
        let instance = self.instance.raw();
        // SAFETY: `raw` is of this instance, and both chains point to locals.
        unsafe {
            instance.get_physical_device_external_semaphore_properties(self.raw, info, &mut found);
        }
        found.external_semaphore_features
    }

    fn has_timeline(&self) -> bool {
        let mut timeline = vk::PhysicalDeviceTimelineSemaphoreFeatures::default();
        let mut all = vk::PhysicalDeviceFeatures2::default().push_next(&mut timeline);
        // SAFETY: `raw` is of this instance, and the chain points to locals.
        unsafe { self.instance.raw().get_physical_device_features2(self.raw, &mut all) };
        timeline.timeline_semaphore == vk::TRUE
    }

    fn has_int64(&self) -> bool {
        // SAFETY: `raw` is of this instance.
        let all = unsafe { self.instance.raw().get_physical_device_features(self.raw) };
        all.shader_int64 == vk::TRUE
    }

    /// The size of subgroups, where shaders may rely on it and shuffle.
    fn shuffles(&self) -> Option<u32> {
        let mut control = vk::PhysicalDeviceSubgroupSizeControlFeatures::default();
        let mut all = vk::PhysicalDeviceFeatures2::default().push_next(&mut control);
        // SAFETY: `raw` is of this instance, and the chain points to locals.
        unsafe { self.instance.raw().get_physical_device_features2(self.raw, &mut all) };
        let full = control.compute_full_subgroups == vk::TRUE;
        let size = self.subgroups_with(vk::SubgroupFeatureFlags::SHUFFLE)?;
        (full && size.is_power_of_two() && (8..=128).contains(&size)).then_some(size)
    }

    pub(crate) fn host_alignment(&self) -> u64 {
        let mut host = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
        let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut host);
        // SAFETY: `raw` is of this instance, and the chain points to locals.
        unsafe { self.instance.raw().get_physical_device_properties2(self.raw, &mut all) };
        host.min_imported_host_pointer_alignment
    }

    /// The size of subgroups that do `operations` in compute shaders.
    fn subgroups_with(&self, operations: vk::SubgroupFeatureFlags) -> Option<u32> {
        let mut subgroup = vk::PhysicalDeviceSubgroupProperties::default();
        let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut subgroup);
        // SAFETY: `raw` is of this instance, and the chain points to locals.
        unsafe { self.instance.raw().get_physical_device_properties2(self.raw, &mut all) };
        let can = subgroup.supported_operations.contains(operations);
        let compute = subgroup.supported_stages.contains(vk::ShaderStageFlags::COMPUTE);
        (can && compute).then_some(subgroup.subgroup_size)
    }
}
