//! The layer for tests that makes a driver a lesser one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Its name, as in `VK_INSTANCE_LAYERS` (`zerohop_layer_hide::LAYER_NAME`).
pub(crate) const LAYER_NAME: &str = "VK_LAYER_ZEROHOP_hide";

/// What says what is hidden (`zerohop_layer_hide::VARIABLE`).
pub(crate) const VARIABLE: &str = "ZEROHOP_HIDE";

/// Writes the manifest of the one in `built`, and says in which folder.
/// [`crate::programs::test_tools`] builds it.
///
/// # Errors
///
/// The manifest cannot be written.
pub(crate) fn manifest_folder(built: &Path) -> Result<PathBuf> {
    let folder = built.join("hide");
    fs::create_dir_all(&folder).context("make a folder for a manifest")?;
    fs::write(folder.join("VkLayer_zerohop_hide.json"), manifest()).context("write a manifest")?;
    Ok(folder)
}

/// `zerohop_layer_hide::install` writes the same; xtask is built before anything else can be.
fn manifest() -> String {
    let library = Path::new("../libzerohop_layer_hide.so");
    format!(
        r#"{{ "file_format_version": "1.2.0", "layer": {{ "name": "{LAYER_NAME}", "type": "GLOBAL",
"library_path": "{}", "api_version": "1.4.303", "implementation_version": "1",
"description": "zerohop: hides what a driver can do, for tests",
"functions": {{ "vkNegotiateLoaderLayerInterfaceVersion": "zerohop_hide_negotiate" }} }} }}
"#,
        library.display()
    )
}
