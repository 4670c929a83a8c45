//! The steps, in the order in which they run: what decides first comes first.

mod decode;
mod density;
mod dmabuf;
mod doctor;
mod encoders;
mod endurance;
mod harm;
mod latency;
mod passes;
mod pictures;
mod programs;
mod still;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::kit::Kit;

/// One part of the proof. It tells its rows as it finds them.
#[derive(Debug)]
pub(crate) struct Step {
    /// On the command line and in the table.
    pub(crate) name: &'static str,
    /// What it does, in a sentence.
    pub(crate) what: &'static str,
    /// How long it may take.
    pub(crate) limit: Duration,
    /// Does it.
    pub(crate) run: fn(&Kit) -> Result<()>,
}

/// All of them.
static STEPS: &[Step] = &[
    Step {
        name: "doctor",
        what: "what this machine can do, as zerohop sees it",
        limit: Duration::from_secs(20),
        run: doctor::run,
    },
    Step {
        name: "matrix",
        what: "every format in every kind of memory, by everybody who reads it",
        limit: Duration::from_secs(40),
        run: doctor::matrix,
    },
    Step {
        name: "pictures",
        what: "numbered pictures and vkcube at three sizes, compared where CUDA reads them",
        limit: Duration::from_secs(90),
        run: pictures::run,
    },
    Step {
        name: "latency",
        what: "from a present until CUDA has the picture, against copies of it",
        limit: Duration::from_secs(50),
        run: latency::run,
    },
    Step {
        name: "passes",
        what: "classification and conversion by the GPU's clock, against a copy of as many bytes",
        limit: Duration::from_secs(60),
        run: passes::run,
    },
    Step {
        name: "still",
        what: "what a picture in which nothing changed costs the host's CPU, and the application's",
        limit: Duration::from_secs(60),
        run: still::run,
    },
    Step {
        name: "encoders",
        what: "the best encoder that opens, and why no better one",
        limit: Duration::from_secs(30),
        run: encoders::run,
    },
    Step {
        name: "harm",
        what: "applications and hosts killed, devices lost",
        limit: Duration::from_secs(45),
        run: harm::run,
    },
    Step {
        name: "dmabuf",
        what: "recordings through our dma-bufs, where the driver has none",
        limit: Duration::from_secs(30),
        run: dmabuf::run,
    },
    Step {
        name: "decode",
        what: "films decoded into luma and diff, against the same through the CPU",
        limit: Duration::from_secs(100),
        run: decode::run,
    },
    Step {
        name: "density",
        what: "how many applications at 60 Hz the machine carries, and what limits it",
        limit: Duration::from_secs(130),
        run: density::run,
    },
    Step {
        name: "endurance",
        what: "100,000 pictures with resizes, and what grew",
        limit: Duration::from_secs(110),
        run: endurance::run,
    },
    Step {
        name: "tests",
        what: "the test programs that are packed, but the conformance tests",
        limit: Duration::from_secs(180),
        run: programs::run,
    },
    Step {
        name: "conformance",
        what: "the conformance tests of the layer that have a device",
        limit: Duration::from_secs(180),
        run: programs::conformance,
    },
];

/// Those called `names`, in the order of the table; all when there are no names.
///
/// # Errors
///
/// There is none of such a name.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<&'static Step>> {
    names.iter().try_for_each(|name| named(name).map(drop))?;
    let asked = |step: &&Step| names.is_empty() || names.iter().any(|name| *name == step.name);
    Ok(STEPS.iter().filter(asked).collect())
}

/// The one called `name`.
///
/// # Errors
///
/// There is none; those that there are.
pub(crate) fn named(name: &str) -> Result<&'static Step> {
    let known = || STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    let found = STEPS.iter().find(|step| step.name == name);
    found.with_context(|| format!("no step {name:?}, but {}", known()))
}

/// Where the step called `name` stands in the table.
pub(crate) fn place(name: &str) -> usize {
    STEPS.iter().position(|step| step.name == name).unwrap_or(STEPS.len())
}

/// The steps, for `--help`.
pub(crate) fn help() -> String {
    let line =
        |step: &Step| format!("  {:<11} {} ({} s)", step.name, step.what, step.limit.as_secs());
    let lines: Vec<_> = STEPS.iter().map(line).collect();
    format!("Steps, each with the most that it may take:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_step_is_answered_with_all_there_are() {
        let err = chosen(&["cube".to_owned()]).unwrap_err().to_string();
        assert!(STEPS.iter().all(|step| err.contains(step.name)), "{err}");
        assert_eq!(chosen(&["harm".to_owned()]).unwrap().len(), 1);
        assert_eq!(chosen(&[]).unwrap().len(), STEPS.len());
    }
}
