//! Pictures that are said to be kept, and cannot be.

use std::sync::PoisonError;
use std::time::Duration;

use zerohop_frame::{MediaClock, Ratio};
use zerohop_kernel::{Socket, clock_monotonic};
use zerohop_wire::{KeptMessage, Peer, StreamId, ToHost, text};

use crate::common::{announce, frame, kept, open, say};
use crate::{ALONE, hello, last_words, refused, refused_later};

/// After picture 5 of stream 1.
#[track_caller]
fn refused_after_a_picture(reason: &str, message: KeptMessage) {
    refused_later(reason, |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::Kept(message));
    });
}

#[test]
fn what_was_never_sent_cannot_be_kept() {
    refused_later("stream 2 is not open", |socket| {
        say(socket, &ToHost::Kept(KeptMessage { stream: StreamId(2), ..kept(1, 1) }));
    });
    refused_later("a picture of stream 1 is kept, and none was sent before it", |socket| {
        say(socket, &ToHost::Kept(kept(1, 1)));
    });
    refused_later("stream 1 is not open", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::CloseStream { stream: StreamId(1) });
        say(socket, &ToHost::Kept(kept(1, 6)));
    });
}

#[test]
fn no_more_are_kept_than_the_sequence_counts() {
    refused_after_a_picture("the number of kept pictures is 0, not 1 to 2", kept(0, 7));
    refused_after_a_picture("the number of kept pictures is 3, not 1 to 2", kept(3, 7));
    refused_after_a_picture("the number of kept pictures is 4294967295, not 1 to 1", kept(!0, 6));
    refused_after_a_picture("picture 5 is not after 5", kept(1, 5));
    refused_after_a_picture("picture 4 is not after 5", kept(1, 4));
    refused_later("the number of kept pictures is 2, not 1 to 1", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::Kept(kept(3, 8)));
        say(socket, &ToHost::Kept(kept(2, 9)));
    });
    refused_later("picture 8 is not after 8", |socket| {
        (1..=2).for_each(|buffer| say(socket, &announce(buffer)));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::Kept(kept(1, 8)));
        say(socket, &ToHost::Frame(frame(2, 8)));
    });
}

#[test]
fn a_kept_picture_is_not_of_a_stream_that_counts_its_own_time() {
    refused_later(
        "a picture of stream 2 is kept, and its clock's time of it is not known",
        |socket| {
            let one = Ratio { numerator: 1, denominator: 1 };
            let clock = Some(MediaClock { tick: one, pixel_aspect: one, fast: true });
            let stream = StreamId(2);
            say(socket, &ToHost::OpenStream { stream, name: text("file"), clock });
            let ToHost::Announce { buffer, descriptor, memory, copies, .. } = announce(1) else {
                return;
            };
            say(socket, &ToHost::Announce { buffer, stream, descriptor, memory, copies });
            say(socket, &ToHost::Frame(frame(1, 5)));
            say(socket, &ToHost::Kept(KeptMessage { stream, ..kept(1, 6) }));
        },
    );
}

#[test]
fn a_kept_picture_is_not_shown_a_minute_from_now() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    [hello(), open(1), announce(1)].iter().for_each(|message| say(&theirs, message));
    say(&theirs, &ToHost::Frame(frame(1, 1)));
    let timestamp = clock_monotonic() + Duration::from_secs(100);
    say(&theirs, &ToHost::Kept(KeptMessage { timestamp, ..kept(1, 2) }));
    while peer.poll().is_ok() {}
    let words = last_words(&theirs);
    assert!(words.starts_with("a picture is to be shown in 99."), "{words}");
}

#[test]
fn keeping_belongs_to_version_2() {
    refused("kept belongs to version 2, and version 1 is spoken", |socket| {
        say(socket, &ToHost::Hello { version: 1, name: text("old") });
        say(socket, &open(1));
        say(socket, &announce(1));
        say(socket, &ToHost::Frame(frame(1, 1)));
        say(socket, &ToHost::Kept(kept(1, 2)));
    });
}
