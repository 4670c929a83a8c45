//! Images of one plane that leave, and come back.

use std::sync::Arc;

use ash::{ext, vk};
use zerohop_frame::Extent;
use zerohop_kernel::{FdKind, FileId, kind_of};
use zerohop_testkit::rig::{Copier, Device, Owner};

use super::{Case, same, same_bytes};
use crate::Outcome;
use crate::picture::{Asked, Picture, pattern, region};
use crate::reader::{Sent, Through, look};

pub(super) const CASES: &[Case] = &[
    Case::new("every_size_is_read_by_a_process_without_the_layer", every_size),
    Case::new("every_format_is_read_by_a_process_without_the_layer", every_format),
    Case::new("a_picture_is_read_through_the_layer", through_the_layer),
    Case::on_cards("what_left_is_mapped_by_mesas_gbm", mapped_by_gbm),
    Case::on_cards("what_left_is_drawn_by_mesas_egl", drawn_by_egl),
    Case::new("our_own_export_comes_back_as_the_same_memory", comes_back),
    Case::new("mapped_memory_shows_what_the_device_wrote", mapped),
    Case::new("an_export_keeps_its_memory_when_the_image_is_gone", outlives),
    Case::new("nothing_is_left_of_many_pictures", nothing_left),
];

const FORMATS: [vk::Format; 3] =
    [vk::Format::B8G8R8A8_UNORM, vk::Format::R8G8B8A8_UNORM, vk::Format::A2B10G10R10_UNORM_PACK32];

const SIZES: [Extent; 4] = [
    Extent { width: 160, height: 90 },
    Extent { width: 1, height: 1 },
    Extent { width: 37, height: 5 },
    Extent { width: 1366, height: 768 },
];

const BGRA: vk::Format = vk::Format::B8G8R8A8_UNORM;
const FOREIGN: Owner = Owner::Outside(vk::QUEUE_FAMILY_FOREIGN_EXT);

/// A picture of the pattern in memory that can leave.
pub(super) fn painted(
    device: &Arc<Device>,
    format: vk::Format,
    extent: Extent,
    frame: u32,
) -> Result<Picture, zerohop_frame::BoxError> {
    let picture = Picture::new(device, format, extent, Asked::List(&[0]))?.allocate()?;
    let bytes = pattern(format, extent, frame).ok_or("no such pattern")?;
    let mut copier = Copier::new(device, bytes.len())?;
    let all = [region(vk::ImageAspectFlags::COLOR, extent, 0)];
    copier.write(picture.image, (Owner::Nobody, FOREIGN), &all, &bytes)?;
    Ok(picture)
}

fn every_size(device: &Arc<Device>) -> Outcome {
    SIZES.iter().try_for_each(|extent| hand_over(device, BGRA, *extent, Through::Nothing))
}

fn every_format(device: &Arc<Device>) -> Outcome {
    FORMATS.iter().try_for_each(|format| hand_over(device, *format, SIZES[2], Through::Nothing))
}

fn through_the_layer(device: &Arc<Device>) -> Outcome {
    SIZES[..3].iter().try_for_each(|extent| hand_over(device, BGRA, *extent, Through::Layer))
}

fn mapped_by_gbm(device: &Arc<Device>) -> Outcome {
    SIZES[2..].iter().try_for_each(|extent| hand_over(device, BGRA, *extent, Through::Gbm))
}

fn drawn_by_egl(device: &Arc<Device>) -> Outcome {
    let sizes = [(BGRA, SIZES[3]), (FORMATS[1], SIZES[2])];
    sizes.iter().try_for_each(|(format, extent)| hand_over(device, *format, *extent, Through::Egl))
}

fn hand_over(
    device: &Arc<Device>,
    format: vk::Format,
    extent: Extent,
    through: Through,
) -> Outcome {
    let frame = 7;
    let picture = painted(device, format, extent, frame)?;
    let layout = picture.layout(0);
    let drm = ext::image_drm_format_modifier::Device::new(device.instance().raw(), device.raw());
    let mut modifier = vk::ImageDrmFormatModifierPropertiesEXT::default();
    // SAFETY: the image has a modifier.
    unsafe { drm.get_image_drm_format_modifier_properties(picture.image, &mut modifier) }?;
    same("the modifier", modifier.drm_format_modifier, 0)?;
    let (offset, stride) = (layout.offset, layout.row_pitch);
    let sent = Sent { format, extent, offset, stride, frame };
    look(&picture.export()?, &sent, through)
        .map_err(|err| format!("{format:?} {extent:?} {through:?}: {err}").into())
}

fn comes_back(device: &Arc<Device>) -> Outcome {
    let extent = SIZES[2];
    let picture = painted(device, BGRA, extent, 3)?;
    let fd = picture.export()?;
    same("a second export", FileId::of(&fd)?, FileId::of(picture.export()?)?)?;
    let layout = [vk::SubresourceLayout {
        offset: picture.layout(0).offset,
        row_pitch: picture.layout(0).row_pitch,
        ..Default::default()
    }];
    let again = Picture::new(device, BGRA, extent, Asked::Explicit(0, &layout))?;
    let again = again.import(fd).map_err(|(code, _)| code)?;
    let mut copier = Copier::new(device, 37 * 5 * 4)?;
    let all = [region(vk::ImageAspectFlags::COLOR, extent, 0)];
    let seen = copier.read(again.image, (FOREIGN, FOREIGN), &all)?;
    same_bytes("what came back", seen, &pattern(BGRA, extent, 3).ok_or("no pattern")?)?;
    // What is written through one is there for the other.
    let next = pattern(BGRA, extent, 4).ok_or("no pattern")?;
    copier.write(again.image, (FOREIGN, FOREIGN), &all, &next)?;
    let seen = copier.read(picture.image, (FOREIGN, FOREIGN), &all)?;
    same_bytes("what was written through the other", seen, &next)
}

fn mapped(device: &Arc<Device>) -> Outcome {
    let extent = SIZES[2];
    let picture = painted(device, BGRA, extent, 5)?;
    let (raw, layout) = (device.raw(), picture.layout(0));
    let flags = vk::MemoryMapFlags::empty();
    // SAFETY: the memory is host visible and not mapped.
    let start = unsafe { raw.map_memory(picture.memory, 0, vk::WHOLE_SIZE, flags) }?;
    let length = usize::try_from(picture.size)?;
    // SAFETY: mapped for so many bytes until unmapped, and the device is idle.
    let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) };
    let wanted = pattern(BGRA, extent, 5).ok_or("no pattern")?;
    for (y, row) in wanted.chunks_exact(37 * 4).enumerate() {
        let at = usize::try_from(layout.offset + layout.row_pitch * y as u64)?;
        same_bytes("a mapped row", &bytes[at..at + row.len()], row)?;
    }
    // SAFETY: it is mapped.
    unsafe { raw.unmap_memory(picture.memory) };
    Ok(())
}

fn outlives(device: &Arc<Device>) -> Outcome {
    let extent = SIZES[2];
    let picture = painted(device, BGRA, extent, 6)?;
    let (fd, layout) = (picture.export()?, picture.layout(0));
    drop(picture);
    let (offset, stride) = (layout.offset, layout.row_pitch);
    look(&fd, &Sent { format: BGRA, extent, offset, stride, frame: 6 }, Through::Nothing)
}

/// Descriptors and mappings of this process.
fn held() -> Result<(usize, usize), zerohop_frame::BoxError> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let mapped = maps.lines().filter(|line| line.contains("/memfd:zerohop")).count();
    Ok((std::fs::read_dir("/proc/self/fd")?.count(), mapped))
}

fn nothing_left(device: &Arc<Device>) -> Outcome {
    let round = || -> Outcome {
        let picture = painted(device, BGRA, SIZES[2], 1)?;
        let fd = picture.export()?;
        let kind = kind_of(&fd)?;
        if !matches!(kind, FdKind::Memfd { keeps_size: true, .. } | FdKind::DmaBuf { .. }) {
            return Err(format!("an export is {kind:?}").into());
        }
        let again = Picture::new(device, BGRA, SIZES[2], Asked::List(&[0]))?;
        again.import(fd).map(drop).map_err(|(code, _)| code.into())
    };
    round()?;
    let before = held()?;
    (0..20).try_for_each(|_| round())?;
    same("descriptors and mappings", held()?, before)
}
