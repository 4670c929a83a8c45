//! Timelines of others, over a driver that shares its own: those that keep their word, and those that
//! do not.
//!
//! The program begins itself anew with `VK_LAYER_ZEROHOP_timeline` below the validation layer, where both
//! are there. The others are counters of that layer: whoever has one may signal it, or not.

mod common;

use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use common::{Home, Machine, Test, VALIDATION, begin_over, one, open};
use libtest_mimic::Arguments;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, Modifier, OpaqueImage,
    PlaneLayout, SharedBuffer, SyncPoint, Timeline, Writer,
};
use zerohop_kernel::Memfd;
use zerohop_layer_timeline::{Counter, LAYER_NAME, LIBRARY};
use zerohop_vulkan::{Device, Error, Image, PixelFormat, Recording, opaque_of, write_picture};

fn main() -> ExitCode {
    let layers = format!("{VALIDATION}:{LAYER_NAME}");
    if let Err(err) = begin_over(&layers, LIBRARY, zerohop_layer_timeline::install) {
        eprintln!("timelines: {err}");
        return ExitCode::FAILURE;
    }
    let machine = open().map(Arc::new);
    let trial =
        |name, test: Test| one("device", name, machine.clone(), Device::shares_timelines, test);
    let tests = vec![
        trial("a_submission_waits_on_the_device_for_a_timeline", waits_on_the_device),
        trial("a_picture_with_a_timeline_goes_home_with_one", goes_home_in_kind),
        trial("each_maker_is_answered_by_a_timeline_of_its_own", answers_apart),
        trial("a_maker_that_signals_the_answer_deceives_nobody_else", answer_signaled),
        trial("a_picture_without_a_timeline_goes_home_when_it_is_read", goes_home_read),
        trial("a_writer_that_is_gone_holds_nothing_up", gone),
        trial("what_is_waited_for_on_the_cpu_has_the_same_limits", gone_on_the_cpu),
        trial("a_value_that_is_too_far_away_is_refused", too_far),
        trial("another_descriptor_never_reaches_the_driver", another_descriptor),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// Somebody else.
#[derive(Clone, Default)]
struct Other(Arc<(AtomicBool, AtomicUsize)>);

impl Other {
    fn refusals(&self) -> usize {
        self.0.1.load(Ordering::Relaxed)
    }
}

impl Writer for Other {
    fn lives(&self) -> bool {
        !self.0.0.load(Ordering::Relaxed)
    }
    fn refuse(&self, _: &str) {
        self.0.1.fetch_add(1, Ordering::Relaxed);
    }
}

/// A timeline of somebody else's, what signals it, and who.
fn stranger(machine: &Machine) -> (Arc<Timeline>, Counter, Other) {
    let counter = Counter::new(0).expect("a memfd");
    let fd = counter.as_fd().try_clone_to_owned().expect("a descriptor");
    let other = Other::default();
    (Timeline::new(machine.device.id(), fd, Some(Box::new(other.clone()))), counter, other)
}

type Lent = (Arc<Frame>, Arc<Image>, Arc<Home>);

/// A picture that is complete at `acquire`, and where it goes home to.
fn picture(machine: &Machine, acquire: SyncPoint) -> Result<Lent, Error> {
    let extent = Extent { width: 16, height: 16 };
    let format = PixelFormat::of(Fourcc::XRGB8888).expect("a known format");
    let opaque: OpaqueImage = opaque_of(format);
    let image = Arc::new(Image::create(&machine.device, extent, format, &opaque)?);
    write_picture(&machine.queue, &image, &vec![7; image.bytes() as usize])?;
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]);
    let (modifier, color) = (Modifier::INVALID, Color::SRGB);
    let fourcc = format.fourcc();
    let shape = FrameDescriptor { extent, fourcc, modifier, planes, color };
    let memory = ArrayVec::from_iter([image.export()?]);
    let buffer = SharedBuffer::new(shape, memory).expect("the descriptor is sound");
    let info = FrameInfo {
        sequence: 7,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    let home = Arc::new(Home::default());
    let frame = Frame::new(buffer, info, acquire, Arc::clone(&home) as _);
    Ok((Arc::new(frame), image, home))
}

fn at(which: &Arc<Timeline>, value: u64) -> SyncPoint {
    SyncPoint::Timeline { which: Arc::clone(which), value }
}

fn waits_on_the_device(machine: &Machine) -> Result<(), Error> {
    let (which, counter, _) = stranger(machine);
    let (frame, image, _) = picture(machine, at(&which, 3))?;
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&frame, &image)?;
    let (begin, delay) = (Instant::now(), Duration::from_millis(80));
    let signals = thread::spawn(move || {
        thread::sleep(delay);
        counter.raise(3);
    });
    recording.submit_and_wait()?;
    assert!(begin.elapsed() >= delay, "it did not wait");
    signals.join().expect("no panic");
    assert!(frame.is_intact());
    Ok(())
}

fn goes_home_in_kind(machine: &Machine) -> Result<(), Error> {
    let (which, counter, _) = stranger(machine);
    let (frame, image, home) = picture(machine, at(&which, 1))?;
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&frame, &image)?;
    drop(frame);
    let point = recording.submit()?;
    let after = home.0.lock().expect("no panic inside").remove(0).after;
    let [SyncPoint::Timeline { which: ours, value }] = &after[..] else {
        panic!("a value of our timeline, not {after:?}");
    };
    assert_eq!(ours.device(), machine.device.id());
    assert!(ours.id() != which.id() && *value > 0, "one that we signal");
    assert!(!point.wait(Duration::from_millis(20)).expect("a wait"), "the picture is not there");
    counter.raise(1);
    assert!(point.wait(Duration::from_secs(20)).expect("a wait"));
    Ok(())
}

/// The value that a picture went home with, and whose timeline that is.
fn answer(home: &Home) -> (Arc<Timeline>, u64) {
    let after = home.0.lock().expect("no panic inside").remove(0).after;
    let [SyncPoint::Timeline { which, value }] = &after[..] else {
        panic!("a value of our timeline, not {after:?}");
    };
    (Arc::clone(which), *value)
}

/// Reads two pictures in one submission; each goes home with what is returned.
fn read_both(machine: &Machine, of: [&Arc<Timeline>; 2], value: u64) -> Result<[Answer; 2], Error> {
    let [one, other] = [picture(machine, at(of[0], value))?, picture(machine, at(of[1], value))?];
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&one.0, &one.1)?;
    recording.read(&other.0, &other.1)?;
    let (first, second) = (one.2, other.2);
    drop((one.0, other.0));
    let _ = recording.submit()?;
    Ok([answer(&first), answer(&second)])
}

type Answer = (Arc<Timeline>, u64);

fn answers_apart(machine: &Machine) -> Result<(), Error> {
    let ((a, signals_a, _), (b, signals_b, _)) = (stranger(machine), stranger(machine));
    [signals_a, signals_b].iter().for_each(|signals| signals.raise(2));
    let first = read_both(machine, [&a, &b], 1)?;
    let second = read_both(machine, [&a, &b], 2)?;
    assert_ne!(first[0].0.id(), first[1].0.id(), "neither has the other's");
    for (before, after) in first.iter().zip(&second) {
        assert!(Arc::ptr_eq(&before.0, &after.0), "announced once");
        assert!(before.1 < after.1, "values grow");
    }
    for (which, value) in first.into_iter().chain(second) {
        assert!(at(&which, value).wait(Duration::from_secs(20)).expect("a wait"));
    }
    Ok(())
}

fn answer_signaled(machine: &Machine) -> Result<(), Error> {
    let ((liar, signals, other), (victim, holds, _)) = (stranger(machine), stranger(machine));
    let [of_liar, of_victim] = read_both(machine, [&liar, &victim], 1)?;
    let fd = of_liar.0.as_fd().try_clone_to_owned().expect("a descriptor");
    let told = Counter::open(fd).expect("what the liar was told");
    told.raise(1000);
    signals.raise(1);
    let own = at(&of_liar.0, 900).wait(Duration::from_secs(20));
    assert!(own.expect("a wait"), "its own, as it likes");
    let early = at(&of_victim.0, of_victim.1).wait(Duration::from_millis(20));
    assert!(!early.expect("a wait"), "the victim's picture is still read");
    holds.raise(1);
    assert!(at(&of_victim.0, of_victim.1).wait(Duration::from_secs(20)).expect("a wait"));

    let (frame, image, _) = picture(machine, at(&liar, 1))?;
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&frame, &image)?;
    told.raise(2000);
    assert!(at(&of_liar.0, 2000).wait(Duration::from_secs(20)).expect("a wait"));
    let err = recording.submit().expect_err("it would have to go back");
    assert_eq!(err.to_string(), "a timeline of the host's was signaled by its producer");
    assert_eq!(other.refusals(), 1);
    Ok(())
}

fn goes_home_read(machine: &Machine) -> Result<(), Error> {
    let (frame, image, home) = picture(machine, SyncPoint::Signaled)?;
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&frame, &image)?;
    drop(frame);
    let point = recording.submit()?;
    let after = home.0.lock().expect("no panic inside").remove(0).after;
    let named = |point: &SyncPoint| matches!(point, SyncPoint::Timeline { .. });
    assert!(!after.iter().any(named), "its maker would not know it");
    assert!(point.wait(Duration::from_secs(20)).expect("a wait"));
    Ok(())
}

/// The queue is free again, and what was read does not count.
fn gone(machine: &Machine) -> Result<(), Error> {
    let (which, _counter, other) = stranger(machine);
    let (frame, image, _) = picture(machine, at(&which, 5))?;
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&frame, &image)?;
    other.0.0.store(true, Ordering::Relaxed);
    let begin = Instant::now();
    let err = recording.submit_and_wait().expect_err("nobody signals it");
    assert!(begin.elapsed() < Duration::from_secs(8), "after {:?}", begin.elapsed());
    assert_eq!(err.to_string(), "the timeline did not come to 5 before its writer ended");
    assert!(other.refusals() == 1 && !frame.is_intact());
    let err = Recording::begin(&machine.queue)?.read(&frame, &image).expect_err("forsaken");
    assert!(matches!(err, Error::Forsaken(_)), "{err}");
    Recording::begin(&machine.queue)?.submit_and_wait().map(drop)
}

fn gone_on_the_cpu(machine: &Machine) -> Result<(), Error> {
    let (which, _counter, other) = stranger(machine);
    other.0.0.store(true, Ordering::Relaxed);
    let err = machine.device.wait_on_cpu(&at(&which, 5)).expect_err("nobody signals it");
    assert!(matches!(err, Error::Forsaken(_)) && other.refusals() == 1, "{err}");
    Ok(())
}

fn too_far(machine: &Machine) -> Result<(), Error> {
    let (which, _counter, other) = stranger(machine);
    let (frame, image, _) = picture(machine, at(&which, u64::MAX))?;
    let mut recording = Recording::begin(&machine.queue)?;
    let err = recording.read(&frame, &image).expect_err("nobody could signal that");
    let said = format!("value {} is too far ahead of a timeline that is at 0", u64::MAX);
    assert_eq!((err.to_string(), other.refusals()), (said, 1));
    Ok(())
}

fn another_descriptor(machine: &Machine) -> Result<(), Error> {
    let null = std::fs::File::open("/dev/null").expect("Linux has it").into();
    let plain = Memfd::create("test", 4096).expect("a memfd").into();
    for fd in [null, plain] {
        let other = Other::default();
        let which = Timeline::new(machine.device.id(), fd, Some(Box::new(other.clone())));
        let (frame, image, _) = picture(machine, at(&which, 1))?;
        let mut recording = Recording::begin(&machine.queue)?;
        assert!(recording.read(&frame, &image).is_err());
        assert_eq!(other.refusals(), 1);
        let why = which.forsaken().expect("for good");
        assert!(why.starts_with("the timeline cannot be imported: "), "{why}");
    }
    Ok(())
}
