//! Tests on a device: each says what it needs, what is missing is reported as ignored, and any message
//! of the validation layer fails the test.

use std::sync::{Arc, Mutex};

use libtest_mimic::{Completion, Failed, Trial};
use zerohop_needs::absent;
use zerohop_vulkan::Device;

use super::Machine;

/// A test over a device.
pub(crate) type Test = fn(&Machine);

/// A test that needs a device.
pub(crate) fn one(
    need: &'static str,
    name: &'static str,
    machine: Result<Arc<Machine>, String>,
    has: fn(&Device) -> bool,
    test: Test,
) -> Trial {
    Trial::ignorable_test(name, move || match machine {
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
    let before = machine.complaints();
    test(machine);
    if machine.complaints() != before {
        let texts = machine.instance.messages().map(|messages| messages.texts());
        return Err(format!("the validation layer says {texts:#?}").into());
    }
    Ok(Completion::Completed)
}
