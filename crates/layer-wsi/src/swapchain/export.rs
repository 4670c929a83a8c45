//! How images of a plan leave the process on a device: by which handle, in which modifier.

use std::borrow::Cow;
use std::sync::Arc;

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{MAX_PLANES, Modifier, PlaneLayout};
use zerohop_layer::{Doing, LayerError};

use super::plan::{Export, ImagePlan, Way};
use super::staging;
use crate::device::DeviceState;

/// The memory planes in their order.
const PLANES: [vk::ImageAspectFlags; MAX_PLANES] = [
    vk::ImageAspectFlags::MEMORY_PLANE_0_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_1_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_2_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_3_EXT,
];

impl ImagePlan {
    /// Chooses how the images leave the process, and makes them as easy for the host to read as the
    /// device allows: `SAMPLED`, so that its shaders read them in place; on a GPU as words too, four of
    /// which they get at once; and on a CPU `LINEAR`, so that its plain code does. An application cannot
    /// tell.
    /// On a `screen` they leave as dma-bufs in a modifier that it shows, or are copied.
    pub(crate) fn settle(&mut self, device: &Arc<DeviceState>, screen: Option<&[u64]>) {
        let sampled = Self { usage: self.usage | vk::ImageUsageFlags::SAMPLED, ..self.clone() };
        let linear = Self { tiling: vk::ImageTiling::LINEAR, ..sampled.clone() };
        let is_cpu = device.is_cpu();
        let words = sampled.clone().with_words().filter(|_| !is_cpu);
        let opaque = |plan: &Self| Export::choose(device, plan, screen) == Export::Opaque;
        // Of a dma-buf the host makes an image of its own, and words are not worth the loss of one.
        if let Some(words) = words.filter(|words| opaque(&sampled) && opaque(words)) {
            *self = Self { export: Export::Opaque, ..words };
            return;
        }
        let linear = is_cpu.then_some(linear);
        for easier in linear.into_iter().chain([sampled]) {
            let export = Export::choose(device, &easier, screen);
            if !matches!(export, Export::Nothing(_)) {
                *self = Self { export, ..easier };
                return;
            }
        }
        self.export = match Export::choose(device, self, screen) {
            Export::Nothing(why) => Export::copied(device, self, why),
            itself => itself,
        };
    }
}

impl Export {
    /// The best way out for images of `plan`: a dma-buf, which every device can take; else an
    /// opaque handle; else none.
    fn choose(device: &DeviceState, plan: &ImagePlan, screen: Option<&[u64]>) -> Self {
        if device.memory_fd.is_none() {
            return Self::Nothing("the device lacks VK_KHR_external_memory_fd");
        }
        let modifiers = modifiers(device, plan, screen);
        if !modifiers.is_empty() {
            return Self::DmaBuf(modifiers);
        }
        if screen.is_some() {
            return Self::Nothing("the device exports no image that the screen shows");
        }
        let opaque = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;
        let base = ImagePlan { export: Self::Opaque, ..plan.clone() };
        if exportable(device, &base, opaque, None) {
            return Self::Opaque;
        }
        Self::Nothing("the device cannot export images of this format and usage")
    }

    /// The best way out for copies of images that cannot leave themselves, because of `why`.
    pub(crate) fn copied(device: &Arc<DeviceState>, image: &ImagePlan, why: &str) -> Self {
        match staging::imports(device, image) {
            Ok(()) => Self::Copied { way: Way::Imported, why: why.to_owned() },
            Err(also) => Self::Copied { way: Way::Mapped, why: format!("{why}; {also}") },
        }
    }

    /// Whether a thread must copy each picture.
    pub(crate) fn needs_thread(&self) -> bool {
        matches!(self, Self::Copied { way: Way::Mapped, .. })
    }

    /// What is worse than without a copy, and why; for people.
    pub(crate) fn cost(&self) -> Option<(&str, &'static str)> {
        let Self::Copied { way, why } = self else { return None };
        Some((
            why,
            match way {
                Way::Imported => "the application's GPU copies each picture into shared memory",
                Way::Mapped => {
                    "the application's GPU copies each picture, and its CPU from there into shared memory"
                }
            },
        ))
    }

    /// How Vulkan calls it.
    pub(crate) fn handle_type(&self) -> Option<vk::ExternalMemoryHandleTypeFlags> {
        match self {
            Self::Opaque => Some(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD),
            Self::DmaBuf(_) => Some(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT),
            Self::Copied { .. } | Self::Nothing(_) => None,
        }
    }

    /// The modifiers that an image may have: all of the plan's, or only that of its sibling.
    pub(crate) fn modifiers(&self, sibling: Option<Modifier>) -> Cow<'_, [u64]> {
        match (self, sibling) {
            (Self::DmaBuf(_), Some(sibling)) => Cow::Owned(vec![sibling.0]),
            (Self::DmaBuf(modifiers), None) => Cow::Borrowed(modifiers),
            _ => Cow::Borrowed(&[]),
        }
    }
}

/// The modifiers in which the device makes, exports and reads images of `plan`; `LINEAR` only when
/// there is no other. Empty when images cannot have one.
fn modifiers(device: &DeviceState, plan: &ImagePlan, screen: Option<&[u64]>) -> Vec<u64> {
    // VUID-VkImageCreateInfo-tiling-02353: a mutable image with a modifier needs its list.
    let mutable = plan.flags.contains(vk::ImageCreateFlags::MUTABLE_FORMAT);
    if device.modifiers.is_none() || (mutable && plan.view_formats.is_empty()) {
        return Vec::new();
    }
    let base = ImagePlan { export: Export::DmaBuf(Vec::new()), ..plan.clone() };
    let dma_buf = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
    let mut all: Vec<u64> = listed(device, plan.format)
        .iter()
        .map(|one| one.drm_format_modifier)
        .filter(|modifier| screen.is_none_or(|shown| shown.contains(modifier)))
        .filter(|modifier| exportable(device, &base, dma_buf, Some(*modifier)))
        .collect();
    if all.iter().any(|modifier| *modifier != Modifier::LINEAR.0) {
        all.retain(|modifier| *modifier != Modifier::LINEAR.0);
    }
    all
}

/// The modifiers that the device lists for `format`, as far as we have room for their planes.
fn listed(device: &DeviceState, format: vk::Format) -> Vec<vk::DrmFormatModifierPropertiesEXT> {
    let instance = &device.instance.raw;
    let mut count = vk::DrmFormatModifierPropertiesListEXT::default();
    let mut properties = vk::FormatProperties2::default().push_next(&mut count);
    // SAFETY: the chain points to locals; without an array only the count is written.
    unsafe {
        instance.get_physical_device_format_properties2(device.physical, format, &mut properties);
    }
    let mut all = vec![
        vk::DrmFormatModifierPropertiesEXT::default();
        count.drm_format_modifier_count as usize
    ];
    let mut list =
        vk::DrmFormatModifierPropertiesListEXT::default().drm_format_modifier_properties(&mut all);
    let mut properties = vk::FormatProperties2::default().push_next(&mut list);
    // SAFETY: the array has room for as many as the count says.
    unsafe {
        instance.get_physical_device_format_properties2(device.physical, format, &mut properties);
    }
    let written = list.drm_format_modifier_count as usize;
    all.truncate(written);
    let fits = |one: &vk::DrmFormatModifierPropertiesEXT| {
        (1..=MAX_PLANES).contains(&(one.drm_format_modifier_plane_count as usize))
    };
    all.retain(fits);
    all
}

/// Whether the device makes images of `plan` whose memory leaves as `handle_type`.
fn exportable(
    device: &DeviceState,
    plan: &ImagePlan,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
    modifier: Option<u64>,
) -> bool {
    let base = plan.base();
    let mut external =
        vk::PhysicalDeviceExternalImageFormatInfo::default().handle_type(handle_type);
    let mut list = vk::ImageFormatListCreateInfo::default().view_formats(&plan.view_formats);
    let mut drm = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT::default()
        .drm_format_modifier(modifier.unwrap_or_default())
        .sharing_mode(base.sharing_mode)
        .queue_family_indices(&plan.families);
    let mut info = vk::PhysicalDeviceImageFormatInfo2::default()
        .format(plan.format)
        .ty(base.image_type)
        .tiling(base.tiling)
        .usage(plan.usage)
        .flags(plan.flags)
        .push_next(&mut external);
    if !plan.view_formats.is_empty() {
        info = info.push_next(&mut list);
    }
    if modifier.is_some() {
        info = info.push_next(&mut drm);
    }
    let mut found = vk::ExternalImageFormatProperties::default();
    let mut properties = vk::ImageFormatProperties2::default().push_next(&mut found);
    // SAFETY: both chains point to locals.
    let answer = unsafe {
        device.instance.raw.get_physical_device_image_format_properties2(
            device.physical,
            &info,
            &mut properties,
        )
    };
    let most = properties.image_format_properties;
    let fits = most.max_extent.width >= plan.extent.width
        && most.max_extent.height >= plan.extent.height
        && most.max_array_layers >= plan.array_layers;
    let features = found.external_memory_properties.external_memory_features;
    answer.is_ok() && fits && features.contains(vk::ExternalMemoryFeatureFlags::EXPORTABLE)
}

/// The modifier that the driver chose for `image`, and where its memory planes lie.
///
/// # Errors
///
/// [`LayerError::Call`]; [`LayerError::Refused`] for a modifier that was not among ours.
pub(crate) fn layout_of(
    device: &DeviceState,
    format: vk::Format,
    image: vk::Image,
) -> Result<(Modifier, ArrayVec<PlaneLayout, MAX_PLANES>), LayerError> {
    let refused = |why| LayerError::refused(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE, why);
    let drm = device.modifiers.as_ref().ok_or(refused("the device has no modifiers"))?;
    let mut chosen = vk::ImageDrmFormatModifierPropertiesEXT::default();
    // SAFETY: the image was created with a list of modifiers.
    unsafe { drm.get_image_drm_format_modifier_properties(image, &mut chosen) }
        .doing("ask for the modifier of an image")?;
    let modifier = chosen.drm_format_modifier;
    let listed = listed(device, format).into_iter().find(|it| it.drm_format_modifier == modifier);
    let listed = listed.ok_or(refused("the driver chose a modifier that it does not list"))?;
    let count = listed.drm_format_modifier_plane_count as usize;
    let planes = PLANES.iter().take(count).map(|&aspect_mask| {
        let plane = vk::ImageSubresource { aspect_mask, mip_level: 0, array_layer: 0 };
        // SAFETY: the modifier has this many memory planes.
        let layout = unsafe { device.raw.get_image_subresource_layout(image, plane) };
        let known = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
        PlaneLayout { object: 0, offset: known(layout.offset), stride: known(layout.row_pitch) }
    });
    Ok((Modifier(modifier), planes.collect()))
}
