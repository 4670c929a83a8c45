//! Shaders for build scripts: WGSL to a constant of SPIR-V.
//!
//! Bounds are not checked by what comes out: a shader's indices are clamped, or computed from sizes that
//! its host checked.
#![forbid(unsafe_code)]

use std::error::Error;

use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{ValidationFlags, Validator};

pub use naga::valid::Capabilities;

/// What a module may ask of a device.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// SPIR-V's version, major and minor.
    pub version: (u8, u8),
    /// What the device must have enabled.
    pub capabilities: Capabilities,
}

/// The line of Rust that declares `name` to be the words of `source`, whose entry point is the compute
/// shader `main`.
///
/// # Errors
///
/// What is wrong with the source, with `name` before it.
pub fn constant(name: &str, source: &str, target: Target) -> Result<String, Box<dyn Error>> {
    let words = compile(source, target).map_err(|err| format!("{name}: {err}"))?;
    let words: Vec<_> = words.iter().map(|word| format!("{word:#x}")).collect();
    Ok(format!("pub(crate) const {name}: &[u32] = &[{}];\n", words.join(", ")))
}

fn compile(source: &str, target: Target) -> Result<Vec<u32>, Box<dyn Error>> {
    let module = naga::front::wgsl::parse_str(source).map_err(|err| err.emit_to_string(source))?;
    let info = Validator::new(ValidationFlags::all(), target.capabilities)
        .validate(&module)
        .map_err(|err| err.emit_to_string(source))?;
    let unchecked = BoundsCheckPolicy::Unchecked;
    let options = spv::Options {
        lang_version: target.version,
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: BoundsCheckPolicies {
            index: unchecked,
            buffer: unchecked,
            image_load: unchecked,
            binding_array: unchecked,
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        use_storage_input_output_16: false,
        ..spv::Options::default()
    };
    let entry = spv::PipelineOptions {
        shader_stage: naga::ShaderStage::Compute,
        entry_point: "main".to_owned(),
    };
    Ok(spv::write_vec(&module, &info, &options, Some(&entry))?)
}
