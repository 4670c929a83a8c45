//! What a test needs of the machine.
//!
//! A test that cannot run is reported as ignored, with the reason; where the environment variable
//! `ZEROHOP_REQUIRE` names the need (`ZEROHOP_REQUIRE=device,sync_file cargo test`), as failed. So
//! a machine that is known to have something proves that the tests of it ran.
#![forbid(unsafe_code)]

use libtest_mimic::{Completion, Failed};

/// What a test ends with that needs `need`, which is missing because of `why`.
///
/// # Errors
///
/// `ZEROHOP_REQUIRE` names `need`.
pub fn absent(need: &str, why: &str) -> Result<Completion, Failed> {
    let required = std::env::var("ZEROHOP_REQUIRE").unwrap_or_default();
    if required.split(',').any(|one| one == need) {
        return Err(format!("{need} is required here, but {why}").into());
    }
    Ok(Completion::ignored_with(format!("no {need}: {why}")))
}
