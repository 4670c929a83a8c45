//! A host that only looks: `watch SOCKET [SECONDS]` prints what producers say, for whoever writes
//! one, and gives every picture back unread.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zerohop_frame::{BoxError, Fallback, Observer, Source, SourceEvent, Stage};
use zerohop_sources::{Overflow, WireConfig, WireSource};

/// Prints what is worth a line.
struct Print;

impl Observer for Print {
    fn span(&self, _: u64, _: Stage, _: Duration, _: Duration) {}
    fn cpu_copy(&self, _: u64, _: u64, _: &'static str) {}
    fn gpu_copy(&self, _: u64, _: &'static str) {}
    fn dropped(&self, sequence: u64, why: &'static str) {
        println!("picture {sequence} was dropped: {why}");
    }
    fn fallback(&self, fallback: Fallback) {
        println!("fallback of {}: {}; {}", fallback.what, fallback.reason, fallback.cost);
    }
}

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let socket = PathBuf::from(arguments.next().ok_or("watch SOCKET [SECONDS]")?);
    let seconds: u64 = arguments.next().map_or(Ok(10), |seconds| seconds.parse())?;
    let overflow = Overflow::default();
    let mut source = WireSource::open(WireConfig {
        socket,
        display: None,
        timelines: Vec::new(),
        overflow,
        spin: false,
        observer: Arc::new(Print),
    })?;
    let control = source.control();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut frames = 0u64;
    loop {
        match source.poll_event()? {
            Some(SourceEvent::Format(format)) => println!("{format:?}"),
            Some(SourceEvent::Frame(_)) => frames += 1,
            Some(SourceEvent::Kept(kept)) => println!("{kept:?}"),
            Some(SourceEvent::Ended) => break,
            None if Instant::now() >= end => control.stop(),
            None => {}
        }
        let left = Timespec::try_from(end.saturating_duration_since(Instant::now()))?;
        poll(&mut [PollFd::new(&source.readiness(), PollFlags::IN)], Some(&left))?;
    }
    println!("{frames} pictures");
    println!("{:#?}", control.report());
    Ok(())
}
