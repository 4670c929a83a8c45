//! Whose pictures a session takes, and what it means when that ends.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use rustix::process::{Signal, WaitStatus};

use crate::application;
use crate::failure::{FAILED, Failure};
use crate::pulse::Pulse;

/// The program that makes the pictures.
#[derive(Debug)]
pub(crate) enum Subject {
    /// An application, by its command line.
    Application(Vec<OsString>),
    /// Our decoder.
    Decoder {
        /// What it decodes.
        input: OsString,
        /// What it says on its standard error.
        log: PathBuf,
        /// Whether it runs.
        pulse: Pulse,
        /// Why we ended it, if we did.
        gone: Option<String>,
    },
}

impl Subject {
    /// The command line, or what is played.
    pub(crate) fn command(&self) -> Vec<String> {
        let words = match self {
            Self::Application(command) => &command[..],
            Self::Decoder { input, .. } => std::slice::from_ref(input),
        };
        words.iter().map(|one| one.to_string_lossy().into()).collect()
    }

    /// Whether it must be ended because it does not run any more.
    pub(crate) fn is_gone(&mut self) -> bool {
        let Self::Decoder { pulse, gone, .. } = self else { return false };
        if gone.is_none() {
            *gone = pulse.gone();
        }
        gone.is_some()
    }

    /// The exit code of ours when the program ended so by itself, and what is to be said.
    pub(crate) fn ended(&self, status: WaitStatus) -> (u8, Option<Failure>) {
        let Self::Decoder { input, log, gone, .. } = self else {
            return (application::code(status), None);
        };
        if let Some(why) = gone {
            let todo = "see what stopped it; what came before is kept";
            return (FAILED, Some(Failure::new(input.to_string_lossy(), why, todo)));
        }
        let said = fs::read_to_string(log).unwrap_or_default();
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        let say = |why: &str, todo| Some(Failure::new(input.to_string_lossy(), why, todo));
        match (status.exit_status(), status.terminating_signal()) {
            // It has a word about a file that has errors.
            (Some(0), _) => (0, last.and_then(|why| say(why, "what could be decoded was taken"))),
            // So it ends itself when it waits in vain, and says why.
            (_, Some(signal)) if signal == Signal::KILL.as_raw() && last.is_some() => {
                (FAILED, last.and_then(|why| say(why, "try zerohop probe")))
            }
            (_, Some(signal)) => {
                let why = format!("the decoder crashed with signal {signal}");
                (FAILED, say(&why, "what came before is kept; try --decode software"))
            }
            (code, None) => {
                let silent = format!("the decoder ended with code {}", code.unwrap_or(-1));
                (FAILED, say(last.unwrap_or(&silent), "try zerohop probe"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use std::process::Command;

    use rustix::process::{Pid, WaitOptions, waitpid};

    use super::*;

    /// How a shell ends that runs `script`.
    #[allow(clippy::zombie_processes, reason = "it is waited for by its number")]
    fn end_of(script: &str) -> WaitStatus {
        let child = Command::new("sh").args(["-c", script]).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap().1
    }

    #[test]
    fn a_decoder_that_ends_badly_is_explained_in_one_line() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let path = log.path().to_owned();
        let (pulse, _) = Pulse::new(std::time::Duration::ZERO).unwrap();
        let (input, log) = ("clip.mp4".into(), path.clone());
        let decoder = Subject::Decoder { input, log, pulse, gone: None };
        let told = |script: &str| {
            let (code, said) = decoder.ended(end_of(script));
            (code, said.map(|said| said.to_string()))
        };
        assert_eq!(told("exit 0"), (0, None));
        let (code, said) = told("exit 7");
        assert_eq!(
            (code, &*said.unwrap()),
            (125, "clip.mp4: the decoder ended with code 7: try zerohop probe")
        );
        let (code, said) = told("kill -SEGV $$");
        assert_eq!(code, 125);
        assert!(said.unwrap().contains("crashed with signal 11"));
        fs::write(&path, "first\nno such file\n").unwrap();
        assert!(told("exit 1").1.unwrap().starts_with("clip.mp4: no such file: "));
        assert!(told("exit 0").1.unwrap().contains("what could be decoded"));
    }
}
