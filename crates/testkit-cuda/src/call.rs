//! What every entry point does first.

use std::cell::Cell;
use std::sync::Once;

use crate::names::{INVALID_CONTEXT, INVALID_VALUE, NOT_INITIALIZED, is_for_good};
use crate::plan::Plan;
use crate::state::{State, at_exit};

/// What must have happened before a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// `cuInit`.
    Init,
    /// A context that is current in this thread.
    Context,
}

thread_local! {
    /// The GPU whose context is current in this thread.
    pub(crate) static CURRENT: Cell<Option<i32>> = const { Cell::new(None) };
}

/// Counts the call, fails it if that was asked for, checks what it needs, and does it.
pub(crate) fn call(
    name: &'static str,
    needs: Needs,
    work: impl FnOnce(&mut State) -> Result<(), u32>,
) -> u32 {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the function stays: nobody unloads a driver.
        let _ = unsafe { libc::atexit(at_exit) };
    });
    let mut state = State::lock();
    match before(&mut state, name, needs).and_then(|()| work(&mut state)) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

fn before(state: &mut State, name: &'static str, needs: Needs) -> Result<(), u32> {
    let count = state.report.calls.entry(name.into()).or_default();
    *count += 1;
    let failure = Plan::get().failures.get(&(name.to_owned(), *count)).copied();
    if let Some(code) = state.lost {
        return Err(code);
    }
    if let Some(code) = failure {
        state.lost = is_for_good(code).then_some(code);
        return Err(code);
    }
    if needs != Needs::Nothing && !state.initialised {
        return Err(state.complain(name, "before cuInit", NOT_INITIALIZED));
    }
    let current = CURRENT.get().filter(|gpu| state.retained.get(gpu).is_some_and(|n| *n > 0));
    if needs == Needs::Context && current.is_none() {
        return Err(state.complain(name, "no context is current", INVALID_CONTEXT));
    }
    Ok(())
}

/// Writes to a pointer of the caller.
///
/// # Safety
///
/// It is null or writable.
pub(crate) unsafe fn put<T>(out: *mut T, value: T) -> Result<(), u32> {
    if out.is_null() {
        return Err(INVALID_VALUE);
    }
    // SAFETY: the caller's.
    unsafe { out.write(value) };
    Ok(())
}

/// Reads what a pointer of the caller points to.
///
/// # Safety
///
/// It is null or readable.
pub(crate) unsafe fn get<T: Copy>(from: *const T) -> Result<T, u32> {
    if from.is_null() {
        return Err(INVALID_VALUE);
    }
    // SAFETY: the caller's.
    Ok(unsafe { from.read() })
}
