//! One window, its swapchain, and the pictures on their way into it.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;

use crate::rig::{Device, Display, Easel, Surface, Swapchain, SwapchainOptions, Window};
use crate::xcb;
use ash::{khr, vk};
use zerohop_frame::Extent;

use super::options::{Play, WindowKind};

const OUT_OF_DATE: vk::Result = vk::Result::ERROR_OUT_OF_DATE_KHR;

/// How long a picture may take to be shown, in nanoseconds.
const PATIENCE: u64 = 20_000_000_000;

/// A picture that was drawn and not yet presented.
struct Held {
    image: u32,
    /// Its number.
    frame: u32,
}

/// What is made anew with the swapchain. Dropped in this order.
struct Chain {
    easel: Easel,
    held: VecDeque<Held>,
    swapchain: Swapchain,
}

/// A window that is drawn to.
pub(super) struct Stage {
    chain: Option<Chain>,
    surface: Surface,
    device: Arc<Device>,
    options: Shape,
    extent: Extent,
    presents: u32,
    /// How often the swapchain was made anew.
    pub(super) recreations: u32,
}

/// The options that a stage needs.
struct Shape {
    first: Extent,
    format: vk::Format,
    mode: vk::PresentModeKHR,
    images: u32,
    hold: usize,
    still: u32,
    recreate_every: Option<u32>,
    resize_every: Option<u32>,
    present_id: bool,
    drawn: bool,
    scene: crate::pattern::Scene,
}

impl Stage {
    /// Opens a window.
    pub(super) fn new(device: &Arc<Device>, play: &Play) -> Result<Self, Box<dyn Error>> {
        let mut extent = play.size.0;
        let window = match play.window {
            WindowKind::Headless => Window::Headless,
            WindowKind::Display => {
                let display = Display::find(device.instance())?;
                let vk::Extent2D { width, height } = display.extent();
                extent = Extent { width, height };
                Window::Display(display)
            }
            WindowKind::Xcb => {
                Window::Xcb(xcb::Window::open(&xcb::Connection::open(None)?, extent)?)
            }
        };
        let surface = Surface::new(device.instance(), window)?;
        let options = Shape {
            first: extent,
            format: play.format.raw(),
            mode: play.present_mode.raw(),
            images: play.images.max(play.hold + 1),
            hold: play.hold.max(1) as usize,
            still: play.still.max(1),
            recreate_every: play.recreate_every,
            resize_every: play.resize_every,
            present_id: play.has_ids(),
            drawn: play.drawn,
            scene: play.scene(),
        };
        let device = Arc::clone(device);
        let (presents, recreations) = (0, 0);
        let mut stage =
            Self { chain: None, surface, device, options, extent, presents, recreations };
        stage.recreate()?;
        stage.recreations = 0;
        Ok(stage)
    }

    /// Draws the picture of the `present`th present, and presents what is held too long.
    pub(super) fn show(&mut self, present: u32) -> Result<(), Box<dyn Error>> {
        let every = |n: Option<u32>| n.is_some_and(|n| present > 0 && present.is_multiple_of(n));
        if every(self.options.resize_every) {
            self.resize()?;
        } else if every(self.options.recreate_every) {
            self.recreate()?;
        }
        self.draw(present / self.options.still)?;
        while self.chain.as_ref().is_some_and(|chain| chain.held.len() >= self.options.hold) {
            self.present()?;
        }
        Ok(())
    }

    /// Waits until the last picture is shown, and says how many are.
    pub(super) fn wait_shown(&self) -> Result<u32, Box<dyn Error>> {
        let chain = self.chain.as_ref().ok_or("no swapchain")?;
        let calls = khr::present_wait::Device::new(self.device.instance().raw(), self.device.raw());
        let (swapchain, id) = (chain.swapchain.raw(), u64::from(self.presents));
        // SAFETY: the swapchain is alive, and the extension is enabled with the option `step`.
        let waited = unsafe { calls.wait_for_present(swapchain, id, PATIENCE) };
        waited.map_err(|code| format!("picture {id} is not shown: {code}"))?;
        Ok(self.presents)
    }

    /// Presents all that is held.
    pub(super) fn finish(&mut self) -> Result<(), Box<dyn Error>> {
        while self.chain.as_ref().is_some_and(|chain| !chain.held.is_empty()) {
            self.present()?;
        }
        match &self.chain {
            Some(chain) => Ok(chain.easel.finish()?),
            None => Ok(()),
        }
    }

    /// Every second size is three quarters of the first.
    fn resize(&mut self) -> Result<(), Box<dyn Error>> {
        let Extent { width, height } = self.options.first;
        let small = Extent { width: (width * 3 / 4).max(1), height: (height * 3 / 4).max(1) };
        self.extent = if self.extent == small { self.options.first } else { small };
        self.surface.resize(self.extent)?;
        self.recreate()
    }

    fn draw(&mut self, frame: u32) -> Result<(), Box<dyn Error>> {
        loop {
            let chain = self.chain.as_mut().ok_or("no swapchain")?;
            match chain.easel.draw(&chain.swapchain, frame) {
                Ok(acquired) => {
                    if self.options.drawn {
                        chain.easel.finish()?;
                    }
                    chain.held.push_back(Held { image: acquired.index, frame });
                    return Ok(());
                }
                Err(err) if err.code() == Some(OUT_OF_DATE) => self.follow()?,
                Err(err) => return Err(err.into()),
            }
        }
    }

    /// Presents the oldest held picture. One that came too late for its swapchain is drawn again.
    fn present(&mut self) -> Result<(), Box<dyn Error>> {
        let chain = self.chain.as_mut().ok_or("no swapchain")?;
        let held = chain.held.pop_front().ok_or("nothing is held")?;
        let (swapchains, indices) = ([chain.swapchain.raw()], [held.image]);
        let wait = [chain.easel.drawn(held.image)];
        let ids = [u64::from(self.presents) + 1];
        let mut id = vk::PresentIdKHR::default().present_ids(&ids);
        let layers: Vec<_> = self.options.scene.moving.iter().map(layer).collect();
        let regions = [vk::PresentRegionKHR::default().rectangles(&layers)];
        let mut regions = vk::PresentRegionsKHR::default().regions(&regions);
        let mut info = vk::PresentInfoKHR::default()
            .wait_semaphores(&wait)
            .swapchains(&swapchains)
            .image_indices(&indices);
        if self.options.present_id {
            info = info.push_next(&mut id);
        }
        if !layers.is_empty() && held.frame > 0 {
            info = info.push_next(&mut regions);
        }
        match chain.swapchain.present_with(&info) {
            Ok(_) => {
                self.presents += 1;
                Ok(())
            }
            Err(OUT_OF_DATE) => {
                let again: Vec<_> = std::iter::once(held).chain(chain.held.drain(..)).collect();
                self.follow()?;
                again.into_iter().try_for_each(|held| self.draw(held.frame))
            }
            Err(code) => Err(format!("present an image: {code}").into()),
        }
    }

    /// Takes the size that the surface has now, and makes the swapchain anew.
    fn follow(&mut self) -> Result<(), Box<dyn Error>> {
        let caps = self.surface.capabilities(self.device.physical())?;
        if caps.current_extent.width != u32::MAX {
            let vk::Extent2D { width, height } = caps.current_extent;
            self.extent = Extent { width, height };
        }
        self.recreate()
    }

    /// Makes the swapchain, from the old one where there is one. Held pictures are presented
    /// first, so that none is lost.
    fn recreate(&mut self) -> Result<(), Box<dyn Error>> {
        while self.chain.as_ref().is_some_and(|chain| !chain.held.is_empty()) {
            self.present()?;
        }
        let Shape { format, mode, images, .. } = self.options;
        let physical = self.device.physical();
        let caps = self.surface.capabilities(physical)?;
        let formats = self.surface.formats(physical)?;
        let format = formats.into_iter().find(|one| one.format == format);
        let format =
            format.ok_or_else(|| format!("the surface lacks {:?}", self.options.format))?;
        let mut options = SwapchainOptions::new(format, self.extent);
        (options.mode, options.images) = (mode, images);
        let old = self.chain.as_ref().map_or(vk::SwapchainKHR::null(), |c| c.swapchain.raw());
        let info = options.info(&self.surface, &caps).old_swapchain(old);
        let swapchain = Swapchain::new(&self.device, &info)?;
        let easel = Easel::new(&self.device, &swapchain, format.format, self.options.scene)?;
        self.chain = Some(Chain { easel, held: VecDeque::new(), swapchain });
        self.recreations += 1;
        Ok(())
    }
}

/// `rect` as `VK_KHR_incremental_present` says it.
fn layer(rect: &zerohop_frame::Rect) -> vk::RectLayerKHR {
    let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    vk::RectLayerKHR {
        offset: vk::Offset2D { x: side(rect.x), y: side(rect.y) },
        extent: vk::Extent2D { width: rect.width, height: rect.height },
        layer: 0,
    }
}
