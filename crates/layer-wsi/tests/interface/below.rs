//! What is below the layer in these tests: the fake driver, and what that lacks.
//!
//! It has surfaces and swapchains of a display, commands of extensions that the layer hides, and
//! names for objects. It writes down what it gets.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::{CStr, c_char};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ash::vk::{self, Handle};
use zerohop_testkit::fake_driver;

/// The display's surface.
pub(crate) const SURFACE: u64 = 0xd15b_0001;
/// The display's swapchain.
pub(crate) const SWAPCHAIN: u64 = 0xd15b_0002;

thread_local! {
    static SEEN: RefCell<Vec<(&'static str, u64)>> = const { RefCell::new(Vec::new()) };
    /// Whether instances of more than Vulkan 1.0 are refused.
    pub(crate) static OLD: Cell<bool> = const { Cell::new(false) };
    /// What to tell of a wait for fences, and what to wait for before it ends.
    pub(crate) static WORK: RefCell<Option<(Sender<()>, Receiver<()>)>> =
        const { RefCell::new(None) };
}

/// How often two threads were in one queue at a time.
pub(crate) static OVERLAPS: AtomicU64 = AtomicU64::new(0);

fn see(command: &'static str, value: u64) {
    SEEN.with(|seen| seen.borrow_mut().push((command, value)));
}

/// What came down on this thread since the last time: the command, and the handle or number that
/// matters in it.
pub(crate) fn seen() -> Vec<(&'static str, u64)> {
    SEEN.take()
}

/// A command of ours under the type of none.
macro_rules! commands {
    ($name:expr; $($text:literal: $kind:ty = $function:path,)*) => {
        match $name {
            $($text => {
                let function: $kind = $function;
                // SAFETY: who asks by name knows the type.
                Some(unsafe { mem::transmute::<$kind, unsafe extern "system" fn()>(function) })
            })*
            _ => None,
        }
    };
}

fn own(name: &CStr) -> vk::PFN_vkVoidFunction {
    commands! { name.to_bytes();
        b"vkCreateInstance": vk::PFN_vkCreateInstance = create_instance,
        b"vkCreateDisplayPlaneSurfaceKHR": vk::PFN_vkCreateDisplayPlaneSurfaceKHR = create_surface,
        b"vkDestroySurfaceKHR": vk::PFN_vkDestroySurfaceKHR = destroy_surface,
        b"vkGetPhysicalDeviceSurfaceSupportKHR": vk::PFN_vkGetPhysicalDeviceSurfaceSupportKHR =
            support,
        b"vkCreateSwapchainKHR": vk::PFN_vkCreateSwapchainKHR = create_swapchain,
        b"vkDestroySwapchainKHR": vk::PFN_vkDestroySwapchainKHR = destroy_swapchain,
        b"vkAcquireNextImageKHR": vk::PFN_vkAcquireNextImageKHR = acquire,
        b"vkQueuePresentKHR": vk::PFN_vkQueuePresentKHR = present,
        b"vkSetHdrMetadataEXT": vk::PFN_vkSetHdrMetadataEXT = set_hdr_metadata,
        b"vkSetDebugUtilsObjectNameEXT": vk::PFN_vkSetDebugUtilsObjectNameEXT = set_name,
        b"vkSetPrivateData": vk::PFN_vkSetPrivateData = set_private_data,
        b"vkGetPrivateData": vk::PFN_vkGetPrivateData = get_private_data,
        b"vkQueueSubmit": vk::PFN_vkQueueSubmit = submit,
        b"vkWaitForFences": vk::PFN_vkWaitForFences = wait_for_fences,
    }
}

pub(crate) unsafe extern "system" fn get_instance_proc_addr(
    instance: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    // SAFETY: VUID-vkGetInstanceProcAddr-pName-parameter.
    let command = unsafe { CStr::from_ptr(name) };
    if OLD.get() && command.to_bytes().ends_with(b"Properties2") {
        return None;
    }
    own(command).or_else(|| {
        // SAFETY: the caller's arguments.
        unsafe { fake_driver::get_instance_proc_addr(instance, name) }
    })
}

pub(crate) unsafe extern "system" fn get_device_proc_addr(
    device: vk::Device,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    // SAFETY: VUID-vkGetDeviceProcAddr-pName-parameter.
    own(unsafe { CStr::from_ptr(name) }).or_else(|| {
        // SAFETY: the caller's arguments.
        unsafe { fake_driver::get_device_proc_addr(device, name) }
    })
}

/// The fake driver's command `name`.
///
/// # Safety
///
/// `F` is the `PFN_*` type of the command.
unsafe fn fake<F: Copy>(name: &CStr) -> F {
    // SAFETY: the look-up reads no handle.
    let found = unsafe { fake_driver::get_device_proc_addr(vk::Device::null(), name.as_ptr()) };
    // SAFETY: the same, for commands of an instance.
    let other = unsafe { fake_driver::get_instance_proc_addr(vk::Instance::null(), name.as_ptr()) };
    let found = found.or(other).expect("the fake driver has it");
    // SAFETY: the caller's promise; function pointers have one size.
    unsafe { mem::transmute_copy(&found) }
}

unsafe extern "system" fn create_instance(
    info: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Instance,
) -> vk::Result {
    // SAFETY: VUID-vkCreateInstance-pCreateInfo-parameter.
    let application = unsafe { &*info }.p_application_info;
    // SAFETY: the layer always sends one.
    let version = unsafe { &*application }.api_version;
    see("vkCreateInstance", version.into());
    if OLD.get() && version > vk::API_VERSION_1_0 {
        return vk::Result::ERROR_INCOMPATIBLE_DRIVER;
    }
    // SAFETY: the type belongs to the name.
    let create: vk::PFN_vkCreateInstance = unsafe { fake(c"vkCreateInstance") };
    // SAFETY: the caller's arguments.
    unsafe { create(info, allocator, out) }
}

unsafe extern "system" fn create_surface(
    _: vk::Instance,
    _: *const vk::DisplaySurfaceCreateInfoKHR<'_>,
    _: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::SurfaceKHR,
) -> vk::Result {
    // SAFETY: VUID-vkCreateDisplayPlaneSurfaceKHR-pSurface-parameter.
    unsafe { *out = vk::SurfaceKHR::from_raw(SURFACE) };
    vk::Result::SUCCESS
}

unsafe extern "system" fn destroy_surface(
    _: vk::Instance,
    surface: vk::SurfaceKHR,
    _: *const vk::AllocationCallbacks<'_>,
) {
    see("vkDestroySurfaceKHR", surface.as_raw());
}

unsafe extern "system" fn support(
    _: vk::PhysicalDevice,
    _: u32,
    surface: vk::SurfaceKHR,
    out: *mut vk::Bool32,
) -> vk::Result {
    see("vkGetPhysicalDeviceSurfaceSupportKHR", surface.as_raw());
    // SAFETY: VUID-vkGetPhysicalDeviceSurfaceSupportKHR-pSupported-parameter.
    unsafe { *out = vk::TRUE };
    vk::Result::SUCCESS
}

unsafe extern "system" fn create_swapchain(
    _: vk::Device,
    info: *const vk::SwapchainCreateInfoKHR<'_>,
    _: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::SwapchainKHR,
) -> vk::Result {
    // SAFETY: VUID-vkCreateSwapchainKHR-pCreateInfo-parameter.
    let info = unsafe { &*info };
    see("vkCreateSwapchainKHR", info.surface.as_raw());
    see("oldSwapchain", info.old_swapchain.as_raw());
    // SAFETY: VUID-vkCreateSwapchainKHR-pSwapchain-parameter.
    unsafe { *out = vk::SwapchainKHR::from_raw(SWAPCHAIN) };
    vk::Result::SUCCESS
}

unsafe extern "system" fn destroy_swapchain(
    _: vk::Device,
    swapchain: vk::SwapchainKHR,
    _: *const vk::AllocationCallbacks<'_>,
) {
    see("vkDestroySwapchainKHR", swapchain.as_raw());
}

unsafe extern "system" fn acquire(
    _: vk::Device,
    swapchain: vk::SwapchainKHR,
    _: u64,
    _: vk::Semaphore,
    _: vk::Fence,
    out: *mut u32,
) -> vk::Result {
    see("vkAcquireNextImageKHR", swapchain.as_raw());
    // SAFETY: VUID-vkAcquireNextImageKHR-pImageIndex-parameter.
    unsafe { *out = 5 };
    vk::Result::SUCCESS
}

unsafe extern "system" fn present(_: vk::Queue, info: *const vk::PresentInfoKHR<'_>) -> vk::Result {
    // SAFETY: VUID-vkQueuePresentKHR-pPresentInfo-parameter.
    let swapchains = unsafe { &*info }.p_swapchains;
    // SAFETY: VUID-VkPresentInfoKHR-pSwapchains-parameter; there is at least one.
    see("vkQueuePresentKHR", unsafe { *swapchains }.as_raw());
    vk::Result::SUCCESS
}

unsafe extern "system" fn set_hdr_metadata(
    _: vk::Device,
    _: u32,
    _: *const vk::SwapchainKHR,
    _: *const vk::HdrMetadataEXT<'_>,
) {
    see("vkSetHdrMetadataEXT", 0);
}

unsafe extern "system" fn set_name(
    _: vk::Device,
    info: *const vk::DebugUtilsObjectNameInfoEXT<'_>,
) -> vk::Result {
    // SAFETY: VUID-vkSetDebugUtilsObjectNameEXT-pNameInfo-parameter.
    see("vkSetDebugUtilsObjectNameEXT", unsafe { &*info }.object_handle);
    vk::Result::SUCCESS
}

unsafe extern "system" fn set_private_data(
    _: vk::Device,
    _: vk::ObjectType,
    object: u64,
    _: vk::PrivateDataSlot,
    _: u64,
) -> vk::Result {
    see("vkSetPrivateData", object);
    vk::Result::SUCCESS
}

unsafe extern "system" fn get_private_data(
    _: vk::Device,
    _: vk::ObjectType,
    object: u64,
    _: vk::PrivateDataSlot,
    out: *mut u64,
) {
    see("vkGetPrivateData", object);
    // SAFETY: VUID-vkGetPrivateData-pData-parameter.
    unsafe { *out = 0 };
}

/// Work that takes as long as the test says.
unsafe extern "system" fn wait_for_fences(
    device: vk::Device,
    count: u32,
    fences: *const vk::Fence,
    all: vk::Bool32,
    timeout: u64,
) -> vk::Result {
    if let Some((begun, done)) = WORK.take() {
        begun.send(()).expect("the test listens");
        done.recv().expect("the test ends the work");
    }
    // SAFETY: the type belongs to the name.
    let wait: vk::PFN_vkWaitForFences = unsafe { fake(c"vkWaitForFences") };
    // SAFETY: the caller's arguments.
    unsafe { wait(device, count, fences, all, timeout) }
}

/// Takes its time, and notices who else is there.
unsafe extern "system" fn submit(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    thread_local! {
        static SUBMIT: vk::PFN_vkQueueSubmit = {
            // SAFETY: the type belongs to the name.
            unsafe { fake(c"vkQueueSubmit") }
        };
    }
    static BUSY: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
    let busy = || BUSY.lock().unwrap_or_else(PoisonError::into_inner);
    if !busy().insert(queue.as_raw()) {
        OVERLAPS.fetch_add(1, Ordering::Relaxed);
    }
    thread::sleep(Duration::from_micros(50));
    let submit = SUBMIT.with(|submit| *submit);
    // SAFETY: the caller's arguments.
    let code = unsafe { submit(queue, count, submits, fence) };
    busy().remove(&queue.as_raw());
    code
}
