//! What can go wrong between us and EGL, OpenGL ES or GBM.

use std::fmt;

use zerohop_frame::{DescriptorError, Extent, Fourcc, Modifier};

/// A call failed, or the machine lacks something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A library is not there.
    #[error("could not load {name}")]
    Library {
        /// Its name.
        name: &'static str,
        /// What the dynamic linker said.
        source: libloading::Error,
    },
    /// A library lacks a function.
    #[error("{0} is missing")]
    Symbol(&'static str),
    /// An EGL call failed.
    #[error("could not {doing}")]
    Egl {
        /// What we were doing.
        doing: &'static str,
        /// What EGL said.
        source: EglCode,
    },
    /// OpenGL ES refused something.
    #[error("could not {doing}: OpenGL error {code:#06x}")]
    Gl {
        /// What we were doing.
        doing: &'static str,
        /// What `glGetError` returned (section 2.3.1 of the OpenGL ES 3.2 specification).
        code: u32,
    },
    /// A shader of ours is not taken.
    #[error("the driver takes no shader of ours: {0}")]
    Shader(String),
    /// The display, the context or its driver lacks an extension.
    #[error("the driver lacks {0}")]
    Missing(&'static str),
    /// No display of EGL's serves the device.
    #[error("no EGL display for this device: {0}")]
    NoDisplay(String),
    /// The driver does not read such dma-bufs.
    #[error("EGL imports no {fourcc} dma-buf with modifier {modifier}; it knows {known}")]
    NotImportable {
        /// The format.
        fourcc: Fourcc,
        /// The modifier.
        modifier: Modifier,
        /// The modifiers that it knows for the format, or `none`.
        known: String,
    },
    /// What a blit cannot copy to the last bit.
    #[error("a blit into RGBA8 keeps no {0} picture to the last bit")]
    Inexact(Fourcc),
    /// More pixels than a texture holds.
    #[error("a {}x{} picture does not fit a texture of {most}x{most}", .extent.width, .extent.height)]
    TooLarge {
        /// The picture.
        extent: Extent,
        /// `GL_MAX_TEXTURE_SIZE`.
        most: u32,
    },
    /// Memory that is no dma-buf.
    #[error("EGL imports dma-bufs, not a {0}")]
    Kind(&'static str),
    /// The planes do not lie in the memory as the descriptor says.
    #[error("could not import the picture")]
    Descriptor(#[from] DescriptorError),
    /// The operating system or GBM refused.
    #[error("could not {doing}")]
    Os {
        /// What we were doing.
        doing: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// A fence did not signal in time.
    #[error("waited {seconds} s for the picture's fence")]
    Timeout {
        /// How long, in seconds.
        seconds: u64,
    },
    /// An earlier import of the same buffer failed, and was not tried again.
    #[error("buffer cannot be imported: {0}")]
    Latched(String),
}

/// What `eglGetError` returned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EglCode(pub i32);

impl EglCode {
    /// The name in `EGL/egl.h` and `EGL/eglext.h`.
    fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x3000 => "EGL_SUCCESS",
            0x3001 => "EGL_NOT_INITIALIZED",
            0x3002 => "EGL_BAD_ACCESS",
            0x3003 => "EGL_BAD_ALLOC",
            0x3004 => "EGL_BAD_ATTRIBUTE",
            0x3005 => "EGL_BAD_CONFIG",
            0x3006 => "EGL_BAD_CONTEXT",
            0x3008 => "EGL_BAD_DISPLAY",
            0x3009 => "EGL_BAD_MATCH",
            0x300c => "EGL_BAD_PARAMETER",
            0x300d => "EGL_BAD_SURFACE",
            0x300e => "EGL_CONTEXT_LOST",
            0x322b => "EGL_BAD_DEVICE_EXT",
            _ => return None,
        })
    }
}

impl fmt::Debug for EglCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for EglCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "EGL error {:#06x}", self.0),
        }
    }
}

impl std::error::Error for EglCode {}

/// Names the work that a system call was part of.
pub(crate) trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, std::io::Error> {
    fn doing(self, what: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Os { doing: what, source })
    }
}
