//! A source and applications, over real sockets, in one process.

mod common;

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use common::{App, Host, announce, eventually, open};
use zerohop_frame::{Damage, Rect, Source, SourceEvent, Stage};
use zerohop_kernel::{Mapping, Memfd, clock_monotonic};
use zerohop_sources::Overflow;
use zerohop_wire::{Copies, Error, StreamId, ToHost, WireBufferId, text};

#[test]
fn a_picture_arrives_after_its_format_and_goes_home_when_dropped() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    app.present();
    let SourceEvent::Format(format) = host.event() else { panic!("the format comes first") };
    assert_eq!((format.extent.width, format.extent.height), (8, 8));
    let SourceEvent::Frame(first) = host.event() else { panic!("then the picture") };
    app.present();
    let SourceEvent::Frame(second) = host.event() else { panic!("the format is known") };
    assert_eq!((first.info().sequence, second.info().sequence), (1, 2));
    assert_ne!(first.buffer().id(), second.buffer().id());
    drop(first);
    drop(second);
    assert_eq!(app.wait_home(), [1, 2]);

    app.resize(16, 3);
    app.present();
    let SourceEvent::Format(format) = host.event() else { panic!("the shape changed") };
    assert_eq!(format.extent.width, 16);
    drop(host.frame());
    app.wait_home();
    let spans = host.notes.spans.lock().unwrap();
    let count = |stage| spans.iter().filter(|span| span.1 == stage).count();
    assert_eq!((count(Stage::PresentToHost), count(Stage::Release)), (3, 3));
}

#[test]
fn what_a_picture_cost_its_producer_is_counted() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    app.present();
    drop(host.frame());
    assert!(host.notes.copies.lock().unwrap().is_empty(), "a source copies nothing");
    let ToHost::Announce { buffer, stream, descriptor, memory, .. } = announce(9, 1, 8) else {
        panic!("an announcement");
    };
    let copies = Copies { gpu: true, cpu: true };
    app.send(&ToHost::Announce { buffer, stream, descriptor, memory, copies });
    for _ in 0..2 {
        app.present_with(|message| message.buffer = WireBufferId(9));
        drop(host.frame());
        app.wait_home();
    }
    assert_eq!(*host.notes.copies.lock().unwrap(), [0, 8 * 8 * 4, 0, 8 * 8 * 4]);
}

#[test]
fn a_slow_pipeline_gets_the_newest_and_the_application_never_waits() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 4);
    app.present();
    let busy = host.frame();
    for _ in 0..100 {
        app.present_with(|message| message.damage = Damage::Rects(ArrayVec::new()));
    }
    host.wait_until(|report| report.frames_presented == 101);
    let damage = Rect { x: 1, y: 1, width: 1, height: 1 };
    app.present_with(|message| message.damage = Damage::Rects(ArrayVec::from_iter([damage])));
    host.wait_until(|report| report.frames_presented == 102 && report.frames_dropped == 99);
    drop(busy);
    let (older, newest) = (host.frame(), host.frame());
    assert_eq!((older.info().sequence, newest.info().sequence), (101, 102));
    assert_eq!(older.info().damage, Damage::Rects(ArrayVec::new()), "all that was lost was still");
    host.assert_silent();
    drop((older, newest));
    app.wait_home();
    let dropped = host.notes.dropped.lock().unwrap();
    assert_eq!(*dropped, Vec::from_iter(2..=100));
}

#[test]
fn the_damage_of_lost_pictures_is_not_lost() {
    let mut host = Host::open(Overflow::DropOldest { waiting: 1 });
    let mut app = App::start(&host, 8, 4);
    app.present();
    let busy = host.frame();
    let pixel = |x| Rect { x, y: 0, width: 1, height: 1 };
    for x in 0..4 {
        app.present_with(|frame| frame.damage = Damage::Rects(ArrayVec::from_iter([pixel(x)])));
    }
    host.wait_until(|report| report.frames_dropped == 3);
    drop(busy);
    let Damage::Rects(rects) = host.frame().info().damage.clone() else { panic!("all are known") };
    assert_eq!(rects[..], [0, 1, 2, 3].map(pixel));
    // One that was never sent could have changed anything.
    app.present_with(|frame| {
        frame.sequence += 1;
        frame.damage = Damage::Rects(ArrayVec::new());
    });
    assert_eq!(host.frame().info().damage, Damage::Unknown);
    assert_eq!(host.control.report().frames_unsent, 1);
}

#[test]
fn nothing_is_lost_where_all_may_wait() {
    let mut host = Host::open(Overflow::Wait);
    let mut app = App::start(&host, 8, 3);
    let presents = std::thread::spawn(move || {
        (0..300).for_each(|_| app.present());
        app.wait_home();
        app
    });
    for sequence in 1..=300 {
        assert_eq!(host.frame().info().sequence, sequence);
    }
    drop(presents.join().unwrap());
    assert_eq!(host.control.report().frames_dropped, 0);
}

#[test]
fn a_producer_that_has_to_wait_is_told_that_somebody_is_here() {
    let hears = |overflow| {
        let host = Host::open(overflow);
        let mut app = App::start(&host, 8, 3);
        (0..3).for_each(|_| app.present());
        app.hears_busy(Duration::from_millis(500))
    };
    assert!(hears(Overflow::Wait));
    assert!(!hears(Overflow::default()), "it gets its buffers back instead");
}

#[test]
fn a_pipeline_that_works_on_a_picture_for_long_keeps_nobody_from_being_heard() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 4);
    for round in 1..=3 {
        app.present();
        // The pipeline's thread hears this one by itself, and then nobody until the alarm.
        let held = host.frame();
        (0..3).for_each(|_| app.present());
        host.wait_until(|report| report.frames_dropped == round);
        drop(held);
        while host.source.poll_event().unwrap().is_some() {}
        app.wait_home();
    }
}

#[test]
fn a_pipeline_that_does_not_sleep_gets_the_same() {
    let mut host = Host::spinning(Overflow::Wait);
    let mut app = App::start(&host, 8, 3);
    for sequence in 1..=5 {
        app.present();
        assert_eq!(host.frame().info().sequence, sequence);
        app.wait_home();
    }
    let begin = Instant::now();
    host.source.wait(None, Some(Duration::from_millis(80))).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(40), "nothing came to return for");
}

#[test]
fn a_replaceable_picture_waits_for_its_time_and_a_newer_one_takes_its_place() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 4);
    app.present();
    drop(host.frame());
    let refresh = clock_monotonic() + Duration::from_millis(500);
    for x in 0..5 {
        app.present_with(|frame| {
            (frame.timestamp, frame.replaceable) = (refresh, true);
            let rect = Rect { x, y: 0, width: 1, height: 1 };
            frame.damage = Damage::Rects(ArrayVec::from_iter([rect]));
        });
    }
    host.wait_until(|report| report.frames_replaced == 4);
    assert!(clock_monotonic() < refresh, "the machine is too slow for this test");
    assert!(host.source.poll_event().unwrap().is_none());
    let frame = host.frame();
    assert!(clock_monotonic() >= refresh);
    assert_eq!((frame.info().sequence, frame.info().timestamp), (6, refresh));
    let Damage::Rects(rects) = &frame.info().damage else { panic!("all are known") };
    assert_eq!(rects.len(), 5);
    drop(frame);
    app.wait_home();
    assert_eq!(host.control.report().frames_dropped, 0);
}

#[test]
fn a_replaceable_picture_whose_time_has_come_is_shown() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 4);
    for _ in 0..3 {
        let refresh = clock_monotonic() + Duration::from_millis(5);
        app.present_with(|frame| (frame.timestamp, frame.replaceable) = (refresh, true));
        std::thread::sleep(Duration::from_millis(15));
    }
    for sequence in 1..=3 {
        assert_eq!(host.frame().info().sequence, sequence);
    }
}

#[test]
fn the_largest_stream_is_watched_and_the_others_go_home_unread() {
    let mut host = Host::open(Overflow::default());
    let mut small = App::start(&host, 1, 3);
    small.present();
    assert_eq!(host.frame().buffer().descriptor().extent.width, 1);
    let mut large = App::start(&host, 32, 3);
    large.present();
    let frame = host.frame();
    assert_eq!((frame.buffer().descriptor().extent.width, frame.info().sequence), (32, 2));
    for _ in 0..10 {
        small.present();
    }
    small.wait_home();
    host.assert_silent();
    let report = host.control.report();
    assert_eq!((report.frames_presented, report.frames_of_other_streams), (2, 10));

    // The large one dies; its picture stays readable, and the small one is seen again.
    drop(large);
    let sizes: Vec<_> = report.streams.iter().map(|stream| stream.extent.width).collect();
    assert_eq!(sizes, [1, 32]);
    common::eventually(|| {
        small.present();
        matches!(host.source.poll_event().unwrap(), Some(SourceEvent::Format(_)))
    });
    assert_eq!(host.frame().buffer().descriptor().extent.width, 1);
    let memory = frame.buffer().memory()[0].as_fd().try_clone_to_owned().unwrap();
    let pixels = Mapping::new(&Memfd::try_from(memory).unwrap()).unwrap();
    assert_eq!(pixels.as_slice(), [0; 32 * 32 * 4]);
}

#[test]
fn an_application_that_exits_ends_the_source_after_its_last_picture() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 4);
    app.present();
    app.present();
    let far = clock_monotonic() + Duration::from_secs(20);
    app.present_with(|frame| (frame.timestamp, frame.replaceable) = (far, true));
    app.send(&ToHost::CloseStream { stream: StreamId(1) });
    drop(app);
    std::thread::sleep(Duration::from_millis(30));
    assert!(!host.control.has_ended(), "another producer of the application may come");
    host.control.application_exited();
    for sequence in 1..=3 {
        assert_eq!(host.frame().info().sequence, sequence);
    }
    assert!(matches!(host.event(), SourceEvent::Ended));
}

#[test]
fn pictures_sent_before_an_exit_are_heard_after_a_release_failed() {
    let mut host = Host::open(Overflow::Wait);
    let mut app = App::start(&host, 8, 4);
    (0..4).for_each(|_| app.present());
    app.send(&ToHost::CloseStream { stream: StreamId(1) });
    drop(app);
    host.control.application_exited();
    for sequence in 1..=4 {
        assert_eq!(host.frame().info().sequence, sequence);
    }
    assert!(matches!(host.event(), SourceEvent::Ended));
}

#[test]
fn a_source_of_one_producer_ends_with_it() {
    let mut host = Host::open(Overflow::Wait);
    host.control.take_one();
    std::thread::sleep(Duration::from_millis(30));
    assert!(!host.control.has_ended(), "nobody came yet");
    let mut app = App::start(&host, 8, 3);
    app.present();
    drop(host.frame());
    app.wait_home();
    assert!(!host.control.has_ended(), "it is still here");
    drop(app);
    assert!(matches!(host.event(), SourceEvent::Ended));
}

/// This process is the producer too, and goes on: it may draw into the buffers again.
#[test]
fn a_producer_that_leaves_and_goes_on_has_its_buffers_back() {
    let mut host = Host::open(Overflow::Wait);
    let mut app = App::start(&host, 8, 4);
    (0..3).for_each(|_| app.present());
    host.wait_until(|report| report.frames_presented == 3);
    assert_eq!(host.frame().info().sequence, 1);
    drop(app);
    host.control.application_exited();
    assert!(matches!(host.event(), SourceEvent::Ended));
    assert_eq!(host.control.report().frames_dropped, 2);
}

#[test]
fn a_stopped_source_gives_out_what_waits_and_the_application_goes_on() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 4);
    app.present();
    host.wait_until(|report| report.frames_presented == 1);
    host.control.stop();
    common::eventually(|| host.control.has_ended());
    (0..50).for_each(|_| app.present());
    assert_eq!(host.frame().info().sequence, 1);
    assert!(matches!(host.event(), SourceEvent::Ended));
    assert!(matches!(host.event(), SourceEvent::Ended));
    app.wait_home();
    drop(host);
    common::eventually(|| app.producer.poll().is_err());
}

#[test]
fn a_fallback_is_told_once() {
    let host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    let (what, reason) = (text("sync"), text("no SYNC_FD"));
    for _ in 0..3 {
        app.send(&ToHost::Fallback { what, reason, cost: text("waits at present") });
    }
    app.send(&open(2));
    app.send(&announce(100, 2, 4));
    app.send(&ToHost::Retire { buffer: WireBufferId(100) });
    app.send(&ToHost::CloseStream { stream: StreamId(2) });
    app.present();
    host.wait_until(|report| report.frames_presented == 1);
    let fallbacks = host.notes.fallbacks.lock().unwrap();
    assert_eq!(fallbacks.len(), 1);
    assert_eq!((fallbacks[0].what.as_ref(), fallbacks[0].reason.as_str()), ("sync", "no SYNC_FD"));
}

#[test]
fn pictures_that_were_taken_back_are_dropped_unread() {
    let mut host = Host::open(Overflow::Wait);
    let mut app = App::start(&host, 8, 3);
    (0..3).for_each(|_| app.present());
    let read = host.frame();
    assert!(read.is_intact(), "the connection is up");
    app.producer.reclaim();
    assert!(!read.is_intact(), "its maker may write it now");
    host.control.application_exited();
    assert!(matches!(host.event(), SourceEvent::Ended), "those that wait are not given out");
    assert_eq!(*host.notes.dropped.lock().unwrap(), [2, 3]);
    assert_eq!(host.control.report().frames_dropped, 2);
}

#[test]
fn pictures_of_a_retired_buffer_outlive_their_producer() {
    let mut host = Host::open(Overflow::Wait);
    let mut app = App::start(&host, 8, 2);
    app.present();
    let retired = host.frame();
    app.resize(16, 1);
    app.producer.reclaim();
    assert!(retired.is_intact(), "nobody writes it again");
}

#[test]
fn the_next_connection_begins_anew() {
    let mut host = Host::open(Overflow::Wait);
    let mut app = App::start(&host, 8, 2);
    app.present();
    assert_eq!(host.frame().info().sequence, 1);
    app.producer.reclaim();
    let mut app = App::start(&host, 8, 2);
    app.present_with(|frame| frame.damage = Damage::Rects(ArrayVec::new()));
    let first = host.frame();
    assert_eq!((first.info().sequence, &first.info().damage), (2, &Damage::Unknown));
}

#[test]
fn a_real_screen_keeps_time_for_its_producers_until_it_is_gone() {
    let mut host = Host::open(Overflow::Paced);
    let mut app = App::start(&host, 8, 3);
    app.present_with(|message| message.replaceable = true);
    let frame = host.frame();
    assert!(frame.is_replaceable(), "what takes its place is for the screen to say");
    host.control.stop();
    drop(frame);
    let reason = "the screen shows no more pictures";
    eventually(|| match app.producer.poll() {
        Err(Error::Refused(said)) => said == reason,
        _ => false,
    });
    assert!(host.control.report().refused.is_empty(), "it broke no rule");
}
