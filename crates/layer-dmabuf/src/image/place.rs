//! Planes where the application says that they lie, and whether the driver reads them there.
//!
//! A driver lays a `LINEAR` image out as it likes. Its rows must be as far apart as the application
//! says, since nobody can tell a driver; but where a plane begins is only a matter of where the
//! image is bound.

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_layer::LayerError;

use super::below::Below;
use super::layout::{asked_layouts, ends_of};
use super::requirements::of_plane;
use super::{Image, MAX_PLANES, Shape};
use crate::device::{DeviceState, Help};

/// The end of what can be mapped, in bytes: half of a 64-bit address space, and more than any.
const LARGEST: u64 = 1 << 62;

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
    check_rows(info, image, wanted)?;
    let shifts: Option<Shifts> = shifts(image, wanted).collect();
    if let Shape::Apart(_) = image.shape {
        let shifts =
            shifts.ok_or_else(|| refused("a plane begins before its own memory".into()))?;
        for (aspect, shift) in image.aspects.iter().zip(&shifts) {
            check_place(*shift, &of_plane(device, raw, *aspect))?;
        }
        return Ok(Some(Shape::Apart(shifts)));
    }
    let Some(shifts) = shifts else { return Ok(None) };
    let first = shifts.first().copied().unwrap_or(0);
    if shifts.iter().any(|shift| *shift != first) {
        return Ok(None);
    }
    // SAFETY: the image is alive and not disjoint.
    let needs = unsafe { device.raw.get_image_memory_requirements(raw) };
    check_place(first, &needs)?;
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
    let own = asked_layouts(device, raw, image.aspects);
    let image = Image { ends: ends_of(info, &own), own, ..image };
    let shape = check_rows(info, &image, wanted).and_then(|()| {
        let shifts: Option<Shifts> = shifts(&image, wanted).collect();
        let shifts = shifts.ok_or_else(|| refused("a plane begins before its memory".into()))?;
        join(device, raw, &image, shifts)
    });
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
        check_place(*shift, &plane)?;
        needs.size = needs.size.max(plane.size.saturating_add(*shift));
        needs.alignment = needs.alignment.max(plane.alignment);
        needs.memory_type_bits &= plane.memory_type_bits;
    }
    Ok(Shape::Split { shifts, needs })
}

/// How far each plane of the driver's must be moved to lie where it is wanted. `None`: backwards.
fn shifts(image: &Image, wanted: &[vk::SubresourceLayout]) -> impl Iterator<Item = Option<u64>> {
    image.own.iter().zip(wanted).map(|(own, wanted)| wanted.offset.checked_sub(own.offset))
}

/// Refuses rows that the driver would not find.
fn check_rows(
    info: &vk::ImageCreateInfo<'_>,
    image: &Image,
    wanted: &[vk::SubresourceLayout],
) -> Result<(), LayerError> {
    if wanted.len() != image.aspects.len() {
        let (has, needs, format) = (wanted.len(), image.aspects.len(), info.format);
        return Err(refused(format!("{has} planes were laid out, and {format:?} has {needs}")));
    }
    let mut planes = image.own.iter().zip(wanted).enumerate();
    planes.try_for_each(|(index, (own, wanted))| check_plane(index, wanted, own, info.array_layers))
}

fn check_plane(
    index: usize,
    wanted: &vk::SubresourceLayout,
    own: &vk::SubresourceLayout,
    layers: u32,
) -> Result<(), LayerError> {
    let layers_agree = layers <= 1 || wanted.array_pitch == own.array_pitch;
    if wanted.row_pitch == own.row_pitch && layers_agree {
        return Ok(());
    }
    Err(refused(format!(
        "plane {index} was laid out with {} bytes from row to row and {} from layer to layer, and \
         the driver reads {} and {}",
        wanted.row_pitch, wanted.array_pitch, own.row_pitch, own.array_pitch
    )))
}

/// Refuses a place where the driver cannot begin, or where what it needs would have no end.
fn check_place(shift: u64, needs: &vk::MemoryRequirements) -> Result<(), LayerError> {
    let alignment = needs.alignment.max(1);
    if !shift.is_multiple_of(alignment) {
        let what = format!("a plane begins {shift} bytes in, which is no multiple of {alignment}");
        return Err(refused(what));
    }
    match shift.checked_add(needs.size) {
        Some(end) if end <= LARGEST => Ok(()),
        _ => Err(refused(format!("a plane begins {shift} bytes in, beyond any memory"))),
    }
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
        let err = check_plane(0, &layout(0, 640), &layout(0, 512), 1).unwrap_err();
        assert_eq!(err.code(), vk::Result::ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT);
        assert!(err.to_string().contains("640") && err.to_string().contains("512"), "{err}");
        assert!(check_plane(0, &layout(4096, 512), &layout(0, 512), 1).is_ok());
        let needs = vk::MemoryRequirements { size: 4096, alignment: 64, memory_type_bits: 1 };
        assert!(check_place(100, &needs).is_err() && check_place(128, &needs).is_ok());
        assert!(check_place(u64::MAX - 63, &needs).is_err());
    }
}
