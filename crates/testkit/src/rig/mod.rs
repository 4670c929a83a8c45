//! An application's side of Vulkan: instance, device, surface, swapchain, and the pattern drawn
//! into it.
//!
//! The calls go through the system's loader, so whatever layers the environment names are there.
//! What a call answers is handed on as it is: a test wants the `VkResult` itself.

mod allocator;
mod copier;
mod device;
mod display;
mod draw;
mod easel;
mod instance;
pub mod newer;
mod staging;
mod surface;
mod swapchain;
mod sync;

pub use allocator::Allocator;
pub use copier::{Copier, Owner};
pub use device::{Device, DeviceOptions, Features};
pub use display::Display;
pub use draw::Painter;
pub use easel::Easel;
pub use instance::Instance;
pub use surface::{Surface, Window};
pub use swapchain::{Acquired, Swapchain, SwapchainOptions};
pub use sync::{Fence, Semaphore};

/// Why the rig could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no Vulkan loader.
    #[error("load the Vulkan loader")]
    Load(#[from] ash::LoadingError),
    /// A call failed.
    #[error("{doing}: {source}")]
    Call {
        /// The work.
        doing: &'static str,
        /// What it answered.
        source: ash::vk::Result,
    },
    /// Something is not there on this machine.
    #[error("no {0}")]
    Missing(String),
    /// There is no window.
    #[error("open a window")]
    Window(#[from] crate::xcb::Error),
    /// There is no window of Xlib's.
    #[error("open a window of Xlib's")]
    Xlib(#[from] crate::xlib::Error),
    /// There is no Wayland surface.
    #[error("make a Wayland surface")]
    Wayland(#[from] crate::wayland::Error),
}

impl Error {
    /// What the failed call answered, when it was a call.
    pub fn code(&self) -> Option<ash::vk::Result> {
        match self {
            Self::Call { source, .. } => Some(*source),
            _ => None,
        }
    }
}

/// Names the work that a Vulkan call was part of.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, ash::vk::Result> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Call { doing, source })
    }
}
