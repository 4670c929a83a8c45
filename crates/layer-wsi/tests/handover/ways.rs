//! The same on drivers that let no image out: each picture is copied into shared memory, by the GPU
//! alone where it takes that for its own, or else by a thread of the layer's; and, where the layer for
//! dma-bufs is there too, none is copied again.

use std::path::Path;
use std::time::{Duration, Instant};

use ash::vk;
use zerohop_testkit::host::{Host, Lie, Manner};
use zerohop_vulkan::{Instance, InstanceOptions, PhysicalDevice};

use crate::host::{Copied, reap};
use crate::player::Play;
use crate::{
    HOARDED, Outcome, Test, every_format, hoarder, mailbox, next_host, odd_sizes, perfect,
};

/// A driver without swapchains whose images stay where they are.
const BY_GPU: &str = "VK_KHR_swapchain,VK_KHR_external_memory_fd";

/// One whose GPU writes no memory of the process either.
const BY_CPU: &str = "VK_KHR_swapchain,VK_KHR_external_memory_fd,VK_EXT_external_memory_host";

/// A driver of Vulkan 1.1 on top of that.
const OLD: &str = "1.1,VK_KHR_swapchain,VK_KHR_external_memory_fd,VK_EXT_external_memory_host,\
    VK_KHR_synchronization2,VK_KHR_timeline_semaphore,VK_KHR_dynamic_rendering,\
    VK_KHR_external_semaphore_fd,VK_KHR_external_fence_fd";

/// One like `BY_GPU` that knows nothing of dma-bufs, under the layer that makes them.
pub(crate) const DMABUF: Play = Play {
    hide: "VK_KHR_swapchain,VK_KHR_external_memory_fd,VK_EXT_external_memory_dma_buf,\
        VK_EXT_queue_family_foreign",
    dmabuf: true,
    ..Play::DEFAULT
};

/// How the names of tests of that begin.
pub(crate) const OF_DMA_BUFS: &str = "dma_buf_";

/// One that shares timelines, and lacks fences of the kernel's.
pub(crate) const TIMELINE: Play = Play { timeline: true, ..Play::DEFAULT };

/// So slow that no picture waits for another on a machine that is busy with something else.
const GPU: Play = Play { hide: BY_GPU, ..Play::DEFAULT };
const CPU: Play = Play { hide: BY_CPU, rate: "30", ..Play::DEFAULT };

/// See the module.
pub(crate) const TESTS: &[(&str, Test)] = &[
    ("gpu_copy_every_picture_arrives", |socket| perfect(socket, GPU)),
    ("cpu_copy_every_picture_arrives", |socket| perfect(socket, CPU)),
    ("old_driver_every_picture_arrives", |socket| perfect(socket, Play { hide: OLD, ..CPU })),
    ("gpu_copy_odd_sizes_arrive_whole", |socket| odd_sizes(socket, GPU)),
    ("cpu_copy_odd_sizes_arrive_whole", |socket| odd_sizes(socket, CPU)),
    ("gpu_copy_every_format_arrives_exact", |socket| every_format(socket, GPU)),
    ("cpu_copy_every_format_arrives_exact", |socket| every_format(socket, CPU)),
    ("gpu_copy_a_mailbox_shows_the_newest_picture", |socket| mailbox(socket, GPU)),
    ("cpu_copy_a_mailbox_shows_the_newest_picture", |socket| {
        mailbox(socket, Play { rate: "240", ..CPU })
    }),
    ("cpu_copy_the_last_of_a_rush_is_shown", rush),
    ("dma_buf_every_picture_arrives", |socket| perfect(socket, DMABUF)),
    ("dma_buf_odd_sizes_arrive_whole", |socket| odd_sizes(socket, DMABUF)),
    ("dma_buf_every_format_arrives_exact", |socket| every_format(socket, DMABUF)),
    ("dma_buf_a_mailbox_shows_the_newest_picture", |socket| mailbox(socket, DMABUF)),
    ("dma_buf_goes_on_through_recreations", |socket| {
        perfect(socket, Play { recreate_every: 7, ..DMABUF })
    }),
    ("timeline_every_picture_arrives", |socket| perfect(socket, TIMELINE)),
    ("timeline_every_picture_arrives_in_immediate", |socket| {
        perfect(socket, Play { mode: vk::PresentModeKHR::IMMEDIATE, ..TIMELINE })
    }),
    ("timeline_a_mailbox_shows_the_newest_picture", |socket| mailbox(socket, TIMELINE)),
    ("timeline_goes_on_through_recreations", |socket| {
        perfect(socket, Play { recreate_every: 7, ..TIMELINE })
    }),
    ("timeline_goes_on_with_the_next_host", |socket| next_host(socket, TIMELINE)),
    ("timeline_a_host_that_keeps_every_image_is_left", |socket| {
        hoarder(socket, Play { timeline: true, ..HOARDED })
    }),
    ("timeline_a_host_that_never_signals_is_left", |socket| liar(socket, Lie::NeverSignals)),
    ("timeline_a_host_that_sends_no_timeline_is_left", |socket| liar(socket, Lie::NoTimeline)),
    ("gpu_copy_goes_on_through_recreations", |socket| {
        perfect(socket, Play { recreate_every: 7, ..GPU })
    }),
    ("cpu_copy_goes_on_through_recreations", |socket| {
        perfect(socket, Play { recreate_every: 7, ..CPU })
    }),
    ("cpu_copy_goes_on_with_the_next_host", |socket| next_host(socket, CPU)),
    ("gpu_copy_a_host_that_keeps_every_image_is_left", |socket| {
        hoarder(socket, Play { hide: BY_GPU, ..HOARDED })
    }),
    ("cpu_copy_a_host_that_keeps_every_image_is_left", |socket| {
        hoarder(socket, Play { hide: BY_CPU, ..HOARDED })
    }),
];

/// Pictures as fast as they can be drawn, large ones: some may be given up, none is wrong, and the
/// last is there.
fn rush(socket: &Path) -> Outcome {
    let extent = zerohop_frame::Extent { width: 1280, height: 720 };
    let mode = vk::PresentModeKHR::IMMEDIATE;
    let play = Play { mode, extent, frames: 60, ..CPU };
    let viewer = crate::played(socket, play)?;
    let report = viewer.checker.report(0..play.frames);
    if report.is_true() && report.twice.is_empty() && viewer.seen.last() == Some(&(play.frames - 1))
    {
        return Ok(());
    }
    Err(format!("{report}, {:?}", viewer.seen).into())
}

/// Every image comes home at a value that is never reached: the application goes on without that host, and
/// nothing that it has submitted waits.
fn liar(socket: &Path, lie: Lie) -> Outcome {
    let instance = Instance::new(InstanceOptions::default())?;
    let devices = instance.devices()?.iter().map(PhysicalDevice::id).collect();
    let host = Host::start_taking(socket, Manner::Lies(lie), devices)?;
    let begin = Instant::now();
    reap(Play { frames: 60, pause: 10, ..TIMELINE }.start(socket)?)?;
    let (took, heard) = (begin.elapsed(), host.heard());
    if heard.timelines == 0 || heard.timelines >= 60 || took > Duration::from_secs(15) {
        return Err(format!("{} pictures in {took:?}", heard.timelines).into());
    }
    Ok(())
}

/// What the player copies, when every picture arrives.
pub(crate) fn copies(play: &Play) -> Copied {
    let row = (u64::from(play.extent.width) * 4).next_multiple_of(64);
    let all = row * u64::from(play.extent.height) * u64::from(play.frames);
    match play.hide {
        _ if play.dmabuf => Copied::default(),
        "" => Copied::default(),
        BY_GPU => Copied { gpu: play.frames.into(), cpu_bytes: 0 },
        _ => Copied { gpu: play.frames.into(), cpu_bytes: all },
    }
}
