//! Shaders that copy a texture to the last bit.

use std::ffi::{CString, c_char, c_int, c_uint};
use std::ptr::{null, null_mut};

use zerohop_frame::Fourcc;

use crate::current::gl;
use crate::gles;
use crate::{Current, Error, Target};

/// One triangle over everything.
const EVERYWHERE: &str = "#version 300 es
void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(corner * 4.0 - 1.0, 0.0, 1.0);
}
";

/// Where the channels of a picture go, so that the bytes of RGBA8 are the bytes of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    /// Bytes R, G, B, A.
    Same,
    /// Bytes B, G, R, A.
    Swapped,
}

impl Order {
    /// That of `fourcc`. The fourth byte of a format without alpha becomes 255.
    ///
    /// # Errors
    ///
    /// [`Error::Inexact`] for what is not four bytes of one component each.
    pub(crate) fn of(fourcc: Fourcc) -> Result<Self, Error> {
        match fourcc {
            Fourcc::ABGR8888 | Fourcc::XBGR8888 => Ok(Self::Same),
            Fourcc::ARGB8888 | Fourcc::XRGB8888 => Ok(Self::Swapped),
            other => Err(Error::Inexact(other)),
        }
    }

    fn swizzle(self) -> &'static str {
        match self {
            Self::Same => "rgba",
            Self::Swapped => "bgra",
        }
    }
}

/// A linked program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program(c_uint);

/// The shader that reads a texture of `target`.
fn fragment(target: Target, order: Order) -> String {
    let (extension, sampler) = match target {
        Target::Flat => ("", "sampler2D"),
        Target::External => {
            ("#extension GL_OES_EGL_image_external_essl3 : require\n", "samplerExternalOES")
        }
    };
    let swizzle = order.swizzle();
    format!(
        "#version 300 es\n{extension}precision highp float;\nuniform highp {sampler} picture;\n\
         out vec4 bytes;\nvoid main() {{\n    \
         bytes = texelFetch(picture, ivec2(gl_FragCoord.xy), 0).{swizzle};\n}}\n"
    )
}

impl Current<'_> {
    /// The program that copies textures of `target`.
    pub(crate) fn program(&self, target: Target, order: Order) -> Result<Program, Error> {
        if target == Target::External && !self.context.has("GL_OES_EGL_image_external_essl3") {
            return Err(Error::Missing("GL_OES_EGL_image_external_essl3"));
        }
        let vertex = self.shader(gles::VERTEX_SHADER, EVERYWHERE)?;
        let fragment = self.shader(gles::FRAGMENT_SHADER, &fragment(target, order));
        let fragment = fragment.inspect_err(|_| gl!(self, delete_shader(vertex)))?;
        let program = gl!(self, create_program());
        for shader in [vertex, fragment] {
            gl!(self, attach_shader(program, shader));
            // It lives as long as the program.
            gl!(self, delete_shader(shader));
        }
        gl!(self, link_program(program));
        let mut linked: c_int = 0;
        gl!(self, get_program(program, gles::LINK_STATUS, &mut linked));
        if linked == 0 {
            gl!(self, delete_program(program));
            return Err(Error::Shader("it does not link".to_owned()));
        }
        Ok(Program(program))
    }

    fn shader(&self, kind: c_uint, text: &str) -> Result<c_uint, Error> {
        let source = CString::new(text).map_err(|err| Error::Shader(err.to_string()))?;
        let shader = gl!(self, create_shader(kind));
        let pointer: *const c_char = source.as_ptr();
        gl!(self, shader_source(shader, 1, &pointer, null()));
        gl!(self, compile_shader(shader));
        let mut compiled: c_int = 0;
        gl!(self, get_shader(shader, gles::COMPILE_STATUS, &mut compiled));
        if compiled != 0 {
            return Ok(shader);
        }
        let mut log = [0_u8; 512];
        let room = log.len() as c_int;
        gl!(self, get_shader_log(shader, room, null_mut(), log.as_mut_ptr().cast()));
        gl!(self, delete_shader(shader));
        let end = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
        Err(Error::Shader(String::from_utf8_lossy(&log[..end]).trim().to_owned()))
    }

    /// Runs `program` over what is bound, once for each pixel.
    pub(crate) fn run(&self, program: Program) {
        gl!(self, use_program(program.0));
        gl!(self, draw_arrays(gles::TRIANGLES, 0, 3));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_formats_of_four_whole_bytes_are_copied_to_the_last_bit() {
        assert_eq!(Order::of(Fourcc::XRGB8888).unwrap(), Order::Swapped);
        let err = Order::of(Fourcc::ABGR2101010).unwrap_err().to_string();
        assert_eq!(err, "a blit into RGBA8 keeps no AB30 picture to the last bit");
        assert!(Order::of(Fourcc::NV12).is_err());
    }

    #[test]
    fn an_external_texture_is_read_by_a_sampler_of_its_kind() {
        let text = fragment(Target::External, Order::Swapped);
        assert!(text.contains("samplerExternalOES") && text.contains(").bgra;"), "{text}");
        assert!(!fragment(Target::Flat, Order::Same).contains("extension"));
    }
}
