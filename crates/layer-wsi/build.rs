//! Keeps the layer in the process for good, and compiles its shader.
//!
//! Loaders unload a layer with the last instance. What the layer holds for the whole process, its
//! connection to the host above all, would be lost and not closed, once for every instance.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use zerohop_wgsl::{Capabilities, Target};

const SHADER: &str = "src/look/look.wgsl";

/// SPIR-V 1.0, which every device with Vulkan 1.1 takes, and no capability that must be enabled.
const TARGET: Target = Target { version: (1, 0), capabilities: Capabilities::empty() };

/// Each way to read a pixel: its name, the type of its components, how many words it has, and their
/// sum.
const READINGS: [(&str, &str, &str, &str); 6] = [
    ("ONE", "u32", "1", "nh(texel.x, keys[first])"),
    ("TWO", "u32", "2", "nh(texel.x, keys[first]) + nh(texel.y, keys[first + 1u])"),
    ("EIGHT", "f32", "1", "nh(pack4x8unorm(texel), keys[first])"),
    (
        "SHORT",
        "f32",
        "1",
        "nh(dot(vec3<u32>(texel.xyz * vec3(31.0, 63.0, 31.0) + 0.5), \
         vec3(1u, 1u << 5u, 1u << 11u)), keys[first])",
    ),
    (
        "TEN",
        "f32",
        "1",
        "nh(dot(vec4<u32>(texel * vec4(1023.0, 1023.0, 1023.0, 3.0) + 0.5), \
         vec4(1u, 1u << 10u, 1u << 20u, 1u << 30u)), keys[first])",
    ),
    (
        "HALF",
        "f32",
        "4",
        "nh(bitcast<u32>(texel.x), keys[first]) + nh(bitcast<u32>(texel.y), keys[first + 1u]) \
         + nh(bitcast<u32>(texel.z), keys[first + 2u]) + nh(bitcast<u32>(texel.w), keys[first + 3u])",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={SHADER}");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    let source = fs::read_to_string(SHADER)?;
    let mut list = String::new();
    for (name, texel, count, sum) in READINGS {
        let chosen = source.replace("{texel}", texel).replace("{count}", count);
        list += &zerohop_wgsl::constant(name, &chosen.replace("{sum}", sum), TARGET)?;
    }
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("look.rs"), list)?;
    Ok(())
}
