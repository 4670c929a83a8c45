//! A device's picture as dma-bufs.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use anyhow::{Context as _, Result, bail};
use arrayvec::ArrayVec;
use ffmpeg_sys_next as ffi;
use zerohop_frame::{
    Extent, Fourcc, FrameDescriptor, MAX_PLANES, MemoryHandle, Modifier, PlaneLayout,
};
use zerohop_kernel::{FdKind, kind_of};

use super::sync::frames_of;
use super::{Picture, check};
use crate::formats;

/// A surface of a device, as others can open it.
pub(crate) struct Exported {
    /// Its shape. The colour is the picture's.
    pub(crate) descriptor: FrameDescriptor,
    /// Its memory objects.
    pub(crate) memory: ArrayVec<MemoryHandle, MAX_PLANES>,
}

/// Hands out the memory of a picture that a device decoded, with composed layers (one of NV12) or
/// separate ones (R8 and GR88).
pub(crate) fn export(picture: &Picture) -> Result<Exported> {
    let mut mapped = Picture::new()?;
    mapped.raw_mut().format = ffi::AVPixelFormat::AV_PIX_FMT_DRM_PRIME as i32;
    let read = ffi::AV_HWFRAME_MAP_READ as i32;
    // SAFETY: both frames are valid, and the first one is empty but for its format.
    check(unsafe { ffi::av_hwframe_map(mapped.as_ptr(), picture.as_ptr(), read) })
        .context("the driver does not export its surfaces")?;
    let drm = NonNull::new(mapped.raw().data[0].cast::<ffi::AVDRMFrameDescriptor>());
    let drm = drm.context("the driver exported nothing")?;
    // SAFETY: that is what data[0] is in this format (libavutil/hwcontext_drm.h), as long as
    // `mapped` is.
    let drm = unsafe { drm.as_ref() };
    let fourcc = fourcc_of(picture).context("no name for its format")?;
    let memory = objects(drm)?.iter().map(memory_of).collect::<Result<_>>()?;
    let (begin, extent) = picture.visible();
    let (modifier, planes, color) = (modifier(drm)?, planes(drm)?, picture.color());
    let mut descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
    cut(&mut descriptor, begin)?;
    Ok(Exported { descriptor, memory })
}

/// Lets rows begin where the picture does.
fn cut(descriptor: &mut FrameDescriptor, begin: Extent) -> Result<()> {
    if begin.width == 0 && begin.height == 0 {
        return Ok(());
    }
    if descriptor.modifier != Modifier::LINEAR {
        bail!("the picture begins at {},{} of tiles", begin.width, begin.height);
    }
    let formats = descriptor.fourcc.planes().context("planes that are not known")?;
    for (plane, format) in descriptor.planes.iter_mut().zip(&formats) {
        let above = u64::from(format.extent(begin).height) * u64::from(plane.stride);
        let first = u64::from(plane.offset) + above + format.row_bytes(begin);
        plane.offset = u32::try_from(first).with_context(|| format!("offset {first}"))?;
    }
    Ok(())
}

/// The format of the pixels in the device's memory.
fn fourcc_of(picture: &Picture) -> Option<Fourcc> {
    let format = frames_of(picture)?.sw_format;
    formats::of_frame(format as i32).map(|(_, fourcc)| fourcc)
}

fn count(number: i32, of: &str) -> Result<usize> {
    let found = usize::try_from(number).ok().filter(|found| (1..=MAX_PLANES).contains(found));
    found.with_context(|| format!("the driver says that a picture has {number} {of}"))
}

fn objects(drm: &ffi::AVDRMFrameDescriptor) -> Result<&[ffi::AVDRMObjectDescriptor]> {
    Ok(&drm.objects[..count(drm.nb_objects, "memory objects")?])
}

/// A memory object. A driver without a GPU has memfds for dma-bufs, and the wire a kind for them.
fn memory_of(object: &ffi::AVDRMObjectDescriptor) -> Result<MemoryHandle> {
    let fd = duplicate(object)?;
    Ok(match kind_of(&fd).context("ask what the driver gave")? {
        FdKind::Memfd { .. } => MemoryHandle::Shm(fd),
        _ => MemoryHandle::DmaBuf(fd),
    })
}

fn duplicate(object: &ffi::AVDRMObjectDescriptor) -> Result<OwnedFd> {
    if object.fd < 0 {
        bail!("the driver gave descriptor {}", object.fd);
    }
    // SAFETY: the frame owns it, and is there while this runs.
    let fd = unsafe { BorrowedFd::borrow_raw(object.fd) };
    fd.try_clone_to_owned().context("duplicate a descriptor")
}

/// The modifier, which is one for all.
fn modifier(drm: &ffi::AVDRMFrameDescriptor) -> Result<Modifier> {
    let objects = objects(drm)?;
    let first = objects[0].format_modifier;
    if let Some(other) = objects.iter().find(|object| object.format_modifier != first) {
        bail!("modifiers {first:#x} and {:#x} in one picture", other.format_modifier);
    }
    Ok(Modifier(first))
}

/// The memory planes: first those of the format, then what their modifier adds, as DRM counts
/// them. With separate layers each one brings both.
fn planes(drm: &ffi::AVDRMFrameDescriptor) -> Result<ArrayVec<PlaneLayout, MAX_PLANES>> {
    let layers = &drm.layers[..count(drm.nb_layers, "layers")?];
    let mut planes = ArrayVec::new();
    for place in 0..MAX_PLANES {
        for layer in layers {
            let own = &layer.planes[..count(layer.nb_planes, "planes in a layer")?];
            let Some(plane) = own.get(place) else { continue };
            let layout = layout(plane, objects(drm)?.len())?;
            planes.try_push(layout).ok().context("a picture with more than 4 memory planes")?;
        }
    }
    Ok(planes)
}

fn layout(plane: &ffi::AVDRMPlaneDescriptor, objects: usize) -> Result<PlaneLayout> {
    let object = usize::try_from(plane.object_index).ok().filter(|object| *object < objects);
    let object = object.with_context(|| format!("no memory object {}", plane.object_index))?;
    let offset = u32::try_from(plane.offset).with_context(|| format!("offset {}", plane.offset))?;
    let stride = u32::try_from(plane.pitch).with_context(|| format!("stride {}", plane.pitch))?;
    Ok(PlaneLayout { object, offset, stride })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    fn empty() -> ffi::AVDRMFrameDescriptor {
        let object = ffi::AVDRMObjectDescriptor { fd: -1, size: 0, format_modifier: 0 };
        let plane = ffi::AVDRMPlaneDescriptor { object_index: 0, offset: 0, pitch: 0 };
        let layer = ffi::AVDRMLayerDescriptor { format: 0, nb_planes: 0, planes: [plane; 4] };
        ffi::AVDRMFrameDescriptor {
            nb_objects: 1,
            objects: [object; 4],
            nb_layers: 0,
            layers: [layer; 4],
        }
    }

    fn at(object_index: i32, offset: isize, pitch: isize) -> ffi::AVDRMPlaneDescriptor {
        ffi::AVDRMPlaneDescriptor { object_index, offset, pitch }
    }

    #[test]
    fn composed_and_separate_layers_are_the_same_planes() {
        let mut composed = empty();
        composed.nb_layers = 1;
        composed.layers[0].nb_planes = 2;
        composed.layers[0].planes[..2].copy_from_slice(&[at(0, 0, 64), at(0, 4096, 64)]);
        let mut separate = empty();
        separate.nb_layers = 2;
        for (layer, plane) in [at(0, 0, 64), at(0, 4096, 64)].into_iter().enumerate() {
            separate.layers[layer].nb_planes = 1;
            separate.layers[layer].planes[0] = plane;
        }
        assert_eq!(planes(&composed).unwrap(), planes(&separate).unwrap());
        assert_eq!(planes(&composed).unwrap()[1].offset, 4096);
    }

    #[test]
    fn rows_begin_where_the_picture_does_and_tiles_are_refused() {
        let plane = |offset| PlaneLayout { object: 0, offset, stride: 128 };
        let mut nv12 = FrameDescriptor {
            extent: Extent { width: 64, height: 48 },
            fourcc: Fourcc(u32::from_le_bytes(*b"NV12")),
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([plane(0), plane(8192)]),
            color: zerohop_frame::Color::BT709,
        };
        cut(&mut nv12, Extent { width: 10, height: 6 }).unwrap();
        let offsets = nv12.planes.iter().map(|plane| plane.offset);
        assert_eq!(offsets.collect::<Vec<_>>(), [6 * 128 + 10, 8192 + 3 * 128 + 10]);
        nv12.planes[0].stride = u32::MAX;
        let far = cut(&mut nv12, Extent { width: 0, height: 2 }).unwrap_err();
        assert_eq!(far.to_string(), "offset 8589935368");
        nv12.modifier = Modifier(1);
        let tiled = cut(&mut nv12, Extent { width: 2, height: 0 }).unwrap_err();
        assert_eq!(tiled.to_string(), "the picture begins at 2,0 of tiles");
        cut(&mut nv12, Extent { width: 0, height: 0 }).unwrap();
    }

    #[test]
    fn planes_that_a_modifier_adds_come_last() {
        let mut separate = empty();
        separate.nb_layers = 2;
        for layer in 0..2_usize {
            let own = [at(0, layer as isize, 64), at(0, 10 + layer as isize, 8)];
            separate.layers[layer].nb_planes = 2;
            separate.layers[layer].planes[..2].copy_from_slice(&own);
        }
        let offsets: Vec<_> = planes(&separate).unwrap().iter().map(|it| it.offset).collect();
        assert_eq!(offsets, [0, 1, 10, 11]);
    }

    #[test]
    fn what_a_driver_cannot_mean_is_said_with_its_numbers() {
        let mut odd = empty();
        odd.nb_layers = 5;
        assert_eq!(
            planes(&odd).unwrap_err().to_string(),
            "the driver says that a picture has 5 layers"
        );
        odd.nb_layers = 1;
        odd.layers[0].nb_planes = 1;
        odd.layers[0].planes[0] = at(3, 0, 64);
        assert_eq!(planes(&odd).unwrap_err().to_string(), "no memory object 3");
        odd.layers[0].planes[0] = at(0, -1, 64);
        assert_eq!(planes(&odd).unwrap_err().to_string(), "offset -1");
        odd.nb_objects = 2;
        odd.objects[1].format_modifier = 1;
        assert_eq!(modifier(&odd).unwrap_err().to_string(), "modifiers 0x0 and 0x1 in one picture");
        assert_eq!(
            duplicate(&odd.objects[0]).unwrap_err().to_string(),
            "the driver gave descriptor -1"
        );
    }
}
