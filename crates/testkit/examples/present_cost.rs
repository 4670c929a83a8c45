//! What one acquire and one present cost the application's thread, above an empty submission.
//!
//! Prints one line of JSON, in microseconds. The pictures are small and finished before they are
//! presented, so that only the calls are measured.
#![allow(unsafe_code, reason = "an empty submission, which the rig has no call for")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ash::vk;
use zerohop_frame::Extent;
use zerohop_testkit::pattern::Scene;
use zerohop_testkit::rig::{
    Device, DeviceOptions, Fence, Instance, Painter, Semaphore, Surface, Swapchain,
    SwapchainOptions, Window,
};

/// Longer than any call takes.
const PATIENCE: Duration = Duration::from_secs(20);
const FORMAT: vk::Format = vk::Format::B8G8R8A8_UNORM;
const EXTENT: Extent = Extent { width: 64, height: 64 };

fn main() -> Result<(), Box<dyn Error>> {
    let presents: usize = std::env::args().nth(1).map_or(Ok(5000), |count| count.parse())?;
    let device = Device::new(&Instance::new()?, &DeviceOptions::default())?;
    let mut empty = empty_submissions(&device, presents)?;
    empty.sort_unstable();
    let floor = percentile(&empty, 50);
    let mut calls = presented(&device, presents)?;
    calls.sort_unstable();
    let above = |percent| micros(percentile(&calls, percent).saturating_sub(floor));
    println!(
        "{{\"presents\":{presents},\"empty_submit_us\":{:.2},\"us_p50\":{:.2},\"us_p99\":{:.2}}}",
        micros(floor),
        above(50),
        above(99)
    );
    Ok(())
}

/// The call that submits nothing. Its end is waited for, but not measured: a present does not wait.
fn empty_submissions(device: &Arc<Device>, count: usize) -> Result<Vec<Duration>, Box<dyn Error>> {
    let fence = Fence::new(device, false)?;
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let begin = Instant::now();
        let queue = device.queue();
        // SAFETY: the queue is locked, and the fence is unsignaled and not pending.
        unsafe { device.raw().queue_submit(*queue, &[], fence.raw()) }?;
        took.push(begin.elapsed());
        drop(queue);
        fence.wait(PATIENCE)?;
        fence.reset()?;
    }
    Ok(took)
}

/// An acquire and a present of a finished picture, without what lies between.
fn presented(device: &Arc<Device>, count: usize) -> Result<Vec<Duration>, Box<dyn Error>> {
    let surface = Surface::new(device.instance(), Window::Headless)?;
    let swapchain = swapchain(device, &surface)?;
    let images = swapchain.images().len();
    let mut painter = Painter::new(device, FORMAT, EXTENT, 1, Scene::default())?;
    let semaphores = |count| (0..count).map(|_| Semaphore::new(device)).collect();
    let ready: Vec<Semaphore> = Result::from_iter::<Vec<_>>(semaphores(images + 1))?;
    let drawn: Vec<Semaphore> = Result::from_iter::<Vec<_>>(semaphores(images))?;
    let mut took = Vec::with_capacity(count);
    for turn in 0..count {
        let ready = ready[turn % ready.len()].raw();
        let begin = Instant::now();
        let acquired = swapchain.acquire(PATIENCE, ready, vk::Fence::null())?;
        let acquire = begin.elapsed();
        let index = acquired.index as usize;
        let done = [drawn[index].raw()];
        painter.paint(u32::try_from(turn)?, swapchain.images()[index], &[ready], &done)?;
        painter.finish()?;
        let begin = Instant::now();
        swapchain.present(acquired.index, &done)?;
        took.push(acquire + begin.elapsed());
    }
    Ok(took)
}

fn swapchain(device: &Arc<Device>, surface: &Surface) -> Result<Swapchain, Box<dyn Error>> {
    let formats = surface.formats(device.physical())?;
    let format = formats.into_iter().find(|one| one.format == FORMAT);
    let mut options = SwapchainOptions::new(format.ok_or("no BGRA surface format")?, EXTENT);
    options.mode = vk::PresentModeKHR::IMMEDIATE;
    let capabilities = surface.capabilities(device.physical())?;
    Ok(Swapchain::new(device, &options.info(surface, &capabilities))?)
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
