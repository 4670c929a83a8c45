//! Pictures of our own, for tests and for a pipeline without a producer.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrayvec::ArrayVec;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use zerohop_frame::{
    BoxError, BufferId, Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo,
    MemoryHandle, Modifier, PlaneLayout, Recycle, Release, SharedBuffer, Source, SourceEvent,
    SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd, clock_monotonic};

use crate::Error;
use crate::drawing::draw;

/// Buffers in the round: one is drawn, one waits, one is read.
const BUFFERS: usize = 3;

/// The longest side, in pixels.
const MAX_SIDE: u32 = 16384;

/// What to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternConfig {
    /// Size, 1 to 16384 on each side.
    pub extent: Extent,
    /// Pictures a second, 1 to 1000.
    pub rate: u32,
    /// How many pictures to draw; `None` for ever.
    pub frames: Option<u64>,
}

/// A source that draws: a still gradient, a square that crosses it, and the sequence as a row of
/// black and white blocks in the lowest eighth. XRGB8888 in host memory.
///
/// A picture for which no buffer is free is not drawn, and its sequence is left out.
pub struct Pattern {
    config: PatternConfig,
    timer: OwnedFd,
    begin: Duration,
    sequence: u64,
    told: bool,
    slots: Vec<Slot>,
    home: Arc<Home>,
}

struct Slot {
    buffer: Arc<SharedBuffer>,
    pixels: MappingMut,
}

/// Buffers that came back, and the work that still reads them.
#[derive(Default)]
struct Home(Mutex<Vec<(BufferId, Vec<SyncPoint>)>>);

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push((release.buffer, release.after));
    }
}

impl Pattern {
    /// Allocates buffers and starts the clock.
    ///
    /// # Errors
    ///
    /// [`Error::Pattern`] for a size or rate out of range, [`Error::Io`] without memory or
    /// descriptors.
    pub fn open(config: PatternConfig) -> Result<Self, Error> {
        let Extent { width, height } = config.extent;
        let sides = 1..=MAX_SIDE;
        let rate = config.rate;
        if !sides.contains(&width) || !sides.contains(&height) || !(1..=1000).contains(&rate) {
            return Err(Error::Pattern { width, height, rate });
        }
        let home = Arc::new(Home::default());
        let slots: Vec<_> =
            (0..BUFFERS).map(|_| Slot::new(config.extent)).collect::<Result<_, _>>()?;
        for slot in &slots {
            home.recycle(Release { buffer: slot.buffer.id(), sequence: 0, after: Vec::new() });
        }
        let begin = clock_monotonic();
        let timer = start_timer(begin).map_err(Error::io("start a timer"))?;
        Ok(Self { config, timer, begin, sequence: 0, told: false, slots, home })
    }

    /// When picture `sequence` is shown.
    fn time_of(&self, sequence: u64) -> Duration {
        let nanos = u128::from(sequence) * 1_000_000_000 / u128::from(self.config.rate);
        self.begin + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// A buffer that nobody reads any more.
    fn acquire(&self) -> Option<BufferId> {
        let mut free = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |(_, after): &(BufferId, Vec<SyncPoint>)| {
            after.iter().all(|point| point.wait(Duration::ZERO).unwrap_or(false))
        };
        let place = free.iter().position(idle)?;
        Some(free.remove(place).0)
    }

    fn draw(&mut self, sequence: u64) -> Option<Frame> {
        let id = self.acquire()?;
        let slot = self.slots.iter_mut().find(|slot| slot.buffer.id() == id)?;
        draw(slot.pixels.as_mut_slice(), self.config.extent, sequence);
        let buffer = Arc::clone(&slot.buffer);
        let (timestamp, presented) = (self.time_of(sequence), clock_monotonic());
        let info = FrameInfo { sequence, timestamp, presented, damage: Damage::Unknown };
        Some(Frame::new(buffer, info, SyncPoint::Signaled, Arc::clone(&self.home) as _))
    }
}

impl Source for Pattern {
    fn poll_event(&mut self) -> Result<Option<SourceEvent>, BoxError> {
        if !self.told {
            self.told = true;
            return Ok(Some(SourceEvent::Format(self.slots[0].buffer.descriptor().clone())));
        }
        let now = clock_monotonic();
        while self.config.frames.is_none_or(|frames| self.sequence < frames) {
            if self.time_of(self.sequence) > now {
                set(&self.timer, self.time_of(self.sequence))?;
                return Ok(None);
            }
            let frame = self.draw(self.sequence);
            self.sequence += 1;
            if let Some(frame) = frame {
                return Ok(Some(SourceEvent::Frame(frame)));
            }
        }
        Ok(Some(SourceEvent::Ended))
    }

    fn readiness(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}

impl Slot {
    fn new(extent: Extent) -> Result<Self, Error> {
        let stride = extent.width * 4;
        let memfd = Memfd::create("zerohop-pattern", u64::from(stride) * u64::from(extent.height))
            .map_err(Error::io("allocate a picture"))?;
        let pixels = MappingMut::new(&memfd).map_err(Error::io("map a picture"))?;
        let descriptor = FrameDescriptor {
            extent,
            fourcc: Fourcc::XRGB8888,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]),
            color: Color::SRGB,
        };
        let memory = ArrayVec::from_iter([MemoryHandle::Shm(memfd.into())]);
        let buffer = SharedBuffer::new(descriptor, memory);
        let buffer = buffer.map_err(|_| Error::Pattern {
            width: extent.width,
            height: extent.height,
            rate: 0,
        })?;
        Ok(Self { buffer, pixels })
    }
}

/// A timer that polls readable from `begin` on.
fn start_timer(begin: Duration) -> std::io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    set(&timer, begin)?;
    Ok(timer)
}

/// Makes `timer` silent until `time`, and readable from then on.
fn set(timer: &OwnedFd, time: Duration) -> std::io::Result<()> {
    let spec = |time: Duration| Timespec::try_from(time).unwrap_or_default();
    let value = Itimerspec { it_interval: spec(Duration::ZERO), it_value: spec(time) };
    timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &value)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use zerohop_kernel::Mapping;

    use super::*;
    use crate::drawing::BITS;

    /// The sequence as it can be read in a picture.
    fn written(frame: &Frame) -> u64 {
        let memory = frame.buffer().memory()[0].as_fd().try_clone_to_owned().unwrap();
        let pixels = Mapping::new(&Memfd::try_from(memory).unwrap()).unwrap();
        let extent = frame.buffer().descriptor().extent;
        let row = pixels.as_slice().chunks_exact(extent.width as usize * 4).next_back().unwrap();
        let bit = |at: u32| row[(at * extent.width / BITS * 4 + 4) as usize] == 255;
        (0..BITS).map(|at| u64::from(bit(at)) << at).sum()
    }

    fn next(pattern: &mut Pattern) -> SourceEvent {
        loop {
            if let Some(event) = pattern.poll_event().unwrap() {
                return event;
            }
            let mut fds = [rustix::event::PollFd::from_borrowed_fd(
                pattern.readiness(),
                rustix::event::PollFlags::IN,
            )];
            rustix::event::poll(&mut fds, None).unwrap();
        }
    }

    #[test]
    fn pictures_come_at_their_rate_with_their_number_in_them() {
        let extent = Extent { width: 127, height: 64 };
        let config = PatternConfig { extent, rate: 200, frames: Some(12) };
        let mut pattern = Pattern::open(config).unwrap();
        assert!(
            matches!(next(&mut pattern), SourceEvent::Format(format) if format.extent == extent)
        );
        let begin = clock_monotonic();
        let (mut last, mut count) = (None, 0);
        loop {
            match next(&mut pattern) {
                SourceEvent::Frame(frame) => {
                    assert_eq!(written(&frame), frame.info().sequence);
                    assert!(
                        last < Some(frame.info().sequence)
                            && frame.info().timestamp <= clock_monotonic()
                    );
                    last = Some(frame.info().sequence);
                    count += 1;
                }
                SourceEvent::Ended => break,
                SourceEvent::Format(_) => panic!("the format does not change"),
                SourceEvent::Kept(_) => panic!("a pattern is never still"),
            }
        }
        assert!(count > 3 && last == Some(11), "{count} pictures, the last is {last:?}");
        assert!(clock_monotonic() - begin >= Duration::from_millis(50));
    }

    #[test]
    fn a_picture_without_a_free_buffer_is_left_out() {
        let extent = Extent { width: 1, height: 1 };
        let config = PatternConfig { extent, rate: 1000, frames: Some(20) };
        let mut pattern = Pattern::open(config).unwrap();
        next(&mut pattern);
        let held: Vec<_> = (0..3).map(|_| next(&mut pattern)).collect();
        assert!(matches!(next(&mut pattern), SourceEvent::Ended));
        drop(held);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_with_its_numbers() {
        let extent = Extent { width: 0, height: 5 };
        let err = Pattern::open(PatternConfig { extent, rate: 60, frames: None }).err().unwrap();
        assert_eq!(err.to_string(), "a pattern of 0x5 at 60 pictures a second cannot be drawn");
    }
}
