//! The host's end of the work: each surface announced once, each picture out until it is released.

use std::any::Any;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zerohop_frame::{Damage, FrameDescriptor, MediaClock, MediaTime};
use zerohop_kernel::clock_monotonic;
use zerohop_wire::{
    Copies, Error, FrameMessage, MAX_BUFFERS, Point, Producer, StreamId, ToHost, ToProducer,
    WireBufferId, text,
};

use crate::handover::{Memory, Surface};
use crate::pool::SurfaceId;

/// How long a host may read after it has released a picture.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// How long to wait before a message that found no room is tried again.
const ROOM: Duration = Duration::from_millis(2);

const STREAM: StreamId = StreamId(1);

/// Whose memory a picture is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SurfaceKey {
    /// Ours.
    Pool(SurfaceId),
    /// A device's: which of its memories, counted, and its own name for the surface in there.
    Device(u64, usize),
}

/// When a picture is shown.
pub(crate) struct When {
    /// As frames have it on the wire.
    pub(crate) timestamp: Duration,
    /// In ticks of the stream.
    pub(crate) media: MediaTime,
}

/// A surface that the host knows.
struct Announced {
    buffer: WireBufferId,
    descriptor: FrameDescriptor,
}

/// A connected host.
pub(crate) struct Host {
    producer: Producer,
    ring: usize,
    announced: BTreeMap<SurfaceKey, Announced>,
    out: BTreeMap<WireBufferId, Box<dyn Any>>,
    buffers: u64,
    sequence: u64,
}

impl AsFd for Host {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.producer.as_fd()
    }
}

/// The host went, which is no failure of ours.
#[derive(Debug, thiserror::Error)]
#[error("the host is gone")]
pub(crate) struct Gone;

impl Host {
    /// Connects to the host at `socket`, which may have `ring` pictures at a time, and opens a
    /// stream called `name`.
    pub(crate) fn connect(socket: &Path, ring: u8, name: &str, clock: MediaClock) -> Result<Self> {
        let producer = Producer::connect(socket, "zerohop-decode")?;
        let (announced, out) = (BTreeMap::new(), BTreeMap::new());
        let ring = usize::from(ring);
        let mut host = Self { producer, ring, announced, out, buffers: 0, sequence: 0 };
        host.say(&ToHost::OpenStream { stream: STREAM, name: text(name), clock: Some(clock) })?;
        Ok(host)
    }

    /// Says that something goes a worse way than the best.
    pub(crate) fn fallback(&mut self, what: &str, reason: &str, cost: &str) -> Result<()> {
        self.say(&ToHost::Fallback { what: text(what), reason: text(reason), cost: text(cost) })
    }

    /// Whether the host knows the surface, with this shape.
    pub(crate) fn knows(&self, key: SurfaceKey, descriptor: &FrameDescriptor) -> bool {
        self.announced.get(&key).is_some_and(|known| known.descriptor == *descriptor)
    }

    /// The shape that a surface was announced with.
    pub(crate) fn shape(&self, key: SurfaceKey) -> Option<&FrameDescriptor> {
        self.announced.get(&key).map(|known| &known.descriptor)
    }

    /// Hands a picture over, once the host has few enough. What it knows of `queued`, which are handed over
    /// next, it goes on knowing.
    pub(crate) fn pass(
        &mut self,
        surface: Surface,
        when: When,
        queued: &[SurfaceKey],
    ) -> Result<()> {
        self.hear(Duration::ZERO)?;
        while self.out.len() >= self.ring {
            self.hear(Duration::from_millis(100))?;
        }
        let Surface { key, descriptor, memory, copies, acquire, copying, keep } = surface;
        // Nobody reads what is not complete.
        copying.map_or(Ok(()), crate::av::Copying::wait)?;
        if let Some(memory) = memory {
            self.announce(key, descriptor, copies, memory, queued)?;
        }
        let buffer = self.announced.get(&key).context("a surface got lost")?.buffer;
        self.sequence += 1;
        self.say(&ToHost::Frame(FrameMessage {
            buffer,
            sequence: self.sequence,
            timestamp: when.timestamp,
            presented: clock_monotonic(),
            replaceable: false,
            damage: Damage::Unknown,
            media: when.media,
            acquire: acquire.try_into()?,
        }))?;
        self.out.insert(buffer, keep);
        Ok(())
    }

    fn announce(
        &mut self,
        key: SurfaceKey,
        descriptor: FrameDescriptor,
        copies: Copies,
        memory: Memory,
        queued: &[SurfaceKey],
    ) -> Result<()> {
        self.retire(key)?;
        self.retire_older_than(key)?;
        // One at home makes room for it. Where there is none, there are few.
        let idle = |(key, known): &(&SurfaceKey, &Announced)| {
            !self.out.contains_key(&known.buffer) && !queued.contains(*key)
        };
        if self.announced.len() + self.out.len() >= MAX_BUFFERS
            && let Some((&old, _)) = self.announced.iter().find(idle)
        {
            self.retire(old)?;
        }
        self.buffers += 1;
        let (buffer, stream) = (WireBufferId(self.buffers), STREAM);
        let known = Announced { buffer, descriptor: descriptor.clone() };
        self.say(&ToHost::Announce { buffer, stream, descriptor, copies, memory })?;
        self.announced.insert(key, known);
        Ok(())
    }

    /// Tells the host to forget what a device had before its memory became another one.
    fn retire_older_than(&mut self, key: SurfaceKey) -> Result<()> {
        let SurfaceKey::Device(now, _) = key else { return Ok(()) };
        let keys = self.announced.keys().copied();
        let older = |key: &SurfaceKey| matches!(key, SurfaceKey::Device(then, _) if *then != now);
        let older: Vec<_> = keys.filter(older).collect();
        older.into_iter().try_for_each(|key| self.retire(key))
    }

    /// Tells the host to forget a surface, if it knows it.
    pub(crate) fn retire(&mut self, key: SurfaceKey) -> Result<()> {
        match self.announced.remove(&key) {
            Some(known) => self.say(&ToHost::Retire { buffer: known.buffer }),
            None => Ok(()),
        }
    }

    /// Waits until every picture has come home.
    pub(crate) fn finish(&mut self) -> Result<()> {
        while !self.out.is_empty() {
            self.hear(Duration::from_millis(100))?;
        }
        self.say(&ToHost::CloseStream { stream: STREAM })
    }

    /// Waits until `until`, and hears the host meanwhile.
    pub(crate) fn wait_until(&mut self, until: Duration) -> Result<()> {
        loop {
            let left = until.saturating_sub(clock_monotonic());
            if left.is_zero() {
                return Ok(());
            }
            self.hear(left)?;
        }
    }

    /// Says `message`, whole, however long the host takes.
    fn say(&mut self, message: &ToHost) -> Result<()> {
        loop {
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err(Error::Full) => self.hear(ROOM)?,
                Err(err) => return Err(self.lost(err)),
            }
        }
    }

    /// Waits at most `timeout` for the host to say something, and does what it says.
    fn hear(&mut self, timeout: Duration) -> Result<()> {
        let timeout = Timespec::try_from(timeout).ok();
        // A failure is `EINTR`, and then there is nothing to hear yet.
        let _ = poll(&mut [PollFd::new(&self.producer, PollFlags::IN)], timeout.as_ref());
        loop {
            match self.producer.poll() {
                Ok(None) => return Ok(()),
                Ok(Some(ToProducer::Release { buffer, after, .. })) => {
                    self.release(buffer, &after)?;
                }
                Ok(Some(_)) => {}
                Err(err) => return Err(self.lost(err)),
            }
        }
    }

    /// The host has read a picture, or will have when all of `after` is reached.
    fn release(&mut self, buffer: WireBufferId, after: &[Point]) -> Result<()> {
        for point in after {
            // We have announced no timeline, so the host names none of its own.
            let Point::SyncFile(fence) = point else { continue };
            if !fence.wait(READ_WITHIN).context("wait for the host's device")? {
                bail!("the host's device still reads {READ_WITHIN:?} after the release");
            }
        }
        self.out.remove(&buffer);
        Ok(())
    }

    /// What it means that nothing can be said or heard.
    fn lost(&mut self, err: Error) -> anyhow::Error {
        match err {
            // The reason may be in what it said last.
            Error::Closed => match self.producer.poll() {
                Err(Error::Refused(reason)) => anyhow::anyhow!("the host refused: {reason}"),
                _ => Gone.into(),
            },
            other => anyhow::Error::from(other),
        }
    }
}
