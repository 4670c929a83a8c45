//! The films of a session: what our decoder says became of each.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use rustix::process::{Signal, WaitStatus};

use crate::failure::{FAILED, Failure};
use crate::pulse::Pulse;

/// One film, or several beside each other in one process.
#[derive(Debug)]
pub(crate) struct Films {
    /// What is decoded.
    pub(crate) inputs: Vec<OsString>,
    /// What the decoder says on its standard error. Of several films each line begins with the number of
    /// one (`producer-decode/src/films.rs`).
    log: PathBuf,
    /// Whether it runs.
    pulse: Pulse,
    /// Why we ended it, if we did.
    gone: Option<String>,
}

/// What was said of one film.
#[derive(Debug, Default)]
struct Said {
    /// Why it failed, or that it did not.
    fate: Option<Result<(), String>>,
    remark: Option<String>,
}

impl Films {
    /// Those of `inputs`, of which the decoder with this `pulse` says in `log` what became of them.
    pub(crate) fn new(inputs: Vec<OsString>, log: PathBuf, pulse: Pulse) -> Self {
        Self { inputs, log, pulse, gone: None }
    }

    /// Whether the decoder must be ended because it does not run any more.
    pub(crate) fn is_gone(&mut self) -> bool {
        if self.gone.is_none() {
            self.gone = self.pulse.gone();
        }
        self.gone.is_some()
    }

    /// The exit code of ours when the decoder ended so by itself, and what is to be said.
    pub(crate) fn ended(&self, status: WaitStatus) -> (u8, Vec<Failure>) {
        let ends = (0..self.inputs.len()).map(|film| self.end_of(film, status));
        let (codes, said): (Vec<u8>, Vec<_>) = ends.unzip();
        (codes.into_iter().max().unwrap_or(0), said.into_iter().flatten().collect())
    }

    /// 0 for one of several films that was played to its end, 1 for one that could not be, `None` where
    /// that was not said.
    pub(crate) fn exit_code_of(&self, film: usize) -> Option<i32> {
        Some(self.said_of(film).fate?.is_err().into())
    }

    /// Those of several films that could not be played.
    pub(crate) fn failed(&self) -> Vec<Failure> {
        let failed = |film: usize| {
            let why = self.said_of(film).fate?.err()?;
            Some(Failure::new(self.inputs[film].to_string_lossy(), &why, advice(&why)))
        };
        (0..self.inputs.len()).filter_map(failed).collect()
    }

    /// What became of one film when the decoder ended so.
    fn end_of(&self, film: usize, status: WaitStatus) -> (u8, Option<Failure>) {
        let said = self.said_of(film);
        let what = self.inputs[film].to_string_lossy();
        let failed = |why: &str, todo| (FAILED, Some(Failure::new(&*what, why, todo)));
        // It has a word about a file that has errors.
        let remark = |said: Option<String>| {
            let todo = "what could be decoded was taken";
            (0, said.map(|why| Failure::new(&*what, why, todo)))
        };
        let code = status.exit_status();
        match (said.fate, &self.gone, status.terminating_signal()) {
            (Some(Err(why)), ..) => failed(&why, advice(&why)),
            (Some(Ok(())), ..) => remark(said.remark),
            (None, Some(why), _) => failed(why, "see what stopped it; what came before is kept"),
            (None, _, Some(signal)) => match said.remark {
                // So it ends itself when it waits in vain, and says why.
                Some(why) if signal == Signal::KILL.as_raw() => failed(&why, advice(&why)),
                _ => {
                    let why = format!("the decoder crashed with signal {signal}");
                    failed(&why, "what came before is kept; try --decode software")
                }
            },
            (None, ..) if code == Some(0) => remark(said.remark),
            (None, ..) => {
                let silent = format!("the decoder ended with code {}", code.unwrap_or(-1));
                let why = said.remark.unwrap_or(silent);
                failed(&why, advice(&why))
            }
        }
    }

    /// What the log says of one film. Of one that is alone all lines are.
    fn said_of(&self, film: usize) -> Said {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines = log.lines().filter(|line| !line.trim().is_empty());
        if self.inputs.len() == 1 {
            return Said { fate: None, remark: lines.next_back().map(str::to_owned) };
        }
        let mut said = Said::default();
        let number = film.to_string();
        for words in lines.filter_map(|line| line.strip_prefix(&*number)?.strip_prefix(' ')) {
            match words.split_once(": ") {
                Some(("failed", why)) => said.fate = Some(Err(why.to_owned())),
                Some(("says", what)) => said.remark = Some(what.to_owned()),
                _ if words == "ended" => said.fate = Some(Ok(())),
                _ => {}
            }
        }
        said
    }
}

/// What a user can do about a film that failed because of `why`.
fn advice(why: &str) -> &'static str {
    // As `strerror(3)` has it, and FFmpeg from there.
    if why.contains("No such file or directory") { "check the name" } else { "try zerohop probe" }
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
        let films = Films::new(vec!["clip.mp4".into()], path.clone(), pulse);
        let told = |script: &str| {
            let (code, said) = films.ended(end_of(script));
            (code, said.first().map(Failure::to_string))
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

    #[test]
    fn of_several_films_each_has_its_own_end() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let (pulse, _) = Pulse::new(std::time::Duration::ZERO).unwrap();
        let inputs = ["a", "b", "c"].map(OsString::from).to_vec();
        let films = Films::new(inputs, log.path().to_owned(), pulse);
        let told = |script: &str| {
            let (code, said) = films.ended(end_of(script));
            (code, said.iter().map(Failure::to_string).collect::<Vec<_>>())
        };
        let all = "0 ended\n1 says: 2 errors in the file\n1 ended\n2 ended\n";
        fs::write(&log, all).unwrap();
        let remark = "b: 2 errors in the file: what could be decoded was taken";
        assert_eq!(told("exit 0"), (0, vec![remark.to_owned()]));
        fs::write(&log, "0 ended\n1 failed: no such file\n2 ended\n1 of 3 films failed\n").unwrap();
        let (code, said) = told("exit 1");
        assert_eq!(
            (code, &said[..]),
            (125, &["b: no such file: try zerohop probe".to_owned()][..])
        );
        assert_eq!(
            (0..3).map(|film| films.exit_code_of(film)).collect::<Vec<_>>(),
            [Some(0), Some(1), Some(0)]
        );
        assert_eq!(films.failed().iter().map(Failure::to_string).collect::<Vec<_>>(), said);
        fs::write(&log, "1 failed: No such file or directory\n").unwrap();
        let todo = films.failed()[0].todo().to_owned();
        assert_eq!((films.failed().len(), &*todo), (1, "check the name"));
        fs::write(&log, "1 failed: no such file\n0 ended\n").unwrap();
        let (code, said) = told("kill -SEGV $$");
        assert_eq!(code, 125);
        assert_eq!(said[0], "b: no such file: try zerohop probe");
        assert!(said[1].starts_with("c: the decoder crashed with signal 11: "), "{said:?}");
        assert_eq!((said.len(), films.exit_code_of(2)), (2, None));
    }
}
