//! Streams.

use zerohop_cuda::abi::{RawEvent, RawStream, STREAM_NON_BLOCKING};

use crate::call::{Needs, call, put};
use crate::entry::event::moment;
use crate::names::{INVALID_HANDLE, INVALID_VALUE, OUT_OF_MEMORY};
use crate::objects::Object;
use crate::state::State;
use crate::worker::Worker;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamCreate(out: *mut RawStream, flags: u32) -> u32 {
    const NAME: &str = "cuStreamCreate";
    call(NAME, Needs::Context, |state| {
        if flags & !STREAM_NON_BLOCKING != 0 {
            return Err(state.complain(NAME, format!("flags {flags:#x}"), INVALID_VALUE));
        }
        let handle = state.add(Object::Stream(Worker::start().ok_or(OUT_OF_MEMORY)?));
        // SAFETY: the caller's.
        unsafe { put(out, RawStream(std::ptr::without_provenance_mut(handle))) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamDestroy_v2(stream: RawStream) -> u32 {
    const NAME: &str = "cuStreamDestroy_v2";
    call(NAME, Needs::Context, |state| {
        let handle = stream.0.addr();
        if !matches!(state.objects.get(&handle), Some(Object::Stream(_))) {
            return Err(state.complain(NAME, "no such stream", INVALID_HANDLE));
        }
        state.remove(handle);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamWaitEvent(stream: RawStream, event: RawEvent, flags: u32) -> u32 {
    const NAME: &str = "cuStreamWaitEvent";
    call(NAME, Needs::Context, |state| {
        if flags != 0 {
            return Err(state.complain(NAME, format!("flags {flags:#x}"), INVALID_VALUE));
        }
        let Some(moment) = moment(state, NAME, event)? else { return Ok(()) };
        give(state, NAME, stream, move || moment.wait())
    })
}

/// Gives work to a stream. The default stream is not for us: it waits for all others.
pub(super) fn give(
    state: &mut State,
    name: &str,
    stream: RawStream,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), u32> {
    match state.objects.get(&stream.0.addr()) {
        Some(Object::Stream(worker)) => {
            worker.give(work);
            Ok(())
        }
        _ => Err(state.complain(name, "no such stream", INVALID_HANDLE)),
    }
}
