//! Dma-bufs of strangers, kept coherent with what the driver does in them.
//!
//! For the kernel, a driver that works in our mapping is the CPU. So from import to free the
//! dma-buf is in the CPU's hands, in one access after the other (`DMA_BUF_IOCTL_SYNC`): each ends
//! with what was written becoming visible to devices, and each begins with the wait for the fences
//! that devices have put on it and with what they wrote becoming visible. One gives way to the next
//!
//! - before each submission, so that it reads what others have written up to then;
//! - after each wait for work (a fence, a semaphore, a queue, the device), so that others read what
//!   it has written;
//! - when mapped memory is mapped, flushed or invalidated.
//!
//! A memfd needs none of this, nor does a dma-buf of our own making: those are ordinary pages.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Once;

use zerohop_kernel::{begin_cpu_access, end_cpu_access};
use zerohop_layer::{Level, log};

/// A dma-buf in the CPU's hands.
#[derive(Debug)]
pub(super) struct Access(OwnedFd);

impl Access {
    /// Begins the first access.
    ///
    /// # Errors
    ///
    /// What its exporter reports.
    pub(super) fn begin(dma_buf: OwnedFd) -> io::Result<Self> {
        begin_cpu_access(dma_buf.as_fd())?;
        Ok(Self(dma_buf))
    }

    /// Ends the access and begins another.
    pub(super) fn turn_over(&self) {
        let fd = self.0.as_fd();
        told(end_cpu_access(fd).and_then(|()| begin_cpu_access(fd)));
    }
}

impl AsFd for Access {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        told(end_cpu_access(self.0.as_fd()));
    }
}

/// There is nobody to hand the error to: the work goes on, and its pictures may be stale.
fn told(result: io::Result<()>) {
    static TOLD: Once = Once::new();
    if let Err(err) = result {
        TOLD.call_once(|| {
            log(Level::Warn, format_args!("a dma-buf may show stale pictures: its sync: {err}"));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_dma_buf_cannot_be_in_anybodys_hands() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(Access::begin(file.into()).is_err());
    }
}
