//! Too much of everything.

use std::sync::PoisonError;

use zerohop_frame::PlaneLayout;
use zerohop_kernel::Socket;
use zerohop_wire::{Copies, Error, Peer, StreamId, ToHost, WireBufferId};

use crate::common::{announce, descriptor, open, say, shm};
use crate::{ALONE, hello, last_words, refused, refused_later};

#[test]
fn hoarding_is_refused() {
    refused("the number of streams is 65, not 0 to 64", |socket| {
        say(socket, &hello());
        (1..=65).for_each(|stream| say(socket, &open(stream)));
    });
    refused_later("the number of buffers of a stream is 65, not 0 to 64", |socket| {
        (1..=65).for_each(|buffer| say(socket, &announce(buffer)));
    });
    refused("the number of memory objects is 260, not 0 to 256", |socket| {
        say(socket, &hello());
        let mut buffer = 0;
        for stream in 1..=2 {
            say(socket, &open(stream));
            for _ in 0..33 {
                buffer += 1;
                say(socket, &four_objects(buffer, stream));
            }
        }
    });
}

/// A buffer of four memory objects, with a plane in each.
fn four_objects(buffer: u64, stream: u32) -> ToHost {
    let mut descriptor = descriptor();
    descriptor.fourcc = zerohop_frame::Fourcc(1);
    descriptor.planes =
        (0..4).map(|object| PlaneLayout { object, offset: 0, stride: 16 }).collect();
    let memory = (0..4).map(|_| shm(64)).collect();
    let (buffer, stream) = (WireBufferId(buffer), StreamId(stream));
    ToHost::Announce { buffer, stream, descriptor, memory, copies: Copies::default() }
}

#[test]
fn flooding_is_refused() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    say(&theirs, &hello());
    let mut stream = 0;
    let err = loop {
        stream += 1;
        assert!(stream < 100_000, "nobody stopped the flood");
        say(&theirs, &open(stream));
        say(&theirs, &ToHost::CloseStream { stream: StreamId(stream) });
        if let Some(err) = std::iter::repeat_with(|| peer.poll())
            .take_while(|polled| !matches!(polled, Ok(None)))
            .find_map(Result::err)
        {
            break err;
        }
    };
    assert!(matches!(err, Error::Violation(_)), "{err}");
    assert_eq!(last_words(&theirs), "messages come faster than 65536 a second");
}
