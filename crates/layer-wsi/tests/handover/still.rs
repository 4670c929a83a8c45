//! Applications whose pictures stand still, and that are asked to look themselves: what has not changed
//! stays with them, what has changed arrives, and whatever they do the host ends with the last picture.

use std::path::Path;

use ash::vk;
use zerohop_frame::{BoxError, Extent};

use crate::host::{Viewer, reap};
use crate::player::Play;
use crate::ways::{DMABUF, TIMELINE};
use crate::{Outcome, Test};

/// Always the same picture.
const STILL: Play = Play { script: 1, frames: 90, ..Play::DEFAULT };

/// See the module.
pub(crate) const TESTS: &[(&str, Test)] = &[
    ("still_pictures_stay_in_the_application", |socket| stays(socket, STILL)),
    ("timeline_still_pictures_stay_in_the_application", |socket| {
        stays(socket, Play { timeline: true, ..STILL })
    }),
    ("dma_buf_still_pictures_stay_in_the_application", |socket| {
        stays(socket, Play { script: STILL.script, frames: STILL.frames, ..DMABUF })
    }),
    ("still_pictures_of_every_format_stay_in_the_application", formats),
    ("still_pictures_stay_when_an_old_swapchain_is_destroyed_late", lingers),
    ("still_pictures_that_are_copied_are_sent", copied),
    ("what_is_not_still_arrives_in_fifo", |socket| changes(socket, Play::DEFAULT)),
    ("what_is_not_still_arrives_in_immediate", |socket| {
        changes(socket, Play { mode: vk::PresentModeKHR::IMMEDIATE, ..Play::DEFAULT })
    }),
    ("timeline_what_is_not_still_arrives_in_immediate", |socket| {
        changes(socket, Play { mode: vk::PresentModeKHR::IMMEDIATE, ..TIMELINE })
    }),
    ("what_is_not_still_arrives_through_recreations", |socket| {
        changes(socket, Play { recreate_every: 19, ..Play::DEFAULT })
    }),
    ("a_mailbox_that_stands_still_ends_with_the_last_picture", |socket| {
        // So slow that the host sees most of them, and when they stand still.
        let play =
            Play { mode: vk::PresentModeKHR::MAILBOX, pause: 5, frames: 200, ..Play::DEFAULT };
        [5, 6].into_iter().try_for_each(|script| ends(socket, Play { script, ..play }))
    }),
    ("the_next_host_gets_a_still_picture_too", next_host),
];

/// Plays to a viewer that asks after a few still pictures.
fn watched(socket: &Path, play: Play) -> Result<Viewer, BoxError> {
    let mut viewer = Viewer::open(socket, play.format)?;
    viewer.asks = 3;
    let mut player = play.start(socket)?;
    let watched = viewer.watch(&mut player, usize::MAX);
    reap(player)?;
    watched?;
    let last = play.numbers().into_iter().max().unwrap_or_default();
    let report = viewer.checker.report(0..last + 1);
    if !report.is_true() {
        return Err(format!("{play:?}: {report}").into());
    }
    Ok(viewer)
}

fn stays(socket: &Path, play: Play) -> Outcome {
    let viewer = watched(socket, play)?;
    let (sent, kept) = (viewer.seen.len() as u64, viewer.kept);
    // Three until it asks, some while the shader is compiled, and one to compare with.
    if sent + kept != u64::from(play.frames) || kept < u64::from(play.frames) / 3 {
        return Err(format!("{play:?}: {sent} sent, {kept} kept").into());
    }
    Ok(())
}

fn formats(socket: &Path) -> Outcome {
    for (format, width, height) in [
        (vk::Format::B8G8R8A8_SRGB, 37, 5),
        (vk::Format::R8G8B8A8_UNORM, 1, 1),
        (vk::Format::A2B10G10R10_UNORM_PACK32, 320, 65),
    ] {
        let extent = Extent { width, height };
        stays(socket, Play { format, extent, ..STILL })?;
    }
    Ok(())
}

/// Pictures are sent again when the swapchain is replaced, and not when the old one goes.
fn lingers(socket: &Path) -> Outcome {
    let play = Play { frames: 120, recreate_every: 60, lingers: 40, pause: 8, ..STILL };
    let viewer = watched(socket, play)?;
    if viewer.turns != 1 || viewer.kept <= 60 {
        let (sent, kept) = (viewer.seen.len(), viewer.kept);
        return Err(format!("{sent} sent, {kept} kept, {} times sent again", viewer.turns).into());
    }
    Ok(())
}

fn copied(socket: &Path) -> Outcome {
    let hide = "VK_KHR_swapchain,VK_KHR_external_memory_fd,VK_EXT_external_memory_host";
    let viewer = watched(socket, Play { hide, rate: "60", frames: 30, ..STILL })?;
    match (viewer.seen.len(), viewer.kept) {
        (30, 0) => Ok(()),
        other => Err(format!("{other:?} sent and kept").into()),
    }
}

/// Each picture that is not that before it arrives, and each that stayed is told of.
fn changes(socket: &Path, play: Play) -> Outcome {
    for script in [2, 3] {
        let play = Play { script, frames: 150, ..play };
        let viewer = watched(socket, play)?;
        let mut shown = play.numbers();
        let (sent, kept) = (viewer.seen.len() as u64, viewer.kept);
        let mut seen = viewer.seen.clone();
        shown.dedup();
        seen.dedup();
        if seen != shown || sent + kept != u64::from(play.frames) || kept == 0 {
            return Err(format!("{play:?}: {sent} sent, {kept} kept, {seen:?}").into());
        }
    }
    Ok(())
}

/// The last picture is there, whatever became of those before.
fn ends(socket: &Path, play: Play) -> Outcome {
    let viewer = watched(socket, play)?;
    if viewer.seen.last() != play.numbers().last() || viewer.kept == 0 {
        return Err(format!("{play:?}: {} kept, {:?}", viewer.kept, viewer.seen).into());
    }
    Ok(())
}

fn next_host(socket: &Path) -> Outcome {
    let play = Play { frames: 300, pause: 8, ..STILL };
    let mut first = Viewer::open(socket, play.format)?;
    first.asks = 3;
    let mut player = play.start(socket)?;
    first.watch(&mut player, 4)?;
    drop(first);
    let mut second = Viewer::open(socket, play.format)?;
    second.asks = 3;
    let watched = second.watch(&mut player, usize::MAX);
    reap(player)?;
    watched?;
    if second.seen.is_empty() || second.kept == 0 {
        return Err(format!("{} sent, {} kept", second.seen.len(), second.kept).into());
    }
    Ok(())
}
