//! The library's two symbols, and the table that the second one fills.

use std::ffi::{c_char, c_void};

use super::{
    GUID, NV_ENC_CAPS_PARAM, NV_ENC_CREATE_BITSTREAM_BUFFER, NV_ENC_INITIALIZE_PARAMS,
    NV_ENC_LOCK_BITSTREAM, NV_ENC_MAP_INPUT_RESOURCE, NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS,
    NV_ENC_PIC_PARAMS, NV_ENC_PRESET_CONFIG, NV_ENC_RECONFIGURE_PARAMS, NV_ENC_REGISTER_RESOURCE,
    zeroed,
};

/// `NVENCSTATUS`.
pub type NVENCSTATUS = u32;

/// An entry that we do not call.
type Other = *const c_void;

/// `NvEncodeAPIGetMaxSupportedVersion`: writes the version as `major << 4 | minor`.
pub type PNVENCODEAPIGETMAXSUPPORTEDVERSION = unsafe extern "C" fn(*mut u32) -> NVENCSTATUS;

/// `NvEncodeAPICreateInstance`.
pub type PNVENCODEAPICREATEINSTANCE =
    unsafe extern "C" fn(*mut NV_ENCODE_API_FUNCTION_LIST) -> NVENCSTATUS;

type Count = unsafe extern "C" fn(*mut c_void, *mut u32) -> NVENCSTATUS;
type Guids = unsafe extern "C" fn(*mut c_void, *mut GUID, u32, *mut u32) -> NVENCSTATUS;
type CountOf = unsafe extern "C" fn(*mut c_void, GUID, *mut u32) -> NVENCSTATUS;
type Formats = unsafe extern "C" fn(*mut c_void, GUID, *mut u32, u32, *mut u32) -> NVENCSTATUS;
type Caps =
    unsafe extern "C" fn(*mut c_void, GUID, *mut NV_ENC_CAPS_PARAM, *mut i32) -> NVENCSTATUS;
type With<T> = unsafe extern "C" fn(*mut c_void, *mut T) -> NVENCSTATUS;
type Of = unsafe extern "C" fn(*mut c_void, *mut c_void) -> NVENCSTATUS;
type Open = unsafe extern "C" fn(
    *mut NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS,
    *mut *mut c_void,
) -> NVENCSTATUS;
type PresetConfigEx =
    unsafe extern "C" fn(*mut c_void, GUID, GUID, u32, *mut NV_ENC_PRESET_CONFIG) -> NVENCSTATUS;
type Streams = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> NVENCSTATUS;

/// `NV_ENCODE_API_FUNCTION_LIST`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENCODE_API_FUNCTION_LIST {
    pub version: u32,
    pub reserved: u32,
    pub nvEncOpenEncodeSession: Other,
    pub nvEncGetEncodeGUIDCount: Option<Count>,
    pub nvEncGetEncodeProfileGUIDCount: Other,
    pub nvEncGetEncodeProfileGUIDs: Other,
    pub nvEncGetEncodeGUIDs: Option<Guids>,
    pub nvEncGetInputFormatCount: Option<CountOf>,
    pub nvEncGetInputFormats: Option<Formats>,
    pub nvEncGetEncodeCaps: Option<Caps>,
    pub nvEncGetEncodePresetCount: Other,
    pub nvEncGetEncodePresetGUIDs: Other,
    pub nvEncGetEncodePresetConfig: Other,
    pub nvEncInitializeEncoder: Option<With<NV_ENC_INITIALIZE_PARAMS>>,
    pub nvEncCreateInputBuffer: Other,
    pub nvEncDestroyInputBuffer: Other,
    pub nvEncCreateBitstreamBuffer: Option<With<NV_ENC_CREATE_BITSTREAM_BUFFER>>,
    pub nvEncDestroyBitstreamBuffer: Option<Of>,
    pub nvEncEncodePicture: Option<With<NV_ENC_PIC_PARAMS>>,
    pub nvEncLockBitstream: Option<With<NV_ENC_LOCK_BITSTREAM>>,
    pub nvEncUnlockBitstream: Option<Of>,
    pub nvEncLockInputBuffer: Other,
    pub nvEncUnlockInputBuffer: Other,
    pub nvEncGetEncodeStats: Other,
    pub nvEncGetSequenceParams: Other,
    pub nvEncRegisterAsyncEvent: Other,
    pub nvEncUnregisterAsyncEvent: Other,
    pub nvEncMapInputResource: Option<With<NV_ENC_MAP_INPUT_RESOURCE>>,
    pub nvEncUnmapInputResource: Option<Of>,
    pub nvEncDestroyEncoder: Option<unsafe extern "C" fn(*mut c_void) -> NVENCSTATUS>,
    pub nvEncInvalidateRefFrames: Other,
    pub nvEncOpenEncodeSessionEx: Option<Open>,
    pub nvEncRegisterResource: Option<With<NV_ENC_REGISTER_RESOURCE>>,
    pub nvEncUnregisterResource: Option<Of>,
    pub nvEncReconfigureEncoder: Option<With<NV_ENC_RECONFIGURE_PARAMS>>,
    pub reserved1: Other,
    pub nvEncCreateMVBuffer: Other,
    pub nvEncDestroyMVBuffer: Other,
    pub nvEncRunMotionEstimationOnly: Other,
    pub nvEncGetLastErrorString: Option<unsafe extern "C" fn(*mut c_void) -> *const c_char>,
    pub nvEncSetIOCudaStreams: Option<Streams>,
    pub nvEncGetEncodePresetConfigEx: Option<PresetConfigEx>,
    pub nvEncGetSequenceParamEx: Other,
    pub reserved2: [Other; 277],
}

zeroed!(NV_ENCODE_API_FUNCTION_LIST);

// SAFETY: addresses of functions of a library that stays loaded.
unsafe impl Send for NV_ENCODE_API_FUNCTION_LIST {}
// SAFETY: as above; nothing changes them.
unsafe impl Sync for NV_ENCODE_API_FUNCTION_LIST {}
