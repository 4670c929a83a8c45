//! The comparison that is printed at the end.

use std::fmt::Write as _;
use std::fs;
use std::sync::{Mutex, PoisonError};

use crate::bench::Platform;
use crate::child::Ended;

/// How one case ended in every configuration.
pub(crate) struct Row {
    pub(crate) case: &'static str,
    pub(crate) platform: Platform,
    pub(crate) ended: Vec<Ended>,
}

/// Takes rows from any thread.
#[derive(Default)]
pub(crate) struct Table(Mutex<Vec<Row>>);

impl Table {
    pub(crate) fn add(&self, row: Row) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    }

    /// Prints the counts, and writes all of it to `conformance.md`.
    pub(crate) fn print(&self) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.sort_by_key(|row| (row.case, row.platform));
        let mut text = String::from(
            "| case | platform | driver | layer | \
             validation above | validation below |\n|---|---|---|---|---|---|\n",
        );
        for row in rows.iter() {
            let _ = write!(text, "| {} | {} |", row.case, row.platform);
            for ended in &row.ended {
                let _ = write!(text, " {} |", ended.to_string().replace(['\n', '|'], " "));
            }
            text.push('\n');
        }
        for (column, name) in
            ["driver alone", "layer", "validation above", "validation below"].iter().enumerate()
        {
            let ended = || rows.iter().filter_map(|row| row.ended.get(column));
            let count = |which: fn(&&Ended) -> bool| ended().filter(which).count();
            println!(
                "{name:16} {} passed, {} failed, {} not supported",
                count(|ended| matches!(ended, Ended::Passed)),
                count(|ended| matches!(ended, Ended::Failed(_))),
                count(|ended| matches!(ended, Ended::Unsupported(_))),
            );
        }
        let path = zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR")).join("conformance.md");
        match fs::write(&path, text) {
            Ok(()) => println!("case by case: {}", path.display()),
            Err(err) => println!("{}: {err}", path.display()),
        }
    }
}
