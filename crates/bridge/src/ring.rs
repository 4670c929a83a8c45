//! Copies of pictures in memory that CUDA imports.

use std::sync::{Arc, Mutex, PoisonError};

use arrayvec::ArrayVec;
use zerohop_frame::{FrameDescriptor, Recycle, Release, SharedBuffer};
use zerohop_vulkan::{Buffer, Device, wait_on_cpu};

use crate::Error;

/// The most copies of one shape: who holds more than this is not reading, but hoarding.
const MOST: usize = 4;

/// Buffers of one shape, made when they are first needed.
pub(crate) struct Ring {
    device: Arc<Device>,
    shape: Option<FrameDescriptor>,
    slots: Vec<Slot>,
    home: Arc<Home>,
}

/// One buffer.
pub(crate) struct Slot {
    pub(crate) shared: Arc<SharedBuffer>,
    pub(crate) buffer: Arc<Buffer>,
    out: bool,
}

/// Where they come back to.
#[derive(Default)]
struct Home(Mutex<Vec<Release>>);

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(release);
    }
}

impl Ring {
    pub(crate) fn new(device: &Arc<Device>) -> Self {
        let (device, home) = (Arc::clone(device), Arc::default());
        Self { device, shape: None, slots: Vec::new(), home }
    }

    /// A free buffer of `bytes` for pictures of `shape`, which is out until a frame brings it home.
    pub(crate) fn take(&mut self, shape: &FrameDescriptor, bytes: u64) -> Result<&Slot, Error> {
        if self.shape.as_ref() != Some(shape) {
            // What is still out is kept by its frames, and what is in flight by the device.
            self.slots.clear();
            self.home = Arc::default();
            self.shape = Some(shape.clone());
        }
        self.collect()?;
        let free = self.slots.iter().position(|slot| !slot.out);
        let index = match free {
            Some(index) => index,
            None if self.slots.len() == MOST => return Err(Error::Busy(MOST)),
            None => {
                self.slots.push(Slot::new(&self.device, shape, bytes)?);
                self.slots.len() - 1
            }
        };
        Ok(&self.slots[index])
    }

    /// Marks a buffer as out, and says where it comes back to.
    pub(crate) fn lend(&mut self, shared: &Arc<SharedBuffer>) -> Arc<dyn Recycle> {
        let slot = self.slots.iter_mut().find(|slot| Arc::ptr_eq(&slot.shared, shared));
        slot.into_iter().for_each(|slot| slot.out = true);
        Arc::<Home>::clone(&self.home)
    }

    /// Takes back what came home, and waits for whoever still reads it.
    fn collect(&mut self) -> Result<(), Error> {
        let mut home = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(release) = home.pop() {
            let done = release.after.iter().try_for_each(wait_on_cpu);
            let index = self.slots.iter().position(|slot| slot.shared.id() == release.buffer);
            // One that may still be read is never written again: another takes its place.
            match (index, &done) {
                (Some(index), Ok(())) => self.slots[index].out = false,
                (Some(index), Err(_)) => drop(self.slots.swap_remove(index)),
                (None, _) => {}
            }
            done?;
        }
        Ok(())
    }
}

impl Slot {
    fn new(device: &Arc<Device>, shape: &FrameDescriptor, bytes: u64) -> Result<Self, Error> {
        let buffer = Arc::new(Buffer::exportable(device, bytes)?);
        let memory = ArrayVec::from_iter([buffer.export()?]);
        Ok(Self { shared: SharedBuffer::new(shape.clone(), memory)?, buffer, out: false })
    }
}
