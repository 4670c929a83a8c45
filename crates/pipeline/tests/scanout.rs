//! Pictures on their way to the screen of a virtual card. Needs root and the kernel's debug files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrayvec::ArrayVec;
use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MemoryHandle, Modifier,
    PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd, wait_readable};
use zerohop_kms::{Card, Screen, Spec};
use zerohop_needs::absent;
use zerohop_pipeline::{Measurements, Scanout, Stages as _};
use zerohop_testkit::vkms;
use zerohop_vulkan::{DeviceChoice, InstanceOptions};

fn main() -> ExitCode {
    let name = "a_decoders_picture_is_shown_in_its_colours";
    let trial = Trial::ignorable_test(name, || match card() {
        None => absent("kms", "there is no card with the driver vkms"),
        Some(card) => {
            decoded(&card);
            Ok(Completion::Completed)
        }
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
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

/// An NV12 picture: black above, white below.
fn nv12(home: &Arc<Home>) -> Arc<Frame> {
    let (width, luma) = (EXTENT.width, EXTENT.width * EXTENT.height);
    let memfd = Memfd::create("nv12", u64::from(luma) * 3 / 2).unwrap();
    let mut pixels = MappingMut::new(&memfd).unwrap();
    let (y, chroma) = pixels.as_mut_slice().split_at_mut(luma as usize);
    y[..luma as usize / 2].fill(16);
    y[luma as usize / 2..].fill(235);
    chroma.fill(128);
    let plane = |offset| PlaneLayout { object: 0, offset, stride: width };
    let descriptor = FrameDescriptor {
        extent: EXTENT,
        fourcc: Fourcc::NV12,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter([plane(0), plane(luma)]),
        color: Color::BT709,
    };
    let memory = ArrayVec::from_iter([MemoryHandle::Shm(OwnedFd::from(memfd))]);
    let buffer = SharedBuffer::new(descriptor, memory).unwrap();
    let (timestamp, presented) = (Duration::ZERO, Duration::ZERO);
    let info = FrameInfo { sequence: 1, timestamp, presented, damage: Damage::Unknown };
    Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::clone(home) as _))
}

fn decoded(card: &Path) {
    let spec: Spec = format!("{},mode=640x480", card.display()).parse().unwrap();
    let screen = Arc::new(Mutex::new(Screen::open(&spec).unwrap()));
    let measurements = Arc::new(Measurements::new(None));
    let (device, options) = (DeviceChoice::Any, InstanceOptions { validation: true });
    let mut scanout = Scanout::new(Arc::clone(&screen), device, options, Arc::clone(&measurements));
    let home = Arc::new(Home(Mutex::default()));
    let picture = scanout.run(nv12(&home)).unwrap().unwrap();
    let mut screen = screen.lock().unwrap();
    screen.show(picture).unwrap();
    while screen.poll_event().unwrap().is_none() {
        wait_readable(&*screen, Duration::from_secs(10)).unwrap();
    }
    let half = (EXTENT.width * EXTENT.height / 2) as usize;
    let rows = [[0; 4]; 1].into_iter().cycle().take(half);
    let expected = vkms::of(rows.chain([[255; 4]; 1].into_iter().cycle().take(half)));
    assert_eq!(vkms::wait_for(card, expected), Ok(()), "other colours");
    assert_eq!(*home.0.lock().unwrap(), 0, "the decoder waits for the screen");
    drop(screen);
    drop(scanout);
    let said = measurements.counts().fallbacks;
    assert!(said.iter().all(|fallback| fallback.what == "screen"), "{said:?}");
}
