//! Errors, as `cuda.h` names them.

use std::ffi::CStr;

pub(crate) const INVALID_VALUE: u32 = 1;
pub(crate) const OUT_OF_MEMORY: u32 = 2;
pub(crate) const NOT_INITIALIZED: u32 = 3;
pub(crate) const NO_DEVICE: u32 = 100;
pub(crate) const INVALID_DEVICE: u32 = 101;
pub(crate) const INVALID_CONTEXT: u32 = 201;
pub(crate) const ALREADY_MAPPED: u32 = 208;
pub(crate) const NOT_MAPPED: u32 = 211;
pub(crate) const INVALID_HANDLE: u32 = 400;

/// Codes with their names; those from 700 on that are listed here are for good, with 214 and 220.
const NAMES: [(u32, &CStr); 29] = [
    (0, c"CUDA_SUCCESS"),
    (1, c"CUDA_ERROR_INVALID_VALUE"),
    (2, c"CUDA_ERROR_OUT_OF_MEMORY"),
    (3, c"CUDA_ERROR_NOT_INITIALIZED"),
    (4, c"CUDA_ERROR_DEINITIALIZED"),
    (100, c"CUDA_ERROR_NO_DEVICE"),
    (101, c"CUDA_ERROR_INVALID_DEVICE"),
    (201, c"CUDA_ERROR_INVALID_CONTEXT"),
    (205, c"CUDA_ERROR_MAP_FAILED"),
    (208, c"CUDA_ERROR_ALREADY_MAPPED"),
    (211, c"CUDA_ERROR_NOT_MAPPED"),
    (214, c"CUDA_ERROR_ECC_UNCORRECTABLE"),
    (220, c"CUDA_ERROR_NVLINK_UNCORRECTABLE"),
    (304, c"CUDA_ERROR_OPERATING_SYSTEM"),
    (400, c"CUDA_ERROR_INVALID_HANDLE"),
    (600, c"CUDA_ERROR_NOT_READY"),
    (700, c"CUDA_ERROR_ILLEGAL_ADDRESS"),
    (702, c"CUDA_ERROR_LAUNCH_TIMEOUT"),
    (709, c"CUDA_ERROR_CONTEXT_IS_DESTROYED"),
    (710, c"CUDA_ERROR_ASSERT"),
    (714, c"CUDA_ERROR_HARDWARE_STACK_ERROR"),
    (715, c"CUDA_ERROR_ILLEGAL_INSTRUCTION"),
    (716, c"CUDA_ERROR_MISALIGNED_ADDRESS"),
    (717, c"CUDA_ERROR_INVALID_ADDRESS_SPACE"),
    (718, c"CUDA_ERROR_INVALID_PC"),
    (719, c"CUDA_ERROR_LAUNCH_FAILED"),
    (800, c"CUDA_ERROR_NOT_PERMITTED"),
    (801, c"CUDA_ERROR_NOT_SUPPORTED"),
    (999, c"CUDA_ERROR_UNKNOWN"),
];

/// The name of `code`.
pub(crate) fn of(code: u32) -> Option<&'static CStr> {
    NAMES.iter().find(|(one, _)| *one == code).map(|(_, name)| *name)
}

/// Whether nothing works after it.
pub(crate) fn is_for_good(code: u32) -> bool {
    matches!(code, 4 | 214 | 220 | 700..=719)
}
