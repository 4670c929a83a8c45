//! Many pictures and many buffers: what is open and in memory at the end is what was at the
//! beginning. One test alone in its process, since it counts what the process has.

mod common;

use common::{App, Host, open_fds, resident_kib};
use zerohop_sources::Overflow;

const FRAMES: u64 = 10_000;
const RESIZE_EVERY: u64 = 100;

#[test]
fn ten_thousand_pictures_and_a_hundred_swapchains_leave_nothing_behind() {
    let mut host = Host::open(Overflow::Wait);
    let mut app = App::start(&host, 64, 4);
    // Two rounds first, for what is allocated once.
    rounds(&mut host, &mut app, 2);
    let (fds, memory) = (open_fds(), resident_kib());
    rounds(&mut host, &mut app, FRAMES / RESIZE_EVERY);
    assert_eq!(open_fds(), fds);
    let grown = resident_kib().saturating_sub(memory);
    assert!(grown < 2048, "{grown} KiB more after {FRAMES} pictures");

    let report = host.control.report();
    assert_eq!(report.frames_presented, FRAMES + 2 * RESIZE_EVERY);
    assert_eq!((report.frames_dropped, report.frames_unsent, report.refused_count), (0, 0, 0));
    assert_eq!(report.streams.len(), 1);

    // Producers that come and go as well.
    for _ in 0..100 {
        let mut other = App::start(&host, 8, 4);
        other.present();
        other.wait_home();
    }
    host.wait_until(|report| report.peers == 101);
    common::eventually(|| open_fds() == fds);
}

/// Swapchains of a hundred pictures each, all of which arrive in order.
fn rounds(host: &mut Host, app: &mut App, count: u64) {
    for round in 0..count {
        app.resize(32 + (round % 2) as u32 * 32, 4);
        for _ in 0..RESIZE_EVERY {
            app.present();
            let frame = host.frame();
            assert_eq!(frame.info().sequence, app.sequence);
        }
        app.wait_home();
    }
}
