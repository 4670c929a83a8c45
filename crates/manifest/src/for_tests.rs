//! The layers that only tests and benches load. No product contains them.

use crate::Layer;

/// Makes the driver below it a lesser one.
pub const HIDE: Layer = Layer {
    name: "VK_LAYER_ZEROHOP_hide",
    description: "zerohop: hides what a driver can do, for tests",
    file_name: "VkLayer_zerohop_hide.json",
    library: "libzerohop_layer_hide.so",
    negotiate: "zerohop_hide_negotiate",
    ..FOR_TESTS
};

/// Shares the timeline semaphores of a driver that cannot.
pub const TIMELINE: Layer = Layer {
    name: "VK_LAYER_ZEROHOP_timeline",
    description: "zerohop: shares timeline semaphores, for tests",
    file_name: "VkLayer_zerohop_timeline.json",
    library: "libzerohop_layer_timeline.so",
    negotiate: "zerohop_timeline_negotiate",
    ..FOR_TESTS
};

/// Gives a driver modifiers with further planes in memory.
pub const MODIFIERS: Layer = Layer {
    name: "VK_LAYER_ZEROHOP_modifiers",
    description: "zerohop: modifiers with several planes in memory, for tests",
    file_name: "VkLayer_zerohop_modifiers.json",
    library: "libzerohop_layer_modifiers.so",
    negotiate: "zerohop_modifiers_negotiate",
    ..FOR_TESTS
};

/// They add no extension, and no variable turns them on.
const FOR_TESTS: Layer = Layer {
    name: "",
    description: "",
    file_name: "",
    library: "",
    // A name of its own for each: tests link several layers.
    negotiate: "",
    enable_environment: "",
    disable_environment: "",
    instance_extensions: &[],
    device_extensions: &[],
};
