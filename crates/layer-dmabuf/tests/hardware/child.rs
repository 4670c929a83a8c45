//! One case in a process of its own.

use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, thread};

use ash::{ext, khr};
use zerohop_frame::BoxError;
use zerohop_layer_dmabuf as _;
use zerohop_manifest::DMABUF;
use zerohop_testkit::layers::{self, VALIDATION};
use zerohop_testkit::rig::{Device, DeviceOptions, Instance};

use crate::{Outcome, cases};

/// The first argument of a case.
pub(crate) const FLAG: &str = "--case";

/// How long a process may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the validation layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Between the application and us.
    Above,
    /// Between us and a driver that lacks all that we offer, and does not let itself be asked for it.
    Below,
    /// Between us and a driver that has modifiers, and no dma-bufs to use them for: NVIDIA's where
    /// there is no DRM node.
    Modified,
}

impl Place {
    /// What the driver is to lack.
    fn hidden(self) -> Vec<&'static str> {
        let all = DMABUF.device_extensions.iter().map(|one| one.name);
        match self {
            Self::Above => Vec::new(),
            Self::Below => all.collect(),
            Self::Modified => {
                all.filter(|name| !name.ends_with("modifier") && !name.ends_with("_fd")).collect()
            }
        }
    }
}

/// Where manifests are written.
pub(crate) fn folder() -> PathBuf {
    zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR")).join("dmabuf-layers")
}

/// Writes the manifest of the layer that hides what the driver has. To be called once.
pub(crate) fn install_hide() -> std::io::Result<()> {
    let library = env::current_exe()?.with_file_name(zerohop_layer_hide::LIBRARY);
    zerohop_layer_hide::install(&library, &folder().join(zerohop_layer_hide::LAYER_NAME))
}

/// What the machine lacks for any of this: the need and the reason.
pub(crate) fn lacking(place: Place) -> Option<(&'static str, String)> {
    let listed = Instance::new().and_then(|instance| {
        let physical = instance.physical()?;
        Device::listed(&instance, physical)
    });
    let listed = match listed {
        Ok(listed) => listed,
        Err(err) => return Some(("device", err.to_string())),
    };
    let host = ("host_pointers", ext::external_memory_host::NAME);
    let modifiers = ("dma_buf", ext::image_drm_format_modifier::NAME);
    let needs = if place == Place::Modified { &[host, modifiers][..] } else { &[host] };
    let missing = needs.iter().find(|(_, name)| !listed.iter().any(|one| **one == **name))?;
    Some((missing.0, format!("the device lacks {}", missing.1.to_string_lossy())))
}

/// Runs one case in another process, and says what it said when it fails.
pub(crate) fn start(case: &str, place: Place) -> Outcome {
    let mut command = Command::new(env::current_exe()?);
    command.args([FLAG, case]);
    let names: &[&str] = match place {
        Place::Above => &[VALIDATION, DMABUF.name],
        _ => &[DMABUF.name, zerohop_layer_hide::LAYER_NAME, VALIDATION],
    };
    layers::stack(&mut command, &folder(), names)?;
    command.env(zerohop_layer_hide::VARIABLE, place.hidden().join(","));
    // Also where the driver could do it by itself.
    let takeover = if place == Place::Above { "always" } else { "auto" };
    command.env("ZEROHOP_DMABUF", takeover);
    finish(command)
}

/// Runs a process to its end, at most as long as [`PATIENCE`].
pub(crate) fn finish(mut command: Command) -> Outcome {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let said = [drain(child.stdout.take()), drain(child.stderr.take())];
    let status = wait(&mut child)?;
    let said: Vec<_> = said.into_iter().map(|thread| thread.join().unwrap_or_default()).collect();
    if status { Ok(()) } else { Err(said.concat().into()) }
}

fn wait(child: &mut Child) -> Result<bool, BoxError> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        thread::sleep(Duration::from_millis(2));
    }
    child.kill()?;
    child.wait()?;
    Err(format!("still running after {PATIENCE:?}").into())
}

/// Reads to the end in a thread, so that the child never waits for us.
fn drain(pipe: Option<impl std::io::Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        // What could be read so far is all there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_string(&mut text));
        text
    })
}

/// Runs the case called `name` in this process.
pub(crate) fn run(name: &str) -> ExitCode {
    match case(name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            println!("{name}: {err}");
            ExitCode::FAILURE
        }
    }
}

fn case(name: &str) -> Outcome {
    let case = cases::all().into_iter().find(|case| case.name == name).ok_or("no such case")?;
    in_application(case.run)
}

/// Does something on a device with all that the layer offers; what the validation layer then says
/// is an error.
pub(crate) fn in_application<T>(
    act: impl FnOnce(&Arc<Device>) -> Result<T, BoxError>,
) -> Result<T, BoxError> {
    let instance = Instance::new()?;
    let device = device(&instance)?;
    let missing = layers::missing();
    if !missing.is_empty() {
        return Err(format!("not loaded: {}", missing.join(", ")).into());
    }
    let done = act(&device)?;
    drop(device);
    let messages: Vec<_> = instance.messages().into_iter().filter(|it| !is_mistaken(it)).collect();
    match messages.first() {
        Some(first) => Err(format!("{} messages: {first}", messages.len()).into()),
        None => Ok(done),
    }
}

/// Whether the validation layer takes an image in memory that came in for one without a layout: the
/// one of 1.3.239 does. It has that in which it was released ("Acquiring the ownership of a
/// resource" in the chapter on queue families, `VUID-VkImageMemoryBarrier-oldLayout-01197`).
fn is_mistaken(message: &str) -> bool {
    message.contains("DrawState-InvalidImageLayout")
        && message.contains("GENERAL--instead, current layout is VK_IMAGE_LAYOUT_UNDEFINED")
}

/// A device with all that the layer offers.
fn device(instance: &Arc<Instance>) -> Result<Arc<Device>, BoxError> {
    let extensions = [
        khr::external_memory_fd::NAME,
        ext::external_memory_dma_buf::NAME,
        ext::image_drm_format_modifier::NAME,
        ext::queue_family_foreign::NAME,
        khr::external_semaphore_fd::NAME,
        khr::external_fence_fd::NAME,
    ];
    Ok(Device::new(instance, &DeviceOptions { extensions: &extensions, ..Default::default() })?)
}
