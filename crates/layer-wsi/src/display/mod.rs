//! Displays of ours: what `VK_KHR_display` finds where the driver has none. They are the host's, or
//! screens of this machine that the application then drives itself, through us.
//!
//! A display belongs to a physical device, and lives as long as its instance. Each has one plane,
//! which shows nothing else and is shown nowhere else, and the plane's number is the display's.

mod below;
mod cards;
mod found;

use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use zerohop_kms::Spec;
use zerohop_layer::{LayerError, Table, handle_of};

pub(crate) use below::Below;

/// All displays of one instance that are ours.
#[derive(Debug)]
pub(crate) struct Tables {
    of: Table<vk::PhysicalDevice, Vec<Arc<Display>>>,
    displays: Table<vk::DisplayKHR, Display>,
    modes: Table<vk::DisplayModeKHR, Mode>,
}

/// One `VkDisplayKHR`.
#[derive(Debug)]
pub(crate) struct Display {
    /// What people call it.
    name: CString,
    /// Millimetres; 0 where nobody knows.
    size_mm: vk::Extent2D,
    /// The preferred one first; never empty.
    modes: Vec<Arc<Mode>>,
}

/// One `VkDisplayModeKHR`.
#[derive(Debug)]
pub(crate) struct Mode {
    /// The name of its display.
    screen: String,
    /// Pixels, and refreshes in 1000 seconds.
    parameters: vk::DisplayModeParametersKHR,
    /// The screen that the application drives with it. `None`: the host's.
    drives: Option<Spec>,
}

impl Tables {
    /// No display.
    pub(crate) const fn new() -> Self {
        Self { of: Table::new(), displays: Table::new(), modes: Table::new() }
    }

    /// Hands out `displays` for `physical`. Who comes second changes nothing.
    fn keep(&self, physical: vk::PhysicalDevice, displays: Vec<Arc<Display>>) {
        self.of.insert_first(physical, || {
            for display in &displays {
                for mode in &display.modes {
                    self.modes.insert(handle_of(mode), Arc::clone(mode));
                }
                self.displays.insert(handle_of(display), Arc::clone(display));
            }
            displays
        });
    }
}

impl Display {
    /// `VkDisplayPropertiesKHR`. Its name lives as long as the instance.
    pub(crate) fn properties(self: &Arc<Self>) -> vk::DisplayPropertiesKHR<'static> {
        vk::DisplayPropertiesKHR {
            display: handle_of(self),
            display_name: self.name.as_ptr(),
            physical_dimensions: self.size_mm,
            physical_resolution: self.modes[0].extent(),
            supported_transforms: vk::SurfaceTransformFlagsKHR::IDENTITY,
            plane_reorder_possible: vk::FALSE,
            persistent_content: vk::FALSE,
            ..Default::default()
        }
    }

    /// The properties of its plane.
    pub(crate) fn plane(self: &Arc<Self>) -> vk::DisplayPlanePropertiesKHR {
        vk::DisplayPlanePropertiesKHR { current_display: handle_of(self), current_stack_index: 0 }
    }

    /// The properties of its modes.
    pub(crate) fn modes(&self) -> Vec<vk::DisplayModePropertiesKHR> {
        let properties = |mode: &Arc<Mode>| vk::DisplayModePropertiesKHR {
            display_mode: handle_of(mode),
            parameters: mode.parameters,
        };
        self.modes.iter().map(properties).collect()
    }

    /// The mode with these parameters: a display has the modes that it has.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_INITIALIZATION_FAILED` for any other.
    pub(crate) fn mode(
        &self,
        wanted: vk::DisplayModeParametersKHR,
    ) -> Result<vk::DisplayModeKHR, LayerError> {
        let found = self.modes.iter().find(|mode| mode.is(wanted));
        found.map(handle_of).ok_or_else(|| {
            let vk::Extent2D { width, height } = wanted.visible_region;
            let (name, refresh) = (self.name.to_string_lossy(), wanted.refresh_rate);
            let what = format!("display {name} has no mode {width}x{height} at {refresh} mHz");
            LayerError::refused(vk::Result::ERROR_INITIALIZATION_FAILED, what)
        })
    }
}

impl Mode {
    /// Pixels of the whole display.
    pub(crate) fn extent(&self) -> vk::Extent2D {
        self.parameters.visible_region
    }

    /// From one refresh to the next.
    pub(crate) fn period(&self) -> Duration {
        let mhz = u64::from(self.parameters.refresh_rate.max(1));
        Duration::from_nanos(1_000_000_000_000 / mhz)
    }

    /// The screen that the application drives with it. `None`: its pictures go to the host.
    pub(crate) fn drives(&self) -> Option<&Spec> {
        self.drives.as_ref()
    }

    /// What people call its display.
    pub(crate) fn screen(&self) -> &str {
        &self.screen
    }

    /// What its display's plane can do with it: show a picture of its size, as it is.
    pub(crate) fn plane_capabilities(&self) -> vk::DisplayPlaneCapabilitiesKHR {
        let extent = self.extent();
        vk::DisplayPlaneCapabilitiesKHR {
            supported_alpha: vk::DisplayPlaneAlphaFlagsKHR::OPAQUE,
            min_src_extent: extent,
            max_src_extent: extent,
            min_dst_extent: extent,
            max_dst_extent: extent,
            ..Default::default()
        }
    }

    fn is(&self, wanted: vk::DisplayModeParametersKHR) -> bool {
        self.extent() == wanted.visible_region
            && self.parameters.refresh_rate == wanted.refresh_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(width: u32, refresh_rate: u32) -> vk::DisplayModeParametersKHR {
        vk::DisplayModeParametersKHR {
            visible_region: vk::Extent2D { width, height: 4 },
            refresh_rate,
        }
    }

    fn display() -> Display {
        let mode =
            |parameters| Arc::new(Mode { screen: "DP-1".to_owned(), parameters, drives: None });
        let modes = vec![mode(parameters(6, 60_000)), mode(parameters(6, 50_000))];
        Display { name: c"DP-1".into(), size_mm: vk::Extent2D::default(), modes }
    }

    #[test]
    fn a_display_has_the_modes_that_it_has() {
        let display = display();
        let second = display.modes()[1].display_mode;
        assert_eq!(display.mode(parameters(6, 50_000)).unwrap(), second);
        let err = display.mode(parameters(7, 50_000)).unwrap_err();
        assert_eq!(err.to_string(), "display DP-1 has no mode 7x4 at 50000 mHz");
    }

    #[test]
    fn who_asks_second_gets_the_same_displays() {
        let tables = Tables::new();
        let (physical, first) = (vk::PhysicalDevice::null(), Arc::new(display()));
        tables.keep(physical, vec![Arc::clone(&first)]);
        tables.keep(physical, vec![Arc::new(display())]);
        let kept = tables.of.get(&physical).unwrap();
        assert!(kept.len() == 1 && Arc::ptr_eq(&kept[0], &first));
        assert!(tables.displays.get(&handle_of(&first)).is_some());
        assert!(tables.modes.get(&first.modes()[0].display_mode).is_some());
    }

    #[test]
    fn a_period_is_that_of_the_mode() {
        let display = display();
        assert_eq!(display.modes[0].period(), Duration::from_nanos(16_666_666));
    }
}
