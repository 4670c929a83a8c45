//! `libEGL.so.1`: the calls that we make, and what the library can do before any display.
//!
//! Types and numbers are those of `EGL/egl.h` and `EGL/eglext.h` of the Khronos registry.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;
use std::sync::OnceLock;

use crate::Error;
use crate::error::EglCode;
use crate::table::{open, symbol, table};

pub(crate) type EglBoolean = c_uint;
pub(crate) type EglInt = c_int;
pub(crate) type EglEnum = c_uint;
/// `EGLDisplay`, `EGLContext`, `EGLImageKHR` and the like: pointers that only EGL looks behind.
pub(crate) type Handle = *mut c_void;

pub(crate) const TRUE: EglBoolean = 1;
pub(crate) const NONE: EglInt = 0x3038;
const EXTENSIONS: EglInt = 0x3055;

table! {
    /// What every EGL 1.5 has.
    Core {
        get_proc_address = c"eglGetProcAddress": fn(*const c_char) -> *const c_void;
        get_error = c"eglGetError": fn() -> EglInt;
        query_string = c"eglQueryString": fn(Handle, EglInt) -> *const c_char;
        initialize = c"eglInitialize": fn(Handle, *mut EglInt, *mut EglInt) -> EglBoolean;
        terminate = c"eglTerminate": fn(Handle) -> EglBoolean;
        bind_api = c"eglBindAPI": fn(EglEnum) -> EglBoolean;
        create_context = c"eglCreateContext": fn(Handle, Handle, Handle, *const EglInt) -> Handle;
        destroy_context = c"eglDestroyContext": fn(Handle, Handle) -> EglBoolean;
        make_current = c"eglMakeCurrent": fn(Handle, Handle, Handle, Handle) -> EglBoolean;
    }
}

table! {
    optional
    /// What extensions bring.
    Extra {
        get_platform_display = c"eglGetPlatformDisplayEXT":
            fn(EglEnum, *mut c_void, *const EglInt) -> Handle;
        query_devices = c"eglQueryDevicesEXT": fn(EglInt, *mut Handle, *mut EglInt) -> EglBoolean;
        query_device_string = c"eglQueryDeviceStringEXT": fn(Handle, EglInt) -> *const c_char;
        query_formats = c"eglQueryDmaBufFormatsEXT":
            fn(Handle, EglInt, *mut EglInt, *mut EglInt) -> EglBoolean;
        query_modifiers = c"eglQueryDmaBufModifiersEXT":
            fn(Handle, EglInt, EglInt, *mut u64, *mut EglBoolean, *mut EglInt) -> EglBoolean;
        create_image = c"eglCreateImageKHR":
            fn(Handle, Handle, EglEnum, Handle, *const EglInt) -> Handle;
        destroy_image = c"eglDestroyImageKHR": fn(Handle, Handle) -> EglBoolean;
        create_sync = c"eglCreateSyncKHR": fn(Handle, EglEnum, *const EglInt) -> Handle;
        destroy_sync = c"eglDestroySyncKHR": fn(Handle, Handle) -> EglBoolean;
        wait_sync = c"eglWaitSyncKHR": fn(Handle, Handle, EglInt) -> EglInt;
        dup_native_fence = c"eglDupNativeFenceFDANDROID": fn(Handle, Handle) -> EglInt;
    }
}

/// The library.
pub(crate) struct Egl {
    pub(crate) core: Core,
    pub(crate) extra: Extra,
    /// What it offers before any display (`EGL_EXT_client_extensions`).
    pub(crate) extensions: Vec<String>,
}

impl Egl {
    /// The one of this process, loaded at the first call.
    ///
    /// # Errors
    ///
    /// [`Error::Library`], [`Error::Symbol`].
    pub(crate) fn get() -> Result<&'static Self, Error> {
        static EGL: OnceLock<Egl> = OnceLock::new();
        if let Some(egl) = EGL.get() {
            return Ok(egl);
        }
        let egl = Self::load()?;
        Ok(EGL.get_or_init(|| egl))
    }

    fn load() -> Result<Self, Error> {
        let library = open("libEGL.so.1")?;
        let core = Core::load(&|name| symbol(library, name))?;
        let extra = Extra::load(&|name| address(&core, name));
        let mut egl = Self { core, extra, extensions: Vec::new() };
        egl.extensions = words(egl.string(null_mut(), EXTENSIONS));
        Ok(egl)
    }

    /// Where a function of EGL's or OpenGL ES's is. It may be there and not work: only a driver's
    /// extension list says.
    pub(crate) fn address(&self, name: &CStr) -> Option<*const c_void> {
        address(&self.core, name)
    }

    /// A string of `display`, or of the library when that is null.
    pub(crate) fn string(&self, display: Handle, name: EglInt) -> Option<String> {
        // SAFETY: the display is null or initialized.
        let text = unsafe { (self.core.query_string)(display, name) };
        owned(text)
    }

    /// The extensions of `display`.
    pub(crate) fn extensions_of(&self, display: Handle) -> Vec<String> {
        words(self.string(display, EXTENSIONS))
    }

    /// Whether the library has a client extension.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.extensions.iter().any(|one| one == name)
    }

    /// What the last call in this thread that failed said.
    pub(crate) fn failed(&self, doing: &'static str) -> Error {
        // SAFETY: no requirement.
        let code = unsafe { (self.core.get_error)() };
        Error::Egl { doing, source: EglCode(code) }
    }

    pub(crate) fn check(&self, result: EglBoolean, doing: &'static str) -> Result<(), Error> {
        if result == TRUE { Ok(()) } else { Err(self.failed(doing)) }
    }
}

fn address(core: &Core, name: &CStr) -> Option<*const c_void> {
    // SAFETY: the name ends with a zero byte.
    let found = unsafe { (core.get_proc_address)(name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// A copy of a string of the library's; `None` of a null pointer.
pub(crate) fn owned(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: EGL and GL return strings that end with a zero byte and stay (EGL 1.5, section 3.3).
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

pub(crate) fn words(text: Option<String>) -> Vec<String> {
    text.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
}
