//! What the socket tests share: two ends of a connection, and buffers to send.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::fd::OwnedFd;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, FrameDescriptor, MediaTime, MemoryHandle, Modifier, PlaneLayout,
};
use zerohop_kernel::{Memfd, Socket, clock_monotonic};
use zerohop_wire::{
    Copies, Error, FrameMessage, KeptMessage, Peer, Point, Producer, StreamId, ToHost,
    WireBufferId, text,
};

/// A producer and the host's end of it.
pub(crate) fn connected() -> (Producer, Peer) {
    let (ours, theirs) = Socket::pair().unwrap();
    let producer = Producer::over(ours, "test").unwrap();
    (producer, Peer::over(theirs).unwrap())
}

/// The same after `Hello`, with stream 1 open.
pub(crate) fn opened() -> (Producer, Peer) {
    let (mut producer, peer) = connected();
    producer.send(&open(1)).unwrap();
    assert_eq!(drain(&peer).unwrap(), 2);
    (producer, peer)
}

/// Hears the whole answer to `Hello`.
pub(crate) fn welcome(producer: &mut Producer) {
    while !producer.is_welcome() {
        producer.poll().unwrap().unwrap();
    }
}

/// Hears everything that waits at `peer`.
pub(crate) fn drain(peer: &Peer) -> Result<usize, Error> {
    let mut count = 0;
    while peer.poll()?.is_some() {
        count += 1;
    }
    Ok(count)
}

pub(crate) fn open(stream: u32) -> ToHost {
    ToHost::OpenStream { stream: StreamId(stream), name: text("window"), clock: None }
}

/// 4x4 pixels of four bytes.
pub(crate) fn descriptor() -> FrameDescriptor {
    FrameDescriptor {
        extent: Extent { width: 4, height: 4 },
        fourcc: Fourcc::XRGB8888,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 16 }]),
        color: Color::SRGB,
    }
}

pub(crate) fn shm(size: u64) -> MemoryHandle {
    MemoryHandle::Shm(OwnedFd::from(Memfd::create("test", size).unwrap()))
}

pub(crate) fn announce(buffer: u64) -> ToHost {
    announce_with(buffer, descriptor(), shm(64))
}

pub(crate) fn announce_with(
    buffer: u64,
    descriptor: FrameDescriptor,
    memory: MemoryHandle,
) -> ToHost {
    let (buffer, stream) = (WireBufferId(buffer), StreamId(1));
    let memory = ArrayVec::from_iter([memory]);
    ToHost::Announce { buffer, stream, descriptor, memory, copies: Copies::default() }
}

pub(crate) fn frame(buffer: u64, sequence: u64) -> FrameMessage {
    FrameMessage {
        buffer: WireBufferId(buffer),
        sequence,
        timestamp: clock_monotonic() + Duration::from_millis(1),
        presented: clock_monotonic(),
        replaceable: false,
        damage: Damage::Unknown,
        media: MediaTime::default(),
        acquire: Point::Signaled,
    }
}

/// Word that `count` pictures of stream 1 up to `sequence` were kept.
pub(crate) fn kept(count: u32, sequence: u64) -> KeptMessage {
    KeptMessage { stream: StreamId(1), count, sequence, timestamp: clock_monotonic() }
}

/// How many descriptors this process has open.
pub(crate) fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Sends what a producer of ours might not.
pub(crate) fn say(socket: &Socket, message: &ToHost) {
    let packet = message.encode().unwrap();
    socket.send(&packet.bytes, &packet.fds).unwrap();
}
