//! Finds out whether OpenH264 is built with its assembly, which the `openh264-sys2` build leaves
//! out without a word when `nasm` is missing.

use std::env;
use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=OPENH264_NO_ASM");
    println!("cargo::rustc-check-cfg=cfg(openh264_asm)");
    if has_assembly() {
        println!("cargo::rustc-cfg=openh264_asm");
    } else {
        println!(
            "cargo::warning=OpenH264 is built without assembly: encoding takes more than twice as long (is nasm installed?)"
        );
    }
}

/// The same questions as in the build script of `openh264-sys2`, which has no answer to read.
fn has_assembly() -> bool {
    match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("x86" | "x86_64") => env::var_os("OPENH264_NO_ASM").is_none() && has_nasm(),
        // Assembled by the C compiler.
        Ok("arm" | "aarch64") => true,
        _ => false,
    }
}

fn has_nasm() -> bool {
    let mut nasm = Command::new("nasm");
    let nasm = nasm.arg("-v").stdout(Stdio::null()).stderr(Stdio::null());
    nasm.status().is_ok_and(|status| status.success())
}
