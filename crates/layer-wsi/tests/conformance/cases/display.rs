//! Displays, their modes and planes. They are no surfaces, so one platform is enough.

use ash::{khr, vk};
use zerohop_testkit::rig::{Display, Surface, Window};

use super::{Case, listing};
use crate::bench::{Bench, Outcome, Platform, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("display::properties", properties),
    Case::new("display::planes", planes),
    Case::new("display::modes", modes),
    Case::new("display::second_forms", second_forms),
    Case::new("display::a_mode_that_is_there_can_be_made", known_mode),
    Case::new("display::a_mode_that_is_not_there_is_refused", unknown_mode),
    Case::new("display::plane_capabilities", plane_capabilities),
    Case::new("display::surface_fills_it", surface_fills_it),
];

/// The commands, a device and its display.
struct Found {
    khr: khr::display::Instance,
    khr2: khr::get_display_properties2::Instance,
    physical: vk::PhysicalDevice,
    display: Display,
}

fn find(bench: &Bench) -> Outcome<Found> {
    if bench.platform() != Platform::Display {
        return Err(Verdict::Unsupported("the platform has windows or nothing".to_owned()));
    }
    let instance = bench.instance();
    let (entry, raw) = (instance.entry(), instance.raw());
    let display = Display::find(instance)?;
    if !instance.has(khr::get_display_properties2::NAME) {
        return Err(Verdict::Failed("VK_KHR_get_display_properties2 is not listed".to_owned()));
    }
    Ok(Found {
        khr: khr::display::Instance::new(entry, raw),
        khr2: khr::get_display_properties2::Instance::new(entry, raw),
        physical: bench.physical()?,
        display,
    })
}

/// What is compared of `VkDisplayPropertiesKHR`.
fn facts(display: &vk::DisplayPropertiesKHR<'_>) -> String {
    // SAFETY: VkDisplayPropertiesKHR: a string that lives as long as the display, or null.
    let name = unsafe { display.display_name_as_c_str() };
    let (mm, pixels) = (display.physical_dimensions, display.physical_resolution);
    let (transforms, reorder) = (display.supported_transforms, display.plane_reorder_possible);
    let raw = display.display;
    format!("{raw:?} {name:?} {mm:?} {pixels:?} {transforms:?} {reorder}")
}

/// How many there are, and that too little room is said.
fn count<T: Default + Clone>(query: impl Fn(&mut u32, *mut T) -> vk::Result) -> Outcome<Vec<T>> {
    let mut total = 0;
    query(&mut total, std::ptr::null_mut()).result()?;
    ensure!(total > 0, "nothing is listed");
    let mut none = 0;
    let code = query(&mut none, vec![T::default()].as_mut_ptr());
    ensure!(code == vk::Result::INCOMPLETE && none == 0, "{code:?}, {none} without room");
    let mut all = vec![T::default(); total as usize + 1];
    let mut room = total + 1;
    query(&mut room, all.as_mut_ptr()).result()?;
    ensure!(room == total, "{room} of {total}");
    all.truncate(total as usize);
    Ok(all)
}

fn properties(bench: &Bench) -> Outcome {
    let found = find(bench)?;
    let query = found.khr.fp().get_physical_device_display_properties_khr;
    // SAFETY: the array has at least `count` elements, or is null.
    let all = count(|count, array| unsafe { query(found.physical, count, array) })?;
    for display in &all {
        let vk::Extent2D { width, height } = display.physical_resolution;
        ensure!(width > 0 && height > 0, "{width}x{height} pixels");
        let identity = vk::SurfaceTransformFlagsKHR::IDENTITY;
        ensure!(display.supported_transforms.contains(identity), "{}", facts(display));
        ensure!(!facts(display).contains("None"), "no name: {}", facts(display));
    }
    Ok(())
}

fn planes(bench: &Bench) -> Outcome {
    let found = find(bench)?;
    let query = found.khr.fp().get_physical_device_display_plane_properties_khr;
    // SAFETY: the array has at least `count` elements, or is null.
    let all = count(|count, array| unsafe { query(found.physical, count, array) })?;
    for (index, plane) in (0..).zip(&all) {
        let query = found.khr.fp().get_display_plane_supported_displays_khr;
        let displays = listing(|count, array| {
            // SAFETY: as above; the plane was just listed.
            unsafe { query(found.physical, index, count, array) }
        })?;
        let current = plane.current_display;
        let none = current == vk::DisplayKHR::null();
        ensure!(none || displays.contains(&current), "plane {index} shows {current:?}");
    }
    Ok(())
}

fn modes(bench: &Bench) -> Outcome {
    let found = find(bench)?;
    let query = found.khr.fp().get_display_mode_properties_khr;
    // SAFETY: the array has at least `count` elements, or is null.
    let all =
        count(|count, array| unsafe { query(found.physical, found.display.raw, count, array) })?;
    for mode in all {
        let vk::DisplayModeParametersKHR { visible_region, refresh_rate } = mode.parameters;
        ensure!(visible_region.width > 0 && visible_region.height > 0, "{visible_region:?}");
        ensure!(refresh_rate > 0, "{refresh_rate} mHz");
    }
    Ok(())
}

/// `VK_KHR_get_display_properties2` says the same.
fn second_forms(bench: &Bench) -> Outcome {
    let Found { khr, khr2, physical, display } = find(bench)?;
    let query = khr2.fp().get_physical_device_display_properties2_khr;
    // SAFETY: the array has at least `count` elements, or is null.
    let second = count(|count, array| unsafe { query(physical, count, array) })?;
    let second: Vec<_> = second
        .iter()
        .map(|it: &vk::DisplayProperties2KHR<'_>| facts(&it.display_properties))
        .collect();
    // SAFETY: the device is of the instance.
    let first = unsafe { khr.get_physical_device_display_properties(physical) }?;
    ensure!(first.iter().map(facts).eq(second.iter().cloned()), "{second:?}");
    let query = khr2.fp().get_physical_device_display_plane_properties2_khr;
    // SAFETY: the array has at least `count` elements, or is null.
    let second = count(|count, array| unsafe { query(physical, count, array) })?;
    let second =
        second.iter().map(|it: &vk::DisplayPlaneProperties2KHR<'_>| it.display_plane_properties);
    let second: Vec<_> = second.map(|it| (it.current_display, it.current_stack_index)).collect();
    // SAFETY: the device is of the instance.
    let first = unsafe { khr.get_physical_device_display_plane_properties(physical) }?;
    let first: Vec<_> =
        first.iter().map(|it| (it.current_display, it.current_stack_index)).collect();
    ensure!(first == second, "{first:?}, {second:?}");
    let query = khr2.fp().get_display_mode_properties2_khr;
    // SAFETY: the array has at least `count` elements, or is null.
    let second = count(|count, array| unsafe { query(physical, display.raw, count, array) })?;
    let mode =
        second.first().map(|it: &vk::DisplayModeProperties2KHR<'_>| it.display_mode_properties);
    ensure!(mode.is_some_and(|it| it.display_mode == display.mode.display_mode), "{mode:?}");
    Ok(())
}

fn make(
    found: &Found,
    parameters: vk::DisplayModeParametersKHR,
) -> Result<vk::DisplayModeKHR, vk::Result> {
    let info = vk::DisplayModeCreateInfoKHR::default().parameters(parameters);
    // SAFETY: the display was just listed; no parameter is 0.
    unsafe { found.khr.create_display_mode(found.physical, found.display.raw, &info, None) }
}

fn known_mode(bench: &Bench) -> Outcome {
    let mut found = find(bench)?;
    let mode = make(&found, found.display.mode.parameters)?;
    ensure!(mode != vk::DisplayModeKHR::null(), "a null mode");
    found.display.mode.display_mode = mode;
    let surface = Surface::new(bench.instance(), Window::Display(found.display))?;
    let caps = surface.capabilities(found.physical)?;
    ensure!(caps.current_extent == found.display.extent(), "{:?}", caps.current_extent);
    Ok(())
}

fn unknown_mode(bench: &Bench) -> Outcome {
    let found = find(bench)?;
    let mut parameters = found.display.mode.parameters;
    parameters.visible_region.width = 12_345;
    let code = make(&found, parameters).err();
    ensure!(code == Some(vk::Result::ERROR_INITIALIZATION_FAILED), "{code:?}");
    Ok(())
}

fn plane_capabilities(bench: &Bench) -> Outcome {
    let Found { khr, khr2, physical, display } = find(bench)?;
    let mode = display.mode.display_mode;
    // SAFETY: mode and plane are the display's.
    let first = unsafe { khr.get_display_plane_capabilities(physical, mode, display.plane) }?;
    let opaque = vk::DisplayPlaneAlphaFlagsKHR::OPAQUE;
    ensure!(first.supported_alpha.contains(opaque), "{:?}", first.supported_alpha);
    let extent = display.extent();
    let fits = first.min_src_extent.width <= extent.width
        && first.max_src_extent.width >= extent.width
        && first.min_dst_extent.height <= extent.height
        && first.max_dst_extent.height >= extent.height;
    ensure!(fits, "{first:?} for {extent:?}");
    let info = vk::DisplayPlaneInfo2KHR::default().mode(mode).plane_index(display.plane);
    let mut second = vk::DisplayPlaneCapabilities2KHR::default();
    let query = khr2.fp().get_display_plane_capabilities2_khr;
    // SAFETY: as above.
    unsafe { query(physical, &raw const info, &raw mut second) }.result()?;
    let (first, second) = (format!("{first:?}"), format!("{:?}", second.capabilities));
    ensure!(first == second, "{first} and {second}");
    Ok(())
}

/// The surface has the display's size, whatever else it is made with.
fn surface_fills_it(bench: &Bench) -> Outcome {
    let found = find(bench)?;
    let stage = bench.stage()?;
    let (extent, caps) = (found.display.extent(), stage.caps);
    ensure!(caps.current_extent == extent, "{:?}, not {extent:?}", caps.current_extent);
    ensure!(caps.min_image_extent == extent && caps.max_image_extent == extent, "{caps:?}");
    let alpha = caps.supported_composite_alpha;
    ensure!(alpha == vk::CompositeAlphaFlagsKHR::OPAQUE, "{alpha:?}");
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    for frame in 0..6 {
        let suboptimal = easel.show(&swapchain, frame)?;
        ensure!(!suboptimal, "picture {frame} is suboptimal");
    }
    Ok(())
}
