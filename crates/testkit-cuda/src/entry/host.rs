//! Memory of the process that the device may use.

use std::ffi::c_void;
use std::sync::Arc;

use crate::call::{Needs, call};
use crate::names::INVALID_VALUE;
use crate::objects::Range;

/// `CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED`.
const ALREADY: u32 = 712;
/// `CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED`.
const NOT: u32 = 713;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemHostRegister_v2(start: *mut c_void, bytes: usize, flags: u32) -> u32 {
    const NAME: &str = "cuMemHostRegister_v2";
    call(NAME, Needs::Context, |state| {
        if start.is_null() || bytes == 0 || flags != 0 {
            let what = format!("{bytes} bytes, flags {flags:#x}");
            return Err(state.complain(NAME, what, INVALID_VALUE));
        }
        let first = start.addr();
        let before = state.pinned.range(..first + bytes).next_back();
        if before.is_some_and(|(address, range)| address + range.length > first) {
            return Err(state.complain(NAME, "registered already", ALREADY));
        }
        let range = Range { length: bytes, user: Arc::new(None), memory: None };
        state.born(range.kind());
        state.pinned.insert(first, range);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemHostUnregister(start: *mut c_void) -> u32 {
    const NAME: &str = "cuMemHostUnregister";
    call(NAME, Needs::Context, |state| {
        let Some(range) = state.pinned.remove(&start.addr()) else {
            return Err(state.complain(NAME, "not registered", NOT));
        };
        state.died(range.kind());
        if Arc::strong_count(&range.user) > 1 {
            state.complain(NAME, "work in flight uses it", 0);
        }
        Ok(())
    })
}
