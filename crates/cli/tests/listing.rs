//! What an application that runs under `zerohop run` finds: extensions before it has an instance,
//! with no driver that could show it anything, and a display. It is this program, started again as
//! `zerohop-pattern`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_needs::absent;

const ZEROHOP: &str = env!("CARGO_BIN_EXE_zerohop");

/// The first argument of the application.
const FLAG: &str = "--pattern";

fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|flag| flag == FLAG) {
        return zerohop_testkit::app::run(env::args_os().skip(1));
    }
    let trial = |name, test: fn()| {
        Trial::ignorable_test(name, move || {
            if layer().exists() {
                test();
                return Ok(Completion::Completed);
            }
            absent("layer", "it is not there")
        })
    };
    let tests = vec![
        trial("an_application_sees_our_surfaces_before_it_has_an_instance", before),
        trial("an_application_sees_our_surfaces_beside_layers_of_the_user", beside),
        trial("an_application_is_recorded_through_layers_of_the_user", played),
        trial("an_application_that_draws_on_a_whole_display_is_recorded", whole_display),
        trial("a_loader_that_finds_both_forms_of_the_layer_loads_one", once),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// The layer as the tests' own build made it.
fn layer() -> PathBuf {
    Path::new(ZEROHOP).with_file_name("deps").join("libzerohop_layer_wsi.so")
}

/// This program under `zerohop run`, with `arguments`.
fn run(arguments: &[&str]) -> Command {
    let mut command = Command::new(ZEROHOP);
    command.args(["run", "--display", "none", "--no-progress", "--"]);
    command.arg(env::current_exe().unwrap()).arg(FLAG).args(arguments);
    command.env("ZEROHOP_LAYER_PATH", layer()).env_remove("VK_INSTANCE_LAYERS");
    command.stdin(Stdio::null());
    command
}

fn before() {
    sees_surfaces(run(&["extensions"]));
}

fn beside() {
    let mut command = run(&["extensions"]);
    command.env("VK_INSTANCE_LAYERS", "VK_LAYER_ZEROHOP_dmabuf");
    sees_surfaces(command);
}

fn sees_surfaces(mut command: Command) {
    command.env("VK_DRIVER_FILES", "/nonexistent").env("VK_ICD_FILENAMES", "/nonexistent");
    let output = command.output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    for name in ["VK_KHR_surface", "VK_EXT_headless_surface"] {
        assert!(listed.lines().any(|line| line == name), "no {name}: {listed}");
    }
}

/// A layer of the user's, ours, and the one that lists.
fn played() {
    let folder = tempfile::tempdir().unwrap();
    let library = layer().with_file_name(zerohop_layer_hide::LIBRARY);
    zerohop_layer_hide::install(&library, folder.path()).unwrap();
    let mut command = run(&["--frames", "3"]);
    command.env("VK_INSTANCE_LAYERS", zerohop_layer_hide::LAYER_NAME);
    command.env("VK_LAYER_PATH", folder.path()).env("VK_LOADER_DEBUG", "layer");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let loaded = |name: &str| {
        let inserted = said.lines().filter(|line| line.contains("Insert instance layer"));
        inserted.filter(|line| line.contains(name)).count()
    };
    for name in [zerohop_manifest::WSI.name, zerohop_manifest::LISTING.name] {
        assert_eq!(loaded(name), 1, "{name}: {said}");
    }
    assert!(loaded(zerohop_layer_hide::LAYER_NAME) >= 1, "{said}");
}

fn whole_display() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, program) = (folder.path().join("pictures"), env::current_exe().unwrap());
    let mut command = Command::new(ZEROHOP);
    command.args(["run", "--display", "none", "--no-progress", "--size", "320x200"]);
    command.arg("--png").arg(&pictures).arg("--").arg(&program).args([FLAG, "--frames", "20"]);
    // Its own size gives way to the display's.
    command.args(["--window", "display", "--size", "64x48", "--rate-limit", "60"]);
    command.env("ZEROHOP_LAYER_PATH", layer()).stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let mut check = Command::new(program);
    check.arg(FLAG).arg("check").arg(&pictures).args(["--frames", "20"]);
    let checked = check.output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let first =
        std::fs::read(std::fs::read_dir(&pictures).unwrap().next().unwrap().unwrap().path());
    // The size in a PNG's header (PNG, "IHDR").
    assert_eq!(first.unwrap()[16..24], [0, 0, 1, 64, 0, 0, 0, 200], "{said}");
}

fn once() {
    let mut command = run(&["--frames", "1"]);
    command.env("VK_LOADER_DEBUG", "layer");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let loaded = said.lines().filter(|line| line.contains("Insert instance layer"));
    let ours = loaded.filter(|line| line.contains("VK_LAYER_ZEROHOP_wsi")).count();
    assert_eq!(ours, 1, "{said}");
}
