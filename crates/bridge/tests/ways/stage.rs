//! A process for each case, with the validation layer where there is one. Where CUDA's own driver
//! knows a GPU of Vulkan's, the case runs there; else over the stand-in, on the CPU.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use libtest_mimic::{Completion, Failed, Trial};
use zerohop_cuda::{Cuda, Uuid};
use zerohop_gl::{Context, Platform};
use zerohop_kernel::{Memfd, udmabuf};
use zerohop_layer_dmabuf as _;
use zerohop_needs::absent;
use zerohop_testkit::layers::{self, VALIDATION};
use zerohop_testkit_cuda::{LIBRARY, Report, install, plan};
use zerohop_vulkan::{Device, DeviceKind, Instance, InstanceOptions, PhysicalDevice, Queue};

pub(crate) type Outcome = Result<(), zerohop_frame::BoxError>;

/// One test.
pub(crate) struct Case {
    name: &'static str,
    run: fn(&Arc<Queue>) -> Outcome,
    /// What it needs besides a device.
    need: Option<&'static str>,
    /// Which calls fail, of the stand-in.
    failing: &'static str,
    /// The most calls that it may take, as the stand-in counts them.
    most: &'static [(&'static str, u64)],
    /// What the driver lacks (`zerohop_layer_hide`), if anything.
    hidden: &'static str,
    /// The layers between it and such a driver.
    below: &'static [&'static str],
}

impl Case {
    pub(crate) const fn new(name: &'static str, run: fn(&Arc<Queue>) -> Outcome) -> Self {
        Self { name, run, need: None, failing: "", most: &[], hidden: "", below: &[] }
    }

    pub(crate) const fn needing(self, need: &'static str) -> Self {
        Self { need: Some(need), ..self }
    }

    pub(crate) const fn failing(self, failing: &'static str) -> Self {
        Self { failing, ..self }
    }

    /// One over a driver without dma-bufs, and these layers above it.
    pub(crate) const fn without_dma_bufs(self, below: &'static [&'static str]) -> Self {
        Self { hidden: DMA_BUFS, below, ..self }
    }

    /// One over a driver that lacks something.
    pub(crate) const fn without(self, hidden: &'static str) -> Self {
        Self { hidden, ..self }
    }

    pub(crate) const fn at_most(self, most: &'static [(&'static str, u64)]) -> Self {
        Self { most, ..self }
    }
}

/// What drivers have dma-bufs with.
const DMA_BUFS: &str = "VK_EXT_external_memory_dma_buf,VK_EXT_image_drm_format_modifier";

/// Tells a child which case it is.
const CASE: &str = "BRIDGE_TEST_CASE";

/// Runs the case that this process is for; `None` in the parent.
pub(crate) fn child(cases: &[Case]) -> Option<ExitCode> {
    let name = env::var(CASE).ok()?;
    let case = cases.iter().find(|case| case.name == name).expect("a case of that name");
    Some(match run(case) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            let cause = err.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("{err}{cause}");
            ExitCode::FAILURE
        }
    })
}

fn run(case: &Case) -> Outcome {
    let instance = Instance::new(InstanceOptions { validation: true })?;
    let (physical, _) = subject(&instance)?;
    let queue = Queue::new(&Device::open(&physical)?);
    let missing = layers::missing();
    if !missing.is_empty() {
        return Err(format!("not loaded: {}", missing.join(", ")).into());
    }
    if case.hidden == DMA_BUFS {
        let (has, expected) = (queue.device().capabilities().dma_buf, !case.below.is_empty());
        assert_eq!(has, expected, "dma-bufs of {:?}", case.below);
    }
    (case.run)(&queue)?;
    drop(queue);
    match instance.messages().map(|messages| messages.texts()).unwrap_or_default().first() {
        Some(first) => Err(format!("the validation layer: {first}").into()),
        None => Ok(()),
    }
}

pub(crate) fn trial(case: &'static Case) -> Trial {
    Trial::ignorable_test(case.name, move || {
        let instance = Instance::new(InstanceOptions { validation: true });
        let instance = match instance {
            Ok(instance) => instance,
            Err(err) => return absent("validation", &err.to_string()),
        };
        let (physical, real) = match subject(&instance) {
            Ok(subject) => subject,
            Err(why) => return absent("cpu", &why),
        };
        if let Some((need, why)) = case.need.and_then(lacking) {
            return absent(need, &why);
        }
        match real {
            false => over_the_stand_in(case, physical.id().device_uuid),
            true if !case.failing.is_empty() => {
                absent("cpu", "no call of a real driver fails on demand")
            }
            true => on_the_gpu(case),
        }
    })
}

fn on_the_gpu(case: &Case) -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    finish(Command::new(env::current_exe()?), case, folder.path())?;
    Ok(Completion::Completed)
}

fn over_the_stand_in(case: &Case, uuid: [u8; 16]) -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    let (libraries, report) = (folder.path().join("lib"), folder.path().join("report"));
    let exe = env::current_exe()?;
    install(&exe.parent().map(Path::to_owned).unwrap_or_default().join(LIBRARY), &libraries)?;
    let mut command = Command::new(exe);
    command.env("LD_LIBRARY_PATH", libraries).env(plan::FAIL, case.failing);
    command.env(plan::UUIDS, plan::hex(uuid)).env(plan::REPORT, &report);
    finish(command, case, folder.path())?;
    let report = Report::read(&report).unwrap_or_default();
    assert_eq!(report.faults(), Vec::<String>::new());
    for (call, most) in case.most {
        let count = report.count(call);
        assert!((1..=*most).contains(&count), "{call} was called {count} times, {most} is most");
    }
    Ok(Completion::Completed)
}

/// Runs a case to its end.
fn finish(mut command: Command, case: &Case, folder: &Path) -> Result<(), Failed> {
    command.env(CASE, case.name);
    if !case.hidden.is_empty() {
        hide(&mut command, folder, case)?;
    }
    let output = command.output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Puts layers between the case and the driver, of which the last hides what the case is to lack.
fn hide(command: &mut Command, folder: &Path, case: &Case) -> std::io::Result<()> {
    let library = env::current_exe()?.with_file_name(zerohop_layer_hide::LIBRARY);
    zerohop_layer_hide::install(&library, &folder.join(zerohop_layer_hide::LAYER_NAME))?;
    let names = [&[VALIDATION], case.below, &[zerohop_layer_hide::LAYER_NAME]].concat();
    layers::stack(command, folder, &names)?;
    command.env(zerohop_layer_hide::VARIABLE, case.hidden);
    Ok(())
}

/// What the machine lacks of `need`, and why.
fn lacking(need: &'static str) -> Option<(&'static str, String)> {
    let why = match need {
        "egl" => Context::on(&Platform::Surfaceless).err()?.to_string(),
        _ => {
            let memfd = Memfd::create("one page", 4096);
            memfd.and_then(|memfd| udmabuf(&memfd)).err()?.to_string()
        }
    };
    Some((need, why))
}

/// The device to try: a GPU that CUDA knows, and `true`; else one on the CPU, whose memory the stand-in
/// can read.
fn subject(instance: &Arc<Instance>) -> Result<(PhysicalDevice, bool), String> {
    let devices = instance.devices().map_err(|err| err.to_string())?;
    let cuda = Cuda::load().ok();
    let known = |device: &PhysicalDevice| {
        let uuid = Uuid(device.id().device_uuid);
        cuda.as_ref().is_some_and(|cuda| zerohop_cuda::Device::open(cuda, uuid).is_ok())
    };
    let (cpus, gpus): (Vec<_>, Vec<_>) =
        devices.into_iter().partition(|device| device.kind() == DeviceKind::Cpu);
    let gpu = gpus.into_iter().find(known).map(|gpu| (gpu, true));
    let subject = gpu.or_else(|| cpus.into_iter().next().map(|cpu| (cpu, false)));
    subject.ok_or_else(|| "no device is the CPU, and CUDA knows none".into())
}
