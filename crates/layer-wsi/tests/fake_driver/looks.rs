//! Pictures that stand still, over a driver that counts what looking at them takes.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ash::vk;
use zerohop_testkit::fake_driver::{FakeDriver, Options};
use zerohop_testkit::host::{Heard, Host, Manner};

use crate::scenario::{Scenario, Trouble};
use crate::{descriptors, settled_alone, start};

/// What looking takes, and what waiting for it does.
const OF_LOOKS: &[&str] = &[
    "vkCreateBuffer",
    "vkBindBufferMemory",
    "vkMapMemory",
    "vkCreateDescriptorSetLayout",
    "vkCreatePipelineLayout",
    "vkCreateShaderModule",
    "vkCreateComputePipelines",
    "vkCreateImageView",
    "vkCreateDescriptorPool",
    "vkAllocateDescriptorSets",
];

/// With memory that is coherent, which every real driver has.
fn able() -> Options {
    Options { host_memory: true, ..Options::default() }
}

/// Pictures that came, and that were kept.
fn came(heard: &Heard) -> (usize, usize) {
    let kept = heard.kept.iter().map(|(_, kept)| kept.count as usize).sum();
    (heard.frames.len(), kept)
}

/// Shows pictures at the pace of the virtual screen, so that there is time to hear a host that says that
/// they stand still: how many came and how many were kept, of two swapchains.
fn look(driver: &FakeDriver, host: &Host) -> Result<(usize, usize), String> {
    let scenario = Scenario { frames: 12, mode: vk::PresentModeKHR::FIFO, ..Scenario::default() };
    let before = {
        let heard = host.heard();
        came(&heard)
    };
    let since = |heard: &Heard| {
        let now = came(heard);
        (now.0 - before.0, now.1 - before.1)
    };
    let played = scenario.play(driver);
    let all = |(sent, kept)| sent + kept == scenario.presents();
    let whole = host.wait(Duration::from_secs(2), |heard| all(since(heard)));
    played.map_err(|trouble| trouble.to_string())?;
    let heard = host.heard();
    let (found, refused) = (since(&heard), &heard.refused);
    match whole && refused.is_empty() {
        true => Ok(found),
        false => Err(format!("{found:?} of {} came, {refused:?}", scenario.presents())),
    }
}

/// No shader runs, so every picture is found to be the one before.
pub(crate) fn kept(socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let host = start(socket, Manner::SaysStill(2))?;
    let options = [
        able(),
        Options { sync_fd: true, ..able() },
        Options { modifiers: true, sync_fd: true, ..able() },
    ];
    let drivers = options.map(FakeDriver::new);
    for driver in &drivers {
        let (sent, kept) = look(driver, &host)?;
        if kept == 0 || driver.calls("vkCmdDispatch") == 0 {
            return Err(format!("{sent} sent, {kept} kept"));
        }
    }
    drop(host);
    drivers.iter().try_for_each(|driver| settled_alone(driver, before))
}

/// Where anything of it fails all pictures are sent.
pub(crate) fn failed(socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let host = start(socket, Manner::SaysStill(2))?;
    let mut drivers = Vec::new();
    for command in OF_LOOKS {
        let driver = FakeDriver::new(able());
        driver.break_command(command, vk::Result::ERROR_OUT_OF_DEVICE_MEMORY);
        let (_, kept) = look(&driver, &host).map_err(|why| format!("{command}: {why}"))?;
        let calls = driver.calls(command);
        if kept > 0 || calls == 0 {
            return Err(format!("{command}: {kept} kept after {calls} calls"));
        }
        drivers.push((command, driver));
    }
    drop(host);
    let settled = |driver| settled_alone(driver, before);
    drivers.iter().try_for_each(|(command, driver)| {
        settled(driver).map_err(|why| format!("{command}: {why}"))
    })
}

/// How long the thread waits for each picture that it looks at.
const LOOK: Duration = Duration::from_millis(60);

/// The same for drivers whose looks take a while.
fn slow() -> Options {
    Options { sync_fd: true, others_wait: LOOK, ..able() }
}

/// Plays, and does `what` while the thread waits for the first picture that is looked at.
fn interrupt(
    driver: &FakeDriver,
    scenario: Scenario,
    what: impl FnOnce() + Send,
) -> Result<Result<(), Trouble>, String> {
    let begin = Instant::now();
    let (played, looked) = thread::scope(|scope| {
        let meanwhile = scope.spawn(move || {
            while driver.calls("vkCmdDispatch") == 0 && begin.elapsed() < Duration::from_secs(5) {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(LOOK / 4);
            what();
            driver.calls("vkCmdDispatch") > 0
        });
        (scenario.play(driver), meanwhile.join())
    });
    match (looked, begin.elapsed()) {
        (Ok(true), took) if took < Duration::from_secs(10) => Ok(played),
        other => Err(format!("looked at, took: {other:?}")),
    }
}

pub(crate) fn host_killed(socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let host = start(socket, Manner::SaysStill(2))?;
    let driver = FakeDriver::new(slow());
    let scenario = Scenario { frames: 24, mode: vk::PresentModeKHR::FIFO, ..Scenario::default() };
    interrupt(&driver, scenario, || drop(host))?.map_err(|trouble| trouble.to_string())?;
    settled_alone(&driver, before)
}

/// An application that `waits` for the device learns of it there, another one from an acquire.
pub(crate) fn device_lost(socket: &Path, waits: bool) -> Result<(), String> {
    let before = descriptors();
    let host = start(socket, Manner::SaysStill(2))?;
    let driver = FakeDriver::new(slow());
    let scenario = Scenario { frames: 24, mode: vk::PresentModeKHR::FIFO, waits };
    let lost = vk::Result::ERROR_DEVICE_LOST;
    let played = interrupt(&driver, scenario, || driver.break_command("vkWaitForFences", lost));
    let told = || host.heard().fallbacks.iter().any(|what| what == "handover");
    let told = waits || told();
    drop(host);
    match played? {
        Ok(()) | Err(Trouble::Refused(_)) if told => settled_alone(&driver, before),
        other => Err(format!("{other:?}, told: {told}")),
    }
}
