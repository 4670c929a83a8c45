//! The layer over a driver that counts everything: what it hands down, what it leaves behind, and
//! what it does when a call fails or a host misbehaves.
//!
#![allow(unsafe_code, reason = "a loader of our own calls the layer")]

mod looks;
mod scenario;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use ash::vk;
use libtest_mimic::{Arguments, Failed, Trial};
use zerohop_frame::FrameDescriptor;
use zerohop_testkit::fake_driver::{FakeDriver, Kind, Options, TILED};
use zerohop_testkit::host::{Host, Lie, Manner};
use zerohop_wire::SOCKET_VARIABLE;

use scenario::{Scenario, Trouble, play_pairs};

/// The first argument of a child; the name of a test follows.
const FLAG: &str = "--alone";

/// Each test has a process of its own: a layer has one host per process, and descriptors are
/// counted.
fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if let [_, flag, name] = &args[..]
        && flag == FLAG
    {
        return alone(name);
    }
    let trials = TESTS.iter().map(|(name, _)| Trial::test(*name, move || start_alone(name)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Runs one test in this process.
fn alone(name: &str) -> ExitCode {
    let folder = env::temp_dir().join(format!("zerohop-fake-{}", std::process::id()));
    let socket = folder.join("host");
    // SAFETY: this is the only thread yet.
    unsafe { env::set_var(SOCKET_VARIABLE, &socket) };
    // SAFETY: as above. Errors that are provoked need not be read.
    unsafe { env::set_var("ZEROHOP_LOG", "off") };
    let found = TESTS.iter().find(|(test, _)| *test == name);
    let done = found.map_or_else(|| Err(format!("no test {name}")), |(_, test)| test(&socket));
    // There may be none.
    let _ = fs::remove_dir_all(&folder);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one test in a process of its own.
fn start_alone(name: &str) -> Result<(), Failed> {
    let done = Command::new(env::current_exe()?).args([FLAG, name]).output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stdout);
    let log = String::from_utf8_lossy(&done.stderr);
    Err(format!("{said}{log}({})", done.status).into())
}

type Test = fn(&Path) -> Result<(), String>;

const TESTS: &[(&str, Test)] = &[
    ("nothing_is_left_behind_without_a_host", |_| clean(Options::default(), None)),
    ("nothing_is_left_behind_with_a_host", |socket| clean(Options::default(), Some(socket))),
    ("pictures_that_cannot_leave_are_copied_by_the_gpu", |socket| copied(socket, BY_GPU, false)),
    ("and_by_the_cpu_where_the_gpu_cannot", |socket| copied(socket, BY_CPU, true)),
    ("a_driver_without_a_swapchain_gets_no_present_layout", without_swapchain),
    ("sync_files_go_along_where_the_driver_has_them", sync_files),
    ("a_picture_may_take_long_to_draw", slow_device),
    ("pictures_go_on_when_no_fence_can_leave", no_fence_leaves),
    ("images_with_a_modifier_leave_as_dma_bufs", dma_bufs),
    ("a_driver_without_linear_modifiers_exports_tiled_images", tiled_dma_bufs),
    ("each_picture_is_announced_sent_and_closed_once", bookkeeping),
    ("two_drivers_at_once_never_see_each_others_handles", two_drivers),
    ("any_call_may_run_out_of_host_memory", |socket| {
        every_failure(vk::Result::ERROR_OUT_OF_HOST_MEMORY, Options::default(), socket)
    }),
    ("any_call_may_run_out_of_device_memory_with_sync_files", |socket| {
        let options = Options { sync_fd: true, ..Options::default() };
        every_failure(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, options, socket)
    }),
    ("any_call_may_fail_with_modifiers", |socket| {
        let options = Options { modifiers: true, sync_fd: true, ..Options::default() };
        every_failure(vk::Result::ERROR_OUT_OF_HOST_MEMORY, options, socket)
    }),
    ("the_application_never_waits_for_a_copy", slow_copies),
    ("any_call_may_fail_while_the_gpu_copies", |socket| {
        every_failure(vk::Result::ERROR_OUT_OF_HOST_MEMORY, BY_GPU, socket)
    }),
    ("any_call_may_fail_while_the_cpu_copies", |socket| {
        every_failure(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, BY_CPU, socket)
    }),
    ("the_device_may_be_lost_while_the_cpu_copies", |socket| {
        every_failure(vk::Result::ERROR_DEVICE_LOST, BY_CPU, socket)
    }),
    ("a_present_to_two_swapchains_happens_or_not_for_both", pairs),
    ("what_the_device_may_still_use_is_not_freed", unknown_end),
    ("any_call_may_lose_the_device", |socket| {
        every_failure(vk::Result::ERROR_DEVICE_LOST, Options::default(), socket)
    }),
    ("an_acquire_signals_all_or_nothing_where_no_fence_comes_in", |_| {
        every_failure_but("vkImportFenceFdKHR")
    }),
    ("an_acquire_signals_all_or_nothing_where_no_semaphore_comes_in", |_| {
        every_failure_but("vkImportSemaphoreFdKHR")
    }),
    ("still_pictures_are_kept_and_nothing_is_left_behind", looks::kept),
    ("any_call_may_fail_while_pictures_are_looked_at", looks::failed),
    ("the_host_may_be_killed_while_a_picture_is_looked_at", looks::host_killed),
    ("the_device_may_be_lost_while_a_picture_is_looked_at", |socket| {
        looks::device_lost(socket, false)
    }),
    ("also_under_an_application_that_waits_for_it", |socket| looks::device_lost(socket, true)),
    ("a_slow_host_costs_nothing", |socket| manner(socket, Manner::Slow(Duration::from_millis(30)))),
    ("a_slow_host_costs_nothing_to_a_copy", |socket| {
        manner_of(socket, Manner::Slow(Duration::from_millis(30)), BY_CPU)
    }),
    ("a_host_that_keeps_every_copy_costs_nothing", |socket| {
        manner_of(socket, Manner::Never, BY_CPU)
    }),
    ("a_host_that_hangs_up_on_copies_costs_nothing", |socket| {
        manner_of(socket, Manner::HangsUp(3), BY_CPU)
    }),
    ("a_hoarding_host_costs_nothing", |socket| manner(socket, Manner::Hoarding(2))),
    ("a_host_that_keeps_everything_costs_nothing", |socket| manner(socket, Manner::Never)),
    ("a_deaf_host_costs_nothing", |socket| manner(socket, Manner::Deaf)),
    ("a_host_that_hangs_up_costs_nothing", |socket| manner(socket, Manner::HangsUp(3))),
    ("a_host_that_invents_buffers_costs_nothing", |socket| lie(socket, Lie::UnknownBuffer)),
    ("a_host_that_invents_pictures_costs_nothing", |socket| lie(socket, Lie::WrongSequence)),
    ("a_host_that_releases_twice_costs_nothing", |socket| lie(socket, Lie::Twice)),
    ("a_host_that_speaks_garbage_costs_nothing", |socket| lie(socket, Lie::Garbage)),
    ("a_host_that_changes_its_version_costs_nothing", |socket| lie(socket, Lie::WelcomeAgain)),
];

/// A driver whose images cannot leave, and whose GPU can write memory of the process.
const BY_GPU: Options = Options {
    memory_fd: false,
    sync_fd: false,
    modifiers: false,
    tiled_only: false,
    swapchain: false,
    host_memory: true,
    work: Duration::ZERO,
    others_wait: Duration::ZERO,
};

/// One whose GPU cannot.
const BY_CPU: Options = Options { host_memory: false, ..BY_GPU };

/// After so long the layer looks for a host again.
const AGAIN: Duration = Duration::from_millis(1100);

/// Descriptors of this process.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Checks that nothing of `driver` is alive, that it has nothing to complain of, and that no
/// descriptor is left of `before`.
fn settled(driver: &FakeDriver, before: usize) -> Result<(), String> {
    let (live, complaints) = (driver.live(), driver.complaints());
    if !live.is_empty() {
        return Err(format!("left behind: {live:?}, complaints: {complaints:?}"));
    }
    if !complaints.is_empty() {
        return Err(format!("{} complaints: {:?}", complaints.len(), &complaints[..1]));
    }
    let begin = Instant::now();
    // A host in this process may just be looking at a message.
    while descriptors() > before {
        if begin.elapsed() > AGAIN {
            return Err(format!("{before} descriptors before, {} after", descriptors()));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// As [`settled`], when there was a host: the layer learns that it is gone when it next presents.
fn settled_alone(driver: &FakeDriver, before: usize) -> Result<(), String> {
    let last = FakeDriver::new(Options::default());
    Scenario::default().play(&last).map_err(|trouble| trouble.to_string())?;
    settled(&last, before)?;
    settled(driver, before)
}

fn start(socket: &Path, manner: Manner) -> Result<Host, String> {
    Host::start(socket, manner).map_err(|err| format!("start a host: {err}"))
}

fn clean(options: Options, socket: Option<&Path>) -> Result<(), String> {
    let before = descriptors();
    let driver = FakeDriver::new(options);
    let host = socket.map(|socket| start(socket, Manner::Prompt)).transpose()?;
    Scenario::default().play(&driver).map_err(|trouble| trouble.to_string())?;
    drop(host);
    settled_alone(&driver, before)
}

fn copied(socket: &Path, options: Options, cpu: bool) -> Result<(), String> {
    let before = descriptors();
    let driver = FakeDriver::new(options);
    let host = start(socket, Manner::Prompt)?;
    let scenario = Scenario { mode: vk::PresentModeKHR::FIFO, ..Scenario::default() };
    scenario.play(&driver).map_err(|trouble| trouble.to_string())?;
    let all = scenario.presents();
    host.wait(Duration::from_secs(2), |heard| heard.frames.len() >= all);
    let said = {
        let heard = host.heard();
        let plain = |shape: &FrameDescriptor| {
            shape.modifier.0 == 0 && shape.planes.len() == 1 && shape.planes[0].stride == 32 * 4
        };
        let shapes = heard.buffers.values().all(|(shape, opaque)| plain(shape) && opaque.is_none());
        let costs = heard.copies.iter().all(|copies| (copies.gpu, copies.cpu) == (true, cpu));
        let once = heard.fallbacks.iter().filter(|what| *what == "handover").count() == 1;
        let good = shapes && costs && once && heard.frames.len() == all;
        (good && heard.refused.is_empty()).then_some(()).ok_or(format!("{heard:?}"))
    };
    drop(host);
    said?;
    settled_alone(&driver, before)
}

fn without_swapchain(socket: &Path) -> Result<(), String> {
    clean(Options { swapchain: false, ..Options::default() }, Some(socket))
}

fn sync_files(socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let driver = FakeDriver::new(Options { sync_fd: true, ..Options::default() });
    let host = start(socket, Manner::Prompt)?;
    let scenario = Scenario::default();
    scenario.play(&driver).map_err(|trouble| trouble.to_string())?;
    let told = host.wait(Duration::from_secs(2), |heard| heard.frames.len() >= scenario.presents());
    let (fences, frames) = {
        let heard = host.heard();
        (heard.fences, heard.frames.len())
    };
    drop(host);
    if !told || fences != frames {
        return Err(format!("{fences} of {frames} pictures came with a fence"));
    }
    if driver.calls("vkImportSemaphoreFdKHR") == 0 || driver.calls("vkImportFenceFdKHR") == 0 {
        return Err("no acquire was signaled by a descriptor".to_owned());
    }
    settled_alone(&driver, before)
}

/// Plays with a prompt host, and returns how many of the pictures came with a fence.
fn fences_of(driver: &FakeDriver, socket: &Path) -> Result<usize, String> {
    let host = start(socket, Manner::Prompt)?;
    let scenario = Scenario::default();
    scenario.play(driver).map_err(|trouble| trouble.to_string())?;
    let all = scenario.presents();
    if !host.wait(Duration::from_secs(2), |heard| heard.frames.len() >= all) {
        return Err(format!("{} pictures came", host.heard().frames.len()));
    }
    let fences = host.heard().fences;
    Ok(fences)
}

fn slow_device(socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let work = Duration::from_secs(7);
    let driver = FakeDriver::new(Options { work, ..Options::default() });
    fences_of(&driver, socket)?;
    settled_alone(&driver, before)
}

fn no_fence_leaves(socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let driver = FakeDriver::new(Options { sync_fd: true, ..Options::default() });
    driver.break_command("vkGetSemaphoreFdKHR", vk::Result::ERROR_TOO_MANY_OBJECTS);
    let fences = fences_of(&driver, socket)?;
    if fences > 0 {
        return Err(format!("{fences} fences left"));
    }
    settled_alone(&driver, before)
}

fn dma_bufs(socket: &Path) -> Result<(), String> {
    dma_bufs_of(Options { modifiers: true, ..Options::default() }, socket)
}

fn tiled_dma_bufs(socket: &Path) -> Result<(), String> {
    dma_bufs_of(Options { modifiers: true, tiled_only: true, ..Options::default() }, socket)
}

fn dma_bufs_of(options: Options, socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let driver = FakeDriver::new(options);
    let host = start(socket, Manner::Prompt)?;
    let scenario = Scenario::default();
    scenario.play(&driver).map_err(|trouble| trouble.to_string())?;
    host.wait(Duration::from_secs(2), |heard| heard.frames.len() >= scenario.presents());
    let said = {
        let heard = host.heard();
        let as_drawn = |descriptor: &FrameDescriptor| {
            let [plane] = &descriptor.planes[..] else { return false };
            descriptor.modifier.0 == TILED && plane.stride == 32 * 8
        };
        let good =
            heard.buffers.values().all(|(shape, opaque)| as_drawn(shape) && opaque.is_none());
        let all = !heard.buffers.is_empty() && heard.frames.len() == scenario.presents();
        (good && all && heard.refused.is_empty()).then_some(()).ok_or(format!("{heard:?}"))
    };
    drop(host);
    said?;
    settled_alone(&driver, before)
}

fn bookkeeping(socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let driver = FakeDriver::new(Options::default());
    let host = start(socket, Manner::Prompt)?;
    let scenario = Scenario::default();
    scenario.play(&driver).map_err(|trouble| trouble.to_string())?;
    host.wait(Duration::from_secs(2), |heard| heard.closed >= heard.opened);
    let said = {
        let heard = host.heard();
        let numbers: Vec<_> = heard.frames.iter().map(|frame| frame.sequence).collect();
        let in_order = numbers.is_sorted_by(|a, b| a < b);
        let counts = (heard.connections, heard.opened, heard.closed, numbers.len(), in_order);
        let good = counts == (1, 1, 1, scenario.presents(), true);
        let retired = heard.retired == heard.announced || heard.closed == heard.opened;
        (good && retired && heard.refused.is_empty()).then_some(()).ok_or(format!("{heard:?}"))
    };
    drop(host);
    said?;
    settled_alone(&driver, before)
}

fn two_drivers(socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let host = start(socket, Manner::Prompt)?;
    let plain = FakeDriver::new(Options::default());
    let synced = FakeDriver::new(Options { sync_fd: true, ..Options::default() });
    let played = Scenario::default().play_both(&plain, &synced);
    drop(host);
    played.map_err(|trouble| trouble.to_string())?;
    settled_alone(&plain, before)?;
    settled_alone(&synced, before)
}

/// Plays once for every call that can fail, and lets that one fail: without a host, then with one
/// that stays.
fn every_failure(code: vk::Result, options: Options, socket: &Path) -> Result<(), String> {
    every_failure_of(code, options, |_| {}).map_err(|why| format!("without a host {why}"))?;
    let host = start(socket, Manner::Prompt)?;
    // So that the connection's descriptors are counted from the start.
    let begin = Instant::now();
    while host.heard().frames.is_empty() {
        if begin.elapsed() > 4 * AGAIN {
            return Err("the host never heard of it".to_owned());
        }
        let driver = FakeDriver::new(options);
        Scenario::default().play(&driver).map_err(|trouble| trouble.to_string())?;
        thread::sleep(AGAIN / 20);
    }
    every_failure_of(code, options, |_| {}).map_err(|why| format!("with a host {why}"))
}

/// Each copy takes 50 ms, and each picture is drawn in no time: most are given up, those that come do
/// so in order, and the application is through long before they could all be copied.
fn slow_copies(socket: &Path) -> Result<(), String> {
    let before = descriptors();
    let copy = Duration::from_millis(50);
    let driver = FakeDriver::new(Options { others_wait: copy, ..BY_CPU });
    let host = start(socket, Manner::Prompt)?;
    let scenario = Scenario { frames: 100, ..Scenario::default() };
    let begin = Instant::now();
    let played = scenario.play(&driver);
    let took = begin.elapsed();
    let numbers: Vec<_> = host.heard().frames.iter().map(|frame| frame.sequence).collect();
    let refused = host.heard().refused.clone();
    drop(host);
    played.map_err(|trouble| trouble.to_string())?;
    let all = scenario.presents();
    let in_order = numbers.is_sorted_by(|a, b| a < b);
    if numbers.is_empty() || numbers.len() >= all || !in_order || !refused.is_empty() {
        return Err(format!("{numbers:?} of {all} came, refused: {refused:?}"));
    }
    if took > copy * u32::try_from(all / 4).unwrap_or(0) {
        return Err(format!("{all} presents took {took:?}, a copy {copy:?}"));
    }
    settled_alone(&driver, before)
}

/// Two swapchains in each present, with every call failing once.
fn pairs(socket: &Path) -> Result<(), String> {
    let code = vk::Result::ERROR_OUT_OF_HOST_MEMORY;
    for allowed in 0.. {
        let before = descriptors();
        let driver = FakeDriver::new(Options::default());
        driver.fail_after(allowed, code);
        let host = start(socket, Manner::Prompt)?;
        let played = play_pairs(&driver, 6);
        drop(host);
        let spared = driver.spare();
        if let Err(Trouble::Broken(why)) = &played {
            return Err(format!("after {allowed} calls: {why}"));
        }
        settled_alone(&driver, before).map_err(|why| format!("after {allowed} calls: {why}"))?;
        if spared {
            break;
        }
    }
    Ok(())
}

/// Where no wait for the device succeeds, nobody knows what it is at: command buffers and fences of
/// ours are rather lost than destroyed in use.
fn unknown_end(socket: &Path) -> Result<(), String> {
    let driver = FakeDriver::new(Options::default());
    driver.break_command("vkWaitForFences", vk::Result::ERROR_OUT_OF_HOST_MEMORY);
    let host = start(socket, Manner::Prompt)?;
    let played = Scenario { waits: false, ..Scenario::default() }.play(&driver);
    drop(host);
    played.map_err(|trouble| trouble.to_string())?;
    let (live, complaints) = (driver.live(), driver.complaints());
    let kept = live.contains_key(&Kind::Fence) && live.contains_key(&Kind::CommandPool);
    let only = [Kind::Fence, Kind::CommandPool, Kind::Semaphore];
    if !kept || live.keys().any(|kind| !only.contains(kind)) || !complaints.is_empty() {
        return Err(format!("left: {live:?}, complaints: {complaints:?}"));
    }
    Ok(())
}

/// The same without a host, on a driver whose `command` always fails.
fn every_failure_but(command: &'static str) -> Result<(), String> {
    let options = Options { sync_fd: true, ..Options::default() };
    every_failure_of(vk::Result::ERROR_OUT_OF_HOST_MEMORY, options, |driver| {
        driver.break_command(command, vk::Result::ERROR_OUT_OF_DEVICE_MEMORY);
    })
}

fn every_failure_of(
    code: vk::Result,
    options: Options,
    prepare: impl Fn(&FakeDriver),
) -> Result<(), String> {
    for allowed in 0.. {
        let before = descriptors();
        let driver = FakeDriver::new(options);
        prepare(&driver);
        driver.fail_after(allowed, code);
        let played = Scenario::default().play(&driver);
        let spared = driver.spare();
        if let Err(Trouble::Broken(why)) = &played {
            return Err(format!("after {allowed} calls: {why}"));
        }
        let settled = settled(&driver, before);
        settled.map_err(|why| format!("after {allowed} calls: {why} ({played:?})"))?;
        if spared {
            break;
        }
    }
    Ok(())
}

/// Plays fast before a host of bad manners.
fn manner(socket: &Path, manner: Manner) -> Result<(), String> {
    manner_of(socket, manner, Options::default())
}

fn manner_of(socket: &Path, manner: Manner, options: Options) -> Result<(), String> {
    let before = descriptors();
    let driver = FakeDriver::new(options);
    let host = start(socket, manner)?;
    let scenario = Scenario { frames: 40, ..Scenario::default() };
    let begin = Instant::now();
    let played = scenario.play(&driver);
    let took = begin.elapsed();
    let heard = host.heard().connections;
    drop(host);
    played.map_err(|trouble| trouble.to_string())?;
    if heard == 0 {
        return Err("the host never heard of it".to_owned());
    }
    if took > Duration::from_secs(3) {
        return Err(format!("{} presents took {took:?}", scenario.presents()));
    }
    settled_alone(&driver, before)
}

fn lie(socket: &Path, lie: Lie) -> Result<(), String> {
    manner(socket, Manner::Lies(lie))
}
