//! Keeps the layer in the process for good.
//!
//! Loaders unload a layer with the last instance. What the layer holds for the whole process, its
//! connection to the host above all, would be lost and not closed, once for every instance.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
