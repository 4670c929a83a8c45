//! CUDA's view of pictures on a real Vulkan device, over a stand-in for NVIDIA's driver.
//!
//! Each case runs in this program started again, where the dynamic linker finds the stand-in.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::os::fd::AsFd as _;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use zerohop_frame::{
    BoxError, Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, FrameSink,
    MemoryHandle, Modifier, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint, Timeline,
    Writer,
};
use zerohop_kernel::{Mapping, MappingMut, Memfd};
use zerohop_layer_timeline::Counter;
use zerohop_needs::absent;
use zerohop_pipeline::{CudaView, Measurements, Path, Stages as _};
use zerohop_testkit_cuda::{LIBRARY, Report, install, plan};
use zerohop_vulkan::{
    Device, DeviceChoice, DeviceKind, Image, Instance, InstanceOptions, PhysicalDevice,
    PixelFormat, Queue, opaque_of, write_picture,
};

const EXTENT: Extent = Extent { width: 117, height: 59 };
const CASE: &str = "VIEW_TEST_CASE";

type Case = (&'static str, fn(&PhysicalDevice));

const CASES: [Case; 2] = [
    ("a_dead_applications_timeline_holds_up_one_picture", dead),
    ("a_picture_in_a_memfd_is_brought_over_by_the_gpu", memfd),
];

fn main() -> ExitCode {
    if let Ok(name) = env::var(CASE) {
        let (_, run) = CASES.iter().find(|(one, _)| *one == name).unwrap();
        run(&cpu().unwrap());
        return ExitCode::SUCCESS;
    }
    let trials =
        CASES.map(|(name, _)| Trial::ignorable_test(name, || child(name)).with_kind("cpu"));
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// The device whose memory the stand-in has.
fn cpu() -> Result<PhysicalDevice, String> {
    let options = InstanceOptions { validation: validated() };
    let instance = Instance::new(options).map_err(|err| err.to_string())?;
    let devices = instance.devices().map_err(|err| err.to_string())?;
    let cpu = devices.into_iter().find(|device| device.kind() == DeviceKind::Cpu);
    cpu.ok_or_else(|| "no device is the CPU".into())
}

fn validated() -> bool {
    Instance::new(InstanceOptions { validation: true }).is_ok()
}

fn child(name: &str) -> Result<Completion, Failed> {
    let uuid = match cpu() {
        Ok(device) => device.id().device_uuid,
        Err(why) => return absent("cpu", &why),
    };
    let folder = tempfile::tempdir()?;
    let exe = env::current_exe()?;
    install(&exe.with_file_name(LIBRARY), &folder.path().join("lib"))?;
    let report = folder.path().join("report");
    let mut command = Command::new(&exe);
    command.env(CASE, name).env("LD_LIBRARY_PATH", folder.path().join("lib"));
    // Timelines are shared, as NVIDIA's driver does.
    let layers = folder.path().join("layers");
    let library = exe.with_file_name(zerohop_layer_timeline::LIBRARY);
    zerohop_layer_timeline::install(&library, &layers)?;
    let path = format!("/usr/share/vulkan/explicit_layer.d:{}", layers.display());
    command
        .env("VK_LAYER_PATH", path)
        .env("VK_INSTANCE_LAYERS", zerohop_layer_timeline::LAYER_NAME);
    command.env(plan::UUIDS, plan::hex(uuid)).env(plan::REPORT, &report);
    let output = command.output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(Report::read(&report)?.faults(), Vec::<String>::new());
    Ok(Completion::Completed)
}

struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

/// Sequence and bytes of a picture.
type Seen = (u64, Vec<u8>);

/// Looks at pictures in memfds.
#[derive(Clone, Default)]
struct Eye(Arc<Mutex<Vec<Seen>>>);

impl FrameSink for Eye {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &[]
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        let [MemoryHandle::Shm(fd)] = frame.buffer().memory() else { panic!("not in a memfd") };
        let mapping = Mapping::new(&Memfd::try_from(fd.try_clone()?)?)?;
        self.0.lock().unwrap().push((frame.info().sequence, mapping.as_slice().to_vec()));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// A path with CUDA's view for `eye`, and nothing else.
fn path(eye: &Eye) -> Path {
    let all = Arc::new(Measurements::default());
    let (observer, sinks) = (Arc::clone(&all) as _, all.of_sinks());
    let view = CudaView::new(Some(Box::new(eye.clone())), 1, observer, sinks);
    Path::to(eye, DeviceChoice::Any, all).with_view(Some(view)).with_validation(validated())
}

fn bytes() -> Vec<u8> {
    let size = EXTENT.width as usize * EXTENT.height as usize * 4;
    (0..size).map(|at| (at * 7 + at / 251) as u8).collect()
}

fn frame(
    sequence: u64,
    (memory, modifier, stride): (MemoryHandle, Modifier, u32),
    acquire: SyncPoint,
) -> Arc<Frame> {
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]);
    let (extent, fourcc, color) = (EXTENT, Fourcc::XRGB8888, Color::SRGB);
    let shape = FrameDescriptor { extent, fourcc, modifier, planes, color };
    let buffer = SharedBuffer::new(shape, ArrayVec::from_iter([memory])).unwrap();
    let (timestamp, presented) = (Duration::ZERO, Duration::ZERO);
    let info = FrameInfo { sequence, timestamp, presented, damage: Damage::Unknown };
    Arc::new(Frame::new(buffer, info, acquire, Arc::new(Nobody)))
}

/// An application that has died.
struct Dead;

impl Writer for Dead {
    fn lives(&self) -> bool {
        false
    }

    fn refuse(&self, _: &str) {}
}

/// An application that promised a value and died: its picture is given up, the next one is seen.
fn dead(physical: &PhysicalDevice) {
    let device = Device::open(physical).unwrap();
    let (queue, format) = (Queue::new(&device), PixelFormat::of(Fourcc::XRGB8888).unwrap());
    let image = Image::create(&device, EXTENT, format, &opaque_of(format)).unwrap();
    let image = Arc::new(image);
    write_picture(&queue, &image, &bytes()).unwrap();
    let picture = || (image.export().unwrap(), Modifier::INVALID, 0);
    let eye = Eye::default();
    let mut path = path(&eye);
    path.run(frame(0, picture(), SyncPoint::Signaled)).unwrap();
    let counter = Counter::new(3).unwrap();
    let fd = counter.as_fd().try_clone_to_owned().unwrap();
    let which = Timeline::new(device.id(), fd, Some(Box::new(Dead)));
    let never = SyncPoint::Timeline { which: Arc::clone(&which), value: 4 };
    let begin = Instant::now();
    let err = path.run(frame(1, picture(), never)).err().unwrap();
    assert_eq!(err.to_string(), "waited 10s for a picture to be complete in CUDA");
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert_eq!(which.forsaken(), Some("CUDA waited for it in vain"));
    path.run(frame(2, picture(), SyncPoint::Signaled)).unwrap();
    path.finish().unwrap();
    let seen = eye.0.lock().unwrap();
    let sequences: Vec<_> = seen.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, [0, 2]);
    assert!(seen.iter().all(|(_, seen)| *seen == bytes()));
}

/// Shared memory is read where it lies.
fn memfd(_: &PhysicalDevice) {
    let eye = Eye::default();
    let mut path = path(&eye);
    for sequence in 0..3 {
        let memfd = Memfd::create("picture", bytes().len() as u64).unwrap();
        MappingMut::new(&memfd).unwrap().as_mut_slice().copy_from_slice(&bytes());
        let memory = (MemoryHandle::Shm(memfd.into()), Modifier::LINEAR, EXTENT.width * 4);
        path.run(frame(sequence, memory, SyncPoint::Signaled)).unwrap();
    }
    let report = path.view().unwrap().report().unwrap().clone();
    let way = ("locked shared memory", "a memfd in the memory of the process");
    assert_eq!((report.way, report.handle), way);
    assert_eq!((report.pictures, report.copies), (3, 3));
    path.finish().unwrap();
    let seen = eye.0.lock().unwrap();
    assert!(seen.len() == 3 && seen.iter().all(|(_, seen)| *seen == bytes()));
}
