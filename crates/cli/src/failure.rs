//! How zerohop says that it failed: one line with what, why and what to do, and an exit code.

use std::fmt;

/// zerohop itself failed, as in `env(1)` and `timeout(1)`.
pub(crate) const FAILED: u8 = 125;
/// The command was found and cannot be run.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// The command was not found.
pub(crate) const NOT_FOUND: u8 = 127;

/// zerohop could not do its part. `Display` is the line for the user, without the program's name.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    what: String,
    why: String,
    todo: String,
    code: u8,
}

impl Failure {
    /// `what` was tried, as in "cube.mp4"; it failed because of `why`; the user can do `todo`.
    pub(crate) fn new(
        what: impl Into<String>,
        why: impl fmt::Display,
        todo: impl Into<String>,
    ) -> Self {
        Self { what: what.into(), why: why.to_string(), todo: todo.into(), code: FAILED }
    }

    /// The same with another exit code than [`FAILED`].
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// The same, of which `more` is to be known, too.
    pub(crate) fn and(self, more: &str) -> Self {
        Self { todo: format!("{}; {more}", self.todo), ..self }
    }

    /// The reason.
    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// What the user can do.
    pub(crate) fn todo(&self) -> &str {
        &self.todo
    }

    /// The exit code of the process.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, why, todo, .. } = self;
        // One line, whatever a cause brought along.
        let line = format!("{what}: {why}: {todo}").replace('\n', " ");
        f.write_str(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_what_why_and_what_to_do() {
        let failure = Failure::new("cube.mp4", "no\nspace", "free some").with_code(NOT_FOUND);
        assert_eq!(
            (failure.to_string().as_str(), failure.code()),
            ("cube.mp4: no space: free some", 127)
        );
    }
}
