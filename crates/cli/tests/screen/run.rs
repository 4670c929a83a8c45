//! One `zerohop run`, and the application in it.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use zerohop_testkit::vkms;

const ZEROHOP: &str = env!("CARGO_BIN_EXE_zerohop");

/// The first argument of the application.
pub(crate) const FLAG: &str = "--pattern";

/// How long anything may take on a machine that is emulated and busy.
const LIMIT: Duration = Duration::from_secs(60);

/// The layer as the tests' own build made it.
pub(crate) fn layer() -> PathBuf {
    Path::new(ZEROHOP).with_file_name("deps").join("libzerohop_layer_wsi.so")
}

/// Waits until `what` holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < LIMIT, "not after {LIMIT:?}: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// A run that was started.
pub(crate) struct Run {
    child: Child,
    folder: TempDir,
}

impl Run {
    /// `zerohop run --to TO -- zerohop-pattern PATTERN`.
    pub(crate) fn start(to: &str, pattern: &[&str]) -> Self {
        Self::start_with(&["--to", to], pattern)
    }

    /// The same with other options.
    pub(crate) fn start_with(options: &[&str], pattern: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(ZEROHOP);
        command.args(["run", "--display", "none", "--no-progress"]).args(options);
        command.arg("--report").arg(folder.path().join("report.json")).arg("--");
        command.arg(env::current_exe().unwrap()).arg(FLAG).args(pattern);
        command.env("XDG_RUNTIME_DIR", folder.path()).env("ZEROHOP_LAYER_PATH", layer());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let said = fs::File::create(folder.path().join("said")).unwrap();
        let child = command.stderr(said).spawn().unwrap();
        Self { child, folder }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    /// Waits until a picture of the run is on the screen of `card`.
    pub(crate) fn wait_for_picture(&mut self, card: &Path) {
        eventually("a picture is on the screen", || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}: {}", self.said());
            let state = vkms::state(card);
            !state.contains("[fbcon]") && state.contains("allocated by")
        });
    }

    /// Lets the application go on, if it waits after picture `shown` (from 1 on; 0 at the beginning),
    /// until it says that the next picture is shown.
    pub(crate) fn step(&mut self, shown: u32) {
        if shown > 0 {
            self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        }
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), format!("shown {}", shown + 1), "{}", self.said());
    }

    /// Takes note of its end, however that came.
    pub(crate) fn reap(&mut self) {
        self.child.wait().unwrap();
    }

    fn wait(&mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            if begin.elapsed() > LIMIT * 2 {
                let _ = self.child.kill();
                panic!("it did not end: {}", self.said());
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// The report of a run that ends well.
    pub(crate) fn finish(mut self) -> Value {
        let code = self.wait();
        assert_eq!(code, Some(0), "{}", self.said());
        let report = fs::read(self.folder.path().join("report.json")).unwrap();
        serde_json::from_slice(&report).unwrap()
    }

    /// How a run ends that cannot begin, and what it says.
    pub(crate) fn fail(mut self) -> (Option<i32>, String) {
        let code = self.wait();
        (code, self.said())
    }

    /// Ends the application, which goes on by itself when zerohop was killed.
    pub(crate) fn end_application(&self) {
        let ours = env::current_exe().unwrap();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        for entry in entries {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let Some(pid) = pid.and_then(Pid::from_raw) else { continue };
            let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let words: Vec<_> = words.split(|byte| *byte == 0).collect();
            let is_it = words.first().is_some_and(|word| {
                *word == std::os::unix::ffi::OsStrExt::as_bytes(ours.as_os_str())
            });
            if is_it && words.get(1) == Some(&FLAG.as_bytes()) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // One that has ended needs nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
