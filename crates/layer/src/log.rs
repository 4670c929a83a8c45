//! Lines for people, on standard error only, with the prefix `zerohop:`.

use std::fmt;
use std::io::Write as _;

use crate::config;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing at all.
    Off,
    /// A call failed.
    Error,
    /// A worse path starts to be used.
    Warn,
    /// Something began or ended.
    Info,
    /// Every oddity.
    Debug,
}

/// Writes one line, if the level asked for in the environment includes `level`.
pub fn log(level: Level, text: fmt::Arguments<'_>) {
    if level <= config::get().log {
        write(text);
    }
}

/// Writes one line, whatever the level.
pub(crate) fn write(text: fmt::Arguments<'_>) {
    // One write per line, so that threads do not mix. A closed stderr is nobody's problem.
    let _ = std::io::stderr().write_all(format!("zerohop: {text}\n").as_bytes());
}
