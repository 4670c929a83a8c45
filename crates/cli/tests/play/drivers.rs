//! The drivers that stand in for a GPU's: one of VA-API and one of CUDA.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Completion, Failed};
use tempfile::TempDir;
use zerohop_needs::absent;
use zerohop_testkit::Xvfb;
use zerohop_vulkan::{DeviceChoice, DeviceKind, Instance, InstanceOptions};

use crate::stage::{ZEROHOP, said};

/// The VA-API driver of our own, which decodes on the CPU, and the display that libva asks for.
pub(crate) struct Vaapi {
    pub(crate) xvfb: Xvfb,
    pub(crate) folder: PathBuf,
}

impl Vaapi {
    pub(crate) fn start() -> Result<Self, Result<Completion, Failed>> {
        let folder = Path::new(ZEROHOP).parent().unwrap().to_owned();
        let there = |folder: &PathBuf| folder.join("libzerohop_drv_video.so").is_file();
        let folders = [folder.clone(), folder.join("deps")];
        let folder = folders.into_iter().find(there);
        let folder = folder.ok_or_else(|| absent("vaapi", "zerohop-testkit-va is not built"))?;
        let xvfb = Xvfb::start(64, 64).map_err(|err| absent("xvfb", &err.to_string()))?;
        Ok(Self { xvfb, folder })
    }

    /// Plays a clip with it, in the shape that `environment` says.
    pub(crate) fn play(
        &self,
        clip: &Path,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Output {
        let mut zerohop = Command::new(ZEROHOP);
        zerohop.arg("play").arg(clip).args(["--decode", "vaapi", "--device", self.xvfb.display()]);
        zerohop.args(arguments).envs(environment.iter().copied());
        zerohop.env("LIBVA_DRIVERS_PATH", &self.folder).env("LIBVA_DRIVER_NAME", "libzerohop");
        zerohop.env("DISPLAY", self.xvfb.display()).env_remove("ZEROHOP_DECODER");
        zerohop.output().unwrap()
    }
}

/// A driver of CUDA without a GPU, in which FFmpeg's own CUDA opens, for the memory of llvmpipe.
pub(crate) struct StandIn {
    folder: TempDir,
    uuid: String,
}

impl StandIn {
    pub(crate) fn install() -> Result<Self, Result<Completion, Failed>> {
        let folder = tempfile::tempdir().unwrap();
        let programs = Path::new(ZEROHOP).parent().unwrap();
        let made = [programs.to_owned(), programs.join("deps")];
        let library = made.map(|folder| folder.join("libzerohop_testkit_cuda.so"));
        let library = library.into_iter().find(|library| library.is_file());
        let library = library.ok_or_else(|| absent("cuda", "zerohop-testkit-cuda is not built"))?;
        std::os::unix::fs::symlink(library, folder.path().join("libcuda.so.1")).unwrap();
        let device = Instance::new(InstanceOptions::default())
            .and_then(|instance| DeviceChoice::Any.pick(&instance))
            .map_err(|err| absent("device", &err.to_string()))?;
        if device.kind() != DeviceKind::Cpu {
            return Err(absent("cuda", "the stand-in takes memory of a CPU device only"));
        }
        let uuid = device.id().device_uuid.map(|byte| format!("{byte:02x}")).concat();
        Ok(Self { folder, uuid })
    }

    /// Plays a clip through it. Returns what was printed, and its report: a word and a number in
    /// each line, and broken rules.
    pub(crate) fn play(&self, clip: &Path, arguments: &[&str]) -> (String, String) {
        let report = self.folder.path().join("report");
        let mut zerohop = Command::new(ZEROHOP);
        zerohop.arg("play").arg(clip).args(["--decode", "software", "--upload", "cuda"]);
        zerohop.args(arguments).env_remove("ZEROHOP_DECODER");
        zerohop.env("LD_LIBRARY_PATH", self.folder.path()).env("ZEROHOP_CUDA_PAGEABLE", "1");
        zerohop.env("ZEROHOP_CUDA_UUIDS", &self.uuid).env("ZEROHOP_CUDA_REPORT", &report);
        let output = zerohop.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        (String::from_utf8(output.stdout).unwrap(), fs::read_to_string(report).unwrap())
    }
}

/// Whether a line of the stand-in's report only counts, and nothing that is left.
pub(crate) fn is_usual(line: &str) -> bool {
    let counts = ["copied ", "call ", "most ", "live 0 "];
    counts.iter().any(|words| line.starts_with(words))
}
