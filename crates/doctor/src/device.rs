//! What one device can do for a recording.

use std::collections::BTreeMap;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use serde::Serialize;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, Modifier, PlaneLayout,
    Recycle, Release, SharedBuffer, SyncPoint, Timeline,
};
use zerohop_kernel::clock_monotonic;
use zerohop_manifest::{DMABUF, Takeover, WsiDecision};
use zerohop_vulkan::{
    Capabilities, Device, DeviceChoice, DeviceKind, HostBuffer, Image, Instance, InstanceOptions,
    PhysicalDevice, PixelFormat, Queue, Recording, opaque_of, presents_to_x, read_back,
    write_picture,
};

use crate::{Check, Trouble};

/// An odd size: rows do not end where tiles or cache lines do.
const EXTENT: Extent = Extent { width: 117, height: 59 };

/// The extensions that decide which path is taken.
const EXTENSIONS: [&str; 8] = [
    "VK_KHR_external_memory_fd",
    "VK_EXT_external_memory_dma_buf",
    "VK_EXT_image_drm_format_modifier",
    "VK_EXT_queue_family_foreign",
    "VK_EXT_external_memory_host",
    "VK_KHR_external_semaphore_fd",
    "VK_KHR_timeline_semaphore",
    "VK_KHR_swapchain",
];

/// What the layer decides on a device's surfaces and swapchains.
#[derive(Clone, Debug, Serialize)]
pub struct Wsi {
    /// Whether they are the layer's own.
    pub replaced: bool,
    /// Why.
    pub why: &'static str,
}

/// One device, tried.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceReport {
    /// Its place in the loader's list, as `--device` takes it.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// `discrete`, `integrated`, `virtual`, `cpu` or `other`.
    pub kind: String,
    /// Its driver with version.
    pub driver: String,
    /// `deviceUUID` in hexadecimal digits, as `--device` takes it.
    pub uuid: String,
    /// The Vulkan version it speaks, as in "1.4.303".
    pub vulkan: String,
    /// The extensions that matter, and whether it has them.
    pub extensions: BTreeMap<&'static str, bool>,
    /// Whose surfaces and swapchains an application gets under the layer.
    pub wsi: Wsi,
    /// The path that memory takes: `dma_buf`, `opaque_fd` or `none`.
    pub handover: &'static str,
    /// The path that fences take: `sync_file`, `timeline`, `signaled` or `none`.
    pub sync_tier: &'static str,
    /// Why it is no better one.
    pub sync_reason: Option<&'static str>,
    /// Who looks at pictures that stand still, where `zerohop run --look` does not say: `application` or
    /// `host`.
    pub look: &'static str,
    /// What was tried on it.
    pub checks: Vec<Check>,
}

impl DeviceReport {
    /// Tries `physical`; `wsi` is what the user asks for.
    pub(crate) fn of(physical: &PhysicalDevice, wsi: Takeover) -> Self {
        let (major, minor, patch) = physical.api_version();
        let names = physical.extensions().unwrap_or_default();
        let has = |name: &str| names.iter().any(|one| one == name);
        let mut report = Self {
            index: physical.index(),
            name: physical.name(),
            kind: physical.kind().to_string(),
            driver: physical.driver_name().to_owned(),
            uuid: physical.id().device_uuid.iter().map(|byte| format!("{byte:02x}")).collect(),
            vulkan: format!("{major}.{minor}.{patch}"),
            extensions: EXTENSIONS.iter().map(|&name| (name, has(name))).collect(),
            wsi: Wsi::decided(physical, wsi, has("VK_KHR_swapchain")),
            handover: "none",
            sync_tier: "none",
            sync_reason: None,
            look: if physical.kind() == DeviceKind::Cpu { "host" } else { "application" },
            checks: Vec::new(),
        };
        report.try_all(physical);
        report
    }

    /// Whether a recording works on it.
    pub fn works(&self) -> bool {
        !self.checks.iter().any(Check::blocks)
    }

    fn try_all(&mut self, physical: &PhysicalDevice) {
        let device = Device::open(physical)
            .map_err(|err| Trouble::of(&err, "update the driver, or use another --device"));
        let device = match device {
            Ok(device) => device,
            Err(trouble) => {
                self.checks.push(Check::required("open", Err(trouble)));
                return;
            }
        };
        let handover = hand_over(&device);
        let sync = sync(&device);
        let works = handover.is_ok();
        let capabilities = device.capabilities();
        self.handover = match (works, capabilities.dma_buf && capabilities.modifiers) {
            (false, _) => "none",
            (true, true) => "dma_buf",
            (true, false) => "opaque_fd",
        };
        let timeline = timeline(&device);
        (self.sync_tier, self.sync_reason) = match (&sync, &timeline) {
            (Ok(_), _) => ("sync_file", None),
            (Err(_), Ok(_)) => ("timeline", capabilities.sync_reason()),
            (Err(_), Err(_)) => ("signaled", capabilities.sync_reason()),
        };
        self.checks = vec![
            Check::required("opaque_fd", handover),
            Check::useful("dma_buf", dma_buf(&device)),
            Check::useful("sync_file", sync),
            Check::useful("timeline", timeline),
            Check::useful("host pointers", host_pointers(&device)),
        ];
    }
}

impl Wsi {
    fn decided(physical: &PhysicalDevice, setting: Takeover, lists_swapchain: bool) -> Self {
        let asked = setting == Takeover::Auto && lists_swapchain;
        let presents = if asked { presents_to_x(physical) } else { None };
        let WsiDecision { replaced, why } = WsiDecision::new(setting, lists_swapchain, presents);
        Self { replaced, why }
    }
}

/// Nobody waits for the picture.
struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

/// Makes a picture, hands it to a second device of a second instance, and compares.
fn hand_over(device: &Arc<Device>) -> Result<String, Trouble> {
    let todo = "update the driver: opaque memory must go out of one process and into another";
    let failed = |err: zerohop_vulkan::Error| Trouble::of(&err, todo);
    let format = PixelFormat::of(Fourcc::XRGB8888).map_err(failed)?;
    let made = Arc::new(Image::create(device, EXTENT, format, &opaque_of(format)).map_err(failed)?);
    let bytes: Vec<u8> = (0..made.bytes()).map(|at| (at * 7 + at / 251) as u8).collect();
    write_picture(&Queue::new(device), &made, &bytes).map_err(failed)?;
    let frame = frame(&made).map_err(failed)?;

    let second = Instance::new(InstanceOptions::default()).map_err(failed)?;
    let second = DeviceChoice::Owner(device.id()).pick(&second).map_err(failed)?;
    let second = Device::open(&second).map_err(failed)?;
    let begin = clock_monotonic();
    let seen = Arc::new(Image::import(&second, frame.buffer()).map_err(failed)?);
    let took = (clock_monotonic() - begin).as_micros();
    let read = read_back(&Queue::new(&second), &Arc::new(frame), &seen).map_err(failed)?;
    match read.bytes.iter().zip(&bytes).filter(|(one, other)| one != other).count() {
        0 => Ok(format!(
            "a {}x{} picture arrived in a second device, all {} bytes the same, import {took} us",
            EXTENT.width,
            EXTENT.height,
            bytes.len()
        )),
        wrong => Err(Trouble::new(format!("{wrong} of {} bytes arrived wrong", bytes.len()), todo)),
    }
}

fn frame(image: &Image) -> Result<Frame, zerohop_vulkan::Error> {
    let descriptor = FrameDescriptor {
        extent: image.extent(),
        fourcc: image.format().fourcc(),
        modifier: Modifier::INVALID,
        planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]),
        color: Color::SRGB,
    };
    let memory = ArrayVec::from_iter([image.export()?]);
    let buffer = SharedBuffer::new(descriptor, memory)
        .map_err(|_| zerohop_vulkan::Error::Unsupported("a picture without pixels"))?;
    let info = FrameInfo {
        sequence: 0,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Ok(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody)))
}

/// Takes a fence out of the device.
fn sync(device: &Arc<Device>) -> Result<String, Trouble> {
    let todo = "nothing has to be done; the application waits for its GPU work at each present";
    if !device.has_sync_files() {
        return Err(Trouble::new("its semaphores are not imported and exported as SYNC_FD", todo));
    }
    let submitted = Recording::begin(&Queue::new(device)).and_then(Recording::submit);
    match submitted.map_err(|err| Trouble::of(&err, todo))? {
        SyncPoint::SyncFile(_) => Ok("a submission gave a fence as a descriptor".to_owned()),
        _ => Err(Trouble::new("a submission gave no fence", todo)),
    }
}

/// Shares a timeline that the device counts on, as between two processes.
fn timeline(device: &Arc<Device>) -> Result<String, Trouble> {
    let todo = "nothing has to be done where fences go in and out as SYNC_FD; else the application \
        waits for its GPU work at each present";
    let failed = |err: zerohop_vulkan::Error| Trouble::of(&err, todo);
    if !device.shares_timelines() {
        let why = "its timeline semaphores are not imported and exported as OPAQUE_FD";
        return Err(Trouble::new(why, todo));
    }
    let submitted = Recording::begin(&Queue::new(device)).and_then(Recording::submit);
    let SyncPoint::Timeline { which, value } = submitted.map_err(failed)? else {
        return Ok("listed; not tried, since fences are better".to_owned());
    };
    let io = |err: std::io::Error| Trouble::new(err.to_string(), todo);
    let fd = which.as_fd().try_clone_to_owned().map_err(io)?;
    let theirs = Timeline::new(device.id(), fd, None);
    device.open_timeline(&theirs).map_err(failed)?;
    match theirs.wait(value, Duration::from_secs(1)).map_err(io)? {
        true => Ok("what a submission counted was seen through a descriptor".to_owned()),
        false => Err(Trouble::new("what a submission counted did not come through", todo)),
    }
}

fn dma_buf(device: &Device) -> Result<String, Trouble> {
    let lacks = match device.capabilities() {
        Capabilities { dma_buf: false, .. } => "VK_EXT_external_memory_dma_buf",
        Capabilities { modifiers: false, .. } => "VK_EXT_image_drm_format_modifier",
        Capabilities { foreign: false, .. } => "VK_EXT_queue_family_foreign",
        _ => return Ok("listed with modifiers; not tried".to_owned()),
    };
    Err(Trouble::new(format!("it lacks {lacks}"), without_dma_bufs(device.has_host_pointers())))
}

/// What to do about a driver without dma-bufs, of which the layer for them needs host pointers.
fn without_dma_bufs(host_pointers: bool) -> String {
    let (name, needs) = (DMABUF.name, "VK_EXT_external_memory_host");
    let layer = match host_pointers {
        true => format!("{name} adds them, out of shared memory, for applications that need some"),
        false => format!("{name} would not help: it needs {needs}"),
    };
    format!(
        "nothing has to be done; pictures go another way. {layer}. A CPU device has its own where \
         /dev/udmabuf is (modprobe udmabuf)"
    )
}

/// Lets the device write where the encoder reads.
fn host_pointers(device: &Arc<Device>) -> Result<String, Trouble> {
    let todo = "nothing has to be done; each converted picture is copied once for the encoder";
    let made = HostBuffer::new(device, 4096).map_err(|err| Trouble::of(&err, todo))?;
    if made.is_shared() {
        Ok("the device writes into a memfd that the encoder reads".to_owned())
    } else {
        Err(Trouble::new("it lacks VK_EXT_external_memory_host", todo))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layer_for_dma_bufs_is_named_where_it_would_help_and_only_there() {
        assert!(without_dma_bufs(true).contains("VK_LAYER_ZEROHOP_dmabuf adds them"));
        assert!(without_dma_bufs(false).contains("would not help: it needs VK_EXT_external"));
    }
}
