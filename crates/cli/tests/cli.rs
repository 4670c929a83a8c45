//! The program as a user meets it: exit codes, refusals, and that nothing is left running.
//!
//! No Vulkan is needed: the applications here present nothing.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// `zerohop run` without a display, with `arguments` and then `script` in a shell. The layer is a
/// file that nobody loads.
fn run(arguments: &[&str], script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zerohop"));
    command.args(["run", "--display", "none"]).args(arguments);
    command.args(["--", "sh", "-c", script]);
    command.env("ZEROHOP_LAYER_PATH", env!("CARGO_BIN_EXE_zerohop"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finish(mut command: Command) -> (Output, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    (output, said)
}

/// Waits until `done`, for ten seconds.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(10), "{what} did not happen");
        sleep(Duration::from_millis(10));
    }
}

/// The processes that have `mark` as one of their arguments.
fn marked(mark: &str) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).split('\0').any(|word| word == mark)
    });
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn runs(mark: &str) -> bool {
    !marked(mark).is_empty()
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn help_shows_examples_and_a_mistake_is_not_the_applications() {
    let zerohop = env!("CARGO_BIN_EXE_zerohop");
    for arguments in [&["--help"][..], &["run", "--help"]] {
        let output = Command::new(zerohop).args(arguments).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("zerohop run -o cube.mp4 -- vkcube"), "{help}");
        assert!(output.status.success());
    }
    for arguments in [&["run", "--frames", "0", "--", "true"][..], &["run"], &["walk"]] {
        let output = Command::new(zerohop).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{arguments:?}");
    }
}

#[test]
fn the_exit_code_is_the_applications() {
    let (output, _) = finish(run(&[], "exit 7"));
    assert_eq!(output.status.code(), Some(7));
    let (output, _) = finish(run(&[], "kill -KILL $$"));
    assert_eq!(output.status.code(), Some(128 + 9));
}

#[test]
fn the_applications_output_is_its_own() {
    let (output, said) = finish(run(&[], "echo picture; echo trouble >&2"));
    assert_eq!(output.stdout, b"picture\n");
    assert!(said.starts_with("trouble\n"), "{said}");
}

#[test]
fn a_recording_to_the_standard_output_is_alone_there() {
    let (output, said) = finish(run(&["-o", "-"], "echo picture; echo trouble >&2"));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(output.stdout.is_empty(), "nothing was presented: {:?}", output.stdout);
    assert!(said.starts_with("picture\ntrouble\n"), "{said}");
}

#[test]
fn a_place_that_there_is_not_is_answered_with_those_there_are() {
    for (arguments, wanted) in [
        (&["--to", "avi:a.avi"][..], "mp4:FILE, region:FILE, png:DIR, checksum[:FILE]"),
        (&["--to", "checksum", "-o", "-"], "two things go to the standard output"),
        (&["--every", "2", "--to", "null"], "--every: it is for pictures that are kept"),
    ] {
        let (output, said) = finish(run(arguments, "true"));
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn the_application_finds_its_host_and_the_layer() {
    let script = "test -S \"$ZEROHOP_SOCKET\" && echo $ZEROHOP_RATE $VK_INSTANCE_LAYERS && \
                  cat ${VK_ADD_LAYER_PATH%%:*}/*.json && echo \"D=$DISPLAY$WAYLAND_DISPLAY\"";
    let mut command = run(&["--rate", "59.94"], script);
    command.env_remove("VK_LAYER_PATH").env("VK_ADD_LAYER_PATH", "/elsewhere");
    command.env("VK_INSTANCE_LAYERS", "VK_LAYER_A");
    let (output, said) = finish(command);
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(found.starts_with("59.94 VK_LAYER_A:VK_LAYER_ZEROHOP_wsi\n"), "{found}{said}");
    assert!(found.contains(env!("CARGO_BIN_EXE_zerohop")), "the manifest has the library: {found}");
    assert!(found.ends_with("D=\n"), "no display: {found}");
}

#[test]
fn the_layer_is_an_implicit_one_too_or_only_listed_so_where_the_user_has_chosen_others() {
    let script = "echo $XDG_DATA_DIRS; cat ${XDG_DATA_DIRS##*:}/vulkan/implicit_layer.d/*.json; \
                  echo E=$ZEROHOP_WSI_ENABLE";
    let found = |command: Command| String::from_utf8(finish(command).0.stdout).unwrap();
    let mut command = run(&[], script);
    command.env_remove("VK_INSTANCE_LAYERS").env_remove("XDG_DATA_DIRS");
    let alone = found(command);
    assert!(alone.starts_with("/usr/local/share:/usr/share:/"), "the defaults stay: {alone}");
    assert!(alone.contains("enable_environment") && alone.ends_with("E=1\n"), "{alone}");
    let mut command = run(&[], script);
    command.env("VK_INSTANCE_LAYERS", "VK_LAYER_A").env("XDG_DATA_DIRS", "/mine");
    let beside = found(command);
    assert!(beside.starts_with("/mine:/") && beside.ends_with("E=1\n"), "{beside}");
    assert!(beside.contains("VK_LAYER_ZEROHOP_listing"), "{beside}");
    let ours = r#""VK_LAYER_ZEROHOP_wsi""#;
    assert!(!beside.contains(ours), "an implicit layer would be above the user's: {beside}");
}

#[test]
fn a_users_own_layer_path_is_kept() {
    let mut command = run(&[], "ls ${VK_LAYER_PATH%%:*}; echo $VK_LAYER_PATH");
    command.env("VK_LAYER_PATH", "/mine");
    let (output, _) = finish(command);
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(found.contains("VkLayer_zerohop_wsi.json") && found.ends_with(":/mine\n"), "{found}");
}

#[test]
fn a_command_that_cannot_run_touches_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (report, text) = (folder.path().join("report.json"), folder.path().join("text"));
    fs::write(&text, "").unwrap();
    for (name, code) in [("/nonexistent/program", 127), (text.to_str().unwrap(), 126)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zerohop"));
        command.arg("run").arg("--report").arg(&report).args(["--", name]);
        let (output, said) = finish(command);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with(&format!("zerohop: {name}: ")), "{said}");
        assert!(!report.exists());
    }
}

#[test]
fn a_path_that_cannot_be_written_is_refused_before_the_application_starts() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("started");
    let script = format!("touch {}", mark.display());
    for option in ["--output", "--report", "--trace", "--png"] {
        let (output, said) = finish(run(&[option, "/proc/nowhere/file"], &script));
        assert_eq!(output.status.code(), Some(125), "{option}: {said}");
        assert!(said.starts_with("zerohop: /proc/nowhere/file: "), "{option}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!mark.exists(), "{option}");
    }
}

#[test]
fn an_application_that_presents_nothing_is_told_why() {
    let (_, said) = finish(run(&[], "sleep 1"));
    assert!(said.contains("presented nothing: it did not load the Vulkan loader"), "{said}");
    let (_, said) = finish(run(&[], "sleep 1; exit 3"));
    assert!(said.contains("presented nothing: it ended with code 3; it did not load"), "{said}");
}

#[test]
fn an_application_that_a_signal_ended_is_named_also_where_the_report_finds_no_room() {
    let (output, said) = finish(run(&[], "kill -SEGV $$"));
    assert_eq!(output.status.code(), Some(128 + 11));
    assert!(said.starts_with("zerohop: sh: signal 11 ended it: "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let (output, said) = finish(run(&["--report", "/dev/full"], "kill -SEGV $$"));
    assert_eq!(output.status.code(), Some(125));
    assert!(said.contains("/dev/full: No space left") && said.contains("signal 11"), "{said}");
}

#[test]
fn the_time_limit_ends_the_application_and_is_no_failure() {
    let begin = Instant::now();
    let (output, said) = finish(run(&["--seconds", "0.3"], "exec sleep 60"));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn an_application_that_ignores_being_asked_is_killed_after_two_seconds() {
    let begin = Instant::now();
    let (output, _) = finish(run(&["--seconds", "0.2"], "trap '' TERM; sleep 60.25; sleep 60.25"));
    assert_eq!(output.status.code(), Some(0));
    let took = begin.elapsed();
    assert!(took > Duration::from_secs(2) && took < Duration::from_secs(10), "{took:?}");
    assert!(!runs("60.25"));
}

#[test]
fn what_the_application_leaves_behind_is_ended() {
    let (output, _) = finish(run(&[], "sleep 61.25 & setsid sleep 61.25 & sleep 0.1; exit 3"));
    assert_eq!(output.status.code(), Some(3));
    assert!(!runs("61.25"));
}

#[test]
fn ctrl_c_ends_the_application_and_leaves_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let arguments = ["--report", report.to_str().unwrap()];
    let child = run(&arguments, "sleep 62.25").spawn().unwrap();
    until("the application", || runs("62.25"));
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(!runs("62.25"));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    assert_eq!(report["application"]["signal"], 15, "{report}");
    assert_eq!(report["frames_presented"], 0);
}

#[test]
fn a_second_ctrl_c_does_not_wait() {
    let child = run(&[], "trap '' TERM; sleep 63.25; sleep 63.25").spawn().unwrap();
    until("the application", || runs("63.25"));
    let begin = Instant::now();
    signal(&child, Signal::INT);
    sleep(Duration::from_millis(200));
    signal(&child, Signal::INT);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(begin.elapsed() < Duration::from_millis(1500), "{:?}", begin.elapsed());
    assert!(!runs("63.25"));
}

#[test]
fn an_application_outlives_a_killed_zerohop_and_nothing_outlives_the_application() {
    let base = tempfile::tempdir().unwrap();
    let done = base.path().join("done");
    let script = format!("(sleep 2.25; touch {}) & sleep 64.25; true", done.display());
    let said = base.path().join("said");
    let mut command = run(&[], &script);
    command.env("XDG_RUNTIME_DIR", base.path()).stderr(fs::File::create(&said).unwrap());
    let mut child = command.spawn().unwrap();
    until("the application", || runs("64.25"));
    signal(&child, Signal::KILL);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let said = || fs::read_to_string(&said).unwrap();
    until("a line about it", || said().contains("zerohop: it was killed, or aborted by a driver"));
    until("what the application does meanwhile", || done.exists());
    assert!(runs("64.25"), "it goes on");
    let folders = || fs::read_dir(base.path().join("zerohop")).unwrap().count();
    assert_eq!(folders(), 1, "it may still use the folder");
    marked("64.25").into_iter().for_each(|pid| kill_process(pid, Signal::TERM).unwrap());
    until("the end of the folder", || folders() == 0);
}

#[test]
fn the_runtime_folder_is_private_and_goes() {
    let base = tempfile::tempdir().unwrap();
    let mut command = run(&[], "stat -c %a \"${ZEROHOP_SOCKET%/*}\"; echo \"$ZEROHOP_SOCKET\"");
    command.env("XDG_RUNTIME_DIR", base.path());
    let (output, said) = finish(command);
    let said = String::from_utf8(output.stdout).unwrap() + &said;
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("700"), "{said}");
    let socket = Path::new(lines.next().unwrap());
    assert!(socket.starts_with(base.path()), "{said}");
    assert!(!socket.parent().unwrap().exists());
    let mode = fs::metadata(base.path().join("zerohop")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_doctor_has_a_reason_and_an_advice_for_every_no() {
    let zerohop = env!("CARGO_BIN_EXE_zerohop");
    let output = Command::new(zerohop).args(["doctor", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ready = report["ready"].as_bool().unwrap();
    assert_eq!(output.status.code(), Some(if ready { 0 } else { 1 }), "{report}");
    let devices = report["devices"].as_array().unwrap();
    for device in devices {
        assert!(device["wsi"]["replaced"].as_bool().unwrap(), "{device}");
        assert!(!device["wsi"]["why"].as_str().unwrap().is_empty(), "{device}");
    }
    let checks = devices.iter().map(|device| &device["checks"]).chain([&report["checks"]]);
    let checks: Vec<_> = checks.flat_map(|checks| checks.as_array().unwrap()).collect();
    assert!(checks.len() >= 4, "{report}");
    for check in checks {
        assert!(!check["found"].as_str().unwrap().is_empty(), "{check}");
        assert_eq!(check["ok"].as_bool().unwrap(), check["todo"].is_null(), "{check}");
    }
}

#[test]
fn a_reader_that_leaves_ends_no_command_in_a_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let end = |arguments: &[&str]| {
        let mut zerohop = Command::new(env!("CARGO_BIN_EXE_zerohop"));
        zerohop.args(arguments).stdin(Stdio::null());
        zerohop.stdout(writer.try_clone().unwrap()).stderr(writer.try_clone().unwrap());
        zerohop.status().unwrap().code()
    };
    assert_eq!(end(&["--help"]), Some(0));
    assert!(matches!(end(&["doctor"]), Some(0 | 1)));
    assert_eq!(end(&["probe", "no-such-file"]), Some(125));
    assert_eq!(end(&["run", "--table", "--display", "none", "--", "no-such-program"]), Some(127));
}

#[test]
fn what_standard_output_has_no_room_for_is_a_failure_with_the_reason() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    for arguments in [&["doctor", "--json"][..], &["doctor"], &["--help"]] {
        let mut zerohop = Command::new(env!("CARGO_BIN_EXE_zerohop"));
        zerohop.args(arguments).stdin(Stdio::null()).stdout(full.try_clone().unwrap());
        let output = zerohop.stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(said.contains("standard output: No space left on device"), "{said}");
    }
}

#[test]
fn a_guard_clears_up_also_where_nobody_reads_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut guard = Command::new(env!("CARGO_BIN_EXE_zerohop"));
    guard.arg("guard").arg(folder.path()).stdin(Stdio::null()).stderr(writer);
    assert!(guard.status().unwrap().success());
    assert!(!folder.path().exists());
}
