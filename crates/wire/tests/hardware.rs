//! What needs a real dma-buf, and the real fences that only a dma-buf gives without a GPU driver.
//!
//! It is made by `/dev/udmabuf`; or it is handed over as standard input (2 MiB or more), where a
//! machine has another maker of them. Without one the tests are ignored, or fail when
//! `ZEROHOP_REQUIRE` names `dma_buf`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use arrayvec::ArrayVec;
use common::{announce_with, descriptor, drain, frame, open, opened, say};
use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_frame::{
    DescriptorError, Extent, FrameDescriptor, MemoryHandle, PlaneLayout, SyncPoint,
};
use zerohop_kernel::{Access, FdKind, Memfd, Socket, SyncFile, export_sync_file, kind_of, udmabuf};
use zerohop_needs::absent;
use zerohop_wire::{
    Error, FrameMessage, Peer, Point, ToHost, ToProducer, VERSION, Violation, WireBufferId, text,
};

/// Bytes of the picture that all of this is about: 512x1024 words.
const SIZE: u64 = 2 << 20;

type Test = (&'static str, fn(OwnedFd));

fn main() -> ExitCode {
    let tests: [Test; 5] = [
        ("a_dma_buf_tells_its_size", tells_its_size),
        ("a_dma_buf_that_holds_its_planes_is_taken", is_taken),
        ("a_dma_buf_that_is_too_small_is_refused", too_small_is_refused),
        ("a_dma_buf_is_no_memfd", is_no_memfd),
        ("fences_travel_and_many_become_few", fences_travel),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::ignorable_test(name, move || match dma_buf() {
            Ok(fd) => {
                test(fd);
                Ok(Completion::Completed)
            }
            Err(why) => absent("dma_buf", &format!("udmabuf: {why}; standard input is no dma-buf")),
        })
        .with_kind("dma_buf")
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn dma_buf() -> io::Result<OwnedFd> {
    let made = udmabuf(&Memfd::create("test", SIZE)?);
    made.or_else(|err| match kind_of(io::stdin().as_fd()) {
        Ok(FdKind::DmaBuf { size }) if size >= SIZE => io::stdin().as_fd().try_clone_to_owned(),
        _ => Err(err),
    })
}

fn shape(height: u32) -> FrameDescriptor {
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 2048 }]);
    FrameDescriptor { extent: Extent { width: 512, height }, planes, ..descriptor() }
}

fn tells_its_size(dma_buf: OwnedFd) {
    assert!(matches!(kind_of(&dma_buf).unwrap(), FdKind::DmaBuf { size } if size >= SIZE));
}

fn is_taken(dma_buf: OwnedFd) {
    let (mut producer, peer) = opened();
    producer.send(&announce_with(1, shape(1024), MemoryHandle::DmaBuf(dma_buf))).unwrap();
    let Some(ToHost::Announce { memory, .. }) = peer.poll().unwrap() else { panic!() };
    let [MemoryHandle::DmaBuf(fd)] = &memory[..] else { panic!("{memory:?}") };
    assert!(matches!(kind_of(fd).unwrap(), FdKind::DmaBuf { .. }));
}

fn too_small_is_refused(dma_buf: OwnedFd) {
    let FdKind::DmaBuf { size } = kind_of(&dma_buf).unwrap() else { panic!("a dma-buf") };
    let rows = u32::try_from(size / 2048).unwrap() + 1;
    let (mut producer, peer) = opened();
    producer.send(&announce_with(1, shape(rows), MemoryHandle::DmaBuf(dma_buf))).unwrap();
    let Error::Violation(violation) = peer.poll().unwrap_err() else { panic!("a violation") };
    let end = u64::from(rows) * 2048;
    let expected = DescriptorError::PlaneEnd { plane: 0, end, object: 0, size };
    assert_eq!(violation, Violation::Descriptor(expected));
}

fn is_no_memfd(dma_buf: OwnedFd) {
    let (mut producer, peer) = opened();
    producer.send(&announce_with(1, shape(1024), MemoryHandle::Shm(dma_buf))).unwrap();
    let Error::Violation(violation) = peer.poll().unwrap_err() else { panic!("a violation") };
    assert!(violation.to_string().starts_with("object 0 is not a memfd but DmaBuf"), "{violation}");
}

/// Fences of the kernel's go out with a picture and come home, seven merged into four.
fn fences_travel(dma_buf: OwnedFd) {
    let fence = || -> SyncFile { export_sync_file(dma_buf.as_fd(), Access::Write).unwrap() };
    assert_eq!(kind_of(fence()).unwrap(), FdKind::SyncFile);
    assert!(fence().merge(&fence()).unwrap().wait(Duration::from_secs(1)).unwrap());
    assert!(dma_buf_is_no_fence(&dma_buf));

    let (mut producer, peer) = opened();
    let memory = MemoryHandle::DmaBuf(dma_buf.try_clone().unwrap());
    producer.send(&announce_with(1, shape(1024), memory)).unwrap();
    let acquire = Point::from(fence());
    producer.send(&ToHost::Frame(FrameMessage { acquire, ..frame(1, 1) })).unwrap();
    peer.poll().unwrap();
    let Some(ToHost::Frame(got)) = peer.poll().unwrap() else { panic!("a picture") };
    assert!(is_reached(&got.acquire));

    let readers = (0..7).map(|_| SyncPoint::from(fence())).chain([SyncPoint::Signaled]);
    peer.release(WireBufferId(1), 1, readers.collect()).unwrap();
    common::welcome(&mut producer);
    let Some(ToProducer::Release { after, .. }) = producer.poll().unwrap() else { panic!() };
    assert_eq!(after.len(), 4);
    assert!(after.iter().all(is_reached));
    assert_eq!(drain(&peer).unwrap(), 0);
}

fn is_reached(point: &Point) -> bool {
    matches!(point, Point::SyncFile(file) if file.wait(Duration::from_secs(1)).unwrap())
}

/// A dma-buf polls, but a sync point it is not.
fn dma_buf_is_no_fence(dma_buf: &OwnedFd) -> bool {
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    say(&theirs, &ToHost::Hello { version: VERSION, name: text("test") });
    say(&theirs, &open(1));
    say(&theirs, &common::announce(1));
    let acquire = Point::from(SyncFile::from(dma_buf.try_clone().unwrap()));
    say(&theirs, &ToHost::Frame(FrameMessage { acquire, ..frame(1, 1) }));
    matches!(drain(&peer), Err(Error::Violation(Violation::NotFence)))
}
