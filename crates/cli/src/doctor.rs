//! `zerohop doctor`: the doctor, with this program's own way of starting displays and applications.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use zerohop_doctor::{Check, LayerProbe, Machine, Matrix, Report, Trouble, film, nvenc};
use zerohop_frame::{Extent, with_causes};
use zerohop_manifest::{Takeover, WSI_VARIABLE};

use crate::args::Doctor;
use crate::decoder;
use crate::display::users_display_listens;
use crate::failure::Failure;
use crate::layer;
use crate::processes::Processes;
use crate::runtime_dir::RuntimeDir;
use crate::screen;
use crate::xvfb::Xvfb;

/// Tries everything and says what came of it. Returns the exit code.
pub(crate) fn doctor(options: &Doctor) -> Result<u8, Failure> {
    let folder = RuntimeDir::create()?;
    let display = display(folder.path());
    let display = if users_display_listens() {
        Check::useful("private display", display)
    } else {
        Check::required("private display", display)
    };
    let layer = probe(folder.path());
    let report = Report::of(Machine { decoder: decoder(), display, layer, wsi: takeover() });
    let report = if options.matrix {
        report.with_matrix(Matrix::measure(), codecs(folder.path()))
    } else {
        report
    };
    let text = if options.json {
        report.to_json().map_err(|err| Failure::new("the report", err, "report it"))?
    } else {
        report.to_string()
    };
    screen::print(text)?;
    Ok(if report.is_ready() { 0 } else { 1 })
}

/// Whether `zerohop play` and `zerohop probe` have their program.
fn decoder() -> Check {
    let found = decoder::program().map(|path| path.display().to_string());
    Check::useful("decoder", found.map_err(trouble))
}

fn trouble(failure: Failure) -> Trouble {
    Trouble::new(failure.why(), failure.todo())
}

/// Every way to decode, tried on a film of one picture; and NVIDIA's encoder.
fn codecs(folder: &Path) -> Vec<Check> {
    let decoders = decoders(folder);
    let decoders = decoders.unwrap_or_else(|err| vec![Check::useful("decoders", Err(err))]);
    std::iter::once(nvenc()).chain(decoders).collect()
}

fn decoders(folder: &Path) -> Result<Vec<Check>, Trouble> {
    decoder::program().map_err(trouble)?;
    let failed = |err: std::io::Error| Trouble::new(err.to_string(), "make room for a small file");
    let path = folder.join("picture.h264");
    std::fs::write(&path, film()?).map_err(failed)?;
    let mut probe = Command::new(env::current_exe().map_err(failed)?);
    let output = probe.args(["probe", "--json"]).arg(path).stdin(Stdio::null()).output();
    let output = output.map_err(failed)?;
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        Trouble::new(said.lines().next().unwrap_or("nothing was said"), "see zerohop probe FILE")
    })?;
    let ways = found["decoders"].as_array().map(Vec::as_slice).unwrap_or_default();
    let check = |way: &serde_json::Value| {
        let word = |key: &str| way[key].as_str().unwrap_or_default().to_owned();
        let tried = match way["works"].as_bool() {
            Some(true) => Ok(format!("{}, handed over as {}", word("decoder"), word("handover"))),
            _ => Err(Trouble::new(word("reason"), "nothing has to be done; another one decodes")),
        };
        Check::useful(&format!("decode {}", word("way")), tried)
    };
    Ok(ways.iter().map(check).collect())
}

/// What the layer reads from the environment. It says itself what it makes nothing of.
fn takeover() -> Takeover {
    let word = env::var(WSI_VARIABLE).unwrap_or_default();
    Takeover::parse(&word).unwrap_or_default()
}

/// What the hidden subcommand does, in a process with the layer around it.
pub(crate) fn probe_here() -> Result<u8, Failure> {
    let probe = LayerProbe::of_this_process()
        .map_err(|err| Failure::new("the layer", with_causes(&err), "see zerohop doctor"))?;
    let json = serde_json::to_string(&probe);
    screen::print(json.map_err(|err| Failure::new("the probe", err, "report it"))? + "\n")?;
    Ok(0)
}

/// Starts a private display and ends it.
fn display(folder: &Path) -> Result<String, Trouble> {
    let mut processes = Processes::adopt()
        .map_err(|err| Trouble::new(err.to_string(), "use Linux 3.4 or newer"))?;
    let size = Extent { width: 64, height: 64 };
    let server = Xvfb::start(size, folder, &mut processes).map_err(trouble)?;
    Ok(format!("Xvfb started as {}", server.display))
}

/// Runs this program as an application would be, and asks what it sees.
fn probe(folder: &Path) -> Result<LayerProbe, Trouble> {
    let todo = "see the application's side with VK_LOADER_DEBUG=all";
    let library = layer::library().map_err(trouble)?;
    let failed = |err: std::io::Error| Trouble::new(err.to_string(), todo);
    let program = env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.arg("probe-layer").stdin(Stdio::null());
    command.envs(layer::environment(&library, folder).map_err(failed)?);
    let output = command.output().map_err(failed)?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or("it said nothing").to_owned();
        Trouble::new(format!("an application with it fails: {}: {said}", output.status), todo)
    })
}
