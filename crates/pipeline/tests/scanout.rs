//! Pictures on their way to the screen of a virtual card. Needs root and the kernel's debug files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrayvec::ArrayVec;
use libtest_mimic::{Arguments, Completion, Trial};
use rustix::thread::CapabilitySet;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MemoryHandle, Modifier,
    PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd, wait_readable};
use zerohop_kms::{Card, Screen, Spec};
use zerohop_needs::absent;
use zerohop_pipeline::{Measurements, Scanout, Stages as _};
use zerohop_testkit::vkms;
use zerohop_vulkan::{
    Device, DeviceChoice, Image, Instance, InstanceOptions, PixelFormat, Queue, opaque_of,
    write_picture,
};

/// A name, and what a card is tried for.
type Test = (&'static str, fn(&Path));

fn main() -> ExitCode {
    let tests: [Test; 6] = [
        ("a_decoders_picture_is_shown_in_its_colours", decoded),
        ("a_gpu_copies_what_the_screen_does_not_show", copied_by_gpu),
        ("a_picture_that_only_its_device_reads_is_shown", opaque),
        ("what_the_plane_does_not_scale_is_scaled_to_the_last_bit", scaled),
        ("what_is_larger_than_the_screen_is_seen_whole", larger),
        ("without_udmabuf_or_its_permission_pictures_are_copied", no_udmabuf),
    ];
    let trial = |(name, test): Test| {
        let takes_devices = name.starts_with("without_udmabuf");
        Trial::ignorable_test(name, move || match card() {
            None => absent("kms", "there is no card with the driver vkms"),
            Some(_) if takes_devices && !is_guest() => {
                absent("guest", "it takes /dev/udmabuf away, as cargo xtask test --vm may")
            }
            Some(card) => {
                test(&card);
                Ok(Completion::Completed)
            }
        })
    };
    let mut arguments = Arguments::from_args();
    // A card has one master.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, tests.map(trial).into()).exit_code()
}

fn card() -> Option<PathBuf> {
    let named = |path: &PathBuf| Card::open(path).is_ok_and(|card| card.driver() == "vkms");
    Card::list().into_iter().find(named)
}

struct Home(Mutex<u32>);

impl Recycle for Home {
    fn recycle(&self, _: Release) {
        *self.0.lock().unwrap() += 1;
    }
}

const EXTENT: Extent = Extent { width: 640, height: 480 };

/// A picture in shared memory of one object.
fn frame(descriptor: FrameDescriptor, bytes: &[u8], home: &Arc<Home>) -> Arc<Frame> {
    let memfd = Memfd::create("picture", (bytes.len() as u64).next_multiple_of(4096)).unwrap();
    MappingMut::new(&memfd).unwrap().as_mut_slice()[..bytes.len()].copy_from_slice(bytes);
    let memory = ArrayVec::from_iter([MemoryHandle::Shm(OwnedFd::from(memfd))]);
    of(SharedBuffer::new(descriptor, memory).unwrap(), home)
}

/// A complete picture in `buffer`.
fn of(buffer: Arc<SharedBuffer>, home: &Arc<Home>) -> Arc<Frame> {
    let (timestamp, presented) = (Duration::ZERO, Duration::ZERO);
    let info = FrameInfo { sequence: 1, timestamp, presented, damage: Damage::Unknown };
    Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::clone(home) as _))
}

/// An NV12 picture: black above, white below.
fn nv12(home: &Arc<Home>) -> Arc<Frame> {
    let (width, luma) = (EXTENT.width, EXTENT.width * EXTENT.height);
    let mut bytes = vec![128; luma as usize * 3 / 2];
    bytes[..luma as usize / 2].fill(16);
    bytes[luma as usize / 2..luma as usize].fill(235);
    let plane = |offset| PlaneLayout { object: 0, offset, stride: width };
    let descriptor = FrameDescriptor {
        extent: EXTENT,
        fourcc: Fourcc::NV12,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter([plane(0), plane(luma)]),
        color: Color::BT709,
    };
    frame(descriptor, &bytes, home)
}

/// How many rows of the screen have something on them: an emulated CPU computes each pixel's mean.
const ROWS: u32 = 24;

/// A picture of four bytes a pixel in which no two neighbours are alike, in its first rows; black below.
struct Noise {
    extent: Extent,
    bytes: Vec<u8>,
}

impl Noise {
    /// `rows` of noise.
    fn new(width: u32, height: u32, rows: u32) -> Self {
        let word = |at: u32| at.wrapping_mul(0x9e37_79b1).rotate_left(at % 31).to_le_bytes();
        let mut bytes: Vec<u8> = (0..width * rows).flat_map(word).collect();
        bytes.resize((width * height * 4) as usize, 0);
        Self { extent: Extent { width, height }, bytes }
    }

    /// Paints so many pixels at each edge black.
    fn frame_with_black(&mut self, wide: u32) {
        let Extent { width, height } = self.extent;
        let is_edge = |at: u32, side: u32| at < wide || at >= side - wide;
        for (at, pixel) in (0..).zip(self.bytes.chunks_exact_mut(4)) {
            if is_edge(at % width, width) || is_edge(at / width, height) {
                pixel.fill(0);
            }
        }
    }

    fn frame(&self, fourcc: Fourcc, home: &Arc<Home>) -> Arc<Frame> {
        let stride = self.extent.width * 4;
        let descriptor = FrameDescriptor {
            extent: self.extent,
            fourcc,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]),
            color: Color::SRGB,
        };
        frame(descriptor, &self.bytes, home)
    }

    /// The pixel at a place, or the nearest one.
    fn at(&self, x: i64, y: i64) -> [u8; 4] {
        let Extent { width, height } = self.extent;
        let (x, y) = (x.clamp(0, i64::from(width) - 1), y.clamp(0, i64::from(height) - 1));
        let start = (y * i64::from(width) + x) as usize * 4;
        self.bytes[start..start + 4].try_into().unwrap()
    }

    /// The mean of pixels at such places, each with what it weighs in that direction.
    fn mean<const N: usize>(&self, across: [(i64, u32); N], down: [(i64, u32); N]) -> [u8; 4] {
        let mut sum = [0_u32; 4];
        for (y, weight) in down {
            for (x, part) in across {
                let pixel = self.at(x, y);
                let codes = pixel.map(u32::from).map(|code| code * weight * part);
                sum.iter_mut().zip(codes).for_each(|(sum, code)| *sum += code);
            }
        }
        let all = across.map(|(_, weight)| weight).iter().sum::<u32>().pow(2);
        sum.map(|sum| ((sum + all / 2) / all) as u8)
    }
}

/// The checksum of a screen with such pixels in its first rows, and black below.
fn checksum(pixel: impl Fn(i64, i64) -> [u8; 4]) -> u32 {
    let rows = (0..i64::from(ROWS)).flat_map(|y| (0..i64::from(EXTENT.width)).map(move |x| (x, y)));
    let below = (EXTENT.width * (EXTENT.height - ROWS)) as usize;
    let shown: Vec<_> = rows.map(|(x, y)| pixel(x, y)).collect();
    vkms::of(shown.into_iter().chain(std::iter::repeat_n([0; 4], below)))
}

/// Shows a picture in the mode 640x480 until what is put out has the checksum, and tells what that cost:
/// bytes by the CPU, copies by the GPU, and why.
fn show(card: &Path, more: &str, picture: Arc<Frame>, expected: u32) -> (u64, u64, String) {
    let spec: Spec = format!("{},mode=640x480{more}", card.display()).parse().unwrap();
    let screen = Arc::new(Mutex::new(Screen::open(&spec).unwrap()));
    let measurements = Arc::new(Measurements::new(None));
    let (device, options) = (DeviceChoice::Any, InstanceOptions { validation: true });
    let mut scanout = Scanout::new(Arc::clone(&screen), device, options, Arc::clone(&measurements));
    let picture = scanout.run(picture).unwrap().unwrap();
    let mut screen = screen.lock().unwrap();
    screen.show(picture).unwrap();
    while screen.poll_event().unwrap().is_none() {
        wait_readable(&*screen, Duration::from_secs(10)).unwrap();
    }
    assert_eq!(vkms::wait_for(card, expected), Ok(()), "other pixels");
    drop(screen);
    scanout.finish().unwrap();
    drop(scanout);
    let counts = measurements.counts();
    assert!(counts.fallbacks.iter().all(|one| one.what == "screen"), "{:?}", counts.fallbacks);
    let said = counts.fallbacks.iter().map(|one| format!("{}: {}", one.reason, one.cost));
    let zerohop_pipeline::Copies { cpu_bytes, gpu, .. } = counts.path_copies;
    (cpu_bytes, gpu, said.collect())
}

fn decoded(card: &Path) {
    let home = Arc::new(Home(Mutex::default()));
    let half = (EXTENT.width * EXTENT.height / 2) as usize;
    let rows = [[0; 4]; 1].into_iter().cycle().take(half);
    let expected = vkms::of(rows.chain([[255; 4]; 1].into_iter().cycle().take(half)));
    show(card, "", nv12(&home), expected);
    assert_eq!(*home.0.lock().unwrap(), 1, "the decoder has its picture again");
}

/// Red and blue change places on the way.
fn copied_by_gpu(card: &Path) {
    let (noise, home) = (Noise::new(640, 480, ROWS), Arc::new(Home(Mutex::default())));
    let expected = checksum(|x, y| {
        let [red, green, blue, _] = noise.at(x, y);
        [blue, green, red, 0]
    });
    let shown = show(card, ",copy=gpu", noise.frame(Fourcc::XBGR8888, &home), expected);
    let (cpu_bytes, gpu_copies, said) = shown;
    assert!(cpu_bytes == 0 && gpu_copies > 0, "{cpu_bytes} bytes, {gpu_copies}: {said}");
    assert!(said.contains("does not show XB24: the GPU copies each picture"), "{said}");
    let (cpu_bytes, _, said) =
        show(card, ",copy=cpu", noise.frame(Fourcc::XBGR8888, &home), expected);
    assert_eq!(cpu_bytes, 640 * 480 * 4, "{said}");
    assert!(said.contains("the CPU copies each picture"), "{said}");
}

/// Tiles, in memory that has no meaning to others.
fn opaque(card: &Path) {
    let (noise, home) = (Noise::new(640, 480, ROWS), Arc::new(Home(Mutex::default())));
    let instance = Instance::new(InstanceOptions::default()).unwrap();
    let device = Device::open(&DeviceChoice::Any.pick(&instance).unwrap()).unwrap();
    let format = PixelFormat::of(Fourcc::XRGB8888).unwrap();
    let image = Image::create(&device, EXTENT, format, &opaque_of(format)).unwrap();
    let (image, queue) = (Arc::new(image), Queue::new(&device));
    write_picture(&queue, &image, &noise.bytes).unwrap();
    let descriptor = FrameDescriptor {
        extent: EXTENT,
        fourcc: Fourcc::XRGB8888,
        modifier: Modifier::INVALID,
        planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]),
        color: Color::SRGB,
    };
    let expected = checksum(|x, y| noise.at(x, y));
    for (more, bytes, words) in [
        ("", 0, "the GPU copies each picture into memory of the card"),
        (",copy=cpu", 640 * 480 * 4, "and the CPU copies it on into memory of the card"),
    ] {
        let memory = ArrayVec::from_iter([image.export().unwrap()]);
        let buffer = SharedBuffer::new(descriptor.clone(), memory).unwrap();
        let (cpu_bytes, gpu_copies, said) = show(card, more, of(buffer, &home), expected);
        assert_eq!((cpu_bytes, gpu_copies), (bytes, 1), "{said}");
        assert!(said.contains("only its own device can open") && said.contains(words), "{said}");
    }
}

const UDMABUF: &str = "/dev/udmabuf";
const AWAY: &str = "/dev/udmabuf.away";

/// Whether this is the virtual machine of `cargo xtask vm`, whose devices are nobody else's.
fn is_guest() -> bool {
    let words = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    words.split_whitespace().any(|word| word == "init=/usr/sbin/zerohop-init")
}

/// Puts the device back with the mode that it had, and lets root open everything again. Also where the
/// test panics.
struct Restore(Permissions);

impl Drop for Restore {
    fn drop(&mut self) {
        let _ = fs::rename(AWAY, UDMABUF);
        let restored = fs::set_permissions(UDMABUF, self.0.clone());
        opens_everything(true);
        assert!(std::thread::panicking() || restored.is_ok(), "{restored:?}");
    }
}

/// Whether this thread opens what it has no permission for, as root does.
fn opens_everything(opens: bool) {
    let mut sets = rustix::thread::capabilities(None).unwrap();
    let all = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    sets.effective.set(all, opens);
    rustix::thread::set_capabilities(None, sets).unwrap();
}

/// Shared memory is copied where the kernel makes no dma-buf of it, and the reason is said.
fn no_udmabuf(card: &Path) {
    let (noise, home) = (Noise::new(640, 480, ROWS), Arc::new(Home(Mutex::default())));
    let expected = checksum(|x, y| noise.at(x, y));
    let away = || fs::rename(UDMABUF, AWAY).unwrap();
    let forbidden = || {
        fs::set_permissions(UDMABUF, PermissionsExt::from_mode(0o000)).unwrap();
        opens_everything(false);
    };
    let cases: [(&dyn Fn(), &str); 2] =
        [(&away, "No such file or directory"), (&forbidden, "Permission denied")];
    for (take, why) in cases {
        let before = fs::metadata(UDMABUF).unwrap().permissions();
        let restore = Restore(before.clone());
        take();
        let shown = show(card, "", noise.frame(Fourcc::XRGB8888, &home), expected);
        assert_eq!((shown.0, shown.1), (640 * 480 * 4, 0), "{}", shown.2);
        let said = ["/dev/udmabuf makes no dma-buf of shared memory", why, "the CPU copies each"];
        assert!(said.iter().all(|said| shown.2.contains(said)), "{}", shown.2);
        drop(restore);
        assert_eq!(fs::metadata(UDMABUF).unwrap().permissions(), before, "as it was");
    }
}

/// Twice as large: each pixel is three quarters of the nearest one, in each direction.
fn scaled(card: &Path) {
    let (noise, home) = (Noise::new(320, 240, ROWS / 2 - 1), Arc::new(Home(Mutex::default())));
    let taps = |at: i64| [(at / 2, 3), (if at % 2 == 0 { at / 2 - 1 } else { at / 2 + 1 }, 1)];
    let expected = checksum(|x, y| noise.mean(taps(x), taps(y)));
    for (more, bytes) in [(",fit=fill,copy=gpu", 0), (",fit=fill,copy=cpu", 640 * 480 * 4)] {
        let shown = show(card, more, noise.frame(Fourcc::XRGB8888, &home), expected);
        assert_eq!(shown.0, bytes, "{more}: {}", shown.2);
        assert!(shown.2.contains("does not put 320x240 pixels on 640x480"), "{}", shown.2);
    }
}

/// Half as large: of each direction four pixels count, the inner ones three times as much. Where some of
/// them would lie outside the picture is black.
fn larger(card: &Path) {
    let (mut noise, home) = (Noise::new(1280, 960, ROWS * 2 - 2), Arc::new(Home(Mutex::default())));
    noise.frame_with_black(3);
    let taps = |at: i64| [(2 * at - 1, 1), (2 * at, 3), (2 * at + 1, 3), (2 * at + 2, 1)];
    let expected = checksum(|x, y| noise.mean(taps(x), taps(y)));
    let shown = show(card, ",copy=gpu", noise.frame(Fourcc::XRGB8888, &home), expected);
    assert_eq!(shown.0, 0, "{}", shown.2);
}
