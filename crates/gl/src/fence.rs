//! When what was drawn is complete, and when a picture may be drawn.

use std::os::fd::{AsRawFd as _, FromRawFd as _, IntoRawFd as _, OwnedFd};
use std::time::Duration;

use zerohop_frame::SyncPoint;
use zerohop_kernel::SyncFile;

use crate::current::gl;
use crate::error::Doing;
use crate::library::{EglEnum, EglInt, Handle, NONE, TRUE};
use crate::{Current, Error};

/// `EGL_SYNC_NATIVE_FENCE_ANDROID`.
const NATIVE_FENCE: EglEnum = 0x3144;
/// `EGL_SYNC_NATIVE_FENCE_FD_ANDROID`.
const NATIVE_FENCE_FD: EglInt = 0x3145;

/// How long we wait for the maker of a picture.
const PATIENCE: Duration = Duration::from_secs(10);

/// A fence of EGL's.
struct Sync<'a> {
    current: &'a Current<'a>,
    raw: Handle,
}

impl Drop for Sync<'_> {
    fn drop(&mut self) {
        let display = &self.current.context.display;
        if let Some(destroy) = display.egl.extra.destroy_sync {
            // SAFETY: the fence is ours; work that waits for it keeps what it needs.
            unsafe { destroy(display.raw, self.raw) };
        }
    }
}

impl Current<'_> {
    /// What is drawn from now on waits for `point`. Returns whether the CPU had to wait instead of
    /// the device.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] when the CPU waits and ten seconds are not enough.
    pub fn wait(&self, point: &SyncPoint) -> Result<bool, Error> {
        match point {
            SyncPoint::Signaled => return Ok(false),
            SyncPoint::SyncFile(file) if self.wait_on_device(file)? => return Ok(false),
            _ => {}
        }
        if point.wait(PATIENCE).doing("wait for a fence")? {
            return Ok(true);
        }
        Err(Error::Timeout { seconds: PATIENCE.as_secs() })
    }

    /// Returns `false` where the driver does not take the fence, for the CPU to wait.
    fn wait_on_device(&self, file: &SyncFile) -> Result<bool, Error> {
        use std::os::fd::AsFd as _;
        let wait = self.context.display.egl.extra.wait_sync;
        let wait = wait.filter(|_| self.context.facts().native_fences);
        let Some(wait) = wait else { return Ok(false) };
        let fd = file.as_fd().try_clone_to_owned().doing("duplicate a fence")?;
        let Ok(sync) = self.sync(&[NATIVE_FENCE_FD, fd.as_raw_fd(), NONE]) else {
            return Ok(false);
        };
        // The fence has the descriptor now (EGL_ANDROID_native_fence_sync).
        let _ = fd.into_raw_fd();
        // SAFETY: the fence is alive, and a context is current.
        let done = unsafe { wait(self.context.display.raw, sync.raw, 0) };
        Ok(done == TRUE.cast_signed())
    }

    /// The point at which all that was drawn is complete. Where fences do not leave the driver, the
    /// CPU waits for it here, and `waited` is set.
    ///
    /// # Errors
    ///
    /// [`Error::Egl`].
    pub fn fence(&self, waited: &mut bool) -> Result<SyncPoint, Error> {
        if let Some(file) = self.native_fence()? {
            return Ok(file.into());
        }
        gl!(self, finish());
        *waited = true;
        Ok(SyncPoint::Signaled)
    }

    fn native_fence(&self) -> Result<Option<SyncFile>, Error> {
        let display = &self.context.display;
        let dup = display.egl.extra.dup_native_fence;
        let Some(dup) = dup.filter(|_| self.context.facts().native_fences) else {
            return Ok(None);
        };
        let sync = self.sync(&[NONE])?;
        // The fence has no descriptor before its commands are sent (EGL_ANDROID_native_fence_sync).
        gl!(self, flush());
        // SAFETY: the fence is alive.
        let fd = unsafe { dup(display.raw, sync.raw) };
        if fd < 0 {
            return Ok(None);
        }
        // SAFETY: a successful call gives us a new descriptor.
        Ok(Some(SyncFile::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    fn sync(&self, attributes: &[EglInt]) -> Result<Sync<'_>, Error> {
        let display = &self.context.display;
        let create = display.egl.extra.create_sync.ok_or(Error::Missing("EGL_KHR_fence_sync"))?;
        // SAFETY: the list ends, and a context is current.
        let raw = unsafe { create(display.raw, NATIVE_FENCE, attributes.as_ptr()) };
        if raw.is_null() {
            return Err(display.egl.failed("make a fence"));
        }
        Ok(Sync { current: self, raw })
    }
}
