//! Pictures that are nowhere, before their time or of no sense.

use std::os::fd::AsFd;
use std::sync::PoisonError;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{Damage, MediaClock, MediaTime, Ratio, Rect};
use zerohop_kernel::{Eventfd, Socket, SyncFile, clock_monotonic};
use zerohop_wire::{FrameMessage, Peer, Point, StreamId, ToHost, WireBufferId, text};

use crate::common::{announce, frame, open, say};
use crate::{ALONE, hello, last_words, refused_later, say_patched};

#[test]
fn a_fence_must_be_a_fence() {
    refused_later("a sync point is not a sync_file", |socket| {
        say(socket, &announce(1));
        let bell = Eventfd::new().unwrap().as_fd().try_clone_to_owned().unwrap();
        let acquire = Point::from(SyncFile::from(bell));
        say(socket, &ToHost::Frame(FrameMessage { acquire, ..frame(1, 1) }));
    });
}

#[test]
fn a_picture_in_a_buffer_that_is_not_there_is_refused() {
    refused_later("buffer 3 was not announced", |socket| {
        say(socket, &ToHost::Frame(frame(3, 1)));
    });
    refused_later("buffer 1 is out with picture 5", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::Frame(frame(1, 6)));
    });
    refused_later("buffer 1 was retired", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::Retire { buffer: WireBufferId(1) });
        say(socket, &ToHost::Frame(frame(1, 6)));
    });
    refused_later("buffer 1 was not announced", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::CloseStream { stream: StreamId(1) });
        say(socket, &ToHost::Frame(frame(1, 1)));
    });
}

#[test]
fn ids_and_sequences_only_grow() {
    refused_later("stream 1 is not after 1", |socket| say(socket, &open(1)));
    refused_later("stream 2 is not open", |socket| {
        say(socket, &ToHost::CloseStream { stream: StreamId(2) });
    });
    refused_later("buffer 4 is not after 4", |socket| {
        say(socket, &announce(4));
        say(socket, &announce(4));
    });
    refused_later("picture 5 is not after 5", |socket| {
        say(socket, &announce(1));
        say(socket, &announce(2));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::Frame(frame(2, 5)));
    });
}

#[test]
fn damage_and_time_must_make_sense() {
    let rect = Rect { x: 3, y: 0, width: 2, height: 1 };
    refused_later("damage 2x1 at 3,0 leaves the 4x4 picture", |socket| {
        say(socket, &announce(1));
        let damage = Damage::Rects(ArrayVec::from_iter([rect]));
        say(socket, &ToHost::Frame(FrameMessage { damage, ..frame(1, 1) }));
    });
    refused_later("the number of damage rectangles is 17, not 0 to 16", |socket| {
        let damage = Damage::Rects(ArrayVec::new());
        let message = ToHost::Frame(FrameMessage { damage, ..frame(1, 1) });
        say_patched(socket, &message, 44, &17u32.to_le_bytes());
    });
    refused_later("a flag of 4 is unknown", |socket| {
        say_patched(socket, &ToHost::Frame(frame(1, 1)), 40, &4u32.to_le_bytes());
    });
    refused_later("sync point kind 3 is unknown", |socket| {
        say_patched(socket, &ToHost::Frame(frame(1, 1)), 48, &3u32.to_le_bytes());
    });
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    [hello(), open(1), announce(1)].iter().for_each(|message| say(&theirs, message));
    let timestamp = clock_monotonic() + Duration::from_secs(100);
    say(&theirs, &ToHost::Frame(FrameMessage { timestamp, ..frame(1, 1) }));
    while peer.poll().is_ok() {}
    let words = last_words(&theirs);
    assert!(words.starts_with("a picture is to be shown in 99."), "{words}");
}

#[test]
fn a_clock_must_tick_and_a_stream_without_one_has_no_media_time() {
    let with = |change: fn(&mut MediaClock)| {
        let one = Ratio { numerator: 1, denominator: 1 };
        let mut clock = MediaClock { tick: one, pixel_aspect: one, fast: true };
        change(&mut clock);
        ToHost::OpenStream { stream: StreamId(2), name: text("file"), clock: Some(clock) }
    };
    refused_later("the numerator of a tick is 0, not 1 to 4294967295", |socket| {
        say(socket, &with(|clock| clock.tick.numerator = 0));
    });
    refused_later("the denominator of a pixel's aspect is 0, not 1 to 4294967295", |socket| {
        say(socket, &with(|clock| clock.pixel_aspect.denominator = 0));
    });
    refused_later("a flag of 2 is unknown", |socket| {
        say_patched(socket, &open(2), 272, &2u32.to_le_bytes());
    });
    refused_later("a picture is at media time 7, and its stream has no clock", |socket| {
        say(socket, &announce(1));
        let media = MediaTime { pts: 7, duration: 0 };
        say(socket, &ToHost::Frame(FrameMessage { media, ..frame(1, 1) }));
    });
}

#[test]
fn no_time_is_too_far_in_a_file() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let one = Ratio { numerator: 1, denominator: 1 };
    let clock = Some(MediaClock { tick: one, pixel_aspect: one, fast: true });
    let open = ToHost::OpenStream { stream: StreamId(2), name: text("file"), clock };
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    let ToHost::Announce { buffer, descriptor, memory, copies, .. } = announce(1) else { return };
    let announce = ToHost::Announce { buffer, stream: StreamId(2), descriptor, memory, copies };
    [hello(), open, announce].iter().for_each(|message| say(&theirs, message));
    let (timestamp, media) = (Duration::from_secs(1 << 40), MediaTime { pts: -7, duration: 1 });
    let late = FrameMessage { timestamp, media, ..frame(1, 1) };
    say(&theirs, &ToHost::Frame(late));
    (0..3).for_each(|_| drop(peer.poll().unwrap().unwrap()));
    assert!(matches!(peer.poll(), Ok(Some(ToHost::Frame(_)))));
}
