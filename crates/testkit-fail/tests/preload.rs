//! A program that looks functions up, with the library before it.
#![allow(unsafe_code, reason = "it calls what it has looked up")]

use std::env;
use std::ffi::{CStr, c_int};
use std::mem;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

/// What fails, and the library as cargo makes it. They are not taken from there: its `dlsym` would be this
/// program's own.
const FAIL: &str = "ZEROHOP_FAIL";
const LIBRARY: &str = "libzerohop_testkit_fail.so";

/// Tells a child that it is one.
const CHILD: &str = "FAIL_TEST_CHILD";

/// What the C library says of a number, by a function that was looked up: itself for letters.
fn lower(name: &CStr, times: usize) -> Vec<c_int> {
    // SAFETY: the name ends with a zero.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    assert!(!found.is_null());
    // SAFETY: `tolower` and `toupper` are of this type.
    let call: extern "C" fn(c_int) -> c_int = unsafe { mem::transmute(found) };
    (0..times).map(|_| call(c_int::from(b'a'))).collect()
}

fn said(plan: &str) -> Result<String, Failed> {
    let exe = env::current_exe()?;
    let library = exe.parent().ok_or("a folder")?.join(LIBRARY);
    assert!(library.exists(), "{} is not built", library.display());
    let mut child = Command::new(exe);
    child.env(CHILD, "1").env("LD_PRELOAD", library).env(FAIL, plan);
    let output = child.output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn fails() -> Result<(), Failed> {
    assert_eq!(said("tolower:3=700")?, "[97, 97, 700, 700] [65, 65]\n");
    assert_eq!(said("toupper:1=5")?, "[97, 97, 97, 97] [5, 5]\n");
    Ok(())
}

fn leaves_alone() -> Result<(), Failed> {
    for plan in ["", "nobody:1=1", "tolower", "tolower:0=1"] {
        assert_eq!(said(plan)?, "[97, 97, 97, 97] [65, 65]\n", "{plan}");
    }
    Ok(())
}

fn main() -> ExitCode {
    if env::var_os(CHILD).is_some() {
        println!("{:?} {:?}", lower(c"tolower", 4), lower(c"toupper", 2));
        return ExitCode::SUCCESS;
    }
    let tests = vec![
        Trial::test("a_call_fails_from_the_one_on_that_was_asked_for", fails),
        Trial::test("without_a_plan_everything_is_as_it_was", leaves_alone),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
