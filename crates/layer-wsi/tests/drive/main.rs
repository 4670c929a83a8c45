//! An application that drives a screen itself, through the layer, on virtual cards. Needs root and
//! the kernel's debug files. The application is this program, started again as `zerohop-pattern`,
//! with the validation layer below ours.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod driver;
#[path = "../common/layers.rs"]
mod layers;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use driver::{Driver, FLAG, eventually};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use zerohop_kms::{Card, Screen, Spec};
use zerohop_needs::absent;
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
    let tests: [(&'static str, &'static str, Test); 7] = [
        ("vkms", "pictures_are_shown_bit_for_bit_and_nothing_is_copied", exact),
        ("vkms", "who_waits_for_a_picture_waits_for_its_flip", flips),
        ("virtio_gpu", "who_waits_for_a_copied_picture_is_told", flips_of_copies),
        ("vkms", "swapchains_that_follow_each_other_keep_the_screen", recreated),
        ("vkms", "a_killed_application_leaves_the_screen_as_it_was", killed),
        ("vkms", "a_card_that_is_taken_is_refused_by_name", taken),
        ("virtio_gpu", "what_a_card_refuses_is_copied_and_said", copied),
    ];
    let trials = tests.map(|(driver, name, test)| Trial::ignorable_test(name, on(driver, test)));
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn on(driver: &'static str, test: Test) -> impl FnOnce() -> Result<Completion, Failed> {
    move || {
        let named =
            |path: &&std::path::PathBuf| Card::open(path).is_ok_and(|card| card.driver() == driver);
        match Card::list().iter().find(named) {
            Some(card) => test(card),
            None => return absent("kms", &format!("there is no card with the driver {driver}")),
        }
        Ok(Completion::Completed)
    }
}

const SIZE: (u32, u32) = (640, 480);

/// The checksums of the first `frames` pictures.
fn expected(frames: u32) -> Vec<u32> {
    let (width, height) = SIZE;
    let pixel = |frame: u32, place: u32| {
        let [red, green, blue, _] =
            pattern::pixel(frame, place % width, place / width).map(|code| (code >> 8) as u8);
        [blue, green, red, 255]
    };
    let checksum = |frame| vkms::of((0..width * height).map(|place| pixel(frame, place)));
    (0..frames).map(checksum).collect()
}

fn exact(card: &Path) {
    let (before, expected) = (vkms::state(card), expected(8));
    let mut driver = Driver::start(card, &["--frames", "8", "--rate-limit", "0.5"]);
    driver.wait_for_picture(card);
    // The console may be seen between the two.
    let mut seen: Vec<u32> = Vec::new();
    for checksum in vkms::checksums(card) {
        let place = expected.iter().position(|one| *one == checksum);
        if let Some(place) = place.filter(|_| seen.last() != Some(&checksum)) {
            seen.push(checksum);
            if place >= 5 {
                break;
            }
        }
        assert!(driver.runs(), "it ended first: {seen:x?}");
    }
    let places: Vec<_> = seen.iter().map(|it| expected.iter().position(|one| one == it)).collect();
    assert!(places.is_sorted() && places.len() >= 3, "{places:?}");
    let said = driver.finish();
    assert_eq!(said, "", "nothing is worse than it could be, and nothing is wrong");
    assert_eq!(vkms::state(card), before, "the console is back");
}

/// The first thing that the card puts out after the wait is the very picture.
fn flips(card: &Path) {
    let expected = expected(4);
    let mut driver = Driver::start(card, &["--frames", "4", "--step"]);
    for (shown, checksum) in (0..).zip(&expected) {
        driver.step(shown);
        assert_eq!(vkms::checksums(card).next(), Some(*checksum), "picture {}", shown + 1);
    }
    assert_eq!(driver.finish(), "", "each was told in time");
}

fn flips_of_copies(card: &Path) {
    let mut driver = Driver::start(card, &["--frames", "4", "--step"]);
    (0..4).for_each(|shown| driver.step(shown));
    let said = driver.finish();
    assert!(!said.contains("says nothing of a picture"), "{said}");
}

fn recreated(card: &Path) {
    let before = vkms::state(card);
    for mode in ["fifo", "mailbox", "immediate"] {
        let words = ["--frames", "8", "--recreate-every", "3", "--present-mode", mode];
        assert_eq!(Driver::start(card, &words).finish(), "", "{mode}");
        assert_eq!(vkms::state(card), before, "{mode}");
    }
}

fn killed(card: &Path) {
    let before = vkms::state(card);
    let mut driver = Driver::start(card, &["--frames", "300", "--rate-limit", "1"]);
    driver.wait_for_picture(card);
    driver.kill();
    eventually("the screen is as it was", || vkms::state(card) == before);
    let spec = Spec { card: Some(card.to_owned()), ..Spec::default() };
    eventually("the card is free", || Screen::open(&spec).is_ok());
}

fn taken(card: &Path) {
    let spec = Spec { card: Some(card.to_owned()), ..Spec::default() };
    let _ours = Screen::open(&spec).unwrap();
    let said = Driver::start(card, &["--frames", "1"]).fail();
    assert!(
        said.contains("could not drive the display") && said.contains("is driven by"),
        "{said}"
    );
    assert!(said.contains(&format!("(process {})", std::process::id())), "{said}");
    assert!(said.contains("ERROR_NATIVE_WINDOW_IN_USE_KHR"), "{said}");
}

fn copied(card: &Path) {
    let said = Driver::start(card, &["--frames", "4"]).finish();
    let why = "virtio_gpu imports no foreign memory";
    let lines = said.lines().filter(|line| line.contains(why)).count();
    assert_eq!(lines, 2, "each of the two copies once: {said}");
    assert!(said.contains("the application's CPU copies each picture when it is shown"), "{said}");
}
