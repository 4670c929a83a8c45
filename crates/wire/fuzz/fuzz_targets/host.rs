//! The target for libFuzzer.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../target.rs"]
mod target;

fuzz_target!(|input: &[u8]| {
    target::run(input);
});
