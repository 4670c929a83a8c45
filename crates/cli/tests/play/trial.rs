//! Tests that need a decoder, and those that need a driver that stands in, too.

use std::path::Path;
use std::process::Command;

use libtest_mimic::{Completion, Failed, Trial};
use zerohop_needs::absent;

use crate::drivers::{StandIn, Vaapi};
use crate::stage::ZEROHOP;

/// How a test ends that is not made.
pub(crate) type Lacks = Result<Completion, Failed>;

/// A test of the decoder on the CPU.
pub(crate) fn named(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    over(name, "decoder", || Ok(()), |()| None, move |()| test())
}

/// A test over the driver of VA-API.
pub(crate) fn vaapi(name: &str, test: fn(&Vaapi)) -> Trial {
    vaapi_unless(|_| None, name, test)
}

/// A test over the driver of VA-API that is not made where something else is missing.
pub(crate) fn vaapi_unless(
    missing: fn(&Vaapi) -> Option<Lacks>,
    name: &str,
    test: fn(&Vaapi),
) -> Trial {
    over(name, "vaapi", Vaapi::start, missing, test)
}

/// A test over the driver of CUDA.
pub(crate) fn cuda(name: &str, test: fn(&StandIn)) -> Trial {
    over(name, "cuda", StandIn::install, |_| None, test)
}

fn over<D>(
    name: &str,
    kind: &str,
    begin: fn() -> Result<D, Lacks>,
    missing: fn(&D) -> Option<Lacks>,
    test: impl FnOnce(&D) + Send + 'static,
) -> Trial
where
    D: 'static,
{
    let run = move || {
        if let Some(lacks) = lacks() {
            return lacks;
        }
        let driver = match begin() {
            Ok(driver) => driver,
            Err(lacks) => return lacks,
        };
        missing(&driver).unwrap_or_else(|| {
            test(&driver);
            Ok(Completion::Completed)
        })
    };
    Trial::ignorable_test(name, run).with_kind(kind)
}

/// What is missing for these tests, as their result.
fn lacks() -> Option<Lacks> {
    if let Err(err) = Command::new("ffmpeg").arg("-version").output() {
        return Some(absent("ffmpeg", &err.to_string()));
    }
    let decoder = Path::new(ZEROHOP).with_file_name("zerohop-decode");
    (!decoder.is_file()).then(|| absent("decoder", "zerohop-decode is not built"))
}
