//! What names the layout of an image, read from a C header and from the bindings.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

/// A structure or command without its author's suffix, and a member of it as the header spells it.
pub(crate) type Member = (String, String);

/// The members of type `VkImageLayout` in `vulkan_core.h`.
pub(crate) fn of_header(text: &str) -> BTreeSet<Member> {
    let mut found = BTreeSet::new();
    let mut owner = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("typedef struct ") {
            owner = word(rest);
        } else if let Some((_, rest)) = line.split_once("(VKAPI_PTR *PFN_")
            && let Some((name, parameters)) = rest.split_once(")(")
        {
            for parameter in parameters.split([',', ')']) {
                note(&mut found, name, parameter);
            }
        } else if line.starts_with("    ") && line.ends_with(';') && !line.ends_with(");") {
            note(&mut found, &owner, line);
        }
    }
    found
}

/// Notes `VkImageLayout name` or `const VkImageLayout* name`.
fn note(found: &mut BTreeSet<Member>, owner: &str, declaration: &str) {
    let mut words = declaration.split([' ', '*', ';']).filter(|word| !word.is_empty());
    if words.find(|word| !matches!(*word, "const")) == Some("VkImageLayout")
        && let Some(name) = words.next()
    {
        found.insert((without_suffix(owner), name.to_owned()));
    }
}

/// The members of type `ImageLayout` in ash's `definitions.rs` and its functions' types.
pub(crate) fn of_bindings(texts: &[String]) -> BTreeSet<Member> {
    let mut found = BTreeSet::new();
    let mut owner = String::new();
    for line in texts.iter().flat_map(|text| text.lines()).map(str::trim) {
        if let Some(rest) = line.strip_prefix("pub struct ") {
            owner = format!("Vk{}", word(rest));
        } else if let Some(rest) = line.strip_prefix("pub type PFN_") {
            owner = word(rest);
        } else if line.starts_with("pub type ") || line.starts_with("pub fn ") {
            owner.clear();
        }
        let member = line.trim_end_matches(',').split_once(": ");
        if let Some((name, "ImageLayout" | "*mut ImageLayout")) = member
            && !owner.is_empty()
        {
            let name = camel(name.trim_start_matches("pub "));
            found.insert((without_suffix(&owner), name));
        }
    }
    found
}

/// The texts of the bindings that this workspace is built with.
pub(crate) fn bindings() -> Result<Vec<String>, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let asked = ["metadata", "--offline", "--format-version", "1"];
    let output = Command::new(cargo).args(asked).output().map_err(|err| err.to_string())?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|err| err.to_string())?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let ash = packages.iter().find(|one| one["name"] == "ash").ok_or("no package ash")?;
    let manifest = PathBuf::from(ash["manifest_path"].as_str().ok_or("no path")?);
    let folder = manifest.with_file_name("src").join("vk");
    let read = |file: &str| {
        std::fs::read_to_string(folder.join(file)).map_err(|err| format!("{file}: {err}"))
    };
    ["definitions.rs", "features.rs", "extensions.rs"].into_iter().map(read).collect()
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Structures and commands keep their meaning when they become core.
fn without_suffix(name: &str) -> String {
    let short = name.strip_suffix("KHR").or_else(|| name.strip_suffix("EXT"));
    short.unwrap_or(name).to_owned()
}

/// `p_copy_src_layouts` to `pCopySrcLayouts`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        all + &head.to_uppercase() + tail
    })
}
