//! The list: which Debian package is needed for what, and why.

use anyhow::{Result, bail};

use super::apt::Release;
use crate::shell;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Compile everything.
    Build,
    /// Make the demo's video.
    Demo,
    /// Run the tests.
    Test,
    /// Run real programs as tests.
    Apps,
    /// Measure.
    Bench,
    /// Make and run a Venus guest and its host.
    Venus,
    /// Make a virtual machine.
    Vm,
}

impl Purpose {
    /// By the name on the command line.
    ///
    /// # Errors
    ///
    /// There is no such purpose.
    pub(crate) fn named(word: &str) -> Result<Self> {
        Ok(match word {
            "build" => Self::Build,
            "demo" => Self::Demo,
            "test" => Self::Test,
            "apps" => Self::Apps,
            "bench" => Self::Bench,
            "venus" => Self::Venus,
            "vm" => Self::Vm,
            _ => bail!("no purpose {word:?}: build, demo, test, apps, bench, venus, vm"),
        })
    }
}

/// One package.
#[derive(Debug)]
pub(crate) struct Need {
    /// Its name in Debian.
    pub(crate) package: &'static str,
    /// What we do with it.
    pub(crate) why: &'static str,
    /// What it brings, to find it where there is no dpkg: a program, or a file by its full path.
    proof: &'static str,
    purposes: &'static [Purpose],
    /// The first Debian release that has it.
    since: u32,
    /// The oldest version that will do.
    pub(crate) at_least: Option<&'static str>,
}

impl Need {
    const fn new(
        package: &'static str,
        proof: &'static str,
        why: &'static str,
        purposes: &'static [Purpose],
    ) -> Self {
        Self { package, why, proof, purposes, since: 12, at_least: None }
    }

    /// Whether one of `purposes` needs it.
    pub(crate) fn serves(&self, purposes: &[Purpose]) -> bool {
        self.purposes.iter().any(|purpose| purposes.contains(purpose))
    }

    /// Whether that release of Debian has it.
    pub(crate) fn exists_in(&self, release: Release) -> bool {
        release.0 >= self.since
    }

    /// Whether that release of Debian has it new enough in its backports only.
    pub(crate) fn needs_backports(&self, release: Release) -> bool {
        self.at_least.is_some() && release.0 == 12
    }

    /// Whether it is there, on a system without dpkg.
    pub(crate) fn is_present(&self) -> bool {
        if self.proof.starts_with('/') {
            std::path::Path::new(self.proof).exists()
        } else {
            shell::find(self.proof).is_some()
        }
    }
}

const RUN: &[Purpose] = &[Purpose::Demo, Purpose::Test, Purpose::Apps, Purpose::Bench];
const DECODE: &[Purpose] =
    &[Purpose::Demo, Purpose::Test, Purpose::Apps, Purpose::Bench, Purpose::Venus];
const TEST: &[Purpose] = &[Purpose::Test];
const FFMPEG: &[Purpose] = &[Purpose::Test, Purpose::Bench];
const APPS: &[Purpose] = &[Purpose::Apps];
const ROOTS: &[Purpose] = &[Purpose::Apps, Purpose::Venus, Purpose::Vm];
const BENCH: &[Purpose] = &[Purpose::Bench];

/// All of them.
pub(crate) const NEEDS: &[Need] = &[
    Need::new(
        "g++",
        "g++",
        "compiles the H.264 encoder that ships inside zerohop",
        &[Purpose::Build],
    ),
    Need::new(
        "nasm",
        "nasm",
        "assembles its fast paths: without it, it is three times slower",
        &[Purpose::Build],
    ),
    Need::new("libvulkan1", LOADER, "the Vulkan loader, which finds drivers and layers", RUN),
    Need {
        at_least: Some("25.0"),
        ..Need::new("mesa-vulkan-drivers", LLVMPIPE, "llvmpipe, Vulkan without a GPU", RUN)
    },
    Need::new("vulkan-tools", "vkcube", "vkcube, the application that is recorded", RUN),
    Need::new("xvfb", "Xvfb", "a display for machines without one", RUN),
    Need::new(
        "libegl1",
        EGL,
        "finds drivers of EGL, as the Vulkan loader does those of Vulkan",
        TEST,
    ),
    Need {
        at_least: Some("25.0"),
        ..Need::new("libegl-mesa0", EGL_OF_MESA, "EGL without a GPU, of the same Mesa", TEST)
    },
    Need::new("libgles2", GLES, "OpenGL ES", TEST),
    Need::new("libturbojpeg0", TURBOJPEG, "decodes JPEG in the VAAPI driver of the tests", TEST),
    Need::new("ffmpeg", "ffmpeg", "an independent decoder: reads our videos back", DECODE),
    Need::new("libavcodec-dev", AVCODEC, "FFmpeg's decoders, for zerohop-decode", FFMPEG),
    Need::new("libavformat-dev", AVFORMAT, "FFmpeg's containers, for zerohop-decode", FFMPEG),
    Need::new("libavutil-dev", AVUTIL, "what both are made of", FFMPEG),
    Need::new("libclang-dev", "clang", "reads their headers", FFMPEG),
    Need::new("pkg-config", "pkg-config", "finds them", FFMPEG),
    Need::new(
        "libffmpeg-nvenc-dev",
        FFNVCODEC,
        "CUDA's and NVENC's C headers, to compare ours with",
        TEST,
    ),
    Need::new("vulkan-validationlayers", VALIDATION, "checks every Vulkan call in the tests", TEST),
    Need::new("weston", "weston", "a Wayland display without a screen, for the tests", TEST),
    Need::new("git", "git", "lists the files of the checkout, for `cargo xtask tidy`", TEST),
    Need::new("chromium", "chromium", "the application with three kinds of swapchains", APPS),
    Need::new("libsdl2-tests", SDL2, "testvulkan, an application on Xlib", APPS),
    Need { since: 13, ..Need::new("vkmark", "vkmark", "an application on xcb and headless", APPS) },
    Need { since: 13, ..Need::new("libsdl3-tests", SDL3, "testvulkan, of SDL 3", APPS) },
    Need::new("mmdebstrap", "mmdebstrap", "makes another Debian beside this system", ROOTS),
    Need::new("valgrind", "valgrind", "counts the instructions of a present", BENCH),
    Need::new("mangohud", "mangohud", "paces vkcube to 60 Hz without our layer", BENCH),
];

const TURBOJPEG: &str = "/usr/lib/x86_64-linux-gnu/libturbojpeg.so.0";
const EGL: &str = "/usr/lib/x86_64-linux-gnu/libEGL.so.1";
const EGL_OF_MESA: &str = "/usr/lib/x86_64-linux-gnu/libEGL_mesa.so.0";
const GLES: &str = "/usr/lib/x86_64-linux-gnu/libGLESv2.so.2";
const AVCODEC: &str = "/usr/include/x86_64-linux-gnu/libavcodec/avcodec.h";
const AVFORMAT: &str = "/usr/include/x86_64-linux-gnu/libavformat/avformat.h";
const AVUTIL: &str = "/usr/include/x86_64-linux-gnu/libavutil/avutil.h";
const FFNVCODEC: &str = "/usr/include/ffnvcodec/dynlink_cuda.h";
const LOADER: &str = "/usr/lib/x86_64-linux-gnu/libvulkan.so.1";
const LLVMPIPE: &str = "/usr/share/vulkan/icd.d/lvp_icd.json";
const VALIDATION: &str = "/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json";
const SDL2: &str = "/usr/libexec/installed-tests/SDL2/testvulkan";
const SDL3: &str = "/usr/libexec/installed-tests/SDL3/testvulkan";
