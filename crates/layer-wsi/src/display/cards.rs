//! The screens of this machine's graphics cards, as displays.

use std::ffi::CString;
use std::sync::Arc;

use ash::vk;
use zerohop_kms::{Card, Connector, ModeSpec, Spec};
use zerohop_layer::{Level, chain_line, log};

use super::{Display, Mode};

/// The connected screens that `spec` leaves over, or all. A card that cannot be opened has none.
pub(super) fn displays(spec: &Spec) -> Vec<Arc<Display>> {
    let cards = spec.card.clone().map_or_else(Card::list, |card| vec![card]);
    let mut all = Vec::new();
    for path in cards {
        let found = Card::open(&path).and_then(|card| Ok((card.connectors(true)?, card)));
        match found {
            Ok((connectors, card)) => {
                let wanted = |one: &&Connector| is_wanted(one, spec);
                let name = |one: &Connector| format!("{} {}", card.driver(), one.name);
                let here = Spec { card: Some(path), ..spec.clone() };
                let shown = connectors.iter().filter(wanted);
                let shown = shown.map(|one| Display::of_screen(name(one), one, &here));
                all.extend(shown.filter(|display| !display.modes.is_empty()));
            }
            // One that only renders, or one that is not for us.
            Err(err) => log(Level::Info, format_args!("no display: {}", chain_line(&err))),
        }
    }
    all
}

fn is_wanted(connector: &Connector, spec: &Spec) -> bool {
    let named = |name: &String| connector.name.eq_ignore_ascii_case(name);
    connector.connected && !connector.modes.is_empty() && spec.connector.as_ref().is_none_or(named)
}

impl Display {
    fn of_screen(name: String, connector: &Connector, card: &Spec) -> Arc<Self> {
        let mut modes: Vec<Arc<Mode>> = Vec::new();
        let preferred = |mode: &&zerohop_kms::Mode| !mode.is_preferred();
        let mut listed: Vec<_> = connector.modes.iter().collect();
        listed.sort_by_key(preferred);
        for mode in listed {
            let parameters = parameters(mode);
            let known = modes.iter().any(|known| known.is(parameters));
            if parameters.refresh_rate == 0 || known || !is_meant(parameters, card.mode) {
                continue;
            }
            let hertz = Some(f64::from(parameters.refresh_rate) / 1000.0);
            let wanted = ModeSpec { extent: mode.extent(), hertz };
            let drives = Spec {
                connector: Some(connector.name.clone()),
                mode: Some(wanted),
                ..card.clone()
            };
            let screen = name.clone();
            modes.push(Arc::new(Mode { screen, parameters, drives: Some(drives) }));
        }
        let [width, height] = connector.size_mm;
        let size_mm = vk::Extent2D { width, height };
        Arc::new(Self { name: CString::new(name).unwrap_or_default(), size_mm, modes })
    }
}

/// Whether `spec` leaves the mode over.
fn is_meant(parameters: vk::DisplayModeParametersKHR, spec: Option<ModeSpec>) -> bool {
    let Some(ModeSpec { extent, hertz }) = spec else { return true };
    let here = parameters.visible_region;
    let off = |hertz: f64| (f64::from(parameters.refresh_rate) / 1000.0 - hertz).abs();
    (here.width, here.height) == (extent.width, extent.height)
        && hertz.is_none_or(|hertz| off(hertz) < 1.0)
}

fn parameters(mode: &zerohop_kms::Mode) -> vk::DisplayModeParametersKHR {
    let (extent, refresh_rate) = (mode.extent(), mode.millihertz());
    let visible_region = vk::Extent2D { width: extent.width, height: extent.height };
    vk::DisplayModeParametersKHR { visible_region, refresh_rate }
}

#[cfg(test)]
mod tests {
    use zerohop_frame::Extent;

    use super::*;

    #[test]
    fn a_mode_in_words_means_the_near_ones_of_its_size() {
        let here = vk::DisplayModeParametersKHR {
            visible_region: vk::Extent2D { width: 640, height: 480 },
            refresh_rate: 59_940,
        };
        let meant = |width, hertz| {
            is_meant(here, Some(ModeSpec { extent: Extent { width, height: 480 }, hertz }))
        };
        assert!(is_meant(here, None) && meant(640, None) && meant(640, Some(60.0)));
        assert!(!meant(641, None) && !meant(640, Some(75.0)));
    }
}
