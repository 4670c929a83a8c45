//! Whose displays a physical device has: the host's, the driver's, or the cards'.

use std::ffi::CString;
use std::sync::Arc;

use ash::vk;
use zerohop_kms::{Copier, Spec, SpecError};
use zerohop_layer::{LayerError, Level, config, log};
use zerohop_wire::HostDisplay;

use super::{Display, Mode, cards};
use crate::instance::InstanceState;
use crate::swapchain::Host;

/// Which displays an application is to find.
enum Choice {
    /// The host's; without a host the driver's; without those the cards'.
    Best,
    /// None of ours.
    Nothing,
    /// Those that are meant.
    Screen(Spec),
}

/// What `ZEROHOP_DISPLAY` asks for; what it cannot mean is as if it were not there, and said.
fn choice(words: Option<&str>) -> Choice {
    match words {
        None | Some("auto") => Choice::Best,
        Some("none") => Choice::Nothing,
        Some(words) => screen(words).map(Choice::Screen).unwrap_or_else(|err| {
            log(Level::Warn, format_args!("no display that ZEROHOP_DISPLAY can mean: {err}"));
            Choice::Best
        }),
    }
}

/// The screen in words. The application's pictures have its size, and the CPU copies what it refuses.
fn screen(words: &str) -> Result<Spec, String> {
    let spec: Spec = words.parse().map_err(|err: SpecError| err.to_string())?;
    if spec.fill || spec.copy != Copier::Best {
        return Err(format!(
            "{words}: fit= and copy= are for zerohop run --to kms, leave them out"
        ));
    }
    Ok(spec)
}

impl InstanceState {
    /// The displays of `physical` that are ours. `None`: it has the driver's.
    ///
    /// With a host that has a display, that is the only one; a driver's stay hidden, as its
    /// windows do. Without a host the driver's come first, and then the screens of the machine's
    /// cards. `ZEROHOP_DISPLAY` may say otherwise. The first call may wait for the host's answer.
    pub(crate) fn displays(&self, physical: vk::PhysicalDevice) -> Option<Arc<Vec<Arc<Display>>>> {
        if let Some(known) = self.displays.of.get(&physical) {
            return Some(known);
        }
        let config = config::get();
        let host = || Host::get().display().iter().map(Display::of_host).collect();
        let ours: Vec<_> = match choice(config.display.as_deref()) {
            Choice::Nothing => Vec::new(),
            Choice::Screen(spec) => cards::displays(&spec),
            Choice::Best if config.socket.is_some() => host(),
            Choice::Best if self.has_below(physical) => Vec::new(),
            Choice::Best => cards::displays(&Spec::default()),
        };
        if ours.is_empty() && self.below.display.exists {
            return None;
        }
        self.displays.keep(physical, ours);
        self.displays.of.get(&physical)
    }

    /// Whether the driver has a display.
    fn has_below(&self, physical: vk::PhysicalDevice) -> bool {
        let below = &self.below.display;
        let mut count = 0;
        let query = below.khr.get_physical_device_display_properties_khr;
        // SAFETY: there are these commands; without an array only the count is written.
        below.exists
            && unsafe { query(physical, &raw mut count, std::ptr::null_mut()) }.result().is_ok()
            && count > 0
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
            drives: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_only_a_host_heeds_are_no_display() {
        assert_eq!(screen("/dev/dri/card0,copy=auto").unwrap().card, Some("/dev/dri/card0".into()));
        for odd in ["/dev/dri/card0,copy=gpu", "copy=cpu", "fit=fill"] {
            assert!(screen(odd).unwrap_err().contains("leave them out"), "{odd}");
            assert!(matches!(choice(Some(odd)), Choice::Best), "{odd}");
        }
    }
}
