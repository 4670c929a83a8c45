//! The wall between the application and us: no panic and no Rust error passes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ash::vk;

use crate::LayerError;
use crate::error::chain_line;
use crate::log::{Level, log};

/// Runs one intercepted call: a success code or an error comes out as a `VkResult`. Every error is
/// logged here and nowhere else.
pub fn guard(call: &str, body: impl FnOnce() -> Result<vk::Result, LayerError>) -> vk::Result {
    guard_or(call, vk::Result::ERROR_UNKNOWN, || {
        body().unwrap_or_else(|err| {
            report(call, &err);
            err.code()
        })
    })
}

/// Runs one intercepted call that returns nothing.
pub fn guard_void(call: &str, body: impl FnOnce() -> Result<(), LayerError>) {
    guard_or(call, (), || body().unwrap_or_else(|err| report(call, &err)));
}

/// Runs one intercepted call that cannot fail. `panicked` stands in after a panic.
pub fn guard_or<T>(call: &str, panicked: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        log(Level::Error, format_args!("{call}: gave up after a panic"));
        panicked
    })
}

fn report(call: &str, err: &LayerError) {
    let level = if err.is_expected() { Level::Debug } else { Level::Error };
    log(level, format_args!("{call}: {}", chain_line(err)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stays_inside() {
        assert_eq!(guard("test", || panic!("no")), vk::Result::ERROR_UNKNOWN);
        guard_void("test", || panic!("no"));
    }

    #[test]
    fn an_error_becomes_its_code() {
        let lost = || Err(LayerError::refused(vk::Result::ERROR_SURFACE_LOST_KHR, "gone"));
        assert_eq!(guard("test", lost), vk::Result::ERROR_SURFACE_LOST_KHR);
    }

    #[test]
    fn a_success_code_is_kept() {
        assert_eq!(guard("test", || Ok(vk::Result::SUBOPTIMAL_KHR)), vk::Result::SUBOPTIMAL_KHR);
    }
}
