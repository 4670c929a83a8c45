//! The one exported symbol, and the two look-ups that it hands to the loader.

use crate::commands::{for_device, for_instance};

zerohop_layer::entry! { vkNegotiateLoaderLayerInterfaceVersion, for_instance, for_device }
