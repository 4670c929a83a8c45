//! The application: a process of its own, under the layer, that shows numbered pictures.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use ash::vk;
use zerohop_frame::{BoxError, Extent};
use zerohop_manifest::{Activation, DMABUF, ENABLE_ENVIRONMENT, LIBRARY};
use zerohop_testkit::pattern::Scene;
use zerohop_testkit::rig::{
    Device, DeviceOptions, Easel, Fence, Instance, Painter, Semaphore, Surface, Swapchain,
    SwapchainOptions, Window,
};
use zerohop_vulkan::{DeviceChoice, InstanceOptions};

use crate::layers;

/// The first argument of a player.
pub(crate) const FLAG: &str = "--play";

/// The validation layer.
const VALIDATION: &str = "VK_LAYER_KHRONOS_validation";

/// How long an image may take to come.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Play {
    /// `VkPresentModeKHR`.
    pub(crate) mode: vk::PresentModeKHR,
    /// `VkFormat`.
    pub(crate) format: vk::Format,
    /// Size of the pictures.
    pub(crate) extent: Extent,
    /// How many there are.
    pub(crate) frames: u32,
    /// After how many the swapchain is made anew; 0 for never.
    pub(crate) recreate_every: u32,
    /// Of how many pictures of the new swapchain the old one outlives the first.
    pub(crate) lingers: u32,
    /// Milliseconds from one present to the next, at least.
    pub(crate) pause: u64,
    /// Whether images are asked for without waiting, over and over.
    pub(crate) impatient: bool,
    /// Which pictures are shown, as [`Play::numbers`] says.
    pub(crate) script: u64,
    /// What the driver lacks, as `VK_LAYER_ZEROHOP_hide` reads it.
    pub(crate) hide: &'static str,
    /// Whether the layer for dma-bufs is below ours.
    pub(crate) dmabuf: bool,
    /// Whether the driver shares timelines, and so does the host's.
    pub(crate) timeline: bool,
    /// `ZEROHOP_RATE`.
    pub(crate) rate: &'static str,
    /// `ZEROHOP_WSI`.
    pub(crate) wsi: &'static str,
    /// `ZEROHOP_LOG`.
    pub(crate) log: &'static str,
}

impl Default for Play {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Play {
    /// Small, short, in FIFO.
    pub(crate) const DEFAULT: Self = Self {
        mode: vk::PresentModeKHR::FIFO,
        format: vk::Format::B8G8R8A8_UNORM,
        extent: Extent { width: 160, height: 90 },
        frames: 30,
        recreate_every: 0,
        lingers: 0,
        pause: 0,
        impatient: false,
        script: 0,
        hide: "",
        dmabuf: false,
        timeline: false,
        rate: "240",
        wsi: "auto",
        log: "warn",
    };

    /// The numbers of the pictures, one for each present: each another for script 0, all the same for
    /// script 1, and for any other some that stand still for a while, blink or move.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let mut state = self.script;
        let mut random = |most: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % most
        };
        let (mut number, mut left, mut every) = (0, 0, 1);
        let next = |at: u64| {
            if left == 0 {
                // A while of presents, and after how many of them the picture changes.
                (left, every) = (8 + random(24), [1, 2, 3, 7, 100][random(5) as usize]);
            }
            left -= 1;
            number += u32::from(at.is_multiple_of(every));
            number
        };
        let frames = u64::from(self.frames);
        match self.script {
            0 => (0..self.frames).collect(),
            1 => vec![0; self.frames as usize],
            _ => (0..frames).map(next).collect(),
        }
    }

    fn args(&self) -> [String; 10] {
        [
            self.mode.as_raw().to_string(),
            self.format.as_raw().to_string(),
            self.extent.width.to_string(),
            self.extent.height.to_string(),
            self.frames.to_string(),
            self.recreate_every.to_string(),
            self.lingers.to_string(),
            self.pause.to_string(),
            u8::from(self.impatient).to_string(),
            self.script.to_string(),
        ]
    }

    fn parse(args: &[String]) -> Result<Self, BoxError> {
        let [
            mode,
            format,
            width,
            height,
            frames,
            recreate_every,
            lingers,
            pause,
            impatient,
            script,
        ] = args
        else {
            return Err("a player takes ten numbers".into());
        };
        Ok(Self {
            mode: vk::PresentModeKHR::from_raw(mode.parse()?),
            format: vk::Format::from_raw(format.parse()?),
            extent: Extent { width: width.parse()?, height: height.parse()? },
            frames: frames.parse()?,
            recreate_every: recreate_every.parse()?,
            lingers: lingers.parse()?,
            pause: pause.parse()?,
            impatient: impatient == "1",
            script: script.parse()?,
            ..Self::default()
        })
    }

    /// The layers below ours, from top to bottom.
    fn layers(&self) -> String {
        let hide = (!self.hide.is_empty()).then_some(zerohop_layer_hide::LAYER_NAME);
        let dmabuf = self.dmabuf.then_some(DMABUF.name);
        let shared = self.timeline && is_stand_in();
        let timeline = shared.then_some(zerohop_layer_timeline::LAYER_NAME);
        let all = dmabuf.into_iter().chain(hide).chain([VALIDATION]).chain(timeline);
        all.collect::<Vec<_>>().join(":")
    }

    /// Starts a player that hands its pictures to `socket`, at 240 Hz, with the validation layer
    /// below ours.
    pub(crate) fn start(&self, socket: &Path) -> io::Result<Child> {
        Command::new(env::current_exe()?)
            .arg(FLAG)
            .args(self.args())
            .env_remove("VK_LOADER_LAYERS_ENABLE")
            // An implicit layer is above the explicit ones, and the loader shows the instance
            // extensions of no other kind to whoever lists them.
            .env("XDG_DATA_HOME", data_home()?)
            .env(ENABLE_ENVIRONMENT, "1")
            .env("VK_LAYER_PATH", layer_path()?)
            .env("VK_INSTANCE_LAYERS", self.layers())
            .env(zerohop_layer_hide::VARIABLE, self.hide)
            .env("VK_LAYER_ENABLES", "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT")
            .env("ZEROHOP_SOCKET", socket)
            .env("ZEROHOP_RATE", self.rate)
            .env(zerohop_manifest::WSI_VARIABLE, self.wsi)
            .env("ZEROHOP_LOG", self.log)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

/// Runs a player; the arguments follow [`FLAG`].
pub(crate) fn run(args: &[String]) -> ExitCode {
    match Play::parse(args).and_then(|play| show(&play)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("player: {err}");
            ExitCode::FAILURE
        }
    }
}

/// Fails unless every layer that was asked for is loaded.
fn check_layers() -> Result<(), BoxError> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let asked = env::var("VK_INSTANCE_LAYERS")?;
    let others = [
        (zerohop_layer_hide::LAYER_NAME, zerohop_layer_hide::LIBRARY),
        (DMABUF.name, DMABUF.library),
        (zerohop_layer_timeline::LAYER_NAME, zerohop_layer_timeline::LIBRARY),
    ];
    let others =
        others.iter().filter(|(name, _)| asked.contains(name)).map(|(_, library)| *library);
    for library in [LIBRARY, "libVkLayer_khronos_validation.so"].into_iter().chain(others) {
        if !maps.contains(library) {
            return Err(format!("{library} is not loaded").into());
        }
    }
    Ok(())
}

fn show(play: &Play) -> Result<(), BoxError> {
    let instance = Instance::new()?;
    let device = Device::new(&instance, &DeviceOptions::default())?;
    check_layers()?;
    let surface = Surface::new(&instance, Window::Headless)?;
    let mut chain = open(&device, &surface, play, vk::SwapchainKHR::null())?;
    if play.impatient {
        poll(&device, &chain.1, play)?;
    }
    let numbers = play.numbers();
    let mut old = None;
    for frame in (0..play.frames).filter(|_| !play.impatient) {
        if play.recreate_every > 0 && frame > 0 && frame % play.recreate_every == 0 {
            let new = open(&device, &surface, play, chain.1.raw())?;
            chain.0.finish()?;
            old = Some((frame + play.lingers, std::mem::replace(&mut chain, new)));
        }
        old.take_if(|(until, _)| *until <= frame);
        chain.0.show(&chain.1, numbers[frame as usize])?;
        thread::sleep(Duration::from_millis(play.pause));
    }
    chain.0.finish()?;
    drop((chain, old));
    drop(surface);
    drop(device);
    let messages = instance.messages();
    match messages.iter().find(|message| !message.contains("unknown VkStructureType")) {
        Some(first) => Err(format!("{} messages: {first}", messages.len()).into()),
        None => Ok(()),
    }
}

/// Shows the pictures, never waiting for an image.
fn poll(device: &Arc<Device>, swapchain: &Swapchain, play: &Play) -> Result<(), BoxError> {
    let mut painter = Painter::new(device, play.format, play.extent, 1, Scene::default())?;
    let (ready, drawn) = (Fence::new(device, false)?, Semaphore::new(device)?);
    for frame in play.numbers() {
        let begin = Instant::now();
        let acquired = loop {
            match swapchain.acquire(Duration::ZERO, vk::Semaphore::null(), ready.raw()) {
                Err(vk::Result::NOT_READY) if begin.elapsed() < PATIENCE => thread::yield_now(),
                other => break other?,
            }
        };
        ready.wait(PATIENCE)?;
        ready.reset()?;
        let image = swapchain.images()[acquired.index as usize];
        painter.paint(frame, image, &[], &[drawn.raw()])?;
        swapchain.present(acquired.index, &[drawn.raw()])?;
        painter.finish()?;
        // The present has waited for it, too.
        device.wait_idle();
    }
    Ok(())
}

fn open(
    device: &Arc<Device>,
    surface: &Surface,
    play: &Play,
    old: vk::SwapchainKHR,
) -> Result<(Easel, Swapchain), BoxError> {
    let formats = surface.formats(device.physical())?;
    let format = formats.into_iter().find(|one| one.format == play.format);
    let format = format.ok_or_else(|| format!("the surface lacks {:?}", play.format))?;
    let mut options = SwapchainOptions::new(format, play.extent);
    options.mode = play.mode;
    let capabilities = surface.capabilities(device.physical())?;
    let info = options.info(surface, &capabilities).old_swapchain(old);
    let swapchain = Swapchain::new(device, &info)?;
    let easel = Easel::new(device, &swapchain, play.format, Scene::default())?;
    Ok((easel, swapchain))
}

/// Begins this program anew, as a host whose driver shares timelines, unless it is one: by itself, or
/// through the layer that stands in.
pub(crate) fn share_timelines() -> io::Result<()> {
    use std::os::unix::process::CommandExt as _;

    let stand_in = format!("{VALIDATION}:{}", zerohop_layer_timeline::LAYER_NAME);
    let layers = env::var("VK_INSTANCE_LAYERS").unwrap_or_default();
    if [VALIDATION, &stand_in].contains(&&*layers) {
        return Ok(());
    }
    let layers = if has_timelines() { VALIDATION } else { &stand_in };
    let mut again = Command::new(env::current_exe()?);
    again.args(env::args_os().skip(1)).env("VK_INSTANCE_LAYERS", layers);
    again.env("VK_LAYER_PATH", layer_path()?).env_remove("VK_LOADER_LAYERS_ENABLE");
    Err(again.exec())
}

/// Whether the driver shares timelines by itself.
fn has_timelines() -> bool {
    let device = || {
        let instance = zerohop_vulkan::Instance::new(InstanceOptions::default())?;
        zerohop_vulkan::Device::open(&DeviceChoice::Any.pick(&instance)?)
    };
    device().is_ok_and(|device| device.shares_timelines())
}

/// Whether this program began itself anew over the layer that stands in.
fn is_stand_in() -> bool {
    let layers = env::var("VK_INSTANCE_LAYERS").unwrap_or_default();
    layers.contains(zerohop_layer_timeline::LAYER_NAME)
}

/// Where the layers below ours are. Older loaders take this order for that of the layers.
fn layer_path() -> io::Result<String> {
    let folder = zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR")).join("handover-hide");
    let library = env::current_exe()?.with_file_name(zerohop_layer_hide::LIBRARY);
    zerohop_layer_hide::install(&library, &folder)?;
    let dmabuf = zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR")).join("handover-dmabuf");
    let library = env::current_exe()?.with_file_name(DMABUF.library);
    DMABUF.install(&library, &dmabuf, Activation::Explicit)?;
    let timeline = zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR")).join("handover-timeline");
    let library = env::current_exe()?.with_file_name(zerohop_layer_timeline::LIBRARY);
    zerohop_layer_timeline::install(&library, &timeline)?;
    let all = [dmabuf, folder, timeline].map(|folder| folder.display().to_string());
    let [dmabuf, hide, timeline] = all;
    Ok(format!("{dmabuf}:{hide}:{}:{timeline}", zerohop_testkit::layers::system()))
}

/// A data directory with the manifest of the library that cargo put beside the test program.
fn data_home() -> io::Result<PathBuf> {
    let home = zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR")).join("handover-data");
    let folder = home.join("vulkan/implicit_layer.d");
    layers::install(&env::current_exe()?, &folder, Activation::Implicit)?;
    Ok(home)
}
