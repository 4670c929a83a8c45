//! What goes wrong with CUDA.

use std::time::Duration;

use zerohop_frame::{Extent, Fourcc};

use crate::abi::Code;
use crate::cuda::Uuid;

/// Why CUDA cannot be used, or did not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No driver of NVIDIA's on this machine.
    #[error("could not load libcuda.so.1, which comes with NVIDIA's driver")]
    Library(#[source] libloading::Error),
    /// A driver without a GPU.
    #[error("NVIDIA's driver knows no GPU")]
    NoDevice,
    /// None of the GPUs is the one that Vulkan uses.
    #[error("no CUDA device has the UUID {wanted}; there are: {found}")]
    NoSuchDevice {
        /// `VkPhysicalDeviceIDProperties::deviceUUID`.
        wanted: Uuid,
        /// Names and UUIDs of all.
        found: String,
    },
    /// A call failed.
    #[error("could not {doing}")]
    Call {
        /// What it was for, with its numbers.
        doing: String,
        /// What the driver said.
        source: Fault,
    },
    /// The GPU broke off the work of this process. Every later call would fail as well: CUDA can
    /// be used again by a new process only.
    #[error("CUDA is lost for this process since it could not {doing}; start it again")]
    Lost {
        /// The call that heard of it first.
        doing: String,
        /// What the driver said then.
        source: Fault,
    },
    /// The picture has no format of CUDA's arrays.
    #[error("no CUDA array holds {0} pictures")]
    Format(Fourcc),
    /// The memory is of another kind, or of another GPU.
    #[error("CUDA cannot import {0}")]
    NotImportable(String),
    /// The memory is smaller than the picture.
    #[error("the picture needs {needs} bytes, the memory has {has}")]
    TooSmall {
        /// What the layout asks for.
        needs: u64,
        /// What the handle brings.
        has: u64,
    },
    /// Two surfaces of different size.
    #[error("{}x{} bytes cannot be copied to {}x{}", .from.0, .from.1, .to.0, .to.1)]
    Unequal {
        /// Bytes of a row, and rows.
        from: (usize, usize),
        /// Bytes of a row, and rows.
        to: (usize, usize),
    },
    /// A picture without pixels.
    #[error("a picture of {}x{} pixels", .0.width, .0.height)]
    Empty(Extent),
    /// An earlier import of the same buffer failed, and was not tried again.
    #[error("the buffer cannot be imported: {0}")]
    Latched(String),
    /// The timeline's writer has broken its promises, for the reason that is named.
    #[error("{0}")]
    Forsaken(String),
    /// Work that did not come to its end.
    #[error("waited {limit:?} for {what}")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// The operating system refused.
    #[error("could not {doing}")]
    Os {
        /// What we were doing.
        doing: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether CUDA cannot be used any more in this process.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }
}

/// What the driver answered to one call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An error code.
    #[error("{call}: {name} ({code})")]
    Code {
        /// The function.
        call: &'static str,
        /// `CUresult`.
        code: Code,
        /// Its name (`cuGetErrorName`).
        name: String,
    },
    /// The driver has no such function.
    #[error("libcuda.so.1 has no {0}: the driver is too old")]
    Missing(&'static str),
}

/// The codes after which, as the manual says of each, "any further CUDA work will return the same
/// error. To continue using CUDA, the process must be terminated and relaunched", or the device is
/// gone.
///
/// # References
///
/// CUDA Driver API, `CUresult`.
const LOST: [(Code, &str); 13] = [
    (4, "CUDA_ERROR_DEINITIALIZED"),
    (214, "CUDA_ERROR_ECC_UNCORRECTABLE"),
    (220, "CUDA_ERROR_NVLINK_UNCORRECTABLE"),
    (700, "CUDA_ERROR_ILLEGAL_ADDRESS"),
    (702, "CUDA_ERROR_LAUNCH_TIMEOUT"),
    (709, "CUDA_ERROR_CONTEXT_IS_DESTROYED"),
    (710, "CUDA_ERROR_ASSERT"),
    (714, "CUDA_ERROR_HARDWARE_STACK_ERROR"),
    (715, "CUDA_ERROR_ILLEGAL_INSTRUCTION"),
    (716, "CUDA_ERROR_MISALIGNED_ADDRESS"),
    (717, "CUDA_ERROR_INVALID_ADDRESS_SPACE"),
    (718, "CUDA_ERROR_INVALID_PC"),
    (719, "CUDA_ERROR_LAUNCH_FAILED"),
];

impl Fault {
    pub(crate) fn of(call: &'static str, code: Code, name: Option<String>) -> Self {
        let name = name.unwrap_or_else(|| "an error without a name".into());
        Self::Code { call, code, name }
    }

    pub(crate) fn missing(symbol: &'static str) -> Self {
        Self::Missing(symbol)
    }

    /// `CUresult`; `None` when the function is missing.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Code { code, .. } => Some(*code),
            Self::Missing(_) => None,
        }
    }

    /// Whether nothing works after it.
    pub fn is_lost(&self) -> bool {
        self.code().is_some_and(|code| LOST.iter().any(|(lost, _)| *lost == code))
    }

    /// As an error of what it was for.
    pub(crate) fn doing(self, doing: impl Into<String>) -> Error {
        let doing = doing.into();
        match self.is_lost() {
            true => Error::Lost { doing, source: self },
            false => Error::Call { doing, source: self },
        }
    }
}

#[cfg(test)]
mod tests {
    use zerohop_frame::with_causes;

    use super::*;

    #[test]
    fn a_lost_context_is_told_from_a_failed_call() {
        let fault = |code| Fault::of("cuEventQuery", code, Some("NAME".into()));
        let failed = fault(1).doing("ask how far the work is");
        assert!(!failed.is_lost());
        assert_eq!(
            with_causes(&failed),
            "could not ask how far the work is: cuEventQuery: NAME (1)"
        );
        for (code, name) in LOST {
            assert!(fault(code).doing("ask").is_lost(), "{name}");
        }
        assert!(!Fault::missing("cuInit").doing("start").is_lost());
    }
}
