//! Applications under the layer, and what hosts of every temper get of their pictures.
//!
//! Each test plays numbered pictures in a process of its own, with the validation layer (and
//! synchronization validation) below ours, and fails on any message.
#![allow(unsafe_code, reason = "the loader is asked what a driver has")]

mod host;
#[path = "../common/layers.rs"]
mod layers;
mod player;
mod still;
mod ways;

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use ash::vk;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use zerohop_frame::{BoxError, Extent};
use zerohop_needs::absent;
use zerohop_testkit::rig::Instance;
use zerohop_wire::Listener;

use host::{Hoarder, Viewer, reap};
use player::Play;

type Outcome = Result<(), BoxError>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if let [_, flag, rest @ ..] = &args[..]
        && flag == player::FLAG
    {
        return player::run(rest);
    }
    if let Err(err) = player::share_timelines() {
        eprintln!("handover: {err}");
        return ExitCode::FAILURE;
    }
    // It keeps the driver loaded: NVIDIA's (580.159) cannot be loaded again after some thirty times.
    let driver = Instance::new().ok();
    let undrawn = driver.as_deref().and_then(no_linear);
    let trials = TESTS.iter().chain(ways::TESTS).chain(still::TESTS).map(|(name, test)| {
        let undrawn = undrawn.filter(|_| name.starts_with(ways::OF_DMA_BUFS));
        Trial::ignorable_test(*name, move || {
            let needs = *name == DRIVERS_OWN;
            if let Some(why) = needs.then(no_headless).flatten() {
                return absent("headless", &why);
            }
            if let Some(why) = undrawn {
                return absent("linear", why);
            }
            test(&host::socket(name)).map_err(Failed::from)?;
            Ok(Completion::Completed)
        })
    });
    let mut arguments = Arguments::from_args();
    // Each draws with two processes, and some look at the clock.
    arguments.test_threads.get_or_insert(1);
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(driver);
    conclusion.exit_code()
}

type Test = fn(&Path) -> Outcome;

/// The one test that has the driver show pictures.
const DRIVERS_OWN: &str = "never_leaves_every_picture_to_the_driver";

/// Why the driver shows no picture without a window, if it does not.
fn no_headless() -> Option<String> {
    // SAFETY: a Vulkan loader has no conditions for being loaded.
    let entry = match unsafe { ash::Entry::load() } {
        Ok(entry) => entry,
        Err(err) => return Some(err.to_string()),
    };
    // SAFETY: no layer is named.
    let found = unsafe { entry.enumerate_instance_extension_properties(None) };
    let wanted = ash::ext::headless_surface::NAME;
    let has = |one: &vk::ExtensionProperties| one.extension_name_as_c_str() == Ok(wanted);
    let has = found.is_ok_and(|found| found.iter().any(has));
    (!has).then(|| format!("the driver has no {}", wanted.to_string_lossy()))
}

/// Why our layer has no dma-buf to draw to, if it has none.
fn no_linear(driver: &Instance) -> Option<&'static str> {
    let physical = driver.physical().ok()?;
    let format = Play::DEFAULT.format;
    // SAFETY: the device is the instance's.
    let found = unsafe { driver.raw().get_physical_device_format_properties(physical, format) };
    let draws = found.linear_tiling_features.contains(vk::FormatFeatureFlags::COLOR_ATTACHMENT);
    (!draws).then_some("the driver draws to no LINEAR images")
}

/// What a host that keeps everything is shown.
const HOARDED: Play = Play { frames: 60, mode: vk::PresentModeKHR::IMMEDIATE, ..Play::DEFAULT };

const TESTS: &[(&str, Test)] = &[
    ("every_picture_arrives_in_fifo", |socket| perfect(socket, Play::default())),
    ("every_picture_arrives_in_fifo_relaxed", |socket| {
        perfect(socket, Play { mode: vk::PresentModeKHR::FIFO_RELAXED, ..Play::default() })
    }),
    ("every_picture_arrives_in_immediate", |socket| {
        perfect(socket, Play { mode: vk::PresentModeKHR::IMMEDIATE, ..Play::default() })
    }),
    ("a_mailbox_shows_the_newest_picture_and_never_a_torn_one", |socket| {
        mailbox(socket, Play::default())
    }),
    ("odd_sizes_arrive_whole", |socket| odd_sizes(socket, Play::default())),
    ("every_format_arrives_exact", |socket| every_format(socket, Play::default())),
    ("pictures_go_on_through_recreations", |socket| {
        perfect(socket, Play { recreate_every: 7, ..Play::default() })
    }),
    ("pictures_go_on_with_the_next_host", |socket| next_host(socket, Play::default())),
    ("a_host_that_keeps_every_image_is_left", |socket| hoarder(socket, HOARDED)),
    ("also_by_an_application_that_never_waits", |socket| {
        hoarder(socket, Play { impatient: true, ..HOARDED })
    }),
    ("a_host_that_falls_asleep_shows_no_wrong_picture", asleep),
    ("a_host_that_never_answers_gets_nothing", mute),
    ("nobody_listens_and_nothing_changes", nobody),
    (DRIVERS_OWN, never),
    ("each_decision_is_told_with_its_reason", decisions),
];

fn perfect(socket: &Path, play: Play) -> Outcome {
    let viewer = played(socket, play)?;
    let report = viewer.checker.report(0..play.frames);
    let (drops, fallbacks, copied) = viewer.notes.told();
    let expected = ways::copies(&play);
    if copied != expected {
        return Err(format!("{play:?}: {copied:?}, not {expected:?}").into());
    }
    if !report.is_perfect() || !drops.is_empty() {
        return Err(format!("{play:?}: {report}, dropped for {drops:?}").into());
    }
    // Which ones depends on the device; each is told once, however many pictures it costs.
    let mut once = fallbacks.clone();
    once.dedup();
    if once != fallbacks { Err(format!("told twice: {fallbacks:?}").into()) } else { Ok(()) }
}

fn played(socket: &Path, play: Play) -> Result<Viewer, BoxError> {
    let mut viewer = Viewer::open(socket, play.format)?;
    let mut player = play.start(socket)?;
    let watched = viewer.watch(&mut player, usize::MAX);
    reap(player)?;
    watched?;
    Ok(viewer)
}

fn mailbox(socket: &Path, play: Play) -> Outcome {
    let play = Play { mode: vk::PresentModeKHR::MAILBOX, frames: 60, ..play };
    let viewer = played(socket, play)?;
    let report = viewer.checker.report(0..play.frames);
    if !report.is_true() || !report.twice.is_empty() {
        return Err(report.to_string().into());
    }
    if viewer.seen.last() != Some(&(play.frames - 1)) {
        return Err(format!("the last picture is missing: {:?}", viewer.seen).into());
    }
    Ok(())
}

fn odd_sizes(socket: &Path, play: Play) -> Outcome {
    for (width, height) in [(1, 1), (1366, 768), (37, 5)] {
        let extent = Extent { width, height };
        perfect(socket, Play { extent, frames: 5, ..play })?;
    }
    Ok(())
}

fn every_format(socket: &Path, play: Play) -> Outcome {
    for format in [
        vk::Format::B8G8R8A8_SRGB,
        vk::Format::R8G8B8A8_UNORM,
        vk::Format::R8G8B8A8_SRGB,
        vk::Format::A2B10G10R10_UNORM_PACK32,
    ] {
        perfect(socket, Play { format, frames: 5, ..play })?;
    }
    Ok(())
}

fn next_host(socket: &Path, play: Play) -> Outcome {
    let play = Play { frames: 300, pause: 10, ..play };
    let mut first = Viewer::open(socket, play.format)?;
    let mut player = play.start(socket)?;
    first.watch(&mut player, 20)?;
    let left_at = first.seen.last().copied().unwrap_or_default();
    drop(first);
    let mut second = Viewer::open(socket, play.format)?;
    let watched = second.watch(&mut player, usize::MAX);
    reap(player)?;
    watched?;
    let report = second.checker.report(0..play.frames);
    let began_at = second.seen.first().copied().unwrap_or_default();
    if !report.is_true() || second.seen.last() != Some(&(play.frames - 1)) || began_at <= left_at {
        return Err(format!("{left_at} then {began_at}: {report}").into());
    }
    Ok(())
}

/// The images that it had were taken back while it slept, so their pictures are no longer those
/// that were announced.
fn asleep(socket: &Path) -> Outcome {
    let play = Play { frames: 200, pause: 10, ..Play::default() };
    let mut viewer = Viewer::open(socket, play.format)?;
    let mut player = play.start(socket)?;
    viewer.watch(&mut player, 5)?;
    thread::sleep(Duration::from_millis(800));
    let watched = viewer.watch(&mut player, usize::MAX);
    reap(player)?;
    watched?;
    let report = viewer.checker.report(0..play.frames);
    if report.is_true() && report.twice.is_empty() && viewer.seen.last() == Some(&(play.frames - 1))
    {
        return Ok(());
    }
    Err(format!("{report}, {:?}", viewer.seen).into())
}

/// How long a play lasts by itself, without the start of its process.
fn own_time(play: &Play) -> Duration {
    Duration::from_millis(play.pause) * play.frames
}

fn hoarder(socket: &Path, play: Play) -> Outcome {
    let listener = Listener::bind(socket)?;
    let player = play.start(socket)?;
    let mut hoarder = Hoarder::accept(&listener)?;
    let begin = Instant::now();
    hoarder.hoard();
    reap(player)?;
    let took = begin.elapsed();
    if hoarder.frames == 0 || took > own_time(&play) + Duration::from_secs(5) {
        return Err(format!("{} pictures in {took:?}", hoarder.frames).into());
    }
    Ok(())
}

fn mute(socket: &Path) -> Outcome {
    let listener = Listener::bind(socket)?;
    let player = Play { frames: 60, ..Play::default() }.start(socket)?;
    reap(player)?;
    // Nobody has polled until now: what was sent waits in the socket.
    let mut hoarder = Hoarder::accept(&listener)?;
    hoarder.hoard();
    if hoarder.frames > 0 {
        return Err(format!("{} pictures were sent", hoarder.frames).into());
    }
    Ok(())
}

fn nobody(socket: &Path) -> Outcome {
    reap(Play { frames: 60, recreate_every: 7, ..Play::default() }.start(socket)?)
}

/// The driver's own swapchain shows the pictures; the host hears of nobody.
fn never(socket: &Path) -> Outcome {
    let listener = Listener::bind(socket)?;
    reap(Play { wsi: "never", ..Play::default() }.start(socket)?)?;
    match listener.accept()? {
        None => Ok(()),
        Some(_) => Err("the layer has called".into()),
    }
}

fn decisions(socket: &Path) -> Outcome {
    const HIDDEN: &str = "VK_KHR_swapchain";
    for (wsi, hide, said) in [
        ("auto", "", "are the layer's own: the driver hands no picture to a host"),
        ("auto", HIDDEN, "are the layer's own: the driver has no VK_KHR_swapchain"),
        ("always", HIDDEN, "are the layer's own: ZEROHOP_WSI says always"),
        ("never", "", "surfaces and swapchains are the driver's: ZEROHOP_WSI says never"),
        ("often", "", "not auto, always or never, so auto: ZEROHOP_WSI=often"),
    ] {
        if wsi == "never" && no_headless().is_some() {
            // `DRIVERS_OWN` says so.
            continue;
        }
        let play = Play { wsi, hide, log: "info", frames: 2, ..Play::default() };
        let done = play.start(socket)?.wait_with_output()?;
        let log = String::from_utf8_lossy(&done.stderr);
        if !done.status.success() || log.matches(said).count() != 1 {
            return Err(format!("{wsi:?} without {hide:?}: {}: {log}", done.status).into());
        }
    }
    Ok(())
}
