//! What an application that runs under `zerohop run` sees before it has an instance, with no
//! driver that could show it anything. It is this program, started again as `zerohop-pattern`.
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
    let mut command = run(&["extensions"]);
    command.env("VK_DRIVER_FILES", "/nonexistent").env("VK_ICD_FILENAMES", "/nonexistent");
    let output = command.output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    for name in ["VK_KHR_surface", "VK_EXT_headless_surface"] {
        assert!(listed.lines().any(|line| line == name), "no {name}: {listed}");
    }
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
