//! Producers that hold more descriptors than the host can. Alone in its process, whose limit it
//! lowers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::Duration;

use common::{App, Host, open_fds};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use zerohop_sources::Overflow;
use zerohop_wire::Error;

#[test]
fn who_holds_most_goes_when_descriptors_run_short() {
    let limit = getrlimit(Resource::Nofile);
    // The test has both ends, and so every descriptor twice.
    setrlimit(Resource::Nofile, Rlimit { current: Some(128), ..limit }).unwrap();
    let mut host = Host::open(Overflow::default());
    let mut honest = App::start(&host, 8, 4);
    honest.present();
    drop(host.frame());
    let before = open_fds();
    let mut greedy = [App::start(&host, 1, 40), App::start(&host, 1, 40), App::start(&host, 1, 40)];
    host.wait_until(|report| report.refused_count == 1);
    let refused = host.control.report().refused[0].reason.clone();
    assert_eq!(refused, "40 descriptors of memory and timelines are too many, 96 are for all");
    let over = |app: &mut App| matches!(app.producer.poll(), Err(Error::Refused(_)));
    common::eventually(|| greedy.iter_mut().any(over));
    for _ in 0..50 {
        honest.present();
        drop(host.frame());
        honest.wait_home();
    }
    drop(greedy);
    common::eventually(|| open_fds() == before);

    wait_for_a_descriptor(&host);
}

/// A producer that comes when the host has no descriptor left is let in when it has one again.
fn wait_for_a_descriptor(host: &Host) {
    let address = SocketAddrUnix::new(&host.path).unwrap();
    let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..limit }).unwrap();
    let peers = host.control.report().peers;
    connect(&socket, &address).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(host.control.report().peers, peers);
    setrlimit(Resource::Nofile, limit).unwrap();
    host.wait_until(|report| report.peers == peers + 1);
}
