//! Our own programs, layers and tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{project, shell};

/// Rooms whose programs and libraries are packed.
const ROOMS: &[&str] =
    &["cli", "layer-wsi", "layer-dmabuf", "layer-hide", "testkit", "testkit-fail", "proof"];

/// Examples that are packed as programs: a room, and their names.
const EXAMPLES: &[(&str, &[&str])] =
    &[("vulkan", &["copies", "floor"]), ("passes", &["bandwidth"])];

/// Rooms that are packed once they are there: the fakes of NVIDIA's libraries.
const FAKES: &[(&str, &str, &str)] = &[
    ("testkit-cuda", "libzerohop_testkit_cuda.so", "libcuda.so.1"),
    ("testkit-nvenc", "libzerohop_testkit_nvenc.so", "libnvidia-encode.so.1"),
];

/// Tests that say something on a GPU: a room, and its test programs; all without names. Those of CUDA
/// and NVENC that bring a stand-in for the library do not.
const TESTS: &[(&str, &[&str])] = &[
    ("vulkan", &["hardware", "planes"]),
    ("layer-wsi", &["conformance", "handover", "look"]),
    ("layer-dmabuf", &["hardware"]),
    ("passes", &["twins", "planar"]),
    ("wire", &["hardware"]),
    ("cuda", &["layout"]),
    ("nvenc", &["header"]),
    ("gl", &[]),
    ("bridge", &[]),
];

/// All of it, built.
#[derive(Debug)]
pub(super) struct Ours {
    /// Programs and libraries, by the name that they get.
    pub(super) files: Vec<(String, PathBuf)>,
    /// Test programs, likewise.
    pub(super) tests: Vec<(String, PathBuf)>,
    /// Libraries that stand in for NVIDIA's, likewise.
    pub(super) fakes: Vec<(String, PathBuf)>,
}

impl Ours {
    /// Builds everything. Programs are optimised, unless `dev`; tests are not.
    ///
    /// # Errors
    ///
    /// A build fails.
    pub(super) fn build(dev: bool) -> Result<Self> {
        let there = there()?;
        let mut build = project::cargo("build");
        build.arg("--locked").args((!dev).then_some("--release"));
        let fakes = || FAKES.iter().filter(|(room, ..)| there.has(room));
        for room in ROOMS.iter().copied().chain(fakes().map(|(room, ..)| *room)) {
            build.args(["-p", &format!("zerohop-{room}")]);
        }
        let mut files = artifacts(&mut build, &["bin", "cdylib"])?;
        files.extend(examples(dev)?);
        let fake = |(_, library, name): &(&str, &str, &str)| {
            let file = files.iter().find(|(file, _)| file == library);
            let (_, path) = file.with_context(|| format!("no {library} was built"))?;
            Ok(((*name).to_owned(), path.clone()))
        };
        let fakes = fakes().map(fake).collect::<Result<Vec<_>>>()?;
        let stands_in = |name: &str| FAKES.iter().any(|(_, library, _)| *library == name);
        let files = files.into_iter().filter(|(name, _)| !stands_in(name)).collect();
        Ok(Self { files, tests: tests(&there)?, fakes })
    }
}

impl Ours {
    /// With one more program.
    pub(super) fn with(mut self, name: &str, path: PathBuf) -> Self {
        self.files.push((name.to_owned(), path));
        self
    }
}

/// Builds the examples.
fn examples(dev: bool) -> Result<Vec<(String, PathBuf)>> {
    let mut build = project::cargo("build");
    build.arg("--locked").args((!dev).then_some("--release"));
    for (room, names) in EXAMPLES {
        build.args(["-p", &format!("zerohop-{room}")]);
        names.iter().for_each(|name| {
            build.args(["--example", name]);
        });
    }
    artifacts(&mut build, &["example"])
}

/// Builds the test programs.
fn tests(there: &There) -> Result<Vec<(String, PathBuf)>> {
    let mut all = Vec::new();
    for (room, names) in TESTS.iter().filter(|(room, _)| there.has(room)) {
        let mut build = project::cargo("test");
        build.args(["--locked", "--no-run", "-p", &format!("zerohop-{room}")]);
        for name in if names.is_empty() { &["*"] } else { *names } {
            build.args(["--test", name]);
        }
        all.extend(artifacts(&mut build, &["test"])?.into_iter().map(|(name, path)| {
            let name = name.rsplit_once('-').map_or(name.as_str(), |(name, _)| name);
            (format!("test-{room}-{name}"), path)
        }));
    }
    Ok(all)
}

/// Runs a build, and gives the files of those kinds that it made, by their names.
fn artifacts(build: &mut Command, kinds: &[&str]) -> Result<Vec<(String, PathBuf)>> {
    build.arg("--message-format=json-render-diagnostics");
    println!("$ {}", shell::line(build));
    let out = build.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !out.status.success() {
        bail!("`{}` failed: {}", shell::line(build), out.status);
    }
    let text = String::from_utf8(out.stdout).context("cargo writes no UTF-8")?;
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut files = Vec::new();
    for message in messages.filter(|one| one["reason"] == "compiler-artifact") {
        let made = message["filenames"].as_array().map(Vec::as_slice).unwrap_or_default();
        let made = made.iter().filter_map(Value::as_str).filter(|file| file.ends_with(".so"));
        for file in made.chain(message["executable"].as_str()) {
            let (path, fits) = (PathBuf::from(file), is_ours(&message, kinds));
            files.extend(fits.then(|| (super::name(&path), path)));
        }
    }
    Ok(files)
}

/// Whether it is of a room, and of one of those kinds.
fn is_ours(message: &Value, kinds: &[&str]) -> bool {
    let manifest = message["manifest_path"].as_str().unwrap_or_default();
    let kind = message["target"]["kind"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fits = kind.iter().any(|one| kinds.iter().any(|kind| one == kind));
    fits && Path::new(manifest).starts_with(project::root().join("crates"))
}

/// The test programs of each room that there are.
struct There(Vec<(String, Vec<String>)>);

impl There {
    fn has(&self, room: &str) -> bool {
        self.0.iter().any(|(name, _)| name == room)
    }
}

/// What Cargo knows of.
fn there() -> Result<There> {
    let metadata = project::metadata(false)?;
    let packages = metadata["packages"].as_array().context("metadata without packages")?;
    let of = |package: &Value| {
        let name = package["name"].as_str()?.strip_prefix("zerohop-")?.to_owned();
        let targets = package["targets"].as_array()?.iter();
        let tests = targets.filter(|one| one["kind"] == Value::from(vec!["test"]));
        Some((name, tests.filter_map(|one| Some(one["name"].as_str()?.to_owned())).collect()))
    };
    Ok(There(packages.iter().filter_map(of).collect()))
}

/// Whether everything that is packed for certain is there to be built.
///
/// # Errors
///
/// Names a room or a test that is not.
pub(super) fn exist() -> Result<()> {
    let there = there()?;
    if let Some(room) = ROOMS.iter().find(|room| !there.has(room)) {
        bail!("the kit packs room {room}, which there is none of");
    }
    for (room, names) in TESTS {
        let known = there.0.iter().find(|(name, _)| name == room).map(|(_, tests)| tests);
        let odd = names
            .iter()
            .find(|name| known.is_some_and(|tests| tests.iter().all(|one| one != *name)));
        if let Some(odd) = odd {
            bail!("the kit packs the test {odd} of {room}, which there is none of");
        }
    }
    Ok(())
}
