//! Presenting images.

use std::time::Duration;

use ash::{khr, vk};
use zerohop_frame::Extent;
use zerohop_testkit::rig::{DeviceOptions, Fence, Semaphore, Swapchain};

use super::Case;
use crate::bench::{Bench, Outcome, Stage, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("present::render", render),
    Case::new("present::render_in_every_mode", render_in_every_mode),
    Case::new("present::render_in_every_format", render_in_every_format),
    Case::new("present::two_swapchains", two_swapchains),
    Case::new("present::without_semaphores", without_semaphores),
    Case::new("present::several_semaphores", several_semaphores),
    Case::new("present::semaphores_are_consumed", semaphores_are_consumed),
    Case::new("present::out_of_order", out_of_order),
    Case::new("present::all_images_at_once", all_images_at_once),
    Case::new("present::on_a_retired_swapchain", on_a_retired_swapchain),
    Case::new("present::device_group", device_group),
    Case::new("present::incremental", incremental),
    Case::new("present::incremental_of_two_swapchains", incremental_of_two_swapchains)
        .without_validation(),
    Case::new("present::regions_without_rectangles", regions_without_rectangles)
        .without_validation(),
    Case::new("present::one_by_one", one_by_one),
    Case::new("present::several_threads", several_threads),
    Case::new("present::hundreds", hundreds).slow(),
];

/// Shows `count` pictures.
fn show(stage: &Stage, swapchain: &Swapchain, count: u32) -> Outcome {
    let mut easel = stage.easel(swapchain)?;
    for frame in 0..count {
        easel.show(swapchain, frame)?;
    }
    Ok(easel.finish()?)
}

fn render(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    show(&stage, &stage.swapchain()?, 20)
}

fn render_in_every_mode(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for mode in stage.surface.present_modes(stage.device.physical())? {
        show(&stage, &stage.swapchain_in(mode)?, 10)?;
    }
    Ok(())
}

fn render_in_every_format(bench: &Bench) -> Outcome {
    let mut stage = bench.stage()?;
    for format in stage.surface.formats(stage.device.physical())? {
        if zerohop_testkit::Layout::of(format.format).is_some() {
            stage.format = format;
            show(&stage, &stage.swapchain()?, 3)?;
        }
    }
    Ok(())
}

/// Both in one present, with results of their own.
fn two_swapchains(bench: &Bench) -> Outcome {
    let device = bench.device()?;
    let one = Stage::new(device.clone(), bench.surface()?)?;
    let two = Stage::new(device, bench.surface_of(Extent { width: 20, height: 10 })?)?;
    let (a, b) = (one.swapchain()?, two.swapchain()?);
    let (mut left, mut right) = (one.easel(&a)?, two.easel(&b)?);
    for frame in 0..10 {
        let (i, j) = (left.draw(&a, frame)?.index, right.draw(&b, frame)?.index);
        let wait = [left.drawn(i), right.drawn(j)];
        let (swapchains, indices) = ([a.raw(), b.raw()], [i, j]);
        let mut results = [vk::Result::ERROR_UNKNOWN; 2];
        let info = vk::PresentInfoKHR::default()
            .wait_semaphores(&wait)
            .swapchains(&swapchains)
            .image_indices(&indices)
            .results(&mut results);
        a.present_with(&info)?;
        ensure!(results == [vk::Result::SUCCESS; 2], "{results:?}");
    }
    Ok(())
}

/// The application waits by itself.
fn without_semaphores(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut painter = stage.painter(&swapchain)?;
    for frame in 0..5 {
        let fence = Fence::new(&stage.device, false)?;
        let patience = Duration::from_secs(5);
        let index = swapchain.acquire(patience, vk::Semaphore::null(), fence.raw())?.index;
        fence.wait(patience)?;
        painter.paint(frame, swapchain.images()[index as usize], &[], &[])?;
        painter.finish()?;
        swapchain.present(index, &[])?;
    }
    Ok(())
}

fn several_semaphores(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut painter = stage.painter(&swapchain)?;
    let ready = Semaphore::new(&stage.device)?;
    let done: Result<Vec<_>, _> = (0..3).map(|_| Semaphore::new(&stage.device)).collect();
    let done = done?;
    let raw: Vec<_> = done.iter().map(Semaphore::raw).collect();
    for frame in 0..5 {
        let patience = Duration::from_secs(5);
        let index = swapchain.acquire(patience, ready.raw(), vk::Fence::null())?.index;
        painter.paint(frame, swapchain.images()[index as usize], &[ready.raw()], &raw)?;
        swapchain.present(index, &raw)?;
        painter.finish()?;
        stage.device.wait_idle();
    }
    Ok(())
}

/// One semaphore for all presents: each must have unsignaled it for the next signal.
fn semaphores_are_consumed(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut painter = stage.painter(&swapchain)?;
    let (ready, done) = (Semaphore::new(&stage.device)?, Semaphore::new(&stage.device)?);
    for frame in 0..2 * u32::try_from(swapchain.images().len()).unwrap_or(1) {
        let patience = Duration::from_secs(5);
        let index = swapchain.acquire(patience, ready.raw(), vk::Fence::null())?.index;
        let image = swapchain.images()[index as usize];
        painter.paint(frame, image, &[ready.raw()], &[done.raw()])?;
        swapchain.present(index, &[done.raw()])?;
        stage.device.wait_idle();
    }
    Ok(())
}

/// Two images are out, and the second is presented first.
fn out_of_order(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let info = stage.info().min_image_count(stage.caps.min_image_count + 1);
    let swapchain = Swapchain::new(&stage.device, &info)?;
    let mut easel = stage.easel(&swapchain)?;
    for turn in 0..5 {
        let one = easel.draw(&swapchain, 2 * turn)?.index;
        let two = easel.draw(&swapchain, 2 * turn + 1)?.index;
        ensure!(one != two, "image {one} was acquired twice");
        swapchain.present(two, &[easel.drawn(two)])?;
        swapchain.present(one, &[easel.drawn(one)])?;
    }
    Ok(())
}

/// The most images that may be out at once, then all are presented.
fn all_images_at_once(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let info = stage.info().min_image_count(stage.caps.min_image_count + 2);
    let swapchain = Swapchain::new(&stage.device, &info)?;
    let images = u32::try_from(swapchain.images().len()).unwrap_or(u32::MAX);
    let most = images - stage.caps.min_image_count + 1;
    let mut easel = stage.easel(&swapchain)?;
    for turn in 0..4 {
        let mut held = Vec::new();
        for i in 0..most {
            held.push(easel.draw(&swapchain, turn * most + i)?.index);
        }
        for index in held {
            swapchain.present(index, &[easel.drawn(index)])?;
        }
    }
    Ok(())
}

/// An image that was acquired before may still be presented; the semaphore is waited for in any
/// case.
fn on_a_retired_swapchain(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let old = stage.swapchain()?;
    let mut easel = stage.easel(&old)?;
    let index = easel.draw(&old, 0)?.index;
    let new = Swapchain::new(&stage.device, &stage.info().old_swapchain(old.raw()))?;
    let done = easel.drawn(index);
    match old.present(index, &[done]) {
        Ok(_) | Err(vk::Result::ERROR_OUT_OF_DATE_KHR) => {}
        Err(code) => return Err(code.into()),
    }
    stage.device.wait_idle();
    let (signal, fence) = ([done], Fence::new(&stage.device, false)?);
    let submit = vk::SubmitInfo::default().signal_semaphores(&signal);
    {
        let queue = stage.device.queue();
        // SAFETY: the queue is locked; the present has unsignaled the semaphore.
        unsafe { stage.device.raw().queue_submit(*queue, &[submit], fence.raw()) }?;
    }
    fence.wait(Duration::from_secs(5))?;
    show(&stage, &new, 3)
}

fn device_group(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    for frame in 0..5 {
        let index = easel.draw(&swapchain, frame)?.index;
        let (wait, masks) = ([easel.drawn(index)], [1]);
        let (swapchains, indices) = ([swapchain.raw()], [index]);
        let mut group = vk::DeviceGroupPresentInfoKHR::default()
            .device_masks(&masks)
            .mode(vk::DeviceGroupPresentModeFlagsKHR::LOCAL);
        let info = vk::PresentInfoKHR::default()
            .wait_semaphores(&wait)
            .swapchains(&swapchains)
            .image_indices(&indices)
            .push_next(&mut group);
        swapchain.present_with(&info)?;
    }
    Ok(())
}

/// A stage whose device has `VK_KHR_incremental_present`.
fn incremental_stage(bench: &Bench) -> Outcome<Stage> {
    let extensions = [khr::incremental_present::NAME];
    bench.stage_with(&DeviceOptions { extensions: &extensions, ..DeviceOptions::default() })
}

fn rectangle(x: i32, y: i32, width: u32, height: u32) -> vk::RectLayerKHR {
    let (offset, extent) = (vk::Offset2D { x, y }, vk::Extent2D { width, height });
    vk::RectLayerKHR { offset, extent, layer: 0 }
}

fn incremental(bench: &Bench) -> Outcome {
    let stage = incremental_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    let Extent { width, height } = swapchain.extent();
    let whole = rectangle(0, 0, width, height);
    let lists: [Vec<_>; 5] = [
        vec![whole],
        vec![rectangle(0, 0, 1, 1), rectangle(3, 3, 5, 5)],
        vec![rectangle(0, 0, 0, 0)],
        (0..40).map(|i| rectangle(i, i, 2, 2)).collect(),
        vec![whole; 2],
    ];
    for (frame, rectangles) in (0..).zip(lists.iter().cycle().take(12)) {
        let index = easel.draw(&swapchain, frame)?.index;
        let regions = [vk::PresentRegionKHR::default().rectangles(rectangles)];
        present_regions(&easel.drawn(index), &swapchain, index, &regions)?;
    }
    Ok(())
}

fn present_regions(
    wait: &vk::Semaphore,
    swapchain: &Swapchain,
    index: u32,
    regions: &[vk::PresentRegionKHR<'_>],
) -> Outcome {
    let (wait, swapchains, indices) = ([*wait], [swapchain.raw()], [index]);
    let mut regions = vk::PresentRegionsKHR::default().regions(regions);
    let info = vk::PresentInfoKHR::default()
        .wait_semaphores(&wait)
        .swapchains(&swapchains)
        .image_indices(&indices)
        .push_next(&mut regions);
    swapchain.present_with(&info)?;
    Ok(())
}

fn incremental_of_two_swapchains(bench: &Bench) -> Outcome {
    let one = incremental_stage(bench)?;
    let two = Stage::new(one.device.clone(), bench.surface()?)?;
    let (a, b) = (one.swapchain()?, two.swapchain()?);
    let (mut left, mut right) = (one.easel(&a)?, two.easel(&b)?);
    let rectangles = [rectangle(1, 1, 4, 4)];
    for frame in 0..5 {
        let (i, j) = (left.draw(&a, frame)?.index, right.draw(&b, frame)?.index);
        let wait = [left.drawn(i), right.drawn(j)];
        let (swapchains, indices) = ([a.raw(), b.raw()], [i, j]);
        let some = vk::PresentRegionKHR::default().rectangles(&rectangles);
        let regions = [vk::PresentRegionKHR::default(), some];
        let mut regions = vk::PresentRegionsKHR::default().regions(&regions);
        let info = vk::PresentInfoKHR::default()
            .wait_semaphores(&wait)
            .swapchains(&swapchains)
            .image_indices(&indices)
            .push_next(&mut regions);
        a.present_with(&info)?;
    }
    Ok(())
}

/// "pRegions may be NULL": the whole picture then.
fn regions_without_rectangles(bench: &Bench) -> Outcome {
    let stage = incremental_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    for frame in 0..4 {
        let index = easel.draw(&swapchain, frame)?.index;
        let (wait, swapchains, indices) = ([easel.drawn(index)], [swapchain.raw()], [index]);
        let mut regions = vk::PresentRegionsKHR { swapchain_count: 1, ..Default::default() };
        let info = vk::PresentInfoKHR::default()
            .wait_semaphores(&wait)
            .swapchains(&swapchains)
            .image_indices(&indices)
            .push_next(&mut regions);
        swapchain.present_with(&info)?;
    }
    Ok(())
}

fn one_by_one(bench: &Bench) -> Outcome {
    let device = bench.device()?;
    let stage = Stage::new(device, bench.surface_of(Extent { width: 1, height: 1 })?)?;
    if stage.caps.min_image_extent.width > 1 {
        return Err(Verdict::Unsupported("the surface has a size of its own".to_owned()));
    }
    let options = zerohop_testkit::rig::SwapchainOptions {
        extent: Extent { width: 1, height: 1 },
        ..stage.options()
    };
    let swapchain = Swapchain::new(&stage.device, &options.info(&stage.surface, &stage.caps))?;
    show(&stage, &swapchain, 5)
}

/// Each thread has a window of its own; the queue is shared.
fn several_threads(bench: &Bench) -> Outcome {
    let device = bench.device()?;
    let mut stages = Vec::new();
    for _ in 0..4 {
        stages.push(Stage::new(device.clone(), bench.surface()?)?);
    }
    std::thread::scope(|scope| {
        let turn = |stage: &Stage| -> Outcome {
            for _ in 0..3 {
                show(stage, &stage.swapchain_in(vk::PresentModeKHR::IMMEDIATE)?, 5)?;
            }
            Ok(())
        };
        let threads: Vec<_> = stages.iter().map(|stage| scope.spawn(move || turn(stage))).collect();
        for thread in threads {
            thread.join().map_err(|_| Verdict::Failed("a panic".to_owned()))??;
        }
        Ok(())
    })
}

fn hundreds(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for mode in stage.surface.present_modes(stage.device.physical())? {
        show(&stage, &stage.swapchain_in(mode)?, 300)?;
    }
    Ok(())
}
