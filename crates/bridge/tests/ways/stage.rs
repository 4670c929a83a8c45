//! A process for each case, with the stand-in in it, and the validation layer where there is one.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use libtest_mimic::{Completion, Failed, Trial};
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
    /// What it needs besides a device on the CPU.
    need: Option<&'static str>,
    /// Which calls fail.
    failing: &'static str,
    /// The most calls that it may take.
    most: &'static [(&'static str, u64)],
    /// The layers between it and the driver, which lacks dma-bufs then.
    below: Option<&'static [&'static str]>,
}

impl Case {
    pub(crate) const fn new(name: &'static str, run: fn(&Arc<Queue>) -> Outcome) -> Self {
        Self { name, run, need: None, failing: "", most: &[], below: None }
    }

    pub(crate) const fn needing(self, need: &'static str) -> Self {
        Self { need: Some(need), ..self }
    }

    pub(crate) const fn failing(self, failing: &'static str) -> Self {
        Self { failing, ..self }
    }

    /// One over a driver without dma-bufs, and these layers above it.
    pub(crate) const fn without_dma_bufs(self, below: &'static [&'static str]) -> Self {
        Self { below: Some(below), ..self }
    }

    pub(crate) const fn at_most(self, most: &'static [(&'static str, u64)]) -> Self {
        Self { most, ..self }
    }
}

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
    let queue = Queue::new(&Device::open(&cpu(&instance)?)?);
    let missing = layers::missing();
    if !missing.is_empty() {
        return Err(format!("not loaded: {}", missing.join(", ")).into());
    }
    if let Some(below) = case.below {
        let expected = !below.is_empty();
        assert_eq!(queue.device().capabilities().dma_buf, expected, "dma-bufs of {below:?}");
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
        let uuid = match cpu(&instance) {
            Ok(physical) => physical.id().device_uuid,
            Err(why) => return absent("cpu", &why),
        };
        if let Some((need, why)) = case.need.and_then(lacking) {
            return absent(need, &why);
        }
        start(case, uuid)
    })
}

fn start(case: &Case, uuid: [u8; 16]) -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    let (libraries, report) = (folder.path().join("lib"), folder.path().join("report"));
    let exe = env::current_exe()?;
    install(&exe.parent().map(Path::to_owned).unwrap_or_default().join(LIBRARY), &libraries)?;
    let mut command = Command::new(exe);
    command.env("LD_LIBRARY_PATH", libraries).env(CASE, case.name);
    command.env(plan::UUIDS, plan::hex(uuid)).env(plan::REPORT, &report);
    command.env(plan::FAIL, case.failing);
    if let Some(below) = case.below {
        hide(&mut command, folder.path(), below)?;
    }
    let output = command.output()?;
    let report = Report::read(&report).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(report.faults(), Vec::<String>::new());
    for (call, most) in case.most {
        let count = report.count(call);
        assert!((1..=*most).contains(&count), "{call} was called {count} times, {most} is most");
    }
    Ok(Completion::Completed)
}

/// Puts layers between the case and the driver, of which the last hides that it has dma-bufs.
fn hide(command: &mut Command, folder: &Path, layers: &[&str]) -> std::io::Result<()> {
    let library = env::current_exe()?.with_file_name(zerohop_layer_hide::LIBRARY);
    zerohop_layer_hide::install(&library, &folder.join(zerohop_layer_hide::LAYER_NAME))?;
    let names = [&[VALIDATION], layers, &[zerohop_layer_hide::LAYER_NAME]].concat();
    layers::stack(command, folder, &names)?;
    let hidden = ["VK_EXT_external_memory_dma_buf", "VK_EXT_image_drm_format_modifier"];
    command.env(zerohop_layer_hide::VARIABLE, hidden.join(","));
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

/// The device that the stand-in can read the memory of: one on the CPU.
fn cpu(instance: &Arc<Instance>) -> Result<PhysicalDevice, String> {
    let devices = instance.devices().map_err(|err| err.to_string())?;
    let cpu = devices.into_iter().find(|device| device.kind() == DeviceKind::Cpu);
    cpu.ok_or_else(|| "no device is the CPU".into())
}
