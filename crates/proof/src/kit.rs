//! Where the programs are, and how they are started.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{self, Ended, Running};

/// How long a program may take that a step starts, unless the step says otherwise.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// What a step works with.
#[derive(Debug)]
pub(crate) struct Kit {
    /// Programs and layers.
    bin: PathBuf,
    /// What steps write.
    folder: PathBuf,
    /// Whether less is to be done, to see that it works.
    pub(crate) quick: bool,
    /// Whether the CUDA library is the fake of the tests.
    pub(crate) fake: bool,
}

impl Kit {
    /// The programs beside this one, and a folder, which is made.
    ///
    /// # Errors
    ///
    /// The folder cannot be made.
    pub(crate) fn new(folder: PathBuf, quick: bool, fake: bool) -> Result<Self> {
        let program = env::current_exe().context("cannot tell where this program is")?;
        let bin = program.parent().unwrap_or(Path::new(".")).to_owned();
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        Ok(Self { bin, folder, quick, fake })
    }

    /// Where steps write.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of that name for what a step writes.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A program beside this one, or a library; examples are where Cargo puts them, or there too.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let example = self.bin.join("examples").join(name);
        if example.is_file() { example } else { self.bin.join(name) }
    }

    /// Fewer of something when less is to be done.
    pub(crate) fn few<T>(&self, all: T, quick: T) -> T {
        if self.quick { quick } else { all }
    }

    /// Whether there is a driver of NVIDIA's.
    pub(crate) fn has_nvidia() -> bool {
        Path::new("/dev/nvidiactl").exists()
    }

    /// Whether there is a CUDA library to show pictures to.
    pub(crate) fn has_cuda(&self) -> bool {
        self.fake || Self::has_nvidia()
    }

    /// `spec`, as CUDA sees the pictures where there is CUDA.
    pub(crate) fn view(&self, spec: &str) -> String {
        if self.has_cuda() { format!("{spec},view=cuda") } else { spec.to_owned() }
    }

    /// `zerohop run`, whose report goes to `NAME.json`, up to the application.
    pub(crate) fn zerohop_run(&self, name: &str) -> Command {
        let mut zerohop = Command::new(self.program("zerohop"));
        zerohop.args(["run", "--no-progress", "--report"]).arg(self.path(&format!("{name}.json")));
        zerohop.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        zerohop
    }

    /// Adds the application with the numbered pictures.
    pub(crate) fn pattern<'a>(&self, run: &'a mut Command, options: &[&str]) -> &'a mut Command {
        run.args(["--display", "none", "--"]).arg(self.program("zerohop-pattern")).args(options)
    }

    /// Runs a program to its end, within [`LIMIT`].
    ///
    /// # Errors
    ///
    /// It does not end in time, or not with 0.
    pub(crate) fn run(&self, command: &mut Command, name: &str) -> Result<Ended> {
        process::run(command, name, &self.folder, LIMIT)?.good()
    }

    /// Starts a program.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub(crate) fn start(&self, command: &mut Command, name: &str) -> Result<Running> {
        process::start(command, name, &self.folder)
    }
}
