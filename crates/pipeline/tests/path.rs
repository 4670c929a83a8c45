//! The path of a recording on a real device, under the validation layer where it is installed.
//!
//! What is missing is reported as ignored, or as a failure when `ZEROHOP_REQUIRE` names it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrayvec::ArrayVec;
use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_frame::{
    BoxError, BufferId, Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo,
    FrameSink, MemoryHandle, Modifier, PlaneLayout, Recycle, Release, SharedBuffer, Stage,
    SyncPoint,
};
use zerohop_kernel::{Mapping, MappingMut, Memfd};
use zerohop_needs::absent;
use zerohop_pipeline::{Look, Measurements, Path, Snapshots, Stages, Verdicts};
use zerohop_vulkan::{Device, DeviceChoice, Instance, InstanceOptions};

/// An odd size: neither tiles nor chroma come out even.
const EXTENT: Extent = Extent { width: 117, height: 59 };
const STRIDE: usize = EXTENT.width as usize * 4;

fn main() -> ExitCode {
    let validated = Instance::new(InstanceOptions { validation: true }).is_ok();
    let device = Instance::new(InstanceOptions::default())
        .and_then(|instance| Device::open(&DeviceChoice::Any.pick(&instance)?))
        .map(drop)
        .map_err(|err| err.to_string());
    let trial = |name, test: fn(bool)| {
        let device = device.clone();
        Trial::ignorable_test(name, move || match device {
            Ok(()) => {
                test(validated);
                Ok(Completion::Completed)
            }
            Err(why) => absent("device", &why),
        })
        .with_kind("device")
    };
    let tests = vec![
        trial("a_still_picture_is_converted_once", a_still_picture),
        trial("across_a_bus_what_changed_is_copied_down_once", across_a_bus),
        trial("a_sink_of_any_format_gets_the_very_frame", the_very_frame),
        trial("snapshots_show_every_nth_picture_as_it_was", snapshots_show),
        trial("a_snapshot_that_fails_costs_the_recording_nothing", snapshots_fail),
        trial("a_picture_taken_back_while_it_was_read_leaves_no_trace", taken_back),
        trial("a_snapshot_of_a_picture_taken_back_is_not_shown", no_snapshot),
        trial(
            "an_application_that_stands_still_is_asked_to_look_and_again_in_a_long_run",
            is_asked,
        ),
        trial("nobody_is_asked_where_each_picture_is_needed", is_not_asked),
        trial("a_picture_that_failed_must_come_again", comes_again),
        trial("a_new_shape_begins_anew", a_new_shape),
        trial("a_format_that_no_pass_reads_is_refused_by_name", an_unknown_format),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

#[derive(Default)]
struct Home(Mutex<Vec<u64>>);

/// Of one that hears whether its stream stands still.
#[derive(Default)]
struct Listener(Mutex<Vec<bool>>);

impl Recycle for Listener {
    fn recycle(&self, _: Release) {}

    fn say_still(&self, still: bool) {
        self.0.lock().unwrap().push(still);
    }
}

/// Of one that takes its pictures back after `reads` of them.
struct Impatient {
    reads: AtomicUsize,
}

impl Recycle for Impatient {
    fn recycle(&self, _: Release) {}

    fn is_intact(&self) -> bool {
        self.reads.fetch_update(Relaxed, Relaxed, |reads| reads.checked_sub(1)).is_ok()
    }
}

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        self.0.lock().unwrap().push(release.sequence);
    }
}

/// What a sink was given: the sequence, the buffer, the bytes.
type Seen = Arc<Mutex<Vec<(u64, BufferId, Vec<u8>)>>>;

/// Looks at pictures in memfds. Fails after `room` of them.
struct Eye {
    formats: Vec<(Fourcc, Modifier)>,
    seen: Seen,
    room: usize,
}

impl Eye {
    fn new(fourcc: Option<Fourcc>) -> Self {
        let formats = fourcc.map(|fourcc| (fourcc, Modifier::LINEAR)).into_iter().collect();
        Self { formats, seen: Seen::default(), room: usize::MAX }
    }
}

impl FrameSink for Eye {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &self.formats
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        let mut seen = self.seen.lock().unwrap();
        if seen.len() == self.room {
            return Err("the eye is closed".into());
        }
        let [MemoryHandle::Shm(fd)] = frame.buffer().memory() else { panic!("not in a memfd") };
        assert!(frame.acquire().wait(Duration::from_secs(10))?, "the picture is complete in time");
        let mapping = Mapping::new(&Memfd::try_from(fd.try_clone()?)?)?;
        let bytes = mapping.as_slice().to_vec();
        seen.push((frame.info().sequence, frame.buffer().id(), bytes));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Picture `seed`, every pixel different from its neighbours.
fn bytes(seed: u8, extent: Extent) -> Vec<u8> {
    let size = extent.width as usize * extent.height as usize * 4;
    (0..size).map(|at| (at * 7 + at / 251) as u8 ^ seed).collect()
}

fn shape(extent: Extent, fourcc: Fourcc) -> FrameDescriptor {
    let planes = [PlaneLayout { object: 0, offset: 0, stride: extent.width * 4 }];
    FrameDescriptor {
        extent,
        fourcc,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter(planes),
        color: Color::SRGB,
    }
}

fn frame<H: Recycle + 'static>(
    sequence: u64,
    seed: u8,
    extent: Extent,
    home: &Arc<H>,
) -> Arc<Frame> {
    let bytes = bytes(seed, extent);
    let memfd = Memfd::create("picture", bytes.len() as u64).unwrap();
    MappingMut::new(&memfd).unwrap().as_mut_slice().copy_from_slice(&bytes);
    let memory = ArrayVec::from_iter([MemoryHandle::Shm(memfd.into())]);
    let buffer = SharedBuffer::new(shape(extent, Fourcc::XRGB8888), memory).unwrap();
    let info = FrameInfo {
        sequence,
        timestamp: Duration::from_millis(sequence * 16),
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::clone(home) as _))
}

fn path(sink: &Eye, validated: bool) -> (Path, Arc<Measurements>) {
    let all = Arc::new(Measurements::default());
    let path = Path::to(sink, DeviceChoice::Any, Arc::clone(&all)).with_validation(validated);
    (path, all)
}

/// The same pictures as in place, and one copy of each with its bytes in the counts.
fn across_a_bus(validated: bool) {
    let run = |far: bool| {
        let (mut sink, home) = (Eye::new(Some(Fourcc::YUV420)), Arc::<Home>::default());
        let (mut path, all) = path(&sink, validated);
        if far {
            path = path.with_far_host();
        }
        path.reshape(&shape(EXTENT, Fourcc::XRGB8888)).unwrap();
        for (sequence, seed) in [(0, 1), (1, 1), (2, 7), (3, 9)] {
            if let Some(out) = path.run(frame(sequence, seed, EXTENT, &home)).unwrap() {
                sink.submit(out).unwrap();
            }
        }
        path.finish().unwrap();
        // Rows of 128 bytes, 118 of which are the picture's.
        let luma = |bytes: &[u8]| -> Vec<u8> {
            bytes.chunks_exact(128).take(60).flat_map(|row| row[..118].to_vec()).collect()
        };
        let seen: Vec<_> =
            sink.seen.lock().unwrap().iter().map(|(at, _, bytes)| (*at, luma(bytes))).collect();
        (seen, all.counts().path_copies)
    };
    let ((near, none), (far, copies)) = (run(false), run(true));
    assert!(far == near && far.len() == 3, "the same three pictures");
    assert!(!none.reasons.contains_key(DOWN));
    assert_eq!(copies.reasons[DOWN], 3);
    // Four rows of tiles of luma, half as much chroma.
    assert_eq!(copies.down_bytes, 3 * 128 * 64 * 3 / 2);
}

/// Why pictures are copied down.
const DOWN: &str = "brought down: the device and the host do not share this memory";

fn a_still_picture(validated: bool) {
    let (mut sink, home) = (Eye::new(Some(Fourcc::YUV420)), Arc::<Home>::default());
    let (mut path, all) = path(&sink, validated);
    path.reshape(&shape(EXTENT, Fourcc::XRGB8888)).unwrap();
    for (sequence, seed) in [(0, 1), (1, 1), (2, 1), (3, 9), (4, 9)] {
        if let Some(out) = path.run(frame(sequence, seed, EXTENT, &home)).unwrap() {
            assert_eq!(out.buffer().descriptor().fourcc, Fourcc::YUV420);
            sink.submit(out).unwrap();
        }
    }
    path.finish().unwrap();
    let seen: Vec<u64> = sink.seen.lock().unwrap().iter().map(|(sequence, ..)| *sequence).collect();
    assert_eq!(seen, [0, 3]);
    let counts = all.counts();
    assert_eq!(counts.verdicts, Verdicts { unchanged: 3, changed: 2, region: 0 });
    let spans =
        [Stage::Import, Stage::Classify, Stage::Convert].map(|stage| counts.stage(stage).count);
    assert_eq!(spans, [5, 5, 2], "unchanged pictures are not converted");
    assert_eq!(*home.0.lock().unwrap(), [0, 1, 2, 3, 4], "each home as soon as it was read");
}

fn the_very_frame(validated: bool) {
    let (mut sink, home) = (Eye::new(None), Arc::<Home>::default());
    let (mut path, all) = path(&sink, validated);
    let picture = frame(0, 5, EXTENT, &home);
    let id = picture.buffer().id();
    sink.submit(path.run(picture).unwrap().unwrap()).unwrap();
    assert!(path.run(frame(1, 5, EXTENT, &home)).unwrap().is_none(), "unchanged");
    path.finish().unwrap();
    let seen = sink.seen.lock().unwrap();
    assert_eq!((seen.len(), seen[0].1), (1, id));
    assert_eq!(all.counts().stage(Stage::Convert).count, 0);
}

fn snapshots_show(validated: bool) {
    let (sink, side, home) = (Eye::new(None), Eye::new(None), Arc::<Home>::default());
    let (path, all) = path(&sink, validated);
    let seen = Arc::clone(&side.seen);
    let snapshots = Snapshots::new(Box::new(side), 2, all.of_sinks());
    let mut path = path.with_snapshots(Some(snapshots));
    for sequence in 0..5 {
        // All the same: a snapshot does not ask what a picture is worth.
        path.run(frame(sequence, 3, EXTENT, &home)).unwrap();
    }
    path.finish().unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.iter().map(|(sequence, ..)| *sequence).collect::<Vec<_>>(), [0, 2, 4]);
    assert!(seen.iter().all(|(.., found)| *found == bytes(3, EXTENT)), "every byte as it was");
    let counts = all.counts();
    assert_eq!(counts.path_copies.cpu_bytes, 0, "copies of a sink are its own");
    assert!(counts.sink_copies.cpu_bytes >= 3 * (STRIDE * EXTENT.height as usize) as u64);
}

fn snapshots_fail(validated: bool) {
    let (sink, mut side, home) = (Eye::new(None), Eye::new(None), Arc::<Home>::default());
    side.room = 1;
    let (path, all) = path(&sink, validated);
    let snapshots = Snapshots::new(Box::new(side), 1, all.of_sinks());
    let mut path = path.with_snapshots(Some(snapshots));
    for sequence in 0..3 {
        let out = path.run(frame(sequence, sequence as u8, EXTENT, &home)).unwrap();
        assert!(out.is_some(), "picture {sequence}");
    }
    let said: Vec<_> = all.counts().fallbacks.into_iter().map(|one| one.reason).collect();
    assert_eq!(said, ["the eye is closed"], "said when it was, and not at the end only");
    assert_eq!(path.finish().unwrap_err().to_string(), "the eye is closed");
}

/// A picture of `seed` after which its maker gives up on us during read number `reads`.
fn lost(sequence: u64, seed: u8, reads: usize) -> Arc<Frame> {
    frame(sequence, seed, EXTENT, &Arc::new(Impatient { reads: AtomicUsize::new(reads) }))
}

fn taken_back(validated: bool) {
    let (mut sink, home) = (Eye::new(Some(Fourcc::YUV420)), Arc::<Home>::default());
    let mut last = |lose: &[(u64, u8, usize)]| {
        let (mut path, all) = path(&sink, validated);
        let first = path.run(frame(0, 1, EXTENT, &home)).unwrap().unwrap();
        // Comes back to the pool, with a picture in it that is the last one but for what was lost.
        drop(first);
        for &(sequence, seed, reads) in lose {
            assert!(path.run(lost(sequence, seed, reads)).unwrap().is_none(), "it was lost");
        }
        let next = path.run(frame(9, 5, EXTENT, &home)).unwrap();
        sink.submit(next.expect("the next picture is taken for changed")).unwrap();
        path.finish().unwrap();
        let why = "the application took it back while it was read";
        assert_eq!(all.counts().dropped.get(why).copied().unwrap_or(0), lose.len() as u64);
        sink.seen.lock().unwrap().pop().unwrap().2
    };
    let whole = last(&[]);
    // While it was classified, and while it was converted; the same picture follows.
    assert!(last(&[(1, 5, 0)]) == whole && last(&[(1, 5, 1)]) == whole);
    assert!(last(&[(1, 7, 1), (2, 5, 0), (3, 5, 1)]) == whole);
}

fn no_snapshot(validated: bool) {
    let (sink, side, home) = (Eye::new(None), Eye::new(None), Arc::<Home>::default());
    let (path, all) = path(&sink, validated);
    let seen = Arc::clone(&side.seen);
    let snapshots = Snapshots::new(Box::new(side), 1, all.of_sinks());
    let mut path = path.with_snapshots(Some(snapshots));
    assert!(path.run(lost(0, 3, 0)).unwrap().is_none());
    assert!(path.run(frame(1, 3, EXTENT, &home)).unwrap().is_some(), "not taken for unchanged");
    path.finish().unwrap();
    let seen: Vec<u64> = seen.lock().unwrap().iter().map(|(sequence, ..)| *sequence).collect();
    assert_eq!(seen, [1]);
}

/// What an application hears that shows pictures of `seeds`.
fn heard(path: Path, seeds: &[u8]) -> Vec<bool> {
    let (mut path, home) = (path, Arc::<Listener>::default());
    for (sequence, seed) in seeds.iter().enumerate() {
        drop(path.run(frame(sequence as u64, *seed, EXTENT, &home)).unwrap());
    }
    path.finish().unwrap();
    home.0.lock().unwrap().clone()
}

fn is_asked(validated: bool) {
    let run = |seeds: &[u8], look| {
        let (path, all) = path(&Eye::new(Some(Fourcc::YUV420)), validated);
        let heard = heard(path.with_look(look), seeds);
        assert_eq!(all.counts().asked, heard.len() as u64);
        heard
    };
    let asked = Look::Application;
    assert_eq!(run(&[1, 1, 1, 1], asked), [false; 0], "the first one is none of them");
    assert_eq!(run(&[1; 5], asked), [true]);
    assert_eq!(run(&[1; 260], asked), [true], "once when it stands still");
    assert_eq!(run(&[1; 261], asked), [true, true], "again when it did not look for long");
    assert_eq!(run(&[1, 1, 1, 1, 2, 2, 2, 2, 1, 2], asked), [false; 0]);
    assert_eq!(run(&[1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2], asked), [true, true]);
    let on_cpu = {
        let device = Instance::new(InstanceOptions::default()).unwrap();
        Device::open(&DeviceChoice::Any.pick(&device).unwrap()).unwrap().is_cpu()
    };
    assert_eq!(run(&[1; 9], Look::ApplicationOnGpu).is_empty(), on_cpu);
}

fn is_not_asked(validated: bool) {
    let (sink, side) = (Eye::new(None), Eye::new(None));
    let (all_of_them, all) = path(&sink, validated);
    let snapshots = Snapshots::new(Box::new(side), 1, all.of_sinks());
    let path_to_side = all_of_them.with_look(Look::Application).with_snapshots(Some(snapshots));
    assert_eq!(path_to_side.host_looks(), Some("every picture is read as it came"));
    assert_eq!(heard(path_to_side, &[1; 9]), [false; 0]);
    let (by_host, _) = path(&sink, validated);
    let by_host = by_host.with_look(Look::Host("a test says so"));
    assert_eq!(by_host.host_looks(), Some("a test says so"));
    assert_eq!(heard(by_host, &[1; 9]), [false; 0]);
}

fn comes_again(validated: bool) {
    let (path, all) = path(&Eye::new(Some(Fourcc::YUV420)), validated);
    let (mut path, home) = (path.with_look(Look::Application), Arc::<Listener>::default());
    for sequence in 0..5 {
        drop(path.run(frame(sequence, 1, EXTENT, &home)).unwrap());
    }
    let odd = Extent { width: 8, ..EXTENT };
    assert!(path.run(frame(5, 1, odd, &home)).is_err(), "no pass is for this shape");
    assert_eq!(*home.0.lock().unwrap(), [true, false]);
    // Every converted picture is held: the next one cannot be written.
    let mut held = Vec::new();
    for sequence in 6..60 {
        held.extend(path.run(frame(sequence, sequence as u8, EXTENT, &home)).unwrap());
    }
    let lost = all.counts().dropped.values().sum::<u64>();
    assert!(lost > 0 && held.len() + lost as usize == 54);
    assert_eq!(home.0.lock().unwrap().len() as u64, 2 + lost);
    drop(held);
    // It comes again as it was when it was lost, and then nothing is new about it.
    let again = path.run(frame(60, 59, EXTENT, &home)).unwrap();
    assert!(again.is_some(), "the sink has it now");
    assert!(path.run(frame(61, 59, EXTENT, &home)).unwrap().is_none());
    drop(again);
    path.finish().unwrap();
}

fn a_new_shape(validated: bool) {
    let (sink, home) = (Eye::new(Some(Fourcc::NV12)), Arc::<Home>::default());
    let (mut path, all) = path(&sink, validated);
    for (sequence, side) in [(0, 64), (1, 64), (2, 48), (3, 1)] {
        let extent = Extent { width: side, height: side };
        path.reshape(&shape(extent, Fourcc::XRGB8888)).unwrap();
        let out = path.run(frame(sequence, 0, extent, &home)).unwrap();
        assert_eq!(out.is_some(), sequence != 1, "picture {sequence}");
        let fourcc = out.map(|out| out.buffer().descriptor().fourcc);
        assert!(fourcc.is_none_or(|fourcc| fourcc == Fourcc::NV12));
    }
    path.finish().unwrap();
    assert_eq!(all.counts().verdicts, Verdicts { unchanged: 1, changed: 3, region: 0 });
}

fn an_unknown_format(validated: bool) {
    let (mut path, _) = path(&Eye::new(None), validated);
    let err = path.reshape(&shape(EXTENT, Fourcc::NV12)).unwrap_err();
    assert_eq!(err.to_string(), "no Vulkan format for NV12");
}
