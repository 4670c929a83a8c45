//! One case in a process of its own.

use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fmt, fs, io, thread};

use tempfile::TempDir;
use zerohop_frame::DeviceId;
use zerohop_layer_timeline::{LAYER_NAME as TIMELINE, LIBRARY as LIBRARY_OF_TIMELINE};
use zerohop_manifest::{Activation, ENABLE_ENVIRONMENT, LAYER_NAME, LIBRARY};
use zerohop_testkit::host::{Host, Manner};
use zerohop_testkit::{Weston, Xvfb};
use zerohop_vulkan::{Instance, InstanceOptions, PhysicalDevice};
use zerohop_wire::SOCKET_VARIABLE;

use crate::bench::{Bench, Outcome, Platform, Verdict};
use crate::cases::{self, Case};
use crate::layers;

/// The first argument of a child; case and platform follow.
pub(crate) const FLAG: &str = "--case";

/// Stands between the number of messages and the first one.
const MESSAGES: &str = " messages: ";

/// How a child says that the case does not apply.
const UNSUPPORTED: u8 = 77;

const VALIDATION_NAME: &str = "VK_LAYER_KHRONOS_validation";

/// Its library.
const VALIDATION: &str = "libVkLayer_khronos_validation.so";

/// What it is to look at beside valid usage.
const SYNCHRONIZATION: &str = "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT";

/// What it is not to do: an old one hands its own handles to commands that it does not know.
const HANDLES: &str = "VK_VALIDATION_FEATURE_DISABLE_UNIQUE_HANDLES_EXT";

/// How long a case may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is between the application and the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Configuration {
    /// Nothing.
    Bare,
    /// Our layer, with a host that releases each picture at once.
    Layer,
    /// The validation layer above ours, which sees the application's calls. There is no host.
    Above,
    /// The validation layer below ours, which sees our calls. The host keeps a picture. On headless
    /// surfaces the driver shares timelines, which the host takes.
    Below,
    /// The validation layer alone, to see whether it objects to a case without us too.
    Reference,
}

impl Configuration {
    pub(crate) const COMPARED: [Self; 4] = [Self::Bare, Self::Layer, Self::Above, Self::Below];

    /// The layers, from the application to the driver.
    fn layers(self, platform: Platform) -> &'static [&'static str] {
        match self {
            Self::Below if platform == Platform::Headless => {
                &[LAYER_NAME, VALIDATION_NAME, TIMELINE]
            }
            Self::Bare => &[],
            Self::Layer => &[LAYER_NAME],
            Self::Above => &[VALIDATION_NAME, LAYER_NAME],
            Self::Below => &[LAYER_NAME, VALIDATION_NAME],
            Self::Reference => &[VALIDATION_NAME],
        }
    }

    /// Whether our layer meets the application. Then it is loaded as an implicit one, which is
    /// above the explicit ones, and the only kind whose instance extensions the loader lists: a
    /// driver without surfaces has them too.
    fn is_outermost(self) -> bool {
        self.layers(Platform::Xcb).first() == Some(&LAYER_NAME)
    }

    /// What the host does. The display is the host's, so there is one then.
    fn manner(self, platform: Platform) -> Option<Manner> {
        match self {
            Self::Above if platform == Platform::Display => Some(Manner::Prompt),
            Self::Bare | Self::Above | Self::Reference => None,
            Self::Layer => Some(Manner::Prompt),
            Self::Below => Some(Manner::Hoarding(1)),
        }
    }
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    Failed(String),
    Unsupported(String),
    /// It was not run.
    LeftOut,
}

impl Ended {
    /// What is left when the validation layer objects to the same without our layer: then it is
    /// the case, or an old validation layer, that is wrong.
    pub(crate) fn against(self, reference: &Self) -> Self {
        let objects = |ended: &Self| {
            let Self::Failed(why) = ended else { return None };
            let (_, rule) = why.split_once(MESSAGES)?;
            Some(rule.split_whitespace().take(8).collect::<String>())
        };
        match (objects(&self), objects(reference)) {
            (Some(ours), Some(theirs)) if ours == theirs => Self::Passed,
            _ => self,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("pass"),
            Self::Failed(why) => write!(f, "**fail**: {why}"),
            Self::Unsupported(why) => write!(f, "not supported: {why}"),
            Self::LeftOut => f.write_str("-"),
        }
    }
}

/// Runs one case in this process, and says how it ended as [`Launcher::run`] expects it.
pub(crate) fn run(name: &str, platform: &str) -> ExitCode {
    let outcome = case(name, platform);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Verdict::Unsupported(why)) => {
            println!("{why}");
            ExitCode::from(UNSUPPORTED)
        }
        Err(Verdict::Failed(why)) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn case(name: &str, platform: &str) -> Outcome {
    let platform = platform.parse().map_err(Verdict::Failed)?;
    let missing = || Verdict::Failed(format!("no case {name}"));
    let case = cases::all().find(|case| case.name == name).ok_or_else(missing)?;
    let bench = Bench::new(platform)?;
    loaded()?;
    (case.run)(&bench)?;
    // All of the case's objects are gone by now, and leaks were said.
    let messages: Vec<_> = bench.instance().messages().into_iter().filter(|m| counts(m)).collect();
    match messages.first() {
        Some(first) => Err(Verdict::Failed(format!("{}{MESSAGES}{first}", messages.len()))),
        None => Ok(()),
    }
}

/// Fails when the loader did not load what the environment asks for; it would not say so.
fn loaded() -> Outcome {
    let mut layers = env::var("VK_INSTANCE_LAYERS").unwrap_or_default();
    if env::var_os(ENABLE_ENVIRONMENT).is_some() {
        layers.push_str(LAYER_NAME);
    }
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let libraries =
        [(LAYER_NAME, LIBRARY), (VALIDATION_NAME, VALIDATION), (TIMELINE, LIBRARY_OF_TIMELINE)];
    for (layer, library) in libraries {
        let (asked, there) = (layers.contains(layer), maps.contains(library));
        if asked != there {
            let what = if there { "is loaded unasked" } else { "is not loaded" };
            return Err(Verdict::Failed(format!("{library} {what}")));
        }
    }
    Ok(())
}

/// Whether a message is about us. An old validation layer does not know newer structures and
/// extensions, and says so itself.
fn counts(message: &str) -> bool {
    !message.contains("unknown VkStructureType")
        && !message.contains("is not supported by this layer")
}

/// Starts children in every configuration.
pub(crate) struct Launcher {
    program: PathBuf,
    /// Where our manifest is as that of an explicit layer.
    layers: PathBuf,
    /// The data directory where it is that of an implicit one.
    data: PathBuf,
    /// Where the manifest of the layer that shares timelines is.
    timeline: PathBuf,
    /// All devices here.
    devices: Vec<DeviceId>,
    /// `Err` with the reason when there is no X server.
    screen: Result<Xvfb, String>,
    /// The same of a Wayland compositor.
    compositor: Result<Weston, String>,
    _runtime: TempDir,
}

impl Launcher {
    pub(crate) fn new() -> io::Result<Self> {
        let program = env::current_exe()?;
        let folder = zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR"));
        let (layers, data) = (folder.join("conformance-layers"), folder.join("conformance-data"));
        layers::install(&program, &layers, Activation::Explicit)?;
        let implicit = data.join("vulkan/implicit_layer.d");
        layers::install(&program, &implicit, Activation::Implicit)?;
        let screen = Xvfb::start(1280, 1024).map_err(|err| format!("no Xvfb: {err}"));
        let runtime =
            tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir()?;
        let compositor = Weston::start(runtime.path()).map_err(|err| format!("no weston: {err}"));
        let timeline = folder.join("conformance-timeline");
        zerohop_layer_timeline::install(&program.with_file_name(LIBRARY_OF_TIMELINE), &timeline)?;
        let devices = devices();
        Ok(Self { program, layers, data, timeline, devices, screen, compositor, _runtime: runtime })
    }

    /// Whether surfaces of `platform` can be made here, or why not.
    pub(crate) fn offers(&self, platform: Platform) -> Result<(), String> {
        match (platform, &self.screen, &self.compositor) {
            (Platform::Xcb | Platform::Xlib, Err(why), _) => Err(why.clone()),
            (Platform::Wayland, _, Err(why)) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    /// Runs one case.
    // Long because a child's environment has many sides.
    pub(crate) fn run(
        &self,
        case: &Case,
        platform: Platform,
        configuration: Configuration,
    ) -> Ended {
        let mut command = Command::new(&self.program);
        command.args([FLAG, case.name, &platform.to_string()]);
        for name in ["VK_LOADER_LAYERS_ENABLE", "WAYLAND_DISPLAY", "DISPLAY"] {
            command.env_remove(name);
        }
        command.env_remove(SOCKET_VARIABLE).env_remove(ENABLE_ENVIRONMENT);
        if let Ok(screen) = &self.screen {
            command.env("DISPLAY", screen.display());
        }
        if let Ok(compositor) = &self.compositor {
            command.envs(compositor.environment());
        }
        let mut names = configuration.layers(platform);
        if configuration.is_outermost() {
            names = &names[1..];
            command.env(ENABLE_ENVIRONMENT, "1").env("XDG_DATA_HOME", &self.data);
        }
        command
            .env("VK_INSTANCE_LAYERS", names.join(":"))
            .env("VK_LAYER_PATH", self.path(names))
            .env("VK_LAYER_ENABLES", SYNCHRONIZATION)
            .env("VK_LAYER_DISABLES", HANDLES)
            .env("ZEROHOP_RATE", "60");
        let shares = names.contains(&TIMELINE);
        let devices = if shares { self.devices.clone() } else { Vec::new() };
        let host = configuration.manner(platform);
        let host = host.map(|manner| Hosted::start(manner, devices)).transpose();
        let host = match host {
            Ok(host) => host,
            Err(err) => return Ended::Failed(format!("start a host: {err}")),
        };
        if let Some(host) = &host {
            command.env(SOCKET_VARIABLE, host.host.path());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ended = match command.spawn() {
            Ok(child) => wait(child),
            Err(err) => return Ended::Failed(format!("start a child: {err}")),
        };
        let heard = host.as_ref().map(|host| host.host.heard());
        let heard = heard.map_or((0, 0), |heard| (heard.frames.len(), heard.timelines));
        match (ended, heard) {
            (Ended::Passed, (1.., 0)) if shares => {
                Ended::Failed("no picture came with a timeline".to_owned())
            }
            (ended, _) => ended,
        }
    }

    /// Where the manifests of `names` are, in their order: older loaders put the layer that is
    /// found first next to the application, whatever the variable says.
    fn path(&self, names: &[&str]) -> String {
        let ours = self.layers.display().to_string();
        let of = |name: &&str| match *name {
            LAYER_NAME => ours.clone(),
            TIMELINE => self.timeline.display().to_string(),
            _ => zerohop_testkit::layers::system(),
        };
        let mut paths: Vec<_> = names.iter().map(of).collect();
        if paths.is_empty() {
            paths.push(zerohop_testkit::layers::system());
        }
        paths.join(":")
    }
}

/// Who could be asked for timelines.
fn devices() -> Vec<DeviceId> {
    let instance = Instance::new(InstanceOptions::default());
    let found = instance.and_then(|instance| instance.devices()).unwrap_or_default();
    found.iter().map(PhysicalDevice::id).collect()
}

/// A host and the folder of its socket.
struct Hosted {
    host: Host,
    _folder: TempDir,
}

impl Hosted {
    fn start(manner: Manner, devices: Vec<DeviceId>) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let host = Host::start_taking(&folder.path().join("private/host"), manner, devices)?;
        Ok(Self { host, _folder: folder })
    }
}

/// Waits for a child at most [`PATIENCE`].
fn wait(mut child: Child) -> Ended {
    let deadline = Instant::now() + PATIENCE;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            Ok(None) => {
                // It is reaped below; that it ended meanwhile is as good.
                let _ = child.kill();
                let _ = child.wait();
                return Ended::Failed(format!("still running after {PATIENCE:?}"));
            }
            Err(err) => return Ended::Failed(format!("wait for a child: {err}")),
        }
    };
    let said = stdout.join().unwrap_or_default().trim().to_owned();
    let log = stderr.join().unwrap_or_default();
    match status.code() {
        Some(0) => Ended::Passed,
        Some(code) if code == i32::from(UNSUPPORTED) => Ended::Unsupported(said),
        _ => Ended::Failed(format!("{said} {} ({status})", log.trim()).trim().to_owned()),
    }
}

/// Reads to the end in a thread, so that the child never waits for us.
fn drain(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        // What could be read so far is all there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_string(&mut text));
        text
    })
}
