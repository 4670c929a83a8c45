//! What is fuzzed: a host's end that hears a conversation, and both decoders.
//!
//! An input is a row of records: what to do (1 byte), which descriptors to add (1 byte), how many
//! bytes follow (2 bytes, little-endian), and these.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use arrayvec::ArrayVec;
use rustix::fs::{MemfdFlags, memfd_create};
use zerohop_frame::DeviceId;
use zerohop_kernel::{Eventfd, Memfd, Socket};
use zerohop_wire::{Error, MAX_MESSAGE, Peer, ToHost, ToProducer, WireBufferId};

/// Send the bytes to the host.
pub(crate) const TO_HOST: u8 = 0;
/// Decode the bytes as a host's message.
pub(crate) const TO_PRODUCER: u8 = 1;
/// Let the host release the picture that is out for longest.
pub(crate) const RELEASE: u8 = 2;

/// The device whose timelines the host takes.
pub(crate) const DEVICE: DeviceId = DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] };

/// How far an input came.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Messages that the host took.
    pub(crate) accepted: u64,
    /// Why it ended the connection.
    pub(crate) refused: Option<String>,
}

/// Plays `input`. Panics when the house would be at fault.
pub(crate) fn run(input: &[u8]) -> Outcome {
    let (theirs, ours) = Socket::pair().expect("a fuzzer has free descriptors");
    let devices = ArrayVec::from_iter([DEVICE]);
    let peer = Peer::new(ours, None, devices).expect("a socket pair knows its peer");
    let mut outcome = Outcome::default();
    let mut out = Vec::new();
    let mut rest = input;
    while let Some((head, tail)) = rest.split_at_checked(4) {
        let length = usize::from(u16::from_le_bytes([head[2], head[3]])).min(tail.len());
        let (bytes, next) = tail.split_at(length);
        rest = next;
        match head[0] % 3 {
            TO_HOST => {
                let _ = theirs.send(bytes, &choose(head[1]));
                if !hear(&peer, &mut out, &mut outcome) {
                    break;
                }
            }
            TO_PRODUCER => decode_as_producer(bytes, head[1]),
            _ if out.is_empty() => {}
            _ => {
                let (buffer, sequence) = out.remove(0);
                let _ = peer.release(buffer, sequence, Vec::new());
                let _ = theirs.receive(&mut [0; MAX_MESSAGE]);
            }
        }
    }
    outcome
}

/// Hears all that waits. Returns whether the connection lives.
fn hear(peer: &Peer, out: &mut Vec<(WireBufferId, u64)>, outcome: &mut Outcome) -> bool {
    loop {
        match peer.poll() {
            Ok(None) => return true,
            Ok(Some(message)) => {
                outcome.accepted += 1;
                check_round_trip(&message);
                if let ToHost::Frame(frame) = message {
                    out.push((frame.buffer, frame.sequence));
                }
            }
            Err(Error::Violation(violation)) => {
                outcome.refused = Some(violation.to_string());
                return false;
            }
            Err(_) => return false,
        }
    }
}

/// What was taken says the same when it is said again.
fn check_round_trip(message: &ToHost) {
    let packet = message.encode().expect("what was decoded can be encoded");
    let again = ToHost::decode(&packet.bytes, duplicates(&packet.fds)).expect("and decoded");
    let twice = again.encode().expect("and encoded");
    assert_eq!(packet.bytes, twice.bytes);
    assert_eq!(packet.fds.len(), twice.fds.len());
}

fn decode_as_producer(bytes: &[u8], fds: u8) {
    if let Ok(message) = ToProducer::decode(bytes, duplicates(&choose(fds))) {
        let packet = message.encode().expect("what was decoded can be encoded");
        assert_eq!(packet.bytes[..], *bytes);
    }
}

fn duplicates(fds: &[BorrowedFd<'_>]) -> Vec<OwnedFd> {
    fds.iter().filter_map(|fd| fd.try_clone_to_owned().ok()).collect()
}

/// Up to seven descriptors: the count in the low three bits, the kinds from the others.
pub(crate) fn choose(selector: u8) -> Vec<BorrowedFd<'static>> {
    static KINDS: OnceLock<[OwnedFd; 4]> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| {
        let sealed = Memfd::create("fuzz", 1 << 20).expect("a fuzzer has memory");
        let loose = memfd_create("fuzz", MemfdFlags::CLOEXEC).expect("a fuzzer has memory");
        let bell = Eventfd::new().and_then(|bell| bell.as_fd().try_clone_to_owned());
        let null = File::open("/dev/null").expect("Linux has /dev/null");
        [sealed.into(), loose, bell.expect("a fuzzer has free descriptors"), null.into()]
    });
    let (count, first) = (usize::from(selector & 7), usize::from(selector >> 3));
    // Selectors 0 to 7 are sealed memfds only, as honest producers send them.
    (0..count).map(|at| kinds[if first == 0 { 0 } else { (first + at) % 4 }].as_fd()).collect()
}
