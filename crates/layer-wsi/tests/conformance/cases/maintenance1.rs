//! `VK_EXT_swapchain_maintenance1` and `VK_EXT_surface_maintenance1`, and their KHR forms.

use std::ffi::CStr;
use std::time::Duration;

use ash::{ext, khr, vk};
use zerohop_testkit::rig::{Acquired, DeviceOptions, Features, Fence, Swapchain};

use super::Case;
use crate::bench::{Bench, Outcome, Stage, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("maintenance1::present_fence", present_fence),
    Case::new("maintenance1::present_fences_signal_in_order", fences_in_order),
    Case::new("maintenance1::present_fence_of_a_stale_present", stale_fence),
    Case::new("maintenance1::present_fences_are_reused", present_fences_are_reused),
    Case::new("maintenance1::present_fences_of_two_swapchains", fences_of_two),
    Case::new("maintenance1::compatible_modes", compatible_modes),
    Case::new("maintenance1::capabilities_of_each_mode", capabilities_of_each_mode),
    Case::new("maintenance1::scaling_capabilities", scaling_capabilities),
    Case::new("maintenance1::scaling", scaling),
    Case::new("maintenance1::switch_modes", switch_modes),
    Case::new("maintenance1::deferred_allocation", deferred_allocation),
    Case::new("maintenance1::release_images", release_images),
    Case::new("maintenance1::release_many_times", release_many_times),
    Case::new("maintenance1::release_on_a_retired_swapchain", release_on_a_retired_swapchain),
    Case::new("maintenance1::khr_names", khr_names),
];

const SECOND: Duration = Duration::from_secs(1);
const KHR_NAME: &CStr = c"VK_KHR_swapchain_maintenance1";

fn stage(bench: &Bench) -> Outcome<Stage> {
    stage_of(bench, ext::swapchain_maintenance1::NAME)
}

fn stage_of(bench: &Bench, name: &CStr) -> Outcome<Stage> {
    let features = Features { maintenance1: true, ..Features::default() };
    bench.stage_with(&DeviceOptions { extensions: &[name], features })
}

/// Presents with a fence.
fn present(swapchain: &Swapchain, index: u32, wait: vk::Semaphore, fence: vk::Fence) -> Outcome {
    let (wait, fences) = ([wait], [fence]);
    let (swapchains, indices) = ([swapchain.raw()], [index]);
    let mut fences = vk::SwapchainPresentFenceInfoEXT::default().fences(&fences);
    let info = vk::PresentInfoKHR::default()
        .wait_semaphores(&wait)
        .swapchains(&swapchains)
        .image_indices(&indices)
        .push_next(&mut fences);
    swapchain.present_with(&info)?;
    Ok(())
}

/// All signal, though only the last is waited for long.
fn present_fence(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    for mode in stage.surface.present_modes(stage.device.physical())? {
        let swapchain = stage.swapchain_in(mode)?;
        let mut easel = stage.easel(&swapchain)?;
        let mut fences = Vec::new();
        for frame in 0..6 {
            let fence = Fence::new(&stage.device, false)?;
            let index = easel.draw(&swapchain, frame)?.index;
            present(&swapchain, index, easel.drawn(index), fence.raw())?;
            fences.push(fence);
        }
        for (frame, fence) in fences.iter().enumerate().rev() {
            let code = fence.wait(5 * SECOND);
            ensure!(code.is_ok(), "{code:?} for the fence of present {frame} in {mode:?}");
        }
    }
    Ok(())
}

/// "Fences associated with presentations to the same swapchain on the same queue must be signaled
/// in the same order" (VkSwapchainPresentFenceInfoEXT).
fn fences_in_order(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    for mode in stage.surface.present_modes(stage.device.physical())? {
        let swapchain = stage.swapchain_in(mode)?;
        let mut easel = stage.easel(&swapchain)?;
        let mut fences: Vec<Fence> = Vec::new();
        for frame in 0..12 {
            let fence = Fence::new(&stage.device, false)?;
            let index = easel.draw(&swapchain, frame)?.index;
            present(&swapchain, index, easel.drawn(index), fence.raw())?;
            fences.push(fence);
            // Asked from the newest to the oldest: none can overtake while we look.
            let mut newer = false;
            for (i, fence) in fences.iter().enumerate().rev() {
                let signaled = fence.is_signaled()?;
                ensure!(signaled || !newer, "in {mode:?} fence {i} is behind a later one");
                newer |= signaled;
            }
        }
        for fence in &fences {
            fence.wait(5 * SECOND)?;
        }
    }
    Ok(())
}

/// Also a present that is too late for its window waits, signals and is done.
fn stale_fence(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    if !stage.surface.window().is_real() {
        return Err(Verdict::Unsupported("the platform has no windows".to_owned()));
    }
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    let fence = Fence::new(&stage.device, false)?;
    let index = easel.draw(&swapchain, 0)?.index;
    stage.surface.resize(zerohop_frame::Extent { width: 33, height: 44 })?;
    let (wait, fences) = ([easel.drawn(index)], [fence.raw()]);
    let (swapchains, indices) = ([swapchain.raw()], [index]);
    let mut results = [vk::Result::ERROR_UNKNOWN];
    let mut chain = vk::SwapchainPresentFenceInfoEXT::default().fences(&fences);
    let info = vk::PresentInfoKHR::default()
        .wait_semaphores(&wait)
        .swapchains(&swapchains)
        .image_indices(&indices)
        .results(&mut results)
        .push_next(&mut chain);
    let code = match swapchain.present_with(&info) {
        Ok(false) => vk::Result::SUCCESS,
        Ok(true) => vk::Result::SUBOPTIMAL_KHR,
        Err(code) => code,
    };
    ensure!(results == [code], "{results:?}, and {code:?} in all");
    fence.wait(5 * SECOND)?;
    Ok(())
}

fn present_fences_are_reused(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    let fence = Fence::new(&stage.device, false)?;
    for frame in 0..8 {
        let index = easel.draw(&swapchain, frame)?.index;
        present(&swapchain, index, easel.drawn(index), fence.raw())?;
        fence.wait(5 * SECOND)?;
        fence.reset()?;
    }
    Ok(())
}

fn fences_of_two(bench: &Bench) -> Outcome {
    let one = stage(bench)?;
    let two = Stage::new(one.device.clone(), bench.surface()?)?;
    let (a, b) = (one.swapchain()?, two.swapchain()?);
    let (mut left, mut right) = (one.easel(&a)?, two.easel(&b)?);
    let fences = [Fence::new(&one.device, false)?, Fence::new(&one.device, false)?];
    for frame in 0..4 {
        let (i, j) = (left.draw(&a, frame)?.index, right.draw(&b, frame)?.index);
        let wait = [left.drawn(i), right.drawn(j)];
        let (swapchains, indices) = ([a.raw(), b.raw()], [i, j]);
        let raw = [fences[0].raw(), fences[1].raw()];
        let mut info = vk::SwapchainPresentFenceInfoEXT::default().fences(&raw);
        let info = vk::PresentInfoKHR::default()
            .wait_semaphores(&wait)
            .swapchains(&swapchains)
            .image_indices(&indices)
            .push_next(&mut info);
        a.present_with(&info)?;
        for fence in &fences {
            fence.wait(5 * SECOND)?;
            fence.reset()?;
        }
    }
    Ok(())
}

/// Asks for capabilities with `mode`, and `chain` in the answer.
fn query<T: vk::ExtendsSurfaceCapabilities2KHR>(
    bench: &Bench,
    stage: &Stage,
    mode: vk::PresentModeKHR,
    chain: &mut T,
) -> Outcome<vk::SurfaceCapabilitiesKHR> {
    let instance = bench.instance();
    if !instance.has(ext::surface_maintenance1::NAME) {
        return Err(Verdict::Unsupported("VK_EXT_surface_maintenance1".to_owned()));
    }
    let queries = khr::get_surface_capabilities2::Instance::new(instance.entry(), instance.raw());
    let mut mode = vk::SurfacePresentModeEXT::default().present_mode(mode);
    let info = vk::PhysicalDeviceSurfaceInfo2KHR::default()
        .surface(stage.surface.raw())
        .push_next(&mut mode);
    let mut caps = vk::SurfaceCapabilities2KHR::default().push_next(chain);
    let physical = stage.device.physical();
    // SAFETY: the surface lives; the chain is of an enabled extension.
    unsafe { queries.get_physical_device_surface_capabilities2(physical, &info, &mut caps) }?;
    Ok(caps.surface_capabilities)
}

/// The modes that a swapchain of `mode` can switch to.
fn compatible(
    bench: &Bench,
    stage: &Stage,
    mode: vk::PresentModeKHR,
) -> Outcome<Vec<vk::PresentModeKHR>> {
    let mut count = vk::SurfacePresentModeCompatibilityEXT::default();
    let _ = query(bench, stage, mode, &mut count)?;
    let mut modes = vec![vk::PresentModeKHR::from_raw(-1); count.present_mode_count as usize];
    let mut list = vk::SurfacePresentModeCompatibilityEXT::default().present_modes(&mut modes);
    let _ = query(bench, stage, mode, &mut list)?;
    let count = list.present_mode_count as usize;
    ensure!(count == modes.len(), "{count} modes at the second look");
    Ok(modes)
}

fn compatible_modes(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let all = stage.surface.present_modes(stage.device.physical())?;
    for mode in &all {
        let modes = compatible(bench, &stage, *mode)?;
        ensure!(modes.contains(mode), "{mode:?} is not compatible with itself: {modes:?}");
        for (i, one) in modes.iter().enumerate() {
            ensure!(all.contains(one), "{one:?} is no mode of the surface");
            ensure!(!modes[..i].contains(one), "{one:?} is listed twice");
        }
        let mut one = [vk::PresentModeKHR::from_raw(-1); 1];
        let mut list = vk::SurfacePresentModeCompatibilityEXT::default().present_modes(&mut one);
        let _ = query(bench, &stage, *mode, &mut list)?;
        ensure!(list.present_mode_count == 1, "{} with room for 1", list.present_mode_count);
    }
    Ok(())
}

fn capabilities_of_each_mode(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    for mode in stage.surface.present_modes(stage.device.physical())? {
        let mut scaling = vk::SurfacePresentScalingCapabilitiesEXT::default();
        let caps = query(bench, &stage, mode, &mut scaling)?;
        let (min, max) = (caps.min_image_count, caps.max_image_count);
        ensure!(min >= 1 && (max == 0 || max >= min), "{min}..{max} images in {mode:?}");
        // "the number of images may differ" with a mode named: it must then be enough.
        let info = stage.info().present_mode(mode).min_image_count(min);
        let mut modes = vk::SwapchainPresentModesCreateInfoEXT::default();
        let only = [mode];
        modes = modes.present_modes(&only);
        Swapchain::new(&stage.device, &info.push_next(&mut modes))?;
    }
    Ok(())
}

fn scaling_of(
    bench: &Bench,
    stage: &Stage,
) -> Outcome<(vk::PresentScalingFlagsEXT, [vk::PresentGravityFlagsEXT; 2])> {
    let mut scaling = vk::SurfacePresentScalingCapabilitiesEXT {
        supported_present_scaling: vk::PresentScalingFlagsEXT::from_raw(1 << 30),
        ..Default::default()
    };
    let _ = query(bench, stage, vk::PresentModeKHR::FIFO, &mut scaling)?;
    let kinds = scaling.supported_present_scaling;
    ensure!(kinds.as_raw() < 8, "scaling {kinds:?}");
    let (low, high) = (scaling.min_scaled_image_extent, scaling.max_scaled_image_extent);
    ensure!(low.width <= high.width && low.height <= high.height, "{low:?} above {high:?}");
    Ok((kinds, [scaling.supported_present_gravity_x, scaling.supported_present_gravity_y]))
}

fn scaling_capabilities(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    scaling_of(bench, &stage)?;
    Ok(())
}

/// Every kind of scaling that is offered, and no scaling.
fn scaling(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let (kinds, [x, y]) = scaling_of(bench, &stage)?;
    let lowest = |bits: u32| bits & bits.wrapping_neg();
    for kind in (0..3).map(|bit| 1 << bit).filter(|bit| kinds.as_raw() & bit != 0).chain([0]) {
        let mut scaling = vk::SwapchainPresentScalingCreateInfoEXT::default()
            .scaling_behavior(vk::PresentScalingFlagsEXT::from_raw(kind));
        if kind != 0 {
            scaling = scaling
                .present_gravity_x(vk::PresentGravityFlagsEXT::from_raw(lowest(x.as_raw())))
                .present_gravity_y(vk::PresentGravityFlagsEXT::from_raw(lowest(y.as_raw())));
        }
        let swapchain = Swapchain::new(&stage.device, &stage.info().push_next(&mut scaling))?;
        stage.easel(&swapchain)?.show(&swapchain, 0)?;
    }
    Ok(())
}

/// Presents in every compatible mode in turn.
fn switch_modes(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    for first in stage.surface.present_modes(stage.device.physical())? {
        let modes = compatible(bench, &stage, first)?;
        let mut create = vk::SwapchainPresentModesCreateInfoEXT::default().present_modes(&modes);
        let info = stage.info().present_mode(first).push_next(&mut create);
        let swapchain = Swapchain::new(&stage.device, &info)?;
        let mut easel = stage.easel(&swapchain)?;
        for (frame, mode) in (0..).zip(modes.iter().cycle().take(3 * modes.len())) {
            let index = easel.draw(&swapchain, frame)?.index;
            let (wait, modes) = ([easel.drawn(index)], [*mode]);
            let (swapchains, indices) = ([swapchain.raw()], [index]);
            let mut mode = vk::SwapchainPresentModeInfoEXT::default().present_modes(&modes);
            let info = vk::PresentInfoKHR::default()
                .wait_semaphores(&wait)
                .swapchains(&swapchains)
                .image_indices(&indices)
                .push_next(&mut mode);
            swapchain.present_with(&info)?;
        }
    }
    Ok(())
}

fn deferred_allocation(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let flags = vk::SwapchainCreateFlagsKHR::DEFERRED_MEMORY_ALLOCATION_EXT;
    let swapchain = Swapchain::new(&stage.device, &stage.info().flags(flags))?;
    ensure!(!swapchain.images().is_empty(), "no images");
    let mut easel = stage.easel(&swapchain)?;
    for frame in 0..8 {
        easel.show(&swapchain, frame)?;
    }
    // Never acquired, and destroyed.
    Swapchain::new(&stage.device, &stage.info().flags(flags).old_swapchain(swapchain.raw()))?;
    Ok(())
}

fn take(stage: &Stage, swapchain: &Swapchain) -> Outcome<u32> {
    let fence = Fence::new(&stage.device, false)?;
    let Acquired { index, .. } = swapchain.acquire(SECOND, vk::Semaphore::null(), fence.raw())?;
    fence.wait(SECOND)?;
    Ok(index)
}

fn release(stage: &Stage, swapchain: &Swapchain, indices: &[u32]) -> Outcome {
    let (instance, device) = (stage.device.instance().raw(), stage.device.raw());
    let commands = ext::swapchain_maintenance1::Device::new(instance, device);
    let info = vk::ReleaseSwapchainImagesInfoEXT::default()
        .swapchain(swapchain.raw())
        .image_indices(indices);
    // SAFETY: the images are acquired, and no command uses them.
    unsafe { commands.release_swapchain_images(&info) }?;
    Ok(())
}

fn release_images(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let info = stage.info().min_image_count(stage.caps.min_image_count + 1);
    let swapchain = Swapchain::new(&stage.device, &info)?;
    let (one, two) = (take(&stage, &swapchain)?, take(&stage, &swapchain)?);
    ensure!(one != two, "image {one} was acquired twice");
    release(&stage, &swapchain, &[two, one])?;
    let three = take(&stage, &swapchain)?;
    release(&stage, &swapchain, &[three])?;
    let mut easel = stage.easel(&swapchain)?;
    for frame in 0..4 {
        easel.show(&swapchain, frame)?;
    }
    Ok(())
}

/// What was released can be acquired again, for ever.
fn release_many_times(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let swapchain = stage.swapchain()?;
    for _ in 0..100 {
        let index = take(&stage, &swapchain)?;
        release(&stage, &swapchain, &[index])?;
    }
    Ok(())
}

fn release_on_a_retired_swapchain(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let old = stage.swapchain()?;
    let index = take(&stage, &old)?;
    let new = Swapchain::new(&stage.device, &stage.info().old_swapchain(old.raw()))?;
    release(&stage, &old, &[index])?;
    drop(old);
    stage.easel(&new)?.show(&new, 0)?;
    Ok(())
}

/// The promoted extension has the same structures, and a command of another name.
fn khr_names(bench: &Bench) -> Outcome {
    let stage = stage_of(bench, KHR_NAME)?;
    let swapchain = stage.swapchain()?;
    let index = take(&stage, &swapchain)?;
    let get = bench.instance().raw().fp_v1_0().get_device_proc_addr;
    let name = c"vkReleaseSwapchainImagesKHR";
    // SAFETY: the device lives.
    let found = unsafe { get(stage.device.raw().handle(), name.as_ptr()) };
    let found = found.ok_or_else(|| Verdict::Failed(format!("no {name:?}")))?;
    // SAFETY: the command has the type of its EXT form, of which it is the promotion.
    let command: vk::PFN_vkReleaseSwapchainImagesEXT = unsafe { std::mem::transmute(found) };
    let indices = [index];
    let info = vk::ReleaseSwapchainImagesInfoEXT::default()
        .swapchain(swapchain.raw())
        .image_indices(&indices);
    // SAFETY: the image is acquired, and no command uses it.
    unsafe { command(stage.device.raw().handle(), &raw const info) }.result()?;
    stage.easel(&swapchain)?.show(&swapchain, 0)?;
    Ok(())
}
