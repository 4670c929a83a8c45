//! An encoding session, as everything that belongs to it holds it.

use std::ffi::{CStr, c_void};
use std::sync::Arc;

use zerohop_cuda::abi::RawStream;
use zerohop_cuda::{Device, Stream};

use crate::library::Api;
use crate::sys::NV_ENC_SUCCESS;
use crate::{Error, Status, Structure};

/// What the library calls an encoder. Destroyed when the last one who uses it is gone.
pub(crate) struct Core {
    pub(crate) api: Api,
    pub(crate) raw: *mut c_void,
    pub(crate) device: Arc<Device>,
    /// What encoding waits for.
    _stream: Arc<Stream>,
    /// `NvEncSetIOCudaStreams` takes the address of the handle, so it stays where it is.
    handle: Box<RawStream>,
}

// SAFETY: the library takes calls on one encoder from several threads: the SDK's Programming Guide,
// "Threading Model", has one thread that submits and another that locks bitstreams.
unsafe impl Send for Core {}
// SAFETY: as above.
unsafe impl Sync for Core {}

/// Calls an entry of the table with the encoder first.
macro_rules! call {
    ($core:expr, $doing:expr, $name:ident $(, $argument:expr)* $(,)?) => {{
        let core: &$crate::core::Core = $core;
        match core.api.table.$name {
            None => Err($crate::Error::Missing {
                name: stringify!($name),
                version: core.api.version,
            }),
            Some(entry) => core.check($doing, || {
                // SAFETY: the encoder lives as long as `core`; what the arguments need is said
                // where they are made.
                unsafe { entry(core.raw $(, $argument)*) }
            }),
        }
    }};
}
pub(crate) use call;

impl Core {
    pub(crate) fn new(api: Api, raw: *mut c_void, stream: &Arc<Stream>) -> Self {
        let device = Arc::clone(stream.device());
        Self { api, raw, device, handle: Box::new(stream.raw()), _stream: Arc::clone(stream) }
    }

    /// The version word of `structure`.
    pub(crate) fn word(&self, structure: Structure) -> u32 {
        self.api.version.word(structure)
    }

    /// The address of the stream's handle.
    pub(crate) fn stream_handle(&self) -> *mut c_void {
        (&raw const *self.handle).cast_mut().cast()
    }

    /// Runs `call` with the context current. `doing` says what for, if it fails.
    pub(crate) fn check(
        &self,
        doing: impl Fn() -> String,
        call: impl FnOnce() -> u32,
    ) -> Result<(), Error> {
        self.device.enter()?;
        match call() {
            NV_ENC_SUCCESS => Ok(()),
            code => Err(Error::Call { doing: doing(), status: Status(code), said: self.said() }),
        }
    }

    /// What the library says of its last error.
    pub(crate) fn said(&self) -> String {
        let Some(entry) = self.api.table.nvEncGetLastErrorString else { return String::new() };
        // SAFETY: the encoder lives.
        let text = unsafe { entry(self.raw) };
        if text.is_null() {
            return String::new();
        }
        // SAFETY: "a null-terminated string", which stays until the next call.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().trim().to_owned()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(destroy) = self.api.table.nvEncDestroyEncoder {
            // Where it cannot be entered the device is lost, and the encoder with it.
            if self.device.enter().is_ok() {
                // SAFETY: ours; inputs and bitstreams hold an `Arc` of us, so all of them are gone.
                let _ = unsafe { destroy(self.raw) };
            }
        }
    }
}
