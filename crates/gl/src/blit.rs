//! RGBA8 textures that pictures are drawn into, and how they are read.

use std::ffi::c_void;

use zerohop_frame::Extent;

use crate::current::{gl, sides};
use crate::gles;
use crate::program::Program;
use crate::{Current, Error, Texture};

/// An RGBA8 texture of our own, to be drawn into.
pub(crate) struct Canvas {
    pub(crate) texture: Texture,
    framebuffer: u32,
}

impl Current<'_> {
    pub(crate) fn canvas(&self, extent: Extent) -> Result<Canvas, Error> {
        let texture = self.texture(extent)?;
        let framebuffer = self.name(self.context.gles.gen_framebuffers);
        let canvas = Canvas { texture, framebuffer };
        self.draw_to(&canvas);
        let (to, part, name) = (gles::FRAMEBUFFER, gles::COLOR_ATTACHMENT0, canvas.texture.name);
        gl!(self, framebuffer_texture(to, part, gles::TEXTURE_2D, name, 0));
        let status = gl!(self, check_framebuffer(to));
        if status != gles::FRAMEBUFFER_COMPLETE {
            self.end(canvas);
            return Err(Error::Gl { doing: "draw into a texture of RGBA8", code: status });
        }
        Ok(canvas)
    }

    fn draw_to(&self, canvas: &Canvas) {
        gl!(self, bind_framebuffer(gles::FRAMEBUFFER, canvas.framebuffer));
    }

    /// Ends a canvas and its texture.
    pub(crate) fn end(&self, canvas: Canvas) {
        gl!(self, delete_framebuffers(1, &canvas.framebuffer));
        self.delete(canvas.texture);
    }

    /// Draws all of `from` into `to`, which has the same size.
    pub(crate) fn blit(&self, from: &Texture, program: Program, to: &Canvas) -> Result<(), Error> {
        let (width, height) = sides(to.texture.extent);
        self.draw_to(to);
        gl!(self, viewport(0, 0, width, height));
        // On by default, and allowed to change the last bit.
        gl!(self, disable(gles::DITHER));
        self.bind(from.name, from.target);
        self.run(program);
        self.check("draw a picture into a texture")
    }

    /// The bytes of a canvas, for comparisons: the CPU waits for the device and copies.
    pub(crate) fn read(&self, canvas: &Canvas) -> Result<Vec<u8>, Error> {
        let extent = canvas.texture.extent;
        let (width, height) = sides(extent);
        let mut bytes = vec![0_u8; extent.width as usize * extent.height as usize * 4];
        let to = bytes.as_mut_ptr().cast::<c_void>();
        self.draw_to(canvas);
        gl!(self, read_pixels(0, 0, width, height, gles::RGBA, gles::UNSIGNED_BYTE, to));
        self.check("read a texture")?;
        Ok(bytes)
    }
}
