//! Pictures in plain memory, for sinks that read rows.

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{
    BoxError, Frame, FrameDescriptor, MemoryHandle, Modifier, Observer, PlaneLayout, Recycle,
    Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd};
use zerohop_vulkan::{DeviceChoice, Image, InstanceOptions, Queue, read_back};

use crate::machine::{Machine, owner};
use crate::{Measurements, Stages};

/// Hands on what the CPU can read as it is, and reads back the rest: tiles, and the memory of a
/// device. Each is a copy, and the observer is told.
pub struct Plain {
    instance: InstanceOptions,
    choice: DeviceChoice,
    measurements: Arc<Measurements>,
    machine: Option<Machine>,
}

impl Plain {
    /// Reads back on the device that can; on one of `choice` where several can.
    pub fn new(
        choice: DeviceChoice,
        instance: InstanceOptions,
        measurements: Arc<Measurements>,
    ) -> Self {
        Self { instance, choice, measurements, machine: None }
    }

    /// The device that reads, once there was something to read back.
    pub fn device(&self) -> Option<&Arc<zerohop_vulkan::Device>> {
        self.machine.as_ref().map(|machine| &machine.device)
    }
}

impl Stages for Plain {
    fn reshape(&mut self, _: &FrameDescriptor) -> Result<(), BoxError> {
        Ok(())
    }

    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        if is_plain(&frame) {
            return Ok(Some(frame));
        }
        let owner = owner(&frame);
        let machine = match self.machine.take().filter(|machine| machine.fits(owner)) {
            Some(machine) => machine,
            None => Machine::open(self.instance, &self.choice, owner, &self.measurements)?,
        };
        let machine = self.machine.insert(machine);
        let image = machine.import(&frame, &self.measurements)?;
        in_plain_memory(&machine.queue, &frame, &image, &*self.measurements.of_sinks())
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        self.machine.as_ref().map_or(Ok(()), Machine::silence)
    }
}

/// Whether the CPU reads it as it is.
fn is_plain(frame: &Frame) -> bool {
    let opaque = |handle: &MemoryHandle| matches!(handle, MemoryHandle::OpaqueFd { .. });
    let buffer = frame.buffer();
    buffer.descriptor().modifier == Modifier::LINEAR && !buffer.memory().iter().any(opaque)
}

/// Nobody waits for the copy.
struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

/// The picture in plain memory: `LINEAR` rows without padding, in its own format. `None` when it
/// was taken back meanwhile. `observer` is told of the copies.
pub(crate) fn in_plain_memory(
    queue: &Arc<Queue>,
    frame: &Arc<Frame>,
    image: &Arc<Image>,
    observer: &dyn Observer,
) -> Result<Option<Arc<Frame>>, BoxError> {
    let read = read_back(queue, frame, image)?;
    if !frame.is_intact() {
        return Ok(None);
    }
    read.copies.report(frame, observer, "a sink wants pictures in plain memory");
    let size = read.bytes.len() as u64;
    let memfd = Memfd::create("zerohop-snapshot", size)?;
    MappingMut::new(&memfd)?.as_mut_slice().copy_from_slice(&read.bytes);
    observer.cpu_copy(frame.info().sequence, size, "a sink wants pictures in shared memory");
    let buffer = shared(frame.buffer().descriptor(), image, memfd)?;
    let plain = Frame::new(buffer, frame.info().clone(), SyncPoint::Signaled, Arc::new(Nobody));
    Ok(Some(Arc::new(plain.with_media(frame.media()))))
}

/// Rows without padding in `memfd`, plane after plane.
fn shared(
    shape: &FrameDescriptor,
    image: &Image,
    memfd: Memfd,
) -> Result<Arc<SharedBuffer>, BoxError> {
    let mut end = 0;
    let mut planes = ArrayVec::new();
    for plane in image.planes() {
        let stride = u32::try_from(plane.row_bytes())?;
        planes.push(PlaneLayout { object: 0, offset: u32::try_from(end)?, stride });
        end += plane.bytes();
    }
    let descriptor = FrameDescriptor { modifier: Modifier::LINEAR, planes, ..shape.clone() };
    let memory = ArrayVec::from_iter([MemoryHandle::Shm(memfd.into())]);
    Ok(SharedBuffer::new(descriptor, memory)?)
}
