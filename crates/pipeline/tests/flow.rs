//! Pictures go from a source to a sink, and home, whatever happens on the way.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    BoxError, Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, FrameSink, Kept,
    MemoryHandle, Modifier, PlaneLayout, Recycle, Release, SharedBuffer, Source, SourceEvent,
    SyncPoint,
};
use zerohop_kernel::{Eventfd, clock_monotonic};
use zerohop_pipeline::{Ending, Error, Limits, Measurements, Stages, Stop, Straight, run};

#[derive(Default)]
struct Home(Mutex<Vec<u64>>);

impl Home {
    fn came(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }
}

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        self.0.lock().unwrap().push(release.sequence);
    }
}

fn shape() -> FrameDescriptor {
    FrameDescriptor {
        extent: Extent { width: 2, height: 2 },
        fourcc: Fourcc::XRGB8888,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 8 }]),
        color: Color::SRGB,
    }
}

/// Makes pictures `0..count` in one buffer, then says that it ended, or nothing any more.
struct Pattern {
    buffer: Arc<SharedBuffer>,
    home: Arc<Home>,
    sent: u64,
    count: u64,
    ends: bool,
    quiet: Eventfd,
}

impl Pattern {
    fn new(count: u64, ends: bool) -> Self {
        let memory = MemoryHandle::Shm(std::fs::File::open("/dev/null").unwrap().into());
        let buffer = SharedBuffer::new(shape(), ArrayVec::from_iter([memory])).unwrap();
        let quiet = Eventfd::new().unwrap();
        Self { buffer, home: Arc::default(), sent: 0, count, ends, quiet }
    }
}

impl Source for Pattern {
    fn poll_event(&mut self) -> Result<Option<SourceEvent>, BoxError> {
        if self.sent == self.count {
            return Ok(self.ends.then_some(SourceEvent::Ended));
        }
        let info = FrameInfo {
            sequence: self.sent,
            timestamp: Duration::ZERO,
            presented: Duration::ZERO,
            damage: Damage::Unknown,
        };
        self.sent += 1;
        let (buffer, home) = (Arc::clone(&self.buffer), Arc::clone(&self.home));
        Ok(Some(SourceEvent::Frame(Frame::new(buffer, info, SyncPoint::Signaled, home))))
    }

    fn readiness(&self) -> BorrowedFd<'_> {
        self.quiet.as_fd()
    }
}

/// Lets every second picture through, and fails at those of `fails`.
#[derive(Default)]
struct Half {
    fails: Vec<u64>,
    /// How long it takes to fail.
    pause: Duration,
}

impl Stages for Half {
    fn reshape(&mut self, _: &FrameDescriptor) -> Result<(), BoxError> {
        Ok(())
    }

    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        let sequence = frame.info().sequence;
        if self.fails.contains(&sequence) {
            std::thread::sleep(self.pause);
            return Err("no such pixel".into());
        }
        Ok(sequence.is_multiple_of(2).then_some(frame))
    }
}

/// Keeps what it gets until it finishes, as an encoder with a deep queue does.
#[derive(Default)]
struct Hoard {
    frames: Vec<Arc<Frame>>,
    took: Vec<u64>,
    room: Option<usize>,
    finished: u32,
}

impl FrameSink for Hoard {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &[(Fourcc::XRGB8888, Modifier::LINEAR)]
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        if self.room.is_some_and(|room| self.took.len() >= room) {
            return Err("no space left on device".into());
        }
        self.took.push(frame.info().sequence);
        self.frames.push(frame);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        self.frames.clear();
        self.finished += 1;
        Ok(())
    }
}

fn flow(
    source: &mut Pattern,
    stages: &mut dyn Stages,
    sink: &mut Hoard,
    limits: Limits<'_>,
) -> (Result<Ending, Error>, Measurements) {
    let measurements = Measurements::default();
    let ending = run(source, stages, sink, limits, &measurements);
    assert_eq!(sink.finished, 1, "finished once, whatever happened");
    let mut home = source.home.came();
    home.sort_unstable();
    assert_eq!(home, (0..source.sent).collect::<Vec<_>>(), "every picture went home once");
    (ending, measurements)
}

#[test]
fn every_picture_goes_home_once() {
    let (mut source, mut sink) = (Pattern::new(5, true), Hoard::default());
    let (ending, all) = flow(&mut source, &mut Half::default(), &mut sink, Limits::default());
    assert_eq!(ending.unwrap(), Ending::Source);
    // 1 and 3 at once, the rest when the sink lets go.
    assert_eq!(source.home.came(), [1, 3, 0, 2, 4]);
    assert_eq!((all.counts().taken, all.counts().submitted), (5, 3));
}

#[test]
fn the_pipeline_ends_after_so_many_pictures() {
    let (mut source, mut sink) = (Pattern::new(9, false), Hoard::default());
    let limits = Limits { frames: Some(4), ..Limits::default() };
    let (ending, _) = flow(&mut source, &mut Straight, &mut sink, limits);
    assert_eq!(ending.unwrap(), Ending::Frames);
    assert_eq!((source.sent, sink.took), (4, vec![0, 1, 2, 3]));
}

/// One picture, and then word of some that were kept: three times seven.
struct Still {
    pattern: Pattern,
    told: u64,
}

impl Source for Still {
    fn poll_event(&mut self) -> Result<Option<SourceEvent>, BoxError> {
        match self.pattern.poll_event()? {
            Some(SourceEvent::Frame(frame)) => Ok(Some(SourceEvent::Frame(frame))),
            ended if self.told == 3 => Ok(ended),
            _ => {
                self.told += 1;
                let (sequence, timestamp) = (7 * self.told, Duration::ZERO);
                Ok(Some(SourceEvent::Kept(Kept { count: 7, sequence, timestamp })))
            }
        }
    }

    fn readiness(&self) -> BorrowedFd<'_> {
        self.pattern.quiet.as_fd()
    }
}

#[test]
fn kept_pictures_count_as_presented_and_unchanged_and_no_more_than_are_asked_for() {
    let run = |frames| {
        let mut source = Still { pattern: Pattern::new(1, true), told: 0 };
        let (all, mut sink) = (Measurements::default(), Hoard::default());
        let limits = Limits { frames, ..Limits::default() };
        let ending = run(&mut source, &mut Straight, &mut sink, limits, &all).unwrap();
        let counts = all.counts();
        (ending, counts.taken, counts.kept, counts.verdicts.unchanged, counts.submitted)
    };
    assert_eq!(run(None), (Ending::Source, 22, 21, 21, 1));
    assert_eq!(run(Some(10)), (Ending::Frames, 10, 9, 9, 1));
    assert_eq!(run(Some(8)), (Ending::Frames, 8, 7, 7, 1));
}

#[test]
fn the_pipeline_ends_when_the_time_is_over_and_nothing_comes() {
    let (mut source, mut sink) = (Pattern::new(1, false), Hoard::default());
    let begin = clock_monotonic();
    let until = begin + Duration::from_millis(50);
    let limits = Limits { until: Some(until), ..Limits::default() };
    let (ending, _) = flow(&mut source, &mut Straight, &mut sink, limits);
    assert_eq!(ending.unwrap(), Ending::Time);
    let took = clock_monotonic() - begin;
    assert!(took >= Duration::from_millis(50) && took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_stop_ends_the_pipeline_before_its_next_picture() {
    let stop = Stop::new().unwrap();
    stop.say();
    let limits = Limits { stop: Some(&stop), ..Limits::default() };
    let (mut source, mut sink) = (Pattern::new(3, false), Hoard::default());
    let (ending, _) = flow(&mut source, &mut Straight, &mut sink, limits);
    assert_eq!((ending.unwrap(), sink.took.len()), (Ending::Stopped, 0));
}

#[test]
fn another_thread_stops_a_pipeline_that_waits() {
    let stop = Stop::new().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(30));
            stop.say();
        });
        let limits = Limits { stop: Some(&stop), ..Limits::default() };
        let (mut source, mut sink) = (Pattern::new(1, false), Hoard::default());
        let (ending, _) = flow(&mut source, &mut Straight, &mut sink, limits);
        assert_eq!(ending.unwrap(), Ending::Stopped);
    });
}

#[test]
fn a_picture_that_fails_is_counted_and_the_next_one_goes_on() {
    let (mut source, mut sink) = (Pattern::new(6, true), Hoard::default());
    let mut stages = Half { fails: vec![2, 3], ..Half::default() };
    let (ending, all) = flow(&mut source, &mut stages, &mut sink, Limits::default());
    assert_eq!(ending.unwrap(), Ending::Source);
    assert_eq!(sink.took, [0, 4]);
    let counts = all.counts();
    assert_eq!(counts.dropped["a stage failed"], 2);
    assert_eq!(counts.fallbacks.len(), 1, "one reason, said once");
    assert_eq!(counts.fallbacks[0].reason, "no such pixel");
}

#[test]
fn many_pictures_that_fail_in_a_moment_are_no_end() {
    let (mut source, mut sink) = (Pattern::new(41, true), Hoard::default());
    let mut stages = Half { fails: (0..40).collect(), ..Half::default() };
    let (ending, all) = flow(&mut source, &mut stages, &mut sink, Limits::default());
    assert_eq!(ending.unwrap(), Ending::Source);
    assert_eq!((sink.took, all.counts().dropped["a stage failed"]), (vec![40], 40));
}

#[test]
fn a_pipeline_where_every_picture_fails_gives_up_after_a_second() {
    let (mut source, mut sink) = (Pattern::new(100, true), Hoard::default());
    let pause = Duration::from_millis(60);
    let mut stages = Half { fails: (0..100).collect(), pause };
    let (ending, _) = flow(&mut source, &mut stages, &mut sink, Limits::default());
    let Err(Error::Stage { failures, time, .. }) = ending else { panic!("{ending:?}") };
    assert!((8..=17).contains(&failures), "{failures} in {time:?}");
    assert!(time >= Duration::from_secs(1), "{time:?}");
}

#[test]
fn a_sink_that_fails_ends_the_pipeline_and_is_finished() {
    let (mut source, mut sink) =
        (Pattern::new(9, true), Hoard { room: Some(2), ..Hoard::default() });
    let (ending, _) = flow(&mut source, &mut Straight, &mut sink, Limits::default());
    assert!(matches!(ending, Err(Error::Sink(_))), "{ending:?}");
    assert_eq!(source.sent, 3);
}
