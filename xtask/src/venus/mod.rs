//! Venus on one machine: a guest whose Vulkan goes over a local socket to a host, both in a Debian
//! that has the Mesa in question. No virtual machine and no GPU is needed.

mod exact;
mod guest;
mod harm;
mod host;
mod pages;

mod test;
mod way;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::args::Args;
use crate::report::Report;
use crate::roots::{Root, Suite};
use crate::setup::{self, Purpose};
use crate::{programs, project, tree};
pub(crate) use guest::Guest;
pub(crate) use host::{Host, HostLayer, RENDERER};
pub(crate) use test::{run as test, where_possible as test_where_possible};
use way::Way;

/// What `cargo xtask venus` was asked for.
struct Wish {
    output: Option<PathBuf>,
    suite: Suite,
    layer: HostLayer,
    seconds: Option<String>,
    words: Vec<String>,
}

/// `cargo xtask venus [-o FILE.mp4] [--mesa 25|26] [--no-host-layer] [--seconds S] -- COMMAND`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let wish = Wish::of(args)?;
    tree::adopt_orphans()?;
    setup::ensure(&[Purpose::Build, Purpose::Venus])?;
    let zerohop = programs::zerohop()?;
    let root = Root::of(wish.suite)?;
    let folder = project::target().join("venus");
    fs::create_dir_all(&folder).context("make target/venus")?;
    let built = zerohop.parent().unwrap_or(&folder);
    let mut host = Host::start(&root, built, &folder, wish.layer)?;
    let recorded = wish.record(&zerohop, &root, &mut host, &folder.join("report.json"));
    let words = host.last_words(5);
    drop(host);
    tree::nothing_left("the Venus host and its guest")?;
    if recorded.is_err() {
        println!("the last that the host said:\n{words}");
    }
    recorded
}

impl Wish {
    fn of(args: &mut Args) -> Result<Self> {
        let words = args.command()?;
        let output = args.value("-o")?.map(PathBuf::from);
        let suite = match args.value("--mesa")?.as_deref() {
            None | Some("25") => Suite::Trixie,
            Some("26") => Suite::Sid,
            Some(other) => bail!("no Mesa {other:?}: 25 (Debian 13) or 26 (Debian sid)"),
        };
        let bare = args.flag("--no-host-layer");
        let layer = if bare { HostLayer::None } else { HostLayer::DmaBuf };
        let seconds = args.value("--seconds")?;
        args.end()?;
        Ok(Self { output, suite, layer, seconds, words })
    }

    fn record(&self, zerohop: &Path, root: &Root, host: &mut Host, report: &Path) -> Result<()> {
        let _ = fs::remove_file(report);
        let mut command = Guest::of(root, host)?.command(zerohop)?;
        command.args(["run", "--no-progress", "--table", "--report"]);
        command.arg(Root::inside(report)?);
        if let Some(seconds) = &self.seconds {
            command.args(["--seconds", seconds]);
        }
        if let Some(file) = &self.output {
            // The file may lie where the guest cannot see it; what is open goes everywhere.
            let file = File::create(file).with_context(|| format!("make {}", file.display()))?;
            command.args(["--output", "-"]).stdout(Stdio::from(file));
        }
        host.watch(command.arg("--").args(&self.words))?;
        println!("\npath: {}", Way::of(&Report::read(report)?)?);
        Ok(())
    }
}

/// The Mesa of a release, as `--mesa` names it.
fn mesa(suite: Suite) -> &'static str {
    match suite {
        Suite::Trixie => "25",
        Suite::Sid => "26",
    }
}

/// The manifest of a driver of `root`: `lvp` or `virtio`. Newer releases add the architecture to
/// its name.
pub(crate) fn icd(root: &Root, driver: &str) -> Result<PathBuf> {
    const FOLDER: &str = "usr/share/vulkan/icd.d";
    let fits = |name: &str| {
        let rest = name.strip_prefix(driver).and_then(|rest| rest.strip_prefix("_icd"));
        rest.is_some_and(|rest| rest == ".json" || rest == ".x86_64.json")
    };
    let names = fs::read_dir(root.path().join(FOLDER)).context("list the root's drivers")?;
    let mut names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let name = names.find(|name| fits(name));
    let name = name.with_context(|| format!("the root has no driver {driver}"))?;
    Ok(Path::new("/").join(FOLDER).join(name))
}
