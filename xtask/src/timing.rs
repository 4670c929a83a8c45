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

    /// Prints the table, longest first; what took less than half a second shares a line.
    pub(crate) fn print(&mut self) {
        self.parts.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        println!("\n{:>8}  part", "seconds");
        let line = |name: &str, took: Duration| println!("{:>8.1}  {name}", took.as_secs_f64());
        let long = self.parts.partition_point(|(_, took)| *took >= Duration::from_millis(500));
        self.parts[..long].iter().for_each(|(name, took)| line(name, *took));
        let short = &self.parts[long..];
        if !short.is_empty() {
            line(&format!("{} short ones", short.len()), short.iter().map(|(_, took)| took).sum());
        }
        println!("{:>8.1}  in all", self.begin.elapsed().as_secs_f64());
    }
}
