//! Buffers that written pictures travel in.

use std::sync::{Arc, Mutex, PoisonError};

use arrayvec::ArrayVec;
use zerohop_frame::{Recycle, Release, SharedBuffer, SyncPoint};
use zerohop_vulkan::{Bindings, Buffer, Copies, Device, HostBuffer, Queue, Recording, wait_on_cpu};

use super::Output;
use super::gpu::Bound;
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
    /// Whether pictures stay on the device.
    pub(crate) stays: bool,
}

/// One buffer.
pub(crate) struct Slot {
    pub(crate) shared: Arc<SharedBuffer>,
    /// The host's memory, unless the picture stays on the device.
    pub(crate) host: Option<HostBuffer>,
    /// The tiles that changed since the buffer was last written.
    pub(crate) stale: TileSet,
    /// What a shader needs to write it, once one was needed.
    pub(crate) bound: Option<Bound>,
    /// The same for a shader that finds out what to write, and the hashes that it names.
    refreshed: Option<(Arc<Bindings>, Arc<Buffer>)>,
    /// Where shaders write, when the host is across a bus; whole rows follow in one go, unless the
    /// picture stays. Measured on an H200, 3840x2160, all changed: 0.94 ms instead of 3.1.
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
        Self { device, output, grid, home, slots: Vec::new(), stays: false }
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
        self.slots.push(Slot::new(&self.device, &self.output, (self.grid, self.stays))?);
        Ok(Some(self.slots.len() - 1))
    }

    /// Leaves pictures on the device from now on, wherever the host's memory is.
    ///
    /// # Errors
    ///
    /// The device exports no memory.
    pub(crate) fn stay(&mut self) -> Result<(), Error> {
        self.stays = true;
        self.slots = vec![Slot::new(&self.device, &self.output, (self.grid, true))?];
        Ok(())
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
    fn new(
        device: &Arc<Device>,
        output: &Output,
        (grid, stays): (Grid, bool),
    ) -> Result<Self, Error> {
        let size = u64::from(output.size);
        let (host, near, handle) = if stays {
            let near = Buffer::exportable(device, size)?;
            let handle = near.export()?;
            (None, Some(Arc::new(near)), handle)
        } else {
            let host = HostBuffer::new(device, size)?;
            let handle = host.handle()?;
            (Some(host), None, handle)
        };
        let memory = ArrayVec::from_iter([handle]);
        let shared = SharedBuffer::new(output.descriptor.clone(), memory)?;
        Ok(Self {
            shared,
            host,
            stale: TileSet::all(grid),
            bound: None,
            refreshed: None,
            near,
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
        match &self.host {
            Some(host) if !far => Ok(host.buffer()),
            _ => match &mut self.near {
                Some(near) => Ok(near),
                none => Ok(none.insert(Arc::new(Buffer::new(device, size.into())?))),
            },
        }
    }

    /// Opens what shaders write, which whoever reads the pictures may have too.
    pub(crate) fn open(&self, recording: &mut Recording) {
        self.near.iter().for_each(|near| recording.write(near));
    }

    /// Brings what the device wrote to where the host reads it, if that is no memory that both see.
    /// Returns how many bytes the CPU copied.
    pub(crate) fn fetch(&mut self, size: u32) -> u64 {
        self.host.as_mut().map_or(0, |host| host.fetch(size as usize))
    }

    /// Whether nothing is left to the CPU once the device has written.
    pub(crate) fn is_shared(&self) -> bool {
        self.host.as_ref().is_none_or(HostBuffer::is_shared)
    }

    /// What a shader needs that finds out what to write, made when it is first asked for and whenever
    /// `hashes` are others.
    pub(crate) fn bound_with(
        &mut self,
        hashes: &Arc<Buffer>,
        make: impl FnOnce(&mut Self) -> Result<Bindings, Error>,
    ) -> Result<Arc<Bindings>, Error> {
        if let Some((bindings, known)) = &self.refreshed
            && Arc::ptr_eq(known, hashes)
        {
            return Ok(Arc::clone(bindings));
        }
        let bindings = Arc::new(make(self)?);
        self.refreshed = Some((Arc::clone(&bindings), Arc::clone(hashes)));
        Ok(bindings)
    }

    /// Brings what was written to the host, unless it is there or stays, in a submission of its own: the
    /// one that wrote it is done. Returns when it is there, what the CPU copied, and how many bytes the
    /// device brought.
    pub(crate) fn bring_down(
        &mut self,
        queue: &Arc<Queue>,
        output: &Output,
    ) -> Result<(SyncPoint, Copies, u64), Error> {
        let mut copies = Copies::default();
        let mut recording = Recording::begin(queue)?;
        let down = self.copy_down(&mut recording, output);
        match (self.is_shared(), down) {
            (true, 0) => return Ok((SyncPoint::Signaled, copies, down)),
            (true, _) => return Ok((recording.submit()?, copies, down)),
            (false, _) => {}
        }
        let _ = recording.submit_and_wait()?;
        copies.cpu_bytes += self.fetch(output.size);
        Ok((SyncPoint::Signaled, copies, down))
    }

    /// Brings the rows that are newer near the device to the host, unless they stay. Returns how many
    /// bytes were brought.
    ///
    /// Whole rows, since a device pays for each piece of a copy: a row of tiles in pieces would be 24
    /// of them, and what they leave out of 3840 pixels is less than 4 us of a bus with 25 GB/s.
    pub(crate) fn copy_down(&mut self, recording: &mut Recording, output: &Output) -> u64 {
        let rows = output.rows_of(&self.ahead);
        self.ahead.clear();
        let (Some(near), Some(host), false) = (&self.near, &self.host, rows.is_empty()) else {
            return 0;
        };
        recording.barrier();
        recording.copy_ranges(near, host.buffer(), &rows);
        rows.iter().map(|(_, bytes)| bytes).sum()
    }
}
