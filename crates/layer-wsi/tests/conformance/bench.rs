//! What a case works with: an instance, and surfaces of one platform.

use std::fmt;
use std::panic::Location;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use ash::vk;
use zerohop_frame::Extent;
use zerohop_testkit::rig::{
    self, Device, DeviceOptions, Easel, Instance, Painter, Surface, Swapchain, SwapchainOptions,
    Window,
};
use zerohop_testkit::{pattern::Scene, wayland, xcb, xlib};

/// The size of surfaces whose size does not matter.
pub(crate) const EXTENT: Extent = Extent { width: 96, height: 64 };

/// A kind of surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Platform {
    Headless,
    Xcb,
    Xlib,
    Wayland,
    Display,
}

impl Platform {
    pub(crate) const ALL: [Self; 5] =
        [Self::Headless, Self::Xcb, Self::Xlib, Self::Wayland, Self::Display];
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Headless => "headless",
            Self::Xcb => "xcb",
            Self::Xlib => "xlib",
            Self::Wayland => "wayland",
            Self::Display => "display",
        })
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|platform| platform.to_string() == text);
        found.ok_or_else(|| format!("no platform {text:?}"))
    }
}

/// Why a case did not pass.
#[derive(Debug)]
pub(crate) enum Verdict {
    Failed(String),
    Unsupported(String),
}

/// How a case ends.
pub(crate) type Outcome<T = ()> = Result<T, Verdict>;

/// Fails the case with a message unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        let holds: bool = $condition;
        if !holds {
            return Err($crate::bench::Verdict::Failed(format!(
                "line {}: {}", line!(), format!($($message)+)
            )));
        }
    };
}

impl From<vk::Result> for Verdict {
    #[track_caller]
    fn from(code: vk::Result) -> Self {
        let place = Location::caller();
        Self::Failed(format!("{}:{}: {code:?}", place.file(), place.line()))
    }
}

impl From<rig::Error> for Verdict {
    #[track_caller]
    fn from(err: rig::Error) -> Self {
        let place = Location::caller();
        match err {
            rig::Error::Missing(what) => Self::Unsupported(what),
            err => Self::Failed(format!("{}:{}: {err}", place.file(), place.line())),
        }
    }
}

impl From<xcb::Error> for Verdict {
    #[track_caller]
    fn from(err: xcb::Error) -> Self {
        rig::Error::from(err).into()
    }
}

/// What a case works with.
pub(crate) struct Bench {
    platform: Platform,
    connection: OnceLock<Arc<xcb::Connection>>,
    display: OnceLock<Arc<xlib::Display>>,
    wayland: OnceLock<Arc<wayland::Display>>,
    instance: Arc<Instance>,
}

impl Bench {
    pub(crate) fn new(platform: Platform) -> Outcome<Self> {
        Ok(Self {
            platform,
            connection: OnceLock::new(),
            display: OnceLock::new(),
            wayland: OnceLock::new(),
            instance: Instance::new()?,
        })
    }

    pub(crate) fn platform(&self) -> Platform {
        self.platform
    }

    pub(crate) fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    pub(crate) fn physical(&self) -> Outcome<vk::PhysicalDevice> {
        Ok(self.instance.physical()?)
    }

    /// Whether surfaces have windows behind them.
    pub(crate) fn has_windows(&self) -> bool {
        matches!(self.platform, Platform::Xcb | Platform::Xlib)
    }

    /// A window of `extent` pixels, where the platform has windows.
    pub(crate) fn window(&self, extent: Extent) -> Outcome<Window> {
        match self.platform {
            Platform::Headless => return Ok(Window::Headless),
            Platform::Display => {
                return Ok(Window::Display(rig::Display::find(&self.instance)?));
            }
            Platform::Xcb => {}
            Platform::Wayland => {
                if self.wayland.get().is_none() {
                    // As below.
                    let _ = self.wayland.set(wayland::Display::open().map_err(rig::Error::from)?);
                }
                let display = self.wayland.get().ok_or(vk::Result::ERROR_UNKNOWN)?;
                return Ok(Window::Wayland(wayland::Window::open(display)));
            }
            Platform::Xlib => {
                if self.display.get().is_none() {
                    // Nobody else sets it: a case is one thread.
                    let _ = self.display.set(xlib::Display::open(None).map_err(rig::Error::from)?);
                }
                let display = self.display.get().ok_or(vk::Result::ERROR_UNKNOWN)?;
                return Ok(Window::Xlib(xlib::Window::open(display, extent)));
            }
        }
        if self.connection.get().is_none() {
            // Nobody else sets it: a case is one thread.
            let _ = self.connection.set(xcb::Connection::open(None)?);
        }
        let connection = self.connection.get().ok_or(vk::Result::ERROR_UNKNOWN)?;
        Ok(Window::Xcb(xcb::Window::open(connection, extent)?))
    }

    pub(crate) fn surface_of(&self, extent: Extent) -> Outcome<Surface> {
        Ok(Surface::new(&self.instance, self.window(extent)?)?)
    }

    pub(crate) fn surface(&self) -> Outcome<Surface> {
        self.surface_of(EXTENT)
    }

    /// A device with `VK_KHR_swapchain` and nothing else.
    pub(crate) fn device(&self) -> Outcome<Arc<Device>> {
        self.device_with(&DeviceOptions::default())
    }

    pub(crate) fn device_with(&self, options: &DeviceOptions<'_>) -> Outcome<Arc<Device>> {
        Ok(Device::new(&self.instance, options)?)
    }

    /// A device and a surface, which is what most cases begin with.
    pub(crate) fn stage(&self) -> Outcome<Stage> {
        self.stage_with(&DeviceOptions::default())
    }

    pub(crate) fn stage_with(&self, options: &DeviceOptions<'_>) -> Outcome<Stage> {
        let device = self.device_with(options)?;
        let surface = self.surface()?;
        Stage::new(device, surface)
    }
}

/// A device and a surface, with what the surface offers.
pub(crate) struct Stage {
    pub(crate) surface: Surface,
    pub(crate) device: Arc<Device>,
    pub(crate) caps: vk::SurfaceCapabilitiesKHR,
    pub(crate) format: vk::SurfaceFormatKHR,
}

impl Stage {
    pub(crate) fn new(device: Arc<Device>, surface: Surface) -> Outcome<Self> {
        let caps = surface.capabilities(device.physical())?;
        let formats = surface.formats(device.physical())?;
        let plain = |one: &&vk::SurfaceFormatKHR| one.format == vk::Format::B8G8R8A8_UNORM;
        let format = formats.iter().find(plain).or(formats.first());
        let format = *format.ok_or_else(|| Verdict::Failed("no surface format".to_owned()))?;
        Ok(Self { surface, device, caps, format })
    }

    /// The extent that a swapchain should have now.
    pub(crate) fn extent(&self) -> Extent {
        match self.caps.current_extent {
            vk::Extent2D { width: u32::MAX, .. } => EXTENT,
            vk::Extent2D { width, height } => Extent { width, height },
        }
    }

    pub(crate) fn options(&self) -> SwapchainOptions {
        SwapchainOptions::new(self.format, self.extent())
    }

    /// The create info of a plain swapchain, for a case to change.
    pub(crate) fn info(&self) -> vk::SwapchainCreateInfoKHR<'static> {
        self.options().info(&self.surface, &self.caps)
    }

    /// A plain swapchain.
    pub(crate) fn swapchain(&self) -> Outcome<Swapchain> {
        self.swapchain_in(vk::PresentModeKHR::FIFO)
    }

    pub(crate) fn swapchain_in(&self, mode: vk::PresentModeKHR) -> Outcome<Swapchain> {
        let modes = self.surface.present_modes(self.device.physical())?;
        if !modes.contains(&mode) {
            return Err(Verdict::Unsupported(format!("{mode:?}")));
        }
        Ok(Swapchain::new(&self.device, &self.info().present_mode(mode))?)
    }

    /// What draws into `swapchain`.
    pub(crate) fn easel(&self, swapchain: &Swapchain) -> Outcome<Easel> {
        Ok(Easel::new(&self.device, swapchain, self.format.format, Scene::default())?)
    }

    /// What draws into images that the case acquires itself.
    pub(crate) fn painter(&self, swapchain: &Swapchain) -> Outcome<Painter> {
        let slots = swapchain.images().len();
        let (format, extent) = (self.format.format, swapchain.extent());
        Ok(Painter::new(&self.device, format, extent, slots, Scene::default())?)
    }
}
