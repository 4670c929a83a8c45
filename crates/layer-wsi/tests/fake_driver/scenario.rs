//! An application, reduced to its calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use zerohop_frame::Extent;
use zerohop_layer_wsi::vkNegotiateLoaderLayerInterfaceVersion;
use zerohop_manifest::INSTANCE_EXTENSIONS;
use zerohop_testkit::fake_driver::FakeDriver;
use zerohop_testkit::loader;
use zerohop_testkit::rig::{
    Device, DeviceOptions, Error, Fence, Instance, Semaphore, Surface, Swapchain, SwapchainOptions,
    Window,
};

/// How long an acquire may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pictures into a headless surface, then as many into a second swapchain made from the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// Pictures for each of the two swapchains.
    pub(crate) frames: u32,
    pub(crate) mode: vk::PresentModeKHR,
    /// Whether each acquire has a fence, which is waited for.
    pub(crate) waits: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        Self { frames: 5, mode: vk::PresentModeKHR::IMMEDIATE, waits: true }
    }
}

/// Why it ended early.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A call failed, and said so.
    Refused(String),
    /// What must not happen.
    Broken(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Broken(why) => write!(f, "broken: {why}"),
        }
    }
}

impl From<Error> for Trouble {
    fn from(err: Error) -> Self {
        match err.code() {
            Some(code) => code.into(),
            None => Self::Refused(err.to_string()),
        }
    }
}

impl From<vk::Result> for Trouble {
    #[track_caller]
    fn from(code: vk::Result) -> Self {
        let line = std::panic::Location::caller().line();
        let text = format!("{code:?} in line {line}");
        match code {
            vk::Result::ERROR_UNKNOWN => Self::Broken(text),
            _ => Self::Refused(text),
        }
    }
}

/// A device and its surface.
struct Stage {
    swapchain: Option<Swapchain>,
    surface: Surface,
    device: Arc<Device>,
}

impl Stage {
    fn open(driver: &FakeDriver) -> Result<Self, Trouble> {
        driver.enter();
        let instance = Instance::over(loader::entry(
            vkNegotiateLoaderLayerInterfaceVersion,
            INSTANCE_EXTENSIONS,
        ))?;
        let device = Device::new(&instance, &DeviceOptions::default())?;
        let surface = Surface::new(&instance, Window::Headless)?;
        Ok(Self { swapchain: None, surface, device })
    }

    /// Makes a swapchain, from the one before where there is one.
    fn replace(&mut self, mode: vk::PresentModeKHR) -> Result<(), Trouble> {
        let physical = self.device.physical();
        let caps = self.surface.capabilities(physical)?;
        let formats = self.surface.formats(physical)?;
        let format = *formats.first().ok_or(Trouble::Broken("no format".to_owned()))?;
        let extent = Extent { width: 32, height: 16 };
        let options = SwapchainOptions { mode, ..SwapchainOptions::new(format, extent) };
        let old = self.swapchain.as_ref().map_or(vk::SwapchainKHR::null(), Swapchain::raw);
        let info = options.info(&self.surface, &caps).old_swapchain(old);
        self.swapchain = Some(Swapchain::new(&self.device, &info)?);
        Ok(())
    }

    /// Acquires with semaphore and fence, submits what waits for one and signals another, presents.
    fn show(&self, waits: bool) -> Result<(), Trouble> {
        let missing = || Trouble::Broken("no swapchain".to_owned());
        let swapchain = self.swapchain.as_ref().ok_or_else(missing)?;
        let (ready, done) = (Semaphore::new(&self.device)?, Semaphore::new(&self.device)?);
        let fence = Fence::new(&self.device, false)?;
        let used = if waits { fence.raw() } else { vk::Fence::null() };
        let acquire = || swapchain.acquire(PATIENCE, ready.raw(), used);
        let acquired = match acquire() {
            // It has signaled nothing, so the same may be asked again.
            Err(vk::Result::ERROR_OUT_OF_HOST_MEMORY | vk::Result::ERROR_OUT_OF_DEVICE_MEMORY) => {
                acquire()
            }
            other => other,
        }?;
        if waits {
            fence.wait(PATIENCE)?;
        }
        let (wait, signal) = ([ready.raw()], [done.raw()]);
        let stages = [vk::PipelineStageFlags::ALL_COMMANDS];
        let submit = vk::SubmitInfo::default()
            .wait_semaphores(&wait)
            .wait_dst_stage_mask(&stages)
            .signal_semaphores(&signal);
        {
            let queue = self.device.queue();
            // SAFETY: the queue is locked; the semaphores are the device's.
            unsafe { self.device.raw().queue_submit(*queue, &[submit], vk::Fence::null()) }?;
        }
        swapchain.present(acquired.index, &signal)?;
        Ok(())
    }
}

impl Scenario {
    /// How many presents there are in all.
    pub(crate) fn presents(&self) -> usize {
        2 * self.frames as usize
    }

    /// Plays it to its end on `driver`.
    pub(crate) fn play(&self, driver: &FakeDriver) -> Result<(), Trouble> {
        let mut stage = Stage::open(driver)?;
        for _ in 0..2 {
            stage.replace(self.mode)?;
            (0..self.frames).try_for_each(|_| stage.show(self.waits))?;
        }
        Ok(())
    }

    /// Plays it on two drivers, picture by picture.
    pub(crate) fn play_both(&self, one: &FakeDriver, two: &FakeDriver) -> Result<(), Trouble> {
        let (mut left, mut right) = (Stage::open(one)?, Stage::open(two)?);
        for _ in 0..2 {
            left.replace(self.mode)?;
            right.replace(self.mode)?;
            for _ in 0..self.frames {
                left.show(self.waits)?;
                right.show(self.waits)?;
            }
        }
        Ok(())
    }
}

/// Pictures of two surfaces, both in each present.
pub(crate) fn play_pairs(driver: &FakeDriver, frames: u32) -> Result<(), Trouble> {
    let mut one = Stage::open(driver)?;
    one.replace(vk::PresentModeKHR::IMMEDIATE)?;
    let surface = Surface::new(one.device.instance(), Window::Headless)?;
    let mut other = Stage { swapchain: None, surface, device: Arc::clone(&one.device) };
    other.replace(vk::PresentModeKHR::IMMEDIATE)?;
    (0..frames).try_for_each(|_| show_pair(&one, &other))
}

/// When memory runs out, a present has not happened, or has for all: a picture that went its way
/// gives its image back later, and one that did not leaves it with the application. One image of
/// each swapchain may stay behind so, and the rest goes round.
fn show_pair(one: &Stage, other: &Stage) -> Result<(), Trouble> {
    let done = Semaphore::new(&one.device)?;
    let both: Vec<_> = [one, other].iter().filter_map(|it| it.swapchain.as_ref()).collect();
    let indices = both.iter().map(|it| it.lend(&one.device)).collect::<Result<Vec<_>, _>>()?;
    let signal = [done.raw()];
    let submit = vk::SubmitInfo::default().signal_semaphores(&signal);
    {
        let queue = one.device.queue();
        // SAFETY: the queue is locked; the semaphore is the device's.
        unsafe { one.device.raw().queue_submit(*queue, &[submit], vk::Fence::null()) }?;
    }
    let chains: Vec<_> = both.iter().map(|swapchain| swapchain.raw()).collect();
    let shown = [Fence::new(&one.device, false)?, Fence::new(&one.device, false)?];
    let fences = [shown[0].raw(), shown[1].raw()];
    let present = |results: &mut [vk::Result]| {
        let mut fences = vk::SwapchainPresentFenceInfoEXT::default().fences(&fences);
        let info = vk::PresentInfoKHR::default()
            .wait_semaphores(&signal)
            .swapchains(&chains)
            .image_indices(&indices)
            .results(results)
            .push_next(&mut fences);
        both[0].present_with(&info)
    };
    let mut results = [vk::Result::ERROR_UNKNOWN; 2];
    let mut said = present(&mut results);
    if results.iter().all(|one| *one != vk::Result::SUCCESS) {
        // Nothing has happened: the semaphore is still signaled, and the same can be asked again.
        said = present(&mut results);
    }
    let failed = results.iter().any(|one| *one != vk::Result::SUCCESS);
    if failed != said.is_err() {
        return Err(Trouble::Broken(format!("{said:?}, but {results:?}")));
    }
    for (result, fence) in results.iter().zip(&shown) {
        if *result == vk::Result::SUCCESS {
            fence.wait(PATIENCE)?;
        }
    }
    Ok(())
}

trait Lend {
    /// An image, which is there.
    fn lend(&self, device: &Arc<Device>) -> Result<u32, Trouble>;
}

impl Lend for Swapchain {
    fn lend(&self, device: &Arc<Device>) -> Result<u32, Trouble> {
        let fence = Fence::new(device, false)?;
        let acquire = || self.acquire(PATIENCE, vk::Semaphore::null(), fence.raw());
        let acquired = match acquire() {
            // It has signaled nothing, so the same may be asked again.
            Err(vk::Result::ERROR_OUT_OF_HOST_MEMORY | vk::Result::ERROR_OUT_OF_DEVICE_MEMORY) => {
                acquire()
            }
            other => other,
        };
        match acquired {
            Err(vk::Result::TIMEOUT) => Err(Trouble::Broken("no image comes back".to_owned())),
            Err(other) => Err(other.into()),
            Ok(acquired) => {
                fence.wait(PATIENCE)?;
                Ok(acquired.index)
            }
        }
    }
}
