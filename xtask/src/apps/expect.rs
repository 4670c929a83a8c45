//! What the report of a run must say.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::report::Report;

/// A rectangle in pixels: left, top, width, height.
pub(crate) type Rect = [u64; 4];

/// What a run is to come to.
pub(crate) enum Expect {
    /// At least so many pictures.
    Presents(u64),
    /// Most pictures change inside this rectangle only.
    RegionWithin(Rect),
    /// Most pictures change nothing.
    Unchanged,
}

impl Expect {
    /// Compares it to what a run wrote.
    ///
    /// # Errors
    ///
    /// It came out otherwise.
    pub(super) fn check(&self, report: &Report, trace: &Path) -> Result<()> {
        let presented = report.number("/frames_presented")?;
        let encoded = report.number("/frames_encoded")?;
        let count = |name: &str| report.number(&format!("/verdicts/{name}"));
        let (unchanged, changed, region) =
            (count("unchanged")?, count("changed")?, count("region")?);
        println!(
            "{presented} presented, {encoded} encoded: {unchanged} unchanged, {changed} changed, \
             {region} region"
        );
        let judged = unchanged + changed + region;
        if encoded == 0 {
            bail!("nothing was encoded");
        }
        match self {
            Self::Presents(least) if presented < *least => bail!("fewer than {least} presents"),
            Self::Presents(_) => Ok(()),
            Self::Unchanged if unchanged * 4 < judged * 3 => {
                bail!("only {unchanged} of {judged} pictures are unchanged")
            }
            Self::Unchanged => Ok(()),
            Self::RegionWithin(_) if region * 2 < judged => {
                bail!("only {region} of {judged} pictures change in a region only")
            }
            Self::RegionWithin(rect) => regions_within(trace, *rect),
        }
    }
}

/// Looks at each region in the trace.
fn regions_within(trace: &Path, rect: Rect) -> Result<()> {
    let text = fs::read_to_string(trace).with_context(|| format!("read {}", trace.display()))?;
    let events: Vec<Value> = serde_json::from_str(&text).context("the trace is not JSON")?;
    let regions: Vec<Rect> = events.iter().filter_map(region).collect();
    let outside: Vec<&Rect> = regions.iter().filter(|one| !is_within(**one, rect)).collect();
    println!("{} regions, {} of them not within {rect:?}", regions.len(), outside.len());
    match outside.first() {
        // A second region may be seen while the page is still coming up.
        Some(one) if outside.len() * 2 > regions.len() => {
            bail!("the region {one:?} is not within {rect:?}")
        }
        _ if regions.is_empty() => bail!("the trace has no region"),
        _ => Ok(()),
    }
}

fn region(event: &Value) -> Option<Rect> {
    if event["name"] != "region" {
        return None;
    }
    let side = |name: &str| event["args"][name].as_u64();
    Some([side("x")?, side("y")?, side("width")?, side("height")?])
}

fn is_within([x, y, width, height]: Rect, [left, top, wide, high]: Rect) -> bool {
    x >= left && y >= top && x + width <= left + wide && y + height <= top + high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_may_touch_the_edges_but_not_cross_them() {
        assert!(is_within([8, 8, 4, 4], [8, 8, 4, 4]));
        assert!(!is_within([7, 8, 4, 4], [8, 8, 4, 4]));
        assert!(!is_within([8, 8, 4, 5], [8, 8, 4, 4]));
    }
}
