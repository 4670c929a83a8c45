//! A trace of `zerohop run --trace`, picture by picture.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// What happened to a picture, in microseconds of one clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Picture {
    /// When the application handed it over.
    presented: Option<f64>,
    /// When steps began that overlap with those of other pictures.
    began: BTreeMap<String, f64>,
    /// When each step was done with it.
    done: BTreeMap<String, f64>,
    /// How long each step took.
    took: BTreeMap<String, f64>,
}

impl Picture {
    /// From the application's present to the end of `step`.
    pub(crate) fn until(&self, step: &str) -> Option<f64> {
        Some(self.done.get(step)? - self.presented?)
    }

    /// Whether the application presented it in that time, on `CLOCK_MONOTONIC`.
    pub(crate) fn was_presented_in(&self, time: &Range<Duration>) -> bool {
        let micros = |at: Duration| at.as_secs_f64() * 1e6;
        self.presented.is_some_and(|at| (micros(time.start)..micros(time.end)).contains(&at))
    }

    /// How long `step` took.
    pub(crate) fn took(&self, step: &str) -> Option<f64> {
        self.took.get(step).copied()
    }
}

/// All pictures of a trace, oldest first.
///
/// # Errors
///
/// It cannot be read, or is no trace.
pub(crate) fn read(file: &Path) -> Result<Vec<Picture>> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let events: Vec<Value> =
        serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    Ok(pictures(&events).into_values().collect())
}

fn pictures(events: &[Value]) -> BTreeMap<u64, Picture> {
    let mut pictures: BTreeMap<u64, Picture> = BTreeMap::new();
    for event in events {
        let Some(sequence) = event["args"]["sequence"].as_u64() else { continue };
        let (Some(name), Some(at)) = (event["name"].as_str(), event["ts"].as_f64()) else {
            continue;
        };
        let picture = pictures.entry(sequence).or_default();
        match event["ph"].as_str() {
            Some("b") => {
                if name == "present_to_host" {
                    picture.presented = Some(at);
                }
                picture.began.insert(name.to_owned(), at);
            }
            Some("e") => {
                let took = picture.began.get(name).map_or(0.0, |begin| at - begin);
                picture.took.insert(name.to_owned(), took);
                picture.done.insert(name.to_owned(), at);
            }
            Some("X") => {
                let took = event["dur"].as_f64().unwrap_or(0.0);
                picture.took.insert(name.to_owned(), took);
                picture.done.insert(name.to_owned(), at + took);
            }
            Some("i") => {
                picture.done.insert(name.to_owned(), at);
            }
            _ => {}
        }
    }
    pictures
}

/// Pictures a second, by when they were handed over, of several traces while all of them ran. The first
/// `warm` of each do not count.
pub(crate) fn rate_together(traces: &[Vec<Picture>], warm: usize) -> Option<f64> {
    let times = |trace: &Vec<Picture>| -> Vec<f64> {
        trace.iter().filter_map(|picture| picture.presented).skip(warm).collect()
    };
    let all: Vec<Vec<f64>> = traces.iter().map(times).collect();
    let firsts = all.iter().filter_map(|one| one.iter().copied().reduce(f64::min));
    let lasts = all.iter().filter_map(|one| one.iter().copied().reduce(f64::max));
    let (begin, end) = (firsts.reduce(f64::max)?, lasts.reduce(f64::min)?);
    let count = all.iter().flatten().filter(|time| **time > begin && **time <= end).count();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = count as f64 * 1e6 / (end - begin);
    (end > begin).then_some(rate)
}

/// The number that `percent` of all are below. `NaN` of none.
pub(crate) fn percentile(numbers: &mut [f64], percent: usize) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let at = (numbers.len() * percent / 100).min(numbers.len().saturating_sub(1));
    numbers.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_picture_is_followed_from_its_present() {
        let args = json!({ "sequence": 3 });
        let events = [
            json!({ "name": "present_to_host", "ph": "b", "ts": 100, "args": args }),
            json!({ "name": "present_to_host", "ph": "e", "ts": 130, "args": args }),
            json!({ "name": "sent", "ph": "i", "ts": 120, "args": args }),
            json!({ "name": "classify", "ph": "X", "ts": 140, "dur": 20, "args": args }),
            json!({ "name": "present_to_cuda", "ph": "b", "ts": 100, "args": args }),
            json!({ "name": "present_to_cuda", "ph": "e", "ts": 145, "args": args }),
            json!({ "name": "process_name", "ph": "M", "args": { "name": "zerohop" } }),
        ];
        let pictures = pictures(&events);
        assert_eq!(pictures.len(), 1);
        assert_eq!(pictures[&3].until("classify"), Some(60.0));
        assert_eq!(pictures[&3].took("present_to_host"), Some(30.0));
        assert_eq!(pictures[&3].until("sent"), Some(20.0));
        assert_eq!(pictures[&3].until("present_to_cuda"), Some(45.0));
        assert_eq!(pictures[&3].until("convert"), None);
        let time = Duration::from_micros(100)..Duration::from_micros(101);
        assert!(pictures[&3].was_presented_in(&time));
        assert!(!pictures[&3].was_presented_in(&(time.end..time.end * 2)));
        let at = |presented| Picture { presented: Some(presented), ..Picture::default() };
        let (one, other) = (vec![at(0.0), at(500_000.0), at(1e6)], vec![at(0.0), at(5e5), at(2e6)]);
        assert_eq!(rate_together(std::slice::from_ref(&one), 0), Some(2.0));
        assert_eq!(rate_together(&[one.clone(), other], 0), Some(3.0), "the second that both ran");
        assert_eq!(rate_together(&[vec![at(0.0)]], 0), None);
        assert_eq!(rate_together(&[one], 1), Some(2.0), "the first one is not waited for");
    }

    #[test]
    fn percentiles_are_of_what_there_is() {
        let mut numbers = [3.0, 1.0, 2.0, 4.0];
        assert_eq!([0, 50, 99].map(|percent| percentile(&mut numbers, percent)), [1.0, 3.0, 4.0]);
        assert!(percentile(&mut [], 50).is_nan());
    }
}
