//! NV12: two planes in one memory, or in two.

use std::sync::Arc;

use ash::vk;
use zerohop_frame::{BoxError, Extent};
use zerohop_kernel::{Mapping, MappingMut, Memfd};
use zerohop_testkit::rig::{Copier, Device, Owner};

use super::{Case, same, same_bytes};
use crate::Outcome;
use crate::picture::{Asked, PLANES, Picture, region};

pub(super) const CASES: &[Case] = &[
    Case::new("the_planes_of_nv12_lie_where_they_are_said_to", leaves),
    Case::new("planes_in_another_order_are_read", other_order),
];

const NV12: vk::Format = vk::Format::G8_B8R8_2PLANE_420_UNORM;
const FOREIGN: Owner = Owner::Outside(vk::QUEUE_FAMILY_FOREIGN_EXT);
/// Rows of 148 bytes, for which no driver's stride is the width.
const LUMA: Extent = Extent { width: 148, height: 38 };
const CHROMA: Extent = Extent { width: 74, height: 19 };

/// Bytes of both planes, one after the other.
fn bytes() -> (Vec<u8>, usize) {
    let luma = (LUMA.width * LUMA.height) as usize;
    let chroma = (CHROMA.width * CHROMA.height) as usize * 2;
    ((0..luma + chroma).map(|at| (at * 31 + at / 251) as u8).collect(), luma)
}

fn regions(luma: usize) -> [vk::BufferImageCopy; 2] {
    [
        region(vk::ImageAspectFlags::PLANE_0, LUMA, 0),
        region(vk::ImageAspectFlags::PLANE_1, CHROMA, luma as u64),
    ]
}

/// The rows of both planes: where each begins in `bytes`, and in the memory laid out so.
fn rows(layouts: [vk::SubresourceLayout; 2], luma: usize) -> Vec<(usize, usize, usize)> {
    let planes = [(LUMA.height, LUMA.width as usize, 0), (CHROMA.height, 148, luma)];
    let mut all = Vec::new();
    for ((height, row, from), layout) in planes.into_iter().zip(layouts) {
        for y in 0..height as usize {
            let at = layout.offset as usize + y * layout.row_pitch as usize;
            all.push((from + y * row, at, row));
        }
    }
    all
}

fn leaves(device: &Arc<Device>) -> Outcome {
    let (bytes, luma) = bytes();
    let picture = Picture::new(device, NV12, LUMA, Asked::List(&[0]))?;
    let unbound = [picture.layout(0).offset, picture.layout(1).offset];
    let picture = picture.allocate()?;
    same("what it says once bound", [0, 1].map(|at| picture.layout(at).offset), unbound)?;
    let mut copier = Copier::new(device, bytes.len())?;
    copier.write(picture.image, (Owner::Nobody, FOREIGN), &regions(luma), &bytes)?;
    let layouts = [picture.layout(0), picture.layout(1)];
    let fd = Memfd::try_from(picture.export()?);
    let Ok(fd) = fd else { return read_again(device, &picture, layouts) };
    let mapping = Mapping::new(&fd)?;
    for (from, at, row) in rows(layouts, luma) {
        same_bytes("a row", &mapping.as_slice()[at..at + row], &bytes[from..from + row])?;
    }
    read_again(device, &picture, layouts)
}

/// Imports the picture at the layout that it was said to have.
fn read_again(
    device: &Arc<Device>,
    picture: &Picture,
    layouts: [vk::SubresourceLayout; 2],
) -> Outcome {
    let planes = layouts.map(|layout| vk::SubresourceLayout {
        offset: layout.offset,
        row_pitch: layout.row_pitch,
        ..Default::default()
    });
    let again = Picture::new(device, NV12, LUMA, Asked::Explicit(0, &planes))?;
    for (index, plane) in planes.iter().enumerate() {
        same("a plane's place", again.layout(index).offset, plane.offset)?;
        same("a plane's stride", again.layout(index).row_pitch, plane.row_pitch)?;
    }
    let again = again.import(picture.export()?).map_err(|(code, _)| code)?;
    check(device, &again)
}

fn check(device: &Arc<Device>, picture: &Picture) -> Outcome {
    let (bytes, luma) = bytes();
    let mut copier = Copier::new(device, bytes.len())?;
    let seen = copier.read(picture.image, (FOREIGN, FOREIGN), &regions(luma))?;
    same_bytes("both planes", seen, &bytes)
}

/// The strides that the driver takes.
pub(super) fn strides(device: &Arc<Device>) -> Result<[u64; 2], BoxError> {
    let sample = Picture::new(device, NV12, LUMA, Asked::List(&[0]))?;
    Ok([sample.layout(0).row_pitch, sample.layout(1).row_pitch])
}

/// Somebody else puts the chroma first, with room between the planes that no driver leaves.
fn other_order(device: &Arc<Device>) -> Outcome {
    let (bytes, luma) = bytes();
    let strides = strides(device)?;
    let layout =
        |offset, row_pitch| vk::SubresourceLayout { offset, row_pitch, ..Default::default() };
    // Whole multiples of 64 KiB, where NVIDIA's driver has a plane begin.
    let planes = [layout(0x30000, strides[0]), layout(0x10000, strides[1])];
    let image = Picture::new(device, NV12, LUMA, Asked::Explicit(0, &planes))?;
    for (index, plane) in planes.iter().enumerate() {
        same("a plane's place", image.layout(index).offset, plane.offset)?;
    }
    let memfd = Memfd::create("somebody's", image.needs().size)?;
    let mut mapping = MappingMut::new(&memfd)?;
    for (from, at, row) in rows(planes, luma) {
        mapping.as_mut_slice()[at..at + row].copy_from_slice(&bytes[from..from + row]);
    }
    let image = image.import(memfd.into()).map_err(|(code, _)| code)?;
    check(device, &image)?;
    let mut copier = Copier::new(device, bytes.len())?;
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    copier.write(image.image, (FOREIGN, FOREIGN), &regions(luma), &reversed)?;
    for (from, at, row) in rows(planes, luma) {
        same_bytes(
            "a written row",
            &mapping.as_slice()[at..at + row],
            &reversed[from..from + row],
        )?;
    }
    same("names of planes", PLANES.len(), planes.len())
}
