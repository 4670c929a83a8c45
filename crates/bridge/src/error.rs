//! Why a picture does not come into CUDA.

use zerohop_frame::{DescriptorError, Fourcc};

/// What failed, and in whose hands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Vulkan.
    #[error(transparent)]
    Vulkan(#[from] zerohop_vulkan::Error),
    /// CUDA.
    #[error(transparent)]
    Cuda(#[from] zerohop_cuda::Error),
    /// EGL or OpenGL ES.
    #[error(transparent)]
    Gl(#[from] zerohop_gl::Error),
    /// Our own description of a copy.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// The operating system refused.
    #[error("could not {doing}")]
    Os {
        /// What we were doing.
        doing: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// EGL cannot be used; it was tried before.
    #[error("{0}")]
    NoGl(String),
    /// All copies are still being read.
    #[error("all {0} copies are still being read")]
    Busy(usize),
    /// No way works.
    #[error("no way into CUDA for {fourcc} in {} {handle}: {refusals}", article(.handle))]
    NoWay {
        /// The format.
        fourcc: Fourcc,
        /// The kind of memory.
        handle: &'static str,
        /// Each way, and why it does not work.
        refusals: String,
        /// Whether one of them works, and brings other bits than were sent.
        wrong: bool,
    },
}

impl Error {
    /// Whether it says something of the way, and not of this picture or of all of CUDA.
    pub(crate) fn is_of_the_way(&self) -> bool {
        match self {
            Self::Busy(_) | Self::NoWay { .. } | Self::Os { .. } => false,
            Self::Cuda(err) => {
                !err.is_lost() && !matches!(err, zerohop_cuda::Error::Timeout { .. })
            }
            Self::Vulkan(err) => {
                use zerohop_vulkan::Error::{Forsaken, Timeout, TooSmall};
                !matches!(err, Timeout { .. } | Forsaken(_) | TooSmall { .. })
            }
            Self::Gl(err) => !matches!(err, zerohop_gl::Error::Timeout { .. }),
            _ => true,
        }
    }
}

/// `an` before a vowel, else `a`.
fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}
