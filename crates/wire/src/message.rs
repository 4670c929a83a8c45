//! What is said, as plain types.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::{ArrayString, ArrayVec};
use zerohop_frame::{
    Damage, DeviceId, Extent, FrameDescriptor, MAX_PLANES, MediaClock, MediaTime, MemoryHandle,
    SyncPoint,
};
use zerohop_kernel::SyncFile;

use crate::{MAX_DEVICES, Violation};

/// The longest name or reason, in bytes of UTF-8.
pub const MAX_TEXT: usize = 256;

/// The most sync points in one message. Whoever has more merges or waits.
pub const MAX_POINTS: usize = 4;

/// A short text for people: UTF-8 without control characters. [`text`] makes one of any string.
pub type Text = ArrayString<MAX_TEXT>;

/// Makes a [`Text`]: cut to [`MAX_TEXT`] bytes at a character, with control characters replaced.
pub fn text(from: &str) -> Text {
    let mut text = Text::new();
    for c in from.chars() {
        let printable = if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        if text.try_push(printable).is_err() {
            break;
        }
    }
    text
}

/// Names a stream for as long as its connection lives: one window, one decoder, one cast. Chosen
/// by the producer, each larger than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// Names a buffer for as long as its connection lives. Chosen by the producer, each larger than
/// the one before, over all its streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireBufferId(pub u64);

/// Names a timeline for as long as its connection lives. Chosen by the side that signals it, each
/// larger than the one before; the names of the two sides have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireTimelineId(pub u32);

/// A timeline that is announced. See [`zerohop_frame::Timeline`].
#[derive(Debug)]
pub struct SharedTimeline {
    /// Its name from now on.
    pub timeline: WireTimelineId,
    /// Where it may be already. No point is more than [`MAX_STEP`](crate::MAX_STEP) beyond.
    pub value: u64,
    /// The only device that can open it.
    pub device: DeviceId,
    /// `VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT`.
    pub fd: OwnedFd,
}

/// A moment, as it travels: [`zerohop_frame::SyncPoint`] with the connection's name of a timeline.
#[derive(Clone, Debug, Default)]
pub enum Point {
    /// Reached already.
    #[default]
    Signaled,
    /// Reached when the fence signals.
    SyncFile(Arc<SyncFile>),
    /// Reached when the timeline is at `value`. From version 2 on.
    Timeline {
        /// One that the sender of the message has announced.
        timeline: WireTimelineId,
        /// Where it is then; not 0.
        value: u64,
    },
}

impl TryFrom<SyncPoint> for Point {
    type Error = Violation;

    /// The same moment, if that needs no name.
    fn try_from(point: SyncPoint) -> Result<Self, Violation> {
        match point {
            SyncPoint::Signaled => Ok(Self::Signaled),
            SyncPoint::SyncFile(file) => Ok(Self::SyncFile(file)),
            _ => Err(Violation::Unsendable("a timeline that has no name")),
        }
    }
}

impl From<SyncFile> for Point {
    fn from(file: SyncFile) -> Self {
        Self::SyncFile(Arc::new(file))
    }
}

/// From a producer to its host.
#[derive(Debug)]
pub enum ToHost {
    /// The first message.
    Hello {
        /// Protocol version that the producer speaks.
        version: u32,
        /// Who it is, as in "vkcube".
        name: Text,
    },
    /// A stream begins.
    OpenStream {
        /// Its name from now on.
        stream: StreamId,
        /// What it is, as in "xcb window 0x400002".
        name: Text,
        /// How it counts its own time, if it does: a file has such a clock, a window has none.
        clock: Option<MediaClock>,
    },
    /// A stream has ended: no frame of it follows, and its buffers are retired. Pictures that are
    /// out are released as ever.
    CloseStream {
        /// Which.
        stream: StreamId,
    },
    /// A buffer, once, before its first frame.
    Announce {
        /// Its name from now on.
        buffer: WireBufferId,
        /// The stream that its pictures belong to.
        stream: StreamId,
        /// Its shape.
        descriptor: FrameDescriptor,
        /// Its memory objects, all of one kind.
        memory: ArrayVec<MemoryHandle, MAX_PLANES>,
        /// What each of its pictures costs before it is there.
        copies: Copies,
    },
    /// The producer will not send this buffer again. The host forgets it when its reads are done,
    /// and releases what it holds of it as ever.
    Retire {
        /// Which.
        buffer: WireBufferId,
    },
    /// A picture.
    Frame(FrameMessage),
    /// A worse path than the best starts to be used in the producer; for the host's report.
    Fallback {
        /// What falls back, as in `sync`.
        what: Text,
        /// Why.
        reason: Text,
        /// What is slower or lost now.
        cost: Text,
    },
    /// The last message of a producer that goes on without its host: every buffer is its own
    /// again, whoever reads it. Without this, they stay as they are when the producer ends. Said by [`Producer::reclaim`](crate::Producer::reclaim).
    Reclaim,
    /// A timeline that the producer signals, once, before the first point that names it. From version
    /// 2 on, and of a device that the host [takes](ToProducer::Devices).
    Timeline(SharedTimeline),
    /// No point will name the timeline again. Those that did are still reached.
    RetireTimeline {
        /// Which.
        timeline: WireTimelineId,
    },
    /// Pictures that the host has already, and so were not sent. From version 2 on, of a stream without a
    /// clock.
    Kept(KeptMessage),
}

/// How the pictures of a buffer come into its memory; for the host's report. By default they are
/// drawn there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// The producer's GPU copies each picture on the way there.
    pub gpu: bool,
    /// The producer's CPU copies each picture on the way there, row for row.
    pub cpu: bool,
}

/// A picture in an announced buffer.
#[derive(Clone, Debug)]
pub struct FrameMessage {
    /// Where it lies.
    pub buffer: WireBufferId,
    /// Counts up by one for every picture of the stream, sent or not, whatever its buffer.
    pub sequence: u64,
    /// When it is shown, on `CLOCK_MONOTONIC`; at most [`MAX_AHEAD`](crate::MAX_AHEAD) from now.
    /// In a stream with a clock that is [`fast`](MediaClock::fast): from the stream's beginning.
    pub timestamp: Duration,
    /// When it was handed over, on `CLOCK_MONOTONIC`.
    pub presented: Duration,
    /// Whether a newer picture of the stream that arrives before `timestamp` takes its place, as
    /// in `VK_PRESENT_MODE_MAILBOX_KHR`. It is then released unread.
    pub replaceable: bool,
    /// Where it may differ from the picture with the sequence before. No rectangle leaves the
    /// picture (`Rect::clamp_to`).
    pub damage: Damage,
    /// When it is shown on the stream's own clock; 0 in a stream that has none.
    pub media: MediaTime,
    /// When it may be read.
    pub acquire: Point,
}

/// Pictures that did not change and were not sent: each is to the last bit the one that the host was sent
/// last. Said before the next `Frame` of the stream, before `CloseStream`, and at least once a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptMessage {
    /// Whose they are.
    pub stream: StreamId,
    /// How many since the last `Frame` or `Kept`: 1 to how far `sequence` has come since. Those between that
    /// are not counted here were not sent for other reasons.
    pub count: u32,
    /// The last one's, which grows as a `Frame`'s does.
    pub sequence: u64,
    /// When the last one is shown, as a `Frame`'s.
    pub timestamp: Duration,
}

/// The host's display, for producers that draw on a whole one (`VK_KHR_display`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostDisplay {
    /// What people call it, as in "DP-1".
    pub name: Text,
    /// Pixels; each side is 1 to [`MAX_SIDE`](crate::MAX_SIDE).
    pub extent: Extent,
    /// Refreshes in 1000 seconds; 1 to [`MAX_REFRESH`](crate::MAX_REFRESH).
    pub refresh_mhz: u32,
    /// Millimetres; 0 where nobody knows.
    pub size_mm: [u32; 2],
    /// Whether it is a real screen: the host keeps each picture until the next one has taken its
    /// place there. A producer need not keep time then: it has a buffer when it is time to draw.
    pub paces: bool,
}

/// From a host to a producer.
#[derive(Debug)]
pub enum ToProducer {
    /// The answer to `Hello`.
    Welcome {
        /// Protocol version that both speak from now on: at most the producer's.
        version: u32,
        /// Where the host shows pictures that fill a screen, if it has such a place.
        display: Option<HostDisplay>,
    },
    /// The host ends the connection.
    Refused {
        /// Why, as in "buffer 3 was not announced".
        reason: Text,
    },
    /// A picture's buffer goes home. Exactly one for every `Frame`.
    Release {
        /// Which buffer.
        buffer: WireBufferId,
        /// Which picture it held.
        sequence: u64,
        /// The buffer may be written once all of these are reached.
        after: ArrayVec<Point, MAX_POINTS>,
    },
    /// The host is alive and keeps pictures for longer than usual, because none may be lost. A
    /// producer that gives silent hosts up gives it more time.
    Busy,
    /// The devices whose timelines the host takes: it waits for them on the device itself. Follows
    /// `Welcome` at once from version 2 on.
    Devices {
        /// None when it takes none.
        devices: ArrayVec<DeviceId, MAX_DEVICES>,
    },
    /// A timeline that the host signals, once, before the first point that names it. Of a device of
    /// which the producer has announced one itself.
    Timeline(SharedTimeline),
    /// No point will name the timeline again. Those that did are still reached.
    RetireTimeline {
        /// Which.
        timeline: WireTimelineId,
    },
    /// Whether a stream stands still as far as the host can tell. A hint: from version 2 on.
    Still {
        /// Which; one that was open.
        stream: StreamId,
        /// `true`: its last pictures were the same. A producer that can find out by itself what has not
        /// changed is asked to, and to say [`ToHost::Kept`] of it. `false`: the host needs the next picture,
        /// changed or not, as it does not have the last one any more.
        still: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character_and_holds_no_escapes() {
        assert_eq!(text("a\u{1b}[2Jb").as_str(), "a\u{fffd}[2Jb");
        let long = text(&"ä".repeat(MAX_TEXT));
        assert_eq!(long.len(), MAX_TEXT);
        assert_eq!(text(&"€".repeat(MAX_TEXT)).len(), 255);
    }
}
