//! The films of a session: what our decoder says became of each.

use std::cell::OnceCell;
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
    /// What that is of each film, once the decoder has ended and somebody has asked.
    said: OnceCell<Vec<Said>>,
    /// Whether it runs.
    pulse: Pulse,
    /// Why we ended it, if we did.
    gone: Option<String>,
}

/// What was said of one film.
#[derive(Clone, Debug, Default)]
struct Said {
    /// Why it failed, or that it did not.
    fate: Option<Result<(), String>>,
    remark: Option<String>,
}

impl Films {
    /// Those of `inputs`, of which the decoder with this `pulse` says in `log` what became of them.
    pub(crate) fn new(inputs: Vec<OsString>, log: PathBuf, pulse: Pulse) -> Self {
        Self { inputs, log, said: OnceCell::new(), pulse, gone: None }
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
        let ends = self.said().iter().zip(&self.inputs).map(|(said, input)| {
            let what = input.to_string_lossy();
            let by_process = || self.by_process(said.remark.as_deref(), status);
            match said.fate.clone().map_or_else(by_process, |fate| fate.map_err(advised)) {
                Err((why, todo)) => (FAILED, Some(Failure::new(what, why, todo))),
                // It has a word about a file that has errors.
                Ok(()) => {
                    let todo = "what could be decoded was taken";
                    (0, said.remark.as_ref().map(|why| Failure::new(what, why, todo)))
                }
            }
        });
        let (codes, said): (Vec<u8>, Vec<_>) = ends.unzip();
        (codes.into_iter().max().unwrap_or(0), said.into_iter().flatten().collect())
    }

    /// 0 for one of several films that was played to its end, 1 for one that could not be, `None` where
    /// that was not said. To be called when the decoder has ended.
    pub(crate) fn exit_code_of(&self, film: usize) -> Option<i32> {
        Some(self.said()[film].fate.as_ref()?.is_err().into())
    }

    /// Those of several films that could not be played. To be called when the decoder has ended.
    pub(crate) fn failed(&self) -> Vec<Failure> {
        let failed = |(said, input): (&Said, &OsString)| {
            let (why, todo) = advised(said.fate.clone()?.err()?);
            Some(Failure::new(input.to_string_lossy(), why, todo))
        };
        self.said().iter().zip(&self.inputs).filter_map(failed).collect()
    }

    /// What became of a film that the decoder did not say the end of when it ended so: why it failed and
    /// what to do, if it did.
    fn by_process(&self, remark: Option<&str>, status: WaitStatus) -> Result<(), Advised> {
        if let Some(why) = &self.gone {
            return Err((why.clone(), "see what stopped it; what came before is kept"));
        }
        match (status.terminating_signal(), remark) {
            // So it ends itself when it waits in vain, and says why.
            (Some(signal), Some(why)) if signal == Signal::KILL.as_raw() => {
                Err(advised(why.into()))
            }
            (Some(signal), _) => {
                let why = format!("the decoder crashed with signal {signal}");
                Err((why, "what came before is kept; try --decode software"))
            }
            (None, _) if status.exit_status() == Some(0) => Ok(()),
            (None, Some(why)) => Err(advised(why.into())),
            (None, None) => {
                let code = status.exit_status().unwrap_or(-1);
                Err(advised(format!("the decoder ended with code {code}")))
            }
        }
    }

    fn said(&self) -> &[Said] {
        self.said.get_or_init(|| {
            let log = fs::read(&self.log).unwrap_or_default();
            said_in(&String::from_utf8_lossy(&log), self.inputs.len())
        })
    }
}

/// What `log` says of each of `films`. Of one that is alone all lines are.
fn said_in(log: &str, films: usize) -> Vec<Said> {
    let mut lines = log.lines().filter(|line| !line.trim().is_empty());
    if films == 1 {
        return vec![Said { fate: None, remark: lines.next_back().map(str::to_owned) }];
    }
    let mut all = vec![Said::default(); films];
    for (number, words) in lines.filter_map(|line| line.split_once(' ')) {
        let Some(said) = number.parse().ok().and_then(|film: usize| all.get_mut(film)) else {
            continue;
        };
        match words.split_once(": ") {
            Some(("failed", why)) => said.fate = Some(Err(why.to_owned())),
            Some(("says", what)) => said.remark = Some(what.to_owned()),
            _ if words == "ended" => said.fate = Some(Ok(())),
            _ => {}
        }
    }
    all
}

/// Why a film failed, and what a user can do about it.
type Advised = (String, &'static str);

/// The advice for a film that failed because of `why`.
fn advised(why: String) -> Advised {
    // As `strerror(3)` has it, and FFmpeg from there.
    let missing = why.contains("No such file or directory");
    (why, if missing { "check the name" } else { "try zerohop probe" })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use std::path::Path;
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

    fn films(inputs: &[&str], log: &Path) -> Films {
        let (pulse, _) = Pulse::new(std::time::Duration::ZERO).unwrap();
        Films::new(inputs.iter().map(OsString::from).collect(), log.to_owned(), pulse)
    }

    #[test]
    fn a_decoder_that_ends_badly_is_explained_in_one_line() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let path = log.path().to_owned();
        let told = |script: &str| {
            let films = films(&["clip.mp4"], &path);
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
        let three = || films(&["a", "b", "c"], log.path());
        let told = |script: &str| {
            let (code, said) = three().ended(end_of(script));
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
        let films = three();
        assert_eq!([0, 1, 2].map(|film| films.exit_code_of(film)), [Some(0), Some(1), Some(0)]);
        assert_eq!(films.failed().iter().map(Failure::to_string).collect::<Vec<_>>(), said);
        fs::write(&log, "1 failed: No such file or directory\n").unwrap();
        let failed = three().failed();
        assert_eq!((failed.len(), failed[0].todo()), (1, "check the name"));
        fs::write(&log, "1 failed: no such file\n0 ended\n").unwrap();
        let (code, said) = told("kill -SEGV $$");
        assert_eq!(code, 125);
        assert_eq!(said[0], "b: no such file: try zerohop probe");
        assert!(said[1].starts_with("c: the decoder crashed with signal 11: "), "{said:?}");
        assert_eq!((said.len(), three().exit_code_of(2)), (2, None));
    }
}
