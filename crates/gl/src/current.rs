//! Calls of OpenGL ES, which need a current context.

use std::ffi::{c_int, c_uint};
use std::marker::PhantomData;
use std::ptr::null_mut;

use zerohop_frame::Extent;

use crate::gles;
use crate::library::owned;
use crate::{Context, Error};

/// The context, current in this thread. Dropping it makes it current nowhere, and what was asked
/// for is sent to the device.
pub struct Current<'a> {
    pub(crate) context: &'a Context,
    /// It stays in its thread.
    pub(crate) _here: PhantomData<*const ()>,
}

/// One call of OpenGL ES.
macro_rules! gl {
    ($current:expr, $call:ident($($arg:expr),*)) => {{
        let call = $current.context.gles.$call;
        // SAFETY: a context is current in this thread (`Current`). OpenGL checks names and numbers
        // by itself, and pointers are to locals of the length that the other arguments give.
        unsafe { call($($arg),*) }
    }};
}

pub(crate) use gl;

impl Current<'_> {
    pub(crate) fn describe(&self) -> String {
        let text = |name| owned(gl!(self, get_string(name))).unwrap_or_default();
        let [vendor, renderer, version] = [gles::VENDOR, gles::RENDERER, gles::VERSION].map(text);
        let vendor = if renderer.starts_with(&vendor) { String::new() } else { vendor + " " };
        format!("{vendor}{renderer}, {version}")
    }

    pub(crate) fn extensions(&self) -> Vec<String> {
        let count = c_uint::try_from(self.integer(gles::NUM_EXTENSIONS)).unwrap_or(0);
        (0..count)
            .filter_map(|index| owned(gl!(self, get_stringi(gles::EXTENSIONS, index))))
            .collect()
    }

    /// The Vulkan devices that share memory with this driver (`GL_EXT_memory_object`, which the
    /// caller has seen).
    pub(crate) fn device_uuids(&self) -> Vec<[u8; 16]> {
        let Some(get) = self.context.more.get_unsigned_byte else { return Vec::new() };
        let count = c_uint::try_from(self.integer(gles::NUM_DEVICE_UUIDS)).unwrap_or(0);
        let uuid = |index| {
            let mut uuid = [0; 16];
            // SAFETY: as in `gl!`; a UUID has 16 bytes (`GL_UUID_SIZE_EXT`).
            unsafe { get(gles::DEVICE_UUID, index, uuid.as_mut_ptr()) };
            uuid
        };
        (0..count).map(uuid).collect()
    }

    fn integer(&self, name: c_uint) -> c_int {
        let mut value = 0;
        gl!(self, get_integer(name, &mut value));
        value
    }

    /// What went wrong since the last check, if anything.
    pub(crate) fn check(&self, doing: &'static str) -> Result<(), Error> {
        match gl!(self, get_error()) {
            0 => Ok(()),
            code => Err(Error::Gl { doing, code }),
        }
    }

    /// Refuses pictures that no texture holds.
    pub(crate) fn fits(&self, extent: Extent) -> Result<(), Error> {
        let most = u32::try_from(self.integer(gles::MAX_TEXTURE_SIZE)).unwrap_or(0);
        let fits = extent.width.max(extent.height) <= most;
        if fits { Ok(()) } else { Err(Error::TooLarge { extent, most }) }
    }

    /// The context's name of nothing in particular: what is made for one call.
    pub(crate) fn name(&self, make: unsafe extern "C" fn(c_int, *mut c_uint)) -> c_uint {
        let mut name = 0;
        // SAFETY: as in `gl!`; there is room for one.
        unsafe { make(1, &mut name) };
        name
    }
}

impl Drop for Current<'_> {
    fn drop(&mut self) {
        let display = &self.context.display;
        let none = null_mut();
        // SAFETY: releases what `Context::current` made current in this very thread.
        unsafe { (display.egl.core.make_current)(display.raw, none, none, none) };
    }
}

/// A size as OpenGL takes it.
pub(crate) fn sides(extent: Extent) -> (c_int, c_int) {
    let side = |side: u32| c_int::try_from(side).unwrap_or(c_int::MAX);
    (side(extent.width), side(extent.height))
}
