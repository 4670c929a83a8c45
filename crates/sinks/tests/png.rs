//! What is in the files is what was in the picture.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, FrameSink as _, MemoryHandle,
    Modifier, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd};
use zerohop_sinks::Png;

struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

fn frame(sequence: u64, extent: Extent, bytes: &[u8]) -> Arc<Frame> {
    let memfd = Memfd::create("picture", bytes.len() as u64).unwrap();
    MappingMut::new(&memfd).unwrap().as_mut_slice().copy_from_slice(bytes);
    let plane = PlaneLayout { object: 0, offset: 0, stride: extent.width * 4 };
    let descriptor = FrameDescriptor {
        extent,
        fourcc: Fourcc::XBGR8888,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter([plane]),
        color: Color::SRGB,
    };
    let memory = ArrayVec::from_iter([MemoryHandle::Shm(memfd.into())]);
    let buffer = SharedBuffer::new(descriptor, memory).unwrap();
    let info = FrameInfo {
        sequence,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody)))
}

#[test]
fn each_picture_is_a_file_named_after_its_sequence() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("new").join("pictures");
    let mut png = Png::create(&into).unwrap();
    let extent = Extent { width: 17, height: 5 };
    let picture = |seed: u8| -> Vec<u8> { (0..17 * 5 * 4).map(|at| at as u8 ^ seed).collect() };
    for sequence in [0, 7] {
        png.submit(frame(sequence, extent, &picture(sequence as u8))).unwrap();
    }
    png.finish().unwrap();

    assert_eq!(std::fs::read_dir(&into).unwrap().count(), 2);
    for (name, seed) in [("00000000.png", 0), ("00000007.png", 7)] {
        let file = BufReader::new(File::open(into.join(name)).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut found = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut found).unwrap();
        assert_eq!((info.width, info.height), (17, 5));
        let all = picture(seed);
        let wanted = all.chunks_exact(4).flat_map(|pixel| &pixel[..3]);
        assert!(found.iter().eq(wanted), "{name}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_at_once() {
    let err = Png::create("/proc/nowhere/pictures".as_ref()).err().unwrap();
    assert_eq!(err.to_string(), "could not create /proc/nowhere/pictures");
}
