//! `vkCreateImage`: what the driver makes of an image with a modifier, or for a dma-buf.

use std::sync::Arc;

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_layer::{LayerError, chain, slice};

use super::below::Below;
use super::layout::{ends_of, own_layouts};
use super::place::place;
use super::{Image, LINEAR, Layouts, Shape, memory_planes};
use crate::device::{DeviceState, Help};

type Explicit<'a> = vk::ImageDrmFormatModifierExplicitCreateInfoEXT<'a>;
type List<'a> = vk::ImageDrmFormatModifierListCreateInfoEXT<'a>;

/// An image as the application asks for it. `None`: it is the driver's alone.
///
/// # Errors
///
/// `VK_ERROR_FORMAT_NOT_SUPPORTED` for a modifier that nobody offered,
/// `VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT` for planes that the driver cannot read
/// where they lie, or what the driver reports.
///
/// # Safety
///
/// As `vkCreateImage`.
pub(crate) unsafe fn create(
    device: &DeviceState,
    help: &Help,
    info: &vk::ImageCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
) -> Result<Option<vk::Image>, LayerError> {
    // SAFETY: the caller's promise.
    let made = unsafe { make(device, help, info, allocator) }?;
    Ok(made.map(|(raw, image)| {
        help.images.insert(raw, Arc::new(image));
        raw
    }))
}

/// Whether such an image is not the driver's alone.
///
/// # Safety
///
/// As `vkCreateImage`.
pub(crate) unsafe fn is_ours(help: &Help, info: &vk::ImageCreateInfo<'_>) -> bool {
    let has_modifier = info.tiling == vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT;
    // SAFETY: the caller's promise.
    let external = unsafe { is_external(info) };
    external || (has_modifier && help.emulation.owns_modifiers())
}

/// Whether its memory may be a dma-buf.
///
/// # Safety
///
/// As `vkCreateImage`.
unsafe fn is_external(info: &vk::ImageCreateInfo<'_>) -> bool {
    // SAFETY: VUID-VkImageCreateInfo-pNext-pNext.
    let external = unsafe { chain::get::<vk::ExternalMemoryImageCreateInfo<'_>>(info.p_next) };
    let dma_buf = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
    external.is_some_and(|it| it.handle_types.contains(dma_buf))
}

/// As [`create`], without remembering it.
///
/// # Safety
///
/// As `vkCreateImage`.
unsafe fn make(
    device: &DeviceState,
    help: &Help,
    info: &vk::ImageCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
) -> Result<Option<(vk::Image, Image)>, LayerError> {
    // SAFETY: the caller's promise.
    let external = unsafe { is_external(info) };
    let has_modifier = info.tiling == vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT;
    // SAFETY: the caller's promise.
    if !unsafe { is_ours(help, info) } {
        return Ok(None);
    }
    let aspects = memory_planes(info.format).unwrap_or(&[]);
    // SAFETY: VUID-VkImageCreateInfo-pNext-pNext.
    let explicit = unsafe { chain::get::<Explicit<'_>>(info.p_next) }.filter(|_| has_modifier);
    if has_modifier {
        // SAFETY: the caller's promise.
        unsafe { check_modifier(info, explicit) }?;
        // SAFETY: the caller's promise.
        unsafe { check_handles(info) }?;
    }
    // SAFETY: VUID-VkImageCreateInfo-pNext-pNext.
    let below = unsafe { Below::new(info, has_modifier, external, allocator) }?;
    let raw = below.create(device, info.flags)?;
    let own = Layouts::new();
    let ends = ArrayVec::new();
    let mut image = Image { has_modifier, external, aspects, own, ends, shape: Shape::Whole(0) };
    if has_modifier {
        image.own = own_layouts(device, help, &below, (raw, aspects))
            .inspect_err(|_| below.destroy(device, raw))?;
        image.ends = ends_of(info, &image.own);
    }
    if info.flags.contains(vk::ImageCreateFlags::DISJOINT) {
        image.shape = Shape::Apart(aspects.iter().map(|_| 0).collect());
    }
    let Some(explicit) = explicit else { return Ok(Some((raw, image))) };
    // SAFETY: VUID-VkImageDrmFormatModifierExplicitCreateInfoEXT-pPlaneLayouts-parameter.
    let layouts =
        unsafe { slice(explicit.p_plane_layouts, explicit.drm_format_modifier_plane_count) };
    place(device, help, info, &below, (raw, image), layouts).map(Some)
}

/// Refuses a modifier that is none of ours.
///
/// # Safety
///
/// As `vkCreateImage`.
unsafe fn check_modifier(
    info: &vk::ImageCreateInfo<'_>,
    explicit: Option<&Explicit<'_>>,
) -> Result<(), LayerError> {
    // SAFETY: VUID-VkImageCreateInfo-pNext-pNext.
    let list = unsafe { chain::get::<List<'_>>(info.p_next) };
    let listed = list.map_or(&[][..], |list| {
        // SAFETY: VUID-VkImageDrmFormatModifierListCreateInfoEXT-pDrmFormatModifiers-parameter.
        unsafe { slice(list.p_drm_format_modifiers, list.drm_format_modifier_count) }
    });
    let one = explicit.map(|it| [it.drm_format_modifier]);
    let asked = one.as_ref().map_or(listed, |one| &one[..]);
    let known = memory_planes(info.format).is_some();
    if asked.contains(&LINEAR) && known {
        return Ok(());
    }
    let code = vk::Result::ERROR_FORMAT_NOT_SUPPORTED;
    let asked: Vec<_> = asked.iter().map(|one| format!("{one:#x}")).collect();
    let (asked, format) = (asked.join(", "), info.format);
    let what =
        format!("an image of {format:?} with one of the modifiers {asked}: only LINEAR, 0x0");
    Err(LayerError::refused(code, what))
}

/// Refuses handles by which an image with a modifier of ours cannot leave.
///
/// # Safety
///
/// As `vkCreateImage`.
unsafe fn check_handles(info: &vk::ImageCreateInfo<'_>) -> Result<(), LayerError> {
    // SAFETY: VUID-VkImageCreateInfo-pNext-pNext.
    let external = unsafe { chain::get::<vk::ExternalMemoryImageCreateInfo<'_>>(info.p_next) };
    let asked = external.map_or(vk::ExternalMemoryHandleTypeFlags::empty(), |it| it.handle_types);
    let others = asked & !vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
    if others.is_empty() {
        return Ok(());
    }
    let what = format!("an image with a modifier for handles of type {others:?}: only DMA_BUF");
    Err(LayerError::refused(vk::Result::ERROR_FORMAT_NOT_SUPPORTED, what))
}

/// Makes an image for a question about it, and asks. `None`: it is none of ours.
///
/// # Errors
///
/// As [`create`].
///
/// # Safety
///
/// `info` is one that `vkCreateImage` could get.
pub(crate) unsafe fn with_sample<T>(
    device: &DeviceState,
    help: &Help,
    info: &vk::ImageCreateInfo<'_>,
    ask: impl FnOnce(vk::Image, &Image) -> T,
) -> Result<Option<T>, LayerError> {
    // SAFETY: the caller's promise.
    let made = unsafe { make(device, help, info, std::ptr::null()) }?;
    Ok(made.map(|(raw, image)| {
        let answer = ask(raw, &image);
        // SAFETY: nobody else has seen the image.
        unsafe { device.raw.destroy_image(raw, None) };
        answer
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(format: vk::Format, modifiers: &[u64]) -> Option<String> {
        let mut list = List::default().drm_format_modifiers(modifiers);
        let info = vk::ImageCreateInfo::default().format(format).push_next(&mut list);
        // SAFETY: a chain of locals.
        unsafe { check_modifier(&info, None) }.err().map(|err| err.to_string())
    }

    #[test]
    fn an_image_with_a_modifier_leaves_as_a_dma_buf_only() {
        use vk::ExternalMemoryHandleTypeFlags as Kind;
        let check = |kinds| {
            let mut external = vk::ExternalMemoryImageCreateInfo::default().handle_types(kinds);
            let info = vk::ImageCreateInfo::default().push_next(&mut external);
            // SAFETY: a chain of locals.
            unsafe { check_handles(&info) }
        };
        assert!(check(Kind::DMA_BUF_EXT).is_ok() && check(Kind::empty()).is_ok());
        let refused = check(Kind::DMA_BUF_EXT | Kind::OPAQUE_FD).unwrap_err().to_string();
        assert!(refused.contains("OPAQUE_FD") && refused.ends_with("only DMA_BUF"), "{refused}");
    }

    #[test]
    fn a_modifier_that_nobody_offered_is_refused_by_its_number() {
        let bgra = vk::Format::B8G8R8A8_UNORM;
        assert_eq!(refusal(bgra, &[0x0100_0000_0000_0001, LINEAR]), None);
        let refused = refusal(bgra, &[0x0100_0000_0000_0001, 0x0200_0000_0000_0002]).unwrap();
        assert!(refused.contains("0x100000000000001, 0x200000000000002"), "{refused}");
        assert!(refusal(bgra, &[]).is_some());
        assert!(refusal(vk::Format::D32_SFLOAT, &[LINEAR]).is_some(), "nothing is for depth");
        let explicit = Explicit::default().drm_format_modifier(7);
        let info = vk::ImageCreateInfo::default().format(bgra);
        // SAFETY: no chain.
        let err = unsafe { check_modifier(&info, Some(&explicit)) }.unwrap_err();
        assert_eq!(err.code(), vk::Result::ERROR_FORMAT_NOT_SUPPORTED);
    }
}
