//! Cards that drive screens, for `--to kms`.

use std::fmt;
use std::path::Path;

use serde::Serialize;
use zerohop_kms::{Card, Connector};

use crate::{Check, Trouble};

/// A card, and what was tried on it.
#[derive(Clone, Debug, Serialize)]
pub struct CardReport {
    /// Its device file.
    pub path: String,
    /// Its driver.
    pub driver: String,
    /// Where screens are plugged in; none for a card that only renders.
    pub connectors: Vec<ConnectorReport>,
    /// What was tried on it. Nothing of it is needed for a recording.
    pub checks: Vec<Check>,
}

/// A connector of a card.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectorReport {
    /// As `--to kms:connector=` takes it.
    pub name: String,
    /// Whether a screen is plugged in.
    pub connected: bool,
    /// As `--to kms:mode=` takes them, the preferred one first.
    pub modes: Vec<String>,
}

impl CardReport {
    /// All cards of this machine.
    pub(crate) fn all() -> Vec<Self> {
        Card::list().iter().map(|path| Self::of(path)).collect()
    }

    fn of(path: &Path) -> Self {
        let name = path.display().to_string();
        let card = match Card::open(path) {
            Ok(card) => card,
            Err(err) => {
                let todo = "join the group `video`, or be root";
                let checks = vec![Check::useful("card", Err(Trouble::of(&err, todo)))];
                return Self { path: name, driver: String::new(), connectors: Vec::new(), checks };
            }
        };
        let driver = card.driver().to_owned();
        let connectors = card.connectors(false).unwrap_or_default();
        let connectors: Vec<_> = connectors.iter().map(ConnectorReport::of).collect();
        let shows = connectors.iter().any(|connector| connector.connected);
        let checks = if shows { checks(card) } else { Vec::new() };
        Self { path: name, driver, connectors, checks }
    }
}

impl ConnectorReport {
    fn of(connector: &Connector) -> Self {
        let mut modes: Vec<_> = connector.modes.iter().collect();
        modes.sort_by_key(|mode| !mode.is_preferred());
        let mut modes: Vec<_> = modes.into_iter().map(ToString::to_string).collect();
        modes.dedup();
        Self { name: connector.name.clone(), connected: connector.connected, modes }
    }
}

fn checks(card: Card) -> Vec<Check> {
    let found = card.abilities();
    let free = found.free.map(|()| "free to be driven".to_owned());
    let free = free.map_err(|err| Trouble::of(&err, "end it, or use another card"));
    let imports = found.imports.map(|()| "shown where it lies".to_owned());
    let imports = imports.map_err(|err| Trouble::of(&err, "pictures are copied, which is said"));
    let way = match found.atomic {
        true => "atomic, with fences",
        false => "the older calls: pictures fill the screen or are copied",
    };
    let pace = match found.vblanks {
        true => "its own vblanks",
        false => "the mode's rate, since it has no vblanks",
    };
    let mut formats: Vec<_> = found.formats.iter().map(|(fourcc, _)| fourcc.to_string()).collect();
    formats.sort();
    formats.dedup();
    vec![
        Check::useful("drive", free),
        Check::useful("foreign memory", imports),
        Check::useful("modesetting", Ok(way.to_owned())),
        Check::useful("pace", Ok(pace.to_owned())),
        Check::useful("formats", Ok(formats.join(" "))),
    ]
}

impl fmt::Display for CardReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\ncard {}: {}", self.path, self.driver)?;
        if self.connectors.is_empty() && self.checks.is_empty() {
            return writeln!(f, "     {:<18}none: it only renders", "connector");
        }
        for ConnectorReport { name, connected, modes } in &self.connectors {
            let state = if *connected { "" } else { " (no screen)" };
            let shown = modes.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
            let more = match modes.len().saturating_sub(4) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            writeln!(f, "     {:<18}{name}{state} {shown}{more}", "connector")?;
        }
        self.checks.iter().try_for_each(|check| writeln!(f, "{check}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_told_in_a_few_lines() {
        let modes = ["1024x768@60", "800x600@60", "640x480@60", "1x1@1", "2x2@2", "3x3@3"];
        let screen = ConnectorReport {
            name: "DP-1".into(),
            connected: true,
            modes: modes.map(String::from).into(),
        };
        let nothing = ConnectorReport { name: "DP-2".into(), connected: false, modes: vec![] };
        let why = Trouble::new("virtio_gpu imports no foreign memory", "it is copied");
        let card = CardReport {
            path: "/dev/dri/card0".into(),
            driver: "virtio_gpu".into(),
            connectors: vec![screen, nothing],
            checks: vec![Check::useful("foreign memory", Err(why))],
        };
        let text = card.to_string();
        assert!(text.contains("DP-1 1024x768@60, 800x600@60, 640x480@60, 1x1@1 and 2 more"));
        assert!(text.contains("DP-2 (no screen)"), "{text}");
        assert!(text.contains("no   foreign memory    virtio_gpu imports"), "{text}");
    }
}
