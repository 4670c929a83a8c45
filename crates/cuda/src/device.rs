//! One GPU, open.

use std::sync::{Arc, OnceLock};

use crate::abi::RawContext;
use crate::error::Fault;
use crate::symbols::Symbols;
use crate::{Cuda, Error, Gpu, Uuid};

/// The primary context of a GPU: the one that other libraries of this process share, such as
/// NVENC's.
pub struct Device {
    cuda: Arc<Cuda>,
    gpu: Gpu,
    context: RawContext,
    /// What ended all work, once something has.
    lost: OnceLock<(String, Fault)>,
}

impl Device {
    /// Opens the GPU that Vulkan calls `uuid`. Takes some 100 ms and memory on the GPU at the first
    /// time in a process.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchDevice`], [`Error::Call`].
    pub fn open(cuda: &Arc<Cuda>, uuid: Uuid) -> Result<Arc<Self>, Error> {
        let gpu = cuda.gpu_of(uuid)?;
        let mut context = RawContext::NULL;
        // SAFETY: `context` is writable; the device exists.
        unsafe { cuda.symbols.primary_retain(&mut context, gpu.ordinal) }
            .map_err(|fault| fault.doing(format!("open a context on {}", gpu.name)))?;
        Ok(Arc::new(Self { cuda: Arc::clone(cuda), gpu, context, lost: OnceLock::new() }))
    }

    /// Which GPU.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// `CUcontext`, for a library that wants it. Valid as long as `self`.
    pub fn context(&self) -> RawContext {
        self.context
    }

    /// Makes the context current in the calling thread, for a library that wants that.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Lost`].
    pub fn enter(&self) -> Result<(), Error> {
        self.call(|| "enter the context".into(), |_| Ok(()))
    }

    /// Why nothing works any more, if that is so.
    pub fn lost(&self) -> Option<Error> {
        let (doing, source) = self.lost.get()?.clone();
        Some(Error::Lost { doing, source })
    }

    /// Bytes of the GPU's memory that are free.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Lost`].
    pub fn free_memory(&self) -> Result<u64, Error> {
        let (mut free, mut total) = (0, 0);
        self.call(
            || "ask for the free memory".into(),
            // SAFETY: both are writable.
            |symbols| unsafe { symbols.memory_info(&mut free, &mut total) },
        )?;
        Ok(free as u64)
    }

    /// Calls the driver with the context current. `doing` says what for, if it fails.
    pub(crate) fn call(
        &self,
        doing: impl Fn() -> String,
        call: impl FnOnce(&Symbols) -> Result<(), Fault>,
    ) -> Result<(), Error> {
        self.lost().map_or(Ok(()), Err)?;
        self.raw_call(call).map_err(|fault| {
            if fault.is_lost() {
                let _ = self.lost.set((doing(), fault.clone()));
            }
            fault.doing(doing())
        })
    }

    /// Frees something. When that fails there is nobody to tell who could do better.
    pub(crate) fn free(&self, call: impl FnOnce(&Symbols) -> Result<(), Fault>) {
        if self.lost.get().is_none() {
            let _ = self.raw_call(call);
        }
    }

    fn raw_call(&self, call: impl FnOnce(&Symbols) -> Result<(), Fault>) -> Result<(), Fault> {
        let symbols = &self.cuda.symbols;
        // Always, and not once per thread: other libraries set theirs.
        // SAFETY: we hold the primary context.
        unsafe { symbols.set_current(self.context) }?;
        call(symbols)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: retained by `open`; every object that was made in it holds an `Arc` of us.
        let _ = unsafe { self.cuda.symbols.primary_release(self.gpu.ordinal) };
    }
}
