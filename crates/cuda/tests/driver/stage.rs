//! A process for each case, with the stand-in in it.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Completion, Failed, Trial};
use zerohop_needs::absent;
use zerohop_testkit_cuda::{LIBRARY, Report, install, plan};
use zerohop_vulkan::{Instance, InstanceOptions};

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// One test.
pub(crate) struct Case {
    name: &'static str,
    needs_device: bool,
    run: fn() -> Outcome,
    /// The most calls that it may take.
    most: &'static [(&'static str, u64)],
}

impl Case {
    pub(crate) const fn plain(name: &'static str, run: fn() -> Outcome) -> Self {
        Self { name, needs_device: false, run, most: &[] }
    }

    /// A case that wants a Vulkan device whose memory the stand-in can read.
    pub(crate) const fn of_device(name: &'static str, run: fn() -> Outcome) -> Self {
        Self { name, needs_device: true, run, most: &[] }
    }

    /// A case that may call these functions so often and no more.
    pub(crate) const fn at_most(self, most: &'static [(&'static str, u64)]) -> Self {
        Self { most, ..self }
    }
}

/// Tells a child which case it is.
const CASE: &str = "CUDA_TEST_CASE";

/// The UUID of the stand-in's GPU, where no device says another.
pub(crate) const UUID: [u8; 16] = *b"a stand-in's GPU";

/// Runs the case that this process is for; `None` in the parent.
pub(crate) fn child(cases: &[Case]) -> Option<ExitCode> {
    let name = env::var(CASE).ok()?;
    let case = cases.iter().find(|case| case.name == name);
    let run = case.map(|case| case.run).or_else(|| crate::faults::case(&name));
    match run.expect("a case of that name")() {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(err) => {
            let mut said = err.to_string();
            let mut cause = err.source();
            while let Some(inner) = cause {
                said += &format!(": {inner}");
                cause = inner.source();
            }
            eprintln!("{said}");
            Some(ExitCode::FAILURE)
        }
    }
}

pub(crate) fn trial(case: &'static Case) -> Trial {
    let kind = if case.needs_device { "cpu" } else { "" };
    Trial::ignorable_test(case.name, move || {
        let uuid = match (case.needs_device, cpu()) {
            (false, _) => UUID,
            (true, Ok(uuid)) => uuid,
            (true, Err(why)) => return absent("cpu", &why),
        };
        let (output, report) = spawn(case.name, uuid, "")?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(report.faults(), Vec::<String>::new());
        for (call, most) in case.most {
            let count = report.count(call);
            assert!(
                (1..=*most).contains(&count),
                "{call} was called {count} times, {most} is most"
            );
        }
        Ok(Completion::Completed)
    })
    .with_kind(kind)
}

/// Runs a case in a child whose stand-in fails as `failures` says.
pub(crate) fn spawn(
    case: &str,
    uuid: [u8; 16],
    failures: &str,
) -> Result<(Output, Report), Failed> {
    spawn_with(&library(), case, uuid, failures)
}

/// The same with another library.
pub(crate) fn spawn_with(
    library: &Path,
    case: &str,
    uuid: [u8; 16],
    failures: &str,
) -> Result<(Output, Report), Failed> {
    let folder = tempfile::tempdir()?;
    let (libraries, report) = (folder.path().join("lib"), folder.path().join("report"));
    install(library, &libraries)?;
    let mut command = Command::new(env::current_exe()?);
    command.env("LD_LIBRARY_PATH", libraries).env(CASE, case);
    command.env(plan::UUIDS, plan::hex(uuid)).env(plan::REPORT, &report);
    command.env(plan::FAIL, failures);
    let output = command.output()?;
    Ok((output, Report::read(&report).unwrap_or_default()))
}

/// The stand-in as cargo built it for this test.
fn library() -> std::path::PathBuf {
    let exe = env::current_exe().expect("this program has a name");
    exe.parent().map(Path::to_owned).unwrap_or_default().join(LIBRARY)
}

/// The UUID of the device that the stand-in can read the memory of: one on the CPU.
fn cpu() -> Result<[u8; 16], String> {
    let instance = Instance::new(InstanceOptions::from_env()).map_err(|err| err.to_string())?;
    let devices = instance.devices().map_err(|err| err.to_string())?;
    let cpu = devices.iter().find(|device| device.kind() == zerohop_vulkan::DeviceKind::Cpu);
    cpu.map(|device| device.id().device_uuid).ok_or_else(|| "no device is the CPU".into())
}
