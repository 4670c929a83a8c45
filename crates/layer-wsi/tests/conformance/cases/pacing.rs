//! When presents take effect.

use std::time::{Duration, Instant};

use ash::vk;
use zerohop_testkit::rig::Fence;

use super::Case;
use crate::bench::{Bench, Outcome, Stage};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("pacing::fifo", fifo),
    Case::new("pacing::fifo_relaxed", fifo_relaxed),
    Case::new("pacing::fifo_does_not_burst", fifo_does_not_burst),
    Case::new("pacing::fifo_blocks_when_full", fifo_blocks_when_full),
    Case::new("pacing::fifo_after_a_pause", fifo_after_a_pause),
    Case::new("pacing::mailbox_does_not_block", mailbox_does_not_block),
    Case::new("pacing::immediate_does_not_block", immediate_does_not_block),
];

/// The refresh that the suite runs at.
const HZ: f64 = 60.0;

/// How long `count` presents take after a few that fill the queue.
fn time(stage: &Stage, mode: vk::PresentModeKHR, count: u32) -> Outcome<Duration> {
    let swapchain = stage.swapchain_in(mode)?;
    let mut easel = stage.easel(&swapchain)?;
    let first = u32::try_from(swapchain.images().len()).unwrap_or(0) + 1;
    for frame in 0..first {
        easel.show(&swapchain, frame)?;
    }
    let begin = Instant::now();
    for frame in first..first + count {
        easel.show(&swapchain, frame)?;
    }
    Ok(begin.elapsed())
}

fn paced(bench: &Bench, mode: vk::PresentModeKHR) -> Outcome {
    let took = time(&bench.stage()?, mode, 60)?.as_secs_f64();
    let rate = 60.0 / took;
    // A busy machine misses refreshes, but never gets more of them: all that it can do is to begin
    // with a queue that has run empty, and fill that.
    ensure!(rate < HZ * 1.15, "{rate:.1} pictures a second at {HZ} Hz");
    ensure!(rate > HZ * 0.3, "{rate:.1} pictures a second at {HZ} Hz");
    Ok(())
}

fn fifo(bench: &Bench) -> Outcome {
    paced(bench, vk::PresentModeKHR::FIFO)
}

fn fifo_relaxed(bench: &Bench) -> Outcome {
    paced(bench, vk::PresentModeKHR::FIFO_RELAXED)
}

/// However many images there are, no more pictures are taken in a second than are shown.
fn fifo_does_not_burst(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let info = stage.info().min_image_count(stage.caps.min_image_count + 4);
    let swapchain = zerohop_testkit::rig::Swapchain::new(&stage.device, &info)?;
    let mut easel = stage.easel(&swapchain)?;
    let begin = Instant::now();
    let (count, images) = (40, f64::from(u32::try_from(swapchain.images().len()).unwrap_or(0)));
    for frame in 0..count {
        easel.show(&swapchain, frame)?;
    }
    let shown = begin.elapsed().as_secs_f64() * HZ;
    let (most, count) = (shown * 1.1 + images + 1.0, f64::from(count));
    ensure!(count <= most, "{count} presents in {shown:.1} refreshes with {images} images");
    Ok(())
}

/// With every image in the queue, an acquire finds none until the next refresh.
fn fifo_blocks_when_full(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    // Made at once, or drawing might take longer than a refresh.
    let painters = (0..8).map(|_| stage.painter(&swapchain)).collect::<Result<Vec<_>, _>>()?;
    for mut painter in painters {
        let fence = Fence::new(&stage.device, false)?;
        let acquired = swapchain.acquire(Duration::ZERO, vk::Semaphore::null(), fence.raw());
        match acquired {
            Ok(acquired) => {
                fence.wait(Duration::from_secs(1))?;
                // What was never drawn may be presented in the layout that a draw leaves.
                let image = swapchain.images()[acquired.index as usize];
                let done = [easel.drawn(acquired.index)];
                painter.paint(0, image, &[], &done)?;
                swapchain.present(acquired.index, &done)?;
            }
            Err(vk::Result::NOT_READY) => {
                // And soon there is one.
                easel.show(&swapchain, 1)?;
                return Ok(());
            }
            Err(code) => return Err(code.into()),
        }
    }
    ensure!(false, "eight presents at once found an image each");
    Ok(())
}

/// After a pause the pace is the same: no picture is owed.
fn fifo_after_a_pause(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    easel.show(&swapchain, 0)?;
    std::thread::sleep(Duration::from_millis(500));
    let begin = Instant::now();
    for frame in 1..31 {
        easel.show(&swapchain, frame)?;
    }
    let refreshes = begin.elapsed().as_secs_f64() * HZ;
    let images = swapchain.images().len();
    ensure!(refreshes > 24.0 - 2.0, "30 presents in {refreshes:.1} refreshes, {images} images");
    Ok(())
}

/// A hundred tiny pictures are faster than a hundred refreshes.
fn unpaced(bench: &Bench, mode: vk::PresentModeKHR) -> Outcome {
    let took = time(&bench.stage()?, mode, 100)?;
    let most = Duration::from_secs_f64(100.0 / HZ * 0.5);
    ensure!(took < most, "100 presents took {took:?}");
    Ok(())
}

fn mailbox_does_not_block(bench: &Bench) -> Outcome {
    unpaced(bench, vk::PresentModeKHR::MAILBOX)
}

fn immediate_does_not_block(bench: &Bench) -> Outcome {
    unpaced(bench, vk::PresentModeKHR::IMMEDIATE)
}
