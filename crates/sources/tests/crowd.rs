//! Many threads and many applications at once.

mod common;

use std::sync::{Arc, Mutex};

use common::{App, Host};
use zerohop_frame::{Frame, Source, SourceEvent};
use zerohop_sources::Overflow;

#[test]
fn any_thread_may_drop_a_picture_and_each_goes_home_once() {
    const PICTURES: u64 = 5000;
    let mut host = Host::open(Overflow::Wait);
    let mut app = App::start(&host, 8, 16);
    let (hand_over, pictures) = std::sync::mpsc::sync_channel::<Frame>(4);
    let pictures = Arc::new(Mutex::new(pictures));
    let droppers: Vec<_> = (0..4)
        .map(|_| {
            let pictures = Arc::clone(&pictures);
            std::thread::spawn(move || {
                loop {
                    let next = pictures.lock().unwrap().recv();
                    let Ok(frame) = next else { return };
                    drop(frame);
                }
            })
        })
        .collect();
    // The producer's own session ends the connection at a release too many.
    let presents = std::thread::spawn(move || {
        (0..PICTURES).for_each(|_| app.present());
        app.wait_home();
        app.free.len()
    });
    for _ in 0..PICTURES {
        hand_over.send(host.frame()).unwrap();
    }
    assert_eq!(presents.join().unwrap(), 16);
    drop(hand_over);
    droppers.into_iter().for_each(|dropper| dropper.join().unwrap());
}

#[test]
fn eight_applications_present_at_once_and_the_first_of_equals_is_watched() {
    const PICTURES: u64 = 500;
    let mut host = Host::open(Overflow::default());
    let mut first = App::start(&host, 16, 4);
    first.present();
    assert_eq!(host.frame().info().sequence, 1);
    let others: Vec<_> = (0..7).map(|_| App::start(&host, 16, 4)).collect();
    let apps: Vec<_> = std::iter::once(first)
        .chain(others)
        .map(|mut app| {
            std::thread::spawn(move || {
                (0..PICTURES).for_each(|_| app.present());
                app
            })
        })
        .collect();
    let mut last = 1;
    while host.control.report().frames_presented <= PICTURES {
        if let Some(SourceEvent::Frame(frame)) = host.source.poll_event().unwrap() {
            assert!(frame.info().sequence > last, "in order");
            last = frame.info().sequence;
        }
    }
    let apps: Vec<_> = apps.into_iter().map(|app| app.join().unwrap()).collect();
    host.wait_until(|report| report.frames_of_other_streams == 7 * PICTURES);
    let report = host.control.report();
    assert_eq!((report.frames_presented, report.refused_count, report.streams.len()), (501, 0, 8));
    assert_eq!(report.streams.iter().filter(|stream| stream.was_main).count(), 1);
    drop(apps);
}
