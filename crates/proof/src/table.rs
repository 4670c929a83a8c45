//! The table that everything ends in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::row::{Row, Target, Verdict};
use crate::steps;

/// A row, and the step that it comes from.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// The step's name.
    pub(crate) step: &'static str,
    /// What the step said.
    #[serde(flatten)]
    pub(crate) row: Row,
    /// Copied from the row, for those who count.
    #[serde(skip)]
    pub(crate) verdict: Verdict,
}

impl Line {
    /// A row of that step.
    pub(crate) fn of(step: &'static str, row: Row) -> Self {
        let verdict = row.verdict;
        Self { step, row, verdict }
    }
}

/// A line as it was written.
#[derive(Deserialize)]
struct Written {
    step: String,
    #[serde(flatten)]
    row: Row,
}

/// All lines of tables that were written, the last one's of each step.
///
/// # Errors
///
/// A file cannot be read, is no table, or knows a step that there is none of.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Line>> {
    files.iter().try_fold(Vec::new(), |before, file| Ok(merged(before, read_one(file)?)))
}

fn read_one(file: &Path) -> Result<Vec<Line>> {
    let about = || format!("the table {}", file.display());
    let text = fs::read_to_string(file).with_context(about)?;
    let written: Vec<Written> = serde_json::from_str(&text).with_context(about)?;
    let line = |Written { step, row }| Ok(Line::of(steps::named(&step)?.name, row));
    written.into_iter().map(line).collect::<Result<_>>().with_context(about)
}

/// Both, in the order of the steps; of a step that is in both, the later lines.
pub(crate) fn merged(earlier: Vec<Line>, later: Vec<Line>) -> Vec<Line> {
    let again = |line: &Line| later.iter().any(|other| other.step == line.step);
    let mut all: Vec<_> = earlier.into_iter().filter(|line| !again(line)).collect();
    all.extend(later);
    all.sort_by_key(|line| steps::place(line.step));
    all
}

/// Prints all of it.
pub(crate) fn print(lines: &[Line]) {
    let wide = lines.iter().map(|line| line.row.name.len()).max().unwrap_or(0).max(4);
    println!(
        "\n{:<11} {:<wide$} {:<7} {:>12} {:>12} {:>7}  note",
        "step", "name", "result", "number", "target", "ratio"
    );
    for Line { step, row, .. } in lines {
        let ratio = row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        println!(
            "{step:<11} {:<wide$} {:<7} {:>12} {:>12} {ratio:>7}  {}",
            row.name,
            row.verdict.word(),
            row.number.map(|number| with_unit(number, &row.unit)).unwrap_or_default(),
            row.target.map(|target| bound(target, &row.unit)).unwrap_or_default(),
            row.note
        );
    }
    println!("\n{}", summary(lines));
}

/// How many of each verdict.
fn summary(lines: &[Line]) -> String {
    let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    format!(
        "{} hold, {} miss their target, {} fail, {} could not be tried, {} only measured",
        count(Verdict::Holds),
        count(Verdict::Misses),
        count(Verdict::Fails),
        count(Verdict::Absent),
        count(Verdict::Measured)
    )
}

fn bound(target: Target, unit: &str) -> String {
    match target {
        Target::AtMost(most) => format!("<= {}", with_unit(most, unit)),
        Target::AtLeast(least) => format!(">= {}", with_unit(least, unit)),
    }
}

/// Three digits that matter, or all of a whole number.
fn with_unit(number: f64, unit: &str) -> String {
    let digits = match number.abs() {
        _ if number.fract() == 0.0 => 0,
        small if small < 1.0 => 3,
        small if small < 10.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    let space = if unit.is_empty() { "" } else { " " };
    format!("{number:.digits$}{space}{unit}")
}

/// Writes all of it as a JSON array.
///
/// # Errors
///
/// The file cannot be written.
pub(crate) fn write(lines: &[Line], file: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(lines)? + "\n";
    fs::write(file, text).with_context(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_they_are_worth() {
        let shown = [60.0, 0.1234, 1.234, 12.34, 1234.5].map(|number| with_unit(number, "us"));
        assert_eq!(shown, ["60 us", "0.123 us", "1.23 us", "12.3 us", "1234 us"]);
        assert_eq!(bound(Target::AtLeast(4.0), ""), ">= 4");
    }

    #[test]
    fn a_step_that_is_run_again_replaces_its_rows_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("table.json");
        let judged = Row::judged("x", 2.0, "us", Target::AtMost(1.0)).note("n");
        let first = [Line::of("doctor", judged), Line::of("harm", Row::fails("y", "it died"))];
        write(&first, &file).unwrap();
        let again =
            vec![Line::of("harm", Row::holds("y", "")), Line::of("still", Row::holds("z", ""))];
        let all = merged(read(std::slice::from_ref(&file)).unwrap(), again);
        let told: Vec<_> = all.iter().map(|one| (one.step, one.verdict)).collect();
        let (misses, holds) = (Verdict::Misses, Verdict::Holds);
        assert_eq!(told, [("doctor", misses), ("still", holds), ("harm", holds)]);
        assert_eq!(all[0].row, first[0].row);
        fs::write(&file, r#"[{"step":"cube"}]"#).unwrap();
        assert!(read(&[file]).is_err());
    }

    #[test]
    fn the_last_line_counts() {
        let lines = [
            Line::of("a", Row::holds("x", "")),
            Line::of("a", Row::absent("y", "no GPU")),
            Line::of("b", Row::fails("z", "it died")),
        ];
        let text = summary(&lines);
        assert!(text.starts_with("1 hold, 0 miss their target, 1 fail, 1 could not"), "{text}");
    }
}
