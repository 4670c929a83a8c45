//! `zerohop run --to kms`, on the screens of virtual cards. Needs root and the kernel's debug files.
//!
//! The application is this program, started again as `zerohop-pattern`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod pages;
mod run;

use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use pages::Process;
use run::{FLAG, Run, eventually};
use rustix::process::{Signal, kill_process};
use zerohop_kms::{Card, Screen, Spec};
use zerohop_needs::absent;
use zerohop_testkit::scanout::Scanout;
use zerohop_testkit::{pattern, vkms};

/// What a card is tried for.
type Test = fn(&Path);

fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|flag| flag == FLAG) {
        return zerohop_testkit::app::run(env::args_os().skip(1));
    }
    let mut arguments = Arguments::from_args();
    // A card has one master.
    arguments.test_threads = Some(1);
    let tests: [(&'static str, &'static str, Test); 10] = [
        ("vkms", "an_application_is_shown_bit_for_bit_and_nothing_is_copied", exact),
        ("vkms", "who_waits_for_a_picture_waits_for_its_flip", flips),
        ("vkms", "a_screen_reads_the_very_pages_that_the_application_has", same_pages),
        ("vkms", "a_killed_zerohop_leaves_the_screen_as_it_was", killed),
        ("vkms", "sizes_change_while_pictures_are_replaced", sizes),
        ("vkms", "a_recording_is_shown_as_well", both),
        ("vkms", "a_card_that_is_taken_is_refused_by_name", taken),
        ("virtio_gpu", "what_a_card_refuses_is_copied_and_counted", copied),
        ("virtio_gpu", "a_gpu_writes_the_memory_of_a_card_that_refuses", copied_by_gpu),
        ("cirrus", "a_card_that_is_unplugged_stops_nobody", unplugged),
    ];
    let trials = tests.map(|(driver, name, test)| Trial::ignorable_test(name, on(driver, test)));
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn on(driver: &'static str, test: Test) -> impl FnOnce() -> Result<Completion, Failed> {
    move || {
        let named =
            |path: &&std::path::PathBuf| Card::open(path).is_ok_and(|card| card.driver() == driver);
        let cards = Card::list();
        let Some(card) = cards.iter().find(named) else {
            return absent("kms", &format!("there is no card with the driver {driver}"));
        };
        if !run::layer().exists() {
            return absent("layer", "it is not there");
        }
        test(card);
        Ok(Completion::Completed)
    }
}

/// The checksums of the first `frames` pictures of 640x480.
fn expected(frames: u32) -> Vec<u32> {
    let (width, height) = (640, 480);
    let pixel = |frame: u32, place: u32| {
        let [red, green, blue, _] =
            pattern::pixel(frame, place % width, place / width).map(|code| (code >> 8) as u8);
        [blue, green, red, 255]
    };
    let checksum = |frame| vkms::of((0..width * height).map(|place| pixel(frame, place)));
    (0..frames).map(checksum).collect()
}

/// The first thing that the card puts out after the wait is the very picture: not of the first one,
/// before which there is none that could come back.
fn flips(card: &Path) {
    let expected = expected(4);
    let to = format!("kms:{},mode=640x480", card.display());
    let mut run = Run::start(&to, &["--size", "640x480", "--frames", "4", "--step"]);
    run.step(0);
    run.wait_for_picture(card);
    for (shown, checksum) in (1..).zip(&expected[1..]) {
        run.step(shown);
        assert_eq!(vkms::checksums(card).next(), Some(*checksum), "picture {}", shown + 1);
    }
    let report = run.finish();
    assert!(report["fallbacks"].as_array().unwrap().is_empty(), "told in time: {report}");
}

fn exact(card: &Path) {
    let before = vkms::state(card);
    let (width, height, frames) = (640, 480, 8);
    let expected = expected(frames);
    let mut run = Run::start(
        &format!("kms:{},mode={width}x{height}", card.display()),
        &["--size", "640x480", "--frames", "8", "--rate-limit", "1"],
    );
    run.wait_for_picture(card);
    let ended = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let collect = scope.spawn(|| {
            let live = |_: &u32| !ended.load(Ordering::Relaxed);
            let mut seen: Vec<u32> = vkms::checksums(card).take_while(live).collect();
            seen.dedup();
            seen
        });
        // The console's vblanks come after those of the pictures.
        let report = run.finish();
        std::thread::sleep(Duration::from_millis(200));
        ended.store(true, Ordering::Relaxed);
        assert_eq!(report["bytes_copied_by_cpu"], 0, "{report}");
        assert_eq!(report["handover"], "dma_buf", "{report}");
        assert_eq!(report["frames_dropped"], 0, "{report}");
        assert!(report["fallbacks"].as_array().unwrap().is_empty(), "{report}");
        collect.join().unwrap()
    });
    let place = |crc: &u32| expected.iter().position(|one| one == crc);
    let shown: Vec<_> = seen.iter().map(place).collect();
    let pictures: Vec<usize> = shown.iter().flatten().copied().collect();
    assert!(pictures.is_sorted() && pictures.len() >= 4, "{shown:?} of {frames}");
    // The console's cursor blinks.
    let ends = (shown.iter().position(Option::is_some), shown.iter().rposition(Option::is_some));
    let ours = &shown[ends.0.unwrap()..=ends.1.unwrap()];
    assert!(ours.iter().all(Option::is_some), "something else was on the screen: {shown:?}");
    assert_eq!(vkms::state(card), before, "the console is back");
}

/// Not equal bytes, but the same memory.
fn same_pages(card: &Path) {
    let mut run = Run::start(
        &format!("kms:{},mode=640x480", card.display()),
        &["--size", "640x480", "--frames", "10", "--rate-limit", "0.5"],
    );
    run.wait_for_picture(card);
    let application = Process::with_argument(FLAG).unwrap();
    let shown = Scanout::by(card).unwrap();
    let zerohop = Process::open(run.pid()).unwrap();
    assert!(zerohop.holds(shown.inode()), "the screen shows what nobody announced");
    let (page, here, there) = (shown.middle(), *b"zerohop-was-here", *b"and-zerohop-too!");
    shown.write(page, here);
    let address = application.find(here);
    let address = address.unwrap_or_else(|| panic!("not in: {}", application.sharing()));
    application.write(address, there).unwrap();
    assert_eq!(shown.read(page), there);
    assert_eq!(run.finish()["bytes_copied_by_cpu"], 0);
}

fn killed(card: &Path) {
    let before = vkms::state(card);
    let mut run = Run::start(
        &format!("kms:{},mode=800x600", card.display()),
        &["--size", "800x600", "--frames", "30", "--rate-limit", "2"],
    );
    run.wait_for_picture(card);
    assert_ne!(vkms::state(card), before);
    kill_process(run.pid(), Signal::KILL).unwrap();
    run.reap();
    eventually("the screen is as it was", || vkms::state(card) == before);
    // Nobody holds the card: the next run has it.
    eventually("the card is free", || Screen::open(&spec(card)).is_ok());
    run.end_application();
}

fn spec(card: &Path) -> Spec {
    Spec { card: Some(card.to_owned()), ..Spec::default() }
}

fn sizes(card: &Path) {
    // Twice, since the first leaves nothing behind.
    for mode in ["mailbox", "fifo"] {
        let pattern =
            ["--size", "320x240", "--frames", "16", "--resize-every", "4", "--present-mode", mode];
        let report = Run::start(&format!("kms:{}", card.display()), &pattern).finish();
        assert_eq!(report["bytes_copied_by_cpu"], 0, "{report}");
        let shown = report["stages"]["show"]["count"].as_u64().unwrap();
        let lost = report["frames_dropped"].as_u64().unwrap();
        assert!(shown >= 4 && shown + lost >= 16, "{mode}: {report}");
        assert!(mode == "mailbox" || lost == 0, "{report}");
    }
}

fn both(card: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mp4");
    let run = Run::start_with(
        &["-o", &film.to_string_lossy(), "--to", &format!("kms:{}", card.display())],
        &["--size", "320x240", "--frames", "12", "--rate-limit", "1"],
    );
    let report = run.finish();
    // A host that opens a device for the first time may be given up meanwhile, for a second.
    let shown = report["stages"]["show"]["count"].as_u64().unwrap();
    assert!(shown >= 4, "{report}");
    assert_eq!(report["frames_encoded"], shown, "{report}");
    assert_eq!(report["bytes_copied_by_cpu"], 0, "{report}");
    assert!(fs::metadata(film).unwrap().len() > 1000);
}

fn taken(card: &Path) {
    let _ours = Screen::open(&spec(card)).unwrap();
    let run = Run::start(&format!("kms:{}", card.display()), &["--frames", "1"]);
    let (code, said) = run.fail();
    assert_eq!(code, Some(125), "{said}");
    let us = format!("(process {})", std::process::id());
    assert!(said.contains("is driven by") && said.contains(&us), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

fn unplugged(card: &Path) {
    let mut run = Run::start(
        &format!("kms:{},mode=640x480", card.display()),
        &["--size", "640x480", "--frames", "20", "--rate-limit", "2"],
    );
    run.wait_for_picture(card);
    let name = card.file_name().unwrap().to_string_lossy();
    let device = fs::canonicalize(format!("/sys/class/drm/{name}/device")).unwrap();
    let driver = fs::canonicalize(device.join("driver")).unwrap();
    let address = device.file_name().unwrap().to_string_lossy().into_owned();
    fs::write(driver.join("unbind"), &address).unwrap();
    let report = run.finish();
    fs::write(driver.join("bind"), &address).unwrap();
    assert!(report["fallbacks"].to_string().contains("the card is gone"), "{report}");
    assert!(report["frames_dropped"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(report["frames_presented"], 20, "the application never noticed: {report}");
}

/// The GPU is the CPU here, and so slow that the picture is narrow.
fn copied_by_gpu(card: &Path) {
    let pattern = ["--size", "32x480", "--frames", "4"];
    let to = format!("kms:{},mode=640x480,copy=gpu", card.display());
    let report = Run::start(&to, &pattern).finish();
    assert_eq!(report["bytes_copied_by_cpu"], 0, "{report}");
    assert_eq!(report["gpu_copies"], 1, "one for each picture: {report}");
    let fallbacks = report["fallbacks"].to_string();
    assert!(fallbacks.contains("virtio_gpu imports no foreign memory"), "{fallbacks}");
    assert!(
        fallbacks.contains("the GPU copies each picture into memory of the card"),
        "{fallbacks}"
    );
    assert_eq!(report["stages"]["show"]["count"], 4, "{report}");
}

fn copied(card: &Path) {
    let pattern = ["--size", "320x200", "--frames", "6"];
    let report = Run::start(&format!("kms:{}", card.display()), &pattern).finish();
    assert_eq!(report["bytes_copied_by_cpu"], 320 * 200 * 4, "{report}");
    let fallbacks = report["fallbacks"].to_string();
    assert!(fallbacks.contains("virtio_gpu imports no foreign memory"), "{fallbacks}");
    assert_eq!(report["stages"]["show"]["count"], 6, "{report}");
}
