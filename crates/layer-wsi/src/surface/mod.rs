//! Surfaces of ours: a window, a whole display, or nothing at all.

pub(crate) mod capabilities;
pub(crate) mod formats;
mod libxcb;
mod visual;
mod xcb;
mod xlib;

use std::ffi::c_void;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use ash::vk;
use zerohop_layer::LayerError;

use crate::display::Mode;
use crate::swapchain::{Drive, Outlet, Stream};
use visual::Visual;
use xcb::Window;

/// One `VkSurfaceKHR`.
pub(crate) struct Surface {
    kind: Kind,
    /// What swapchains on it share, from the first one on.
    stream: OnceLock<Arc<Stream>>,
    /// The screen that it drives itself, while swapchains do.
    drive: Mutex<Weak<Drive>>,
}

enum Kind {
    /// A window of an X server, through whichever library.
    X11 { window: Window, library: &'static str },
    /// A `wl_surface`. We never draw on it: its picture goes to the host.
    Wayland { surface: usize },
    /// A whole display.
    Display(Arc<Mode>),
    /// No window.
    Nothing(Platform),
}

/// Whose window it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    /// An X server's. It decides on the size.
    X11,
    /// A Wayland compositor's.
    Wayland,
    /// Nobody's: it is a whole display.
    Display,
    /// Nobody's.
    Headless,
    /// Anybody's: it has what all have (`VK_GOOGLE_surfaceless_query`).
    Any,
}

impl Surface {
    fn of(kind: Kind) -> Arc<Self> {
        Arc::new(Self { kind, stream: OnceLock::new(), drive: Mutex::default() })
    }

    /// The stream of its pictures; `open` makes it for the first swapchain.
    pub(crate) fn stream(&self, open: impl FnOnce() -> Stream) -> &Arc<Stream> {
        self.stream.get_or_init(|| Arc::new(open()))
    }

    /// A surface on a window of `connection` (`xcb_connection_t *`).
    ///
    /// # Errors
    ///
    /// When libxcb cannot be loaded.
    ///
    /// # Safety
    ///
    /// The connection is open and stays so for as long as the surface lives
    /// (VUID-VkXcbSurfaceCreateInfoKHR-connection-01310, VUID-…-window-01311).
    pub(crate) unsafe fn xcb(
        connection: *mut c_void,
        window: u32,
    ) -> Result<Arc<Self>, LayerError> {
        // SAFETY: the caller's promise.
        let window = unsafe { Window::new(connection, window) }?;
        Ok(Self::of(Kind::X11 { window, library: "xcb" }))
    }

    /// A surface on a window of `display` (`Display *`).
    ///
    /// # Errors
    ///
    /// When libX11-xcb or libxcb cannot be loaded.
    ///
    /// # Safety
    ///
    /// As [`Surface::xcb`] (VUID-VkXlibSurfaceCreateInfoKHR-dpy-01313, VUID-…-window-01314).
    pub(crate) unsafe fn xlib(display: *mut c_void, window: u64) -> Result<Arc<Self>, LayerError> {
        // SAFETY: the caller's promise.
        let connection = unsafe { xlib::connection(display) }?;
        // An XID has 29 bits; Xlib keeps it in a long.
        let window = window as u32;
        // SAFETY: the connection is the display's and lives as long.
        let window = unsafe { Window::new(connection, window) }?;
        Ok(Self::of(Kind::X11 { window, library: "xlib" }))
    }

    /// A surface for a `wl_surface *`, which is never dereferenced.
    pub(crate) fn wayland(surface: *mut c_void) -> Arc<Self> {
        Self::of(Kind::Wayland { surface: surface.addr() })
    }

    /// A surface that fills the display of `mode`.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_INITIALIZATION_FAILED` for what no plane of ours can do.
    pub(crate) fn display(
        mode: Arc<Mode>,
        info: &vk::DisplaySurfaceCreateInfoKHR<'_>,
    ) -> Result<Arc<Self>, LayerError> {
        let plain = info.transform == vk::SurfaceTransformFlagsKHR::IDENTITY
            && info.alpha_mode == vk::DisplayPlaneAlphaFlagsKHR::OPAQUE;
        if !plain {
            let (transform, alpha) = (info.transform, info.alpha_mode);
            let what = format!("cannot show pictures with {transform:?} and alpha {alpha:?}");
            return Err(LayerError::refused(vk::Result::ERROR_INITIALIZATION_FAILED, what));
        }
        Ok(Self::of(Kind::Display(mode)))
    }

    /// A surface without a window.
    pub(crate) fn headless() -> Arc<Self> {
        Self::of(Kind::Nothing(Platform::Headless))
    }

    /// No surface: what it says holds for every other.
    pub(crate) fn anywhere() -> Arc<Self> {
        Self::of(Kind::Nothing(Platform::Any))
    }

    /// The window's size in pixels, as far as is known. `None`: the swapchain decides.
    ///
    /// Cheap enough for every present: it takes in answers of the X server that have come, asks
    /// again now and then, and never waits. Only the first call may.
    pub(crate) fn extent(&self) -> Option<vk::Extent2D> {
        match &self.kind {
            Kind::X11 { window, .. } => window.extent(),
            Kind::Display(mode) => Some(mode.extent()),
            Kind::Wayland { .. } | Kind::Nothing(_) => None,
        }
    }

    /// The window's size in pixels, asked of the server now.
    pub(crate) fn extent_now(&self) -> Option<vk::Extent2D> {
        match &self.kind {
            Kind::X11 { window, .. } => window.extent_now(),
            Kind::Display(mode) => Some(mode.extent()),
            Kind::Wayland { .. } | Kind::Nothing(_) => None,
        }
    }

    /// The application destroys it, while the window's connection is still open.
    pub(crate) fn end(&self) {
        if let Kind::X11 { window, .. } = &self.kind {
            window.end();
        }
    }

    /// Whether the window is gone, as far as is known.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(&self.kind, Kind::X11 { window, .. } if window.is_lost())
    }

    /// Whose window it is.
    pub(crate) fn platform(&self) -> Platform {
        match self.kind {
            Kind::X11 { .. } => Platform::X11,
            Kind::Wayland { .. } => Platform::Wayland,
            Kind::Display(_) => Platform::Display,
            Kind::Nothing(platform) => platform,
        }
    }

    /// How the window's pixels look. `None`: it has no say, or is gone.
    fn visual(&self) -> Option<Visual> {
        match &self.kind {
            Kind::X11 { window, .. } => window.visual(),
            Kind::Wayland { .. } | Kind::Display(_) | Kind::Nothing(_) => None,
        }
    }

    /// The `xcb_connection_t *` and the visual of a window of an X server.
    pub(crate) fn x_window(&self) -> Option<(*mut c_void, u32)> {
        match &self.kind {
            Kind::X11 { window, .. } => Some((window.connection(), window.visual()?.id)),
            Kind::Wayland { .. } | Kind::Display(_) | Kind::Nothing(_) => None,
        }
    }

    /// Whether there is something to present to, asked of the window's server now.
    pub(crate) fn is_alive(&self) -> bool {
        match &self.kind {
            Kind::X11 { window, .. } => window.extent_now().is_some() && window.visual().is_some(),
            Kind::Wayland { .. } | Kind::Display(_) | Kind::Nothing(_) => true,
        }
    }

    /// What `vkGetPhysicalDeviceSurfaceSupportKHR` asks about the window.
    pub(crate) fn is_presentable(&self) -> bool {
        self.is_alive() && self.visual().is_none_or(|visual| visual.is_direct())
    }

    /// What people call it, as in "xcb window 0x400002".
    pub(crate) fn name(&self) -> String {
        match &self.kind {
            Kind::X11 { window, library } => format!("{library} window {:#x}", window.id()),
            Kind::Wayland { surface } => format!("wayland surface {surface:#x}"),
            Kind::Display(mode) => format!("display {}", mode.screen()),
            Kind::Nothing(_) => "headless surface".into(),
        }
    }

    /// Where its pictures go. A screen that it drives is taken when nobody has it yet, and put back
    /// when the last outlet to it is dropped.
    ///
    /// # Errors
    ///
    /// As [`Drive::open`].
    pub(crate) fn outlet(&self) -> Result<Outlet, LayerError> {
        let Kind::Display(mode) = &self.kind else { return Ok(Outlet::Host) };
        let Some(spec) = mode.drives() else { return Ok(Outlet::Host) };
        let mut drive = self.drive.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = drive.upgrade() {
            return Ok(Outlet::Screen(open));
        }
        let open = Drive::open(spec)?;
        *drive = Arc::downgrade(&open);
        Ok(Outlet::Screen(open))
    }

    /// Whether it is on a screen that it drives itself.
    pub(crate) fn drives(&self) -> bool {
        matches!(&self.kind, Kind::Display(mode) if mode.drives().is_some())
    }

    /// From one refresh to the next, where there is something that refreshes.
    pub(crate) fn period(&self) -> Option<Duration> {
        match &self.kind {
            Kind::Display(mode) => Some(mode.period()),
            _ => None,
        }
    }
}

/// Whether windows with the visual called `visual` can have a surface.
///
/// # Safety
///
/// `connection` is an open `xcb_connection_t *`.
pub(crate) unsafe fn xcb_presents(connection: *mut c_void, visual: u32) -> bool {
    // SAFETY: the caller's promise.
    unsafe { xcb::visual(connection, visual) }.is_ok_and(|it| it.is_some_and(|it| it.is_direct()))
}

/// As [`xcb_presents`], for Xlib.
///
/// # Safety
///
/// `display` is an open `Display *`.
pub(crate) unsafe fn xlib_presents(display: *mut c_void, visual: u32) -> bool {
    // SAFETY: the caller's promise.
    let Ok(connection) = (unsafe { xlib::connection(display) }) else { return false };
    // SAFETY: the connection is the display's and lives as long.
    unsafe { xcb_presents(connection, visual) }
}
