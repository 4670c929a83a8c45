//! Buffers that written pictures travel in.

use std::sync::{Arc, Mutex, PoisonError};

use arrayvec::ArrayVec;
use zerohop_frame::{Recycle, Release, SharedBuffer, SyncPoint};
use zerohop_vulkan::{Buffer, Device, HostBuffer, Recording, wait_on_cpu};

use super::Output;
use super::gpu::Bound;
use crate::refresh::Refreshed;
use crate::{Error, Grid, TileSet};

/// The most buffers of a pool: who holds more than this is not reading, but hoarding.
const MOST: usize = 8;

/// The buffers of one pass, made when they are first needed.
pub(crate) struct Pool {
    device: Arc<Device>,
    output: Output,
    grid: Grid,
    home: Arc<Home>,
    slots: Vec<Slot>,
}

/// One buffer.
pub(crate) struct Slot {
    pub(crate) shared: Arc<SharedBuffer>,
    pub(crate) host: HostBuffer,
    /// The tiles that changed since the buffer was last written.
    pub(crate) stale: TileSet,
    /// What a shader needs to write it, once one was needed.
    pub(crate) bound: Option<Bound>,
    /// The same for a shader that finds out what to write.
    pub(crate) refreshed: Option<Refreshed>,
    /// Where shaders write, when the host is across a bus; whole rows follow in one go. Measured on an
    /// H200, 3840x2160, all changed: 0.94 ms instead of 3.1.
    near: Option<Arc<Buffer>>,
    /// The tiles that are newer in `near` than in `host`.
    pub(crate) ahead: TileSet,
    /// Until when the device writes it. A frame may come home before, unread.
    written: SyncPoint,
    /// Whether a frame is out with it.
    out: bool,
}

/// Where the buffers come back to.
#[derive(Default)]
pub(crate) struct Home(Mutex<Vec<Release>>);

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(release);
    }
}

impl Pool {
    pub(crate) fn new(device: &Arc<Device>, output: Output, grid: Grid) -> Self {
        let (device, home) = (Arc::clone(device), Arc::default());
        Self { device, output, grid, home, slots: Vec::new() }
    }

    pub(crate) fn home(&self) -> Arc<Home> {
        Arc::clone(&self.home)
    }

    /// Remembers that `tiles` changed, for every buffer.
    pub(crate) fn mark(&mut self, tiles: &TileSet) {
        self.slots.iter_mut().for_each(|slot| slot.stale.union_with(tiles));
    }

    /// Remembers that `tiles` changed, for every buffer but number `index`.
    pub(crate) fn mark_others(&mut self, index: usize, tiles: &TileSet) {
        let others = self.slots.iter_mut().enumerate().filter(|(one, _)| *one != index);
        others.for_each(|(_, slot)| slot.stale.union_with(tiles));
    }

    /// The free buffer that needs the least work; a new one when all are out, and `None` when they
    /// are too many. It is free until [`lend`](Self::lend).
    pub(crate) fn take(&mut self) -> Result<Option<usize>, Error> {
        self.collect()?;
        let free = self.slots.iter().enumerate().filter(|(_, slot)| !slot.out);
        let best = free.min_by_key(|(_, slot)| slot.stale.len()).map(|(index, _)| index);
        if best.is_some() || self.slots.len() == MOST {
            return Ok(best);
        }
        self.slots.push(Slot::new(&self.device, &self.output, self.grid)?);
        Ok(Some(self.slots.len() - 1))
    }

    pub(crate) fn slot(&mut self, index: usize) -> &mut Slot {
        &mut self.slots[index]
    }

    /// Marks buffer `index` as out: it is complete when `written` is reached, and a frame will
    /// bring it home.
    pub(crate) fn lend(&mut self, index: usize, written: SyncPoint) {
        let slot = &mut self.slots[index];
        slot.written = written;
        slot.out = true;
        slot.stale.clear();
    }

    /// Takes back what came home.
    fn collect(&mut self) -> Result<(), Error> {
        let mut home = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(release) = home.pop() {
            let index = self.slots.iter().position(|slot| slot.shared.id() == release.buffer);
            let Some(index) = index else { continue };
            let written = &self.slots[index].written;
            // One that may still be in use stays out for good, and the others come next time.
            release.after.iter().chain([written]).try_for_each(wait_on_cpu)?;
            self.slots[index].out = false;
        }
        Ok(())
    }
}

impl Slot {
    fn new(device: &Arc<Device>, output: &Output, grid: Grid) -> Result<Self, Error> {
        let host = HostBuffer::new(device, output.size.into())?;
        let memory = ArrayVec::from_iter([host.handle()?]);
        let shared = SharedBuffer::new(output.descriptor.clone(), memory)?;
        Ok(Self {
            shared,
            host,
            stale: TileSet::all(grid),
            bound: None,
            refreshed: None,
            near: None,
            ahead: TileSet::none(grid),
            written: SyncPoint::Signaled,
            out: false,
        })
    }

    /// What shaders write: the host's memory, or memory of the device where that is `far`.
    pub(crate) fn written_by_shaders(
        &mut self,
        device: &Arc<Device>,
        size: u32,
        far: bool,
    ) -> Result<&Arc<Buffer>, Error> {
        if far && self.near.is_none() {
            self.near = Some(Arc::new(Buffer::new(device, size.into())?));
        }
        Ok(self.near.as_ref().unwrap_or(self.host.buffer()))
    }

    /// Brings the rows that are newer near the device to the host. Returns how many bytes there were.
    ///
    /// Whole rows, since a device pays for each piece of a copy: a row of tiles in pieces would be 24
    /// of them, and what they leave out of 3840 pixels is less than 4 us of a bus with 25 GB/s.
    pub(crate) fn copy_down(&mut self, recording: &mut Recording, output: &Output) -> u64 {
        let rows = output.rows_of(&self.ahead);
        self.ahead.clear();
        let Some(near) = self.near.as_ref().filter(|_| !rows.is_empty()) else { return 0 };
        recording.barrier();
        recording.copy_ranges(near, self.host.buffer(), &rows);
        rows.iter().map(|(_, bytes)| bytes).sum()
    }
}
