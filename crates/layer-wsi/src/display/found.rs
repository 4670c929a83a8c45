//! Whose displays a physical device has: the host's, or the driver's.

use std::ffi::CString;
use std::sync::Arc;

use ash::vk;
use zerohop_layer::LayerError;
use zerohop_wire::HostDisplay;

use super::{Display, Mode};
use crate::instance::InstanceState;
use crate::swapchain::Host;

impl InstanceState {
    /// The displays of `physical` that are ours. `None`: it has the driver's.
    ///
    /// With a host that has a display, that is the only one; a driver's stay hidden, as its
    /// windows do. The first call may wait for the host's answer.
    pub(crate) fn displays(&self, physical: vk::PhysicalDevice) -> Option<Arc<Vec<Arc<Display>>>> {
        if let Some(known) = self.displays.of.get(&physical) {
            return Some(known);
        }
        let ours: Vec<_> = Host::get().display().iter().map(Display::of_host).collect();
        if ours.is_empty() && self.below.display.exists {
            return None;
        }
        self.displays.keep(physical, ours);
        self.displays.of.get(&physical)
    }

    /// Our display behind `handle`. `None`: the driver's.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_UNKNOWN` for a handle that nobody can have made.
    pub(crate) fn display(
        &self,
        handle: vk::DisplayKHR,
    ) -> Result<Option<Arc<Display>>, LayerError> {
        self.or_below(self.displays.displays.get(&handle), handle)
    }

    /// Our mode behind `handle`. `None`: the driver's.
    ///
    /// # Errors
    ///
    /// As [`display`](Self::display).
    pub(crate) fn mode(&self, handle: vk::DisplayModeKHR) -> Result<Option<Arc<Mode>>, LayerError> {
        self.or_below(self.displays.modes.get(&handle), handle)
    }

    fn or_below<T>(
        &self,
        found: Option<T>,
        handle: impl vk::Handle,
    ) -> Result<Option<T>, LayerError> {
        if found.is_none() && !self.below.display.exists {
            let what = format!("display or mode {:#x} does not exist", handle.as_raw());
            return Err(LayerError::refused(vk::Result::ERROR_UNKNOWN, what));
        }
        Ok(found)
    }
}

impl Display {
    /// The host's, with one mode.
    fn of_host(host: &HostDisplay) -> Arc<Self> {
        let extent = vk::Extent2D { width: host.extent.width, height: host.extent.height };
        let mode = Mode {
            screen: host.name.to_string(),
            parameters: vk::DisplayModeParametersKHR {
                visible_region: extent,
                refresh_rate: host.refresh_mhz,
            },
        };
        let [width, height] = host.size_mm;
        Arc::new(Self {
            // A text holds no control characters.
            name: CString::new(host.name.as_str()).unwrap_or_default(),
            size_mm: vk::Extent2D { width, height },
            modes: vec![Arc::new(mode)],
        })
    }
}
