//! Making swapchains, in every way that a surface offers.

use ash::vk;
use zerohop_frame::Extent;
use zerohop_testkit::rig::{Allocator, DeviceOptions, Swapchain};

use super::{Case, listing};
use crate::bench::{Bench, Outcome, Stage, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("swapchain::destroy_null", destroy_null),
    Case::new("swapchain::min_image_count", min_image_count),
    Case::new("swapchain::image_format", image_format),
    Case::new("swapchain::image_extent", image_extent),
    Case::new("swapchain::image_array_layers", image_array_layers),
    Case::new("swapchain::image_usage", image_usage),
    Case::new("swapchain::image_sharing_mode", image_sharing_mode),
    Case::new("swapchain::pre_transform", pre_transform),
    Case::new("swapchain::composite_alpha", composite_alpha),
    Case::new("swapchain::present_mode", present_mode),
    Case::new("swapchain::clipped", clipped),
    Case::new("swapchain::create_with_allocator", create_with_allocator),
    Case::new("swapchain::create_out_of_memory", create_out_of_memory),
    Case::new("swapchain::get_images", get_images),
    Case::new("swapchain::old_swapchain", old_swapchain),
    Case::new("swapchain::old_swapchain_chain", old_swapchain_chain),
    Case::new("swapchain::many_in_turn", many_in_turn),
    Case::new("swapchain::on_two_surfaces", on_two_surfaces),
    Case::new("swapchain::on_two_devices_in_turn", on_two_devices_in_turn),
    Case::new("swapchain::native_window_in_use", native_window_in_use).without_validation(),
];

/// Makes a swapchain, looks at it, shows a picture where the pattern can be drawn, and destroys it.
fn try_out(stage: &Stage, info: &vk::SwapchainCreateInfoKHR<'_>) -> Outcome {
    let swapchain = Swapchain::new(&stage.device, info)?;
    let (count, asked) = (swapchain.images().len(), info.min_image_count as usize);
    ensure!(count >= asked, "{count} images, {asked} were asked for");
    let images = swapchain.images();
    for (i, image) in images.iter().enumerate() {
        ensure!(*image != vk::Image::null(), "image {i} is null");
        ensure!(!images[..i].contains(image), "image {i} is an earlier one too");
    }
    Ok(())
}

fn destroy_null(bench: &Bench) -> Outcome {
    let device = bench.device()?;
    // SAFETY: VK_NULL_HANDLE is allowed (vkDestroySwapchainKHR, "may be VK_NULL_HANDLE").
    unsafe { device.swapchain().destroy_swapchain(vk::SwapchainKHR::null(), None) };
    Ok(())
}

fn min_image_count(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let (min, max) = (stage.caps.min_image_count, stage.caps.max_image_count);
    let most = if max == 0 { min + 13 } else { max.min(min + 13) };
    for count in min..=most {
        try_out(&stage, &stage.info().min_image_count(count))?;
    }
    Ok(())
}

fn image_format(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for format in stage.surface.formats(stage.device.physical())? {
        let info = stage.info().image_format(format.format).image_color_space(format.color_space);
        try_out(&stage, &info)?;
    }
    Ok(())
}

fn image_extent(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let (low, high) = (stage.caps.min_image_extent, stage.caps.max_image_extent);
    let mut extents = vec![low];
    for (width, height) in [(1, 1), (1, 2), (2, 1), (63, 65), (640, 480), (1366, 768)] {
        extents.push(vk::Extent2D {
            width: width.clamp(low.width, high.width),
            height: height.clamp(low.height, high.height),
        });
    }
    // A picture of the largest size may be larger than the memory.
    extents.push(vk::Extent2D { width: high.width.min(4096), height: low.height });
    extents.push(vk::Extent2D { width: low.width, height: high.height.min(4096) });
    for extent in extents {
        try_out(&stage, &stage.info().image_extent(extent))?;
    }
    Ok(())
}

fn image_array_layers(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for layers in 1..=stage.caps.max_image_array_layers.min(16) {
        try_out(&stage, &stage.info().image_array_layers(layers))?;
    }
    Ok(())
}

/// Every set of usages that the surface supports and an image of the format can have.
fn image_usage(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let (raw, physical) = (bench.instance().raw(), stage.device.physical());
    let known = 0xff; // The bits of Vulkan 1.0; others belong to extensions not enabled here.
    let supported = stage.caps.supported_usage_flags.as_raw() & known;
    let mut tried = 0;
    for bits in 1..=supported {
        let usage = vk::ImageUsageFlags::from_raw(bits);
        let transient = usage.contains(vk::ImageUsageFlags::TRANSIENT_ATTACHMENT);
        if bits & !supported != 0 || transient {
            continue;
        }
        let (format, kind) = (stage.format.format, vk::ImageType::TYPE_2D);
        let (tiling, none) = (vk::ImageTiling::OPTIMAL, vk::ImageCreateFlags::empty());
        // SAFETY: `physical` is of this instance.
        let can = unsafe {
            raw.get_physical_device_image_format_properties(
                physical, format, kind, tiling, usage, none,
            )
        };
        if can.is_ok() {
            try_out(&stage, &stage.info().image_usage(usage))?;
            tried += 1;
        }
    }
    ensure!(tried > 0, "no usage could be tried");
    Ok(())
}

fn image_sharing_mode(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    try_out(&stage, &stage.info().image_sharing_mode(vk::SharingMode::EXCLUSIVE))?;
    let raw = bench.instance().raw();
    // SAFETY: `physical` is of this instance.
    let families =
        unsafe { raw.get_physical_device_queue_family_properties(stage.device.physical()) };
    if families.len() > 1 {
        let indices = [stage.device.family(), (stage.device.family() + 1) % 2];
        let info = stage.info().image_sharing_mode(vk::SharingMode::CONCURRENT);
        try_out(&stage, &info.queue_family_indices(&indices))?;
    }
    Ok(())
}

/// Every single bit of `bits`.
fn singles(bits: u32) -> impl Iterator<Item = u32> {
    (0..32).map(|bit| 1 << bit).filter(move |bit| bits & bit != 0)
}

fn pre_transform(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for bit in singles(stage.caps.supported_transforms.as_raw()) {
        let transform = vk::SurfaceTransformFlagsKHR::from_raw(bit);
        try_out(&stage, &stage.info().pre_transform(transform))?;
    }
    Ok(())
}

fn composite_alpha(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for bit in singles(stage.caps.supported_composite_alpha.as_raw()) {
        let alpha = vk::CompositeAlphaFlagsKHR::from_raw(bit);
        try_out(&stage, &stage.info().composite_alpha(alpha))?;
    }
    Ok(())
}

fn present_mode(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for mode in stage.surface.present_modes(stage.device.physical())? {
        let info = stage.info().present_mode(mode);
        if mode == vk::PresentModeKHR::SHARED_DEMAND_REFRESH
            || mode == vk::PresentModeKHR::SHARED_CONTINUOUS_REFRESH
        {
            continue; // VK_KHR_shared_presentable_image is not enabled.
        }
        try_out(&stage, &info)?;
    }
    Ok(())
}

fn clipped(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    try_out(&stage, &stage.info().clipped(false))?;
    try_out(&stage, &stage.info().clipped(true))
}

/// Makes and destroys a swapchain with `allocator`.
fn make(stage: &Stage, allocator: &Allocator) -> Result<(), vk::Result> {
    let callbacks = allocator.callbacks();
    let swapchain = stage.device.swapchain();
    // SAFETY: the surface lives, and all in the info is supported.
    let made = unsafe { swapchain.create_swapchain(&stage.info(), Some(&callbacks)) }?;
    // SAFETY: made with the same callbacks, and nobody uses it.
    unsafe { swapchain.destroy_swapchain(made, Some(&callbacks)) };
    Ok(())
}

fn create_with_allocator(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let allocator = Allocator::default();
    make(&stage, &allocator)?;
    ensure!(allocator.live() == 0, "{} blocks were not freed", allocator.live());
    Ok(())
}

fn create_out_of_memory(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for allowed in 0..1024 {
        let allocator = Allocator::failing_after(allowed);
        let made = make(&stage, &allocator);
        ensure!(allocator.live() == 0, "{} blocks lost after {allowed}", allocator.live());
        match made {
            Ok(()) => return Ok(()),
            Err(vk::Result::ERROR_OUT_OF_HOST_MEMORY | vk::Result::ERROR_OUT_OF_DEVICE_MEMORY) => {}
            Err(code) => return Err(code.into()),
        }
    }
    Err(Verdict::Failed("1024 allocations were not enough".to_owned()))
}

fn get_images(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let query = stage.device.swapchain().fp().get_swapchain_images_khr;
    let images = listing(|count, array| {
        // SAFETY: the array has at least `count` elements, or is null.
        unsafe { query(stage.device.raw().handle(), swapchain.raw(), count, array) }
    })?;
    ensure!(images == swapchain.images(), "{images:?} and {:?}", swapchain.images());
    Ok(())
}

fn old_swapchain(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let old = stage.swapchain()?;
    let new = Swapchain::new(&stage.device, &stage.info().old_swapchain(old.raw()))?;
    ensure!(new.raw() != old.raw(), "the same handle twice");
    let shared = new.images().iter().any(|image| old.images().contains(image));
    ensure!(!shared, "an image is in both");
    drop(old);
    stage.easel(&new)?.show(&new, 0)?;
    Ok(())
}

/// The old one shows pictures, and one of its images is still acquired when it is replaced.
fn old_swapchain_chain(bench: &Bench) -> Outcome {
    let mut stage = bench.stage()?;
    let mut old = stage.swapchain()?;
    for (width, height) in [(100, 50), (1, 1), (300, 200), (300, 200)] {
        let mut easel = stage.easel(&old)?;
        for frame in 0..3 {
            easel.show(&old, frame)?;
        }
        easel.draw(&old, 3)?;
        stage.surface.resize(Extent { width, height })?;
        stage.caps = stage.surface.capabilities(stage.device.physical())?;
        let new = Swapchain::new(&stage.device, &stage.info().old_swapchain(old.raw()))?;
        drop(easel);
        old = new;
    }
    stage.easel(&old)?.show(&old, 4)?;
    Ok(())
}

fn many_in_turn(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let fds = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let turn = || -> Outcome {
        let swapchain = stage.swapchain()?;
        stage.easel(&swapchain)?.show(&swapchain, 0)?;
        Ok(())
    };
    turn()?;
    let before = fds();
    for _ in 0..10 {
        turn()?;
    }
    ensure!(fds() <= before, "{before} descriptors before, {} after", fds());
    Ok(())
}

fn on_two_surfaces(bench: &Bench) -> Outcome {
    let device = bench.device()?;
    let one = Stage::new(device.clone(), bench.surface()?)?;
    let two = Stage::new(device, bench.surface_of(Extent { width: 33, height: 17 })?)?;
    let (a, b) = (one.swapchain()?, two.swapchain()?);
    let (mut left, mut right) = (one.easel(&a)?, two.easel(&b)?);
    for frame in 0..4 {
        left.show(&a, frame)?;
        right.show(&b, frame)?;
    }
    Ok(())
}

/// One surface, first on one device and then on another.
fn on_two_devices_in_turn(bench: &Bench) -> Outcome {
    let Stage { surface, device, .. } = bench.stage()?;
    let stage = Stage::new(device, surface)?;
    let swapchain = stage.swapchain()?;
    stage.easel(&swapchain)?.show(&swapchain, 0)?;
    drop(swapchain);
    let Stage { surface, device, .. } = stage;
    drop(device);
    let device = bench.device_with(&DeviceOptions::default())?;
    let stage = Stage::new(device, surface)?;
    let swapchain = stage.swapchain()?;
    stage.easel(&swapchain)?.show(&swapchain, 0)?;
    Ok(())
}

fn native_window_in_use(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let first = stage.swapchain()?;
    match Swapchain::new(&stage.device, &stage.info()) {
        Err(vk::Result::ERROR_NATIVE_WINDOW_IN_USE_KHR) => {}
        Err(code) => return Err(code.into()),
        Ok(_) => return Err(Verdict::Failed("a second swapchain on one surface".to_owned())),
    }
    // The first one is as good as before, and can be replaced.
    stage.easel(&first)?.show(&first, 0)?;
    Swapchain::new(&stage.device, &stage.info().old_swapchain(first.raw()))?;
    Ok(())
}
