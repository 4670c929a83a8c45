//! External semaphores.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{FromRawFd as _, IntoRawFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use zerohop_cuda::abi::{
    RawSemaphore, RawStream, SEMAPHORE_OPAQUE_FD, SEMAPHORE_TIMELINE_FD, SemaphoreHandleDesc,
    SemaphoreParams,
};
use zerohop_layer_timeline::Counter;

use crate::call::{Needs, call, get, put};
use crate::entry::stream::give;
use crate::names::{INVALID_HANDLE, INVALID_VALUE};
use crate::objects::{Counted, Object};
use crate::state::State;

/// How long a wait sleeps at a time.
const NAP: Duration = Duration::from_secs(60);

#[unsafe(no_mangle)]
unsafe extern "C" fn cuImportExternalSemaphore(
    out: *mut RawSemaphore,
    desc: *const SemaphoreHandleDesc,
) -> u32 {
    const NAME: &str = "cuImportExternalSemaphore";
    call(NAME, Needs::Context, |state| {
        // SAFETY: the caller's.
        let desc = unsafe { get(desc) }?;
        let known = [SEMAPHORE_OPAQUE_FD, SEMAPHORE_TIMELINE_FD].contains(&desc.kind);
        if !known || desc.flags != 0 || desc.reserved != [0; 16] {
            let what = format!("handle type {}, flags {:#x}", desc.kind, desc.flags);
            return Err(state.complain(NAME, what, INVALID_VALUE));
        }
        // SAFETY: of these types the handle is a descriptor.
        let raw = unsafe { desc.handle.fd };
        let counted = import(raw, desc.kind == SEMAPHORE_TIMELINE_FD).ok_or(INVALID_HANDLE)?;
        let handle = state.add(Object::Semaphore(Arc::new(counted)));
        // SAFETY: the caller's.
        unsafe { put(out, RawSemaphore(std::ptr::without_provenance_mut(handle))) }
    })
}

/// Takes the descriptor if it is such a semaphore, and leaves it if not.
fn import(raw: i32, timeline: bool) -> Option<Counted> {
    // SAFETY: the caller says that it is open; it stays the caller's until we return `Some`.
    let fd = unsafe { OwnedFd::from_raw_fd(raw) };
    let found = fd.try_clone().ok().and_then(|copy| match timeline {
        true => Counter::open(copy).ok().map(Counted::Timeline),
        false => Some(Counted::Binary(File::from(copy))),
    });
    if found.is_none() {
        let _ = fd.into_raw_fd();
    }
    found
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDestroyExternalSemaphore(semaphore: RawSemaphore) -> u32 {
    const NAME: &str = "cuDestroyExternalSemaphore";
    call(NAME, Needs::Context, |state| {
        let handle = semaphore.0.addr();
        if Arc::strong_count(&find(state, NAME, semaphore)?) > 2 {
            state.complain(NAME, "work in flight uses it", 0);
        }
        state.remove(handle);
        Ok(())
    })
}

fn find(state: &mut State, name: &str, semaphore: RawSemaphore) -> Result<Arc<Counted>, u32> {
    match state.objects.get(&semaphore.0.addr()) {
        Some(Object::Semaphore(counted)) => Ok(Arc::clone(counted)),
        _ => Err(state.complain(name, "no such semaphore", INVALID_HANDLE)),
    }
}

/// The one semaphore of a call, with its value.
///
/// # Safety
///
/// As `cuWaitExternalSemaphoresAsync`.
unsafe fn one(
    state: &mut State,
    name: &str,
    semaphores: *const RawSemaphore,
    params: *const SemaphoreParams,
    count: u32,
) -> Result<(Arc<Counted>, u64), u32> {
    // SAFETY: the caller's.
    let (semaphore, params) = (unsafe { get(semaphores) }?, unsafe { get(params) }?);
    if count != 1 || params.flags != 0 || params.reserved != [0; 16] {
        let what = format!("{count} semaphores, flags {:#x}", params.flags);
        return Err(state.complain(name, what, INVALID_VALUE));
    }
    Ok((find(state, name, semaphore)?, params.value))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuWaitExternalSemaphoresAsync(
    semaphores: *const RawSemaphore,
    params: *const SemaphoreParams,
    count: u32,
    stream: RawStream,
) -> u32 {
    const NAME: &str = "cuWaitExternalSemaphoresAsync";
    call(NAME, Needs::Context, |state| {
        // SAFETY: the caller's.
        let (counted, value) = unsafe { one(state, NAME, semaphores, params, count) }?;
        give(state, NAME, stream, move || match &*counted {
            Counted::Timeline(counter) => while !counter.wait(value, NAP) {},
            Counted::Binary(file) => drop((&*file).read(&mut [0; 8])),
        })
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuSignalExternalSemaphoresAsync(
    semaphores: *const RawSemaphore,
    params: *const SemaphoreParams,
    count: u32,
    stream: RawStream,
) -> u32 {
    const NAME: &str = "cuSignalExternalSemaphoresAsync";
    call(NAME, Needs::Context, |state| {
        // SAFETY: the caller's.
        let (counted, value) = unsafe { one(state, NAME, semaphores, params, count) }?;
        give(state, NAME, stream, move || match &*counted {
            Counted::Timeline(counter) if counter.value() < value => counter.raise(value),
            Counted::Timeline(counter) => {
                let what = format!("value {value} of a timeline at {}", counter.value());
                State::lock().complain(NAME, what, 0);
            }
            Counted::Binary(file) => drop((&*file).write(&1_u64.to_ne_bytes())),
        })
    })
}
