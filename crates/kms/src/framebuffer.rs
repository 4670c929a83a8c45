//! Memory as a card knows it, and pictures in it.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use zerohop_frame::Extent;

use crate::Card;
use crate::again::again;

/// Memory that a card has a handle of. The same memory has one handle, however often it is
/// imported, so the last one closes it.
#[derive(Debug)]
pub(crate) struct Gem {
    card: Arc<Card>,
    handle: u32,
}

impl Gem {
    /// The memory of a dma-buf.
    pub(crate) fn import(card: &Arc<Card>, dma_buf: BorrowedFd<'_>) -> io::Result<Self> {
        // Locked: another must not close the handle between the two lines.
        let mut handles = card.handles();
        let handle = again(|| drm_ffi::gem::fd_to_handle(card.as_fd(), dma_buf))?.handle;
        *handles.entry(handle).or_default() += 1;
        Ok(Self { card: Arc::clone(card), handle })
    }

    /// Memory that the card has just made.
    pub(crate) fn adopt(card: &Arc<Card>, handle: u32) -> Self {
        *card.handles().entry(handle).or_default() += 1;
        Self { card: Arc::clone(card), handle }
    }

    pub(crate) fn handle(&self) -> u32 {
        self.handle
    }
}

impl Drop for Gem {
    fn drop(&mut self) {
        let mut handles = self.card.handles();
        let users = handles.entry(self.handle).or_insert(1);
        *users -= 1;
        if *users == 0 {
            handles.remove(&self.handle);
            // Nobody to tell: a card that is gone has closed it.
            let _ = drm_ffi::gem::close(self.card.as_fd(), self.handle);
        }
    }
}

/// A picture that the card can show. Gone from the screen before it is dropped.
#[derive(Debug)]
pub(crate) struct Framebuffer {
    card: Arc<Card>,
    pub(crate) id: u32,
    pub(crate) extent: Extent,
    _memory: Vec<Gem>,
}

impl Framebuffer {
    /// A framebuffer that the card has just made of `memory`.
    pub(crate) fn adopt(card: &Arc<Card>, id: u32, extent: Extent, memory: Vec<Gem>) -> Self {
        Self { card: Arc::clone(card), id, extent, _memory: memory }
    }
}

impl Drop for Framebuffer {
    fn drop(&mut self) {
        // As above.
        let _ = drm_ffi::mode::rm_fb(self.card.as_fd(), self.id);
    }
}
