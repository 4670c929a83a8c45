//! A process for each case, with both stand-ins in it.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Failed, Trial};
use zerohop_testkit_cuda::{Report, plan};
use zerohop_testkit_nvenc::{BEHAVIOUR, JOURNAL, Journal};

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// What a test looks at when its process has ended.
pub(crate) type Look = fn(&Journal);

/// One test: what the library is told to be, what runs, and what is looked at afterwards.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) behaviour: &'static str,
    pub(crate) run: fn() -> Outcome,
    pub(crate) look: Look,
}

/// Tells a child which case it is.
const CASE: &str = "NVENC_TEST_CASE";

/// The UUID of the stand-in's GPU.
pub(crate) const UUID: [u8; 16] = *b"a stand-in's GPU";

/// Runs the case that this process is for; `None` in the parent.
pub(crate) fn child(cases: &[Case]) -> Option<ExitCode> {
    let name = env::var(CASE).ok()?;
    match (cases.iter().find(|case| case.name == name)?.run)() {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(err) => {
            let mut cause: Option<&(dyn Error + 'static)> = Some(&*err);
            while let Some(inner) = cause {
                eprintln!("{inner}");
                cause = inner.source();
            }
            Some(ExitCode::FAILURE)
        }
    }
}

pub(crate) fn trial(case: &'static Case) -> Trial {
    Trial::test(case.name, move || spawn(case, true))
}

/// A test after which something is left, which is not looked at.
pub(crate) fn leaking(case: &'static Case) -> Trial {
    Trial::test(case.name, move || spawn(case, false))
}

fn spawn(case: &Case, is_clean: bool) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let [libraries, report, journal] =
        ["lib", "report", "journal"].map(|name| folder.path().join(name));
    let exe = env::current_exe()?;
    let built = exe.parent().map(Path::to_owned).unwrap_or_default();
    zerohop_testkit_cuda::install(&built.join(zerohop_testkit_cuda::LIBRARY), &libraries)?;
    zerohop_testkit_nvenc::install(&built.join(zerohop_testkit_nvenc::LIBRARY), &libraries)?;
    let mut command = Command::new(&exe);
    command.env("LD_LIBRARY_PATH", libraries).env(CASE, case.name);
    command.env(plan::UUIDS, plan::hex(UUID)).env(plan::REPORT, &report);
    command.env(BEHAVIOUR, case.behaviour).env(JOURNAL, &journal);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let journal = Journal::read(&journal).unwrap_or_default();
    assert_eq!(journal.faults(), [""; 0], "{said}");
    let report = Report::read(&report).unwrap_or_default();
    assert_eq!(report.complaints, [""; 0], "{said}");
    assert!(!is_clean || report.faults().is_empty(), "{:?}", report.faults());
    (case.look)(&journal);
    Ok(())
}
