//! What FFmpeg looks up besides, so that its own CUDA opens: it wants every function that
//! `ffnvcodec/dynlink_loader.h` names, and calls few of them.

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_uint};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use zerohop_cuda::abi::{DevicePointer, Ordinal, RawContext, RawStream};

use crate::call::{CURRENT, Needs, call, put};
use crate::entry::device;
use crate::entry::memory::allocate;
use crate::entry::stream::give;
use crate::names::{self, INVALID_CONTEXT, INVALID_VALUE};
use crate::objects::Moment;

/// `CUDA_ERROR_NOT_SUPPORTED`.
const NOT_SUPPORTED: u32 = 801;

/// `CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT`, in bytes.
const TEXTURE_ALIGNMENT: c_int = 14;

thread_local! {
    /// The contexts that were current before, the last one at the end.
    static BEFORE: RefCell<Vec<Option<i32>>> = const { RefCell::new(Vec::new()) };
}

/// How the primary contexts schedule; an application may say so before there is one.
static FLAGS: AtomicU32 = AtomicU32::new(0);

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxPushCurrent_v2(context: RawContext) -> u32 {
    BEFORE.with_borrow_mut(|before| before.push(CURRENT.get()));
    // SAFETY: it takes any handle.
    let code = unsafe { device::cuCtxSetCurrent(context) };
    if code != 0 {
        BEFORE.with_borrow_mut(Vec::pop);
    }
    code
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxPopCurrent_v2(context: *mut RawContext) -> u32 {
    const NAME: &str = "cuCtxPopCurrent_v2";
    call(NAME, Needs::Context, |state| {
        let Some(before) = BEFORE.with_borrow_mut(Vec::pop) else {
            return Err(state.complain(NAME, "nothing was pushed", INVALID_CONTEXT));
        };
        let popped = CURRENT.replace(before);
        let popped = popped.map_or(RawContext::NULL, device::handle);
        // SAFETY: the caller's; nobody needs to want to know.
        if context.is_null() { Ok(()) } else { unsafe { put(context, popped) } }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDevicePrimaryCtxGetState(
    gpu: Ordinal,
    flags: *mut c_uint,
    active: *mut c_int,
) -> u32 {
    call("cuDevicePrimaryCtxGetState", Needs::Init, |state| {
        let held = state.retained.get(&gpu).is_some_and(|count| *count > 0);
        // SAFETY: the caller's.
        unsafe { put(flags, FLAGS.load(Ordering::Relaxed)) }?;
        // SAFETY: the caller's.
        unsafe { put(active, c_int::from(held)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDevicePrimaryCtxSetFlags(_: Ordinal, flags: c_uint) -> u32 {
    call("cuDevicePrimaryCtxSetFlags", Needs::Init, |_| {
        FLAGS.store(flags, Ordering::Relaxed);
        Ok(())
    })
}

/// Its name before CUDA 11.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuDevicePrimaryCtxRelease(gpu: Ordinal) -> u32 {
    // SAFETY: it takes any number.
    unsafe { device::cuDevicePrimaryCtxRelease_v2(gpu) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetAttribute(out: *mut c_int, attribute: c_int, _: Ordinal) -> u32 {
    const NAME: &str = "cuDeviceGetAttribute";
    call(NAME, Needs::Init, |state| match attribute {
        // SAFETY: the caller's.
        TEXTURE_ALIGNMENT => unsafe { put(out, 512) },
        other => Err(state.complain(NAME, format!("attribute {other}"), INVALID_VALUE)),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetErrorString(code: u32, text: *mut *const c_char) -> u32 {
    let Some(name) = names::of(code) else { return INVALID_VALUE };
    // SAFETY: the caller's.
    unsafe { put(text, name.as_ptr()) }.err().unwrap_or(0)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAlloc_v2(out: *mut DevicePointer, bytes: usize) -> u32 {
    const NAME: &str = "cuMemAlloc_v2";
    call(NAME, Needs::Context, |state| {
        if bytes == 0 {
            return Err(state.complain(NAME, "no bytes", INVALID_VALUE));
        }
        let pointer = allocate(state, bytes)?;
        // SAFETY: the caller's.
        unsafe { put(out, pointer) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamSynchronize(stream: RawStream) -> u32 {
    const NAME: &str = "cuStreamSynchronize";
    let done = Arc::<Moment>::default();
    let told = Arc::clone(&done);
    let code = call(NAME, Needs::Context, |state| give(state, NAME, stream, move || told.reach()));
    if code == 0 {
        done.wait();
    }
    code
}

/// Functions that are there and do nothing.
macro_rules! not_here {
    ($($name:ident)*) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name() -> u32 {
                call(stringify!($name), Needs::Nothing, |_| Err(NOT_SUPPORTED))
            }
        )*
    };
}

not_here! {
    cuArray3DCreate_v2 cuArrayCreate_v2 cuArrayDestroy cuCtxCreate_v2 cuCtxDestroy_v2 cuCtxGetCurrent
    cuCtxGetDevice cuCtxSetLimit cuDeviceComputeCapability cuDevicePrimaryCtxReset
    cuEventSynchronize cuGLGetDevices_v2 cuGraphicsResourceGetMappedPointer_v2 cuLaunchKernel
    cuLinkAddData cuLinkComplete cuLinkCreate cuLinkDestroy cuMemAllocManaged cuMemcpy
    cuMemcpy2D_v2 cuMemcpyAsync cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2 cuMemcpyDtoHAsync_v2
    cuMemcpyDtoH_v2 cuMemcpyHtoDAsync_v2 cuMemcpyHtoD_v2 cuMemsetD8Async cuModuleGetFunction
    cuModuleGetGlobal cuModuleLoadData cuModuleUnload cuStreamAddCallback cuStreamQuery
    cuTexObjectCreate cuTexObjectDestroy
}
