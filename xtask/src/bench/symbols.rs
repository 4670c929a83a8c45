//! What symbols take: time and bytes of a key picture and of one that is none.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Figures;
use super::passes::example;
use crate::{project, shell};

/// Sizes, by the names of their figures.
const SIZES: [(&str, &str); 2] = [("720p", "1280x720"), ("1080p", "1920x1080")];

/// The example `symbols`, with blocks of 16x16 and a step of 7.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let program = example("symbols")?;
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder).context("make target/bench")?;
    for (name, size) in SIZES {
        let json = folder.join(format!("symbols-{name}.json"));
        shell::run(Command::new(&program).arg(size).arg(&json))?;
        let text = fs::read_to_string(&json).context("read what symbols wrote")?;
        let rows: Vec<Value> = serde_json::from_str(&text).context("understand it")?;
        let usual = |row: &&Value| row["block"] == 16 && row["step"] == 7;
        for row in rows.iter().filter(usual) {
            let way = row["way"].as_str().unwrap_or_default().replace(' ', "_");
            for what in ["key_bytes", "key_ms", "delta_bytes", "delta_ms", "read_ms"] {
                let figure = row[what].as_f64().context("a number")?;
                figures.keep(&format!("symbols_{name}_{way}_{what}"), figure);
            }
            figures.say(format!(
                "symbols {name} {way}: a key {} bytes in {} ms, others {} bytes in {} ms",
                row["key_bytes"], row["key_ms"], row["delta_bytes"], row["delta_ms"]
            ));
        }
    }
    Ok(())
}
