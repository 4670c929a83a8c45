//! Real programs, unmodified, under `zerohop run`: what no test of ours thinks of.
//!
//! Each run leaves a video, a report, a trace and a contact sheet in `target/apps`, to be looked
//! at. What its report must say is checked here.

mod chromium;
mod expect;
mod place;
mod trixie;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::report::Report;
use crate::setup::{self, Purpose};
use crate::timing::Timing;
use crate::{programs, project, sheet, shell, tree};
pub(crate) use expect::Expect;
pub(crate) use place::Place;
pub(crate) use trixie::apps as debian_13;

/// How long a run may take, on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);

/// One run.
pub(crate) struct App {
    /// Names its files.
    pub(crate) name: String,
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// `--display` of `zerohop run`.
    pub(crate) display: &'static str,
    /// When it is ended; it ends by itself where there is none.
    pub(crate) seconds: Option<u32>,
    /// What must come of it.
    pub(crate) expect: Expect,
}

impl App {
    /// A run of the program and arguments in `words`, of which a hundred pictures must come.
    pub(crate) fn new(name: &str, words: &str, seconds: Option<u32>) -> Self {
        Self {
            name: name.to_owned(),
            words: words.split_whitespace().map(str::to_owned).collect(),
            display: "auto",
            seconds,
            expect: Expect::Presents(100),
        }
    }
}

/// Runs all of them, or those whose names hold one of `names`, and says at the end which failed.
///
/// # Errors
///
/// One failed, or left a process running.
pub(crate) fn run(names: &[String], timing: &mut Timing) -> Result<()> {
    tree::adopt_orphans()?;
    timing.part("setup", || setup::ensure(&[Purpose::Build, Purpose::Apps]))?;
    let zerohop = timing.part("build", programs::zerohop)?;
    let folder = project::target().join("apps");
    fs::create_dir_all(&folder).context("make target/apps")?;
    let mut failed = Vec::new();
    let mut passed = 0;
    let mut one = |app: &App, place: Place<'_>| {
        if !names.is_empty() && names.iter().all(|name| !app.name.contains(name)) {
            return;
        }
        let result = timing.part(&app.name, || record(&zerohop, &folder, app, place));
        match result.map(drop).and(tree::nothing_left(&app.name)) {
            Ok(()) => passed += 1,
            Err(err) => {
                println!("error: {err:#}");
                failed.push(app.name.clone());
            }
        }
    };
    for app in here()?.iter().chain(&chromium::apps(&folder)?) {
        one(app, Place::Here);
    }
    if let Some(root) = trixie::beside()? {
        trixie::apps().iter().for_each(|app| one(app, Place::Root(&root)));
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {} failed; 0 ignored", failed.len());
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

/// The programs of this system, except Chromium.
fn here() -> Result<Vec<App>> {
    let vkcube = programs::vkcube(1280, 720)?.join(" ");
    let mut apps = Vec::new();
    for (mode, number) in [("immediate", 0), ("mailbox", 1), ("fifo", 2), ("fifo-relaxed", 3)] {
        let words = format!("{vkcube} --c 300 --present_mode {number}");
        apps.push(App::new(&format!("vkcube-{mode}"), &words, None));
    }
    apps.push(App::new("sdl2", "/usr/libexec/installed-tests/SDL2/testvulkan", Some(4)));
    if setup::is_since(13)? {
        apps.extend(trixie::apps());
    }
    Ok(apps)
}

/// Records one program in `folder`: a video, a report, a trace and a contact sheet by its name.
///
/// # Errors
///
/// It fails, or does not come to what is expected of it.
pub(crate) fn record(zerohop: &Path, folder: &Path, app: &App, place: Place<'_>) -> Result<Report> {
    let file = |end: &str| folder.join(format!("{}.{end}", app.name));
    for end in ["mp4", "json", "trace.json", "png"] {
        // What an earlier run left must not be taken for this one's.
        let _ = fs::remove_file(file(end));
    }
    let mut command = place.command(zerohop)?;
    command.args(["run", "--no-progress", "--size", "1280x720", "--display", app.display]);
    if let Some(seconds) = app.seconds {
        command.args(["--seconds", &seconds.to_string()]);
    }
    command.arg("--output").arg(place.inside(&file("mp4"))?);
    command.arg("--report").arg(place.inside(&file("json"))?);
    command.arg("--trace").arg(place.inside(&file("trace.json"))?);
    shell::run_within(command.arg("--").args(&app.words), LIMIT)?;
    sheet::write(&file("mp4"), &file("png"))?;
    let report = Report::read(&file("json"))?;
    app.expect.check(&report, &file("trace.json"))?;
    Ok(report)
}
