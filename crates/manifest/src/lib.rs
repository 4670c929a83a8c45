//! What the Vulkan loader is told about the layers, `VK_LAYER_ZEROHOP_wsi` (with
//! `VK_LAYER_ZEROHOP_listing`) and `VK_LAYER_ZEROHOP_dmabuf`: their names, the extensions they provide with their commands, and the
//! manifests made from them.
//!
//! The layers, the host that starts applications under it, and the build all read these facts here.
//! There is no dependency; whoever wants a manifest on a disk calls [`Layer::install`].
#![forbid(unsafe_code)]

mod decision;
mod extensions;
mod for_tests;
mod place;

use std::fmt::Write as _;
use std::io;
use std::path::Path;

pub use decision::{Takeover, WSI_VARIABLE, WsiDecision};
pub use extensions::{DEVICE_EXTENSIONS, DMABUF_EXTENSIONS, Extension, INSTANCE_EXTENSIONS};
pub use for_tests::{HIDE, MODIFIERS, TIMELINE};

/// The command that loaders look for.
const NEGOTIATE: &str = "vkNegotiateLoaderLayerInterfaceVersion";

/// One of our layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// As in `VK_INSTANCE_LAYERS`.
    pub name: &'static str,
    /// One line on what it is for.
    pub description: &'static str,
    /// The file name of the manifest.
    pub file_name: &'static str,
    /// The file name of the library.
    pub library: &'static str,
    /// The command of the library that agrees with the loader on an interface.
    pub negotiate: &'static str,
    /// Set to 1, it turns the implicit layer on.
    pub enable_environment: &'static str,
    /// Set to 1, it turns the implicit layer off, whatever else says on.
    pub disable_environment: &'static str,
    /// What it adds to instances.
    pub instance_extensions: &'static [Extension],
    /// What it adds to devices.
    pub device_extensions: &'static [Extension],
}

/// Surfaces and swapchains.
pub const WSI: Layer = Layer {
    name: "VK_LAYER_ZEROHOP_wsi",
    description: "zerohop: surfaces and swapchains whose images are handed to a host",
    file_name: "VkLayer_zerohop_wsi.json",
    library: "libzerohop_layer_wsi.so",
    negotiate: NEGOTIATE,
    enable_environment: "ZEROHOP_WSI_ENABLE",
    disable_environment: "ZEROHOP_WSI_DISABLE",
    instance_extensions: INSTANCE_EXTENSIONS,
    device_extensions: DEVICE_EXTENSIONS,
};

/// Lists what [`WSI`] adds to instances where that one is an explicit layer, whose extensions loaders
/// do not show to an application that has no instance yet. Only ever an implicit layer, which passes
/// every call on.
pub const LISTING: Layer = Layer {
    name: "VK_LAYER_ZEROHOP_listing",
    description: "zerohop: lists the surfaces of VK_LAYER_ZEROHOP_wsi",
    file_name: "VkLayer_zerohop_listing.json",
    negotiate: "zerohop_listing_negotiate",
    device_extensions: &[],
    ..WSI
};

/// Memory that leaves as a dma-buf, on drivers without.
pub const DMABUF: Layer = Layer {
    name: "VK_LAYER_ZEROHOP_dmabuf",
    description: "zerohop: dma-bufs and linear DRM modifiers, on drivers that have none",
    file_name: "VkLayer_zerohop_dmabuf.json",
    library: "libzerohop_layer_dmabuf.so",
    negotiate: NEGOTIATE,
    enable_environment: "ZEROHOP_DMABUF_ENABLE",
    disable_environment: "ZEROHOP_DMABUF_DISABLE",
    instance_extensions: &[],
    device_extensions: DMABUF_EXTENSIONS,
};

/// All that applications may ask for. Where several are loaded, the first is to be nearest to the application.
pub const LAYERS: [Layer; 2] = [WSI, DMABUF];

/// [`WSI`]'s name.
pub const LAYER_NAME: &str = WSI.name;

/// The file name of [`WSI`]'s library.
pub const LIBRARY: &str = WSI.library;

/// The Vulkan version that the layers know the commands of: major, minor, patch.
pub const API_VERSION: [u32; 3] = [1, 4, 303];

/// `VkLayerProperties::implementationVersion`.
pub const IMPLEMENTATION_VERSION: u32 = 1;

/// What turns [`WSI`] on as an implicit layer.
pub const ENABLE_ENVIRONMENT: &str = WSI.enable_environment;

/// How the loader comes to load the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Named by the application or by `VK_INSTANCE_LAYERS`; lies in `explicit_layer.d`.
    Explicit,
    /// Always, when [`Layer::enable_environment`] is set; lies in `implicit_layer.d`.
    Implicit,
}

impl Layer {
    /// Writes the manifest of this layer in `library` into `folder`, which is made where it is not there,
    /// whole or not at all.
    ///
    /// # Errors
    ///
    /// What making the folder, writing and renaming say.
    pub fn install(&self, library: &Path, folder: &Path, activation: Activation) -> io::Result<()> {
        let text = self.manifest(&library.to_string_lossy(), activation);
        place::place(folder, self.file_name, &text)
    }

    /// The manifest of this layer in `library_path`: an absolute path, or one relative to the
    /// manifest.
    ///
    /// The loader adds the device extensions of an implicit layer to what the driver lists, unless
    /// the driver lists them itself, and so a layer cannot tell. There they have version 0, which no
    /// driver's have.
    ///
    /// # References
    ///
    /// Vulkan-Loader `docs/LoaderLayerInterface.md`, "Layer Manifest File Format".
    pub fn manifest(&self, library_path: &str, activation: Activation) -> String {
        let mut json = String::from("{\n  \"file_format_version\": \"1.2.0\",\n  \"layer\": {\n");
        let version = IMPLEMENTATION_VERSION.to_string();
        let [major, minor, patch] = API_VERSION;
        let api_version = format!("{major}.{minor}.{patch}");
        for (key, value) in [
            ("name", self.name),
            ("type", "GLOBAL"),
            ("library_path", library_path),
            ("api_version", &api_version),
            ("implementation_version", &version),
            ("description", self.description),
        ] {
            push(&mut json, format_args!("    {}: {},\n", quoted(key), quoted(value)));
        }
        let (wanted, ours) = (quoted(NEGOTIATE), quoted(self.negotiate));
        push(&mut json, format_args!("    \"functions\": {{\n      {wanted}: {ours}\n    }},\n"));
        if activation == Activation::Implicit {
            for (key, variable) in [
                ("enable_environment", self.enable_environment),
                ("disable_environment", self.disable_environment),
            ] {
                push(&mut json, format_args!("    \"{key}\": {{ \"{variable}\": \"1\" }},\n"));
            }
        }
        self.push_extensions(&mut json, activation);
        json.push_str("  }\n}\n");
        json
    }

    fn push_extensions(&self, json: &mut String, activation: Activation) {
        let shown = |one: &&Extension| activation == Activation::Explicit || !is_news(one);
        let instance: Vec<_> = self.instance_extensions.iter().filter(shown).collect();
        let device: Vec<_> = self.device_extensions.iter().collect();
        let versions = |one: &Extension| match activation {
            Activation::Explicit => one.version,
            Activation::Implicit => 0,
        };
        list(json, "instance_extensions", &instance, |one| one.version, ",");
        list(json, "device_extensions", &device, versions, "");
    }
}

/// Whether loaders in use refuse the instance extension as unknown. They list it all the same when
/// it is an implicit layer's, so that whoever enables all that is listed (`vulkaninfo`) fails. A
/// driver that lists it needs a newer loader, and then it is there without us.
///
/// Seen with the loader of Vulkan 1.3.239, whose filter is `loader_validate_instance_extensions`.
fn is_news(extension: &Extension) -> bool {
    extension.name == "VK_KHR_surface_maintenance1"
}

fn list(
    json: &mut String,
    key: &str,
    extensions: &[&Extension],
    version: impl Fn(&Extension) -> u32,
    end: &str,
) {
    push(json, format_args!("    \"{key}\": [\n"));
    for (index, extension) in extensions.iter().enumerate() {
        let comma = if index + 1 == extensions.len() { "" } else { "," };
        let commands: Vec<String> = extension.commands.iter().map(|name| quoted(name)).collect();
        push(
            json,
            format_args!(
                "      {{ \"name\": \"{}\", \"spec_version\": \"{}\", \"entrypoints\": [{}] }}{comma}\n",
                extension.name,
                version(extension),
                commands.join(", ")
            ),
        );
    }
    push(json, format_args!("    ]{end}\n"));
}

fn push(json: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail (`impl fmt::Write for String`).
    let _ = json.write_fmt(text);
}

/// A JSON string (RFC 8259, section 7).
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            control if control < ' ' => {
                push(&mut out, format_args!("\\u{:04x}", u32::from(control)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_library_path_stays_one_json_string() {
        let json = WSI.manifest("/a \"b\"\\c\n/lib.so", Activation::Explicit);
        assert!(json.contains(r#""library_path": "/a \"b\"\\c\u000a/lib.so","#), "{json}");
    }

    #[test]
    fn only_the_implicit_form_reads_the_environment() {
        assert!(!WSI.manifest("x", Activation::Explicit).contains("environment"));
        let implicit = WSI.manifest("x", Activation::Implicit);
        assert!(implicit.contains(r#""enable_environment": { "ZEROHOP_WSI_ENABLE": "1" }"#));
        assert!(implicit.contains(r#""disable_environment": { "ZEROHOP_WSI_DISABLE": "1" }"#));
    }

    #[test]
    fn a_layer_tells_its_own_extensions_from_the_drivers() {
        let entry = r#""VK_EXT_external_memory_dma_buf", "spec_version": "#;
        assert!(DMABUF.manifest("x", Activation::Explicit).contains(&format!("{entry}\"1\"")));
        assert!(DMABUF.manifest("x", Activation::Implicit).contains(&format!("{entry}\"0\"")));
    }

    #[test]
    fn what_loaders_refuse_is_not_forced_on_applications() {
        let news = "VK_KHR_surface_maintenance1";
        assert!(WSI.manifest("x", Activation::Explicit).contains(news));
        assert!(!WSI.manifest("x", Activation::Implicit).contains(news));
    }

    #[test]
    fn no_extension_is_listed_twice() {
        for list in [INSTANCE_EXTENSIONS, DEVICE_EXTENSIONS, DMABUF_EXTENSIONS] {
            for (index, one) in list.iter().enumerate() {
                assert!(list[..index].iter().all(|other| other.name != one.name), "{}", one.name);
            }
        }
    }
}
