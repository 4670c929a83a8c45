//! Whether a handover works: the picture is imported as a host would do it, and read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use zerohop_frame::{Damage, Frame, FrameInfo, MemoryHandle, Recycle, Release, SharedBuffer};
use zerohop_vulkan::{
    Device, DeviceChoice, Image, Instance, InstanceOptions, PhysicalDevice, Queue, read_back,
};

use crate::handover::Surface;

/// Nobody waits for the picture.
struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

/// Imports `surface` on the device that can read it, and compares what comes out with `pixels`:
/// rows without padding, plane after plane. Says how it came in, or why it does not.
pub(crate) fn prove(surface: Surface, pixels: &[u8]) -> Value {
    match imported(surface, pixels) {
        Ok((physical, image)) => json!({
            "works": true,
            "device": physical.name(),
            "way": image.way().to_string(),
            "copied": image.fallback().map(|fallback| fallback.reason.to_string()),
        }),
        Err(why) => json!({ "works": false, "reason": format!("{why:#}") }),
    }
}

fn imported(surface: Surface, pixels: &[u8]) -> Result<(PhysicalDevice, Arc<Image>)> {
    let memory = surface.memory.context("memory that is known already")?;
    let owner = memory.iter().find_map(|handle| match handle {
        MemoryHandle::OpaqueFd { device, .. } => Some(DeviceChoice::Owner(*device)),
        _ => None,
    });
    let instance = Instance::new(InstanceOptions::default()).context("load Vulkan")?;
    let physical = owner.unwrap_or_default().pick(&instance)?;
    let device = Device::open(&physical)?;
    surface.copying.map_or(Ok(()), crate::av::Copying::wait)?;
    let buffer = SharedBuffer::new(surface.descriptor, memory)?;
    let image = Arc::new(Image::import(&device, &buffer)?);
    let (timestamp, presented) = (Duration::ZERO, Duration::ZERO);
    let info = FrameInfo { sequence: 0, timestamp, presented, damage: Damage::Unknown };
    let frame = Arc::new(Frame::new(buffer, info, surface.acquire, Arc::new(Nobody)));
    let read = read_back(&Queue::new(&device), &frame, &image)?.bytes;
    if read.len() != pixels.len() {
        bail!("{} bytes of pixels come out, not {}", read.len(), pixels.len());
    }
    if let Some(at) = read.iter().zip(pixels).position(|(found, wanted)| found != wanted) {
        let (found, wanted) = (read[at], pixels[at]);
        bail!("byte {at} of {} comes out as {found}, not {wanted}", pixels.len());
    }
    Ok((physical, image))
}
