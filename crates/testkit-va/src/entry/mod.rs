//! The edge to C: the table of functions that libva calls. Each turns pointers into references,
//! and decides nothing.

mod image;
mod object;
mod query;

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::{Mutex, PoisonError};

use crate::abi::{DriverContext, Status};
use crate::driver::{Driver, PROFILES};
use crate::error::Error;
use crate::format;
use crate::shape::Shape;

/// Says who we are in `vaQueryVendorString`.
const VENDOR: &std::ffi::CStr = c"zerohop: decodes on the CPU, for tests";
/// Entries of the table that libva refuses to be without.
const REQUIRED: usize = 41;

/// What libva calls first. Any libva 1.x looks for this name.
///
/// # Safety
///
/// Called by libva, with a context and a table of its own.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn __vaDriverInit_1_0(context: *mut c_void) -> c_int {
    let context = context.cast::<DriverContext>();
    let shape = match Shape::from_env() {
        Ok(shape) => shape,
        Err(why) => {
            eprintln!("zerohop-va: {why}");
            return Error::InvalidParameter.status();
        }
    };
    // SAFETY: libva's context, which nobody else has yet; our view of it is its beginning.
    let context = unsafe { &mut *context };
    context.driver = Box::into_raw(Box::new(Mutex::new(Driver::new(shape)))).cast();
    context.version = [1, 0];
    context.max_profiles = PROFILES.len() as c_int;
    context.max_entrypoints = 1;
    context.max_attributes = 1;
    context.max_image_formats = format::ALL.len() as c_int;
    context.max_subpicture_formats = 1;
    context.max_display_attributes = 1;
    context.vendor = VENDOR.as_ptr();
    // SAFETY: libva's table, which has more entries than any number here.
    let table = unsafe { slice::from_raw_parts_mut(context.table, REQUIRED + 18) };
    table[..REQUIRED].fill(unimplemented as *const c_void);
    table[0] = terminate as *const c_void;
    query::fill(table);
    object::fill(table);
    image::fill(table);
    0
}

/// For what has no meaning here. Its arguments are nobody's business, and C's callers clean up.
unsafe extern "C" fn unimplemented() -> Status {
    Error::Unimplemented.status()
}

unsafe extern "C" fn terminate(context: *mut DriverContext) -> Status {
    // SAFETY: libva's context, here for the last time.
    let context = unsafe { &mut *context };
    let driver = std::mem::replace(&mut context.driver, std::ptr::null_mut());
    if !driver.is_null() {
        // SAFETY: `__vaDriverInit_1_0` made it, and nobody has it any more.
        drop(unsafe { Box::from_raw(driver.cast::<Mutex<Driver>>()) });
    }
    0
}

/// Runs one call. No panic crosses into the program.
///
/// # Safety
///
/// `context` is one that libva gave to us, between initialization and termination.
unsafe fn with(
    context: *mut DriverContext,
    body: impl FnOnce(&mut Driver) -> Result<(), Error>,
) -> Status {
    // SAFETY: as the caller says.
    let driver = unsafe { (*context).driver };
    // SAFETY: `__vaDriverInit_1_0` put it there, and it is shared only.
    let Some(driver) = (unsafe { driver.cast::<Mutex<Driver>>().as_ref() }) else {
        return Error::OperationFailed.status();
    };
    let done = catch_unwind(AssertUnwindSafe(|| {
        body(&mut driver.lock().unwrap_or_else(PoisonError::into_inner))
    }));
    match done {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => error.status(),
        Err(_) => Error::OperationFailed.status(),
    }
}

/// Where a result goes.
///
/// # Safety
///
/// `pointer` is null, or a place of the caller's.
unsafe fn out<'a, T>(pointer: *mut T) -> Result<&'a mut T, Error> {
    // SAFETY: as the caller says.
    unsafe { pointer.as_mut() }.ok_or(Error::InvalidParameter)
}

/// A list of the caller's.
///
/// # Safety
///
/// `pointer` is null, or has `count` elements.
unsafe fn list<'a, T>(pointer: *mut T, count: impl TryInto<usize>) -> &'a mut [T] {
    match count.try_into() {
        // SAFETY: as the caller says.
        Ok(count) if !pointer.is_null() => unsafe { slice::from_raw_parts_mut(pointer, count) },
        _ => &mut [],
    }
}
