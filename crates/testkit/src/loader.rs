//! As much of a Vulkan loader as a layer needs: it links the layer to the fake driver, in this
//! process, or to what a test puts in between.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_void};
use std::mem;
use std::ptr;
use std::sync::OnceLock;

use ash::vk;
use zerohop_layer::abi::{
    DeviceCreate, DeviceCreateUnion, DeviceLink, INTERFACE_VERSION, InstanceCreate,
    InstanceCreateUnion, InstanceLink, LINK_INFO, LOADER_DATA_CALLBACK, NEGOTIATE_INTERFACE,
    NegotiateLayerInterface,
};
use zerohop_manifest::Extension;

use crate::fake_driver;

/// `vkNegotiateLoaderLayerInterfaceVersion` of a layer.
pub type Negotiate = unsafe extern "system" fn(*mut NegotiateLayerInterface) -> vk::Result;

/// The one layer of this process, once its first instance is asked for.
static LAYER: OnceLock<(vk::PFN_vkGetInstanceProcAddr, &[Extension])> = OnceLock::new();

/// The two look-ups of what is below the layer.
type Below = (vk::PFN_vkGetInstanceProcAddr, vk::PFN_vkGetDeviceProcAddr);

thread_local! {
    static BELOW: Cell<Below> =
        const { Cell::new((fake_driver::get_instance_proc_addr, fake_driver::get_device_proc_addr)) };
}

/// From now on instances and devices of this thread are linked to `below`.
pub fn link(below: Below) {
    BELOW.set(below);
}

/// The layer's `vkGetInstanceProcAddr`.
fn layer() -> vk::PFN_vkGetInstanceProcAddr {
    LAYER.get().expect("`entry` comes first").0
}

/// Agrees with a layer on an interface.
fn agree(negotiate: Negotiate) -> vk::PFN_vkGetInstanceProcAddr {
    let mut interface = NegotiateLayerInterface {
        s_type: NEGOTIATE_INTERFACE,
        p_next: ptr::null_mut(),
        interface_version: INTERFACE_VERSION,
        get_instance_proc_addr: None,
        get_device_proc_addr: None,
        get_physical_device_proc_addr: None,
    };
    // SAFETY: the structure is a local that the layer may write.
    let code = unsafe { negotiate(&raw mut interface) };
    assert_eq!(code, vk::Result::SUCCESS, "the layer refuses its own interface");
    assert!(interface.get_device_proc_addr.is_some(), "no look-up for devices");
    interface.get_instance_proc_addr.expect("a look-up for instances")
}

/// A Vulkan whose every call goes through a layer, which adds `extensions` to instances, to the fake
/// driver of this thread. A process has one such layer, the first.
///
/// # Panics
///
/// When the layer does not speak our interface.
pub fn entry(negotiate: Negotiate, extensions: &'static [Extension]) -> ash::Entry {
    LAYER.get_or_init(|| (agree(negotiate), extensions));
    let functions = ash::StaticFn { get_instance_proc_addr };
    // SAFETY: our look-up answers as the specification says.
    unsafe { ash::Entry::from_static_fn(functions) }
}

/// A command of ours under the type of none.
macro_rules! command {
    ($kind:ty = $function:path) => {{
        let function: $kind = $function;
        // SAFETY: `PFN_vkVoidFunction` stands for every command; who asks by name knows its type.
        Some(unsafe { mem::transmute::<$kind, unsafe extern "system" fn()>(function) })
    }};
}

/// The loader's `vkGetInstanceProcAddr`; what it does not know is the layer's answer.
///
/// # Safety
///
/// As the command.
pub unsafe extern "system" fn get_instance_proc_addr(
    instance: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    // SAFETY: VUID-vkGetInstanceProcAddr-pName-parameter.
    match unsafe { CStr::from_ptr(name) }.to_bytes() {
        b"vkCreateInstance" => command!(vk::PFN_vkCreateInstance = create_instance),
        b"vkEnumerateInstanceExtensionProperties" => {
            command!(vk::PFN_vkEnumerateInstanceExtensionProperties = instance_extensions)
        }
        b"vkCreateDevice" => command!(vk::PFN_vkCreateDevice = create_device),
        // SAFETY: the caller's arguments.
        _ => unsafe { layer()(instance, name) },
    }
}

unsafe extern "system" fn instance_extensions(
    _: *const c_char,
    count: *mut u32,
    out: *mut vk::ExtensionProperties,
) -> vk::Result {
    let extensions = LAYER.get().map_or(&[][..], |layer| layer.1);
    if out.is_null() {
        // SAFETY: VUID-vkEnumerateInstanceExtensionProperties-pPropertyCount-parameter.
        unsafe { *count = u32::try_from(extensions.len()).unwrap_or(0) };
        return vk::Result::SUCCESS;
    }
    for (i, extension) in extensions.iter().enumerate() {
        let mut one =
            vk::ExtensionProperties { spec_version: extension.version, ..Default::default() };
        for (to, from) in one.extension_name.iter_mut().zip(extension.name.bytes()) {
            *to = from.cast_signed();
        }
        // SAFETY: ash asks with the room that we named.
        unsafe { out.wrapping_add(i).write(one) };
    }
    vk::Result::SUCCESS
}

unsafe extern "system" fn create_instance(
    info: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Instance,
) -> vk::Result {
    // SAFETY: VUID-vkCreateInstance-pCreateInfo-parameter.
    let info = unsafe { *info };
    let mut link = InstanceLink {
        next: ptr::null_mut(),
        get_instance_proc_addr: Some(BELOW.get().0),
        get_physical_device_proc_addr: None,
    };
    let create = InstanceCreate {
        s_type: vk::StructureType::LOADER_INSTANCE_CREATE_INFO,
        p_next: info.p_next,
        function: LINK_INFO,
        u: InstanceCreateUnion { link: &raw mut link },
    };
    let info = vk::InstanceCreateInfo { p_next: (&raw const create).cast(), ..info };
    let find = layer();
    // SAFETY: the name ends with a NUL.
    let found = unsafe { find(vk::Instance::null(), c"vkCreateInstance".as_ptr()) };
    let found = found.expect("the layer has vkCreateInstance");
    // SAFETY: the name's type.
    let command: vk::PFN_vkCreateInstance = unsafe { mem::transmute(found) };
    // SAFETY: the caller's arguments, with a link in front of the chain.
    unsafe { command(&raw const info, allocator, out) }
}

/// `PFN_vkSetDeviceLoaderData`: the object gets the device's dispatch pointer.
unsafe extern "system" fn set_loader_data(device: vk::Device, object: *mut c_void) -> vk::Result {
    use ash::vk::Handle;
    let device = ptr::with_exposed_provenance::<usize>(device.as_raw() as usize);
    // SAFETY: a live dispatchable handle begins with the pointer.
    let key = unsafe { *device };
    // SAFETY: as above, and nobody uses the object yet.
    unsafe { *object.cast::<usize>() = key };
    vk::Result::SUCCESS
}

unsafe extern "system" fn create_device(
    physical: vk::PhysicalDevice,
    info: *const vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Device,
) -> vk::Result {
    // SAFETY: VUID-vkCreateDevice-pCreateInfo-parameter.
    let info = unsafe { *info };
    let mut link = DeviceLink {
        next: ptr::null_mut(),
        get_instance_proc_addr: Some(BELOW.get().0),
        get_device_proc_addr: Some(BELOW.get().1),
    };
    let callback = DeviceCreate {
        s_type: vk::StructureType::LOADER_DEVICE_CREATE_INFO,
        p_next: info.p_next,
        function: LOADER_DATA_CALLBACK,
        u: DeviceCreateUnion { set_loader_data: Some(set_loader_data) },
    };
    let create = DeviceCreate {
        s_type: vk::StructureType::LOADER_DEVICE_CREATE_INFO,
        p_next: (&raw const callback).cast(),
        function: LINK_INFO,
        u: DeviceCreateUnion { link: &raw mut link },
    };
    let info = vk::DeviceCreateInfo { p_next: (&raw const create).cast(), ..info };
    let find = layer();
    // SAFETY: the name ends with a NUL; the layer finds it without an instance's help.
    let found = unsafe { find(instance_of(physical), c"vkCreateDevice".as_ptr()) };
    let found = found.expect("the layer has vkCreateDevice");
    // SAFETY: the name's type.
    let command: vk::PFN_vkCreateDevice = unsafe { mem::transmute(found) };
    // SAFETY: the caller's arguments, with links in front of the chain.
    unsafe { command(physical, &raw const info, allocator, out) }
}

/// A physical device has the dispatch pointer of its instance, which is all that a look-up reads.
fn instance_of(physical: vk::PhysicalDevice) -> vk::Instance {
    use ash::vk::Handle;
    vk::Instance::from_raw(physical.as_raw())
}

/// What a loader does for an object that it hands out: it gets the dispatch pointer of `device`.
///
/// # Panics
///
/// Never.
pub fn adopt<H: vk::Handle>(device: vk::Device, object: H) {
    let object = ptr::with_exposed_provenance_mut::<c_void>(object.as_raw() as usize);
    // SAFETY: both are live, and begin with the pointer.
    let done = unsafe { set_loader_data(device, object) };
    assert_eq!(done, vk::Result::SUCCESS);
}
