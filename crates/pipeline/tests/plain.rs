//! Pictures that only a device reads, on their way to sinks that read rows. Under the validation
//! layer where it is installed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MAX_PLANES, MemoryHandle,
    Modifier, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{Mapping, Memfd};
use zerohop_needs::absent;
use zerohop_pipeline::{Measurements, Plain, Stages as _};
use zerohop_vulkan::{
    Buffer, Device, DeviceChoice, Image, Instance, InstanceOptions, Queue, Recording, opaque_for,
    write_picture,
};

const EXTENT: Extent = Extent { width: 50, height: 38 };

fn main() -> ExitCode {
    let device = open().map(|_| ()).map_err(|err| err.to_string());
    let trial = |name, test: fn()| {
        let device = device.clone();
        Trial::ignorable_test(name, move || match device {
            Ok(()) => {
                test();
                Ok(Completion::Completed)
            }
            Err(why) => absent("device", &why),
        })
        .with_kind("device")
    };
    let tests = vec![
        trial("the_planes_of_a_tiled_image_come_as_rows", image),
        trial("the_rows_of_a_device_come_without_their_padding", rows),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn open() -> Result<Arc<Queue>, zerohop_vulkan::Error> {
    let instance = Instance::new(InstanceOptions::default())?;
    Ok(Queue::new(&Device::open(&DeviceChoice::Any.pick(&instance)?)?))
}

struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

/// What a sink gets of NV12 in `handle`.
fn read(
    handle: MemoryHandle,
    modifier: Modifier,
    planes: ArrayVec<PlaneLayout, MAX_PLANES>,
) -> Vec<u8> {
    let fourcc = Fourcc::NV12;
    let shape = FrameDescriptor { extent: EXTENT, fourcc, modifier, planes, color: Color::BT709 };
    let buffer = SharedBuffer::new(shape.clone(), ArrayVec::from_iter([handle])).unwrap();
    let (timestamp, presented) = (Duration::ZERO, Duration::ZERO);
    let info = FrameInfo { sequence: 3, timestamp, presented, damage: Damage::Unknown };
    let frame = Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody)));
    let measurements = Arc::<Measurements>::default();
    let validation = Instance::new(InstanceOptions { validation: true }).is_ok();
    let options = InstanceOptions { validation };
    let mut plain = Plain::new(DeviceChoice::Any, options, Arc::clone(&measurements));
    plain.reshape(&shape).unwrap();
    let out = plain.run(Arc::clone(&frame)).unwrap().unwrap();
    let again = plain.run(Arc::clone(&out)).unwrap().unwrap();
    assert!(Arc::ptr_eq(&out, &again), "what is plain is handed on as it is");
    let [MemoryHandle::Shm(fd)] = out.buffer().memory() else { panic!("not in a memfd") };
    let mapping = Mapping::new(&Memfd::try_from(fd.try_clone().unwrap()).unwrap()).unwrap();
    assert_eq!(out.buffer().descriptor().modifier, Modifier::LINEAR);
    assert!(measurements.counts().sink_copies.cpu_bytes > 0, "and the copies are told of");
    drop((out, again, frame));
    plain.finish().unwrap();
    mapping.as_slice().to_vec()
}

/// Pixels of a whole picture, rows without padding.
fn pixels() -> Vec<u8> {
    let size = EXTENT.width as usize * EXTENT.height as usize * 3 / 2;
    (0..size).map(|at| (at * 7 + at / 251) as u8).collect()
}

fn image() {
    let queue = open().unwrap();
    let device = queue.device();
    let opaque = opaque_for(device, Fourcc::NV12, EXTENT).unwrap();
    let image = Image::create_for(device, EXTENT, Fourcc::NV12, &opaque).unwrap();
    let image = Arc::new(image);
    write_picture(&queue, &image, &pixels()).unwrap();
    let whole = PlaneLayout { object: 0, offset: 0, stride: 0 };
    let planes = ArrayVec::from_iter([whole]);
    assert!(read(image.export().unwrap(), Modifier::INVALID, planes) == pixels());
}

fn rows() {
    let queue = open().unwrap();
    let (stride, luma) = (64_usize, 64 * EXTENT.height as usize);
    let mut padded = vec![0xee; luma * 3 / 2];
    for (row, pixels) in pixels().chunks(EXTENT.width as usize).enumerate() {
        padded[row * stride..][..pixels.len()].copy_from_slice(pixels);
    }
    let size = padded.len() as u64;
    let buffer = Arc::new(Buffer::exportable(queue.device(), size).unwrap());
    let staging = Arc::new(Buffer::read_back(queue.device(), size).unwrap());
    staging.write(0, &padded);
    let mut recording = Recording::begin(&queue).unwrap();
    recording.write(&buffer);
    recording.copy_ranges(&staging, &buffer, &[(0, size)]);
    let _ = recording.submit_and_wait().unwrap();
    let plane = |offset| PlaneLayout { object: 0, offset, stride: stride as u32 };
    let planes = ArrayVec::from_iter([plane(0), plane(luma as u32)]);
    let handle = buffer.export().unwrap();
    assert!(read(handle, Modifier::LINEAR, planes) == pixels());
}
