//! Which connector, mode and CRTC a [`Spec`] means.

use crate::{Connector, Error, Mode, ModeSpec, Spec};

/// What is driven.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) connector: Connector,
    pub(crate) crtc: u32,
    pub(crate) mode: Mode,
}

/// Chooses among the connectors of the card at `card`.
///
/// # Errors
///
/// [`Error::NotThere`] for what the user named, [`Error::NoScreen`] else; both list what there is.
pub(crate) fn choose(card: &str, connectors: &[Connector], spec: &Spec) -> Result<Choice, Error> {
    let connector = connector(card, connectors, spec)?;
    let mode = mode(connector, spec.mode)?;
    let crtc = crtc(connectors, connector).ok_or_else(|| {
        Error::NoScreen(format!("all CRTCs of {card} drive other screens than {}", connector.name))
    })?;
    Ok(Choice { connector: connector.clone(), crtc, mode })
}

fn connector<'a>(
    card: &str,
    connectors: &'a [Connector],
    spec: &Spec,
) -> Result<&'a Connector, Error> {
    if let Some(name) = &spec.connector {
        let found = connectors.iter().find(|one| one.name.eq_ignore_ascii_case(name));
        return match found {
            None => {
                let there = list(connectors);
                Err(Error::NotThere(format!("{card} has no connector {name}: it has {there}")))
            }
            Some(one) if one.connected && !one.modes.is_empty() => Ok(one),
            Some(_) => Err(Error::NotThere(format!("no screen is plugged into {name} of {card}"))),
        };
    }
    let usable = |one: &&Connector| one.connected && !one.modes.is_empty();
    connectors.iter().find(usable).ok_or_else(|| {
        Error::NoScreen(match connectors {
            [] => format!("{card} has no connector"),
            _ => format!("nothing is plugged into {card}: it has {}", list(connectors)),
        })
    })
}

fn list(connectors: &[Connector]) -> String {
    let state = |one: &Connector| match one.connected {
        true => format!("{} (connected)", one.name),
        false => one.name.clone(),
    };
    match connectors {
        [] => "none".to_owned(),
        _ => connectors.iter().map(state).collect::<Vec<_>>().join(", "),
    }
}

/// The mode of `connector` that `spec` means.
pub(crate) fn mode(connector: &Connector, spec: Option<ModeSpec>) -> Result<Mode, Error> {
    let modes = &connector.modes;
    let found = match spec {
        None => modes.iter().find(|mode| mode.is_preferred()).or(modes.first()),
        Some(ModeSpec { extent, hertz }) => {
            let sized = modes.iter().filter(|mode| mode.extent() == extent);
            match hertz {
                None => sized.max_by_key(|mode| mode.millihertz()),
                Some(hertz) => {
                    let off = |mode: &&Mode| (f64::from(mode.millihertz()) / 1000.0 - hertz).abs();
                    let near = sized.filter(|mode| off(mode) < 1.0);
                    near.min_by(|a, b| off(a).total_cmp(&off(b)))
                }
            }
        }
    };
    found.copied().ok_or_else(|| {
        let there: Vec<_> = modes.iter().map(ToString::to_string).collect();
        let (name, there) = (&connector.name, there.join(", "));
        let asked = spec.map_or_else(String::new, |spec| spec.to_string());
        Error::NotThere(format!("{name} has no mode {asked}: it has {there}"))
    })
}

/// The CRTC to drive `wanted` with: the one that does already, else one that nobody uses.
fn crtc(connectors: &[Connector], wanted: &Connector) -> Option<u32> {
    let others = connectors.iter().filter(|one| one.id != wanted.id);
    let used: Vec<_> = others.filter_map(|one| one.crtc).collect();
    let free = wanted.crtcs.iter().copied().find(|crtc| !used.contains(crtc));
    wanted.crtc.filter(|crtc| wanted.crtcs.contains(crtc) && !used.contains(crtc)).or(free)
}

impl std::fmt::Display for ModeSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.extent.width, self.extent.height)?;
        self.hertz.map_or(Ok(()), |hertz| write!(f, "@{hertz}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::tests::mode as make;

    fn connectors() -> Vec<Connector> {
        let modes = vec![
            make(640, 480, 60, false),
            make(1280, 720, 60, true),
            make(1280, 720, 120, false),
            make(1280, 720, 50, false),
        ];
        let hdmi = Connector {
            id: 1,
            name: "HDMI-A-1".into(),
            connected: false,
            modes: vec![],
            size_mm: [0; 2],
            crtc: Some(10),
            crtcs: vec![10, 11],
        };
        let dp = Connector { id: 2, name: "DP-1".into(), connected: true, modes, ..hdmi.clone() };
        vec![hdmi, Connector { crtc: None, ..dp }]
    }

    fn chosen(spec: &str) -> Result<String, String> {
        let choice = choose("card0", &connectors(), &spec.parse().unwrap());
        let said =
            |choice: Choice| format!("{} {} {}", choice.connector.name, choice.mode, choice.crtc);
        choice.map(said).map_err(|err| err.to_string())
    }

    #[test]
    fn the_first_screen_with_its_preferred_mode_is_taken() {
        assert_eq!(chosen("").unwrap(), "DP-1 1280x720@60 11", "10 drives another");
        assert_eq!(chosen("connector=dp-1,mode=1280x720").unwrap(), "DP-1 1280x720@120 11");
        assert_eq!(chosen("mode=1280x720@49.9").unwrap(), "DP-1 1280x720@50 11");
    }

    #[test]
    fn what_is_not_there_is_answered_with_what_is() {
        let err = chosen("connector=DP-9").unwrap_err();
        assert_eq!(err, "card0 has no connector DP-9: it has HDMI-A-1, DP-1 (connected)");
        let err = chosen("mode=1280x720@75").unwrap_err();
        assert!(err.starts_with("DP-1 has no mode 1280x720@75: it has 640x480@60, 1280"), "{err}");
        let err = chosen("connector=HDMI-A-1").unwrap_err();
        assert_eq!(err, "no screen is plugged into HDMI-A-1 of card0");
    }

    #[test]
    fn a_card_without_a_screen_is_none() {
        let err = choose("card0", &[], &Spec::default()).unwrap_err();
        assert_eq!(err.to_string(), "no screen: card0 has no connector");
        let mut all = connectors();
        all[1].connected = false;
        let err = choose("card0", &all, &Spec::default()).unwrap_err().to_string();
        assert_eq!(err, "no screen: nothing is plugged into card0: it has HDMI-A-1, DP-1");
    }

    #[test]
    fn a_crtc_that_drives_another_screen_is_left_alone() {
        let mut all = connectors();
        all[1].crtcs = vec![10];
        let err = choose("card0", &all, &Spec::default()).unwrap_err().to_string();
        assert_eq!(err, "no screen: all CRTCs of card0 drive other screens than DP-1");
    }
}
