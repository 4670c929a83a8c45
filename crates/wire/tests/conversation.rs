//! Two honest ends, over a socket of the kernel's.

mod common;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use arrayvec::ArrayVec;
use common::{announce, connected, drain, frame, kept, open, opened, say, welcome};
use zerohop_frame::{DeviceId, SyncPoint, Timeline};
use zerohop_kernel::Socket;
use zerohop_wire::{
    Error, FrameMessage, Listener, MAX_MESSAGE, Peer, Point, Producer, SharedTimeline, StreamId,
    ToHost, ToProducer, VERSION, Violation, WireBufferId, WireTimelineId, text,
};

#[test]
fn a_producer_is_welcomed_where_the_host_listens() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    let path = folder.path().join("socket");
    let err = Producer::connect(&path, "early").unwrap_err();
    assert!(matches!(err, Error::Socket { .. }), "{err}");

    let listener = Listener::bind(&path).unwrap();
    let mut producer = Producer::connect(&path, "vkcube").unwrap();
    let peer = listener.accept().unwrap().unwrap();
    assert!(listener.accept().unwrap().is_none());
    assert_eq!(peer.credentials().pid, std::process::id());
    assert!(peer.hello_deadline().is_some() && !producer.is_welcome());
    let hello = peer.poll().unwrap();
    let Some(ToHost::Hello { version: VERSION, name }) = hello else { panic!("{hello:?}") };
    assert_eq!((name.as_str(), peer.hello_deadline()), ("vkcube", None));
    assert!(matches!(producer.poll().unwrap(), Some(ToProducer::Welcome { version: VERSION, .. })));
    assert!(!producer.is_welcome(), "not all of the answer was heard");
    assert!(matches!(producer.poll().unwrap(), Some(ToProducer::Devices { .. })));
    assert!(producer.is_welcome() && producer.poll().unwrap().is_none());
}

#[test]
fn a_picture_goes_out_and_comes_home_once() {
    let (mut producer, peer) = opened();
    welcome(&mut producer);
    producer.send(&announce(1)).unwrap();
    producer.send(&ToHost::Frame(frame(1, 5))).unwrap();
    let Some(ToHost::Announce { memory, .. }) = peer.poll().unwrap() else { panic!() };
    assert_eq!(memory.len(), 1);
    let Some(ToHost::Frame(message)) = peer.poll().unwrap() else { panic!() };
    assert_eq!((message.buffer, message.sequence), (WireBufferId(1), 5));
    assert_eq!(producer.out(), 1);

    peer.release(message.buffer, 5, Vec::new()).unwrap();
    let err = peer.release(message.buffer, 5, Vec::new()).unwrap_err();
    assert!(matches!(err, Error::Invalid(Violation::NotOut { buffer: 1, sequence: 5 })));
    let released = producer.poll().unwrap();
    let Some(ToProducer::Release { buffer, sequence: 5, after }) = released else {
        panic!("{released:?}");
    };
    assert!(buffer == WireBufferId(1) && after.is_empty() && producer.out() == 0);
    producer.send(&ToHost::Frame(frame(1, 6))).unwrap();
    assert_eq!(drain(&peer).unwrap(), 1);
}

#[test]
fn a_retired_buffer_that_is_out_still_comes_home() {
    let (mut producer, peer) = opened();
    producer.send(&announce(1)).unwrap();
    producer.send(&ToHost::Frame(frame(1, 1))).unwrap();
    producer.send(&ToHost::CloseStream { stream: StreamId(1) }).unwrap();
    assert_eq!(drain(&peer).unwrap(), 3);
    peer.release(WireBufferId(1), 1, Vec::new()).unwrap();
    welcome(&mut producer);
    assert!(matches!(producer.poll().unwrap(), Some(ToProducer::Release { .. })));
    let err = producer.send(&ToHost::Frame(frame(1, 2))).unwrap_err();
    assert!(matches!(err, Error::Invalid(Violation::NoBuffer(1))), "{err:?}");
    producer.send(&open(2)).unwrap();
    assert_eq!(drain(&peer).unwrap(), 1);
}

#[test]
fn a_stopped_host_is_full_and_nothing_is_half_sent() {
    let (mut producer, peer) = connected();
    let full = stuff(&mut producer);
    assert!(matches!(full, Error::Full), "{full}");
    drain(&peer).unwrap();
    producer.send(&open(1)).unwrap();
    assert_eq!(drain(&peer).unwrap(), 1);
}

/// Sends fallbacks until there is no room.
fn stuff(producer: &mut Producer) -> Error {
    let text = zerohop_wire::text("text");
    let fallback = ToHost::Fallback { what: text, reason: text, cost: text };
    (0..10_000).find_map(|_| producer.send(&fallback).err()).expect("a socket has an end")
}

#[test]
fn a_dismissed_producer_hears_why() {
    let (mut producer, peer) = opened();
    welcome(&mut producer);
    // Left unread, so that the kernel says "reset" before it gives the reason.
    producer.send(&open(2)).unwrap();
    peer.dismiss("the recording has ended");
    drop(peer);
    let err = producer.poll().unwrap_err();
    assert_eq!(err.to_string(), "the host refused: the recording has ended");
    assert!(matches!(producer.send(&open(3)).unwrap_err(), Error::Closed));
    assert!(matches!(producer.poll().unwrap_err(), Error::Closed));
}

#[test]
fn a_dead_host_is_closed_and_raises_no_signal() {
    let (mut producer, peer) = opened();
    drop(peer);
    assert!(matches!(producer.send(&open(2)).unwrap_err(), Error::Closed));
    let mut rest = std::iter::from_fn(|| Some(producer.poll()));
    assert!(matches!(rest.find_map(Result::err), Some(Error::Closed)));
}

#[test]
fn what_a_producer_said_before_it_died_is_heard_though_it_cannot_be_answered() {
    let (mut producer, peer) = opened();
    for buffer in 1..=3 {
        producer.send(&announce(buffer)).unwrap();
        producer.send(&ToHost::Frame(frame(buffer, buffer))).unwrap();
    }
    drop(producer);
    peer.poll().unwrap();
    assert!(matches!(peer.poll().unwrap(), Some(ToHost::Frame(_))));
    let err = peer.release(WireBufferId(1), 1, Vec::new()).unwrap_err();
    assert!(matches!(err, Error::Closed), "{err}");
    for _ in 0..4 {
        assert!(peer.poll().unwrap().is_some());
    }
    assert!(matches!(peer.poll().unwrap_err(), Error::Closed));
}

#[test]
fn releases_wait_for_a_producer_that_does_not_read() {
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    say(&theirs, &ToHost::Hello { version: VERSION, name: text("deaf") });
    say(&theirs, &open(1));
    say(&theirs, &announce(1));
    let mut sequence = 0;
    while !peer.has_unsent() {
        sequence += 1;
        assert!(sequence < 10_000, "a socket has an end");
        say(&theirs, &ToHost::Frame(frame(1, sequence)));
        drain(&peer).unwrap();
        peer.release(WireBufferId(1), sequence, Vec::new()).unwrap();
    }
    let mut releases = 0;
    let mut bytes = [0; MAX_MESSAGE];
    while releases < sequence {
        match theirs.receive(&mut bytes) {
            Ok(some) => {
                let message = ToProducer::decode(&bytes[..some.length], some.fds).unwrap();
                releases += u64::from(matches!(message, ToProducer::Release { .. }));
            }
            Err(_) => peer.flush().unwrap(),
        }
    }
    assert!(!peer.has_unsent());
}

#[test]
fn a_producer_that_is_told_that_it_stands_still_keeps_pictures() {
    let (mut producer, peer) = opened();
    welcome(&mut producer);
    let stream = StreamId(1);
    peer.say_still(stream, false).unwrap();
    assert!(producer.poll().unwrap().is_none(), "nobody was told that it does");
    producer.send(&announce(1)).unwrap();
    producer.send(&ToHost::Frame(frame(1, 1))).unwrap();
    for said in [true, true, false] {
        peer.say_still(stream, said).unwrap();
        let told = producer.poll().unwrap();
        assert!(
            matches!(told, Some(ToProducer::Still { stream: s, still }) if (s, still) == (stream, said))
        );
    }
    producer.send(&ToHost::Kept(kept(2, 4))).unwrap();
    producer.send(&ToHost::Kept(kept(1, 5))).unwrap();
    let err = producer.send(&ToHost::Kept(kept(2, 6))).unwrap_err();
    assert!(matches!(err, Error::Invalid(Violation::Range { value: 2, most: 1, .. })), "{err:?}");
    assert_eq!(drain(&peer).unwrap(), 4);

    producer.send(&ToHost::CloseStream { stream }).unwrap();
    peer.say_still(stream, true).unwrap();
    let told = producer.poll().unwrap();
    assert!(matches!(told, Some(ToProducer::Still { .. })), "the two crossed each other");
    assert_eq!(drain(&peer).unwrap(), 1);
    peer.say_still(stream, true).unwrap();
    assert!(producer.poll().unwrap().is_none(), "the host knows that it is closed");
}

#[test]
fn only_the_last_word_waits_for_a_producer_that_does_not_read() {
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    say(&theirs, &ToHost::Hello { version: VERSION, name: text("deaf") });
    say(&theirs, &open(1));
    drain(&peer).unwrap();
    let mut sent = 0;
    while !peer.has_unsent() {
        peer.say_still(StreamId(1), true).unwrap();
        sent += 1;
        assert!(sent < 10_000, "a socket has an end");
    }
    (0..100).for_each(|_| peer.say_still(StreamId(1), true).unwrap());
    peer.say_still(StreamId(1), false).unwrap();
    let (mut heard, mut last) = (0, None);
    let mut bytes = [0; MAX_MESSAGE];
    while peer.has_unsent() || last != Some(false) {
        let Ok(some) = theirs.receive(&mut bytes) else {
            peer.flush().unwrap();
            continue;
        };
        if let ToProducer::Still { still, .. } =
            ToProducer::decode(&bytes[..some.length], some.fds).unwrap()
        {
            (heard, last) = (heard + 1, Some(still));
        }
    }
    assert_eq!(heard, sent, "what went before it, and the last word in place of what waited");
}

/// What a producer hears next about whether it stands still.
fn hear(producer: &Socket) -> Option<bool> {
    let mut bytes = [0; MAX_MESSAGE];
    loop {
        let some = producer.receive(&mut bytes).ok()?;
        let message = ToProducer::decode(&bytes[..some.length], some.fds).expect("a message");
        if let ToProducer::Still { still, .. } = message {
            return Some(still);
        }
    }
}

/// All that it hears of that.
fn hear_all(producer: &Socket, peer: &Peer) -> Vec<bool> {
    let mut heard = Vec::new();
    while peer.has_unsent() {
        heard.extend(hear(producer));
        peer.flush().expect("the producer is there");
    }
    heard.extend(std::iter::from_fn(|| hear(producer)));
    heard
}

#[test]
fn that_a_stream_is_still_again_does_not_hide_that_a_picture_was_lost() {
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    say(&theirs, &ToHost::Hello { version: VERSION, name: text("deaf") });
    say(&theirs, &open(1));
    drain(&peer).unwrap();
    let say_still = |still| peer.say_still(StreamId(1), still).unwrap();
    let fill = || {
        let full = (0..10_000).any(|_| {
            say_still(true);
            peer.has_unsent()
        });
        assert!(full, "a socket has an end");
    };
    fill();
    (0..100).for_each(|_| [false, true, true].into_iter().for_each(say_still));
    let heard = hear_all(&theirs, &peer);
    assert_eq!(heard.iter().filter(|still| !**still).count(), 1, "what waits does not grow");
    assert!(heard.ends_with(&[false, true]), "the next picture must come");

    // Of the two that wait the first one goes; then the second is not true any more.
    fill();
    [false, true].into_iter().for_each(say_still);
    assert!(hear(&theirs).is_some());
    peer.flush().unwrap();
    assert!(peer.has_unsent(), "there was room for one");
    say_still(false);
    assert_eq!(hear_all(&theirs, &peer).last(), Some(&false));
}

/// The host answers in kind: the timeline is announced once, and before what names it.
// Long because two producers are told different things.
#[test]
fn a_hosts_timeline_is_told_before_the_first_release_that_names_it() {
    let device = DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] };
    let (ours, theirs) = Socket::pair().unwrap();
    let mut producer = Producer::over(ours, "test").unwrap();
    let peer = Peer::new(theirs, None, ArrayVec::from_iter([device])).unwrap();
    drain(&peer).unwrap();
    welcome(&mut producer);
    assert!(producer.takes_timelines_of(device));
    for message in [open(1), announce(1)] {
        producer.send(&message).unwrap();
    }
    let file = || std::fs::File::open("/dev/null").unwrap().into();
    let host = Timeline::new(device, file(), None);
    let at = |value| SyncPoint::Timeline { which: Arc::clone(&host), value };

    producer.send(&ToHost::Frame(frame(1, 1))).unwrap();
    drain(&peer).unwrap();
    let err = peer.release(WireBufferId(1), 1, vec![at(3)]).unwrap_err();
    let Error::Invalid(why) = err else { panic!("{err}") };
    let said = "a timeline to a producer that has none of its device cannot be sent";
    assert_eq!(why.to_string(), said);

    let timeline = WireTimelineId(9);
    let shared = SharedTimeline { timeline, value: 0, device, fd: file() };
    let (ours, theirs) = Socket::pair().unwrap();
    let mut producer = Producer::over(ours, "test").unwrap();
    let peer = Peer::new(theirs, None, ArrayVec::from_iter([device])).unwrap();
    drain(&peer).unwrap();
    welcome(&mut producer);
    for message in [open(1), announce(1), ToHost::Timeline(shared)] {
        producer.send(&message).unwrap();
    }
    for (sequence, told) in [(1, true), (2, false)] {
        let acquire = Point::Timeline { timeline, value: sequence };
        producer.send(&ToHost::Frame(FrameMessage { acquire, ..frame(1, sequence) })).unwrap();
        drain(&peer).unwrap();
        // Only the later of two values is said.
        peer.release(WireBufferId(1), sequence, vec![at(2 * sequence), at(1)]).unwrap();
        if told {
            let message = producer.poll().unwrap();
            assert!(matches!(message, Some(ToProducer::Timeline(it)) if it.device == device));
        }
        let released = producer.poll().unwrap();
        let Some(ToProducer::Release { after, .. }) = released else { panic!("{released:?}") };
        let [Point::Timeline { timeline: WireTimelineId(1), value }] = after[..] else { panic!() };
        assert_eq!(value, 2 * sequence);
    }
}
