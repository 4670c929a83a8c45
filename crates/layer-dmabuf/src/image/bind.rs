//! Binding images of ours where the application says, and a little further.

use ash::vk;
use zerohop_layer::{LayerError, chain};

use super::requirements::{of_plane, requirements};
use super::{Image, Shape};
use crate::device::{DeviceState, Help};

/// `vkBindImageMemory`.
///
/// # Errors
///
/// `VK_ERROR_OUT_OF_DEVICE_MEMORY` for memory of ours in which the image does not fit; what the
/// driver reports.
pub(crate) fn bind(
    device: &DeviceState,
    help: &Help,
    info: &vk::BindImageMemoryInfo<'_>,
    image: &Image,
) -> Result<vk::Result, LayerError> {
    if let Shape::Split { .. } = image.shape {
        // SAFETY: a structure of ours, without a chain.
        return unsafe { bind_all(device, help, &[*info]) };
    }
    check_room(help, info, requirements(device, help, info.image, image).size)?;
    check_end(help, info, image.whole_end())?;
    let bind = device.raw.fp_v1_0().bind_image_memory;
    let offset = info.memory_offset.saturating_add(image.shift(0));
    // SAFETY: VUID-vkBindImageMemory-*: the application's, with an offset that we checked.
    Ok(unsafe { bind(device.raw.handle(), info.image, info.memory, offset) })
}

/// `vkBindImageMemory2`, some of them perhaps none of ours.
///
/// # Errors
///
/// As [`bind`]. Then none is bound.
///
/// # Safety
///
/// The chains are the application's.
pub(crate) unsafe fn bind_all(
    device: &DeviceState,
    help: &Help,
    infos: &[vk::BindImageMemoryInfo<'_>],
) -> Result<vk::Result, LayerError> {
    let mut down: Vec<(vk::BindImageMemoryInfo<'_>, Plane)> = Vec::new();
    let mut kept = Vec::new();
    for info in infos {
        let Some(image) = help.images.get(&info.image) else {
            down.push((*info, None));
            continue;
        };
        if let Shape::Split { shifts, needs } = &image.shape {
            check_room(help, info, needs.size)?;
            check_end(help, info, image.whole_end())?;
            for (aspect, shift) in image.aspects.iter().zip(shifts) {
                down.push((moved(info, *shift), Some(*aspect)));
            }
            continue;
        }
        // SAFETY: VUID-VkBindImageMemoryInfo-pNext-pNext.
        let plane = unsafe { chain::get::<vk::BindImagePlaneMemoryInfo<'_>>(info.p_next) };
        let Some(plane) = plane else {
            check_room(help, info, requirements(device, help, info.image, &image).size)?;
            check_end(help, info, image.whole_end())?;
            down.push((moved(info, image.shift(0)), None));
            continue;
        };
        let (aspect, index) = image.plane(plane.plane_aspect);
        let needs = of_plane(device, info.image, aspect).size;
        check_room(help, info, needs.saturating_add(image.shift(index)))?;
        check_end(help, info, image.end(index..index + 1))?;
        // SAFETY: as above.
        let rest = unsafe {
            chain::without(info.p_next, &[vk::StructureType::BIND_IMAGE_PLANE_MEMORY_INFO])
        };
        let mut info = moved(info, image.shift(index));
        info.p_next = rest.head();
        kept.push(rest);
        down.push((info, Some(aspect)));
    }
    Ok(hand_down(device, &down))
}

/// The plane that is bound, in the driver's word, when it is one alone.
type Plane = Option<vk::ImageAspectFlags>;

fn moved<'a>(info: &vk::BindImageMemoryInfo<'a>, shift: u64) -> vk::BindImageMemoryInfo<'a> {
    vk::BindImageMemoryInfo { memory_offset: info.memory_offset.saturating_add(shift), ..*info }
}

fn hand_down(device: &DeviceState, down: &[(vk::BindImageMemoryInfo<'_>, Plane)]) -> vk::Result {
    let planes: Vec<_> = down
        .iter()
        .map(|(info, plane)| vk::BindImagePlaneMemoryInfo {
            plane_aspect: plane.unwrap_or_default(),
            p_next: info.p_next,
            ..Default::default()
        })
        .collect();
    let infos: Vec<_> = down
        .iter()
        .zip(&planes)
        .map(|((info, plane), structure)| match plane {
            Some(_) => {
                vk::BindImageMemoryInfo { p_next: std::ptr::from_ref(structure).cast(), ..*info }
            }
            None => *info,
        })
        .collect();
    let count = u32::try_from(infos.len()).unwrap_or(u32::MAX);
    let bind = device.raw.fp_v1_1().bind_image_memory2;
    // SAFETY: the application's structures, with planes and offsets that the driver knows.
    unsafe { bind(device.raw.handle(), count, infos.as_ptr()) }
}

/// Refuses somebody else's memory that ends before the pixels do: the picture would lack some.
fn check_end(help: &Help, info: &vk::BindImageMemoryInfo<'_>, end: u64) -> Result<(), LayerError> {
    let Some(memory) = help.memory.get(&info.memory) else { return Ok(()) };
    let (end, has) = (info.memory_offset.saturating_add(end), memory.size());
    if end <= has {
        return Ok(());
    }
    let what = format!("the picture ends at byte {end} of memory with {has}");
    Err(LayerError::refused(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, what))
}

/// Refuses memory of ours that ends before the image does: the driver would write behind it.
fn check_room(
    help: &Help,
    info: &vk::BindImageMemoryInfo<'_>,
    needs: u64,
) -> Result<(), LayerError> {
    let Some(memory) = help.memory.get(&info.memory) else { return Ok(()) };
    let (offset, room) = (info.memory_offset, memory.room());
    if offset.checked_add(needs).is_some_and(|end| end <= room) {
        return Ok(());
    }
    let what = format!("an image of {needs} bytes at byte {offset} of memory with {room}");
    Err(LayerError::refused(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, what))
}
