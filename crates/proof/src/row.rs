//! A line of the table.

use serde::{Deserialize, Serialize};

/// One thing that was tried or measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What, as in "pattern 3840x2160".
    pub(crate) name: String,
    /// What came of it.
    pub(crate) verdict: Verdict,
    /// What was measured, in `unit`.
    pub(crate) number: Option<f64>,
    /// The number's unit, as in "us"; empty for a count.
    pub(crate) unit: String,
    /// What the number is to be.
    pub(crate) target: Option<Target>,
    /// The number by the target's bound: below 1 is better for `AtMost`, above 1 for `AtLeast`.
    pub(crate) ratio: Option<f64>,
    /// What else is to be said; the reason of a failure.
    pub(crate) note: String,
}

/// What came of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It holds, or the number is within its target.
    Holds,
    /// A number without a target.
    Measured,
    /// The number is beyond its target.
    Misses,
    /// It went wrong.
    Fails,
    /// The machine lacks what it needs.
    Absent,
}

/// A bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// The number is to be no larger.
    AtMost(f64),
    /// The number is to be no smaller.
    AtLeast(f64),
}

impl Verdict {
    /// Whether somebody must look at it.
    pub(crate) fn is_bad(self) -> bool {
        matches!(self, Self::Misses | Self::Fails)
    }

    /// As the table shows it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Measured => "-",
            Self::Misses => "MISSES",
            Self::Fails => "FAILS",
            Self::Absent => "absent",
        }
    }
}

impl Row {
    fn new(name: &str, verdict: Verdict, note: String) -> Self {
        let (number, unit, target, ratio) = (None, String::new(), None, None);
        Self { name: name.to_owned(), verdict, number, unit, target, ratio, note }
    }

    /// Something that holds.
    pub(crate) fn holds(name: &str, note: impl Into<String>) -> Self {
        Self::new(name, Verdict::Holds, note.into())
    }

    /// Something that went wrong, and why.
    pub(crate) fn fails(name: &str, why: impl Into<String>) -> Self {
        Self::new(name, Verdict::Fails, why.into())
    }

    /// Something that this machine has no way to try, and why.
    pub(crate) fn absent(name: &str, why: impl Into<String>) -> Self {
        Self::new(name, Verdict::Absent, why.into())
    }

    /// A number that nothing is asked of.
    pub(crate) fn measured(name: &str, number: f64, unit: &str) -> Self {
        let row = Self::new(name, Verdict::Measured, String::new());
        Self { number: Some(number), unit: unit.to_owned(), ..row }
    }

    /// A number, and what it is to be.
    pub(crate) fn judged(name: &str, number: f64, unit: &str, target: Target) -> Self {
        let (good, bound) = match target {
            Target::AtMost(most) => (number <= most, most),
            Target::AtLeast(least) => (number >= least, least),
        };
        let verdict = if good { Verdict::Holds } else { Verdict::Misses };
        let ratio = (bound != 0.0).then(|| number / bound);
        let row = Self::measured(name, number, unit);
        Self { verdict, target: Some(target), ratio, ..row }
    }

    /// With something to say about it.
    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Hands it to whoever runs this step.
    pub(crate) fn tell(self) {
        // A row is made of strings and numbers: it can always be written.
        println!("{}", serde_json::to_string(&self).unwrap_or_default());
    }

    /// What was handed over in a line; `None` for another line.
    pub(crate) fn heard(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_judged_by_its_bound() {
        let row = Row::judged("a", 30.0, "us", Target::AtMost(60.0));
        assert_eq!((row.verdict, row.ratio), (Verdict::Holds, Some(0.5)));
        let row = Row::judged("a", 3.0, "", Target::AtLeast(4.0));
        assert_eq!((row.verdict, row.ratio), (Verdict::Misses, Some(0.75)));
        let row = Row::judged("a", 0.0, "B", Target::AtMost(0.0));
        assert_eq!((row.verdict, row.ratio), (Verdict::Holds, None));
    }

    #[test]
    fn a_row_survives_the_way_to_whoever_runs_the_step() {
        let row = Row::judged("a", 30.5, "us", Target::AtMost(60.0)).note("b");
        let line = serde_json::to_string(&row).unwrap();
        assert_eq!(Row::heard(&line), Some(row));
        assert_eq!(Row::heard("something else"), None);
    }
}
