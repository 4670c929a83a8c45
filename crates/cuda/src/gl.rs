//! Textures of OpenGL.

use std::sync::Arc;

use zerohop_frame::{Extent, Fourcc};

use crate::abi::{ArrayDesc, GRAPHICS_READ_ONLY, RawArray, RawGraphics};
use crate::copy::Block;
use crate::format::array_of;
use crate::{Device, Error, Place, Stream, Surface};

/// A texture that CUDA reads, registered once.
///
/// OpenGL's context must be current in the thread that registers, maps and unmaps it, and be of the
/// same GPU.
pub struct GlImage {
    device: Arc<Device>,
    raw: RawGraphics,
    desc: ArrayDesc,
    row_bytes: usize,
}

impl GlImage {
    /// Registers `texture` of `target`, such as `GL_TEXTURE_2D` (0x0de1), whose pixels are those of
    /// `fourcc`.
    ///
    /// # Errors
    ///
    /// [`Error::Format`], [`Error::Call`], [`Error::Lost`].
    pub fn register(
        device: &Arc<Device>,
        (texture, target): (u32, u32),
        fourcc: Fourcc,
        extent: Extent,
    ) -> Result<Arc<Self>, Error> {
        let (desc, pixel) = array_of(fourcc, extent, 0)?;
        let mut raw = RawGraphics::NULL;
        device.call(
            || format!("register texture {texture} of target {target:#x}, {extent:?} {fourcc}"),
            // SAFETY: `raw` is writable; what is no texture is refused.
            |symbols| unsafe { symbols.gl_register(&mut raw, texture, target, GRAPHICS_READ_ONLY) },
        )?;
        let row_bytes = desc.width * pixel;
        Ok(Arc::new(Self { device: Arc::clone(device), raw, desc, row_bytes }))
    }
}

impl Drop for GlImage {
    fn drop(&mut self) {
        // SAFETY: registered by `register`, and unmapped: `Mapped` holds an `Arc` of us.
        self.device.free(|symbols| unsafe { symbols.gl_unregister(self.raw) });
    }
}

/// A texture while CUDA may read it. OpenGL must leave it alone until it is dropped, which unmaps it
/// on the stream: what the stream does before that, it does before OpenGL goes on.
pub struct Mapped {
    image: Arc<GlImage>,
    stream: Arc<Stream>,
    array: RawArray,
}

impl Mapped {
    /// Maps `image`: what OpenGL was told before is done before what `stream` does next.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Lost`].
    pub fn map(image: &Arc<GlImage>, stream: &Arc<Stream>) -> Result<Self, Error> {
        let mut raw = image.raw;
        stream.work(
            || "map a texture".into(),
            // SAFETY: one resource, registered and not mapped.
            |symbols, stream| unsafe { symbols.gl_map(1, &mut raw, stream) },
        )?;
        let (image, stream) = (Arc::clone(image), Arc::clone(stream));
        let mut mapped = Self { image, stream, array: RawArray::NULL };
        let array = &mut mapped.array;
        mapped.stream.work(
            || "take the array of a texture".into(),
            // SAFETY: `array` is writable, the resource mapped; level 0 of a plane.
            |symbols, _| unsafe { symbols.gl_array(array, raw, 0, 0) },
        )?;
        Ok(mapped)
    }
}

impl Mapped {
    /// `CUarray` of level 0. Valid as long as `self`.
    pub fn array(&self) -> RawArray {
        self.array
    }

    /// Copies the texture to `to`, which is kept until that is done. Unmap it right after: the copy
    /// comes first.
    ///
    /// # Errors
    ///
    /// [`Error::Unequal`], [`Error::Call`], [`Error::Lost`].
    pub fn copy<B: Surface + 'static>(&self, to: &Arc<B>) -> Result<(), Error> {
        let rows = Block {
            place: Place::Array(self.array),
            row_bytes: self.image.row_bytes,
            rows: self.image.desc.height,
        };
        self.stream.copy_block(rows, Block::of(&**to))?;
        self.stream.keep(Arc::clone(&self.image));
        self.stream.keep(Arc::clone(to));
        Ok(())
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        let mut raw = self.image.raw;
        let stream = self.stream.raw();
        // SAFETY: one resource, mapped by `map`.
        self.image.device.free(|symbols| unsafe { symbols.gl_unmap(1, &mut raw, stream) });
    }
}
