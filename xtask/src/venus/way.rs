//! Which path the frames took out of the guest.

use std::fmt;

use anyhow::{Result, bail};

use crate::report::Report;

/// What a report says about the way of the frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// How memory came over: `dma_buf`, `shm`, `opaque_fd`.
    handover: String,
    /// Bytes that the CPU copied of each frame.
    cpu_bytes: u64,
    /// Copies that the GPU made of each frame.
    gpu_copies: u64,
}

impl Way {
    /// That of the run that `report` is of.
    ///
    /// # Errors
    ///
    /// No frame came.
    pub(crate) fn of(report: &Report) -> Result<Self> {
        let handover = report.text("/handover")?;
        if handover == "none" {
            bail!("no frame came out of the guest");
        }
        let cpu_bytes = report.number("/bytes_copied_by_cpu")?;
        Ok(Self { handover, cpu_bytes, gpu_copies: report.number("/gpu_copies")? })
    }

    /// Whether the memory that was read is the very memory that the application rendered to.
    pub(crate) fn is_zero_copy(&self) -> bool {
        self.cpu_bytes + self.gpu_copies == 0
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handover, cpu_bytes, gpu_copies } = self;
        match (handover.as_str(), cpu_bytes, gpu_copies) {
            ("dma_buf", 0, 0) => f.write_str("dma-bufs of the guest's own images, no copy"),
            ("shm", 0, 0) => f.write_str(
                "dma-bufs of the guest's own images, which are memfds without /dev/udmabuf, no copy",
            ),
            ("shm", 0, _) => write!(f, "shared memory, {gpu_copies} copies by the GPU a frame"),
            ("shm", _, 0) => {
                write!(f, "mapped memory, {cpu_bytes} bytes copied by the CPU a frame")
            }
            _ => write!(
                f,
                "{handover}, {cpu_bytes} bytes copied by the CPU and {gpu_copies} copies by the \
                 GPU a frame"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_by_either_processor_is_said() {
        let path = |handover: &str, cpu_bytes, gpu_copies| Way {
            handover: handover.to_owned(),
            cpu_bytes,
            gpu_copies,
        };
        assert!(path("shm", 0, 0).is_zero_copy() && !path("shm", 1, 0).is_zero_copy());
        assert!(path("dma_buf", 0, 0).to_string().ends_with("no copy"));
        assert!(path("shm", 921_600, 0).to_string().contains("921600 bytes copied by the CPU"));
        assert!(path("shm", 0, 1).to_string().contains("1 copies by the GPU"));
        assert!(path("opaque_fd", 0, 1).to_string().starts_with("opaque_fd, 0 bytes"));
    }
}
