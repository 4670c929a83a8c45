//! A device, and tests that say what they need of it.
//!
//! What is missing is reported as ignored, or as a failure when `ZEROHOP_REQUIRE` names it
//! (`ZEROHOP_REQUIRE=device,sync_file cargo test`). All tests run under the validation layer where
//! it is installed, and any message fails the test.
#![allow(dead_code, reason = "each program that includes this uses its own part")]

use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use zerohop_frame::{Damage, Frame, FrameInfo, Recycle, Release, SharedBuffer, SyncPoint};
use zerohop_needs::absent;
use zerohop_vulkan::{Device, DeviceChoice, Error, Instance, InstanceOptions, Queue};

/// A device and the instance that hears what the validation layer says.
pub(crate) struct Machine {
    pub(crate) instance: Arc<Instance>,
    pub(crate) device: Arc<Device>,
    pub(crate) queue: Arc<Queue>,
}

pub(crate) const VALIDATION: &str = "VK_LAYER_KHRONOS_validation";

/// Begins this program anew over `layers`, unless that is so. One of them is ours, in `library` beside the
/// program, with a manifest that `install` writes.
///
/// # Errors
///
/// What the system says.
pub(crate) fn begin_over(
    layers: &str,
    library: &str,
    install: fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    if env::var("VK_INSTANCE_LAYERS").as_deref() == Ok(layers) {
        return Ok(());
    }
    let program = env::current_exe()?;
    let name = program.file_name().unwrap_or_default();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    install(&program.with_file_name(library), &folder)?;
    // Older loaders take this order for that of the layers, and the validation layer goes first.
    let path = format!("/usr/share/vulkan/explicit_layer.d:{}", folder.display());
    let mut again = Command::new(program);
    again.args(env::args_os().skip(1)).env("VK_LAYER_PATH", path);
    again.env("VK_INSTANCE_LAYERS", layers).env_remove("VK_LOADER_LAYERS_ENABLE");
    Err(again.exec())
}

pub(crate) type Test = fn(&Machine) -> Result<(), Error>;

pub(crate) fn open() -> Result<Machine, String> {
    let validated = Instance::new(InstanceOptions { validation: true });
    validated.map_or_else(|_| open_unheard(), open_on)
}

/// Without the validation layer.
pub(crate) fn open_unheard() -> Result<Machine, String> {
    open_on(Instance::new(InstanceOptions::default()).map_err(|err| err.to_string())?)
}

fn open_on(instance: Arc<Instance>) -> Result<Machine, String> {
    let physical = DeviceChoice::Any.pick(&instance).map_err(|err| err.to_string())?;
    let device = Device::open(&physical).map_err(|err| err.to_string())?;
    let queue = Queue::new(&device);
    Ok(Machine { instance, device, queue })
}

pub(crate) fn one(
    need: &'static str,
    name: &'static str,
    machine: Result<Arc<Machine>, String>,
    has: fn(&Device) -> bool,
    test: Test,
) -> Trial {
    Trial::ignorable_test(name, move || match machine {
        Ok(machine) if need == "validation" && machine.instance.messages().is_none() => {
            absent(need, "VK_LAYER_KHRONOS_validation is not installed")
        }
        Ok(machine) if has(&machine.device) => check(&machine, test),
        Ok(_) => absent(need, "the device lacks it"),
        Err(why) => absent(need, &why),
    })
    .with_kind(need)
}

/// Runs one test at a time, so that a message of the validation layer finds its culprit.
fn check(machine: &Machine, test: Test) -> Result<Completion, Failed> {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let said = || machine.instance.messages().map_or(0, |messages| messages.count());
    let before = said();
    test(machine).map_err(|err| format!("{err}: {:?}", std::error::Error::source(&err)))?;
    let texts = machine.instance.messages().map(|messages| messages.texts()).unwrap_or_default();
    let first = usize::try_from(before).unwrap_or(usize::MAX);
    let new: Vec<_> = texts.iter().skip(first).collect();
    let more = said() - before > new.len() as u64;
    if !more && new.iter().all(|text| is_mistaken(text, &machine.device)) {
        return Ok(Completion::Completed);
    }
    Err(format!("the validation layer says {new:#?}").into())
}

/// llvmpipe of Mesa 25.0.7 and 26.1 leaves `VkDrmFormatModifierPropertiesList2EXT` empty, and the
/// validation layer of 1.4.309 takes that for an image that nothing can read. That of 1.3.239 takes a wait
/// for a timeline that is pending for a signal of 0.
fn is_mistaken(text: &str, device: &Device) -> bool {
    let view = text.contains("VUID-VkImageViewCreateInfo-None-02273");
    let copy = text.contains("VUID-vkCmdCopyImageToBuffer-srcImage-01998");
    let signal = text.contains("VUID-VkSemaphoreSignalInfo-value-03259");
    device.is_cpu() && (view || copy) && text.contains("DRM_FORMAT_MODIFIER")
        || signal && text.contains("pending signal operation (0)")
}

#[derive(Default)]
pub(crate) struct Home(pub(crate) Mutex<Vec<Release>>);

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        self.0.lock().expect("no panic inside").push(release);
    }
}

pub(crate) fn frame(buffer: &Arc<SharedBuffer>, home: &Arc<Home>) -> Arc<Frame> {
    let info = FrameInfo {
        sequence: 7,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Arc::new(Frame::new(Arc::clone(buffer), info, SyncPoint::Signaled, Arc::clone(home) as _))
}

/// Whether a dma-buf can be made here, and imported.
pub(crate) fn takes_dma_bufs(device: &Device) -> bool {
    device.has_modifiers() && Path::new("/dev/udmabuf").exists()
}
