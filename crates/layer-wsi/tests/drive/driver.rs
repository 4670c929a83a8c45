//! One application that drives a screen.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zerohop_manifest::{Activation, ENABLE_ENVIRONMENT};
use zerohop_testkit::vkms;

use crate::layers;

/// The first argument of the application.
pub(crate) const FLAG: &str = "--pattern";

/// How long anything may take on a machine that is emulated and busy.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until `what` holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < LIMIT, "not after {LIMIT:?}: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// See the module.
pub(crate) struct Driver {
    child: Child,
    folder: TempDir,
}

impl Driver {
    /// `zerohop-pattern --window display PATTERN` on a screen of `card`.
    pub(crate) fn start(card: &Path, pattern: &[&str]) -> Self {
        let (folder, program) = (tempfile::tempdir().unwrap(), env::current_exe().unwrap());
        let implicit = folder.path().join("vulkan/implicit_layer.d");
        layers::install(&program, &implicit, Activation::Implicit).unwrap();
        let said = fs::File::create(folder.path().join("said")).unwrap();
        let mut command = Command::new(program);
        command.arg(FLAG).args(["--window", "display"]).args(pattern);
        command
            .env("ZEROHOP_DISPLAY", format!("{},mode=640x480", card.display()))
            .env("XDG_DATA_HOME", folder.path())
            .env(ENABLE_ENVIRONMENT, "1")
            .env("VK_LAYER_PATH", zerohop_testkit::layers::system())
            .env("VK_INSTANCE_LAYERS", "VK_LAYER_KHRONOS_validation")
            .env("VK_LAYER_ENABLES", "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT")
            .env_remove("ZEROHOP_SOCKET");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said).spawn();
        Self { child: child.unwrap(), folder }
    }

    /// What it has said.
    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until a picture of it is on the screen of `card`.
    pub(crate) fn wait_for_picture(&mut self, card: &Path) {
        eventually("a picture is on the screen", || {
            assert!(self.runs(), "it ended: {}", self.said());
            let state = vkms::state(card);
            !state.contains("[fbcon]") && state.contains("allocated by")
        });
    }

    /// Lets it go on, if it waits after picture `shown` (from 1 on; 0 at the beginning), until it
    /// says that the next picture is shown.
    pub(crate) fn step(&mut self, shown: u32) {
        if shown > 0 {
            self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        }
        let mut line = String::new();
        // It writes nothing ahead: a reader of each line's own loses none.
        BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), format!("shown {}", shown + 1), "{}", self.said());
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn wait(&mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        let begin = Instant::now();
        while self.runs() {
            if begin.elapsed() > LIMIT * 2 {
                let _ = self.child.kill();
                panic!("it did not end: {}", self.said());
            }
            sleep(Duration::from_millis(20));
        }
        self.child.wait().unwrap().code()
    }

    /// What one has said that ends well.
    pub(crate) fn finish(mut self) -> String {
        let code = self.wait();
        assert_eq!(code, Some(0), "{}", self.said());
        self.said()
    }

    /// What one has said that cannot begin.
    pub(crate) fn fail(mut self) -> String {
        let code = self.wait();
        assert_ne!(code, Some(0), "{}", self.said());
        self.said()
    }
}
