//! How long each part took, as a table.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Parts done so far.
#[derive(Debug)]
pub(crate) struct Timing {
    begin: Instant,
    parts: Vec<(String, Duration)>,
}

impl Timing {
    /// Nothing done yet.
    pub(crate) fn new() -> Self {
        Self { begin: Instant::now(), parts: Vec::new() }
    }

    /// Does one part under a heading.
    ///
    /// # Errors
    ///
    /// The part's own, with its name.
    pub(crate) fn part<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n== {name}");
        let begin = Instant::now();
        let result = work().with_context(|| name.to_owned());
        self.parts.push((name.to_owned(), begin.elapsed()));
        result
    }

    /// Notes a part that was done elsewhere.
    pub(crate) fn add(&mut self, name: &str, took: Duration) {
        self.parts.push((name.to_owned(), took));
    }

    /// Prints the table, longest first.
    pub(crate) fn print(&mut self) {
        self.parts.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        println!("\n{:>8}  part", "seconds");
        for (name, took) in &self.parts {
            println!("{:>8.1}  {name}", took.as_secs_f64());
        }
        println!("{:>8.1}  in all", self.begin.elapsed().as_secs_f64());
    }
}
