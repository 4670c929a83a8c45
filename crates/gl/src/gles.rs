//! The calls of OpenGL ES 3 that we make, and its numbers (`GLES3/gl32.h`, `GLES2/gl2ext.h`).

use std::ffi::{c_char, c_int, c_uint, c_void};

use crate::table::table;

pub(crate) const TEXTURE_2D: c_uint = 0x0de1;
pub(crate) const TEXTURE_EXTERNAL: c_uint = 0x8d65;
pub(crate) const TEXTURE_MAG_FILTER: c_uint = 0x2800;
pub(crate) const TEXTURE_MIN_FILTER: c_uint = 0x2801;
pub(crate) const NEAREST: c_int = 0x2600;
pub(crate) const RGBA8: c_uint = 0x8058;
pub(crate) const RGBA: c_uint = 0x1908;
pub(crate) const UNSIGNED_BYTE: c_uint = 0x1401;
pub(crate) const FRAMEBUFFER: c_uint = 0x8d40;
pub(crate) const COLOR_ATTACHMENT0: c_uint = 0x8ce0;
pub(crate) const FRAMEBUFFER_COMPLETE: c_uint = 0x8cd5;
pub(crate) const FRAGMENT_SHADER: c_uint = 0x8b30;
pub(crate) const VERTEX_SHADER: c_uint = 0x8b31;
pub(crate) const COMPILE_STATUS: c_uint = 0x8b81;
pub(crate) const LINK_STATUS: c_uint = 0x8b82;
pub(crate) const TRIANGLES: c_uint = 0x0004;
pub(crate) const VENDOR: c_uint = 0x1f00;
pub(crate) const RENDERER: c_uint = 0x1f01;
pub(crate) const VERSION: c_uint = 0x1f02;
pub(crate) const EXTENSIONS: c_uint = 0x1f03;
pub(crate) const NUM_EXTENSIONS: c_uint = 0x821d;
pub(crate) const MAX_TEXTURE_SIZE: c_uint = 0x0d33;
pub(crate) const DITHER: c_uint = 0x0bd0;
/// `GL_EXT_memory_object`.
pub(crate) const NUM_DEVICE_UUIDS: c_uint = 0x9596;
pub(crate) const DEVICE_UUID: c_uint = 0x9597;

table! {
    /// What OpenGL ES 3.0 has.
    Gles {
        get_error = c"glGetError": fn() -> c_uint;
        get_string = c"glGetString": fn(c_uint) -> *const c_char;
        get_stringi = c"glGetStringi": fn(c_uint, c_uint) -> *const c_char;
        get_integer = c"glGetIntegerv": fn(c_uint, *mut c_int);
        disable = c"glDisable": fn(c_uint);
        finish = c"glFinish": fn();
        flush = c"glFlush": fn();
        gen_textures = c"glGenTextures": fn(c_int, *mut c_uint);
        delete_textures = c"glDeleteTextures": fn(c_int, *const c_uint);
        bind_texture = c"glBindTexture": fn(c_uint, c_uint);
        tex_parameter = c"glTexParameteri": fn(c_uint, c_uint, c_int);
        tex_storage = c"glTexStorage2D": fn(c_uint, c_int, c_uint, c_int, c_int);
        tex_sub_image = c"glTexSubImage2D":
            fn(c_uint, c_int, c_int, c_int, c_int, c_int, c_uint, c_uint, *const c_void);
        gen_framebuffers = c"glGenFramebuffers": fn(c_int, *mut c_uint);
        delete_framebuffers = c"glDeleteFramebuffers": fn(c_int, *const c_uint);
        bind_framebuffer = c"glBindFramebuffer": fn(c_uint, c_uint);
        framebuffer_texture = c"glFramebufferTexture2D": fn(c_uint, c_uint, c_uint, c_uint, c_int);
        check_framebuffer = c"glCheckFramebufferStatus": fn(c_uint) -> c_uint;
        viewport = c"glViewport": fn(c_int, c_int, c_int, c_int);
        create_shader = c"glCreateShader": fn(c_uint) -> c_uint;
        delete_shader = c"glDeleteShader": fn(c_uint);
        shader_source = c"glShaderSource": fn(c_uint, c_int, *const *const c_char, *const c_int);
        compile_shader = c"glCompileShader": fn(c_uint);
        get_shader = c"glGetShaderiv": fn(c_uint, c_uint, *mut c_int);
        get_shader_log = c"glGetShaderInfoLog": fn(c_uint, c_int, *mut c_int, *mut c_char);
        create_program = c"glCreateProgram": fn() -> c_uint;
        delete_program = c"glDeleteProgram": fn(c_uint);
        attach_shader = c"glAttachShader": fn(c_uint, c_uint);
        link_program = c"glLinkProgram": fn(c_uint);
        get_program = c"glGetProgramiv": fn(c_uint, c_uint, *mut c_int);
        use_program = c"glUseProgram": fn(c_uint);
        draw_arrays = c"glDrawArrays": fn(c_uint, c_int, c_int);
        read_pixels = c"glReadPixels":
            fn(c_int, c_int, c_int, c_int, c_uint, c_uint, *mut c_void);
    }
}

table! {
    optional
    /// What extensions bring.
    More {
        image_target_texture = c"glEGLImageTargetTexture2DOES": fn(c_uint, *mut c_void);
        get_unsigned_byte = c"glGetUnsignedBytei_vEXT": fn(c_uint, c_uint, *mut u8);
    }
}
