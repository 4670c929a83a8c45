//! What was decided on the surfaces and swapchains of a physical device, and why.

use std::ffi::c_void;

use ash::vk;
use zerohop_layer::{Level, config, log};
use zerohop_manifest::WsiDecision;

use super::InstanceState;
use crate::surface::Surface;

/// NVIDIA's PCI vendor. Asked whether it presents to an X server, its driver 580.159 crashed vkcube (an
/// H200, Xvfb without GLX).
const NVIDIA: u32 = 0x10de;

impl InstanceState {
    /// Says once for each device what was decided on its surfaces: when one of them is asked about,
    /// or at the latest when the device is made.
    ///
    /// The driver is asked whether it could present only where somebody reads the answer, and when
    /// there is a window of an X server: for that it needs no surface.
    pub(crate) fn tell_decision(&self, physical: vk::PhysicalDevice, surface: Option<&Surface>) {
        if config::get().log < Level::Info {
            return;
        }
        let Ok(state) = self.physical(physical) else { return };
        state.decision.get_or_init(|| {
            let lists = state.lists_swapchain;
            // SAFETY: the handle is the instance's.
            let found = unsafe { self.raw.get_physical_device_properties(physical) };
            let ask = lists && found.vendor_id != NVIDIA;
            let window = surface.filter(|_| ask).and_then(Surface::x_window);
            let families = state.family_count();
            let presents = window.and_then(|it| self.driver_presents(physical, it, families));
            let decision = WsiDecision::new(config::get().wsi, lists, presents);
            let name = found.device_name_as_c_str().unwrap_or_default().to_string_lossy();
            log(Level::Info, format_args!("surfaces and swapchains of {name} are {decision}"));
            decision
        });
    }

    /// Whether one of so many queue families of the driver's could present to a window. `None`:
    /// nobody knows.
    fn driver_presents(
        &self,
        physical: vk::PhysicalDevice,
        (connection, visual): (*mut c_void, u32),
        families: u32,
    ) -> Option<bool> {
        let ask = self.below.xcb_support?;
        // SAFETY: the connection is open as long as the surface lives, and each family is there
        // (VUID-vkGetPhysicalDeviceXcbPresentationSupportKHR-queueFamilyIndex-01312).
        let presents = |family| unsafe { ask(physical, family, connection, visual) } == vk::TRUE;
        Some((0..families).any(presents))
    }
}
