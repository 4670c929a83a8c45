//! The layer over a driver that counts everything: what it hands down, what it leaves behind, and
//! what it does when a call fails.
#![allow(unsafe_code, reason = "a loader of our own calls the layer")]
#![allow(clippy::unwrap_used, reason = "a call that fails fails the test")]

use std::ffi::CStr;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ash::{ext, khr, vk};
use zerohop_layer_dmabuf::vkNegotiateLoaderLayerInterfaceVersion;
use zerohop_testkit::fake_driver::{FakeDriver, Options};
use zerohop_testkit::loader;

const DMA_BUF: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;

/// A driver that can take memory of the process, and none of what we offer.
const LACKS: Options = Options {
    memory_fd: false,
    sync_fd: false,
    modifiers: false,
    tiled_only: false,
    swapchain: false,
    host_memory: true,
    work: std::time::Duration::ZERO,
    others_wait: std::time::Duration::ZERO,
};

const OURS: [&CStr; 4] = [
    khr::external_memory_fd::NAME,
    ext::external_memory_dma_buf::NAME,
    ext::image_drm_format_modifier::NAME,
    ext::queue_family_foreign::NAME,
];

fn instance(driver: &FakeDriver) -> Result<ash::Instance, vk::Result> {
    driver.enter();
    let entry = loader::entry(vkNegotiateLoaderLayerInterfaceVersion, &[]);
    // SAFETY: the structure is plain.
    unsafe { entry.create_instance(&vk::InstanceCreateInfo::default(), None) }
}

/// An image leaves and comes back, and all is destroyed again, as far as it was made.
fn round(driver: &FakeDriver) -> Result<(), vk::Result> {
    let instance = instance(driver)?;
    let done = with_device(&instance);
    // SAFETY: nothing of it is left.
    unsafe { instance.destroy_instance(None) };
    done
}

fn with_device(instance: &ash::Instance) -> Result<(), vk::Result> {
    // SAFETY: the instance is live.
    let physical = unsafe { instance.enumerate_physical_devices() }?[0];
    let names: Vec<_> = OURS.iter().map(|name| name.as_ptr()).collect();
    let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
    let info =
        vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names);
    // SAFETY: `info` is of locals.
    let device = unsafe { instance.create_device(physical, &info, None) }?;
    let calls = khr::external_memory_fd::Device::new(instance, &device);
    let done = with_image(&device, &calls);
    // SAFETY: nothing of it is left.
    unsafe { device.destroy_device(None) };
    done
}

fn with_image(
    device: &ash::Device,
    calls: &khr::external_memory_fd::Device,
) -> Result<(), vk::Result> {
    let modifiers = [0];
    let mut list =
        vk::ImageDrmFormatModifierListCreateInfoEXT::default().drm_format_modifiers(&modifiers);
    let mut external = vk::ExternalMemoryImageCreateInfo::default().handle_types(DMA_BUF);
    let info = vk::ImageCreateInfo::default()
        .image_type(vk::ImageType::TYPE_2D)
        .format(vk::Format::B8G8R8A8_UNORM)
        .extent(vk::Extent3D { width: 37, height: 5, depth: 1 })
        .mip_levels(1)
        .array_layers(1)
        .samples(vk::SampleCountFlags::TYPE_1)
        .tiling(vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)
        .usage(vk::ImageUsageFlags::TRANSFER_SRC)
        .push_next(&mut list)
        .push_next(&mut external);
    // SAFETY: the chain is of locals.
    let image = unsafe { device.create_image(&info, None) }?;
    let plane =
        vk::ImageSubresource::default().aspect_mask(vk::ImageAspectFlags::MEMORY_PLANE_0_EXT);
    // SAFETY: the image has a modifier and one plane.
    let layout = unsafe { device.get_image_subresource_layout(image, plane) };
    assert_eq!(layout.row_pitch, 37 * 8, "the driver's own");
    let done = with_memory(device, calls, image);
    // SAFETY: nothing uses it.
    unsafe { device.destroy_image(image, None) };
    done
}

fn with_memory(
    device: &ash::Device,
    calls: &khr::external_memory_fd::Device,
    image: vk::Image,
) -> Result<(), vk::Result> {
    // SAFETY: the image is live.
    let needs = unsafe { device.get_image_memory_requirements(image) };
    let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(image);
    let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(DMA_BUF);
    let info = vk::MemoryAllocateInfo::default().allocation_size(needs.size);
    let exported = info.push_next(&mut dedicated).push_next(&mut export);
    // SAFETY: the chain is of locals.
    let memory = unsafe { device.allocate_memory(&exported, None) }?;
    // SAFETY: the image has no memory yet.
    let done = unsafe { device.bind_image_memory(image, memory, 0) }
        .and_then(|()| comes_back(device, calls, memory, info));
    // SAFETY: nothing uses it.
    unsafe { device.free_memory(memory, None) };
    done
}

fn comes_back(
    device: &ash::Device,
    calls: &khr::external_memory_fd::Device,
    memory: vk::DeviceMemory,
    info: vk::MemoryAllocateInfo<'_>,
) -> Result<(), vk::Result> {
    let get = vk::MemoryGetFdInfoKHR::default().memory(memory).handle_type(DMA_BUF);
    // SAFETY: the memory was allocated to be exported.
    let fd = unsafe { calls.get_memory_fd(&get) }?;
    let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(DMA_BUF).fd(fd);
    // SAFETY: the chain is of locals.
    match unsafe { device.allocate_memory(&info.push_next(&mut import), None) } {
        Ok(again) => {
            // SAFETY: nothing uses it.
            unsafe { device.free_memory(again, None) };
            Ok(())
        }
        Err(code) => {
            // SAFETY: after a failed import it is still the application's.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
            Err(code)
        }
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// One test at a time: they count the descriptors of one process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn nothing_of_ours_reaches_the_driver_and_nothing_is_left_whichever_call_fails() {
    let _alone = alone();
    let driver = FakeDriver::new(LACKS);
    round(&driver).unwrap();
    let before = descriptors();
    let mut failed = 0;
    for allowed in 0.. {
        driver.fail_after(allowed, vk::Result::ERROR_OUT_OF_DEVICE_MEMORY);
        let done = round(&driver);
        let left = driver.live();
        assert!(left.is_empty(), "left after {allowed} calls: {left:?}");
        assert_eq!(driver.complaints(), Vec::<String>::new(), "after {allowed} calls");
        assert_eq!(descriptors(), before, "descriptors after {allowed} calls");
        if driver.spare() {
            done.unwrap();
            break;
        }
        assert_eq!(done, Err(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY), "after {allowed} calls");
        failed += 1;
    }
    assert!(failed >= 5, "instance, device, image, memory twice and a bind can fail: {failed}");
}

/// A layer above may ask the instance for a command of a device, and then has our hook for devices
/// that we do nothing for as well.
#[test]
fn a_hook_of_the_instance_calls_down_for_a_device_whose_sync_fd_is_its_own() {
    let _alone = alone();
    let driver = FakeDriver::new(Options { sync_fd: true, ..LACKS });
    let instance = instance(&driver).unwrap();
    // SAFETY: the instance is live.
    let physical = unsafe { instance.enumerate_physical_devices() }.unwrap()[0];
    let names = [khr::external_semaphore_fd::NAME.as_ptr()];
    let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
    let info =
        vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names);
    // SAFETY: `info` is of locals.
    let device = unsafe { instance.create_device(physical, &info, None) }.unwrap();
    let find = |name: &CStr| {
        // SAFETY: the instance is live, and the name ends with a NUL.
        let found = unsafe { loader::get_instance_proc_addr(instance.handle(), name.as_ptr()) };
        found.map_or(std::ptr::null(), |found| found as *const std::ffi::c_void)
    };
    // SAFETY: the layer's answers for the commands that ash asks by name.
    let hooks = unsafe { ash::Device::load_with(find, device.handle()) };
    // SAFETY: the structure is plain.
    let semaphore = unsafe { hooks.create_semaphore(&Default::default(), None) }.unwrap();
    let info = vk::ImportSemaphoreFdInfoKHR::default()
        .semaphore(semaphore)
        .flags(vk::SemaphoreImportFlags::TEMPORARY)
        .handle_type(vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD)
        .fd(-1);
    let calls = khr::external_semaphore_fd::DeviceFn::load(find);
    // SAFETY: the semaphore is unused, and −1 is no descriptor.
    let code = unsafe { (calls.import_semaphore_fd_khr)(device.handle(), &info) };
    assert_eq!(code, vk::Result::SUCCESS);
    assert_eq!(driver.calls("vkImportSemaphoreFdKHR"), 1, "the driver's own");
    // SAFETY: the structure is plain.
    let fence = unsafe { hooks.create_fence(&Default::default(), None) }.unwrap();
    // SAFETY: nothing uses the fence.
    unsafe { hooks.reset_fences(&[fence]) }.unwrap();
    // SAFETY: nothing uses them.
    unsafe { hooks.destroy_fence(fence, None) };
    // SAFETY: as above.
    unsafe { hooks.destroy_semaphore(semaphore, None) };
    // SAFETY: nothing of it is left.
    unsafe { device.destroy_device(None) };
    // SAFETY: nothing of it is left.
    unsafe { instance.destroy_instance(None) };
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

/// A device with `VK_KHR_external_semaphore_fd`, of which the layer makes `SYNC_FD`.
fn with_semaphores(driver: &FakeDriver) -> Result<(), vk::Result> {
    let instance = instance(driver)?;
    let done = semaphores_of(&instance);
    // SAFETY: nothing of it is left.
    unsafe { instance.destroy_instance(None) };
    done
}

fn semaphores_of(instance: &ash::Instance) -> Result<(), vk::Result> {
    // SAFETY: the instance is live.
    let physical = unsafe { instance.enumerate_physical_devices() }?[0];
    let names = [khr::external_semaphore_fd::NAME.as_ptr()];
    let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
    let info =
        vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names);
    // SAFETY: `info` is of locals.
    let device = unsafe { instance.create_device(physical, &info, None) }?;
    let done = exported_twice(instance, &device);
    // SAFETY: nothing of it is left.
    unsafe { device.destroy_device(None) };
    done
}

/// Signals a semaphore and exports it, and once more.
fn exported_twice(instance: &ash::Instance, device: &ash::Device) -> Result<(), vk::Result> {
    const SYNC_FD: vk::ExternalSemaphoreHandleTypeFlags =
        vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD;
    let calls = khr::external_semaphore_fd::Device::new(instance, device);
    let mut export = vk::ExportSemaphoreCreateInfo::default().handle_types(SYNC_FD);
    let info = vk::SemaphoreCreateInfo::default().push_next(&mut export);
    // SAFETY: the chain is of locals.
    let semaphore = unsafe { device.create_semaphore(&info, None) }?;
    // SAFETY: the device has this queue.
    let queue = unsafe { device.get_device_queue(0, 0) };
    let once = || -> Result<(), vk::Result> {
        let semaphores = [semaphore];
        let batch = [vk::SubmitInfo::default().signal_semaphores(&semaphores)];
        // SAFETY: the semaphore is not signaled.
        unsafe { device.queue_submit(queue, &batch, vk::Fence::null()) }?;
        let get = vk::SemaphoreGetFdInfoKHR::default().semaphore(semaphore).handle_type(SYNC_FD);
        // SAFETY: a batch signals it.
        assert_eq!(unsafe { calls.get_semaphore_fd(&get) }?, -1);
        Ok(())
    };
    let done = once().and_then(|()| once());
    // SAFETY: nothing uses it.
    unsafe { device.destroy_semaphore(semaphore, None) };
    done
}

#[test]
fn an_exported_semaphore_was_waited_for_by_a_batch_of_ours() {
    let _alone = alone();
    let driver = FakeDriver::new(LACKS);
    with_semaphores(&driver).unwrap();
    assert_eq!(driver.calls("vkQueueSubmit"), 4, "two of the application's, and two that wait");
    assert_eq!(driver.complaints(), Vec::<String>::new(), "it was not signaled twice in a row");
    let mut failed = 0;
    for allowed in 0.. {
        driver.fail_after(allowed, vk::Result::ERROR_OUT_OF_DEVICE_MEMORY);
        let done = with_semaphores(&driver);
        assert!(driver.live().is_empty(), "left after {allowed} calls: {:?}", driver.live());
        if driver.spare() {
            done.unwrap();
            break;
        }
        assert_eq!(done, Err(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY), "after {allowed} calls");
        failed += 1;
    }
    assert!(failed >= 7, "instance, device, semaphore, batches, a fence and a wait: {failed}");
}

#[test]
fn who_waits_for_what_never_signals_is_told() {
    let _alone = alone();
    let work = std::time::Duration::from_secs(3600);
    let driver = FakeDriver::new(Options { work, ..LACKS });
    assert_eq!(with_semaphores(&driver), Err(vk::Result::ERROR_OUT_OF_HOST_MEMORY));
}

#[test]
fn a_driver_that_can_do_it_all_is_left_alone() {
    let _alone = alone();
    let can = Options { memory_fd: true, modifiers: true, ..LACKS };
    let driver = FakeDriver::new(can);
    let instance = instance(&driver).unwrap();
    // SAFETY: the instance is live.
    let physical = unsafe { instance.enumerate_physical_devices() }.unwrap()[0];
    let names: Vec<_> = OURS.iter().map(|name| name.as_ptr()).collect();
    let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
    let info =
        vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names);
    // SAFETY: `info` is of locals.
    let device = unsafe { instance.create_device(physical, &info, None) }.unwrap();
    let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(DMA_BUF);
    let info = vk::MemoryAllocateInfo::default().allocation_size(4096).push_next(&mut export);
    // SAFETY: the chain is of locals.
    let memory = unsafe { device.allocate_memory(&info, None) }.unwrap();
    let calls = khr::external_memory_fd::Device::new(&instance, &device);
    let get = vk::MemoryGetFdInfoKHR::default().memory(memory).handle_type(DMA_BUF);
    // SAFETY: the memory was allocated to be exported.
    let fd = unsafe { calls.get_memory_fd(&get) }.unwrap();
    // SAFETY: a successful call gives a new descriptor.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    assert_eq!(driver.calls("vkGetMemoryFdKHR"), 1, "the driver made it");
    // SAFETY: nothing uses it.
    unsafe { device.free_memory(memory, None) };
    // SAFETY: nothing of it is left.
    unsafe { device.destroy_device(None) };
    // SAFETY: nothing of it is left.
    unsafe { instance.destroy_instance(None) };
    assert_eq!(driver.complaints(), Vec::<String>::new());
}
