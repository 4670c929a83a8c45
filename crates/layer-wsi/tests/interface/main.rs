//! What the layer shows to an application, and what of that goes further down.
#![allow(unsafe_code, reason = "a loader of our own calls the layer")]
#![allow(clippy::unwrap_used, reason = "a call that fails fails the test")]

mod below;

use std::ffi::CStr;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ash::vk::{self, Handle};
use ash::{ext, khr};
use zerohop_layer_wsi::vkNegotiateLoaderLayerInterfaceVersion;
use zerohop_manifest::INSTANCE_EXTENSIONS;
use zerohop_testkit::fake_driver::{FakeDriver, Options};
use zerohop_testkit::loader;

/// How long a thing may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(5);

/// An application with an instance and a device.
struct Application {
    device: ash::Device,
    physical: vk::PhysicalDevice,
    instance: ash::Instance,
    entry: ash::Entry,
    driver: FakeDriver,
}

impl Application {
    /// Enables `instance` and `device` extensions.
    fn new(instance_names: &[&CStr], device_names: &[&CStr]) -> Self {
        Self::over(Options::default(), instance_names, device_names)
    }

    /// The same, over a driver with `options`.
    fn over(options: Options, instance_names: &[&CStr], device_names: &[&CStr]) -> Self {
        let driver = FakeDriver::new(options);
        driver.enter();
        loader::link((below::get_instance_proc_addr, below::get_device_proc_addr));
        let entry = loader::entry(vkNegotiateLoaderLayerInterfaceVersion, INSTANCE_EXTENSIONS);
        let names: Vec<_> = instance_names.iter().map(|name| name.as_ptr()).collect();
        let info = vk::InstanceCreateInfo::default().enabled_extension_names(&names);
        // SAFETY: `info` is of locals.
        let instance = unsafe { entry.create_instance(&info, None) }.unwrap();
        // SAFETY: the instance is live.
        let physical = unsafe { instance.enumerate_physical_devices() }.unwrap()[0];
        let names: Vec<_> = device_names.iter().map(|name| name.as_ptr()).collect();
        let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&names);
        // SAFETY: `info` is of locals.
        let device = unsafe { instance.create_device(physical, &info, None) }.unwrap();
        Self { device, physical, instance, entry, driver }
    }

    /// One that presents, to a display too.
    fn presenting() -> Self {
        let instance = [khr::surface::NAME, ext::headless_surface::NAME, khr::display::NAME];
        Self::new(&instance, &[khr::swapchain::NAME])
    }

    fn instance_has(&self, name: &CStr) -> bool {
        // SAFETY: the instance is live.
        unsafe { self.entry.get_instance_proc_addr(self.instance.handle(), name.as_ptr()) }
            .is_some()
    }

    fn device_has(&self, name: &CStr) -> bool {
        // SAFETY: the device is live.
        unsafe { self.instance.get_device_proc_addr(self.device.handle(), name.as_ptr()) }.is_some()
    }

    fn surfaces(&self) -> khr::surface::Instance {
        khr::surface::Instance::new(&self.entry, &self.instance)
    }

    fn swapchains(&self) -> khr::swapchain::Device {
        khr::swapchain::Device::new(&self.instance, &self.device)
    }

    fn headless(&self) -> vk::SurfaceKHR {
        let create = ext::headless_surface::Instance::new(&self.entry, &self.instance);
        let info = vk::HeadlessSurfaceCreateInfoEXT::default();
        // SAFETY: the instance is live.
        unsafe { create.create_headless_surface(&info, None) }.unwrap()
    }

    fn display(&self) -> vk::SurfaceKHR {
        let create = khr::display::Instance::new(&self.entry, &self.instance);
        let info = vk::DisplaySurfaceCreateInfoKHR::default();
        // SAFETY: the instance is live.
        unsafe { create.create_display_plane_surface(&info, None) }.unwrap()
    }

    fn swapchain(&self, surface: vk::SurfaceKHR, old: vk::SwapchainKHR) -> vk::SwapchainKHR {
        let info = vk::SwapchainCreateInfoKHR::default()
            .surface(surface)
            .min_image_count(4)
            .image_format(vk::Format::B8G8R8A8_UNORM)
            .image_extent(vk::Extent2D { width: 8, height: 8 })
            .image_array_layers(1)
            .image_usage(vk::ImageUsageFlags::COLOR_ATTACHMENT)
            .pre_transform(vk::SurfaceTransformFlagsKHR::IDENTITY)
            .composite_alpha(vk::CompositeAlphaFlagsKHR::OPAQUE)
            .present_mode(vk::PresentModeKHR::IMMEDIATE)
            .old_swapchain(old);
        // SAFETY: surface and old swapchain are live.
        unsafe { self.swapchains().create_swapchain(&info, None) }.unwrap()
    }

    fn end(self) {
        // SAFETY: nothing of the device is used any more.
        unsafe { self.device.destroy_device(None) };
        // SAFETY: nothing of the instance is used any more.
        unsafe { self.instance.destroy_instance(None) };
        assert_eq!(self.driver.complaints(), Vec::<String>::new());
        assert!(self.driver.live().is_empty(), "left behind: {:?}", self.driver.live());
    }
}

#[test]
fn what_is_not_enabled_is_not_there() {
    let bare = Application::new(&[khr::surface::NAME], &[]);
    assert!(bare.instance_has(c"vkDestroySurfaceKHR"));
    assert!(!bare.instance_has(c"vkCreateXcbSurfaceKHR"));
    assert!(!bare.instance_has(c"vkGetPhysicalDeviceSurfaceCapabilities2KHR"));
    assert!(!bare.device_has(c"vkCreateSwapchainKHR"));
    assert!(!bare.device_has(c"vkWaitForPresentKHR"));
    assert!(bare.device_has(c"vkQueueSubmit"));
    bare.end();
    let presents = Application::presenting();
    assert!(presents.device_has(c"vkCreateSwapchainKHR"));
    assert!(!presents.device_has(c"vkWaitForPresentKHR"));
    assert!(!presents.device_has(c"vkReleaseSwapchainImagesEXT"));
    presents.end();
}

#[test]
fn what_the_driver_would_do_with_our_handles_is_hidden() {
    let app = Application::presenting();
    assert!(!app.device_has(c"vkSetHdrMetadataEXT"));
    assert!(!app.instance_has(c"vkSetHdrMetadataEXT"));
    app.end();
}

/// ANGLE asks for them in this order.
#[test]
fn a_feature_of_ours_stays_here_behind_one_that_the_bindings_leave_out() {
    let app = Application::presenting();
    let mut ours = vk::PhysicalDevicePresentIdFeaturesKHR::default().present_id(true);
    let theirs = vk::PhysicalDeviceRasterizationOrderAttachmentAccessFeaturesEXT {
        p_next: (&raw mut ours).cast(),
        ..Default::default()
    };
    let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
    let info = vk::DeviceCreateInfo { p_next: (&raw const theirs).cast(), ..Default::default() };
    let info = info.queue_create_infos(&queues);
    // SAFETY: `info` is of locals.
    let device = unsafe { app.instance.create_device(app.physical, &info, None) }.unwrap();
    // SAFETY: nothing was made from it.
    unsafe { device.destroy_device(None) };
    app.end();
}

#[test]
fn a_driver_of_vulkan_1_0_gets_what_the_application_asked_for() {
    below::OLD.set(true);
    let app = Application::new(&[khr::surface::NAME], &[]);
    let versions = [vk::API_VERSION_1_1, vk::API_VERSION_1_0];
    assert_eq!(below::seen(), versions.map(|version| ("vkCreateInstance", u64::from(version))));
    app.end();
}

#[test]
fn a_driver_of_vulkan_1_0_presents_too() {
    below::OLD.set(true);
    let app = Application::presenting();
    let surface = app.headless();
    let swapchain = app.swapchain(surface, vk::SwapchainKHR::null());
    // SAFETY: it is used no more.
    unsafe { app.swapchains().destroy_swapchain(swapchain, None) };
    // SAFETY: it is used no more.
    unsafe { app.surfaces().destroy_surface(surface, None) };
    app.end();
}

#[test]
fn a_stale_surface_is_refused_and_goes_nowhere() {
    let app = Application::new(&[khr::surface::NAME, ext::headless_surface::NAME], &[]);
    let (surfaces, surface) = (app.surfaces(), app.headless());
    // SAFETY: the surface is live.
    unsafe { surfaces.destroy_surface(surface, None) };
    below::seen();
    // SAFETY: the application's mistake is the test.
    let support = unsafe { surfaces.get_physical_device_surface_support(app.physical, 0, surface) };
    assert_eq!(support, Err(vk::Result::ERROR_SURFACE_LOST_KHR));
    // SAFETY: as above.
    unsafe { surfaces.destroy_surface(surface, None) };
    assert_eq!(below::seen(), []);
    app.end();
}

#[test]
fn no_surface_at_all_is_answered_where_that_may_be_asked() {
    let google = c"VK_GOOGLE_surfaceless_query";
    for (names, answered) in
        [(&[khr::surface::NAME, google][..], true), (&[khr::surface::NAME][..], false)]
    {
        let app = Application::new(names, &[]);
        let (surfaces, none) = (app.surfaces(), vk::SurfaceKHR::null());
        // SAFETY: the device is the instance's; null may be asked about with the extension.
        let formats = unsafe { surfaces.get_physical_device_surface_formats(app.physical, none) };
        // SAFETY: as above.
        let modes =
            unsafe { surfaces.get_physical_device_surface_present_modes(app.physical, none) };
        if answered {
            assert!(formats.unwrap().iter().all(|it| it.format != vk::Format::UNDEFINED));
            assert_eq!(modes.unwrap().len(), 4);
        } else {
            assert_eq!(formats.unwrap_err(), vk::Result::ERROR_SURFACE_LOST_KHR);
            assert_eq!(modes.unwrap_err(), vk::Result::ERROR_SURFACE_LOST_KHR);
        }
        app.end();
    }
}

#[test]
fn a_display_and_its_swapchain_are_the_drivers() {
    let app = Application::presenting();
    let (ours, theirs) = (app.headless(), app.display());
    let old = app.swapchain(ours, vk::SwapchainKHR::null());
    below::seen();
    // SAFETY: the surface is live.
    let support =
        unsafe { app.surfaces().get_physical_device_surface_support(app.physical, 0, theirs) };
    assert_eq!(support, Ok(true));
    let swapchain = app.swapchain(theirs, old);
    // SAFETY: the swapchain is live.
    let acquired = unsafe {
        app.swapchains().acquire_next_image(swapchain, 0, vk::Semaphore::null(), vk::Fence::null())
    };
    assert_eq!(acquired, Ok((5, false)));
    // SAFETY: the device has this queue.
    let queue = unsafe { app.device.get_device_queue(0, 0) };
    let (handles, indices) = ([swapchain], [5]);
    let info = vk::PresentInfoKHR::default().swapchains(&handles).image_indices(&indices);
    // SAFETY: the queue is this thread's.
    unsafe { app.swapchains().queue_present(queue, &info) }.unwrap();
    for handle in [swapchain, old] {
        // SAFETY: it is used no more.
        unsafe { app.swapchains().destroy_swapchain(handle, None) };
    }
    for handle in [theirs, ours] {
        // SAFETY: it is used no more.
        unsafe { app.surfaces().destroy_surface(handle, None) };
    }
    let expected = [
        ("vkGetPhysicalDeviceSurfaceSupportKHR", below::SURFACE),
        ("vkCreateSwapchainKHR", below::SURFACE),
        ("oldSwapchain", 0),
        ("vkAcquireNextImageKHR", below::SWAPCHAIN),
        ("vkQueuePresentKHR", below::SWAPCHAIN),
        ("vkDestroySwapchainKHR", below::SWAPCHAIN),
        ("vkDestroySurfaceKHR", below::SURFACE),
    ];
    assert_eq!(below::seen(), expected);
    app.end();
}

#[test]
fn names_and_private_data_of_ours_stay_here() {
    let app = Application::presenting();
    let surface = app.headless();
    let swapchain = app.swapchain(surface, vk::SwapchainKHR::null());
    let debug = ext::debug_utils::Device::new(&app.instance, &app.device);
    // SAFETY: the device has this queue.
    let queue = unsafe { app.device.get_device_queue(0, 0) };
    below::seen();
    let name = vk::DebugUtilsObjectNameInfoEXT::default().object_name(c"one");
    // SAFETY: the object is live.
    unsafe { debug.set_debug_utils_object_name(&name.object_handle(swapchain)) }.unwrap();
    // SAFETY: the object is live.
    unsafe { debug.set_debug_utils_object_name(&name.object_handle(queue)) }.unwrap();
    let slot = vk::PrivateDataSlot::from_raw(9);
    // SAFETY: the object is live; the driver below takes any slot.
    unsafe { app.device.set_private_data(swapchain, slot, 77) }.unwrap();
    // SAFETY: as above.
    let value = unsafe { app.device.get_private_data(swapchain, slot) };
    assert_eq!(value, 77);
    assert_eq!(below::seen(), [("vkSetDebugUtilsObjectNameEXT", queue.as_raw())]);
    // SAFETY: it is used no more.
    unsafe { app.swapchains().destroy_swapchain(swapchain, None) };
    // SAFETY: it is used no more.
    unsafe { app.surfaces().destroy_surface(surface, None) };
    app.end();
}

#[test]
fn an_image_is_lent_before_any_queue_was_asked_for() {
    let app = Application::presenting();
    let surface = app.headless();
    let swapchain = app.swapchain(surface, vk::SwapchainKHR::null());
    // SAFETY: the device is live.
    let fence = unsafe { app.device.create_fence(&Default::default(), None) }.unwrap();
    // SAFETY: the fence is not signaled.
    let acquired = unsafe {
        app.swapchains().acquire_next_image(swapchain, u64::MAX, vk::Semaphore::null(), fence)
    };
    assert_eq!(acquired, Ok((0, false)));
    // SAFETY: the acquire signals it.
    unsafe { app.device.wait_for_fences(&[fence], true, 0) }.unwrap();
    // SAFETY: nothing is pending in the driver.
    unsafe { app.device.destroy_fence(fence, None) };
    // SAFETY: it is used no more.
    unsafe { app.swapchains().destroy_swapchain(swapchain, None) };
    // SAFETY: it is used no more.
    unsafe { app.surfaces().destroy_surface(surface, None) };
    app.end();
}

#[test]
fn a_picture_is_not_shown_before_it_is_drawn() {
    let options = Options { work: Duration::from_secs(1), ..Options::default() };
    let names = [khr::swapchain::NAME, khr::present_id::NAME, khr::present_wait::NAME];
    let app =
        Application::over(options, &[khr::surface::NAME, ext::headless_surface::NAME], &names);
    let surface = app.headless();
    let swapchain = app.swapchain(surface, vk::SwapchainKHR::null());
    // SAFETY: the device has this queue.
    let queue = unsafe { app.device.get_device_queue(0, 0) };
    // SAFETY: the device is live.
    let fence = unsafe { app.device.create_fence(&Default::default(), None) }.unwrap();
    // SAFETY: the fence is not signaled.
    let acquired = unsafe {
        app.swapchains().acquire_next_image(swapchain, u64::MAX, vk::Semaphore::null(), fence)
    };
    let (handles, indices) = ([swapchain], [acquired.unwrap().0]);
    let mut id = vk::PresentIdKHR::default().present_ids(&[1]);
    let info = vk::PresentInfoKHR::default().swapchains(&handles).image_indices(&indices);
    // SAFETY: the queue is this thread's.
    unsafe { app.swapchains().queue_present(queue, &info.push_next(&mut id)) }.unwrap();
    let waits = khr::present_wait::Device::new(&app.instance, &app.device);
    // SAFETY: the swapchain is live.
    let wait = |timeout| unsafe { waits.wait_for_present(swapchain, 1, timeout) };
    assert_eq!(wait(20_000_000), Err(vk::Result::TIMEOUT));
    assert_eq!(wait(u64::MAX), Ok(()));
    // SAFETY: nothing is pending in the driver.
    unsafe { app.device.destroy_fence(fence, None) };
    // SAFETY: it is used no more.
    unsafe { app.swapchains().destroy_swapchain(swapchain, None) };
    // SAFETY: it is used no more.
    unsafe { app.surfaces().destroy_surface(surface, None) };
    app.end();
}

/// The application keeps its own calls apart, as it must; an acquire names no queue, and may
/// come from another thread at any time.
#[test]
fn our_submits_never_meet_the_applications() {
    let app = Application::presenting();
    let surface = app.headless();
    let swapchain = app.swapchain(surface, vk::SwapchainKHR::null());
    // SAFETY: the device has this queue.
    let queue = Mutex::new(unsafe { app.device.get_device_queue(0, 0) });
    // SAFETY: the device is live.
    let fence = unsafe { app.device.create_fence(&Default::default(), None) }.unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                let queue = queue.lock().unwrap();
                // SAFETY: the queue is locked.
                unsafe { app.device.queue_submit(*queue, &[], vk::Fence::null()) }.unwrap();
            }
        });
        for _ in 0..100 {
            acquire_and_present(&app, swapchain, fence, &queue);
        }
    });
    assert_eq!(below::OVERLAPS.load(Ordering::Relaxed), 0);
    assert!(app.driver.calls("vkQueueSubmit") >= 300, "each acquire submits as well");
    // SAFETY: nothing is pending in the driver.
    unsafe { app.device.destroy_fence(fence, None) };
    // SAFETY: it is used no more.
    unsafe { app.swapchains().destroy_swapchain(swapchain, None) };
    // SAFETY: it is used no more.
    unsafe { app.surfaces().destroy_surface(surface, None) };
    app.end();
}

/// A bare driver acquires while another thread waits for the device, and so must we.
#[test]
fn an_acquire_does_not_wait_for_who_waits_for_the_device() {
    let app = Application::presenting();
    let surface = app.headless();
    let swapchain = app.swapchain(surface, vk::SwapchainKHR::null());
    // SAFETY: the device has this queue.
    unsafe { app.device.get_device_queue(0, 0) };
    // SAFETY: the device is live.
    let fence = unsafe { app.device.create_fence(&Default::default(), None) }.unwrap();
    let ((tell_begun, begun), (end, ended)) = (mpsc::channel(), mpsc::channel());
    thread::scope(|scope| {
        scope.spawn(|| {
            below::WORK.set(Some((tell_begun, ended)));
            // SAFETY: the other thread makes no call with a queue.
            unsafe { app.device.device_wait_idle() }.unwrap();
        });
        begun.recv_timeout(PATIENCE).expect("the device is waited for");
        let acquired = scope.spawn(|| {
            // SAFETY: the fence is not signaled.
            unsafe {
                app.swapchains().acquire_next_image(swapchain, 0, vk::Semaphore::null(), fence)
            }
            .unwrap();
        });
        let start = Instant::now();
        while !acquired.is_finished() && start.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
        let in_time = acquired.is_finished();
        end.send(()).unwrap();
        assert!(in_time, "the acquire waited for the device");
    });
    // SAFETY: nothing is pending in the driver.
    unsafe { app.device.destroy_fence(fence, None) };
    // SAFETY: it is used no more.
    unsafe { app.swapchains().destroy_swapchain(swapchain, None) };
    // SAFETY: it is used no more.
    unsafe { app.surfaces().destroy_surface(surface, None) };
    app.end();
}

fn acquire_and_present(
    app: &Application,
    swapchain: vk::SwapchainKHR,
    fence: vk::Fence,
    queue: &Mutex<vk::Queue>,
) {
    let swapchains = app.swapchains();
    // SAFETY: the fence is not signaled.
    let acquired =
        unsafe { swapchains.acquire_next_image(swapchain, u64::MAX, vk::Semaphore::null(), fence) };
    let index = acquired.unwrap().0;
    // SAFETY: the acquire signals it.
    unsafe { app.device.wait_for_fences(&[fence], true, u64::MAX) }.unwrap();
    // SAFETY: it has signaled.
    unsafe { app.device.reset_fences(&[fence]) }.unwrap();
    let (handles, indices) = ([swapchain], [index]);
    let info = vk::PresentInfoKHR::default().swapchains(&handles).image_indices(&indices);
    let queue = queue.lock().unwrap();
    // SAFETY: the queue is locked.
    unsafe { swapchains.queue_present(*queue, &info) }.unwrap();
}
