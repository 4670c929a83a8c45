//! Acquire, draw, present, with the semaphores in between.

use std::sync::Arc;
use std::time::Duration;

use ash::vk;

use super::{Acquired, Device, Doing, Error, Painter, Semaphore, Swapchain};
use crate::pattern::Scene;

/// How long an acquire may take, longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What draws the pictures of one swapchain.
pub struct Easel {
    painter: Painter,
    /// Signaled by acquires, in turn. The painter has one slot per image and waits for the slot
    /// before it draws, so with one more semaphore than images each is free when its turn comes.
    acquired: Vec<Semaphore>,
    turn: usize,
    /// Signaled when the image of that index is drawn.
    drawn: Vec<Semaphore>,
}

impl Easel {
    /// An easel for `swapchain`, whose images have `format`.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when the pattern cannot be drawn in `format`.
    pub fn new(
        device: &Arc<Device>,
        swapchain: &Swapchain,
        format: vk::Format,
        scene: Scene,
    ) -> Result<Self, Error> {
        let count = swapchain.images().len();
        let semaphores = |count| {
            let made = (0..count).map(|_| Semaphore::new(device));
            made.collect::<Result<Vec<_>, _>>().doing("create a semaphore")
        };
        Ok(Self {
            painter: Painter::new(device, format, swapchain.extent(), count, scene)?,
            acquired: semaphores(count + 1)?,
            turn: 0,
            drawn: semaphores(count)?,
        })
    }

    /// Acquires an image and draws picture `frame` into it.
    ///
    /// # Errors
    ///
    /// What the acquire answers is found with [`Error::code`].
    pub fn draw(&mut self, swapchain: &Swapchain, frame: u32) -> Result<Acquired, Error> {
        let ready = self.acquired[self.turn].raw();
        let acquired = swapchain.acquire(PATIENCE, ready, vk::Fence::null());
        let acquired = acquired.doing("acquire an image")?;
        self.turn = (self.turn + 1) % self.acquired.len();
        let image = swapchain.images()[acquired.index as usize];
        self.painter.paint(frame, image, &[ready], &[self.drawn(acquired.index)])?;
        Ok(acquired)
    }

    /// What the present of image `index` must wait for.
    ///
    /// # Panics
    ///
    /// When the swapchain has no such image.
    pub fn drawn(&self, index: u32) -> vk::Semaphore {
        self.drawn[index as usize].raw()
    }

    /// Acquires an image, draws picture `frame` and presents it. Returns whether either call said
    /// `VK_SUBOPTIMAL_KHR`.
    ///
    /// # Errors
    ///
    /// As [`draw`](Self::draw).
    pub fn show(&mut self, swapchain: &Swapchain, frame: u32) -> Result<bool, Error> {
        let Acquired { index, suboptimal } = self.draw(swapchain, frame)?;
        let presented = swapchain.present(index, &[self.drawn(index)]);
        Ok(presented.doing("present an image")? || suboptimal)
    }

    /// Waits until everything is drawn.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn finish(&self) -> Result<(), Error> {
        self.painter.finish()
    }
}
