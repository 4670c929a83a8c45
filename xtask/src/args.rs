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

    /// Takes `name`, and says whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|arg| arg != name);
        self.0.len() != before
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
    fn an_unknown_option_is_refused_by_name() {
        let err = args("--fast").end().unwrap_err();
        assert_eq!(err.to_string(), "no option \"--fast\" here");
    }
}
