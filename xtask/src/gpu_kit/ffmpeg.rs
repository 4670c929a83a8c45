//! FFmpeg, built from Debian 13's source with the decoders of the proof and nothing else.
//!
//! Debian's own build pulls in 160 MB of libraries for codecs that nobody here decodes, and Debian 12's
//! FFmpeg 5.1 knows no Vulkan Video. What is left needs the C library only; NVIDIA's and Vulkan's
//! are loaded at run time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context, Result};

use crate::setup;
use crate::{project, shell};

/// Which FFmpeg, and how it is configured: a change of either builds it anew.
const SUITE: &str = "trixie";
const CONFIGURE: &[&str] = &[
    "--enable-shared",
    "--disable-static",
    "--disable-programs",
    "--disable-doc",
    "--disable-debug",
    "--disable-autodetect",
    "--disable-everything",
    "--disable-avfilter",
    "--disable-avdevice",
    "--disable-swscale",
    "--disable-swresample",
    "--enable-vulkan",
    "--enable-ffnvcodec",
    "--enable-cuda",
    "--enable-nvdec",
    "--enable-decoder=h264,hevc,vp9,av1,mpeg2video,mjpeg",
    "--enable-parser=h264,hevc,vp9,av1,mpegvideo,mjpeg",
    "--enable-demuxer=mov,matroska,h264,hevc,ivf,mpegts",
    "--enable-bsf=h264_mp4toannexb,hevc_mp4toannexb,extract_extradata,vp9_superframe_split",
    "--enable-protocol=file,pipe",
    "--enable-hwaccel=h264_vulkan,hevc_vulkan,av1_vulkan",
    "--enable-hwaccel=h264_nvdec,hevc_nvdec,vp9_nvdec,av1_nvdec,mpeg2_nvdec,mjpeg_nvdec",
];

/// Headers only: of NVIDIA's codecs, and of a Vulkan that knows video.
const HEADERS: [&str; 2] = ["libffmpeg-nvenc-dev", "libvulkan-dev"];

/// Its libraries, built.
#[derive(Debug)]
pub(super) struct Ffmpeg(PathBuf);

impl Ffmpeg {
    /// Fetches and builds it, unless that was done: some minutes.
    ///
    /// # Errors
    ///
    /// The source cannot be had, or does not compile.
    pub(super) fn built() -> Result<Self> {
        let folder = project::target().join("roots/gpu-kit/ffmpeg");
        let (out, made_for) = (folder.join("out"), folder.join("configured"));
        let configured = format!("{SUITE} {}", CONFIGURE.join(" "));
        if fs::read_to_string(&made_for).is_ok_and(|made| made == configured) {
            return Ok(Self(out));
        }
        println!("building FFmpeg of Debian {SUITE} in {}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).context("remove the older FFmpeg")?;
        }
        let headers = fetch(&folder)?;
        build(&folder, &headers, &out)?;
        fs::write(&made_for, configured).context("note how FFmpeg was built")?;
        Ok(Self(out))
    }

    /// Where its libraries are.
    pub(super) fn libraries(&self) -> PathBuf {
        self.0.join("lib")
    }

    /// The program that decodes, linked to it.
    ///
    /// # Errors
    ///
    /// The build fails.
    pub(super) fn decoder(&self, dev: bool) -> Result<PathBuf> {
        let target = project::target().join("gpu-kit-decode");
        let mut build = project::cargo("build");
        build.args(["--locked", "-p", "zerohop-producer-decode", "--features", "ffmpeg"]);
        build.args((!dev).then_some("--release")).env("CARGO_TARGET_DIR", &target);
        build.env("PKG_CONFIG_PATH", self.libraries().join("pkgconfig"));
        shell::run(&mut build)?;
        Ok(target.join(if dev { "debug" } else { "release" }).join("zerohop-decode"))
    }
}

/// Fetches sources and headers; gives the folder that the headers are unpacked in.
fn fetch(folder: &Path) -> Result<PathBuf> {
    let (lists, parts) = (folder.join("lists"), folder.join("parts"));
    for one in [&lists.join("partial"), &parts] {
        fs::create_dir_all(one).with_context(|| format!("make {}", one.display()))?;
    }
    let source = setup::source_of(SUITE)?;
    fs::write(parts.join("debian.sources"), source).context("write a list of sources")?;
    shell::run(apt(folder).arg("update"))?;
    shell::run(apt(folder).args(["--download-only", "source", "ffmpeg"]).current_dir(folder))?;
    shell::run(apt(folder).arg("download").args(HEADERS).current_dir(folder))?;
    let headers = folder.join("headers");
    for package in files(folder, ".deb")? {
        shell::output(Command::new("dpkg-deb").arg("-x").arg(package).arg(&headers))?;
    }
    fs::create_dir_all(folder.join("source")).context("make a folder for the source")?;
    let archives = files(folder, ".orig.tar.xz")?;
    let archive = archives.first().context("apt-get gave no source of FFmpeg")?;
    let mut unpack = Command::new("tar");
    unpack.args(["--strip-components=1", "-xf"]).arg(archive);
    shell::output(unpack.arg("-C").arg(folder.join("source")))?;
    Ok(headers.join("usr"))
}

fn build(folder: &Path, headers: &Path, out: &Path) -> Result<()> {
    let source = folder.join("source");
    let packages = headers.join("share/pkgconfig");
    // It says where it was to be installed.
    let file = packages.join("ffnvcodec.pc");
    let text = fs::read_to_string(&file).context("read ffnvcodec.pc")?;
    let text = text.replace("prefix=/usr", &format!("prefix={}", headers.display()));
    fs::write(&file, text).context("write ffnvcodec.pc")?;
    let mut configure = Command::new("./configure");
    configure.arg(format!("--prefix={}", out.display())).args(CONFIGURE).current_dir(&source);
    configure.arg(format!("--extra-cflags=-I{}", headers.join("include").display()));
    shell::output(configure.env("PKG_CONFIG_PATH", packages))?;
    let jobs = available_parallelism().map_or(1, usize::from);
    let mut make = Command::new("make");
    make.arg(format!("-j{jobs}")).args(["-s", "install"]).current_dir(&source);
    shell::output(&mut make).map(drop)
}

/// apt-get with lists of its own, for a release that is not this machine's.
fn apt(folder: &Path) -> Command {
    let mut apt = Command::new("apt-get");
    for (option, value) in [
        ("Dir::Etc::SourceList", "/dev/null".to_owned()),
        ("Dir::Etc::SourceParts", folder.join("parts").display().to_string()),
        ("Dir::State::Lists", folder.join("lists").display().to_string()),
        ("Dir::Cache", folder.join("cache").display().to_string()),
        ("APT::Sandbox::User", "root".to_owned()),
        // A mirror may keep an index for longer than the index itself says.
        ("Acquire::Check-Valid-Until", "false".to_owned()),
    ] {
        apt.arg("-o").arg(format!("{option}={value}"));
    }
    apt.arg("-qq");
    apt
}

/// The files in `folder` whose names end so.
fn files(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    Ok(found)
}
