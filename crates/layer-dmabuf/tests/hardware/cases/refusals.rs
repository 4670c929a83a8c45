//! What is refused, with which error, and that nothing is lost by it.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use ash::vk;
use zerohop_frame::Extent;
use zerohop_kernel::{FileId, Memfd};
use zerohop_testkit::rig::Device;

use super::{Case, same};
use crate::Outcome;
use crate::picture::{Asked, Picture};

pub(super) const CASES: &[Case] = &[
    Case::new("memory_that_is_too_small_is_refused_and_stays_its_owners", too_small),
    Case::new("memory_that_ends_with_the_picture_is_taken", just_enough),
    Case::new("what_is_no_memory_is_refused", no_memory),
    Case::new("a_stride_that_the_driver_cannot_read_is_refused", stride),
    Case::new("a_number_of_planes_that_the_format_lacks_is_refused", planes),
];

const BGRA: vk::Format = vk::Format::B8G8R8A8_UNORM;
const EXTENT: Extent = Extent { width: 64, height: 64 };
const INVALID: vk::Result = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
const LAYOUT: vk::Result = vk::Result::ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT;

fn refused(device: &Arc<Device>, fd: OwnedFd) -> Result<OwnedFd, zerohop_frame::BoxError> {
    let id = FileId::of(&fd)?;
    let image = Picture::new(device, BGRA, EXTENT, Asked::List(&[0]))?;
    match image.import(fd) {
        Ok(_) => Err("it was taken".into()),
        Err((code, fd)) => {
            same("the error", code, INVALID)?;
            same("the descriptor", FileId::of(fd.as_fd())?, id)?;
            Ok(fd)
        }
    }
}

fn too_small(device: &Arc<Device>) -> Outcome {
    refused(device, Memfd::create("short", 64 * 64 * 4 - 1)?.into())?;
    refused(device, Memfd::create("empty", 0)?.into())?;
    Ok(())
}

/// The memory of somebody who knows of no pages, for an image that is asked for in whole ones.
fn just_enough(device: &Arc<Device>) -> Outcome {
    let extent = Extent { width: 64, height: 63 };
    let picture = Picture::new(device, BGRA, extent, Asked::List(&[0]))?;
    let end = 62 * picture.layout(0).row_pitch + 64 * 4;
    let taken = picture.import(Memfd::create("exact", end)?.into());
    taken.map_err(|(code, _)| format!("{end} bytes were refused: {code}"))?;
    let picture = Picture::new(device, BGRA, extent, Asked::List(&[0]))?;
    let refused = picture.import(Memfd::create("short", end - 1)?.into());
    same("one byte less", refused.err().map(|(code, _)| code), Some(INVALID))
}

fn no_memory(device: &Arc<Device>) -> Outcome {
    refused(device, std::fs::File::open("/dev/null")?.into())?;
    refused(device, std::fs::File::open("/proc/self/exe")?.into())?;
    refused(device, rustix::pipe::pipe()?.0)?;
    Ok(())
}

fn asked(device: &Arc<Device>, planes: &[vk::SubresourceLayout]) -> Option<vk::Result> {
    Picture::new(device, BGRA, EXTENT, Asked::Explicit(0, planes)).err()
}

fn stride(device: &Arc<Device>) -> Outcome {
    let layout =
        |offset, row_pitch| vk::SubresourceLayout { offset, row_pitch, ..Default::default() };
    let own = Picture::new(device, BGRA, EXTENT, Asked::List(&[0]))?.layout(0).row_pitch;
    same("the driver's own", asked(device, &[layout(0, own)]), None)?;
    same("wider rows", asked(device, &[layout(0, own + 64)]), Some(LAYOUT))?;
    same("rows that overlap", asked(device, &[layout(0, 64)]), Some(LAYOUT))?;
    same("an odd place", asked(device, &[layout(1, own)]), Some(LAYOUT))?;
    same("a wild place", asked(device, &[layout(u64::MAX - 63, own)]), Some(LAYOUT))
}

fn planes(device: &Arc<Device>) -> Outcome {
    let two = [vk::SubresourceLayout { row_pitch: 256, ..Default::default() }; 2];
    same("two planes of one", asked(device, &two), Some(LAYOUT))
}
