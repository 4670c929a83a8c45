//! Pictures that stay in the application because they did not change.

mod common;

use std::time::Duration;

use arrayvec::ArrayVec;
use common::{App, Host, eventually};
use zerohop_frame::{Damage, Frame, Kept, Rect, SourceEvent};
use zerohop_kernel::clock_monotonic;
use zerohop_sources::Overflow;
use zerohop_wire::{KeptMessage, StreamId, ToHost, ToProducer};

/// Says that the stream's next `count` pictures were kept.
fn keep(app: &mut App, count: u32) -> KeptMessage {
    app.sequence += u64::from(count);
    let (sequence, timestamp) = (app.sequence, clock_monotonic());
    let kept = KeptMessage { stream: StreamId(1), count, sequence, timestamp };
    app.send(&ToHost::Kept(kept));
    kept
}

fn kept(host: &mut Host) -> Kept {
    loop {
        match host.event() {
            SourceEvent::Kept(kept) => return kept,
            SourceEvent::Frame(_) => panic!("a picture came first"),
            _ => {}
        }
    }
}

/// The next thing that the host says of a stream.
fn told(app: &mut App) -> bool {
    let mut told = None;
    eventually(|| {
        if let Some(ToProducer::Still { still, .. }) =
            app.producer.poll().expect("the host is there")
        {
            told = Some(still);
        }
        told.is_some()
    });
    told.expect("it did happen")
}

/// A picture that is welcome at the host.
fn first(host: &mut Host, app: &mut App) -> Frame {
    app.present();
    let frame = host.frame();
    eventually(|| {
        app.collect();
        app.producer.is_welcome()
    });
    frame
}

#[test]
fn kept_pictures_are_counted_in_their_place() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    drop(first(&mut host, &mut app));
    let said = keep(&mut app, 3);
    let Kept { count, sequence, timestamp } = kept(&mut host);
    assert_eq!((count, sequence, timestamp), (3, 4, said.timestamp));
    // Two more were presented than were kept.
    app.sequence += 2;
    keep(&mut app, 2);
    let pixel = Rect { x: 1, y: 1, width: 1, height: 1 };
    let damage = Damage::Rects(ArrayVec::from_iter([pixel]));
    app.present_with(|message| message.damage = damage.clone());
    let Kept { count, sequence, .. } = kept(&mut host);
    assert_eq!((count, sequence), (2, 8));
    let changed = host.frame();
    assert_eq!((changed.info().sequence, &changed.info().damage), (9, &damage), "it was the same");
    let report = host.control.report();
    assert_eq!((report.frames_presented, report.frames_kept, report.frames_unsent), (7, 5, 2));
    assert_eq!((report.streams[0].frames, report.streams[0].frames_kept), (2, 5));
}

#[test]
fn what_a_busy_pipeline_did_not_hear_is_told_at_once_and_in_order() {
    let mut host = Host::open(Overflow::DropOldest { waiting: 1 });
    let mut app = App::start(&host, 8, 4);
    let busy = first(&mut host, &mut app);
    app.present();
    for _ in 0..1000 {
        keep(&mut app, 2);
    }
    app.present();
    host.wait_until(|report| report.frames_presented == 2003 && report.frames_dropped == 1);
    keep(&mut app, 1);
    host.wait_until(|report| report.frames_kept == 2001);
    drop(busy);
    let Kept { count, sequence, .. } = kept(&mut host);
    assert_eq!((count, sequence), (2000, 2002), "the picture before them was dropped");
    assert_eq!(host.frame().info().sequence, 2003);
    assert_eq!(kept(&mut host).sequence, 2004);
    host.assert_silent();
}

#[test]
fn a_picture_that_may_be_replaced_comes_before_those_that_equal_it() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    drop(first(&mut host, &mut app));
    app.present_with(|message| {
        message.replaceable = true;
        message.timestamp += Duration::from_secs(30);
    });
    host.assert_silent();
    keep(&mut app, 1);
    assert_eq!(host.frame().info().sequence, 2);
    assert_eq!(kept(&mut host).sequence, 3);
}

#[test]
fn the_application_hears_that_it_is_still_and_that_a_picture_was_lost() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    let frame = first(&mut host, &mut app);
    frame.say_still(false);
    frame.say_still(true);
    assert!(told(&mut app), "what it was never told it is not told to forget");
    frame.say_still(false);
    assert!(!told(&mut app));
}

#[test]
fn a_stream_that_is_shown_again_sends_what_was_not_seen_of_it() {
    let mut host = Host::open(Overflow::default());
    let mut small = App::start(&host, 8, 3);
    first(&mut host, &mut small).say_still(true);
    assert!(told(&mut small));
    let mut large = App::start(&host, 16, 3);
    drop(first(&mut host, &mut large));
    keep(&mut small, 4);
    host.wait_until(|report| report.frames_of_other_streams == 4);
    drop(large);
    assert!(!told(&mut small));
    // The two crossed each other: nobody has seen what it says that it kept.
    keep(&mut small, 2);
    host.wait_until(|report| report.frames_of_other_streams == 6);
    small.present();
    assert_eq!(host.frame().info().sequence, 3, "as the host counts");
    keep(&mut small, 1);
    assert_eq!(kept(&mut host).sequence, 4);
    assert_eq!(host.control.report().frames_kept, 1);
}
