//! A dma-buf out of ordinary memory.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

use crate::Memfd;

/// `struct udmabuf_create`.
#[repr(C)]
struct Create {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

/// Makes a dma-buf of the pages of `memfd`, whose size is a multiple of the page size.
///
/// # Errors
///
/// `NotFound` or `PermissionDenied` where `/dev/udmabuf` is not there or not ours; `EINVAL` for a
/// size that is no multiple of the page size.
///
/// # References
///
/// `UDMABUF_CREATE` in `include/uapi/linux/udmabuf.h`.
pub fn udmabuf(memfd: &Memfd) -> io::Result<OwnedFd> {
    let device = File::options().read(true).write(true).open("/dev/udmabuf")?;
    let number = u32::try_from(memfd.as_fd().as_raw_fd()).unwrap_or(u32::MAX);
    let create = Create { memfd: number, flags: 1, offset: 0, size: memfd.size() };
    // SAFETY: `Create` has the layout of `<linux/udmabuf.h>`, and the kernel only reads it.
    Ok(unsafe { ioctl(&device, create) }?)
}

// SAFETY: the opcode is `UDMABUF_CREATE`, which takes a pointer to this structure and returns a
// descriptor or an error.
unsafe impl Ioctl for Create {
    type Output = OwnedFd;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        opcode::write::<Self>(b'u', 0x42)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::from_mut(self).cast()
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> rustix::io::Result<OwnedFd> {
        // SAFETY: on success the call returns a new descriptor that nobody else holds. `flags` is
        // `UDMABUF_FLAGS_CLOEXEC`.
        Ok(unsafe { OwnedFd::from_raw_fd(out) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_that_of_the_header() {
        let create = Create { memfd: 0, flags: 0, offset: 0, size: 0 };
        assert_eq!((create.opcode(), size_of::<Create>()), (0x4018_7542, 24));
    }
}
