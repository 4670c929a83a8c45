//! One `zerohop run` with a stand-in for NVIDIA's driver.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use zerohop_testkit_cuda::{LIBRARY, Report, install, plan};
use zerohop_vulkan::{DeviceKind, Instance, InstanceOptions};

const ZEROHOP: &str = env!("CARGO_BIN_EXE_zerohop");

/// The first argument of the application.
pub(crate) const FLAG: &str = "--pattern";

/// That of one that lies.
pub(crate) const LIAR: &str = "--lie";

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A library as the tests' own build made it.
pub(crate) fn library(name: &str) -> PathBuf {
    Path::new(ZEROHOP).with_file_name("deps").join(name)
}

/// What a test needs and is not here, and why.
pub(crate) type Lack = (&'static str, String);

/// A folder for one test.
pub(crate) struct Stage {
    folder: TempDir,
}

/// A run that was started.
pub(crate) struct Run<'a> {
    stage: &'a Stage,
    pub(crate) child: Child,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What it said.
    pub(crate) said: String,
    /// Its report.
    pub(crate) report: Value,
    /// What the stand-in saw.
    pub(crate) cuda: Report,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap() };
        install(&library(LIBRARY), &stage.path("lib")).unwrap();
        stage
    }

    /// What there is to be, and is not.
    pub(crate) fn lacks() -> Option<Lack> {
        for name in ["libzerohop_layer_wsi.so", LIBRARY] {
            if !library(name).exists() {
                return Some(("layer", format!("{name} is not built")));
            }
        }
        uuid().err().map(|why| ("cpu", why))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `zerohop run OPTIONS -- zerohop-pattern PATTERN`, to be started.
    pub(crate) fn pattern(&self, options: &[&str], pattern: &[&str]) -> Command {
        let mut command = self.zerohop(&[&["--display", "none"], options].concat());
        command.arg("--").arg(env::current_exe().unwrap()).arg(FLAG).args(pattern);
        command
    }

    /// `zerohop doctor --json`.
    pub(crate) fn doctor(&self) -> Command {
        let mut command = Command::new(ZEROHOP);
        command.args(["doctor", "--json"]).stdin(Stdio::null());
        self.environment(&mut command);
        command
    }

    /// `zerohop run OPTIONS`, to be given an application. `DIR` in the options is our folder.
    pub(crate) fn zerohop(&self, options: &[&str]) -> Command {
        let folder = self.folder.path().to_str().unwrap();
        let mut command = Command::new(ZEROHOP);
        command.args(["run", "--no-progress"]);
        command.args(options.iter().map(|option| option.replace("DIR", folder)));
        command.arg("--report").arg(self.path("report.json"));
        self.environment(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(self.path("said")).unwrap());
        command
    }

    fn environment(&self, command: &mut Command) {
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        command.env("ZEROHOP_LAYER_PATH", library("libzerohop_layer_wsi.so"));
        command.env("LD_LIBRARY_PATH", self.path("lib"));
        command.env(plan::UUIDS, plan::hex(uuid().unwrap()));
        command.env(plan::REPORT, self.path("cuda"));
    }

    /// Puts a driver that shares timelines under the host and the application.
    pub(crate) fn shares_timelines(&self, command: &mut Command) {
        let layers = self.path("layers");
        let library = library(zerohop_layer_timeline::LIBRARY);
        zerohop_layer_timeline::install(&library, &layers).unwrap();
        command.env("VK_LAYER_PATH", layers);
        command.env("VK_INSTANCE_LAYERS", zerohop_layer_timeline::LAYER_NAME);
        command.env(zerohop_layer_timeline::DISGUISE, "1");
    }

    pub(crate) fn start(&self, mut command: Command) -> Run<'_> {
        Run { stage: self, child: command.spawn().unwrap() }
    }

    /// Starts it and waits for its end.
    pub(crate) fn run(&self, command: Command) -> Ended {
        self.start(command).wait()
    }

    /// What `zerohop-pattern check` says of the PNG files in `folder`.
    pub(crate) fn check(&self, folder: &str, frames: u32) {
        let mut check = Command::new(env::current_exe().unwrap());
        check.arg(FLAG).arg("check").arg(self.path(folder)).arg("--frames");
        let output = check.arg(frames.to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Run<'_> {
    pub(crate) fn wait(mut self) -> Ended {
        let begin = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(begin.elapsed() < LIMIT, "it did not end: {}", self.stage.said());
            sleep(Duration::from_millis(10));
        };
        let report = fs::read(self.stage.path("report.json")).unwrap_or_default();
        Ended {
            code,
            said: self.stage.said(),
            report: serde_json::from_slice(&report).unwrap_or_default(),
            cuda: Report::read(&self.stage.path("cuda")).unwrap_or_default(),
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // One that has ended needs nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stage {
    fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }
}

impl Ended {
    /// It went well, and CUDA was used as its manual says.
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.said);
        assert_eq!(self.cuda.faults(), Vec::<String>::new());
        self
    }

    /// A number in the report.
    pub(crate) fn number(&self, pointer: &str) -> u64 {
        let value = self.report.pointer(pointer).and_then(Value::as_u64);
        value.unwrap_or_else(|| panic!("no number {pointer} in {:#}", self.report))
    }
}

/// The UUID of the Vulkan device that is the CPU.
fn uuid() -> Result<[u8; 16], String> {
    let instance = Instance::new(InstanceOptions::default()).map_err(|err| err.to_string())?;
    let devices = instance.devices().map_err(|err| err.to_string())?;
    let cpu = devices.iter().find(|device| device.kind() == DeviceKind::Cpu);
    cpu.map(|device| device.id().device_uuid).ok_or_else(|| "no device is the CPU".into())
}
