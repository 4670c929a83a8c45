//! What calls return.

use std::fmt;

use crate::sys::{self, NUMBERS, NVENCSTATUS};

/// An `NVENCSTATUS` that is not `NV_ENC_SUCCESS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub NVENCSTATUS);

impl Status {
    /// Its name in the header, if it has one.
    pub fn name(self) -> Option<&'static str> {
        let found =
            NUMBERS.iter().find(|(name, code)| *code == self.0 && name.starts_with("NV_ENC_ERR_"));
        found.map(|(name, _)| *name)
    }

    /// Whether it says that the GPU has no encoder for us.
    pub(crate) fn is_no_encoder(self) -> bool {
        let no_encoder = [
            sys::NV_ENC_ERR_NO_ENCODE_DEVICE,
            sys::NV_ENC_ERR_UNSUPPORTED_DEVICE,
            sys::NV_ENC_ERR_INVALID_ENCODERDEVICE,
        ];
        no_encoder.contains(&self.0)
    }

    /// Whether it says that the GPU is gone.
    pub(crate) fn is_lost(self) -> bool {
        [sys::NV_ENC_ERR_DEVICE_NOT_EXIST, sys::NV_ENC_ERR_INVALID_DEVICE].contains(&self.0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "NVENCSTATUS {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_called_as_in_the_header() {
        assert_eq!(Status(2).to_string(), "NV_ENC_ERR_UNSUPPORTED_DEVICE (2)");
        assert_eq!(Status(25).to_string(), "NV_ENC_ERR_RESOURCE_NOT_MAPPED (25)");
        assert_eq!(Status(99).to_string(), "NVENCSTATUS 99");
    }
}
