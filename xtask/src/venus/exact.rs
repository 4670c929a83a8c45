//! That every pixel of every picture is what the application drew, and that nobody broke a rule of
//! Vulkan on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Guest;
use super::way::Way;
use crate::report::Report;
use crate::roots::Root;
use crate::shell;

/// How long one recording may take, on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Pictures that are compared.
const PICTURES: &str = "60";

/// What validation layers in a guest and its host are told, and in what words they speak.
const VALIDATION: &str = "VK_LAYER_KHRONOS_validation";
const SYSTEM_LAYERS: &str = "/usr/share/vulkan/explicit_layer.d";
const SYNCHRONIZATION: (&str, &str) = ("VK_VALIDATION_VALIDATE_SYNC", "1");

/// What virglrenderer does against the rules, with or without us: it exports all memory that a
/// guest may map, and binds buffers and images to it that were not made for external memory.
const VIRGLRENDERERS: [&str; 4] = [
    "VUID-VkBindBufferMemoryInfo-memory-02726",
    "VUID-VkBindBufferMemoryInfo-memory-02985",
    "VUID-VkBindImageMemoryInfo-memory-02728",
    "VUID-VkBindImageMemoryInfo-memory-02989",
];

/// One guest and where its files go.
pub(super) struct Stage<'a> {
    pub(super) zerohop: &'a Path,
    pub(super) pattern: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) guest: &'a Guest<'a>,
}

impl Stage<'_> {
    /// Nothing is copied.
    pub(super) fn in_place(&self) -> Result<()> {
        let way = self.check("in-place", &[], |_| {})?;
        if way.is_zero_copy() { Ok(()) } else { bail!("frames were copied: {way}") }
    }

    /// The guest has no memory that leaves it.
    pub(super) fn mapped(&self) -> Result<()> {
        let way = self.check("mapped", &[], |_| {})?;
        if way.is_zero_copy() { bail!("frames were not copied: {way}") } else { Ok(()) }
    }

    /// The window changes its size, and the swapchain is made anew from the old one.
    pub(super) fn resized(&self) -> Result<()> {
        self.check("resized", &["--resize-every", "7"], |_| {})?;
        self.check("recreated", &["--recreate-every", "7"], |_| {}).map(drop)
    }

    /// The application's use of our layer is valid, and so is all that reaches the guest's driver.
    pub(super) fn validated(&self) -> Result<()> {
        let way = self.check("validated", &[], |run| {
            run.env("VK_LAYER_PATH", SYSTEM_LAYERS).env("VK_INSTANCE_LAYERS", VALIDATION);
            run.env(SYNCHRONIZATION.0, SYNCHRONIZATION.1).env("VK_LOADER_DEBUG", "layer");
        })?;
        println!("path: {way}");
        Ok(())
    }

    /// Runs the pattern in the guest, with what `changed` adds to its environment, compares the
    /// pictures, and says which way they came.
    fn check(&self, name: &str, options: &[&str], changed: impl Fn(&mut Command)) -> Result<Way> {
        let pictures = self.folder.join(name);
        if pictures.exists() {
            fs::remove_dir_all(&pictures).context("remove the pictures of an earlier run")?;
        }
        let (report, log) = (self.file(name, "json"), self.file(name, "log"));
        let out = fs::File::create(&log).with_context(|| format!("make {}", log.display()))?;
        let mut run = self.guest.command(self.zerohop)?;
        run.args(["run", "--no-progress", "--display", "none", "--png"]);
        run.arg(Root::inside(&pictures)?).arg("--report").arg(Root::inside(&report)?).arg("--");
        run.arg(Root::inside(self.pattern)?).args(["--frames", PICTURES]).args(options);
        changed(&mut run);
        run.stderr(out.try_clone()?).stdout(out);
        let ran = shell::run_within(&mut run, LIMIT);
        let said = fs::read_to_string(&log).unwrap_or_default();
        ran.with_context(|| shell::tail(&said, 5))?;
        expect_silence(&said, &run)?;
        let mut check = Command::new(self.pattern);
        shell::run(check.args(["check", "--frames", PICTURES]).arg(&pictures))?;
        Way::of(&Report::read(&report)?)
    }

    fn file(&self, name: &str, end: &str) -> PathBuf {
        self.folder.join(format!("{name}.{end}"))
    }
}

/// Where a validation layer was asked for: it was there, and said nothing.
fn expect_silence(said: &str, run: &Command) -> Result<()> {
    let asked = run.get_envs().any(|(_, value)| value.is_some_and(|it| it == VALIDATION));
    if asked && !said.contains("libVkLayer_khronos_validation.so") {
        bail!("the loader did not load the validation layer");
    }
    match said.lines().find(|line| line.contains("VUID-") || line.contains("SYNC-HAZARD")) {
        Some(line) => bail!("the validation layer of the guest says: {line}"),
        None => Ok(()),
    }
}

/// Puts a validation layer below ours in a host.
pub(super) fn validate_host(host: &mut Command) {
    host.env("VK_VALIDATION_VALIDATE_SYNC", "1");
    for (name, value) in [("VK_LAYER_PATH", SYSTEM_LAYERS), ("VK_INSTANCE_LAYERS", VALIDATION)] {
        let ours = host.get_envs().find(|(one, _)| *one == name).and_then(|(_, value)| value);
        let both = ours.map(|ours| format!("{}:{value}", ours.to_string_lossy()));
        host.env(name, both.unwrap_or_else(|| value.to_owned()));
    }
}

/// The validation layer of a host, whose log is `said`, was there and blamed nobody but
/// virglrenderer: it speaks of that in every run.
pub(super) fn check_host(said: &str) -> Result<()> {
    let ids = said.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    let ids = ids.filter(|word| word.starts_with("VUID-") || word.starts_with("SYNC-HAZARD"));
    let (theirs, ours): (Vec<_>, Vec<_>) = ids.partition(|id| VIRGLRENDERERS.contains(id));
    println!("the host's validation layer: {} messages, all of virglrenderer's", theirs.len());
    match ours.first() {
        Some(id) => bail!("the validation layer of the host says: {id}"),
        None if theirs.is_empty() => bail!("the host's validation layer was not there"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virglrenderers_mistakes_are_not_ours() {
        let theirs = "Validation Error: [ VUID-VkBindImageMemoryInfo-memory-02989 ] | x";
        assert!(check_host(theirs).is_ok());
        assert!(check_host("").is_err(), "it speaks of virglrenderer, if it is there");
        let ours = format!("{theirs}\n[ VUID-vkMapMemory-memory-00678 ]");
        assert!(check_host(&ours).unwrap_err().to_string().ends_with("memory-00678"));
    }
}
