//! Producers that lie, flood, stop or die, beside an honest one that must not notice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{App, Host, announce, eventually, open};
use zerohop_kernel::{Memfd, Socket};
use zerohop_sources::Overflow;
use zerohop_wire::{Error, HELLO_TIMEOUT, Producer, StreamId, ToHost};

/// A stranger's end, without the checks of a [`Producer`].
fn stranger(host: &Host) -> Socket {
    Socket::connect(&host.path).unwrap()
}

/// That pictures of `app` go through, each in far less than a refresh.
fn assert_unharmed(host: &mut Host, app: &mut App) {
    for _ in 0..20 {
        let begin = Instant::now();
        app.present();
        assert_eq!(host.frame().info().sequence, app.sequence);
        app.wait_home();
        assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
    }
}

#[test]
fn a_liar_is_refused_by_name_and_an_honest_producer_goes_on() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    stranger(&host).send(b"GET / HTTP/1.1\r\n", &[]).unwrap();
    host.wait_until(|report| report.refused_count == 1);

    let mut liar = Producer::connect(&host.path, "liar").unwrap();
    liar.send(&open(1)).unwrap();
    // Past the producer's own checks: sealed memory of half the size.
    let packet = announce(1, 1, 8);
    let small = Memfd::create("small", 128).unwrap();
    let socket = Socket::from(liar.as_fd().try_clone_to_owned().unwrap());
    socket.send(&packet.encode().unwrap().bytes, &[small.as_fd()]).unwrap();
    host.wait_until(|report| report.refused_count == 2);
    let err = std::iter::repeat_with(|| liar.poll()).find_map(Result::err).unwrap();
    let Error::Refused(reason) = err else { panic!("{err}") };
    assert_eq!(reason, "plane 0 ends at byte 256 of object 0, which has 128");
    let refused = host.control.report().refused;
    assert_eq!(refused[0].reason, "message type 0x20544547 is unknown");
    let (name, pid) = (refused[1].name.as_str(), refused[1].pid);
    assert_eq!((name, pid, refused[1].reason.as_str()), ("liar", std::process::id(), &*reason));
    assert_unharmed(&mut host, &mut app);
}

#[test]
fn memory_cannot_shrink_under_the_host() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    app.present();
    let frame = host.frame();
    let memory = frame.buffer().memory()[0].as_fd();
    let err = rustix::fs::ftruncate(memory, 0).unwrap_err();
    assert_eq!(err, rustix::io::Errno::PERM);
}

#[test]
fn silence_costs_a_stranger_its_connection_and_nobody_else_anything() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    let silent = stranger(&host);
    let half = stranger(&host);
    let hello = ToHost::Hello { version: 1, name: zerohop_wire::text("half") };
    half.send(&hello.encode().unwrap().bytes[..100], &[]).unwrap();
    host.wait_until(|report| report.refused_count == 1);
    let begin = Instant::now();
    assert_unharmed(&mut host, &mut app);
    host.wait_until(|report| report.refused_count == 2);
    assert!(begin.elapsed() > HELLO_TIMEOUT / 2, "{:?}", begin.elapsed());
    let reasons: Vec<_> = host.control.report().refused.into_iter().map(|it| it.reason).collect();
    assert_eq!(
        reasons,
        ["hello has 272 bytes; 272 were declared and 100 came", "no hello came within 2s"]
    );
    drop((silent, half));
}

#[test]
fn a_flood_drowns_itself_only() {
    let mut host = Host::open(Overflow::default());
    let mut app = App::start(&host, 8, 3);
    let flood = stranger(&host);
    let done = Arc::new(AtomicBool::new(false));
    let flooding = std::thread::spawn({
        let done = Arc::clone(&done);
        move || pour(&flood, &done)
    });
    while host.control.report().refused_count == 0 {
        assert_unharmed(&mut host, &mut app);
    }
    done.store(true, Ordering::Relaxed);
    flooding.join().unwrap();
    let reason = &host.control.report().refused[0].reason;
    assert_eq!(reason, "messages come faster than 65536 a second");
    assert_unharmed(&mut host, &mut app);
}

/// Valid messages, as fast as they go.
fn pour(socket: &Socket, done: &AtomicBool) {
    let say = |message: &ToHost| {
        let packet = message.encode().unwrap();
        while let Err(err) = socket.send(&packet.bytes, &packet.fds) {
            if err.kind() != std::io::ErrorKind::WouldBlock || done.load(Ordering::Relaxed) {
                return;
            }
        }
    };
    say(&ToHost::Hello { version: 1, name: zerohop_wire::text("flood") });
    for stream in 1.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        say(&open(stream));
        say(&ToHost::CloseStream { stream: StreamId(stream) });
    }
}

#[test]
fn an_application_that_dies_takes_nothing_with_it() {
    let mut host = Host::open(Overflow::default());
    let mut honest = App::start(&host, 8, 3);
    let mut dying = App::start(&host, 16, 3);
    dying.present();
    let held = host.frame();
    drop(dying);
    eventually(|| {
        honest.present();
        let report = host.control.report();
        report.streams.iter().any(|stream| stream.extent.width == 8 && stream.was_main)
    });
    let memory = held.buffer().memory()[0].as_fd().try_clone_to_owned().unwrap();
    assert_eq!(Memfd::try_from(memory).unwrap().size(), 16 * 16 * 4);
    drop(held);
    assert_eq!(host.frame().buffer().descriptor().extent.width, 8);
    assert_eq!(host.control.report().refused_count, 0);
}

#[test]
fn the_sixty_fifth_producer_is_told_why_not() {
    let host = Host::open(Overflow::default());
    let mut producers: Vec<_> =
        (0..64).map(|_| Producer::connect(&host.path, "one of many").unwrap()).collect();
    host.wait_until(|report| report.peers == 64);
    let mut late = Producer::connect(&host.path, "late").unwrap();
    let mut last = None;
    eventually(|| {
        last = late.poll().err();
        last.is_some()
    });
    let Some(Error::Refused(reason)) = last else { panic!("{last:?}") };
    assert_eq!(reason, "64 producers are connected, no more may");
    producers.pop();
    eventually(|| {
        let mut next = Producer::connect(&host.path, "next").unwrap();
        std::thread::sleep(Duration::from_millis(5));
        (0..2).all(|_| next.poll().is_ok()) && next.is_welcome()
    });
}
