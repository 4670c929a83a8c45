//! A context of OpenGL ES 3 without any window, on the driver that serves a Vulkan device.

use std::marker::PhantomData;
use std::ptr::null_mut;

use crate::current::Current;
use crate::display::Display;
use crate::gles::{Gles, More};
use crate::library::{EglEnum, EglInt, Handle, NONE};
use crate::{Error, Facts, Platform, platforms};
use zerohop_frame::with_causes;

/// `EGL_OPENGL_ES_API`.
const OPENGL_ES: EglEnum = 0x30a0;
/// `EGL_CONTEXT_MAJOR_VERSION`.
const MAJOR_VERSION: EglInt = 0x3098;

/// Which device a context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `VkPhysicalDeviceIDProperties::deviceUUID` of the Vulkan device.
    pub device_uuid: [u8; 16],
}

/// A context. It is current in no thread, but while somebody has a [`Current`].
pub struct Context {
    pub(crate) display: Display,
    pub(crate) gles: Gles,
    pub(crate) more: More,
    raw: Handle,
    facts: Facts,
    /// What OpenGL ES itself offers.
    extensions: Vec<String>,
}

// SAFETY: a context may be made current in any thread, in one at a time (EGL 1.5, section 3.7.3),
// which `current` makes sure of by its `&mut`.
unsafe impl Send for Context {}

impl Context {
    /// A context on the first platform that serves the device and imports dma-bufs; on the first
    /// that serves it, where none imports.
    ///
    /// # Errors
    ///
    /// [`Error::NoDisplay`] with what each platform said, [`Error::Library`].
    pub fn open(wanted: &Wanted) -> Result<Self, Error> {
        let mut refusals = Vec::new();
        let mut without = None;
        for platform in platforms()? {
            match Self::on(&platform) {
                Ok(context) if !context.facts.devices.contains(&wanted.device_uuid) => {
                    refusals.push(format!("{platform} is {}", context.facts.gl));
                }
                Ok(context) if context.imports_dma_bufs() => return Ok(context),
                Ok(context) => without = without.or(Some(context)),
                Err(err) => refusals.push(format!("{platform}, {}", with_causes(&err))),
            }
        }
        if refusals.is_empty() {
            refusals.push("EGL has no platform here".to_owned());
        }
        without.ok_or_else(|| Error::NoDisplay(refusals.join("; ")))
    }

    /// A context on one platform, whichever device that is.
    ///
    /// # Errors
    ///
    /// [`Error::Egl`], [`Error::Missing`].
    pub fn on(platform: &Platform) -> Result<Self, Error> {
        let display = Display::open(platform)?;
        display.needs("EGL_KHR_no_config_context")?;
        display.needs("EGL_KHR_surfaceless_context")?;
        let gles = Gles::load(&|name| display.egl.address(name))?;
        let more = More::load(&|name| display.egl.address(name));
        let raw = create(&display)?;
        let facts = Facts {
            platform: platform.clone(),
            egl: display.describe(),
            gl: String::new(),
            devices: Vec::new(),
            native_fences: display.has("EGL_ANDROID_native_fence_sync")
                && display.has("EGL_KHR_wait_sync"),
        };
        let mut context = Self { display, gles, more, raw, facts, extensions: Vec::new() };
        context.ask()?;
        Ok(context)
    }

    /// Asks OpenGL ES what can only be asked in a current context.
    fn ask(&mut self) -> Result<(), Error> {
        let current = self.current()?;
        let extensions = current.extensions();
        let gl = current.describe();
        let known = extensions.iter().any(|one| one == "GL_EXT_memory_object");
        let devices = if known { current.device_uuids() } else { Vec::new() };
        drop(current);
        self.facts.gl = gl;
        self.facts.devices = devices;
        self.extensions = extensions;
        Ok(())
    }

    /// Makes the context current in this thread until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Egl`]: `EGL_CONTEXT_LOST` after a reset of the device.
    pub fn current(&mut self) -> Result<Current<'_>, Error> {
        let egl = self.display.egl;
        let (display, none) = (self.display.raw, null_mut());
        // SAFETY: the context is of the display, and nobody else has it (`&mut self`).
        let done = unsafe { (egl.core.make_current)(display, none, none, self.raw) };
        egl.check(done, "make a context current")?;
        Ok(Current { context: self, _here: PhantomData })
    }

    /// What the driver says about itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether dma-bufs with modifiers become images here at all.
    pub fn imports_dma_bufs(&self) -> bool {
        let needs = ["EGL_EXT_image_dma_buf_import", "EGL_EXT_image_dma_buf_import_modifiers"];
        needs.iter().all(|name| self.display.has(name)) && self.has("GL_OES_EGL_image")
    }

    /// Whether OpenGL ES has an extension.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.extensions.iter().any(|one| one == name)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context is current nowhere (`Current` borrows us), so it ends now, and what
        // is in it with it.
        unsafe { (self.display.egl.core.destroy_context)(self.display.raw, self.raw) };
    }
}

fn create(display: &Display) -> Result<Handle, Error> {
    let core = &display.egl.core;
    // SAFETY: no requirement.
    let done = unsafe { (core.bind_api)(OPENGL_ES) };
    display.egl.check(done, "ask for OpenGL ES")?;
    let attributes = [MAJOR_VERSION, 3, NONE];
    let none = null_mut();
    // SAFETY: no config (`EGL_KHR_no_config_context`), nothing shared, and the list ends.
    let raw = unsafe { (core.create_context)(display.raw, none, none, attributes.as_ptr()) };
    if raw.is_null() { Err(display.egl.failed("make a context of OpenGL ES 3")) } else { Ok(raw) }
}
