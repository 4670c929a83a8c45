//! Buffers that packets come in.

use std::ffi::c_void;
use std::slice;
use std::sync::Arc;

use crate::core::{Core, call};
use crate::sys::{self, NV_ENC_CREATE_BITSTREAM_BUFFER, NV_ENC_LOCK_BITSTREAM};
use crate::{Error, Structure};

/// A bitstream buffer of one encoder.
pub(crate) struct Bitstream {
    core: Arc<Core>,
    raw: *mut c_void,
}

// SAFETY: the library's name for a buffer; what `core` says of threads holds for it.
unsafe impl Send for Bitstream {}

/// What was in it.
pub(crate) struct Content {
    /// The packet.
    pub(crate) data: Vec<u8>,
    /// Whether decoding can start with it.
    pub(crate) key: bool,
    /// The mean quantizer of the picture.
    pub(crate) quantizer: u32,
}

impl Bitstream {
    pub(crate) fn new(core: &Arc<Core>) -> Result<Self, Error> {
        let version = core.word(Structure::CreateBitstreamBuffer);
        let mut params = NV_ENC_CREATE_BITSTREAM_BUFFER { version, ..Default::default() };
        let doing = || "make a bitstream buffer".to_owned();
        call!(core, doing, nvEncCreateBitstreamBuffer, &raw mut params)?;
        Ok(Self { core: Arc::clone(core), raw: params.bitstreamBuffer })
    }

    pub(crate) fn raw(&self) -> *mut c_void {
        self.raw
    }

    /// Waits until the encoder has filled it, and copies out what it has written.
    pub(crate) fn take(&mut self) -> Result<Content, Error> {
        let mut params = NV_ENC_LOCK_BITSTREAM {
            version: self.core.word(Structure::LockBitstream),
            outputBitstream: self.raw,
            ..Default::default()
        };
        let doing = || "wait for a bitstream".to_owned();
        call!(&self.core, doing, nvEncLockBitstream, &raw mut params)?;
        let (data, length) = (params.bitstreamBufferPtr, params.bitstreamSizeInBytes as usize);
        let data = if data.is_null() || length == 0 {
            Vec::new()
        } else {
            // SAFETY: the library gives `length` bytes, which stay until the unlock.
            unsafe { slice::from_raw_parts(data.cast::<u8>(), length) }.to_vec()
        };
        let doing = || "give a bitstream back".to_owned();
        call!(&self.core, doing, nvEncUnlockBitstream, self.raw)?;
        let key = params.pictureType == sys::NV_ENC_PIC_TYPE_IDR;
        Ok(Content { data, key, quantizer: params.frameAvgQP })
    }
}

impl Drop for Bitstream {
    fn drop(&mut self) {
        let doing = || "free a bitstream buffer".to_owned();
        let _ = call!(&self.core, doing, nvEncDestroyBitstreamBuffer, self.raw);
    }
}
