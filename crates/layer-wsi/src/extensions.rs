//! Sets of the extensions that the layer provides, and how entries of lists are written and read.

use ash::vk;
pub(crate) use zerohop_layer::extensions::{ExtensionSet, name, names, properties};

/// The entry for `vkEnumerate*LayerProperties`.
pub(crate) fn layer() -> vk::LayerProperties {
    zerohop_layer::extensions::layer_properties(&zerohop_manifest::WSI)
}
