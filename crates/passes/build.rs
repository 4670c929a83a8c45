//! Compiles the shaders: WGSL to SPIR-V, one module for each variant.
//!
//! WGSL has no preprocessor, and variants cannot be specialized later (naga has no specialization
//! constants), so `#if NAME`, `#else` and `#endif` on lines of their own choose text here.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// A shader module: its source, its name, and what is chosen in it.
const VARIANTS: [(&str, &str, &[&str]); 8] = [
    ("classify/classify.wgsl", "classify_packed_group", &["GROUP"]),
    ("classify/classify.wgsl", "classify_packed_serial", &[]),
    ("classify/classify.wgsl", "classify_half_group", &["HALF", "GROUP"]),
    ("classify/classify.wgsl", "classify_half_serial", &["HALF"]),
    ("convert/convert.wgsl", "convert_packed_nv12", &["NV12"]),
    ("convert/convert.wgsl", "convert_packed_i420", &[]),
    ("convert/convert.wgsl", "convert_half_nv12", &["HALF", "NV12"]),
    ("convert/convert.wgsl", "convert_half_i420", &["HALF"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let codes = read("codes.wgsl")?;
    let mut list = String::new();
    for (path, name, chosen) in VARIANTS {
        let source = choose(&format!("{codes}\n{}", read(path)?), chosen)?;
        let words = compile(&source).map_err(|err| format!("{name}: {err}"))?;
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        fs::write(out.join(format!("{name}.spv")), bytes)?;
        let constant = name.to_uppercase();
        let words: Vec<_> = words.iter().map(|word| format!("{word:#x}")).collect();
        list += &format!("pub(crate) const {constant}: &[u32] = &[{}];\n", words.join(", "));
    }
    fs::write(out.join("shaders.rs"), list)?;
    Ok(())
}

fn read(path: &str) -> Result<String, Box<dyn Error>> {
    let path = Path::new("src").join(path);
    println!("cargo:rerun-if-changed={}", path.display());
    Ok(fs::read_to_string(path)?)
}

/// The source with one branch of each `#if`.
fn choose(source: &str, chosen: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    let mut open: Option<bool> = None;
    for line in source.lines() {
        match (line.strip_prefix('#').map(str::trim), open) {
            (Some("else"), Some(taken)) => open = Some(!taken),
            (Some("endif"), Some(_)) => open = None,
            (Some(rest), None) if rest.starts_with("if ") => {
                open = Some(chosen.contains(&rest[3..].trim()));
            }
            (Some(rest), _) => return Err(format!("misplaced #{rest}").into()),
            (None, Some(false)) => {}
            (None, _) => text.extend([line, "\n"]),
        }
    }
    Ok(text)
}

fn compile(source: &str) -> Result<Vec<u32>, Box<dyn Error>> {
    let module = naga::front::wgsl::parse_str(source).map_err(|err| err.emit_to_string(source))?;
    let capabilities = Capabilities::IMMEDIATES;
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|err| err.emit_to_string(source))?;
    // Indices are computed from sizes that the host checked.
    let unchecked = BoundsCheckPolicy::Unchecked;
    let options = spv::Options {
        lang_version: (1, 3),
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
