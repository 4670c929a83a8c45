//! What calls take.

use std::ffi::c_void;

use super::{GUID, NV_ENC_CONFIG, zeroed};

/// `NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
    pub version: u32,
    pub deviceType: u32,
    pub device: *mut c_void,
    pub reserved: *mut c_void,
    pub apiVersion: u32,
    pub reserved1: [u32; 253],
    pub reserved2: [usize; 64],
}

/// `NV_ENC_CAPS_PARAM`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_CAPS_PARAM {
    pub version: u32,
    pub capsToQuery: u32,
    pub reserved: [u32; 62],
}

/// `NV_ENC_INITIALIZE_PARAMS`. 8 bytes shorter in 13.0 than before: what it ends with is reserved.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_INITIALIZE_PARAMS {
    pub version: u32,
    pub encodeGUID: GUID,
    pub presetGUID: GUID,
    pub encodeWidth: u32,
    pub encodeHeight: u32,
    pub darWidth: u32,
    pub darHeight: u32,
    pub frameRateNum: u32,
    pub frameRateDen: u32,
    pub enableEncodeAsync: u32,
    pub enablePTD: u32,
    pub flags: u32,
    pub privDataSize: u32,
    pub reserved: u32,
    pub privData: *mut c_void,
    pub encodeConfig: *mut NV_ENC_CONFIG,
    pub maxEncodeWidth: u32,
    pub maxEncodeHeight: u32,
    pub maxMEHintCountsPerBlock: [[u32; 4]; 2],
    pub tuningInfo: u32,
    pub bufferFormat: u32,
    pub reserved1: [u32; 288],
    pub reserved2: [usize; 64],
}

/// `NV_ENC_RECONFIGURE_PARAMS`. Its own bits come after what was 8 bytes longer before 13.0:
/// [`set_flags`](Self::set_flags) knows where.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_RECONFIGURE_PARAMS {
    pub version: u32,
    pub reserved: u32,
    pub reInitEncodeParams: NV_ENC_INITIALIZE_PARAMS,
    pub flags: u32,
    pub reserved2: u32,
}

impl NV_ENC_RECONFIGURE_PARAMS {
    /// `resetEncoder`.
    pub const RESET_ENCODER: u32 = 1;
    /// `forceIDR`.
    pub const FORCE_IDR: u32 = 2;

    /// Sets the bits above, where they lie in a structure of API 13.0 or newer (`is_13`) or of an
    /// older one.
    pub fn set_flags(&mut self, flags: u32, is_13: bool) {
        if is_13 {
            // Reserved, and last, in the older and longer structure. x86-64 is little-endian.
            self.reInitEncodeParams.reserved2[63] = flags as usize;
        } else {
            self.flags = flags;
        }
    }

    /// What [`set_flags`](Self::set_flags) set.
    pub fn flags(&self, is_13: bool) -> u32 {
        if is_13 { self.reInitEncodeParams.reserved2[63] as u32 } else { self.flags }
    }
}

/// `NV_ENC_REGISTER_RESOURCE`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_REGISTER_RESOURCE {
    pub version: u32,
    pub resourceType: u32,
    pub width: u32,
    pub height: u32,
    pub pitch: u32,
    pub subResourceIndex: u32,
    pub resourceToRegister: *mut c_void,
    pub registeredResource: *mut c_void,
    pub bufferFormat: u32,
    pub bufferUsage: u32,
    pub pInputFencePoint: *mut c_void,
    pub reserved1: [u32; 248],
    pub reserved2: [usize; 61],
}

/// `NV_ENC_MAP_INPUT_RESOURCE`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_MAP_INPUT_RESOURCE {
    pub version: u32,
    pub subResourceIndex: u32,
    pub inputResource: *mut c_void,
    pub registeredResource: *mut c_void,
    pub mappedResource: *mut c_void,
    pub mappedBufferFmt: u32,
    pub reserved1: [u32; 251],
    pub reserved2: [usize; 63],
}

/// `NV_ENC_CREATE_BITSTREAM_BUFFER`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_CREATE_BITSTREAM_BUFFER {
    pub version: u32,
    pub size: u32,
    pub memoryHeap: u32,
    pub reserved: u32,
    pub bitstreamBuffer: *mut c_void,
    pub bitstreamBufferPtr: *mut c_void,
    pub reserved1: [u32; 58],
    pub reserved2: [usize; 64],
}

/// `NV_ENC_PIC_PARAMS`. What comes after the codec's own part lies elsewhere in each version, and we
/// use none of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_PIC_PARAMS {
    pub version: u32,
    pub inputWidth: u32,
    pub inputHeight: u32,
    pub inputPitch: u32,
    pub encodePicFlags: u32,
    pub frameIdx: u32,
    pub inputTimeStamp: u64,
    pub inputDuration: u64,
    pub inputBuffer: *mut c_void,
    pub outputBitstream: *mut c_void,
    pub completionEvent: *mut c_void,
    pub bufferFmt: u32,
    pub pictureStruct: u32,
    pub pictureType: u32,
    pub reserved: u32,
    /// `codecPicParams`: `forceIntraRefreshWithFrameCnt` is word 4 for H.264, word 3 for the others.
    pub codecPicParams: [u32; 384],
    pub reserved2: [usize; 218],
}

/// `NV_ENC_LOCK_BITSTREAM`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_LOCK_BITSTREAM {
    pub version: u32,
    /// [`bit::NV_ENC_LOCK_BITSTREAM`](super::bit::NV_ENC_LOCK_BITSTREAM).
    pub flags: u32,
    pub outputBitstream: *mut c_void,
    pub sliceOffsets: *mut u32,
    pub frameIdx: u32,
    pub hwEncodeStatus: u32,
    pub numSlices: u32,
    pub bitstreamSizeInBytes: u32,
    pub outputTimeStamp: u64,
    pub outputDuration: u64,
    pub bitstreamBufferPtr: *mut c_void,
    pub pictureType: u32,
    pub pictureStruct: u32,
    pub frameAvgQP: u32,
    pub reserved: [u32; 233],
    pub reserved2: [usize; 68],
}

zeroed!(
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS,
    NV_ENC_CAPS_PARAM,
    NV_ENC_INITIALIZE_PARAMS,
    NV_ENC_RECONFIGURE_PARAMS,
    NV_ENC_REGISTER_RESOURCE,
    NV_ENC_MAP_INPUT_RESOURCE,
    NV_ENC_CREATE_BITSTREAM_BUFFER,
    NV_ENC_PIC_PARAMS,
    NV_ENC_LOCK_BITSTREAM,
);
