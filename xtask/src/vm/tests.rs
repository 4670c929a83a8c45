//! The tests that need a kernel's devices, in the virtual machine that has them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{build, libraries};
use crate::cargo_test::{self, REQUIRE};
use crate::setup::{self, Purpose};
use crate::timing::Timing;
use crate::{manifest, project, shell};

/// What a machine of ours has: a test that misses one of these fails.
const REQUIRED: &str = "device,validation,layer,cpu,host_pointers,dma_buf,sync_file,kms,\
    guest,ffmpeg,decoder,vaapi,xvfb";
/// How long one test program may take, in seconds: the machine is emulated, and may be so on a
/// machine that has other work.
const EACH: u32 = 300;

/// Test programs by room and name, with what to run of each where not all of it needs a device.
///
/// What looks at the clock is not here: an emulated machine is too slow for it.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("kms", "screens", ""),
    ("pipeline", "scanout", ""),
    ("cli", "screen", ""),
    ("layer-wsi", "drive", ""),
    ("vulkan", "hardware", ""),
    ("vulkan", "planes", "dma_buf"),
    ("vulkan", "modifiers", ""),
    ("vulkan", "disjoint", ""),
    ("passes", "planar", "shaders_over"),
    ("passes", "twins", "found_by_cpu_shaders"),
    ("wire", "hardware", ""),
    ("layer-wsi", "handover", "--exact every_picture_arrives_in_fifo"),
    ("layer-dmabuf", "hardware", "an_export_keeps"),
    ("layer-dmabuf", "hardware", "every_format_is_read_by_a_process_without_the_layer"),
    ("layer-dmabuf", "hardware", "by_mesas"),
    ("gl", "egl", "dma_buf"),
    ("bridge", "ways", "dma_bufs_come"),
    ("testkit-va", "libva", "exported"),
    ("cli", "play", "surfaces_in_dma_bufs"),
];

/// All of them as a part of `cargo xtask ci`. A machine that cannot have a virtual one is told so, and
/// fails where `ZEROHOP_REQUIRE` names `vm`.
///
/// # Errors
///
/// A test fails.
pub(crate) fn where_possible() -> Result<()> {
    let required = std::env::var(REQUIRE).is_ok_and(|all| all.split(',').any(|one| one == "vm"));
    if let (false, Err(why)) = (required, build::may_be_made_here()) {
        println!("NOT RUN: the tests of kernel devices: {why:#}");
        return Ok(());
    }
    let mut timing = Timing::new();
    let result = run(&[], &mut timing);
    timing.print();
    result
}

/// `cargo xtask test --vm [NAMES]`: all programs, or those of the rooms or names given.
///
/// # Errors
///
/// A test fails; the machine cannot be made or booted here.
pub(crate) fn run(names: &[String], timing: &mut Timing) -> Result<()> {
    timing.part("setup", || setup::ensure(&[Purpose::Build]))?;
    timing.part("virtual machine", || build::roots().map(drop))?;
    let script = timing.part("build", || script(names))?;
    // By its process, since the build may just have replaced the file.
    let xtask = format!("/proc/{}/exe", std::process::id());
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(xtask).args(["vm", "--no-build"]);
    command.args(["--timeout", "1500", "--", "bash", "-c", &script]);
    cargo_test::watched(command, timing)
}

/// What runs the programs in the guest, each announced as cargo does.
fn script(names: &[String]) -> Result<String> {
    shell::run(project::cargo("build").arg("--locked").args(project::ALL))?;
    let libraries = libraries::carry(&project::target().join("debug/zerohop-decode"))?;
    manifest::write(&project::target().join("debug"))?;
    let chosen = |(room, test, _): &&(&str, &str, &str)| {
        names.is_empty() || names.iter().any(|name| name == room || name == test)
    };
    let chosen: Vec<_> = PROGRAMS.iter().filter(chosen).collect();
    if chosen.is_empty() {
        bail!("no test of kernel devices in {}", names.join(" or "));
    }
    let mut build = project::cargo("test");
    build.args(["--locked", "--no-run", "--message-format=json-render-diagnostics"]);
    for (room, test, _) in &chosen {
        build.args(["-p", &format!("zerohop-{room}"), "--test", test]);
    }
    let built = shell::output(&mut build)?;
    let built: Vec<Value> =
        built.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut script = libraries::found(&libraries);
    script += &format!("export {REQUIRE}={REQUIRED}; failed=0\n");
    for (room, test, filter) in chosen {
        let program = executable(&built, room, test)?;
        let folder = project::root().join("crates").join(room);
        let (folder, word) = (folder.to_string_lossy(), shell::quoted(&program));
        script += &format!(
            "cd {} && echo '     Running {room}/{test} ({program})' && \
             timeout -k 5 {EACH} {word} {filter} || {{ echo \"ended with $?\"; failed=1; }}\n",
            shell::quoted(&folder)
        );
    }
    Ok(script + "exit $failed")
}

/// Where cargo put a test program.
fn executable(built: &[Value], room: &str, test: &str) -> Result<String> {
    let wanted = Path::new("crates").join(room).join("Cargo.toml");
    let mine = |line: &&Value| {
        let text = |pointer| line.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Path::new(text("/manifest_path")).ends_with(&wanted) && text("/target/name") == test
    };
    let program = built.iter().filter(mine).find_map(|line| line.get("executable")?.as_str());
    program.map(str::to_owned).with_context(|| format!("cargo built no {room}/{test}"))
}
