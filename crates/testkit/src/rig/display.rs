//! The display of a machine, as an application finds it that draws on a whole one.

use ash::{khr, vk};

use super::{Doing, Error, Instance};

/// The first display of a device: its preferred mode, and a plane for it.
#[derive(Clone, Copy, Debug)]
pub struct Display {
    /// The display.
    pub raw: vk::DisplayKHR,
    /// Its first mode.
    pub mode: vk::DisplayModePropertiesKHR,
    /// The plane that shows it.
    pub plane: u32,
}

impl Display {
    /// Finds it, as vkcube does.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when there is none, or none that a plane can show.
    pub fn find(instance: &Instance) -> Result<Self, Error> {
        if !instance.has(khr::display::NAME) {
            return Err(Error::Missing("VK_KHR_display".to_owned()));
        }
        let physical = instance.physical()?;
        let make = khr::display::Instance::new(instance.entry(), instance.raw());
        // SAFETY: the device is of the instance, and the extension is enabled.
        let all = unsafe { make.get_physical_device_display_properties(physical) };
        let first = all.doing("list displays")?.first().map(|one| one.display);
        let raw = first.ok_or_else(|| Error::Missing("a display".to_owned()))?;
        // SAFETY: the display was just listed.
        let modes = unsafe { make.get_display_mode_properties(physical, raw) };
        let mode = modes.doing("list modes")?.first().copied();
        let mode = mode.ok_or_else(|| Error::Missing("a mode of the display".to_owned()))?;
        // SAFETY: as above.
        let planes = unsafe { make.get_physical_device_display_plane_properties(physical) };
        for (plane, its) in (0..).zip(planes.doing("list planes")?) {
            let free = its.current_display == vk::DisplayKHR::null();
            // SAFETY: the plane was just listed.
            let shows = unsafe { make.get_display_plane_supported_displays(physical, plane) };
            let shows = shows.doing("list the displays of a plane")?;
            if (free || its.current_display == raw) && shows.contains(&raw) {
                return Ok(Self { raw, mode, plane });
            }
        }
        Err(Error::Missing("a plane for the display".to_owned()))
    }

    /// Pixels.
    pub fn extent(&self) -> vk::Extent2D {
        self.mode.parameters.visible_region
    }

    /// What makes a surface that fills it.
    pub fn info(&self) -> vk::DisplaySurfaceCreateInfoKHR<'static> {
        vk::DisplaySurfaceCreateInfoKHR::default()
            .display_mode(self.mode.display_mode)
            .plane_index(self.plane)
            .plane_stack_index(0)
            .transform(vk::SurfaceTransformFlagsKHR::IDENTITY)
            .global_alpha(1.0)
            .alpha_mode(vk::DisplayPlaneAlphaFlagsKHR::OPAQUE)
            .image_extent(self.extent())
    }
}
