//! The host may lie as well.

use std::os::fd::AsFd;
use std::sync::PoisonError;

use arrayvec::ArrayVec;
use zerohop_kernel::{Eventfd, Socket, SyncFile};
use zerohop_wire::{Error, Point, StreamId, ToProducer, WireBufferId, WireTimelineId};

use crate::common::say;
use crate::{ALONE, DEVICE, hello, timeline};

// Long because there is much to lie about.
#[test]
fn a_host_that_breaks_the_rules_is_left() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let left = |expected: &str, talk: &dyn Fn(&Socket)| {
        let (ours, host) = Socket::pair().unwrap();
        let mut producer = zerohop_wire::Producer::over(ours, "test").unwrap();
        talk(&host);
        let err = std::iter::repeat_with(|| producer.poll()).find_map(Result::err).unwrap();
        let Error::Violation(violation) = err else { panic!("{err}") };
        assert_eq!(violation.to_string(), expected);
        assert!(producer.is_over());
    };
    let tell = |host: &Socket, message: ToProducer| {
        let packet = message.encode().unwrap();
        host.send(&packet.bytes, &packet.fds).unwrap();
    };
    let release = |after: ArrayVec<Point, 4>| ToProducer::Release {
        buffer: WireBufferId(1),
        sequence: 2,
        after,
    };
    let bell = || Eventfd::new().unwrap().as_fd().try_clone_to_owned().unwrap();
    left("version 3 is not 1 to 2", &|host| {
        tell(host, ToProducer::Welcome { version: 3, display: None });
    });
    left("welcome came twice", &|host| {
        tell(host, ToProducer::Welcome { version: 1, display: None });
        tell(host, ToProducer::Welcome { version: 1, display: None });
    });
    left("buffer 1 is not out with picture 2", &|host| tell(host, release(ArrayVec::new())));
    left("a sync point is not a sync_file", &|host| {
        let after = ArrayVec::from_iter([Point::from(SyncFile::from(bell()))]);
        tell(host, release(after));
    });
    left("message type 0x1 is unknown", &|host| say(host, &hello()));
    let welcome = |version| ToProducer::Welcome { version, display: None };
    let devices = || ToProducer::Devices { devices: ArrayVec::from_iter([DEVICE]) };
    left("devices belongs to version 2, and version 1 is spoken", &|host| {
        tell(host, welcome(1));
        tell(host, devices());
    });
    left("devices came twice", &|host| {
        [welcome(2), devices(), devices()].into_iter().for_each(|message| tell(host, message));
    });
    left("timeline 1 is of a device that was not offered", &|host| {
        tell(host, welcome(2));
        tell(host, ToProducer::Timeline(timeline(1, DEVICE)));
    });
    let still = || ToProducer::Still { stream: StreamId(1), still: true };
    left("still belongs to version 2, and version 1 is spoken", &|host| {
        [welcome(1), still()].into_iter().for_each(|message| tell(host, message));
    });
    left("stream 1 is not open", &|host| {
        [welcome(2), still()].into_iter().for_each(|message| tell(host, message));
    });
    left("still is 2, not 0 to 1", &|host| {
        tell(host, welcome(2));
        let mut bytes = still().encode().unwrap().bytes;
        bytes[12] = 2;
        host.send(&bytes, &[]).unwrap();
    });
    left("timeline 1 was not announced", &|host| {
        let point = Point::Timeline { timeline: WireTimelineId(1), value: 1 };
        [welcome(2), release(ArrayVec::from_iter([point]))]
            .into_iter()
            .for_each(|message| tell(host, message));
    });
}
