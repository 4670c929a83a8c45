//! The EGL bridge: a dma-buf drawn into a texture that CUDA takes.

use std::sync::Arc;
use std::time::Duration;

use zerohop_cuda::{GlImage, Mapped, Stream};
use zerohop_frame::{Fourcc, Frame};
use zerohop_gl::{Blitter, Context, Current, Wanted};

use crate::Error;

/// `GL_TEXTURE_2D`.
const TEXTURE_2D: u32 = 0x0de1;

/// How long what reads a texture may take before it is made anew.
const WITHIN: Duration = Duration::from_secs(2);

/// One texture, registered with CUDA once for each size.
pub(crate) struct Textures {
    blitter: Blitter,
    stream: Arc<Stream>,
    image: Option<Arc<GlImage>>,
}

impl Textures {
    /// With the driver of EGL's that serves the Vulkan device of this UUID.
    pub(crate) fn open(device_uuid: [u8; 16], stream: &Arc<Stream>) -> Result<Self, Error> {
        let context = Context::open(&Wanted { device_uuid })?;
        if !context.imports_dma_bufs() {
            // Says what is missing.
            context.importable()?;
        }
        Ok(Self { blitter: Blitter::new(context), stream: Arc::clone(stream), image: None })
    }

    /// Draws the picture and maps the texture. It is complete for whatever the stream does next; the
    /// last value says whether the CPU waited, because fences do not pass into this driver.
    pub(crate) fn draw(
        &mut self,
        frame: &Arc<Frame>,
    ) -> Result<(Mapped, Current<'_>, bool), Error> {
        let extent = frame.buffer().descriptor().extent;
        if !self.blitter.keeps(extent) {
            self.let_go()?;
        }
        let (current, drawn) = self.blitter.blit(frame)?;
        let image = match &self.image {
            Some(image) => Arc::clone(image),
            None => {
                // Its bytes are in the picture's order; what the channels are called counts for
                // nothing here.
                let texture = (drawn.texture, TEXTURE_2D);
                let device = self.stream.device();
                GlImage::register(device, texture, Fourcc::ABGR8888, drawn.extent)?
            }
        };
        self.image = Some(Arc::clone(&image));
        let mapped = Mapped::map(&image, &self.stream)?;
        Ok((mapped, current, drawn.waited))
    }

    /// Unregisters the texture, in its context, once nothing reads it any more.
    fn let_go(&mut self) -> Result<(), Error> {
        if self.image.is_none() {
            return Ok(());
        }
        let _current = self.blitter.current()?;
        self.stream.submit()?.wait("the texture before", WITHIN)?;
        // Which makes the stream let go of what it kept for that work.
        let _ = self.stream.submit()?;
        self.image = None;
        Ok(())
    }
}

impl Drop for Textures {
    fn drop(&mut self) {
        // Without it CUDA frees the texture when its context ends.
        let _ = self.let_go();
    }
}
