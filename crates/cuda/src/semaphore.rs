//! Semaphores that somebody else made.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use zerohop_kernel::Handed;

use crate::abi::{
    RawHandle, RawSemaphore, SEMAPHORE_OPAQUE_FD, SEMAPHORE_TIMELINE_FD, SemaphoreHandleDesc,
    SemaphoreParams,
};
use crate::{Device, Error, Stream};

/// A `CUexternalSemaphore`: a `VkSemaphore` of the same GPU, by its `OPAQUE_FD`.
pub struct Semaphore {
    device: Arc<Device>,
    raw: RawSemaphore,
    kind: SemaphoreKind,
}

/// What a semaphore counts (`VkSemaphoreType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SemaphoreKind {
    /// Signaled or not; each wait takes a signal.
    Binary,
    /// A value that only grows.
    Timeline,
}

impl Semaphore {
    /// Imports a semaphore of this `kind`. `fd` stays the caller's.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Os`].
    ///
    /// # References
    ///
    /// `cuImportExternalSemaphore`, which takes a descriptor when it succeeds, as
    /// [`Memory::import`](crate::Memory::import) says. One that it refuses driver 580 leaves open,
    /// binary or timeline.
    pub fn import(
        device: &Arc<Device>,
        fd: BorrowedFd<'_>,
        kind: SemaphoreKind,
    ) -> Result<Arc<Self>, Error> {
        let fd = Handed::new(fd)
            .map_err(|source| Error::Os { doing: "duplicate a descriptor", source })?;
        let handle = SemaphoreHandleDesc {
            kind: match kind {
                SemaphoreKind::Binary => SEMAPHORE_OPAQUE_FD,
                SemaphoreKind::Timeline => SEMAPHORE_TIMELINE_FD,
            },
            handle: RawHandle { fd: fd.raw() },
            flags: 0,
            reserved: [0; 16],
        };
        let mut raw = RawSemaphore::NULL;
        device.call(
            || format!("import a semaphore ({kind:?})"),
            // SAFETY: `raw` is writable, and `handle` names an open descriptor.
            |symbols| unsafe { symbols.import_semaphore(&mut raw, &handle) },
        )?;
        fd.taken();
        Ok(Arc::new(Self { device: Arc::clone(device), raw, kind }))
    }

    /// What it counts.
    pub fn kind(&self) -> SemaphoreKind {
        self.kind
    }
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // SAFETY: streams keep the semaphores that their work waits for and signals, so nothing is
        // outstanding ("cuDestroyExternalSemaphore").
        self.device.free(|symbols| unsafe { symbols.destroy_semaphore(self.raw) });
    }
}

impl Stream {
    /// What comes next happens once the semaphore is at `value`; a binary one has none. If nobody
    /// signals it, the stream stands still until somebody does, who may be another stream.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Lost`].
    pub fn wait(&self, semaphore: &Arc<Semaphore>, value: u64) -> Result<(), Error> {
        let params = SemaphoreParams { value, ..Default::default() };
        self.work(
            || format!("wait for value {value} of a semaphore ({:?})", semaphore.kind),
            // SAFETY: one semaphore, which is kept below, and its value.
            |symbols, stream| unsafe {
                symbols.wait_semaphores(&semaphore.raw, &params, 1, stream)
            },
        )?;
        self.keep(Arc::clone(semaphore));
        Ok(())
    }

    /// Sets the semaphore to `value` once everything before is done; a binary one has none. The
    /// value of a timeline must be above what it is then.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Lost`].
    pub fn signal(&self, semaphore: &Arc<Semaphore>, value: u64) -> Result<(), Error> {
        let params = SemaphoreParams { value, ..Default::default() };
        self.work(
            || format!("signal value {value} of a semaphore ({:?})", semaphore.kind),
            // SAFETY: as above.
            |symbols, stream| unsafe {
                symbols.signal_semaphores(&semaphore.raw, &params, 1, stream)
            },
        )?;
        self.keep(Arc::clone(semaphore));
        Ok(())
    }
}
