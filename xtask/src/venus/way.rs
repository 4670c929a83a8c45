//! Which path the frames took out of the guest.

use std::fmt;

use anyhow::{Result, bail};

use crate::report::Report;

/// What a report says about the way of the frames.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Way {
    /// How memory came over: `dma_buf`, `shm`, `opaque_fd`.
    handover: String,
    /// Bytes that the CPU copied of each frame.
    cpu_bytes: f64,
    /// Copies that the GPU made of each frame.
    gpu_copies: f64,
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
        let cpu_bytes = report.figure("/bytes_copied_by_cpu")?;
        Ok(Self { handover, cpu_bytes, gpu_copies: report.figure("/gpu_copies")? })
    }

    /// Whether the memory that was read is the very memory that the application rendered to.
    pub(crate) fn is_zero_copy(&self) -> bool {
        self.cpu_bytes + self.gpu_copies <= 0.0
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handover, cpu_bytes, gpu_copies } = self;
        if self.is_zero_copy() {
            return f.write_str(match handover.as_str() {
                "dma_buf" => "dma-bufs of the guest's own images, no copy",
                "shm" => {
                    "dma-bufs of the guest's own images, which are memfds without /dev/udmabuf, no copy"
                }
                _ => "the guest's own images, no copy",
            });
        }
        if *cpu_bytes > 0.0 {
            return write!(
                f,
                "mapped memory, {gpu_copies:.1} copies by the GPU and {cpu_bytes:.0} bytes by the CPU a frame"
            );
        }
        write!(f, "shared memory, {gpu_copies:.1} copies by the GPU a frame")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_by_either_processor_is_said() {
        let way = |handover: &str, cpu_bytes, gpu_copies| Way {
            handover: handover.to_owned(),
            cpu_bytes,
            gpu_copies,
        };
        assert!(way("shm", 0.0, 0.0).is_zero_copy() && !way("shm", 0.5, 0.0).is_zero_copy());
        assert!(way("dma_buf", 0.0, 0.0).to_string().ends_with("no copy"));
        let mapped = way("shm", 921_600.0, 1.0).to_string();
        assert!(mapped.contains("1.0 copies by the GPU and 921600 bytes by the CPU"), "{mapped}");
        assert!(way("shm", 0.0, 1.0).to_string().starts_with("shared memory"));
    }
}
