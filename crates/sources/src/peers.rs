//! What each producer has open and announced.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::{
    Damage, Extent, Frame, FrameInfo, Kept, MediaClock, MemoryHandle, Observer, SharedBuffer,
};
use zerohop_wire::{
    Copies, FrameMessage, KeptMessage, Peer, StreamId, ToHost, WireBufferId, linear_bytes,
};

use crate::home::Home;
use crate::line::Picture;
use crate::promises::Promises;
use crate::report::StreamReport;
use crate::shared::Shared;

/// A connected producer.
pub(crate) struct Connected {
    pub(crate) peer: Arc<Peer>,
    pub(crate) name: String,
    pub(crate) streams: BTreeMap<StreamId, Stream>,
    /// Those that may still carry a new picture.
    buffers: BTreeMap<WireBufferId, Buffer>,
    pub(crate) promises: Promises,
}

/// An open stream.
pub(crate) struct Stream {
    pub(crate) name: String,
    /// Counts the streams of all producers as they open.
    pub(crate) opened: u64,
    /// Size of its last picture.
    pub(crate) extent: Option<Extent>,
    /// Its place in the report, from its first picture on.
    pub(crate) reported: Option<usize>,
    /// How it counts its own time, if it does.
    clock: Option<MediaClock>,
    last_sequence: Option<u64>,
}

impl Stream {
    /// Notes that `count` pictures came or were kept, up to `sequence`. Returns how many since the one before
    /// were not sent for other reasons.
    fn come_to(&mut self, sequence: u64, count: u64) -> u64 {
        let last = self.last_sequence.replace(sequence);
        last.map_or(0, |last| sequence.saturating_sub(last).saturating_sub(count))
    }
}

struct Buffer {
    stream: StreamId,
    copies: Copies,
    shared: Arc<SharedBuffer>,
    home: Arc<Home>,
}

/// A picture that came, and what it means to its stream.
pub(crate) struct Arrival {
    pub(crate) stream: StreamId,
    pub(crate) picture: Picture,
    /// Whether a newer one may take its place.
    pub(crate) replaceable: bool,
    /// Pictures of the stream before it that were not sent.
    pub(crate) unsent: u64,
    /// Whether the size differs from the picture before.
    pub(crate) resized: bool,
}

impl Connected {
    pub(crate) fn new(peer: Peer) -> Self {
        Self {
            peer: Arc::new(peer),
            name: String::new(),
            streams: BTreeMap::new(),
            buffers: BTreeMap::new(),
            promises: Promises::default(),
        }
    }

    pub(crate) fn open(
        &mut self,
        stream: StreamId,
        name: &str,
        clock: Option<MediaClock>,
        opened: u64,
    ) {
        let (name, extent) = (name.to_owned(), None);
        let new = Stream { name, opened, extent, reported: None, clock, last_sequence: None };
        self.streams.insert(stream, new);
    }

    pub(crate) fn close(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
        self.buffers.retain(|_, buffer| {
            let stays = buffer.stream != stream;
            if !stays {
                buffer.home.retire();
            }
            stays
        });
    }

    /// Takes in an announced buffer; others are not for here. What cannot be a buffer is a reason
    /// to end the connection.
    pub(crate) fn announce(&mut self, message: ToHost, shared: &Arc<Shared>) -> Result<(), String> {
        let ToHost::Announce { buffer, stream, descriptor, memory, copies } = message else {
            return Ok(());
        };
        let made = SharedBuffer::new(descriptor, memory).map_err(|err| err.to_string())?;
        let home = Home::new(Arc::clone(&self.peer), stream, buffer, Arc::clone(shared));
        self.buffers.insert(buffer, Buffer { stream, copies, shared: made, home });
        Ok(())
    }

    pub(crate) fn retire(&mut self, buffer: WireBufferId) {
        if let Some(buffer) = self.buffers.remove(&buffer) {
            buffer.home.retire();
        }
    }

    /// Whether any of its pictures is not at home.
    pub(crate) fn has_pictures_out(&self) -> bool {
        self.buffers.values().any(|buffer| buffer.home.is_out())
    }

    /// How many buffers a stream has, and how many of them are out.
    pub(crate) fn buffers_of(&self, stream: StreamId) -> (usize, usize) {
        let all = self.buffers.values().filter(|buffer| buffer.stream == stream);
        all.fold((0, 0), |(all, out), buffer| (all + 1, out + usize::from(buffer.home.is_out())))
    }

    /// Makes a frame of a message. `None` for what was not announced, which a [`Peer`] refuses.
    pub(crate) fn arrive(&mut self, message: FrameMessage, received: Duration) -> Option<Arrival> {
        let acquire = self.promises.moment(message.acquire)?;
        let buffer = self.buffers.get(&message.buffer)?;
        let stream = self.streams.get_mut(&buffer.stream)?;
        let extent = buffer.shared.descriptor().extent;
        let resized = stream.extent.replace(extent) != Some(extent);
        let last = stream.last_sequence;
        let unsent = stream.come_to(message.sequence, 1);
        // Damage is against the picture before, which must have been this buffer's size and sent.
        let known = last.is_some() && unsent == 0 && !resized;
        let damage = if known { message.damage } else { Damage::Unknown };
        let FrameMessage { sequence, timestamp, presented, .. } = message;
        buffer.home.leave(sequence, received);
        let home = Arc::clone(&buffer.home);
        let info = FrameInfo { sequence, timestamp, presented, damage };
        let mut frame =
            Frame::new(Arc::clone(&buffer.shared), info, acquire, Arc::clone(&home) as _)
                .with_media(stream.clock.map(|clock| (clock, message.media)));
        frame.set_replaceable(message.replaceable);
        let copies = buffer.copies;
        let picture = Picture { frame, home, received, copies };
        let (stream, replaceable) = (buffer.stream, message.replaceable);
        Some(Arrival { stream, picture, replaceable, unsent, resized })
    }

    /// Pictures that were not sent because they did not change, and how many others before the last of them
    /// were not sent. `None` for a stream that is not open, which a [`Peer`] refuses.
    pub(crate) fn keep(&mut self, message: KeptMessage) -> Option<(Kept, u64)> {
        let KeptMessage { stream, count, sequence, timestamp } = message;
        let count = u64::from(count);
        let unsent = self.streams.get_mut(&stream)?.come_to(sequence, count);
        Some((Kept { count, sequence, timestamp }, unsent))
    }

    /// The report of a stream that shows `frame`.
    pub(crate) fn report_of(&self, stream: &Stream, frame: &Frame) -> StreamReport {
        let descriptor = frame.buffer().descriptor();
        StreamReport {
            producer: self.name.clone(),
            pid: self.peer.credentials().pid,
            name: stream.name.clone(),
            extent: descriptor.extent,
            fourcc: descriptor.fourcc,
            handover: handover(frame),
            frames: 0,
            frames_kept: 0,
            frames_signaled: 0,
            frames_timeline: 0,
            was_main: false,
        }
    }
}

/// Tells `observer` which copies the producer of a picture made of it.
pub(crate) fn count_copies(frame: &Frame, copies: Copies, observer: &dyn Observer) {
    let sequence = frame.info().sequence;
    if copies.gpu {
        observer.gpu_copy(sequence, "the application's images cannot leave its process");
    }
    if copies.cpu {
        let bytes = linear_bytes(frame.buffer().descriptor());
        observer.cpu_copy(sequence, bytes, "the application's GPU cannot write shared memory");
    }
}

/// How the memory of a picture came.
pub(crate) fn handover(frame: &Frame) -> &'static str {
    match frame.buffer().memory() {
        [MemoryHandle::DmaBuf(_), ..] => "dma-buf",
        [MemoryHandle::OpaqueFd { .. }, ..] => "opaque",
        [MemoryHandle::Shm(_), ..] => "shm",
        _ => "unknown",
    }
}
