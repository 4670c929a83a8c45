//! An open display.

use std::ffi::c_void;
use std::fs::File;
use std::ptr::{null, null_mut};

use crate::error::Doing;
use crate::gbm::Gbm;
use crate::library::{Egl, EglEnum, EglInt, Handle};
use crate::platform::devices;
use crate::{Error, Platform};

/// `EGL_PLATFORM_DEVICE_EXT`.
const PLATFORM_DEVICE: EglEnum = 0x313f;
/// `EGL_PLATFORM_GBM_KHR`.
const PLATFORM_GBM: EglEnum = 0x31d7;
/// `EGL_PLATFORM_SURFACELESS_MESA`.
const PLATFORM_SURFACELESS: EglEnum = 0x31dd;
const VENDOR: EglInt = 0x3053;
const VERSION: EglInt = 0x3054;

/// What a driver says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where it was found.
    pub platform: Platform,
    /// `EGL_VENDOR` and `EGL_VERSION`.
    pub egl: String,
    /// `GL_RENDERER` and `GL_VERSION`.
    pub gl: String,
    /// `GL_DEVICE_UUID_EXT`: those of Vulkan's devices that it shares memory with; empty where the
    /// driver does not say.
    pub devices: Vec<[u8; 16]>,
    /// Whether fences pass in and out as `sync_file` (`EGL_ANDROID_native_fence_sync`).
    pub native_fences: bool,
}

impl Facts {
    /// The driver by name and version, as proofs name it.
    pub fn driver(&self) -> String {
        format!("{}, {}", self.gl, self.platform)
    }
}

/// An initialized display.
pub(crate) struct Display {
    pub(crate) egl: &'static Egl,
    pub(crate) raw: Handle,
    pub(crate) extensions: Vec<String>,
    /// What the display is made of, which lives as long as it does.
    gbm: Option<Gbm>,
}

// SAFETY: EGL's displays may be used from every thread (EGL 1.5, section 3.11).
unsafe impl Send for Display {}

impl Display {
    pub(crate) fn open(platform: &Platform) -> Result<Self, Error> {
        let egl = Egl::get()?;
        let (kind, native, gbm) = native(egl, platform)?;
        let get = egl.extra.get_platform_display;
        let get = get.ok_or(Error::Missing("EGL_EXT_platform_base"))?;
        // SAFETY: `native` is of the platform's kind, and its list of attributes is empty.
        let raw = unsafe { get(kind, native, null()) };
        if raw.is_null() {
            return Err(egl.failed("get a display"));
        }
        let (mut major, mut minor) = (0, 0);
        // SAFETY: `raw` is a display.
        let done = unsafe { (egl.core.initialize)(raw, &mut major, &mut minor) };
        egl.check(done, "initialize a display")?;
        Ok(Self { egl, raw, extensions: egl.extensions_of(raw), gbm })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.extensions.iter().any(|one| one == name)
    }

    pub(crate) fn needs(&self, name: &'static str) -> Result<(), Error> {
        if self.has(name) { Ok(()) } else { Err(Error::Missing(name)) }
    }

    /// Vendor and version.
    pub(crate) fn describe(&self) -> String {
        let text = |name| self.egl.string(self.raw, name).unwrap_or_default();
        format!("{} {}", text(VENDOR), text(VERSION))
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // All who open a device's display, or the surfaceless one, are given the same: it stays
        // until the process ends. One of a GBM device is ours alone.
        if self.gbm.is_some() {
            // SAFETY: contexts hold the display, so none is left. The GBM device is freed after.
            unsafe { (self.egl.core.terminate)(self.raw) };
        }
    }
}

/// What EGL is told of a platform: its kind, the object, and what keeps that alive.
fn native(egl: &Egl, platform: &Platform) -> Result<(EglEnum, *mut c_void, Option<Gbm>), Error> {
    match platform {
        Platform::Device(index, _) => {
            let device = devices(egl).get(*index).copied();
            let device = device.ok_or(Error::Missing("an EGL device that was there before"))?;
            Ok((PLATFORM_DEVICE, device, None))
        }
        Platform::Surfaceless => Ok((PLATFORM_SURFACELESS, null_mut(), None)),
        Platform::Gbm(path) => {
            let card = File::options().read(true).write(true).open(path);
            let gbm = Gbm::new(card.doing("open a card")?.into())?;
            Ok((PLATFORM_GBM, gbm.raw(), Some(gbm)))
        }
    }
}
