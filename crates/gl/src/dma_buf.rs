//! Which dma-bufs a driver takes.

use std::ffi::c_int;
use std::ptr::null_mut;

use zerohop_frame::{Fourcc, Modifier};

use crate::gles::{TEXTURE_2D, TEXTURE_EXTERNAL};
use crate::library::{EglBoolean, EglInt, TRUE};
use crate::{Context, Error};

/// What a texture over a dma-buf is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// `GL_TEXTURE_2D`: a texture like any other.
    Flat,
    /// `GL_TEXTURE_EXTERNAL_OES`, which shaders read in ways of its own: all that is left where the
    /// driver says `external_only`.
    External,
}

impl Target {
    pub(crate) fn raw(self) -> u32 {
        match self {
            Self::Flat => TEXTURE_2D,
            Self::External => TEXTURE_EXTERNAL,
        }
    }
}

/// A format, and the modifiers with which dma-bufs of it are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Importable {
    /// The format.
    pub fourcc: Fourcc,
    /// Its modifiers, each with what its textures are.
    pub modifiers: Vec<(Modifier, Target)>,
}

impl Context {
    /// All that the driver says it takes (`eglQueryDmaBufFormatsEXT`).
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where it takes no dma-bufs with modifiers, [`Error::Egl`].
    pub fn importable(&self) -> Result<Vec<Importable>, Error> {
        let query = self.display.egl.extra.query_formats.filter(|_| self.imports_dma_bufs());
        let query = query.ok_or(Error::Missing("EGL_EXT_image_dma_buf_import_modifiers"))?;
        let raw = self.display.raw;
        let mut count: EglInt = 0;
        // SAFETY: asked for the number alone, the call writes no list.
        let done = unsafe { query(raw, 0, null_mut(), &mut count) };
        self.display.egl.check(done, "count the formats of dma-bufs")?;
        let mut formats = vec![0; usize::try_from(count).unwrap_or(0)];
        // SAFETY: there is room for as many as the call is told.
        let done = unsafe { query(raw, count, formats.as_mut_ptr(), &mut count) };
        self.display.egl.check(done, "list the formats of dma-bufs")?;
        formats.truncate(usize::try_from(count).unwrap_or(0));
        let all = formats.into_iter().map(|one| Fourcc(one.cast_unsigned()));
        Ok(all.map(|fourcc| Importable { fourcc, modifiers: self.modifiers(fourcc) }).collect())
    }

    /// The modifiers of one format; none of a format that the driver does not take.
    pub(crate) fn modifiers(&self, fourcc: Fourcc) -> Vec<(Modifier, Target)> {
        let query = self.display.egl.extra.query_modifiers.filter(|_| self.imports_dma_bufs());
        let Some(query) = query else { return Vec::new() };
        let (raw, format) = (self.display.raw, fourcc.0.cast_signed());
        let mut count: c_int = 0;
        // SAFETY: asked for the number alone, the call writes no list.
        let done = unsafe { query(raw, format, 0, null_mut(), null_mut(), &mut count) };
        let most = usize::try_from(count).unwrap_or(0);
        if done != TRUE || most == 0 {
            return Vec::new();
        }
        let (mut modifiers, mut external) = (vec![0; most], vec![EglBoolean::default(); most]);
        let lists = (modifiers.as_mut_ptr(), external.as_mut_ptr());
        // SAFETY: both lists have room for as many as the call is told.
        let done = unsafe { query(raw, format, count, lists.0, lists.1, &mut count) };
        if done != TRUE {
            return Vec::new();
        }
        let target = |only| if only == TRUE { Target::External } else { Target::Flat };
        let all = modifiers.into_iter().zip(external).take(usize::try_from(count).unwrap_or(0));
        all.map(|(modifier, only)| (Modifier(modifier), target(only))).collect()
    }

    /// What textures over dma-bufs of `fourcc` and `modifier` are.
    ///
    /// # Errors
    ///
    /// [`Error::NotImportable`] with what the driver takes instead, [`Error::Missing`].
    pub fn target(&self, fourcc: Fourcc, modifier: Modifier) -> Result<Target, Error> {
        if !self.imports_dma_bufs() {
            return Err(Error::Missing("EGL_EXT_image_dma_buf_import_modifiers"));
        }
        let known = self.modifiers(fourcc);
        if let Some((_, target)) = known.iter().find(|(one, _)| *one == modifier) {
            return Ok(*target);
        }
        let known: Vec<_> = known.iter().map(|(one, _)| one.to_string()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Error::NotImportable { fourcc, modifier, known })
    }
}
