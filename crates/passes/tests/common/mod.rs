//! A device with pictures of our own on it.
#![allow(dead_code, reason = "each program that includes this uses its own part")]

pub(crate) mod trials;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Damage, Extent, Fallback, Frame, FrameDescriptor, FrameInfo, Modifier, Observer,
    OpaqueImage, PlaneLayout, Recycle, Release, SharedBuffer, Stage, SyncPoint,
};
use zerohop_vulkan::{
    Device, DeviceChoice, HostBuffer, Image, Instance, InstanceOptions, PixelFormat, Queue, Way,
    opaque_of, opaque_of_words, write_picture,
};

/// A device and the instance that hears what the validation layer says.
pub(crate) struct Machine {
    pub(crate) instance: Arc<Instance>,
    pub(crate) device: Arc<Device>,
    pub(crate) queue: Arc<Queue>,
}

impl Machine {
    /// The best device of this machine, or the one that `ZEROHOP_DEVICE` names.
    pub(crate) fn open(validation: bool) -> Result<Self, String> {
        let text = |err: zerohop_vulkan::Error| err.to_string();
        let instance = Instance::new(InstanceOptions { validation })
            .or_else(|_| Instance::new(InstanceOptions::default()))
            .map_err(text)?;
        let named = std::env::var("ZEROHOP_DEVICE").ok();
        let choice = named.map_or(DeviceChoice::Any, |name| DeviceChoice::parse(&name));
        let device = Device::open(&choice.pick(&instance).map_err(text)?).map_err(text)?;
        let queue = Queue::new(&device);
        Ok(Self { instance, device, queue })
    }

    /// How often the validation layer complained.
    pub(crate) fn complaints(&self) -> u64 {
        self.instance.messages().map_or(0, |messages| messages.count())
    }
}

/// `VK_IMAGE_TILING_LINEAR`.
const LINEAR: u32 = 1;

/// Where a picture lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tiling {
    /// As the driver likes.
    Optimal,
    /// The same, and shaders see the words of pixels.
    Words,
    /// Row by row: on a CPU device it is read in place.
    Linear,
}

/// A picture with an image of our own under it, to be shown again and again.
pub(crate) struct Canvas {
    pub(crate) image: Arc<Image>,
    pub(crate) descriptor: FrameDescriptor,
    pub(crate) buffer: Arc<SharedBuffer>,
    pub(crate) home: Arc<Home>,
    next: u64,
}

/// Counts what comes home.
#[derive(Default)]
pub(crate) struct Home(pub(crate) Mutex<Vec<Release>>);

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        self.0.lock().expect("no panic inside").push(release);
    }
}

impl Canvas {
    pub(crate) fn new(
        machine: &Machine,
        extent: Extent,
        format: PixelFormat,
        tiling: Tiling,
        color: Color,
    ) -> Self {
        let opaque = match tiling {
            Tiling::Optimal => opaque_of(format),
            Tiling::Words => opaque_of_words(format),
            Tiling::Linear => OpaqueImage { tiling: LINEAR, ..opaque_of(format) },
        };
        let image = Image::create(&machine.device, extent, format, &opaque).expect("an image");
        let descriptor = FrameDescriptor {
            extent,
            fourcc: format.fourcc(),
            modifier: Modifier::INVALID,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]),
            color,
        };
        let memory = ArrayVec::from_iter([image.export().expect("a handle")]);
        let buffer = SharedBuffer::new(descriptor.clone(), memory).expect("a sound descriptor");
        let image = Arc::new(image);
        Self { image, descriptor, buffer, home: Arc::default(), next: 1 }
    }

    /// A picture in a memfd that the CPU copies to the device each time, and that memfd.
    pub(crate) fn copied(machine: &Machine, descriptor: FrameDescriptor) -> (Self, HostBuffer) {
        let last = descriptor.planes.len() - 1;
        let host = HostBuffer::new(&machine.device, descriptor.end(last)).expect("memory");
        let memory = ArrayVec::from_iter([host.handle().expect("a descriptor")]);
        let buffer = SharedBuffer::new(descriptor.clone(), memory).expect("a sound descriptor");
        let image = Image::import_by(&machine.device, &buffer, &[Way::CpuCopy]);
        let image = Arc::new(image.expect("an image of a memfd"));
        (Self { image, descriptor, buffer, home: Arc::default(), next: 1 }, host)
    }

    /// Draws raw codes, rows without padding, and presents them.
    pub(crate) fn show(&mut self, machine: &Machine, bytes: &[u8], damage: Damage) -> Arc<Frame> {
        write_picture(&machine.queue, &self.image, bytes).expect("a picture");
        self.present(damage)
    }

    /// Presents what is there.
    pub(crate) fn present(&mut self, damage: Damage) -> Arc<Frame> {
        let now = Duration::from_millis(16) * u32::try_from(self.next).expect("few frames");
        let info = FrameInfo { sequence: self.next, timestamp: now, presented: now, damage };
        self.next += 1;
        let (buffer, home) = (Arc::clone(&self.buffer), Arc::clone(&self.home));
        Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, home))
    }

    /// Presents what is there as number `sequence`.
    pub(crate) fn present_as(&mut self, sequence: u64) -> Arc<Frame> {
        self.next = sequence;
        self.present(Damage::Unknown)
    }

    /// Loses a picture on the way.
    pub(crate) fn lose_one(&mut self) {
        self.next += 1;
    }
}

/// Remembers what passes report.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) copies: Mutex<Vec<(u64, u64)>>,
    pub(crate) fallbacks: Mutex<Vec<Fallback>>,
}

impl Observer for Notes {
    fn span(&self, _: u64, _: Stage, _: Duration, _: Duration) {}
    fn cpu_copy(&self, sequence: u64, bytes: u64, _: &'static str) {
        self.copies.lock().expect("no panic inside").push((sequence, bytes));
    }
    fn gpu_copy(&self, sequence: u64, _: &'static str) {
        self.copies.lock().expect("no panic inside").push((sequence, 0));
    }
    fn dropped(&self, _: u64, _: &'static str) {}
    fn fallback(&self, fallback: Fallback) {
        self.fallbacks.lock().expect("no panic inside").push(fallback);
    }
}

/// Noise that is the same every time.
pub(crate) fn noise(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    (0..count).map(|_| byte()).collect()
}
