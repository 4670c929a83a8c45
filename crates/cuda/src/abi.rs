//! The words of `cuda.h` that this room uses, with their C layout.
//!
//! `tests/layout.rs` compares sizes, offsets and numbers with `ffnvcodec/dynlink_cuda.h`. Where that
//! header names fewer fields (`reserved` words at the end), NVIDIA's manual has the rest: CUDA
//! Driver API, chapters "Data types used by CUDA driver" and "External Resource Interoperability".

use std::ffi::{c_char, c_int, c_uint, c_ulonglong, c_void};

/// `CUresult`; 0 is success.
pub type Code = c_uint;
/// `CUdevice`: an ordinal.
pub type Ordinal = c_int;
/// `CUdeviceptr`.
pub type DevicePointer = c_ulonglong;

/// `CUcontext`, `CUstream`, … : pointers to what only the driver knows.
macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[repr(transparent)]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name(pub *mut c_void);

            impl $name {
                /// No handle.
                pub const NULL: Self = Self(std::ptr::null_mut());
            }

            // SAFETY: a handle of the driver API names an object of the process; any thread may
            // use it with its context current.
            unsafe impl Send for $name {}
            // SAFETY: as above.
            unsafe impl Sync for $name {}
        )*
    };
}

handles! {
    /// `CUcontext`.
    RawContext
    /// `CUstream`.
    RawStream
    /// `CUevent`.
    RawEvent
    /// `CUarray`.
    RawArray
    /// `CUmipmappedArray`.
    RawMipmappedArray
    /// `CUexternalMemory`.
    RawMemory
    /// `CUexternalSemaphore`.
    RawSemaphore
    /// `CUgraphicsResource`.
    RawGraphics
}

/// `CUuuid`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawUuid {
    /// The octets.
    pub bytes: [c_char; 16],
}

/// The `handle` of a descriptor: `fd` is its first member, Windows has two pointers there.
#[repr(C)]
#[derive(Clone, Copy)]
pub union RawHandle {
    /// A file descriptor.
    pub fd: c_int,
    /// `win32.handle` and `win32.name`.
    pub win32: [*const c_void; 2],
}

/// `CUDA_EXTERNAL_MEMORY_HANDLE_DESC`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MemoryHandleDesc {
    /// `CUexternalMemoryHandleType`.
    pub kind: c_uint,
    /// The handle.
    pub handle: RawHandle,
    /// Bytes.
    pub size: c_ulonglong,
    /// [`DEDICATED`] or 0.
    pub flags: c_uint,
    /// Zero.
    pub reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_MEMORY_BUFFER_DESC`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct BufferDesc {
    /// Bytes from the start of the memory.
    pub offset: c_ulonglong,
    /// Bytes.
    pub size: c_ulonglong,
    /// Zero.
    pub flags: c_uint,
    /// Zero.
    pub reserved: [c_uint; 16],
}

/// `CUDA_ARRAY3D_DESCRIPTOR` (version 2).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrayDesc {
    /// Elements in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 0 for a plane.
    pub depth: usize,
    /// `CUarray_format`.
    pub format: c_uint,
    /// Channels of an element: 1, 2 or 4.
    pub channels: c_uint,
    /// [`SURFACE_LDST`], [`COLOR_ATTACHMENT`].
    pub flags: c_uint,
}

/// `CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct MipmappedArrayDesc {
    /// Bytes from the start of the memory.
    pub offset: c_ulonglong,
    /// Of the base level.
    pub array: ArrayDesc,
    /// Levels.
    pub levels: c_uint,
    /// Zero.
    pub reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SemaphoreHandleDesc {
    /// `CUexternalSemaphoreHandleType`.
    pub kind: c_uint,
    /// The handle.
    pub handle: RawHandle,
    /// Zero.
    pub flags: c_uint,
    /// Zero.
    pub reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS` and `_SIGNAL_PARAMS`: both begin with `params.fence.value`
/// and have the same size. What lies between it and `flags` is for other kinds of semaphores.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct SemaphoreParams {
    /// `params.fence.value`; without meaning for a binary semaphore.
    pub value: c_ulonglong,
    /// Zero.
    pub others: [c_uint; 16],
    /// Zero.
    pub flags: c_uint,
    /// Zero.
    pub reserved: [c_uint; 16],
}

/// `CUDA_MEMCPY2D` (version 2).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Memcpy2d {
    /// Where the rows come from.
    pub source: Memcpy2dSide<*const c_void>,
    /// Where they go.
    pub target: Memcpy2dSide<*mut c_void>,
    /// Bytes of a row.
    pub width_in_bytes: usize,
    /// Rows.
    pub height: usize,
}

/// The `src…` or `dst…` fields of `CUDA_MEMCPY2D`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Memcpy2dSide<P> {
    /// Bytes to skip in each row.
    pub x_in_bytes: usize,
    /// Rows to skip.
    pub y: usize,
    /// `CUmemorytype`: which of the next three counts.
    pub kind: c_uint,
    /// In memory of the process.
    pub host: P,
    /// In memory of the device.
    pub device: DevicePointer,
    /// In an array.
    pub array: RawArray,
    /// Bytes from row to row, of what is no array.
    pub pitch: usize,
}

/// `CUDA_SUCCESS`.
pub const SUCCESS: Code = 0;
/// `CUDA_ERROR_NOT_READY`: an event or a stream has not got there yet.
pub const NOT_READY: Code = 600;
/// `CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD`.
pub const MEMORY_OPAQUE_FD: c_uint = 1;
/// `CUDA_EXTERNAL_MEMORY_DEDICATED`.
pub const DEDICATED: c_uint = 1;
/// `CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD`.
pub const SEMAPHORE_OPAQUE_FD: c_uint = 1;
/// `CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD`.
pub const SEMAPHORE_TIMELINE_FD: c_uint = 9;
/// `CUDA_ARRAY3D_SURFACE_LDST`.
pub const SURFACE_LDST: c_uint = 0x02;
/// `CUDA_ARRAY3D_COLOR_ATTACHMENT`.
pub const COLOR_ATTACHMENT: c_uint = 0x20;
/// `CU_STREAM_NON_BLOCKING`.
pub const STREAM_NON_BLOCKING: c_uint = 1;
/// `CU_EVENT_DISABLE_TIMING`.
pub const EVENT_DISABLE_TIMING: c_uint = 2;
/// `CU_MEMORYTYPE_HOST`.
pub const TYPE_HOST: c_uint = 1;
/// `CU_MEMORYTYPE_DEVICE`.
pub const TYPE_DEVICE: c_uint = 2;
/// `CU_MEMORYTYPE_ARRAY`.
pub const TYPE_ARRAY: c_uint = 3;
/// `CU_AD_FORMAT_UNSIGNED_INT8`.
pub const UINT8: c_uint = 0x01;
/// `CU_AD_FORMAT_UNSIGNED_INT16`.
pub const UINT16: c_uint = 0x02;
/// `CU_AD_FORMAT_UNSIGNED_INT32`.
pub const UINT32: c_uint = 0x03;
/// `CU_AD_FORMAT_HALF`.
pub const HALF: c_uint = 0x10;
/// `CU_GRAPHICS_REGISTER_FLAGS_READ_ONLY`.
pub const GRAPHICS_READ_ONLY: c_uint = 1;
