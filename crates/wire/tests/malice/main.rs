//! Peers that break the rules: each is told why, loses its connection, and leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod floods;
mod hosts;
mod kept;
mod memory;
mod messages;
mod pictures;
mod timelines;

use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use arrayvec::ArrayVec;
use common::{announce, open, open_fds, say, shm};
use zerohop_frame::{DeviceId, MemoryHandle};
use zerohop_kernel::Socket;
use zerohop_wire::{
    Error, MAX_MESSAGE, Peer, SharedTimeline, ToHost, ToProducer, VERSION, WireTimelineId, text,
};

/// Counting descriptors takes a process without other tests at the time.
static ALONE: Mutex<()> = Mutex::new(());

/// Lets a stranger talk, and expects the host's reason for ending it.
#[track_caller]
fn refused(reason: &str, talk: impl FnOnce(&Socket)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = open_fds();
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::new(ours, None, ArrayVec::from_iter([DEVICE])).unwrap();
    talk(&theirs);
    let err = std::iter::repeat_with(|| peer.poll()).find_map(Result::err).unwrap();
    assert!(matches!(err, Error::Violation(_)), "{err}");
    assert_eq!(last_words(&theirs), reason);
    drop((theirs, peer));
    assert_eq!(open_fds(), before, "descriptors stayed open");
}

/// What the host says before it closes.
#[track_caller]
fn last_words(socket: &Socket) -> String {
    let mut words = None;
    let mut bytes = [0; MAX_MESSAGE];
    loop {
        let received = socket.receive(&mut bytes).unwrap();
        if received.length == 0 {
            return words.expect("the host closed without a reason");
        }
        let message = ToProducer::decode(&bytes[..received.length], received.fds).unwrap();
        if let ToProducer::Refused { reason } = message {
            words = Some(reason.to_string());
        }
    }
}

/// The same after a proper beginning: `Hello`, and stream 1.
#[track_caller]
fn refused_later(reason: &str, talk: impl FnOnce(&Socket)) {
    refused(reason, |socket| {
        say(socket, &hello());
        say(socket, &open(1));
        talk(socket);
    });
}

fn hello() -> ToHost {
    ToHost::Hello { version: VERSION, name: text("stranger") }
}

/// Sends `message` with `bytes` in place of its own at `offset`.
fn say_patched(socket: &Socket, message: &ToHost, offset: usize, bytes: &[u8]) {
    let packet = message.encode().unwrap();
    let mut patched = packet.bytes.to_vec();
    patched[offset..offset + bytes.len()].copy_from_slice(bytes);
    socket.send(&patched, &packet.fds).unwrap();
}

/// Announces with one number changed.
#[track_caller]
fn refused_announce(reason: &str, offset: usize, value: u32) {
    refused_later(reason, |socket| {
        say_patched(socket, &announce(1), offset, &value.to_le_bytes());
    });
}

fn null() -> OwnedFd {
    std::fs::File::open("/dev/null").unwrap().into()
}

const DEVICE: DeviceId = DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] };

fn timeline(timeline: u32, device: DeviceId) -> SharedTimeline {
    let MemoryHandle::Shm(fd) = shm(64) else { unreachable!("shm makes a memfd") };
    SharedTimeline { timeline: WireTimelineId(timeline), value: 7, device, fd }
}
