//! Makes recordings.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zerohop_encode::{ASSEMBLY, Codec, OpenH264, Options, Packet, PacketSink};
use zerohop_frame::{BoxError, Extent, Fallback, FrameSink, Observer, Stage};
use zerohop_sinks::{EncodeSink, Mp4, Timing};

use crate::picture::Pool;

pub(crate) const SIZE: Extent = Extent { width: 160, height: 96 };

/// When the machine of these tests was switched on, as far as their frames know.
pub(crate) const START: Duration = Duration::from_nanos(5_000_000_123);

/// Counts what was encoded.
#[derive(Default)]
pub(crate) struct Count(pub(crate) Mutex<Vec<u64>>);

impl Observer for Count {
    fn span(&self, sequence: u64, stage: Stage, begin: Duration, end: Duration) {
        assert!(begin <= end);
        assert_eq!(stage, Stage::Encode);
        self.0.lock().unwrap().push(sequence);
    }

    fn cpu_copy(&self, _: u64, _: u64, why: &'static str) {
        panic!("a recording copies nothing, not even because of {why}");
    }

    fn gpu_copy(&self, _: u64, why: &'static str) {
        panic!("a recording copies nothing, not even because of {why}");
    }

    fn dropped(&self, sequence: u64, why: &'static str) {
        panic!("picture {sequence} was dropped: {why}");
    }

    fn fallback(&self, fallback: Fallback) {
        assert!(fallback.what == "encode" && !ASSEMBLY, "{fallback:?}");
    }
}

/// Records pictures shown at `times` after [`START`] until `end`, each in the size that `size`
/// gives it.
pub(crate) fn record(
    out: impl PacketSink + 'static,
    times: &[Duration],
    end: Duration,
    size: impl Fn(usize) -> Extent,
) -> Result<Vec<u64>, BoxError> {
    let now = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&now);
    let clock = Arc::new(move || Duration::from_nanos(clock.load(Ordering::Relaxed)));
    let timing = Timing { key_interval: Duration::from_secs(1), key_pictures: None, clock };
    let count = Arc::new(Count::default());
    let encoder = Box::new(OpenH264::new(Options::default()));
    let mut sink = EncodeSink::start(encoder, Box::new(out), Arc::clone(&count) as _, timing)?;
    let mut pool = Pool::new(size(0), 4);
    for (n, &time) in times.iter().enumerate() {
        if n > 0 && size(n) != size(n - 1) {
            pool = Pool::new(size(n), 4);
        }
        set(&now, START + time);
        sink.submit(Arc::new(pool.frame(n as u64, START + time)))?;
    }
    set(&now, START + end);
    sink.finish()?;
    Ok(std::mem::take(&mut count.0.lock().unwrap()))
}

fn set(now: &AtomicU64, time: Duration) {
    now.store(u64::try_from(time.as_nanos()).unwrap(), Ordering::Relaxed);
}

/// `count` pictures at 60 Hz into a new file.
pub(crate) fn record_file(path: &Path, count: u32) {
    let times = every(60, count);
    let end = Duration::from_secs(1) * count / 60;
    record(Mp4::create(path).unwrap(), &times, end, |_| SIZE).unwrap();
}

/// The times of `count` pictures at `hertz`.
pub(crate) fn every(hertz: u32, count: u32) -> Vec<Duration> {
    (0..count).map(|n| Duration::from_secs(1) * n / hertz).collect()
}

/// A packet as an encoder makes it, with little in it.
pub(crate) fn packet(sequence: u64, pts: Duration) -> Packet {
    let key = sequence == 0;
    let sets: &[u8] = &[0, 0, 0, 1, 0x67, 66, 192, 32, 0xaa, 0, 0, 0, 1, 0x68, 0xbb];
    let slice = [0, 0, 0, 1, if key { 0x65 } else { 0x41 }, sequence as u8 + 7];
    let data = if key { [sets, &slice].concat() } else { slice.to_vec() };
    let color = zerohop_frame::Color::BT709;
    let codec = Codec::H264;
    Packet { codec, data, pts: START + pts, key, sequence, extent: SIZE, color }
}
