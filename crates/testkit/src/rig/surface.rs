//! Surfaces, and what can be asked about them.

use std::sync::Arc;

use ash::{ext, khr, vk};
use zerohop_frame::Extent;

use super::{Display, Doing, Error, Instance};
use crate::{wayland, xcb, xlib};

/// What a surface shows on.
pub enum Window {
    /// Nothing (`VK_EXT_headless_surface`).
    Headless,
    /// A window of an X server.
    Xcb(xcb::Window),
    /// The same, through Xlib.
    Xlib(xlib::Window),
    /// A whole display (`VK_KHR_display`).
    Display(Display),
    /// A Wayland surface, whose size is that of its pictures.
    Wayland(wayland::Window),
}

impl Window {
    /// Whether there is something to see, with a size of its own.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Xcb(_) | Self::Xlib(_))
    }

    /// Gives the window another size, where it has one.
    ///
    /// # Errors
    ///
    /// [`Error::Window`].
    pub fn resize(&self, extent: Extent) -> Result<(), Error> {
        match self {
            Self::Headless | Self::Display(_) | Self::Wayland(_) => {}
            Self::Xcb(window) => window.resize(extent)?,
            Self::Xlib(window) => window.resize(extent),
        }
        Ok(())
    }

    /// Shows it or hides it.
    ///
    /// # Errors
    ///
    /// [`Error::Window`].
    pub fn show(&self, shown: bool) -> Result<(), Error> {
        match (self, shown) {
            (Self::Headless | Self::Display(_) | Self::Wayland(_), _) => {}
            (Self::Xcb(window), true) => window.map()?,
            (Self::Xcb(window), false) => window.unmap()?,
            (Self::Xlib(window), true) => window.map(),
            (Self::Xlib(window), false) => window.unmap(),
        }
        Ok(())
    }

    /// Destroys it before its time.
    ///
    /// # Errors
    ///
    /// [`Error::Window`].
    pub fn destroy(&self) -> Result<(), Error> {
        match self {
            Self::Headless | Self::Display(_) | Self::Wayland(_) => {}
            Self::Xcb(window) => window.destroy()?,
            Self::Xlib(window) => window.destroy(),
        }
        Ok(())
    }
}

/// A `VkSurfaceKHR` and its window.
pub struct Surface {
    instance: Arc<Instance>,
    raw: vk::SurfaceKHR,
    window: Window,
}

impl Surface {
    /// Makes one over `window`.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when the surface extension is not there.
    // Long because each platform has a structure of its own.
    pub fn new(instance: &Arc<Instance>, window: Window) -> Result<Self, Error> {
        let (entry, raw) = (instance.entry(), instance.raw());
        let extension = match &window {
            Window::Headless => ext::headless_surface::NAME,
            Window::Display(_) => khr::display::NAME,
            Window::Xcb(_) => khr::xcb_surface::NAME,
            Window::Xlib(_) => khr::xlib_surface::NAME,
            Window::Wayland(_) => khr::wayland_surface::NAME,
        };
        if !instance.has(extension) {
            return Err(Error::Missing(extension.to_string_lossy().into_owned()));
        }
        let raw = match &window {
            Window::Headless => {
                let make = ext::headless_surface::Instance::new(entry, raw);
                let info = vk::HeadlessSurfaceCreateInfoEXT::default();
                // SAFETY: the extension is enabled.
                unsafe { make.create_headless_surface(&info, None) }
            }
            Window::Display(display) => {
                let make = khr::display::Instance::new(entry, raw);
                // SAFETY: mode and plane were found in this instance.
                unsafe { make.create_display_plane_surface(&display.info(), None) }
            }
            Window::Xcb(window) => {
                let make = khr::xcb_surface::Instance::new(entry, raw);
                let info = vk::XcbSurfaceCreateInfoKHR::default()
                    .connection(window.connection().raw())
                    .window(window.id());
                // SAFETY: connection and window live as long as the surface does.
                unsafe { make.create_xcb_surface(&info, None) }
            }
            Window::Xlib(window) => {
                let make = khr::xlib_surface::Instance::new(entry, raw);
                let info = vk::XlibSurfaceCreateInfoKHR::default()
                    .dpy(window.display().raw().cast())
                    .window(window.id());
                // SAFETY: display and window live as long as the surface does.
                unsafe { make.create_xlib_surface(&info, None) }
            }
            Window::Wayland(window) => {
                let make = khr::wayland_surface::Instance::new(entry, raw);
                let info = vk::WaylandSurfaceCreateInfoKHR::default()
                    .display(window.display().raw())
                    .surface(window.raw());
                // SAFETY: display and surface live as long as the Vulkan surface does.
                unsafe { make.create_wayland_surface(&info, None) }
            }
        };
        let raw = raw.doing("create a surface")?;
        Ok(Self { instance: Arc::clone(instance), raw, window })
    }

    /// The surface.
    pub fn raw(&self) -> vk::SurfaceKHR {
        self.raw
    }

    /// What it shows on.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Gives the window another size, where it has one.
    ///
    /// # Errors
    ///
    /// [`Error::Window`].
    pub fn resize(&self, extent: Extent) -> Result<(), Error> {
        self.window.resize(extent)
    }

    /// `vkGetPhysicalDeviceSurfaceCapabilitiesKHR`.
    ///
    /// # Errors
    ///
    /// What it answers.
    pub fn capabilities(
        &self,
        physical: vk::PhysicalDevice,
    ) -> Result<vk::SurfaceCapabilitiesKHR, vk::Result> {
        let surface = self.instance.surface();
        // SAFETY: both are of this instance.
        unsafe { surface.get_physical_device_surface_capabilities(physical, self.raw) }
    }

    /// `vkGetPhysicalDeviceSurfaceFormatsKHR`.
    ///
    /// # Errors
    ///
    /// What it answers.
    pub fn formats(
        &self,
        physical: vk::PhysicalDevice,
    ) -> Result<Vec<vk::SurfaceFormatKHR>, vk::Result> {
        let surface = self.instance.surface();
        // SAFETY: both are of this instance.
        unsafe { surface.get_physical_device_surface_formats(physical, self.raw) }
    }

    /// `vkGetPhysicalDeviceSurfacePresentModesKHR`.
    ///
    /// # Errors
    ///
    /// What it answers.
    pub fn present_modes(
        &self,
        physical: vk::PhysicalDevice,
    ) -> Result<Vec<vk::PresentModeKHR>, vk::Result> {
        let surface = self.instance.surface();
        // SAFETY: both are of this instance.
        unsafe { surface.get_physical_device_surface_present_modes(physical, self.raw) }
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        // SAFETY: a swapchain borrows its surface, so there is none any more. The window goes
        // after it, by field order.
        unsafe { self.instance.surface().destroy_surface(self.raw, None) };
    }
}
