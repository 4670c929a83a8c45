//! What can go wrong inside an intercepted call, and what the application is told.

use std::borrow::Cow;
use std::error::Error;

use ash::vk;

/// Why an intercepted call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The next layer or the driver refused.
    #[error("could not {doing}")]
    Call {
        /// The work that the call was part of.
        doing: &'static str,
        /// What it answered; the application gets the same.
        #[source]
        source: vk::Result,
    },
    /// We refused.
    #[error("{what}")]
    Refused {
        /// What was wrong, with the numbers.
        what: Cow<'static, str>,
        /// What the application gets.
        code: vk::Result,
    },
    /// Something outside Vulkan failed.
    #[error("could not {doing}")]
    Outside {
        /// The work.
        doing: &'static str,
        /// What the application gets.
        code: vk::Result,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl LayerError {
    /// A refusal.
    pub fn refused(code: vk::Result, what: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused { what: what.into(), code }
    }

    /// A failure outside Vulkan.
    pub fn outside(
        doing: &'static str,
        code: vk::Result,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Outside { doing, code, source: source.into() }
    }

    pub(crate) fn no_link(call: &'static str) -> Self {
        Self::refused(
            vk::Result::ERROR_INITIALIZATION_FAILED,
            format!("{call} came without the loader's chain of layers"),
        )
    }

    /// What the application gets, and can act on.
    pub fn code(&self) -> vk::Result {
        match self {
            Self::Call { source, .. } => *source,
            Self::Refused { code, .. } | Self::Outside { code, .. } => *code,
        }
    }

    /// Whether applications meet this in normal running, so that it is not worth a line.
    pub(crate) fn is_expected(&self) -> bool {
        use vk::Result as R;
        matches!(
            self.code(),
            R::ERROR_OUT_OF_DATE_KHR | R::ERROR_SURFACE_LOST_KHR | R::NOT_READY | R::TIMEOUT
        )
    }
}

/// Names the work that a Vulkan call was part of.
pub trait Doing<T> {
    /// # Errors
    ///
    /// [`LayerError::Call`] with `what` for a failed call.
    fn doing(self, what: &'static str) -> Result<T, LayerError>;
}

impl<T> Doing<T> for Result<T, vk::Result> {
    fn doing(self, what: &'static str) -> Result<T, LayerError> {
        self.map_err(|source| LayerError::Call { doing: what, source })
    }
}

impl Doing<vk::Result> for vk::Result {
    /// Keeps success codes, such as `VK_INCOMPLETE`, apart from errors.
    fn doing(self, what: &'static str) -> Result<vk::Result, LayerError> {
        if self.as_raw() >= 0 {
            Ok(self)
        } else {
            Err(LayerError::Call { doing: what, source: self })
        }
    }
}

/// An error and its causes on one line: `zerohop_frame::with_causes` of the host, for layers, which hold
/// nothing of the host.
pub fn chain_line(err: &dyn Error) -> String {
    let mut line = err.to_string();
    let mut next = err.source();
    while let Some(cause) = next {
        line = format!("{line}: {cause}");
        next = cause.source();
    }
    line
}
