//! Planes where the application says that they lie, and whether the driver reads them there.
//!
//! A driver lays a `LINEAR` image out as it likes. Its rows must be as far apart as the application
//! says, since nobody can tell a driver; but where a plane begins is only a matter of where the
//! image is bound.

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_layer::LayerError;

use super::create::Below;
use super::requirements::of_plane;
use super::{Image, MAX_PLANES, Shape};
use crate::device::{DeviceState, Help};

/// Bytes that a driver's planes lie behind where it would begin.
type Shifts = ArrayVec<u64, MAX_PLANES>;

/// Finds out how `made` is to be bound so that its planes lie as in `wanted`; it may be made anew.
/// When they cannot, it is destroyed.
///
/// # Errors
///
/// `VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT`.
pub(super) fn place(
    device: &DeviceState,
    help: &Help,
    info: &vk::ImageCreateInfo<'_>,
    below: &Below<'_>,
    (raw, image): (vk::Image, Image),
    wanted: &[vk::SubresourceLayout],
) -> Result<(vk::Image, Image), LayerError> {
    let shape = whole(device, info, (raw, &image), wanted);
    let shape = match shape {
        Ok(Some(shape)) => Ok(shape),
        Err(err) => Err(err),
        Ok(None) => {
            below.destroy(device, raw);
            return split(device, help, info, below, image, wanted);
        }
    };
    match shape {
        Ok(shape) => Ok((raw, Image { shape, ..image })),
        Err(err) => {
            below.destroy(device, raw);
            Err(err)
        }
    }
}

/// The shape of an image that the driver binds as the application does. `None`: it must be split.
fn whole(
    device: &DeviceState,
    info: &vk::ImageCreateInfo<'_>,
    (raw, image): (vk::Image, &Image),
    wanted: &[vk::SubresourceLayout],
) -> Result<Option<Shape>, LayerError> {
    let shifts = shifts(device, info, (raw, image), wanted)?;
    if let Shape::Apart(_) = image.shape {
        for (aspect, shift) in image.aspects.iter().zip(&shifts) {
            check_alignment(*shift, of_plane(device, raw, *aspect).alignment)?;
        }
        return Ok(Some(Shape::Apart(shifts)));
    }
    let first = shifts.first().copied().unwrap_or(0);
    if shifts.iter().any(|shift| *shift != first) {
        return Ok(None);
    }
    // SAFETY: the image is alive and not disjoint.
    let needs = unsafe { device.raw.get_image_memory_requirements(raw) };
    check_alignment(first, needs.alignment)?;
    Ok(Some(Shape::Whole(first)))
}

/// The image once more, with planes that the driver binds one by one.
fn split(
    device: &DeviceState,
    help: &Help,
    info: &vk::ImageCreateInfo<'_>,
    below: &Below<'_>,
    image: Image,
    wanted: &[vk::SubresourceLayout],
) -> Result<(vk::Image, Image), LayerError> {
    let instance = &help.instance.raw;
    // SAFETY: the handle is the instance's.
    let able =
        unsafe { instance.get_physical_device_format_properties(help.physical, info.format) };
    if !able.linear_tiling_features.contains(vk::FormatFeatureFlags::DISJOINT) {
        return Err(refused(
            "the planes do not follow each other as the driver lays them out".into(),
        ));
    }
    let raw = below.create(device, info.flags | vk::ImageCreateFlags::DISJOINT)?;
    let shape = shifts(device, info, (raw, &image), wanted)
        .and_then(|shifts| join(device, raw, &image, shifts));
    match shape {
        Ok(shape) => Ok((raw, Image { shape, ..image })),
        Err(err) => {
            below.destroy(device, raw);
            Err(err)
        }
    }
}

/// What the planes need together.
fn join(
    device: &DeviceState,
    raw: vk::Image,
    image: &Image,
    shifts: Shifts,
) -> Result<Shape, LayerError> {
    let mut needs = vk::MemoryRequirements { size: 0, alignment: 1, memory_type_bits: !0 };
    for (aspect, shift) in image.aspects.iter().zip(&shifts) {
        let plane = of_plane(device, raw, *aspect);
        check_alignment(*shift, plane.alignment)?;
        needs.size = needs.size.max(plane.size.saturating_add(*shift));
        needs.alignment = needs.alignment.max(plane.alignment);
        needs.memory_type_bits &= plane.memory_type_bits;
    }
    Ok(Shape::Split { shifts, needs })
}

/// How far each plane of the driver's must be moved to lie where it is wanted.
fn shifts(
    device: &DeviceState,
    info: &vk::ImageCreateInfo<'_>,
    (raw, image): (vk::Image, &Image),
    wanted: &[vk::SubresourceLayout],
) -> Result<Shifts, LayerError> {
    if wanted.len() != image.aspects.len() {
        let (has, needs, format) = (wanted.len(), image.aspects.len(), info.format);
        return Err(refused(format!("{has} planes were laid out, and {format:?} has {needs}")));
    }
    let planes = image.aspects.iter().zip(wanted).enumerate();
    planes
        .map(|(index, (aspect, wanted))| {
            let part = vk::ImageSubresource::default().aspect_mask(*aspect);
            // SAFETY: the image is alive and linear, and has the aspect.
            let driver = unsafe { device.raw.get_image_subresource_layout(raw, part) };
            shift(index, wanted, &driver, info.array_layers)
        })
        .collect()
}

/// How far one plane must be moved.
fn shift(
    index: usize,
    wanted: &vk::SubresourceLayout,
    driver: &vk::SubresourceLayout,
    layers: u32,
) -> Result<u64, LayerError> {
    let layers_agree = layers <= 1 || wanted.array_pitch == driver.array_pitch;
    if wanted.row_pitch != driver.row_pitch || !layers_agree {
        return Err(refused(format!(
            "plane {index} was laid out with {} bytes from row to row and {} from layer to layer, \
             and the driver reads {} and {}",
            wanted.row_pitch, wanted.array_pitch, driver.row_pitch, driver.array_pitch
        )));
    }
    wanted.offset.checked_sub(driver.offset).ok_or_else(|| {
        let (has, least) = (wanted.offset, driver.offset);
        refused(format!("plane {index} begins at byte {has}, and the driver's at {least}"))
    })
}

fn check_alignment(shift: u64, alignment: u64) -> Result<(), LayerError> {
    if shift.is_multiple_of(alignment.max(1)) {
        return Ok(());
    }
    let what = format!("a plane begins {shift} bytes in, which is no multiple of {alignment}");
    Err(refused(what))
}

fn refused(what: String) -> LayerError {
    LayerError::refused(vk::Result::ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(offset: u64, row_pitch: u64) -> vk::SubresourceLayout {
        vk::SubresourceLayout { offset, row_pitch, ..Default::default() }
    }

    #[test]
    fn a_plane_can_begin_elsewhere_and_its_rows_cannot() {
        assert_eq!(shift(0, &layout(4096, 512), &layout(0, 512), 1).unwrap(), 4096);
        let err = shift(0, &layout(0, 640), &layout(0, 512), 1).unwrap_err();
        assert_eq!(err.code(), vk::Result::ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT);
        assert!(err.to_string().contains("640") && err.to_string().contains("512"), "{err}");
        assert!(shift(1, &layout(100, 512), &layout(200, 512), 1).is_err());
        assert!(check_alignment(100, 64).is_err() && check_alignment(128, 64).is_ok());
    }
}
