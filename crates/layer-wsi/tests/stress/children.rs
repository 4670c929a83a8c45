//! Applications and hosts as processes.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, io, thread};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use zerohop_manifest::{Activation, LAYER_NAME};
use zerohop_testkit::Xvfb;
use zerohop_testkit::host::{Host, Manner};
use zerohop_wire::SOCKET_VARIABLE;

use crate::layers;

/// The first argument of an application; its command line follows.
pub(crate) const APPLICATION: &str = "--application";
/// The first argument of a host; its socket follows.
pub(crate) const HOST: &str = "--host";

/// Any error, as text.
pub(crate) type Outcome<T = ()> = Result<T, String>;

fn text(err: impl std::fmt::Display) -> String {
    err.to_string()
}

/// A host until it is killed.
pub(crate) fn host(args: &[String]) -> ExitCode {
    let Some(socket) = args.first() else { return ExitCode::FAILURE };
    let host = Host::start(Path::new(socket), Manner::Prompt);
    println!("listening");
    loop {
        if host.is_err() {
            return ExitCode::FAILURE;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// Where children come from.
pub(crate) struct Nursery {
    program: PathBuf,
    layers: PathBuf,
    screen: Option<Xvfb>,
    folder: TempDir,
}

impl Nursery {
    pub(crate) fn new() -> io::Result<Self> {
        let program = env::current_exe()?;
        let layers = zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR")).join("stress-layers");
        layers::install(&program, &layers, Activation::Explicit)?;
        let screen = Xvfb::start(1280, 1024).ok();
        Ok(Self { program, layers, screen, folder: tempfile::tempdir()? })
    }

    /// The X server, if there is one.
    pub(crate) fn display(&self) -> Option<&str> {
        self.screen.as_ref().map(Xvfb::display)
    }

    /// A socket path of a test's own.
    pub(crate) fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(name).join("host")
    }

    /// Starts `zerohop-pattern` with a command line, under the layer.
    pub(crate) fn application(&self, socket: &Path, line: &str) -> Outcome<Process> {
        let mut command = Command::new(&self.program);
        command.arg(APPLICATION).args(line.split_whitespace());
        command
            .env("VK_INSTANCE_LAYERS", LAYER_NAME)
            .env("VK_LAYER_PATH", &self.layers)
            .env(SOCKET_VARIABLE, socket)
            .env("ZEROHOP_RATE", "60")
            .env("ZEROHOP_LOG", "error")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DISPLAY");
        if let Some(display) = self.display() {
            command.env("DISPLAY", display);
        }
        Process::start(command)
    }

    /// Starts a host. Returns when it listens.
    pub(crate) fn host(&self, socket: &Path) -> Outcome<Process> {
        let mut command = Command::new(&self.program);
        command.arg(HOST).arg(socket);
        let mut host = Process::start(command)?;
        match host.line()? {
            Some(line) if line == "listening" => Ok(host),
            other => Err(format!("the host says {other:?}")),
        }
    }
}

/// A child that is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn start(mut command: Command) -> Outcome<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        // SAFETY: prctl is one system call, which a forked child may make.
        unsafe { command.pre_exec(die_with_parent) };
        let mut child = command.spawn().map_err(text)?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        Ok(Self { child, stdout: BufReader::new(stdout) })
    }

    /// The next line that it prints, or `None` at its end.
    pub(crate) fn line(&mut self) -> Outcome<Option<String>> {
        let mut line = String::new();
        let length = self.stdout.read_line(&mut line).map_err(text)?;
        Ok((length > 0).then(|| line.trim().to_owned()))
    }

    /// The next line as JSON.
    pub(crate) fn report(&mut self) -> Outcome<Option<Value>> {
        let line = self.line()?;
        let parse =
            |line: String| serde_json::from_str(&line).map_err(|err| format!("{line}: {err}"));
        line.map(parse).transpose()
    }

    /// All that it reports until its end, which must be a good one.
    pub(crate) fn finish(mut self) -> Outcome<Vec<Value>> {
        let mut all = Vec::new();
        while let Some(report) = self.report()? {
            all.push(report);
        }
        let status = self.child.wait().map_err(text)?;
        if status.success() { Ok(all) } else { Err(format!("the application ended with {status}")) }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Outcome {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("no pid")?;
        kill_process(pid, signal).map_err(text)
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(mut self) -> Outcome {
        self.child.kill().map_err(text)?;
        self.child.wait().map(drop).map_err(text)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}
