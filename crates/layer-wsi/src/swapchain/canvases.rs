//! Buffers of a card's own, for pictures in shared memory that it does not show where they lie.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Weak};
use std::time::Duration;

use zerohop_frame::{BufferId, Fourcc, Frame, MemoryHandle, Recycle, Release, SyncPoint};
use zerohop_kernel::{Mapping, Memfd};
use zerohop_kms::{Canvas, Error, Screen};

/// One on the screen, one on its way to it, one to copy into.
const MOST: usize = 3;

/// See the module.
#[derive(Default)]
pub(super) struct Canvases {
    slots: Vec<Slot>,
    /// Where shared memory is mapped.
    sources: HashMap<BufferId, Mapping>,
}

struct Slot {
    canvas: Canvas,
    /// Alive while the card may read the canvas.
    loan: Weak<Loan>,
}

/// Keeps the application's picture out for as long as its copy is: so the screen paces the
/// application whichever of the two it shows.
struct Loan {
    _original: Arc<Frame>,
}

impl Recycle for Loan {
    fn recycle(&self, _: Release) {}
}

impl Canvases {
    /// A copy of `frame` that `screen` shows.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] while every canvas is out or the picture is not complete; [`Error::Call`] for
    /// memory that cannot be read, or when the card has none.
    pub(super) fn copy(
        &mut self,
        screen: &Screen,
        frame: &Arc<Frame>,
    ) -> Result<Arc<Frame>, Error> {
        let failed = |source| Error::Call { doing: "copy a picture", source };
        if !frame.acquire().wait(Duration::ZERO).map_err(failed)? {
            return Err(Error::Busy);
        }
        self.map(frame).map_err(failed)?;
        let slot = self.free(screen, frame)?;
        let Some(source) = self.sources.get(&frame.buffer().id()) else { return Err(Error::Busy) };
        let slot = &mut self.slots[slot];
        copy_rows(source.as_slice(), frame, &mut slot.canvas);
        let loan = Arc::new(Loan { _original: Arc::clone(frame) });
        slot.loan = Arc::downgrade(&loan);
        let (buffer, info) = (Arc::clone(slot.canvas.buffer()), frame.info().clone());
        Ok(Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, loan)))
    }

    /// The number of a canvas that the card does not read.
    fn free(&mut self, screen: &Screen, frame: &Frame) -> Result<usize, Error> {
        let extent = frame.buffer().descriptor().extent;
        let fits = |slot: &Slot| slot.canvas.buffer().descriptor().extent == extent;
        self.slots.retain(|slot| fits(slot) || slot.loan.strong_count() > 0);
        let free = |slot: &Slot| slot.loan.strong_count() == 0 && fits(slot);
        if let Some(found) = self.slots.iter().position(free) {
            return Ok(found);
        }
        if self.slots.len() >= MOST {
            return Err(Error::Busy);
        }
        let canvas = screen.canvas(extent, Fourcc::XRGB8888)?;
        self.slots.push(Slot { canvas, loan: Weak::new() });
        Ok(self.slots.len() - 1)
    }

    fn map(&mut self, frame: &Frame) -> io::Result<()> {
        let buffer = frame.buffer();
        if self.sources.contains_key(&buffer.id()) {
            return Ok(());
        }
        let [MemoryHandle::Shm(fd)] = buffer.memory() else {
            return Err(io::Error::other("the picture is not in shared memory"));
        };
        let memfd = Memfd::try_from(fd.as_fd().try_clone_to_owned()?).map_err(io::Error::other)?;
        // A new buffer is when old ones have gone: no swapchain has more images.
        if self.sources.len() >= 64 {
            self.sources.clear();
        }
        self.sources.insert(buffer.id(), Mapping::new(&memfd)?);
        Ok(())
    }
}

/// Copies row by row, as far as both go.
fn copy_rows(source: &[u8], frame: &Frame, canvas: &mut Canvas) {
    let descriptor = frame.buffer().descriptor();
    let Some(plane) = descriptor.planes.first() else { return };
    let (from, to) = ((plane.stride as usize).max(1), canvas.stride().max(1));
    let row = (descriptor.extent.width as usize * 4).min(from).min(to);
    let source = source.get(plane.offset as usize..).unwrap_or_default();
    let rows = descriptor.extent.height as usize;
    let pairs = source.chunks(from).zip(canvas.bytes_mut().chunks_mut(to)).take(rows);
    for (from, to) in pairs.filter(|(from, to)| from.len() >= row && to.len() >= row) {
        to[..row].copy_from_slice(&from[..row]);
    }
}
