//! The functions of `libcuda.so.1`, each found by itself: an older driver lacks some, and only who
//! needs one of those hears of it.
//!
//! A function whose parameters changed has a new name in the library (`_v2`), while `cuda.h` keeps
//! the old word for it. The names here are those of the library.
//!
//! # References
//!
//! `ffnvcodec/dynlink_loader.h`; CUDA Driver API, "Difference between the driver and runtime APIs"
//! and the pages of each module.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use libloading::Library;

use crate::abi::*;
use crate::error::Fault;

/// Declares one field for each function, and one method that calls it or says that it is missing.
macro_rules! symbols {
    ($($name:ident = $($symbol:literal)|+ ( $($arg:ident : $kind:ty),* );)*) => {
        /// What was found.
        pub(crate) struct Symbols {
            $($name: Option<unsafe extern "C" fn($($kind),*) -> Code>,)*
            error_name: Option<unsafe extern "C" fn(Code, *mut *const c_char) -> Code>,
        }

        impl Symbols {
            /// Looks all of them up. The library is never unloaded, so the pointers stay valid.
            pub(crate) fn of(library: &'static Library) -> Self {
                Self {
                    // SAFETY: the names have these parameters (module documentation).
                    $($name: unsafe { find(library, &[$($symbol),+]) },)*
                    // SAFETY: as above.
                    error_name: unsafe { find(library, &["cuGetErrorName"]) },
                }
            }

            $(
                /// Calls the driver.
                ///
                /// # Safety
                ///
                /// What NVIDIA's manual says of the function.
                pub(crate) unsafe fn $name(&self, $($arg: $kind),*) -> Result<(), Fault> {
                    let names = [$($symbol),+];
                    let Some(call) = self.$name else { return Err(Fault::missing(names[0])) };
                    // SAFETY: the caller's.
                    let code = unsafe { call($($arg),*) };
                    self.check(names[0], code)
                }
            )*
        }
    };
}

symbols! {
    init = "cuInit" (flags: c_uint);
    driver_version = "cuDriverGetVersion" (version: *mut c_int);
    device_count = "cuDeviceGetCount" (count: *mut c_int);
    device = "cuDeviceGet" (device: *mut Ordinal, index: c_int);
    device_name = "cuDeviceGetName" (name: *mut c_char, length: c_int, device: Ordinal);
    // The second version names a MIG instance by its own UUID, as Vulkan does not.
    device_uuid = "cuDeviceGetUuid" | "cuDeviceGetUuid_v2" (uuid: *mut RawUuid, device: Ordinal);
    device_memory = "cuDeviceTotalMem_v2" (bytes: *mut usize, device: Ordinal);
    primary_retain = "cuDevicePrimaryCtxRetain" (context: *mut RawContext, device: Ordinal);
    primary_release = "cuDevicePrimaryCtxRelease_v2" | "cuDevicePrimaryCtxRelease" (device: Ordinal);
    set_current = "cuCtxSetCurrent" (context: RawContext);
    memory_info = "cuMemGetInfo_v2" (free: *mut usize, total: *mut usize);
    alloc_pitch = "cuMemAllocPitch_v2" (
        pointer: *mut DevicePointer, pitch: *mut usize, width: usize, height: usize, element: c_uint
    );
    free = "cuMemFree_v2" (pointer: DevicePointer);
    host_register = "cuMemHostRegister_v2" (start: *mut c_void, bytes: usize, flags: c_uint);
    host_unregister = "cuMemHostUnregister" (start: *mut c_void);
    copy_2d = "cuMemcpy2DAsync_v2" (copy: *const Memcpy2d, stream: RawStream);
    stream_create = "cuStreamCreate" (stream: *mut RawStream, flags: c_uint);
    stream_destroy = "cuStreamDestroy_v2" (stream: RawStream);
    stream_wait_event = "cuStreamWaitEvent" (stream: RawStream, event: RawEvent, flags: c_uint);
    event_create = "cuEventCreate" (event: *mut RawEvent, flags: c_uint);
    event_destroy = "cuEventDestroy_v2" (event: RawEvent);
    event_record = "cuEventRecord" (event: RawEvent, stream: RawStream);
    event_query = "cuEventQuery" (event: RawEvent);
    import_memory = "cuImportExternalMemory" (
        memory: *mut RawMemory, handle: *const MemoryHandleDesc
    );
    destroy_memory = "cuDestroyExternalMemory" (memory: RawMemory);
    map_buffer = "cuExternalMemoryGetMappedBuffer" (
        pointer: *mut DevicePointer, memory: RawMemory, buffer: *const BufferDesc
    );
    map_array = "cuExternalMemoryGetMappedMipmappedArray" (
        array: *mut RawMipmappedArray, memory: RawMemory, shape: *const MipmappedArrayDesc
    );
    array_level = "cuMipmappedArrayGetLevel" (
        level: *mut RawArray, array: RawMipmappedArray, index: c_uint
    );
    destroy_array = "cuMipmappedArrayDestroy" (array: RawMipmappedArray);
    import_semaphore = "cuImportExternalSemaphore" (
        semaphore: *mut RawSemaphore, handle: *const SemaphoreHandleDesc
    );
    destroy_semaphore = "cuDestroyExternalSemaphore" (semaphore: RawSemaphore);
    // The pair with `_ptsz` is for the default stream of each thread, which is not used.
    wait_semaphores = "cuWaitExternalSemaphoresAsync" (
        semaphores: *const RawSemaphore, values: *const SemaphoreParams, count: c_uint,
        stream: RawStream
    );
    signal_semaphores = "cuSignalExternalSemaphoresAsync" (
        semaphores: *const RawSemaphore, values: *const SemaphoreParams, count: c_uint,
        stream: RawStream
    );
    gl_register = "cuGraphicsGLRegisterImage" (
        resource: *mut RawGraphics, texture: c_uint, target: c_uint, flags: c_uint
    );
    gl_unregister = "cuGraphicsUnregisterResource" (resource: RawGraphics);
    gl_map = "cuGraphicsMapResources" (
        count: c_uint, resources: *mut RawGraphics, stream: RawStream
    );
    gl_unmap = "cuGraphicsUnmapResources" (
        count: c_uint, resources: *mut RawGraphics, stream: RawStream
    );
    gl_array = "cuGraphicsSubResourceGetMappedArray" (
        array: *mut RawArray, resource: RawGraphics, index: c_uint, level: c_uint
    );
}

impl Symbols {
    fn check(&self, call: &'static str, code: Code) -> Result<(), Fault> {
        if code == SUCCESS { Ok(()) } else { Err(Fault::of(call, code, self.name_of(code))) }
    }

    /// What the driver calls `code`, as in `CUDA_ERROR_INVALID_VALUE`.
    fn name_of(&self, code: Code) -> Option<String> {
        let call = self.error_name?;
        let mut name = std::ptr::null();
        // SAFETY: `name` is writable. The text is static ("cuGetErrorName").
        let done = unsafe { call(code, &mut name) };
        if done != SUCCESS || name.is_null() {
            return None;
        }
        // SAFETY: a successful call gave a NUL-terminated text that stays.
        Some(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
    }
}

/// The first of `names` that the library has.
///
/// # Safety
///
/// `F` is the type of all of them.
unsafe fn find<F: Copy>(library: &'static Library, names: &[&str]) -> Option<F> {
    // SAFETY: the caller's.
    names.iter().find_map(|name| unsafe { library.get::<F>(name.as_bytes()) }.ok().map(|f| *f))
}
