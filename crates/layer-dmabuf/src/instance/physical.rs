//! Whether a physical device needs our help with dma-bufs, asked once for each.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::sync::Arc;

use ash::{ext, khr, vk};
use zerohop_layer::config::{self, Takeover};
use zerohop_layer::extensions::{name, properties};
use zerohop_layer::{Doing, LayerError, read_list};
use zerohop_manifest::DMABUF;

use super::InstanceState;

/// The format by which a device's abilities are tried.
const SAMPLE: vk::Format = vk::Format::B8G8R8A8_UNORM;

/// Those of our extensions that are about memory. [`crate::sync`] has the others.
pub(crate) const MEMORY: [&CStr; 4] = [
    khr::external_memory_fd::NAME,
    ext::external_memory_dma_buf::NAME,
    ext::image_drm_format_modifier::NAME,
    ext::queue_family_foreign::NAME,
];

/// What we do on one physical device. Its `DMA_BUF` handles are ours in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Emulation {
    /// Those of our extensions that the driver lacks, and those that it has and we take over: what
    /// is not handed down.
    pub(crate) ours: BTreeSet<&'static CStr>,
    /// `minImportedHostPointerAlignment`, in bytes.
    pub(crate) alignment: u64,
    /// Whether the driver answers `VkFormatProperties3`.
    pub(crate) wide_features: bool,
}

impl Emulation {
    /// Whether the driver never hears of the extension called `name`.
    pub(crate) fn owns(&self, name: &CStr) -> bool {
        self.ours.contains(name)
    }

    /// Whether memory leaves and comes in by descriptors as dma-bufs alone: a driver that lacks
    /// `VK_KHR_external_memory_fd` may answer for its own kind all the same, whose commands it has not.
    pub(crate) fn has_no(&self, kind: vk::ExternalMemoryHandleTypeFlags) -> bool {
        let opaque = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;
        kind.contains(opaque) && self.owns(khr::external_memory_fd::NAME)
    }

    /// Whether all images with a modifier are ours.
    pub(crate) fn owns_modifiers(&self) -> bool {
        self.owns(ext::image_drm_format_modifier::NAME)
    }
}

impl InstanceState {
    /// What we do on a physical device of this instance. `None`: nothing.
    ///
    /// # Errors
    ///
    /// What the next layer reports.
    pub(crate) fn emulation(
        &self,
        physical: vk::PhysicalDevice,
    ) -> Result<Arc<Option<Emulation>>, LayerError> {
        if let Some(known) = self.emulations.get(&physical) {
            return Ok(known);
        }
        let decided = Arc::new(self.decide(physical, config::get().dmabuf)?);
        self.emulations.insert(physical, Arc::clone(&decided));
        Ok(decided)
    }

    fn decide(
        &self,
        physical: vk::PhysicalDevice,
        choice: Takeover,
    ) -> Result<Option<Emulation>, LayerError> {
        if choice == Takeover::Never || !self.has_queries {
            return Ok(None);
        }
        let driver: BTreeSet<CString> =
            below(self, physical)?.iter().map(|entry| name(entry).to_owned()).collect();
        let host = driver.contains(ext::external_memory_host::NAME) && self.imports_host(physical);
        if !host || (choice == Takeover::Auto && self.shares(physical, &driver)) {
            return Ok(None);
        }
        let mut limits = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
        let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut limits);
        // SAFETY: the handle is the instance's, and the driver has the extension.
        unsafe { self.raw.get_physical_device_properties2(physical, &mut all) };
        let version = all.properties.api_version;
        Ok(Some(Emulation {
            ours: ours(&driver, choice),
            alignment: limits.min_imported_host_pointer_alignment.max(1).next_power_of_two(),
            wide_features: version >= vk::API_VERSION_1_3
                || driver.contains(khr::format_feature_flags2::NAME),
        }))
    }

    /// Whether buffers take host memory, which is what all of ours is in truth.
    fn imports_host(&self, physical: vk::PhysicalDevice) -> bool {
        let host = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;
        let features = self.buffer_features(physical, host);
        features.contains(vk::ExternalMemoryFeatureFlags::IMPORTABLE)
    }

    /// Whether the driver makes dma-bufs, and images in them, that others can read. A list of
    /// extensions does not say it: llvmpipe lists `VK_EXT_external_memory_dma_buf` also where it
    /// has no `/dev/udmabuf` to make one with.
    fn shares(&self, physical: vk::PhysicalDevice, driver: &BTreeSet<CString>) -> bool {
        let listed = MEMORY.iter().all(|name| driver.contains(*name));
        let dma_buf = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
        let exports = vk::ExternalMemoryFeatureFlags::EXPORTABLE;
        listed
            && self.buffer_features(physical, dma_buf).contains(exports)
            && self.exports_images(physical)
    }

    /// What buffers can do with memory of this kind.
    fn buffer_features(
        &self,
        physical: vk::PhysicalDevice,
        handle_type: vk::ExternalMemoryHandleTypeFlags,
    ) -> vk::ExternalMemoryFeatureFlags {
        let info = vk::PhysicalDeviceExternalBufferInfo::default()
            .usage(vk::BufferUsageFlags::TRANSFER_SRC)
            .handle_type(handle_type);
        let mut out = vk::ExternalBufferProperties::default();
        // SAFETY: the handle is the instance's, and the next layer has the command.
        unsafe {
            self.raw.get_physical_device_external_buffer_properties(physical, &info, &mut out);
        }
        out.external_memory_properties.external_memory_features
    }

    /// Whether an image of [`SAMPLE`] with some modifier leaves the driver as a dma-buf.
    fn exports_images(&self, physical: vk::PhysicalDevice) -> bool {
        let listed = self.modifiers(physical);
        listed.into_iter().any(|modifier| self.exports_image(physical, modifier))
    }

    /// The modifiers of [`SAMPLE`] that the driver lists, and `LINEAR`, which one may have and not list.
    fn modifiers(&self, physical: vk::PhysicalDevice) -> Vec<u64> {
        type List<'a> = vk::DrmFormatModifierPropertiesListEXT<'a>;
        let ask = |list: &mut List<'_>| {
            let mut all = vk::FormatProperties2::default().push_next(list);
            // SAFETY: the handle is the instance's, and the list has room for as many as it says.
            unsafe { self.raw.get_physical_device_format_properties2(physical, SAMPLE, &mut all) };
        };
        let mut count = List::default();
        ask(&mut count);
        let room = count.drm_format_modifier_count as usize;
        let mut all = vec![vk::DrmFormatModifierPropertiesEXT::default(); room];
        let mut list = List::default().drm_format_modifier_properties(&mut all);
        ask(&mut list);
        let written = (list.drm_format_modifier_count as usize).min(room);
        let listed = all[..written].iter().map(|one| one.drm_format_modifier);
        std::iter::once(crate::image::LINEAR).chain(listed).collect()
    }

    fn exports_image(&self, physical: vk::PhysicalDevice, modifier: u64) -> bool {
        let mut external = vk::PhysicalDeviceExternalImageFormatInfo::default()
            .handle_type(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT);
        let mut tiling = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT::default()
            .drm_format_modifier(modifier)
            .sharing_mode(vk::SharingMode::EXCLUSIVE);
        let info = vk::PhysicalDeviceImageFormatInfo2::default()
            .format(SAMPLE)
            .ty(vk::ImageType::TYPE_2D)
            .tiling(vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)
            .usage(vk::ImageUsageFlags::TRANSFER_SRC)
            .push_next(&mut external)
            .push_next(&mut tiling);
        let mut found = vk::ExternalImageFormatProperties::default();
        let mut out = vk::ImageFormatProperties2::default().push_next(&mut found);
        // SAFETY: the handle is the instance's, and the next layer has the command.
        let answer = unsafe {
            self.raw.get_physical_device_image_format_properties2(physical, &info, &mut out)
        };
        let features = found.external_memory_properties.external_memory_features;
        answer.is_ok() && features.contains(vk::ExternalMemoryFeatureFlags::EXPORTABLE)
    }
}

/// What is not handed down. The driver keeps the way of its opaque handles; it keeps its modifiers
/// for images that do not leave, unless the user wants all of it to be ours.
fn ours(driver: &BTreeSet<CString>, choice: Takeover) -> BTreeSet<&'static CStr> {
    let mut ours = BTreeSet::from([ext::external_memory_dma_buf::NAME]);
    ours.extend(MEMORY.iter().filter(|name| !driver.contains(**name)));
    if choice == Takeover::Always {
        ours.insert(ext::image_drm_format_modifier::NAME);
    }
    ours
}

/// What the driver lists. The loader's own end of the chain adds what the manifests of implicit
/// layers list, and so ours, in version 0 ([`zerohop_manifest::Layer::manifest`]).
///
/// # Errors
///
/// What the next layer reports.
pub(crate) fn below(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
) -> Result<Vec<vk::ExtensionProperties>, LayerError> {
    let all = read_list(|count, out| {
        let enumerate = instance.raw.fp_v1_0().enumerate_device_extension_properties;
        // SAFETY: `read_list` gives a count and room for as many.
        unsafe { enumerate(physical, std::ptr::null(), count, out) }
    });
    let mut all: Vec<vk::ExtensionProperties> = all.doing("list the device's extensions")?;
    all.retain(|one| one.spec_version > 0);
    Ok(all)
}

/// What the application sees: the driver's list and ours for `None`, ours alone for our layer's
/// name. `None` when another layer is asked for.
///
/// # Errors
///
/// What the next layer reports.
pub(crate) fn extensions(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
    layer: Option<&CStr>,
) -> Result<Option<Vec<vk::ExtensionProperties>>, LayerError> {
    let ours = DMABUF.device_extensions.iter().map(properties);
    match layer {
        Some(layer) if layer.to_bytes() == DMABUF.name.as_bytes() => Ok(Some(ours.collect())),
        Some(_) => Ok(None),
        None => {
            let mut all = below(instance, physical)?;
            let (memory, sync) = (instance.emulation(physical)?, instance.sync_fd(physical)?);
            let offered = |one: &vk::ExtensionProperties| {
                sync.serves(name(one)) || (memory.is_some() && MEMORY.contains(&name(one)))
            };
            let new = ours.filter(offered);
            let new = new.filter(|one| !all.iter().any(|other| name(other) == name(one)));
            let new: Vec<_> = new.collect();
            all.extend(new);
            Ok(Some(all))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_driver_has_goes_down_but_for_dma_bufs_that_are_ours() {
        let driver = BTreeSet::from([
            khr::external_memory_fd::NAME.to_owned(),
            ext::external_memory_dma_buf::NAME.to_owned(),
            ext::image_drm_format_modifier::NAME.to_owned(),
        ]);
        let dma_buf = ext::external_memory_dma_buf::NAME;
        let foreign = ext::queue_family_foreign::NAME;
        assert_eq!(ours(&driver, Takeover::Auto), BTreeSet::from([dma_buf, foreign]));
        assert!(ours(&driver, Takeover::Always).contains(ext::image_drm_format_modifier::NAME));
        assert_eq!(ours(&BTreeSet::new(), Takeover::Auto).len(), 4);
    }
}
