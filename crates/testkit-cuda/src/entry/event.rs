//! Events.

use std::sync::Arc;

use zerohop_cuda::abi::{EVENT_DISABLE_TIMING, NOT_READY, RawEvent, RawStream};

use crate::call::{Needs, call, put};
use crate::entry::stream::give;
use crate::names::{INVALID_HANDLE, INVALID_VALUE};
use crate::objects::{Moment, Object};
use crate::state::State;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventCreate(out: *mut RawEvent, flags: u32) -> u32 {
    const NAME: &str = "cuEventCreate";
    call(NAME, Needs::Context, |state| {
        if flags & !EVENT_DISABLE_TIMING != 0 {
            return Err(state.complain(NAME, format!("flags {flags:#x}"), INVALID_VALUE));
        }
        let handle = state.add(Object::Event(None));
        // SAFETY: the caller's.
        unsafe { put(out, RawEvent(std::ptr::without_provenance_mut(handle))) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventDestroy_v2(event: RawEvent) -> u32 {
    const NAME: &str = "cuEventDestroy_v2";
    call(NAME, Needs::Context, |state| {
        moment(state, NAME, event)?;
        state.remove(event.0.addr());
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventRecord(event: RawEvent, stream: RawStream) -> u32 {
    const NAME: &str = "cuEventRecord";
    call(NAME, Needs::Context, |state| {
        moment(state, NAME, event)?;
        let moment = Arc::new(Moment::default());
        let reached = Arc::clone(&moment);
        give(state, NAME, stream, move || reached.reach())?;
        state.objects.insert(event.0.addr(), Object::Event(Some(moment)));
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventQuery(event: RawEvent) -> u32 {
    const NAME: &str = "cuEventQuery";
    call(NAME, Needs::Context, |state| match moment(state, NAME, event)? {
        Some(moment) if !moment.is_reached() => Err(NOT_READY),
        _ => Ok(()),
    })
}

/// The moment that an event was recorded for last; `None` before.
pub(super) fn moment(
    state: &mut State,
    name: &str,
    event: RawEvent,
) -> Result<Option<Arc<Moment>>, u32> {
    match state.objects.get(&event.0.addr()) {
        Some(Object::Event(moment)) => Ok(moment.clone()),
        _ => Err(state.complain(name, "no such event", INVALID_HANDLE)),
    }
}
