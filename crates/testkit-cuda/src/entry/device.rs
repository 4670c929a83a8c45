//! The driver, GPUs and contexts.

use std::ffi::{c_char, c_int, c_uint};

use zerohop_cuda::abi::{Ordinal, RawContext, RawUuid};

use crate::call::{CURRENT, Needs, call, put};
use crate::names::{self, INVALID_CONTEXT, INVALID_DEVICE, INVALID_VALUE, NO_DEVICE};
use crate::plan::Plan;
use crate::state::State;

/// The version that we claim: CUDA 12.0.
const VERSION: c_int = 12_000;

/// Bytes of memory that we claim.
const MEMORY: usize = 8 << 30;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuInit(flags: c_uint) -> u32 {
    call("cuInit", Needs::Nothing, |state| {
        if flags != 0 {
            return Err(state.complain("cuInit", format!("flags {flags}"), INVALID_VALUE));
        }
        if Plan::get().uuids.is_empty() {
            return Err(NO_DEVICE);
        }
        state.initialised = true;
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDriverGetVersion(version: *mut c_int) -> u32 {
    // SAFETY: the caller's.
    call("cuDriverGetVersion", Needs::Nothing, |_| unsafe { put(version, VERSION) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetErrorName(code: u32, name: *mut *const c_char) -> u32 {
    let Some(text) = names::of(code) else { return INVALID_VALUE };
    // SAFETY: the caller's.
    unsafe { put(name, text.as_ptr()) }.err().unwrap_or(0)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetCount(count: *mut c_int) -> u32 {
    call("cuDeviceGetCount", Needs::Init, |_| {
        // SAFETY: the caller's.
        unsafe { put(count, Plan::get().uuids.len() as c_int) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGet(device: *mut Ordinal, index: c_int) -> u32 {
    call("cuDeviceGet", Needs::Init, |_| {
        gpu(index)?;
        // SAFETY: the caller's.
        unsafe { put(device, index) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetName(name: *mut c_char, length: c_int, device: Ordinal) -> u32 {
    call("cuDeviceGetName", Needs::Init, |_| {
        gpu(device)?;
        let text = format!("stand-in {device}");
        if length as usize <= text.len() {
            return Err(INVALID_VALUE);
        }
        for (index, byte) in text.bytes().chain([0]).enumerate() {
            // SAFETY: `length` bytes are writable, as the caller says.
            unsafe { put(name.wrapping_add(index), byte.cast_signed()) }?;
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetUuid(uuid: *mut RawUuid, device: Ordinal) -> u32 {
    call("cuDeviceGetUuid", Needs::Init, |_| {
        let bytes = gpu(device)?.map(u8::cast_signed);
        // SAFETY: the caller's.
        unsafe { put(uuid, RawUuid { bytes }) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceTotalMem_v2(bytes: *mut usize, device: Ordinal) -> u32 {
    call("cuDeviceTotalMem_v2", Needs::Init, |_| {
        gpu(device)?;
        // SAFETY: the caller's.
        unsafe { put(bytes, MEMORY) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) -> u32 {
    call("cuMemGetInfo_v2", Needs::Context, |state| {
        let used: usize = state.memory.values().map(|range| range.length).sum();
        // SAFETY: the caller's.
        unsafe { put(free, MEMORY.saturating_sub(used)) }?;
        // SAFETY: as above.
        unsafe { put(total, MEMORY) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDevicePrimaryCtxRetain(context: *mut RawContext, device: Ordinal) -> u32 {
    call("cuDevicePrimaryCtxRetain", Needs::Init, |state| {
        gpu(device)?;
        *state.retained.entry(device).or_default() += 1;
        // SAFETY: the caller's.
        unsafe { put(context, handle(device)) }
    })
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn cuDevicePrimaryCtxRelease_v2(device: Ordinal) -> u32 {
    const NAME: &str = "cuDevicePrimaryCtxRelease_v2";
    call(NAME, Needs::Init, |state| {
        match state.retained.get_mut(&device) {
            Some(count) if *count > 0 => *count -= 1,
            _ => return Err(state.complain(NAME, "it is not retained", INVALID_CONTEXT)),
        }
        if state.retained.values().all(|count| *count == 0) {
            end(state, NAME);
        }
        Ok(())
    })
}

/// The last context goes: everything in it must have gone before.
fn end(state: &mut State, name: &str) {
    let left = state.report.live.iter().filter(|(_, count)| **count > 0);
    let left: Vec<_> = left.map(|(kind, count)| format!("{count} {kind}")).collect();
    if !left.is_empty() {
        state.complain(name, format!("there are still {}", left.join(", ")), 0);
    }
    state.write_report();
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn cuCtxSetCurrent(context: RawContext) -> u32 {
    call("cuCtxSetCurrent", Needs::Init, |state| {
        let gpu = Plan::get().uuids.iter().enumerate().map(|(index, _)| index as i32);
        let gpu = gpu.into_iter().find(|gpu| handle(*gpu) == context);
        if gpu.is_none() && context != RawContext::NULL {
            return Err(state.complain("cuCtxSetCurrent", "no such context", INVALID_CONTEXT));
        }
        if gpu.is_some_and(|gpu| state.retained.get(&gpu).is_none_or(|count| *count == 0)) {
            return Err(state.complain("cuCtxSetCurrent", "after its release", INVALID_CONTEXT));
        }
        CURRENT.set(gpu);
        Ok(())
    })
}

fn gpu(device: Ordinal) -> Result<[u8; 16], u32> {
    let index = usize::try_from(device).map_err(|_| INVALID_DEVICE)?;
    Plan::get().uuids.get(index).copied().ok_or(INVALID_DEVICE)
}

/// The primary context of a GPU.
pub(super) fn handle(device: Ordinal) -> RawContext {
    RawContext(std::ptr::without_provenance_mut(0x100 + device as usize))
}
