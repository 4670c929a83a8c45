//! What a picture's shape asks of its memory.

use zerohop_frame::{FrameDescriptor, MemoryHandle, Modifier, OpaqueImage};

use crate::{MAX_SIDE, Violation};

/// The most array layers that an opaque image may have.
const MAX_LAYERS: u32 = 2048;

/// Checks everything about an announced buffer that needs no look at its memory.
pub(crate) fn check(
    descriptor: &FrameDescriptor,
    memory: &[MemoryHandle],
) -> Result<(), Violation> {
    range("the width", descriptor.extent.width, 1, MAX_SIDE)?;
    range("the height", descriptor.extent.height, 1, MAX_SIDE)?;
    descriptor.check(memory.len())?;
    let unused = |object: &usize| !descriptor.planes.iter().any(|plane| plane.object == *object);
    if let Some(object) = (0..memory.len()).find(unused) {
        return Err(Violation::UnusedObject(object));
    }
    match memory {
        [MemoryHandle::OpaqueFd { size, memory_type, image, .. }] => {
            opaque(descriptor, *size, *memory_type, image)
        }
        _ if descriptor.modifier == Modifier::LINEAR => Ok(descriptor.check_rows()?),
        [MemoryHandle::Shm(_), ..] => modifier(descriptor),
        _ if descriptor.modifier == Modifier::INVALID => modifier(descriptor),
        _ => Ok(()),
    }
}

fn modifier(descriptor: &FrameDescriptor) -> Result<(), Violation> {
    Err(Violation::Unknown { what: "for this memory, modifier", value: descriptor.modifier.0 })
}

/// Bytes of a picture in linear memory: all its rows, with what pads them. 0 where only a driver
/// knows.
pub fn linear_bytes(descriptor: &FrameDescriptor) -> u64 {
    if descriptor.modifier != Modifier::LINEAR {
        return 0;
    }
    let begin = |plane: usize| u64::from(descriptor.planes[plane].offset);
    (0..descriptor.planes.len()).map(|plane| descriptor.end(plane) - begin(plane)).sum()
}

fn opaque(
    descriptor: &FrameDescriptor,
    size: u64,
    memory_type: u32,
    image: &OpaqueImage,
) -> Result<(), Violation> {
    match descriptor.modifier {
        Modifier::LINEAR => rows(descriptor, size, image)?,
        Modifier::INVALID => only_image(descriptor, image)?,
        _ => return modifier(descriptor),
    }
    range("the memory type", memory_type, 0, 31)?;
    if size == 0 || size > 1 << 40 {
        let what = "the size of opaque memory";
        return Err(Violation::Range { what, value: size, least: 1, most: 1 << 40 });
    }
    Ok(())
}

/// An image in opaque memory.
fn only_image(descriptor: &FrameDescriptor, image: &OpaqueImage) -> Result<(), Violation> {
    range("the number of planes", descriptor.planes.len() as u32, 1, 1)?;
    range("the offset of opaque memory", descriptor.planes[0].offset, 0, 0)?;
    range("the stride of opaque memory", descriptor.planes[0].stride, 0, 0)?;
    range("the image tiling", image.tiling, 0, 1)?;
    range("the number of array layers", image.array_layers, 1, MAX_LAYERS)?;
    range("the image format", image.format, 1, u32::MAX)?;
    range("the image usage", image.usage, 1, u32::MAX)
}

/// Rows in opaque memory, and no image.
fn rows(descriptor: &FrameDescriptor, size: u64, image: &OpaqueImage) -> Result<(), Violation> {
    if *image != OpaqueImage::default() {
        return Err(Violation::ImageOfRows);
    }
    descriptor.check_rows()?;
    Ok(descriptor.check_end(0, size)?)
}

pub(crate) fn range(
    what: &'static str,
    value: u32,
    least: u32,
    most: u32,
) -> Result<(), Violation> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let [value, least, most] = [value, least, most].map(u64::from);
    Err(Violation::Range { what, value, least, most })
}
