//! What the house costs, against what one would use instead, on the same machine in the same run.
//!
//! Every figure is the median of repetitions that alternate with what it is compared to.

mod decode;
mod kms;
mod overhead;
mod passes;
mod present;
mod proof;
mod quality;
mod record;
mod recorders;
mod symbols;
mod venus;
mod ways;

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::args::Args;
use crate::setup::{self, Purpose};
use crate::{programs, tree};

/// Measures, and keeps what it found.
type Bench = fn(&mut Figures) -> Result<()>;

/// By their names on the command line.
const BENCHES: &[(&str, Bench)] = &[
    ("present", present::run),
    ("record", record::run),
    ("overhead", overhead::run),
    ("ways", ways::run),
    ("kms", kms::run),
    ("decode", decode::run),
    ("latency", proof::latency),
    ("density", proof::density),
    ("endurance", proof::endurance),
    ("passes", passes::run),
    ("symbols", symbols::run),
    ("venus", venus::run),
];

/// What was measured: the keys of `--json`, and the sentences about them.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    keys: Map<String, Value>,
    lines: Vec<String>,
}

impl Figures {
    /// Keeps a figure under `key`, rounded to what it is worth.
    fn keep(&mut self, key: &str, figure: f64) {
        let rounded = (figure * 1000.0).round() / 1000.0;
        self.keys.insert(key.to_owned(), Value::from(rounded));
    }

    /// A sentence for the end.
    fn say(&mut self, line: String) {
        println!("{line}");
        self.lines.push(line);
    }

    /// Keeps a ratio, and says whether it is within its limit.
    fn judge(&mut self, key: &str, figure: f64, limit: Limit) {
        self.keep(key, figure);
        let (good, bound) = match limit {
            Limit::AtLeast(least) => (figure >= least, format!("at least {least}")),
            Limit::AtMost(most) => (figure <= most, format!("at most {most}")),
        };
        let word = if good { "holds" } else { "MISSES" };
        self.say(format!("{key} = {figure:.3}, {word} its limit: {bound}"));
    }
}

/// What a figure is to be.
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// `cargo xtask bench [--json FILE] [NAMES]`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let json = args.value("--json")?;
    let names = args.rest()?;
    if let Some(name) = names.iter().find(|name| BENCHES.iter().all(|(one, _)| one != name)) {
        let known: Vec<_> = BENCHES.iter().map(|(name, _)| *name).collect();
        bail!("no bench {name:?}, but {}", known.join(", "));
    }
    tree::adopt_orphans()?;
    setup::ensure(&[Purpose::Build, Purpose::Bench])?;
    programs::zerohop()?;
    let mut figures = Figures::default();
    for (name, bench) in BENCHES {
        if names.is_empty() || names.iter().any(|one| one == name) {
            println!("\n== {name}");
            bench(&mut figures).with_context(|| format!("bench {name}"))?;
            tree::nothing_left(name)?;
        }
    }
    println!("\n== all figures");
    figures.lines.iter().for_each(|line| println!("{line}"));
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&figures.keys)? + "\n";
        fs::write(&file, text).with_context(|| format!("write {file}"))?;
        println!("\nwritten to {file}");
    }
    Ok(())
}

/// The middle one; of an even number, the mean of the two in the middle.
fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if count.is_multiple_of(2) => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
        count => sorted[count / 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
        assert!(median(&[]).is_nan());
    }
}
