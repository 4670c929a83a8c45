//! Textures: over a dma-buf, or of OpenGL's own.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::ptr::null_mut;

use zerohop_frame::{Extent, FrameDescriptor, MemoryHandle, Modifier};

use crate::current::{gl, sides};
use crate::gles;
use crate::library::{EglEnum, EglInt, Handle, NONE};
use crate::{Current, Error, Target};

const LINUX_DMA_BUF: EglEnum = 0x3270;
const WIDTH: EglInt = 0x3057;
const HEIGHT: EglInt = 0x3056;
const LINUX_DRM_FOURCC: EglInt = 0x3271;

/// `EGL_DMA_BUF_PLANEn_FD_EXT`, `_OFFSET_EXT`, `_PITCH_EXT`, `_MODIFIER_LO_EXT` and `_HI_EXT`.
const PLANES: [[EglInt; 5]; 4] = [
    [0x3272, 0x3273, 0x3274, 0x3443, 0x3444],
    [0x3275, 0x3276, 0x3277, 0x3445, 0x3446],
    [0x3278, 0x3279, 0x327a, 0x3447, 0x3448],
    [0x3440, 0x3441, 0x3442, 0x3449, 0x344a],
];

/// A texture of a [`Context`](crate::Context). It ends with [`Current::delete`], or with its context.
#[derive(Debug)]
pub struct Texture {
    /// Its name in OpenGL.
    pub name: u32,
    /// What it is.
    pub target: Target,
    /// Its size.
    pub extent: Extent,
    /// What it lies over.
    image: Option<Image>,
}

/// An `EGLImage`.
#[derive(Debug)]
struct Image(Handle);

// SAFETY: EGL's images may be used from every thread (EGL 1.5, section 3.11).
unsafe impl Send for Image {}

impl Current<'_> {
    /// A texture over the memory of a picture, whose descriptors stay the caller's; of the target
    /// that the driver names, unless another is asked for.
    ///
    /// # Errors
    ///
    /// [`Error::NotImportable`], [`Error::Kind`]; [`Error::Egl`] when the driver refuses the memory.
    pub(crate) fn import(
        &self,
        descriptor: &FrameDescriptor,
        memory: &[MemoryHandle],
        target: Option<Target>,
    ) -> Result<Texture, Error> {
        let named = self.context.target(descriptor.fourcc, descriptor.modifier)?;
        let target = target.unwrap_or(named);
        self.fits(descriptor.extent)?;
        check_sizes(descriptor, memory)?;
        let image = self.image(&attributes(descriptor, memory))?;
        let name = self.name(self.context.gles.gen_textures);
        let made = Texture { name, target, extent: descriptor.extent, image: Some(image) };
        match self.lay_over(&made) {
            Ok(()) => Ok(made),
            Err(err) => {
                self.delete(made);
                Err(err)
            }
        }
    }

    fn image(&self, attributes: &[EglInt]) -> Result<Image, Error> {
        let egl = self.context.display.egl;
        let create = egl.extra.create_image.ok_or(Error::Missing("EGL_KHR_image_base"))?;
        let (raw, none) = (self.context.display.raw, null_mut());
        // SAFETY: no context, no client buffer, and a list that ends, as
        // EGL_EXT_image_dma_buf_import asks; it keeps its own references to the memory.
        let image = unsafe { create(raw, none, LINUX_DMA_BUF, none, attributes.as_ptr()) };
        if image.is_null() { Err(egl.failed("import a dma-buf")) } else { Ok(Image(image)) }
    }

    fn lay_over(&self, texture: &Texture) -> Result<(), Error> {
        let Texture { name, target, image, .. } = texture;
        let lay = self.context.more.image_target_texture;
        let lay = lay.ok_or(Error::Missing("GL_OES_EGL_image"))?;
        let image = image.as_ref().map_or(null_mut(), |image| image.0);
        self.bind(*name, *target);
        // SAFETY: as in `gl!`; the image is alive.
        unsafe { lay(target.raw(), image) };
        self.check("lay a texture over a dma-buf")
    }

    /// A texture of RGBA8 with memory of its own.
    pub(crate) fn texture(&self, extent: Extent) -> Result<Texture, Error> {
        self.fits(extent)?;
        let name = self.name(self.context.gles.gen_textures);
        let made = Texture { name, target: Target::Flat, extent, image: None };
        let (width, height) = sides(extent);
        self.bind(name, Target::Flat);
        gl!(self, tex_storage(gles::TEXTURE_2D, 1, gles::RGBA8, width, height));
        self.check("make a texture").inspect_err(|_| self.delete_name(name))?;
        Ok(made)
    }

    /// A texture of our own with these bytes, four for each pixel: for proofs where no dma-buf comes
    /// in.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::Gl`].
    ///
    /// # Panics
    ///
    /// When `bytes` is not the whole picture.
    pub fn upload(&self, extent: Extent, bytes: &[u8]) -> Result<Texture, Error> {
        let pixels = u64::from(extent.width) * u64::from(extent.height);
        assert_eq!(bytes.len() as u64, pixels * 4, "bytes of a whole picture");
        let texture = self.texture(extent)?;
        let (width, height) = sides(extent);
        let from = bytes.as_ptr().cast::<c_void>();
        let (format, kind) = (gles::RGBA, gles::UNSIGNED_BYTE);
        gl!(self, tex_sub_image(gles::TEXTURE_2D, 0, 0, 0, width, height, format, kind, from));
        self.check("fill a texture")?;
        Ok(texture)
    }

    pub(crate) fn bind(&self, name: u32, target: Target) {
        let target = target.raw();
        gl!(self, bind_texture(target, name));
        for filter in [gles::TEXTURE_MIN_FILTER, gles::TEXTURE_MAG_FILTER] {
            gl!(self, tex_parameter(target, filter, gles::NEAREST));
        }
    }

    /// Ends a texture.
    pub fn delete(&self, texture: Texture) {
        self.delete_name(texture.name);
        let display = &self.context.display;
        if let (Some(Image(image)), Some(destroy)) =
            (texture.image, display.egl.extra.destroy_image)
        {
            // SAFETY: the image is ours, and its texture is gone.
            unsafe { destroy(display.raw, image) };
        }
    }

    fn delete_name(&self, name: u32) {
        gl!(self, delete_textures(1, &name));
    }
}

/// Refuses memory in which the picture cannot lie. Drivers do not: they read past its end.
fn check_sizes(descriptor: &FrameDescriptor, memory: &[MemoryHandle]) -> Result<(), Error> {
    descriptor.check(memory.len())?;
    if descriptor.modifier == Modifier::LINEAR {
        descriptor.check_rows()?;
    }
    for (object, handle) in memory.iter().enumerate() {
        let MemoryHandle::DmaBuf(fd) = handle else { return Err(Error::Kind(handle.kind())) };
        let size = rustix::fs::seek(fd, rustix::fs::SeekFrom::End(0));
        let size =
            size.map_err(|errno| Error::Os { doing: "size a dma-buf", source: errno.into() })?;
        descriptor.check_end(object, size)?;
    }
    Ok(())
}

/// The list that `eglCreateImageKHR` takes.
fn attributes(descriptor: &FrameDescriptor, memory: &[MemoryHandle]) -> Vec<EglInt> {
    let (width, height) = sides(descriptor.extent);
    let fourcc = descriptor.fourcc.0.cast_signed();
    let mut list = vec![WIDTH, width, HEIGHT, height, LINUX_DRM_FOURCC, fourcc];
    let modifier = descriptor.modifier.0;
    // The lower and the upper half, as bits.
    let (low, high) = (modifier as u32, (modifier >> 32) as u32);
    for (plane, names) in descriptor.planes.iter().zip(PLANES) {
        let fd = memory[plane.object].as_fd().as_raw_fd();
        let (offset, stride) = (plane.offset.cast_signed(), plane.stride.cast_signed());
        let values: [c_int; 5] = [fd, offset, stride, low.cast_signed(), high.cast_signed()];
        list.extend(names.into_iter().zip(values).flat_map(|(name, value)| [name, value]));
    }
    list.push(NONE);
    list
}
