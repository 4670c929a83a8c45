//! Timelines that nobody offered, and values that they cannot come to.

use zerohop_frame::DeviceId;
use zerohop_wire::{FrameMessage, MAX_TIMELINES, Point, ToHost, WireTimelineId};

use crate::common::{announce, frame, say};
use crate::{DEVICE, refused_later, say_patched, timeline};

#[test]
fn a_timeline_must_be_announced_and_of_a_device_that_the_host_takes() {
    refused_later("timeline 1 is of a device that was not offered", |socket| {
        let device = DeviceId { device_uuid: [3; 16], ..DEVICE };
        say(socket, &ToHost::Timeline(timeline(1, device)));
    });
    refused_later("timeline 1 is not after 1", |socket| {
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
    });
    refused_later("the number of timelines is 17, not 0 to 16", |socket| {
        for one in 0..=MAX_TIMELINES as u32 {
            say(socket, &ToHost::Timeline(timeline(one, DEVICE)));
        }
    });
    refused_later("timeline 2 was not announced", |socket| {
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
        say(socket, &ToHost::RetireTimeline { timeline: WireTimelineId(2) });
    });
    refused_later("timeline came with 0 descriptors, not 1", |socket| {
        let message = ToHost::Timeline(timeline(1, DEVICE));
        socket.send(&message.encode().unwrap().bytes, &[]).unwrap();
    });
    refused_later("byte 12 of timeline is not used and not zero", |socket| {
        say_patched(socket, &ToHost::Timeline(timeline(1, DEVICE)), 12, &[1]);
    });
}

#[test]
fn a_point_names_a_timeline_and_a_value_that_it_can_come_to() {
    refused_later("timeline 4 was not announced", |socket| {
        say(socket, &announce(1));
        say(socket, &at(4, 1));
    });
    refused_later("timeline 1 was not announced", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
        say(socket, &ToHost::RetireTimeline { timeline: WireTimelineId(1) });
        say(socket, &at(1, 8));
    });
    for value in [0, 8 + (1 << 30), u64::MAX] {
        let reason = format!("value {value} of timeline 1 is not 1 to {}", 7 + (1 << 30));
        refused_later(&reason, |socket| {
            say(socket, &announce(1));
            say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
            say(socket, &at(1, value));
        });
    }
}

/// A picture that is complete at a value of a timeline.
fn at(timeline: u32, value: u64) -> ToHost {
    let acquire = Point::Timeline { timeline: WireTimelineId(timeline), value };
    ToHost::Frame(FrameMessage { acquire, ..frame(1, 1) })
}
