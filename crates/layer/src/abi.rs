//! The structures that the Vulkan loader and its layers exchange.
//!
//! # References
//!
//! `include/vulkan/vk_layer.h` of Vulkan-Headers; Vulkan-Loader `docs/LoaderLayerInterface.md`.

use std::ffi::{c_char, c_void};

use ash::vk;

/// The newest loader-layer interface that we speak.
pub const INTERFACE_VERSION: u32 = 2;

/// `PFN_GetPhysicalDeviceProcAddr`.
pub type GetPhysicalDeviceProcAddr =
    unsafe extern "system" fn(vk::Instance, *const c_char) -> vk::PFN_vkVoidFunction;

/// `PFN_vkSetDeviceLoaderData`: gives a dispatchable object, which a layer got by itself, the
/// loader's dispatch pointer.
pub type SetDeviceLoaderData = unsafe extern "system" fn(vk::Device, *mut c_void) -> vk::Result;

/// `PFN_vkSetInstanceLoaderData`.
pub type SetInstanceLoaderData = unsafe extern "system" fn(vk::Instance, *mut c_void) -> vk::Result;

/// `LAYER_NEGOTIATE_INTERFACE_STRUCT`, the only value of [`NegotiateLayerInterface::s_type`].
pub const NEGOTIATE_INTERFACE: i32 = 1;

/// `VkNegotiateLayerInterface`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NegotiateLayerInterface {
    /// [`NEGOTIATE_INTERFACE`].
    pub s_type: i32,
    /// Nothing yet.
    pub p_next: *mut c_void,
    /// In: the newest that the loader speaks. Out: what is spoken.
    pub interface_version: u32,
    /// Out.
    pub get_instance_proc_addr: Option<vk::PFN_vkGetInstanceProcAddr>,
    /// Out.
    pub get_device_proc_addr: Option<vk::PFN_vkGetDeviceProcAddr>,
    /// Out; for physical-device commands that the loader does not know.
    pub get_physical_device_proc_addr: Option<GetPhysicalDeviceProcAddr>,
}

/// `VK_LAYER_LINK_INFO`: the structure holds the chain of layers.
pub const LINK_INFO: i32 = 0;
/// `VK_LOADER_DATA_CALLBACK`: the structure holds [`SetDeviceLoaderData`] or its sibling.
pub const LOADER_DATA_CALLBACK: i32 = 1;

/// `VkLayerInstanceLink`: one layer of the chain.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct InstanceLink {
    /// The layer after the next one.
    pub next: *mut InstanceLink,
    /// The next layer's.
    pub get_instance_proc_addr: Option<vk::PFN_vkGetInstanceProcAddr>,
    /// The next layer's.
    pub get_physical_device_proc_addr: Option<GetPhysicalDeviceProcAddr>,
}

/// `VkLayerDeviceLink`: one layer of the chain.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DeviceLink {
    /// The layer after the next one.
    pub next: *mut DeviceLink,
    /// The next layer's.
    pub get_instance_proc_addr: Option<vk::PFN_vkGetInstanceProcAddr>,
    /// The next layer's.
    pub get_device_proc_addr: Option<vk::PFN_vkGetDeviceProcAddr>,
}

/// The union in `VkLayerInstanceCreateInfo`; `function` says which.
#[repr(C)]
#[derive(Clone, Copy)]
pub union InstanceCreateUnion {
    /// [`LINK_INFO`].
    pub link: *mut InstanceLink,
    /// [`LOADER_DATA_CALLBACK`].
    pub set_loader_data: Option<SetInstanceLoaderData>,
    /// `layerDevice`, the largest member; not used by us.
    pub layer_device: [*mut c_void; 2],
}

/// `VkLayerInstanceCreateInfo`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct InstanceCreate {
    /// `VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO`.
    pub s_type: vk::StructureType,
    /// The rest of the chain.
    pub p_next: *const c_void,
    /// Which member of `u` counts.
    pub function: i32,
    /// The member.
    pub u: InstanceCreateUnion,
}

/// The union in `VkLayerDeviceCreateInfo`; `function` says which.
#[repr(C)]
#[derive(Clone, Copy)]
pub union DeviceCreateUnion {
    /// [`LINK_INFO`].
    pub link: *mut DeviceLink,
    /// [`LOADER_DATA_CALLBACK`].
    pub set_loader_data: Option<SetDeviceLoaderData>,
}

/// `VkLayerDeviceCreateInfo`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DeviceCreate {
    /// `VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO`.
    pub s_type: vk::StructureType,
    /// The rest of the chain.
    pub p_next: *const c_void,
    /// Which member of `u` counts.
    pub function: i32,
    /// The member.
    pub u: DeviceCreateUnion,
}
