//! The textures of the OpenGL ES that this process has loaded.

use std::ffi::{CStr, c_char, c_void};

use libloading::os::unix::{Library, RTLD_NOW};

/// `RTLD_NOLOAD`: only what is there already.
const NO_LOAD: i32 = 4;
const TEXTURE_2D: u32 = 0x0de1;
const TEXTURE_BINDING_2D: u32 = 0x8069;
const TEXTURE_WIDTH: u32 = 0x1000;
const TEXTURE_HEIGHT: u32 = 0x1001;
const TEXTURE_INTERNAL_FORMAT: u32 = 0x1003;
const RGBA8: i32 = 0x8058;
const FRAMEBUFFER: u32 = 0x8d40;
const FRAMEBUFFER_BINDING: u32 = 0x8ca6;
const FRAMEBUFFER_COMPLETE: u32 = 0x8cd5;
const COLOR_ATTACHMENT0: u32 = 0x8ce0;
const RGBA: u32 = 0x1908;
const UNSIGNED_BYTE: u32 = 0x1401;

type Find = unsafe extern "C" fn(*const c_char) -> *const c_void;

/// OpenGL ES 3.1 in the calling thread.
pub(crate) struct Gl {
    find: Find,
}

macro_rules! gl {
    ($self:ident . $name:literal ( $($arg:expr => $kind:ty),* ) $(-> $out:ty)?) => {{
        let found = $self.command($name);
        // SAFETY: the name has these parameters (OpenGL ES 3.1, `gl31.h`).
        let call = unsafe {
            std::mem::transmute::<*const c_void, unsafe extern "C" fn($($kind),*) $(-> $out)?>(found)
        };
        // SAFETY: a context is current, and the arguments are numbers or point to locals.
        unsafe { call($($arg),*) }
    }};
}

impl Gl {
    /// `None` without a context in this thread.
    pub(crate) fn current() -> Option<Self> {
        // SAFETY: loads nothing.
        let egl = unsafe { Library::open(Some("libEGL.so.1"), RTLD_NOW | NO_LOAD) }.ok()?;
        // SAFETY: these are their parameters (EGL 1.5).
        let context =
            unsafe { egl.get::<unsafe extern "C" fn() -> *const c_void>(b"eglGetCurrentContext") };
        // SAFETY: as above; needs nothing.
        if unsafe { context.ok()?() }.is_null() {
            return None;
        }
        // SAFETY: as above.
        let find = unsafe { egl.get::<Find>(b"eglGetProcAddress") }.ok()?;
        let gl = Self { find: *find };
        std::mem::forget(egl);
        Some(gl)
    }

    fn command(&self, name: &CStr) -> *const c_void {
        // SAFETY: the name ends with a NUL. Every name that is asked for is of ES 3.1, so it is there.
        unsafe { (self.find)(name.as_ptr()) }
    }

    /// Width and height of an RGBA8 texture; `None` of all others.
    pub(crate) fn size_of(&self, texture: u32, target: u32) -> Option<(usize, usize)> {
        let known = gl!(self.c"glIsTexture"(texture => u32) -> u8) != 0;
        if !known || target != TEXTURE_2D {
            return None;
        }
        let before = self.integer(TEXTURE_BINDING_2D);
        gl!(self.c"glBindTexture"(TEXTURE_2D => u32, texture => u32));
        let of = |what: u32| {
            let mut value = 0_i32;
            gl!(self.c"glGetTexLevelParameteriv"(
                TEXTURE_2D => u32, 0 => i32, what => u32, &mut value => *mut i32
            ));
            value
        };
        let (width, height, format) =
            (of(TEXTURE_WIDTH), of(TEXTURE_HEIGHT), of(TEXTURE_INTERNAL_FORMAT));
        gl!(self.c"glBindTexture"(TEXTURE_2D => u32, before => u32));
        let size = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
        (format == RGBA8 && width > 0 && height > 0).then_some(size)
    }

    /// The pixels, rows without padding; `None` when they cannot be read.
    pub(crate) fn read(&self, texture: u32, (width, height): (usize, usize)) -> Option<Vec<u8>> {
        let before = self.integer(FRAMEBUFFER_BINDING);
        let mut frame = 0_u32;
        gl!(self.c"glGenFramebuffers"(1 => i32, &mut frame => *mut u32));
        gl!(self.c"glBindFramebuffer"(FRAMEBUFFER => u32, frame => u32));
        gl!(self.c"glFramebufferTexture2D"(
            FRAMEBUFFER => u32, COLOR_ATTACHMENT0 => u32, TEXTURE_2D => u32, texture => u32, 0 => i32
        ));
        let status = gl!(self.c"glCheckFramebufferStatus"(FRAMEBUFFER => u32) -> u32);
        let mut pixels = vec![0_u8; width * height * 4];
        if status == FRAMEBUFFER_COMPLETE {
            gl!(self.c"glReadPixels"(
                0 => i32, 0 => i32, width as i32 => i32, height as i32 => i32, RGBA => u32,
                UNSIGNED_BYTE => u32, pixels.as_mut_ptr() => *mut u8
            ));
        }
        gl!(self.c"glBindFramebuffer"(FRAMEBUFFER => u32, before => u32));
        gl!(self.c"glDeleteFramebuffers"(1 => i32, &frame => *const u32));
        (status == FRAMEBUFFER_COMPLETE).then_some(pixels)
    }

    fn integer(&self, what: u32) -> u32 {
        let mut value = 0_i32;
        gl!(self.c"glGetIntegerv"(what => u32, &mut value => *mut i32));
        value.cast_unsigned()
    }
}
