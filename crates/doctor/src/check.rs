//! One thing that was tried.

use std::error::Error;
use std::fmt;

use serde::Serialize;
use zerohop_frame::with_causes;

/// What was tried, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What, as in "handover".
    pub what: String,
    /// Whether it works.
    pub ok: bool,
    /// Whether a recording needs it.
    pub required: bool,
    /// What was found; the reason when it does not work.
    pub found: String,
    /// What to do when it does not work.
    pub todo: Option<String>,
}

/// Why something does not work, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The reason.
    pub why: String,
    /// What the user can do.
    pub todo: String,
}

/// So many of a thing, as in "1 device".
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

impl Trouble {
    /// Both as text.
    pub fn new(why: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { why: why.into(), todo: todo.into() }
    }

    /// `err` with its causes.
    pub(crate) fn of(err: &(dyn Error + 'static), todo: &str) -> Self {
        Self::new(with_causes(err), todo)
    }
}

impl Check {
    /// Something that a recording needs.
    pub fn required(what: &str, tried: Result<String, Trouble>) -> Self {
        Self::new(what, true, tried)
    }

    /// Something that makes a recording better.
    pub fn useful(what: &str, tried: Result<String, Trouble>) -> Self {
        Self::new(what, false, tried)
    }

    fn new(what: &str, required: bool, tried: Result<String, Trouble>) -> Self {
        let what = what.to_owned();
        match tried {
            Ok(found) => Self { what, ok: true, required, found, todo: None },
            Err(Trouble { why, todo }) => {
                Self { what, ok: false, required, found: why, todo: Some(todo) }
            }
        }
    }

    /// Whether it stands in the way of a recording.
    pub fn blocks(&self) -> bool {
        self.required && !self.ok
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match (self.ok, self.required) {
            (true, _) => "yes",
            (false, true) => "NO",
            (false, false) => "no",
        };
        write!(f, "{sign:<5}{:<18}{}", self.what, self.found)?;
        match &self.todo {
            Some(todo) => write!(f, "\n{:25}-> {todo}", ""),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_says_why_and_what_to_do() {
        let check = Check::required("loader", Err(Trouble::new("not found", "install it")));
        assert!(check.blocks());
        let text = check.to_string();
        assert!(text.starts_with("NO   loader            not found\n"), "{text}");
        assert!(text.ends_with("-> install it"), "{text}");
        assert!(!Check::useful("x", Err(Trouble::new("a", "b"))).blocks());
    }
}
