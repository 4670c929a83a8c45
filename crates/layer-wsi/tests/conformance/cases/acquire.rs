//! Acquiring images.

use std::time::{Duration, Instant};

use ash::vk;
use zerohop_testkit::rig::{Acquired, Fence, Semaphore, Swapchain};

use super::Case;
use crate::bench::{Bench, Outcome, Stage, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("acquire::with_fence", with_fence),
    Case::new("acquire::with_semaphore_and_fence", with_semaphore_and_fence),
    Case::new("acquire::with_semaphore", with_semaphore),
    Case::new("acquire::too_many", too_many),
    Case::new("acquire::too_many_with_timeout", too_many_with_timeout),
    Case::new("acquire::what_is_allowed_without_progress", allowed),
    Case::new("acquire::next_image2", next_image2),
    Case::new("acquire::from_a_retired_swapchain", retired).without_validation(),
    Case::new("acquire::a_failed_acquire_touches_nothing", failed_touches_nothing),
    Case::new("acquire::destroy_while_acquired", destroy_while_acquired),
    Case::new("acquire::in_a_thread", in_a_thread),
];

const SECOND: Duration = Duration::from_secs(1);
const NO_FENCE: vk::Fence = vk::Fence::null();
const NO_SEMAPHORE: vk::Semaphore = vk::Semaphore::null();

fn with_fence(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let (swapchain, fence) = (stage.swapchain()?, Fence::new(&stage.device, false)?);
    let acquired = swapchain.acquire(SECOND, NO_SEMAPHORE, fence.raw())?;
    let count = swapchain.images().len();
    ensure!((acquired.index as usize) < count, "image {} of {count}", acquired.index);
    fence.wait(SECOND)?;
    Ok(())
}

/// Waits for `semaphore` with an empty submit, as a frame would.
fn consume(stage: &Stage, semaphore: &Semaphore) -> Outcome {
    let fence = Fence::new(&stage.device, false)?;
    let (wait, stages) = ([semaphore.raw()], [vk::PipelineStageFlags::ALL_COMMANDS]);
    let submit = vk::SubmitInfo::default().wait_semaphores(&wait).wait_dst_stage_mask(&stages);
    {
        let queue = stage.device.queue();
        // SAFETY: the queue is locked, the fence unsignaled, the semaphore pending or signaled.
        unsafe { stage.device.raw().queue_submit(*queue, &[submit], fence.raw()) }?;
    }
    fence.wait(SECOND)?;
    Ok(())
}

fn with_semaphore_and_fence(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let (semaphore, fence) = (Semaphore::new(&stage.device)?, Fence::new(&stage.device, false)?);
    swapchain.acquire(SECOND, semaphore.raw(), fence.raw())?;
    consume(&stage, &semaphore)?;
    fence.wait(SECOND)?;
    Ok(())
}

fn with_semaphore(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let (swapchain, ready) = (stage.swapchain()?, Semaphore::new(&stage.device)?);
    swapchain.acquire(SECOND, ready.raw(), NO_FENCE)?;
    consume(&stage, &ready)
}

/// Acquires with a fence, and waits for it.
fn take(stage: &Stage, swapchain: &Swapchain, timeout: Duration) -> Outcome<Acquired> {
    let fence = Fence::new(&stage.device, false)?;
    let acquired = swapchain.acquire(timeout, NO_SEMAPHORE, fence.raw())?;
    fence.wait(SECOND)?;
    Ok(acquired)
}

/// Acquires all images that there are, and gives what the next acquire answers.
fn take_all(stage: &Stage, swapchain: &Swapchain) -> Outcome<vk::Result> {
    let mut taken = Vec::new();
    for _ in 0..=swapchain.images().len() {
        let fence = Fence::new(&stage.device, false)?;
        match swapchain.acquire(Duration::ZERO, NO_SEMAPHORE, fence.raw()) {
            Ok(Acquired { index, .. }) => {
                ensure!(!taken.contains(&index), "image {index} was acquired twice");
                taken.push(index);
                fence.wait(SECOND)?;
            }
            Err(code) => return Ok(code),
        }
    }
    Err(Verdict::Failed(format!("{} of {} images", taken.len(), swapchain.images().len())))
}

fn too_many(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let code = take_all(&stage, &swapchain)?;
    ensure!(code == vk::Result::NOT_READY, "{code:?} with a timeout of 0");
    Ok(())
}

fn too_many_with_timeout(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let _ = take_all(&stage, &swapchain)?;
    for timeout in [Duration::from_millis(1), Duration::from_millis(50)] {
        let begin = Instant::now();
        let fence = Fence::new(&stage.device, false)?;
        let code = swapchain.acquire(timeout, NO_SEMAPHORE, fence.raw()).err();
        ensure!(code == Some(vk::Result::TIMEOUT), "{code:?} after {timeout:?}");
        let took = begin.elapsed();
        ensure!(took + Duration::from_micros(100) >= timeout, "{took:?} instead of {timeout:?}");
        ensure!(took < timeout + SECOND, "{took:?} instead of {timeout:?}");
    }
    Ok(())
}

/// `imageCount - minImageCount + 1` images can be acquired without presenting any.
fn allowed(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for more in 0..4 {
        let count = stage.caps.min_image_count + more;
        let info = stage.info().min_image_count(count);
        let swapchain = Swapchain::new(&stage.device, &info)?;
        let images = u32::try_from(swapchain.images().len()).unwrap_or(u32::MAX);
        for _ in 0..images - stage.caps.min_image_count + 1 {
            take(&stage, &swapchain, Duration::from_nanos(u64::MAX))?;
        }
    }
    Ok(())
}

fn next_image2(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let (semaphore, fence) = (Semaphore::new(&stage.device)?, Fence::new(&stage.device, false)?);
    let info = vk::AcquireNextImageInfoKHR::default()
        .swapchain(swapchain.raw())
        .timeout(1_000_000_000)
        .semaphore(semaphore.raw())
        .fence(fence.raw())
        .device_mask(1);
    // SAFETY: both are unsignaled, the swapchain lives.
    let (index, _) = unsafe { stage.device.swapchain().acquire_next_image2(&info) }?;
    ensure!((index as usize) < swapchain.images().len(), "image {index}");
    consume(&stage, &semaphore)?;
    fence.wait(SECOND)?;
    Ok(())
}

fn retired(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let old = stage.swapchain()?;
    let _new = Swapchain::new(&stage.device, &stage.info().old_swapchain(old.raw()))?;
    let fence = Fence::new(&stage.device, false)?;
    let code = old.acquire(SECOND, NO_SEMAPHORE, fence.raw()).err();
    ensure!(code == Some(vk::Result::ERROR_OUT_OF_DATE_KHR), "{code:?}");
    Ok(())
}

/// "If an acquire fails, semaphore and fence are unaffected" (vkAcquireNextImageKHR).
fn failed_touches_nothing(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let _ = take_all(&stage, &swapchain)?;
    let (semaphore, fence) = (Semaphore::new(&stage.device)?, Fence::new(&stage.device, false)?);
    let code = swapchain.acquire(Duration::ZERO, semaphore.raw(), fence.raw()).err();
    ensure!(code == Some(vk::Result::NOT_READY), "{code:?}");
    ensure!(!fence.is_signaled()?, "the fence is signaled");
    // Were the semaphore signaled, this would be a second signal.
    let signal = [semaphore.raw()];
    let submit = vk::SubmitInfo::default().signal_semaphores(&signal);
    {
        let queue = stage.device.queue();
        // SAFETY: the queue is locked, the fence unsignaled.
        unsafe { stage.device.raw().queue_submit(*queue, &[submit], fence.raw()) }?;
    }
    fence.wait(SECOND)?;
    consume(&stage, &semaphore)
}

fn destroy_while_acquired(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    for _ in 0..3 {
        let swapchain = stage.swapchain()?;
        take(&stage, &swapchain, SECOND)?;
    }
    Ok(())
}

/// A blocked acquire in one thread does not keep another thread from its own swapchain.
fn in_a_thread(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let other = Stage::new(stage.device.clone(), bench.surface()?)?;
    let (blocked, busy) = (stage.swapchain()?, other.swapchain()?);
    let _ = take_all(&stage, &blocked)?;
    let fence = Fence::new(&stage.device, false)?;
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| blocked.acquire(SECOND, NO_SEMAPHORE, fence.raw()));
        let begin = Instant::now();
        let mut easel = other.easel(&busy)?;
        for frame in 0..5 {
            easel.show(&busy, frame)?;
        }
        let took = begin.elapsed();
        let code = wait.join().map_err(|_| Verdict::Failed("a panic".to_owned()))?.err();
        ensure!(code == Some(vk::Result::TIMEOUT), "{code:?}");
        ensure!(took < SECOND / 2, "five frames took {took:?} beside a blocked acquire");
        Ok(())
    })
}
