//! Memory that others have too is taken from them before it is written or read, and given back after.
//! `VK_LAYER_ZEROHOP_modifiers` ends no command buffer that does not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Extent, Fourcc, FrameDescriptor, MemoryHandle, Modifier, PlaneLayout, SharedBuffer,
};
use zerohop_kernel::{Mapping, Memfd};
use zerohop_vulkan::{Buffer, Error, Image, Recording, opaque_for, read_back, write_picture};

use crate::common::{Home, Machine, frame};
use crate::picture::{dma_buf, noise};

/// Bytes of rows of 64 pixels.
const BYTES: usize = 64 * 64 * 4;

/// A picture of one plane in the memory.
fn picture(memory: MemoryHandle) -> Arc<SharedBuffer> {
    let descriptor = FrameDescriptor {
        extent: Extent { width: 64, height: 64 },
        fourcc: Fourcc::XRGB8888,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 64 * 4 }]),
        color: Color::SRGB,
    };
    SharedBuffer::new(descriptor, ArrayVec::from_iter([memory])).expect("a sound descriptor")
}

/// Writes every second row of 256 bytes, in a submission of its own.
fn write(machine: &Machine, bytes: &[u8], first: usize, to: &Arc<Buffer>) -> Result<(), Error> {
    let from = Arc::new(Buffer::read_back(&machine.device, bytes.len() as u64)?);
    from.write(0, bytes);
    let rows: Vec<_> =
        (first..bytes.len() / 256).step_by(2).map(|row| (row as u64 * 256, 256)).collect();
    let mut recording = Recording::begin(&machine.queue)?;
    recording.write(to);
    recording.copy_ranges(&from, to, &rows);
    recording.submit_and_wait().map(drop)
}

/// What a GPU writes of a card's memory, and then again: the part that it does not write stays.
pub(crate) fn dma_bufs(machine: &Machine) -> Result<(), Error> {
    let memfd = Memfd::create("a card's", BYTES as u64).expect("a memfd");
    let buffer = Buffer::of_dma_buf(&machine.device, &picture(dma_buf(&memfd)))?;
    let mut bytes = vec![0; BYTES];
    noise(3, &mut bytes);
    for first in [0, 1] {
        write(machine, &bytes, first, &buffer)?;
    }
    let found = Mapping::new(&memfd).expect("a mapping");
    assert!(found.as_slice() == bytes, "every row of both submissions");
    Ok(())
}

pub(crate) fn opaque(machine: &Machine) -> Result<(), Error> {
    let ours = Arc::new(Buffer::exportable(&machine.device, BYTES as u64)?);
    let mut bytes = vec![0; BYTES];
    noise(4, &mut bytes);
    for first in [0, 1] {
        write(machine, &bytes, first, &ours)?;
    }
    let picture = picture(ours.export()?);
    let image = Arc::new(Image::import(&machine.device, &picture)?);
    let frame = frame(&picture, &Arc::<Home>::default());
    let found = read_back(&machine.queue, &frame, &image)?;
    assert!(found.bytes == bytes, "every row of both submissions");
    Ok(())
}

pub(crate) fn images(machine: &Machine) -> Result<(), Error> {
    let (extent, fourcc) = (Extent { width: 64, height: 64 }, Fourcc::XRGB8888);
    let how = opaque_for(&machine.device, fourcc, extent)?;
    let image = Arc::new(Image::create_for(&machine.device, extent, fourcc, &how)?);
    let mut bytes = vec![0; BYTES];
    noise(5, &mut bytes);
    write_picture(&machine.queue, &image, &bytes)?;
    let descriptor = FrameDescriptor {
        modifier: Modifier::INVALID,
        ..picture(image.export()?).descriptor().clone()
    };
    let shared = SharedBuffer::new(descriptor, ArrayVec::from_iter([image.export()?]));
    let shared = shared.expect("a sound descriptor");
    let image = Arc::new(Image::import(&machine.device, &shared)?);
    let frame = frame(&shared, &Arc::<Home>::default());
    assert!(read_back(&machine.queue, &frame, &image)?.bytes == bytes, "the picture");
    Ok(())
}

/// Nobody writes it by mistake.
pub(crate) fn unopened(machine: &Machine) -> Result<(), Error> {
    let shared = Arc::new(Buffer::exportable(&machine.device, 4096)?);
    let mut recording = Recording::begin(&machine.queue)?;
    let cleared = catch_unwind(AssertUnwindSafe(|| recording.clear(&shared)));
    assert!(cleared.is_err(), "memory of others was cleared");
    recording.write(&shared);
    recording.clear(&shared);
    recording.submit_and_wait().map(drop)
}
