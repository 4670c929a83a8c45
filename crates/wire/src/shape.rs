//! What a picture's shape asks of its memory.

use zerohop_frame::{Fourcc, FrameDescriptor, MemoryHandle, Modifier, OpaqueImage};

use crate::{MAX_SIDE, Violation};

/// The most array layers that an opaque image may have.
const MAX_LAYERS: u32 = 2048;

/// One plane of a pixel format.
#[derive(Clone, Copy)]
struct Plane {
    /// Pixels that share one sample, across and down.
    shared: (u32, u32),
    /// Bytes of one sample.
    bytes: u32,
}

const fn plane(across: u32, down: u32, bytes: u32) -> Plane {
    Plane { shared: (across, down), bytes }
}

/// The planes of the formats that we know, in linear memory. Others pass unread.
fn planes(fourcc: Fourcc) -> Option<&'static [Plane]> {
    Some(match &fourcc.0.to_le_bytes() {
        b"XR24" | b"AR24" | b"XB24" | b"AB24" | b"RX24" | b"RA24" | b"BX24" | b"BA24" | b"XR30"
        | b"AR30" | b"XB30" | b"AB30" => const { &[plane(1, 1, 4)] },
        b"XB4H" | b"AB4H" | b"XR4H" | b"AR4H" | b"XB48" | b"AB48" => const { &[plane(1, 1, 8)] },
        b"RG16" | b"BG16" => const { &[plane(1, 1, 2)] },
        b"NV12" | b"NV21" => const { &[plane(1, 1, 1), plane(2, 2, 2)] },
        b"P010" => const { &[plane(1, 1, 2), plane(2, 2, 4)] },
        b"YU12" | b"YV12" => const { &[plane(1, 1, 1), plane(2, 2, 1), plane(2, 2, 1)] },
        _ => return None,
    })
}

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
        _ if descriptor.modifier == Modifier::LINEAR => linear(descriptor),
        [MemoryHandle::Shm(_), ..] => modifier(descriptor),
        _ if descriptor.modifier == Modifier::INVALID => modifier(descriptor),
        _ => Ok(()),
    }
}

fn modifier(descriptor: &FrameDescriptor) -> Result<(), Violation> {
    Err(Violation::Unknown { what: "for this memory, modifier", value: descriptor.modifier.0 })
}

fn linear(descriptor: &FrameDescriptor) -> Result<(), Violation> {
    if let Some(known) = planes(descriptor.fourcc) {
        let (count, needed) = (descriptor.planes.len(), known.len());
        range("the number of planes", count as u32, needed as u32, needed as u32)?;
    }
    for (plane, layout) in descriptor.planes.iter().enumerate() {
        let least = row_bytes(descriptor, plane);
        if u64::from(layout.stride) < least {
            return Err(Violation::Stride { plane, stride: layout.stride, least });
        }
    }
    Ok(())
}

/// Bytes of one row of a linear plane; of an unknown format, at least one.
fn row_bytes(descriptor: &FrameDescriptor, plane: usize) -> u64 {
    let Some(plane) = planes(descriptor.fourcc).and_then(|known| known.get(plane)) else {
        return 1;
    };
    u64::from(descriptor.extent.width.div_ceil(plane.shared.0)) * u64::from(plane.bytes)
}

/// One past the last byte of `plane` in its memory object: every row of a linear plane, also the
/// last, takes a whole stride. How long others are, their driver knows; they must begin inside.
pub(crate) fn end(descriptor: &FrameDescriptor, plane: usize) -> u64 {
    let layout = &descriptor.planes[plane];
    if descriptor.modifier != Modifier::LINEAR {
        return u64::from(layout.offset) + 1;
    }
    let known = planes(descriptor.fourcc).and_then(|known| known.get(plane));
    let rows = descriptor.extent.height.div_ceil(known.map_or(1, |plane| plane.shared.1));
    u64::from(layout.offset) + u64::from(layout.stride) * u64::from(rows)
}

/// Bytes of a picture in linear memory: all its rows, with what pads them. 0 where only a driver
/// knows.
pub fn linear_bytes(descriptor: &FrameDescriptor) -> u64 {
    if descriptor.modifier != Modifier::LINEAR {
        return 0;
    }
    let begin = |plane: usize| u64::from(descriptor.planes[plane].offset);
    (0..descriptor.planes.len()).map(|plane| end(descriptor, plane) - begin(plane)).sum()
}

fn opaque(
    descriptor: &FrameDescriptor,
    size: u64,
    memory_type: u32,
    image: &OpaqueImage,
) -> Result<(), Violation> {
    if descriptor.modifier != Modifier::INVALID {
        return modifier(descriptor);
    }
    range("the number of planes", descriptor.planes.len() as u32, 1, 1)?;
    range("the offset of opaque memory", descriptor.planes[0].offset, 0, 0)?;
    range("the stride of opaque memory", descriptor.planes[0].stride, 0, 0)?;
    range("the memory type", memory_type, 0, 31)?;
    range("the image tiling", image.tiling, 0, 1)?;
    range("the number of array layers", image.array_layers, 1, MAX_LAYERS)?;
    range("the image format", image.format, 1, u32::MAX)?;
    range("the image usage", image.usage, 1, u32::MAX)?;
    if size == 0 || size > 1 << 40 {
        let what = "the size of opaque memory";
        return Err(Violation::Range { what, value: size, least: 1, most: 1 << 40 });
    }
    Ok(())
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
