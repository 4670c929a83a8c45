//! Surfaces and what can be asked about them.

use ash::{ext, khr, vk};
use zerohop_frame::Extent;
use zerohop_testkit::rig::{Allocator, Surface, Window};

use super::{Case, listing};
use crate::bench::{Bench, EXTENT, Outcome, Platform, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("surface::create", create),
    Case::new("surface::destroy_null", destroy_null),
    Case::new("surface::create_with_allocator", create_with_allocator),
    Case::new("surface::create_out_of_memory", create_out_of_memory),
    Case::new("surface::support", support),
    Case::new("surface::presentation_support", presentation_support),
    Case::new("surface::capabilities", capabilities),
    Case::new("surface::capabilities2", capabilities2),
    Case::new("surface::protected_capabilities", protected_capabilities),
    Case::new("surface::counters", counters),
    Case::new("surface::formats", formats),
    Case::new("surface::formats2", formats2),
    Case::new("surface::formats_can_be_images", formats_can_be_images),
    Case::new("surface::present_modes", present_modes),
    Case::new("surface::group_present_capabilities", group_present_capabilities),
    Case::new("surface::group_present_modes", group_present_modes),
    Case::new("surface::present_rectangles", present_rectangles),
    Case::new("surface::initial_size", initial_size),
    Case::new("surface::follows_the_window", follows_the_window),
    Case::new("surface::two_at_once", two_at_once),
];

fn create(bench: &Bench) -> Outcome {
    for _ in 0..3 {
        let surface = bench.surface()?;
        ensure!(surface.raw() != vk::SurfaceKHR::null(), "a null surface");
    }
    Ok(())
}

fn destroy_null(bench: &Bench) -> Outcome {
    // SAFETY: VK_NULL_HANDLE is allowed (vkDestroySurfaceKHR, "may be VK_NULL_HANDLE").
    unsafe { bench.instance().surface().destroy_surface(vk::SurfaceKHR::null(), None) };
    Ok(())
}

/// Makes and destroys a surface with `allocator`.
fn make(bench: &Bench, window: &Window, allocator: &Allocator) -> Result<(), vk::Result> {
    let callbacks = allocator.callbacks();
    let (entry, raw) = (bench.instance().entry(), bench.instance().raw());
    let surface = match window {
        Window::Headless => {
            let make = ash::ext::headless_surface::Instance::new(entry, raw);
            let info = vk::HeadlessSurfaceCreateInfoEXT::default();
            // SAFETY: the extension is enabled, or `bench.surface()` had failed before.
            unsafe { make.create_headless_surface(&info, Some(&callbacks)) }
        }
        Window::Display(display) => {
            let make = khr::display::Instance::new(entry, raw);
            // SAFETY: as above; mode and plane were found in this instance.
            unsafe { make.create_display_plane_surface(&display.info(), Some(&callbacks)) }
        }
        Window::Wayland(window) => {
            let make = khr::wayland_surface::Instance::new(entry, raw);
            let info = vk::WaylandSurfaceCreateInfoKHR::default()
                .display(window.display().raw())
                .surface(window.raw());
            // SAFETY: as above; the Wayland surface lives.
            unsafe { make.create_wayland_surface(&info, Some(&callbacks)) }
        }
        Window::Xlib(window) => {
            let make = khr::xlib_surface::Instance::new(entry, raw);
            let info = vk::XlibSurfaceCreateInfoKHR::default()
                .dpy(window.display().raw().cast())
                .window(window.id());
            // SAFETY: as above; the window lives.
            unsafe { make.create_xlib_surface(&info, Some(&callbacks)) }
        }
        Window::Xcb(window) => {
            let make = khr::xcb_surface::Instance::new(entry, raw);
            let info = vk::XcbSurfaceCreateInfoKHR::default()
                .connection(window.connection().raw())
                .window(window.id());
            // SAFETY: as above; the window lives.
            unsafe { make.create_xcb_surface(&info, Some(&callbacks)) }
        }
    }?;
    // SAFETY: made with the same callbacks, and nobody uses it.
    unsafe { bench.instance().surface().destroy_surface(surface, Some(&callbacks)) };
    Ok(())
}

fn create_with_allocator(bench: &Bench) -> Outcome {
    drop(bench.surface()?);
    let allocator = Allocator::default();
    make(bench, &bench.window(EXTENT)?, &allocator)?;
    ensure!(allocator.live() == 0, "{} blocks were not freed", allocator.live());
    Ok(())
}

fn create_out_of_memory(bench: &Bench) -> Outcome {
    drop(bench.surface()?);
    let window = bench.window(EXTENT)?;
    for allowed in 0..64 {
        let allocator = Allocator::failing_after(allowed);
        let made = make(bench, &window, &allocator);
        ensure!(allocator.live() == 0, "{} blocks lost after {allowed}", allocator.live());
        match made {
            Ok(()) => return Ok(()),
            Err(vk::Result::ERROR_OUT_OF_HOST_MEMORY) => {}
            Err(code) => return Err(code.into()),
        }
    }
    Err(Verdict::Failed("64 allocations were not enough".to_owned()))
}

fn support(bench: &Bench) -> Outcome {
    let (surface, physical) = (bench.surface()?, bench.physical()?);
    let instance = bench.instance();
    // SAFETY: `physical` is of this instance.
    let families = unsafe { instance.raw().get_physical_device_queue_family_properties(physical) };
    let mut graphics = false;
    for (index, family) in (0..).zip(&families) {
        let mut answer = 7;
        let query = instance.surface().fp().get_physical_device_surface_support_khr;
        // SAFETY: the family is below the count; `answer` is written.
        let code = unsafe { query(physical, index, surface.raw(), &raw mut answer) };
        code.result()?;
        ensure!(answer <= 1, "family {index} answers {answer}");
        graphics |= answer == 1 && family.queue_flags.contains(vk::QueueFlags::GRAPHICS);
    }
    ensure!(graphics, "no graphics family presents");
    Ok(())
}

fn presentation_support(bench: &Bench) -> Outcome {
    let surface = bench.surface()?;
    let (instance, physical) = (bench.instance(), bench.physical()?);
    let (entry, raw) = (instance.entry(), instance.raw());
    let can = match surface.window() {
        Window::Headless | Window::Display(_) => {
            return Err(Verdict::Unsupported("no presentation support query".to_owned()));
        }
        Window::Wayland(window) => {
            let wayland = khr::wayland_surface::Instance::new(entry, raw);
            let query = wayland.fp().get_physical_device_wayland_presentation_support_khr;
            let display = window.display().raw().cast();
            // SAFETY: the display is open, and there is a family 0.
            unsafe { query(physical, 0, display) }
        }
        Window::Xcb(window) => {
            let xcb = khr::xcb_surface::Instance::new(entry, raw);
            let query = xcb.fp().get_physical_device_xcb_presentation_support_khr;
            let (_, visual) = window.connection().root()?;
            let connection = window.connection().raw().cast();
            // SAFETY: the connection is open, the visual is its own, and there is a family 0.
            unsafe { query(physical, 0, connection, visual) }
        }
        Window::Xlib(window) => {
            let xlib = khr::xlib_surface::Instance::new(entry, raw);
            let query = xlib.fp().get_physical_device_xlib_presentation_support_khr;
            let display = window.display();
            let visual = u32::try_from(display.visual()).unwrap_or(0);
            // SAFETY: the display is open, the visual is its own, and there is a family 0.
            unsafe { query(physical, 0, display.raw().cast(), visual) }
        }
    };
    ensure!(can == vk::TRUE, "family 0 does not present to the root's visual");
    Ok(())
}

/// What the specification says of every `VkSurfaceCapabilitiesKHR`.
fn check_capabilities(platform: Platform, caps: &vk::SurfaceCapabilitiesKHR) -> Outcome {
    let (min, max) = (caps.min_image_count, caps.max_image_count);
    ensure!(min >= 1, "minImageCount {min}");
    ensure!(max == 0 || max >= min, "maxImageCount {max} below {min}");
    ensure!(caps.max_image_array_layers >= 1, "no array layers");
    let (low, high) = (caps.min_image_extent, caps.max_image_extent);
    ensure!(low.width <= high.width && low.height <= high.height, "{low:?} above {high:?}");
    let now = caps.current_extent;
    let special = now.width == u32::MAX && now.height == u32::MAX;
    ensure!(special || now.width != u32::MAX && now.height != u32::MAX, "half special: {now:?}");
    if matches!(platform, Platform::Xcb | Platform::Xlib) {
        ensure!(!special, "a window of X11 has a size");
        ensure!(now == low && now == high, "X11: {low:?}, {now:?}, {high:?} are not the same");
    }
    ensure!(caps.supported_transforms.contains(caps.current_transform), "current transform");
    ensure!(caps.current_transform.as_raw().count_ones() == 1, "several current transforms");
    ensure!(!caps.supported_composite_alpha.is_empty(), "no composite alpha");
    let must = vk::ImageUsageFlags::COLOR_ATTACHMENT;
    ensure!(caps.supported_usage_flags.contains(must), "COLOR_ATTACHMENT must be supported");
    Ok(())
}

fn capabilities(bench: &Bench) -> Outcome {
    let caps = bench.surface()?.capabilities(bench.physical()?)?;
    check_capabilities(bench.platform(), &caps)
}

/// The commands of `VK_KHR_get_surface_capabilities2`.
fn queries2(bench: &Bench) -> Outcome<khr::get_surface_capabilities2::Instance> {
    let (instance, name) = (bench.instance(), khr::get_surface_capabilities2::NAME);
    if !instance.has(name) {
        return Err(Verdict::Unsupported(name.to_string_lossy().into_owned()));
    }
    Ok(khr::get_surface_capabilities2::Instance::new(instance.entry(), instance.raw()))
}

fn capabilities2(bench: &Bench) -> Outcome {
    let (surface, physical, queries) = (bench.surface()?, bench.physical()?, queries2(bench)?);
    let info = vk::PhysicalDeviceSurfaceInfo2KHR::default().surface(surface.raw());
    let mut caps = vk::SurfaceCapabilities2KHR::default();
    // SAFETY: the surface lives; `caps` has no chain.
    unsafe { queries.get_physical_device_surface_capabilities2(physical, &info, &mut caps) }?;
    let caps = caps.surface_capabilities;
    check_capabilities(bench.platform(), &caps)?;
    let first = surface.capabilities(physical)?;
    let of = |caps: &vk::SurfaceCapabilitiesKHR| format!("{caps:?}");
    ensure!(of(&caps) == of(&first), "{caps:?} is not {first:?}");
    Ok(())
}

fn protected_capabilities(bench: &Bench) -> Outcome {
    let (surface, physical, queries) = (bench.surface()?, bench.physical()?, queries2(bench)?);
    if !bench.instance().has(khr::surface_protected_capabilities::NAME) {
        return Err(Verdict::Unsupported("VK_KHR_surface_protected_capabilities".to_owned()));
    }
    let info = vk::PhysicalDeviceSurfaceInfo2KHR::default().surface(surface.raw());
    let mut protected =
        vk::SurfaceProtectedCapabilitiesKHR { supports_protected: 7, ..Default::default() };
    let mut caps = vk::SurfaceCapabilities2KHR::default().push_next(&mut protected);
    // SAFETY: the surface lives; the chain is a structure of an enabled extension.
    unsafe { queries.get_physical_device_surface_capabilities2(physical, &info, &mut caps) }?;
    let answer = protected.supports_protected;
    ensure!(answer <= 1, "supportsProtected is {answer}");
    Ok(())
}

/// An extension of drivers that takes surfaces too.
fn counters(bench: &Bench) -> Outcome {
    let (surface, physical, instance) = (bench.surface()?, bench.physical()?, bench.instance());
    if !instance.has(ext::display_surface_counter::NAME) {
        return Err(Verdict::Unsupported("VK_EXT_display_surface_counter".to_owned()));
    }
    let counters = ext::display_surface_counter::Instance::new(instance.entry(), instance.raw());
    let query = counters.fp().get_physical_device_surface_capabilities2_ext;
    let mut caps = vk::SurfaceCapabilities2EXT::default();
    // SAFETY: the surface lives; the extension is enabled.
    unsafe { query(physical, surface.raw(), &raw mut caps) }.result()?;
    let plain = surface.capabilities(physical)?;
    let (here, there) = (caps.current_extent, plain.current_extent);
    ensure!(here == there, "{here:?} here, {there:?} there");
    ensure!(caps.min_image_count == plain.min_image_count, "{} images", caps.min_image_count);
    let usage = caps.supported_usage_flags;
    ensure!(usage == plain.supported_usage_flags, "usage {usage:?}");
    Ok(())
}

fn check_formats(formats: &[vk::SurfaceFormatKHR]) -> Outcome {
    for (i, format) in formats.iter().enumerate() {
        ensure!(format.format != vk::Format::UNDEFINED, "VK_FORMAT_UNDEFINED is listed");
        ensure!(!formats[..i].contains(format), "{format:?} is listed twice");
    }
    // VkSurfaceFormatKHR: what has an SRGB format lists the UNORM one too.
    let lists = |format| formats.iter().any(|one| one.format == format);
    for (srgb, unorm) in [
        (vk::Format::R8G8B8A8_SRGB, vk::Format::R8G8B8A8_UNORM),
        (vk::Format::B8G8R8A8_SRGB, vk::Format::B8G8R8A8_UNORM),
    ] {
        ensure!(!lists(srgb) || lists(unorm), "{srgb:?} without {unorm:?}");
    }
    Ok(())
}

fn formats(bench: &Bench) -> Outcome {
    let (surface, physical) = (bench.surface()?, bench.physical()?);
    let query = bench.instance().surface().fp().get_physical_device_surface_formats_khr;
    let formats = listing(|count, array| {
        // SAFETY: the array has at least `count` elements, or is null.
        unsafe { query(physical, surface.raw(), count, array) }
    })?;
    check_formats(&formats)
}

fn formats2(bench: &Bench) -> Outcome {
    let (surface, physical, queries) = (bench.surface()?, bench.physical()?, queries2(bench)?);
    let query = queries.fp().get_physical_device_surface_formats2_khr;
    let info = vk::PhysicalDeviceSurfaceInfo2KHR::default().surface(surface.raw());
    let seconds = listing(|count, array: *mut vk::SurfaceFormatKHR| {
        let room = if array.is_null() { 0 } else { *count as usize };
        let mut formats = vec![vk::SurfaceFormat2KHR::default(); room + 1];
        let pointer = if array.is_null() { array.cast() } else { formats.as_mut_ptr() };
        // SAFETY: `formats` has room for `count`.
        let code = unsafe { query(physical, &raw const info, count, pointer) };
        for (i, format) in formats.iter().take(room.min(*count as usize)).enumerate() {
            // SAFETY: `i` is below the room of the caller's array.
            unsafe { array.wrapping_add(i).write(format.surface_format) };
        }
        code
    })?;
    check_formats(&seconds)?;
    let firsts = surface.formats(physical)?;
    ensure!(firsts == seconds, "{firsts:?} and {seconds:?}");
    Ok(())
}

fn formats_can_be_images(bench: &Bench) -> Outcome {
    let (surface, physical) = (bench.surface()?, bench.physical()?);
    let caps = surface.capabilities(physical)?;
    let raw = bench.instance().raw();
    for format in surface.formats(physical)? {
        // SAFETY: `physical` is of this instance.
        let features =
            unsafe { raw.get_physical_device_format_properties(physical, format.format) };
        let can = features.optimal_tiling_features;
        let attachment = vk::FormatFeatureFlags::COLOR_ATTACHMENT;
        ensure!(can.contains(attachment), "{:?} is no colour attachment", format.format);
        // SAFETY: as above.
        let limits = unsafe {
            raw.get_physical_device_image_format_properties(
                physical,
                format.format,
                vk::ImageType::TYPE_2D,
                vk::ImageTiling::OPTIMAL,
                vk::ImageUsageFlags::COLOR_ATTACHMENT,
                vk::ImageCreateFlags::empty(),
            )
        }?;
        let most = limits.max_array_layers;
        ensure!(caps.max_image_array_layers <= most, "more layers than an image has: {most}");
    }
    Ok(())
}

fn present_modes(bench: &Bench) -> Outcome {
    let (surface, physical) = (bench.surface()?, bench.physical()?);
    let query = bench.instance().surface().fp().get_physical_device_surface_present_modes_khr;
    let modes = listing(|count, array| {
        // SAFETY: the array has at least `count` elements, or is null.
        unsafe { query(physical, surface.raw(), count, array) }
    })?;
    ensure!(modes.contains(&vk::PresentModeKHR::FIFO), "FIFO must be supported");
    for (i, mode) in modes.iter().enumerate() {
        ensure!(!modes[..i].contains(mode), "{mode:?} is listed twice");
    }
    Ok(())
}

fn group_present_capabilities(bench: &Bench) -> Outcome {
    let device = bench.device()?;
    let mut caps = vk::DeviceGroupPresentCapabilitiesKHR::default();
    // SAFETY: VK_KHR_swapchain of a device of Vulkan 1.1 brings the command.
    unsafe { device.swapchain().get_device_group_present_capabilities(&mut caps) }?;
    ensure!(caps.present_mask[0] & 1 == 1, "present mask {:#x}", caps.present_mask[0]);
    ensure!(caps.present_mask[1..].iter().all(|mask| *mask == 0), "masks of no device");
    ensure!(caps.modes.contains(vk::DeviceGroupPresentModeFlagsKHR::LOCAL), "{:?}", caps.modes);
    Ok(())
}

fn group_present_modes(bench: &Bench) -> Outcome {
    let (device, surface) = (bench.device()?, bench.surface()?);
    // SAFETY: the surface lives.
    let modes =
        unsafe { device.swapchain().get_device_group_surface_present_modes(surface.raw()) }?;
    ensure!(modes.contains(vk::DeviceGroupPresentModeFlagsKHR::LOCAL), "{modes:?}");
    Ok(())
}

fn present_rectangles(bench: &Bench) -> Outcome {
    let (surface, physical) = (bench.surface()?, bench.physical()?);
    let (entry, raw) = (bench.instance().entry(), bench.instance().raw());
    let group = khr::device_group::Instance::new(entry, raw);
    let query = group.fp().get_physical_device_present_rectangles_khr;
    let rectangles = listing(|count, array| {
        // SAFETY: the array has at least `count` elements, or is null.
        unsafe { query(physical, surface.raw(), count, array) }
    })?;
    ensure!(!rectangles.is_empty(), "no rectangle");
    for (i, a) in rectangles.iter().enumerate() {
        ensure!(!rectangles[..i].contains(a), "{a:?} is listed twice");
    }
    Ok(())
}

fn initial_size(bench: &Bench) -> Outcome {
    for (width, height) in [(64, 64), (124, 119), (256, 512), (1, 1)] {
        let surface = bench.surface_of(Extent { width, height })?;
        let now = surface.capabilities(bench.physical()?)?.current_extent;
        let want = vk::Extent2D { width, height };
        ensure!(
            !bench.has_windows() || now == want,
            "the window has {want:?}, the surface {now:?}"
        );
    }
    Ok(())
}

fn follows_the_window(bench: &Bench) -> Outcome {
    if !bench.has_windows() {
        return Err(Verdict::Unsupported("the platform has no windows".to_owned()));
    }
    let surface = bench.surface()?;
    for (width, height) in [(200, 30), (30, 200), (640, 480)] {
        surface.resize(Extent { width, height })?;
        let caps = surface.capabilities(bench.physical()?)?;
        let want = vk::Extent2D { width, height };
        ensure!(caps.current_extent == want, "{:?}, not {want:?}", caps.current_extent);
        check_capabilities(bench.platform(), &caps)?;
    }
    Ok(())
}

fn two_at_once(bench: &Bench) -> Outcome {
    let one = bench.surface()?;
    let two = bench.surface_of(Extent { width: 32, height: 16 })?;
    ensure!(one.raw() != two.raw(), "the same handle twice");
    let size = |surface: &Surface| -> Outcome<vk::Extent2D> {
        Ok(surface.capabilities(bench.physical()?)?.current_extent)
    };
    if bench.has_windows() {
        let (one, two) = (size(&one)?, size(&two)?);
        ensure!(one != two, "both surfaces have {one:?}");
    }
    Ok(())
}
