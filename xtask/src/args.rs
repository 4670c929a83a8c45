//! The words after `cargo xtask`.

use anyhow::{Result, bail};

/// Words that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Args(Vec<String>);

impl Args {
    /// Those of this process.
    pub(crate) fn from_env() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Takes the first word, unless it is an option other than `--help`.
    pub(crate) fn word(&mut self) -> Option<String> {
        let first = self.0.first()?;
        let option = first.starts_with('-') && !matches!(first.as_str(), "--help" | "-h");
        (!option).then(|| self.0.remove(0))
    }

    /// Whether help is asked for, by a word of ours.
    pub(crate) fn help(&self) -> bool {
        let ours = self.0.iter().take_while(|word| *word != "--");
        ours.into_iter().any(|word| matches!(word.as_str(), "--help" | "-h"))
    }

    /// Takes `name`, and says whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|arg| arg != name);
        self.0.len() != before
    }

    /// Takes `name VALUE` or `name=VALUE`.
    ///
    /// # Errors
    ///
    /// The value is missing.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>> {
        for at in 0..self.0.len() {
            if self.0[at] == name {
                if at + 1 == self.0.len() {
                    bail!("{name} needs a value");
                }
                self.0.remove(at);
                return Ok(Some(self.0.remove(at)));
            }
            let value = self.0[at].strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
            if let Some(value) = value.map(str::to_owned) {
                self.0.remove(at);
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Takes the words after `--`: a command with its own options.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn command(&mut self) -> Result<Vec<String>> {
        let at = self.0.iter().position(|arg| arg == "--");
        let words = at.map(|at| self.0.split_off(at)).unwrap_or_default();
        match words.get(1..) {
            Some(command) if !command.is_empty() => Ok(command.to_vec()),
            _ => bail!("say what to run, after --"),
        }
    }

    /// Takes all words that are left.
    ///
    /// # Errors
    ///
    /// One of them is an option, which nobody knew.
    pub(crate) fn rest(&mut self) -> Result<Vec<String>> {
        match self.0.iter().find(|arg| arg.starts_with('-')) {
            Some(option) => bail!("no option {option:?} here"),
            None => Ok(std::mem::take(&mut self.0)),
        }
    }

    /// Nothing may be left.
    ///
    /// # Errors
    ///
    /// Something is.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.rest()?.first() {
            Some(word) => bail!("{word:?} means nothing here"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &str) -> Args {
        Args(words.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn options_are_found_wherever_they_stand() {
        let mut args = args("bench present --json out.json record --rounds=3");
        assert_eq!(args.word().as_deref(), Some("bench"));
        assert_eq!(args.value("--json").unwrap().as_deref(), Some("out.json"));
        assert_eq!(args.value("--rounds").unwrap().as_deref(), Some("3"));
        assert_eq!(args.rest().unwrap(), ["present", "record"]);
    }

    #[test]
    fn what_stands_after_two_dashes_is_left_alone() {
        let mut args = args("--timeout 5 -- ls --help -- x");
        assert!(!args.help());
        assert_eq!(args.command().unwrap(), ["ls", "--help", "--", "x"]);
        assert_eq!(args.value("--timeout").unwrap().as_deref(), Some("5"));
        args.end().unwrap();
    }

    #[test]
    fn an_unknown_option_is_refused_by_name() {
        let err = args("--fast").end().unwrap_err();
        assert_eq!(err.to_string(), "no option \"--fast\" here");
        let err = args("--json").value("--json").unwrap_err();
        assert_eq!(err.to_string(), "--json needs a value");
    }
}
