//! What the Vulkan specification asks of window system integration, case by case: on the driver
//! alone, through the layer, and through the layer with the Khronos validation layer above it,
//! which sees what the application does, and below it, which sees what the layer does.
//!
//! Each case runs in a process of its own, since a crash is a result too. The layer must pass
//! every case that the driver passes, and every case of what it adds.
//!
//! `ZEROHOP_TEST_DEVICE` chooses the device by a part of its name. `ZEROHOP_SLOW=1` runs what
//! takes long. The comparison is printed at the end, and written to `conformance.md` in cargo's
//! directory for what tests make.
#![allow(unsafe_code, reason = "the cases call Vulkan")]

mod bench;
mod cases;
mod child;
#[path = "../common/layers.rs"]
mod layers;
mod table;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use bench::Platform;
use cases::Case;
use child::{Configuration, Ended, Launcher};
use table::{Row, Table};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if let [_, flag, name, platform] = &args[..]
        && flag == child::FLAG
    {
        return child::run(name, platform);
    }
    let arguments = Arguments::from_args();
    let launcher = match Launcher::new() {
        Ok(launcher) => Arc::new(launcher),
        Err(err) => {
            eprintln!("conformance: {err}");
            return ExitCode::FAILURE;
        }
    };
    let table = Arc::new(Table::default());
    let mut trials = Vec::new();
    for case in cases::all() {
        for platform in Platform::ALL {
            trials.push(trial(case, platform, &launcher, &table));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        table.print();
    }
    if conclusion.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn trial(
    case: &'static Case,
    platform: Platform,
    launcher: &Arc<Launcher>,
    table: &Arc<Table>,
) -> Trial {
    let name = format!("{}::{platform}", case.name);
    let (launcher, table) = (Arc::clone(launcher), Arc::clone(table));
    Trial::ignorable_test(name, move || {
        if case.slow && env::var("ZEROHOP_SLOW").is_err() {
            return Ok(Completion::ignored_with("slow: set ZEROHOP_SLOW=1"));
        }
        if let Err(why) = launcher.offers(platform) {
            return Ok(Completion::ignored_with(why));
        }
        let mut row = Row { case: case.name, platform, ended: Vec::new() };
        for configuration in Configuration::COMPARED {
            if is_left_out(case, platform, configuration) {
                row.ended.push(Ended::LeftOut);
                continue;
            }
            let mut ended = launcher.run(case, platform, configuration);
            if configuration == Configuration::Above && matches!(ended, Ended::Failed(_)) {
                // A driver alone has no display; to the validation layer surfaces are alike.
                let platform = match platform {
                    Platform::Display => Platform::Headless,
                    other => other,
                };
                let reference = launcher.run(case, platform, Configuration::Reference);
                ended = ended.against(&reference);
            }
            row.ended.push(ended);
        }
        let verdict = judge(&row);
        table.add(row);
        verdict
    })
}

/// Whether nothing is to be learned, or nothing new. To the layer an Xlib window is an xcb window
/// and a Wayland surface is as good as none, so they meet the validation layer only when there is
/// time. A driver may wait for ever for a Wayland surface without a role to be seen.
fn is_left_out(case: &Case, platform: Platform, configuration: Configuration) -> bool {
    let known = [Platform::Xlib, Platform::Wayland];
    let validated = matches!(configuration, Configuration::Above | Configuration::Below);
    case.without_validation && configuration == Configuration::Above
        || validated && known.contains(&platform) && env::var("ZEROHOP_SLOW").is_err()
        || configuration == Configuration::Bare && platform == Platform::Wayland && case.presents()
}

/// The layer never fails, and supports what the driver supports.
fn judge(row: &Row) -> Result<Completion, Failed> {
    let [bare, layer, above, below] = &row.ended[..] else {
        return Err("not every configuration ran".into());
    };
    if let Ended::Failed(why) = layer {
        return Err(format!("through the layer: {why}\n(the driver alone: {bare})").into());
    }
    if let (Ended::Passed, Ended::Unsupported(why)) = (bare, layer) {
        return Err(format!("the driver alone passes, the layer does not support: {why}").into());
    }
    if let Ended::Failed(why) = above {
        return Err(format!("with the validation layer above: {why}").into());
    }
    if let Ended::Failed(why) = below {
        return Err(format!("with the validation layer below: {why}").into());
    }
    match layer {
        Ended::Unsupported(why) => Ok(Completion::ignored_with(why.clone())),
        _ => Ok(Completion::Completed),
    }
}
