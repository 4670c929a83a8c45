//! Makes a call of a real driver fail on demand.
//!
//! A driver is a library that its user loads and looks functions up in (`dlsym`). This one is loaded
//! before the program and answers for one function in the driver's place:
//!
//! ```text
//! LD_PRELOAD=libzerohop_testkit_fail.so ZEROHOP_FAIL=cuEventRecord:20=700 zerohop run …
//! ```
//!
//! From its 20th call on `cuEventRecord` returns 700 and does nothing; the calls before, and all other
//! functions, are the driver's own. For functions of up to six integers or pointers that return an
//! `int`, in 64-bit processes on glibc.
//!
//! A caller that looks for the *next* function of a name (`RTLD_NEXT`) gets the one after this library.
#![allow(unsafe_code, reason = "it stands between a program and a C library")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// What fails: `FUNCTION:N=CODE`, from the Nth call on, counted from 1.
const NAME: &CStr = c"ZEROHOP_FAIL";

/// The versions under which glibc has `dlsym`: since it is part of the C library, and before, on
/// x86-64 and on 64-bit Arm.
const VERSIONS: [&CStr; 3] = [c"GLIBC_2.34", c"GLIBC_2.2.5", c"GLIBC_2.17"];

/// `dlsym`.
type Find = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;
/// A function that may fail.
type Call = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize) -> c_int;

/// The driver's own function.
static REAL: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// How often it was called.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// What was asked for: a function, how many of its calls are good, and what the others return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan<'a> {
    function: &'a [u8],
    good: u64,
    code: c_int,
}

impl Plan<'_> {
    /// That of this process. Nothing here allocates or locks: it runs before `main`, under anybody's
    /// locks.
    fn get() -> Option<Plan<'static>> {
        // SAFETY: the environment is that of the start; nobody here changes it.
        let text = unsafe { libc::getenv(NAME.as_ptr()) };
        if text.is_null() {
            return None;
        }
        // SAFETY: a string of the environment, which stays.
        Plan::of(unsafe { CStr::from_ptr(text) }.to_bytes())
    }

    fn of(text: &[u8]) -> Option<Plan<'_>> {
        let colon = text.iter().position(|byte| *byte == b':')?;
        let equals = text.iter().position(|byte| *byte == b'=').filter(|at| *at > colon)?;
        let nth: u64 = number(&text[colon + 1..equals])?;
        let code = c_int::try_from(number(&text[equals + 1..])?).ok()?;
        Some(Plan { function: &text[..colon], good: nth.checked_sub(1)?, code })
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `dlsym` of the C library.
fn find() -> Option<Find> {
    let found = VERSIONS.iter().find_map(|version| {
        // SAFETY: both strings end with a zero.
        let found = unsafe { libc::dlvsym(libc::RTLD_NEXT, c"dlsym".as_ptr(), version.as_ptr()) };
        (!found.is_null()).then_some(found)
    })?;
    // SAFETY: this is the C library's `dlsym`, which is of this type.
    Some(unsafe { mem::transmute::<*mut c_void, Find>(found) })
}

/// Looks a function up, in place of the C library's.
///
/// # Safety
///
/// As `dlsym(3)`.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void {
    let Some(find) = find() else { return ptr::null_mut() };
    // SAFETY: the caller's promise.
    let found = unsafe { find(handle, name) };
    if found.is_null() || name.is_null() {
        return found;
    }
    // SAFETY: the caller's promise.
    let asked = unsafe { CStr::from_ptr(name) };
    if Plan::get().is_none_or(|plan| plan.function != asked.to_bytes()) {
        return found;
    }
    REAL.store(found, Ordering::Release);
    let ours: Call = counted;
    ours as *mut c_void
}

/// The function, until it is to fail.
///
/// # Safety
///
/// As the function that it stands for.
unsafe extern "C" fn counted(a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_int {
    let before = CALLS.fetch_add(1, Ordering::Relaxed);
    if let Some(plan) = Plan::get().filter(|plan| before >= plan.good) {
        return plan.code;
    }
    let real = REAL.load(Ordering::Acquire);
    // SAFETY: `dlsym` found it before it gave out our address. Up to six integers and pointers come in
    // registers (System V and Arm's procedure call standard), so that passing on more than it takes
    // changes nothing.
    let real = unsafe { mem::transmute::<*mut c_void, Call>(real) };
    // SAFETY: the caller's promise.
    unsafe { real(a, b, c, d, e, f) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let plan = Plan { function: b"cuEventRecord", good: 19, code: 700 };
        assert_eq!(Plan::of(b"cuEventRecord:20=700"), Some(plan));
        for odd in ["", "a", "a:1", "a=1", "a=1:2", "a:0=1", "a:x=1", "a:1=x"] {
            assert_eq!(Plan::of(odd.as_bytes()), None, "{odd}");
        }
    }
}
