//! When presents take effect.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ash::vk;
use zerohop_testkit::rig::{Easel, Fence, Swapchain};

use super::Case;
use crate::bench::{Bench, Outcome, Stage, Verdict};
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
    let swapchain = Swapchain::new(&stage.device, &info)?;
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

/// With every image in the queue an acquire finds none, and each refresh frees one at most.
fn fifo_blocks_when_full(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    let mut painter = stage.painter(&swapchain)?;
    let mut shown = show_each(&swapchain, &mut easel)?;
    let (begin, mut taken, mut found_none) = (Instant::now(), 0.0, false);
    // Once it found none, and for as long after as shows that the refreshes set the pace.
    while !found_none || taken < 60.0 {
        match take(&stage, &swapchain, if found_none { 10 } else { 0 })? {
            None => found_none = true,
            Some(index) => {
                taken += 1.0;
                let drawn = [easel.drawn(index)];
                // As it is where it can be, since a machine may take longer than a refresh to draw.
                let is_new = shown.insert(index);
                if is_new {
                    painter.paint(0, swapchain.images()[index as usize], &[], &drawn)?;
                }
                swapchain.present(index, if is_new { &drawn } else { &[] })?;
            }
        }
        keeps_pace(&swapchain, begin, taken, found_none)?;
    }
    Ok(())
}

/// The image that `stage` gets within so many seconds, once it may be used; none if there is none.
fn take(stage: &Stage, swapchain: &Swapchain, seconds: u64) -> Outcome<Option<u32>> {
    let fence = Fence::new(&stage.device, false)?;
    match swapchain.acquire(Duration::from_secs(seconds), vk::Semaphore::null(), fence.raw()) {
        Ok(acquired) => {
            fence.wait(Duration::from_secs(1))?;
            Ok(Some(acquired.index))
        }
        Err(vk::Result::NOT_READY) => Ok(None),
        Err(code) => Err(code.into()),
    }
}

/// Whether no more were taken since `begin` than were free then, and one for each refresh, which holds
/// however busy the machine is. One that is never ahead of its screen in 10 s shows nothing.
fn keeps_pace(swapchain: &Swapchain, begin: Instant, taken: f64, found_none: bool) -> Outcome {
    let refreshes = begin.elapsed().as_secs_f64() * HZ;
    let images = f64::from(u32::try_from(swapchain.images().len()).unwrap_or(0));
    let most = images + refreshes + 1.0;
    ensure!(taken <= most, "{taken} acquires in {refreshes:.1} refreshes, {images} images");
    if !found_none && refreshes > 10.0 * HZ {
        let slow = format!("a present took longer than a refresh for 10 s: {taken} of them");
        return Err(Verdict::Unsupported(slow));
    }
    Ok(())
}

/// Draws and shows a picture in each image that is lent in turn, and says which. They have memory then,
/// and the layout of presents.
fn show_each(swapchain: &Swapchain, easel: &mut Easel) -> Outcome<BTreeSet<u32>> {
    let count = swapchain.images().len();
    let mut shown = BTreeSet::new();
    for frame in 0..60 {
        let index = easel.draw(swapchain, frame)?.index;
        swapchain.present(index, &[easel.drawn(index)])?;
        shown.insert(index);
        if shown.len() == count {
            break;
        }
    }
    easel.finish()?;
    Ok(shown)
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
