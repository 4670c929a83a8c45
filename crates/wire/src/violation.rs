//! What a peer did that the protocol does not allow.

use std::time::Duration;

use zerohop_frame::{DescriptorError, Rect};
use zerohop_kernel::FdKind;

/// A broken rule. Its text is the reason that the peer is told, so it names the numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A message shorter than its header.
    #[error("a message of {0} bytes has no header")]
    Short(usize),
    /// A type that this side does not know.
    #[error("message type {0:#x} is unknown")]
    Type(u32),
    /// A length that is not the one of the type.
    #[error("{kind} has {expected} bytes; {declared} were declared and {received} came")]
    Length {
        /// The kind of message.
        kind: &'static str,
        /// Bytes that it has.
        expected: usize,
        /// Bytes that its header says.
        declared: u32,
        /// Bytes that came.
        received: usize,
    },
    /// Too many or too few descriptors.
    #[error("{kind} came with {received} descriptors, not {expected}")]
    Fds {
        /// The kind of message.
        kind: &'static str,
        /// How many it needs.
        expected: usize,
        /// How many came.
        received: usize,
    },
    /// A message that did not arrive whole.
    #[error("{0}")]
    Truncated(String),
    /// Bytes without a meaning that are not zero.
    #[error("byte {offset} of {kind} is not used and not zero")]
    NotZero {
        /// The kind of message.
        kind: &'static str,
        /// From the start of the message.
        offset: usize,
    },
    /// A text that is not UTF-8, or holds control characters.
    #[error("a text of {0} is not printable UTF-8")]
    Text(&'static str),
    /// A number that stands for nothing.
    #[error("{what} {value} is unknown")]
    Unknown {
        /// What the number is for.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// A number outside its range.
    #[error("{what} is {value}, not {least} to {most}")]
    Range {
        /// What the number counts.
        what: &'static str,
        /// The number.
        value: u64,
        /// The smallest allowed.
        least: u64,
        /// The largest allowed.
        most: u64,
    },
    /// A picture that its buffer cannot hold.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// Memory or sync points that the wire does not carry.
    #[error("{0} cannot be sent")]
    Unsendable(&'static str),
    /// A memory object that no plane lies in.
    #[error("no plane is in object {0}")]
    UnusedObject(usize),
    /// A descriptor that is not what the message says.
    #[error("object {object} is not {expected} but {found:?}")]
    ObjectKind {
        /// The memory object.
        object: usize,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: FdKind,
    },
    /// A memfd that may shrink.
    #[error("object {object} is a memfd of {size} bytes that is not sealed against shrinking")]
    Unsealed {
        /// The memory object.
        object: usize,
        /// Its size now, in bytes.
        size: u64,
    },
    /// A memory object that is smaller than the message says.
    #[error("object {object} has {size} bytes, not {declared}")]
    ObjectSize {
        /// The memory object.
        object: usize,
        /// Its size, in bytes.
        size: u64,
        /// The size that the message says, in bytes.
        declared: u64,
    },
    /// A descriptor that does not answer.
    #[error("object {0} does not say what it is")]
    ObjectUnknown(usize),
    /// Opaque memory of rows that is also said to hold an image.
    #[error("opaque memory with modifier LINEAR holds rows and no image")]
    ImageOfRows,
    /// A sync point that is not a `sync_file`.
    #[error("a sync point is not a sync_file")]
    NotFence,
    /// Something else before `Hello`.
    #[error("{0} came before hello")]
    NoHello(&'static str),
    /// A second `Hello`, or a second answer to it.
    #[error("{0} came twice")]
    Twice(&'static str),
    /// A version that cannot be spoken.
    #[error("version {version} is not 1 to {most}")]
    Version {
        /// The version said.
        version: u32,
        /// The newest that this side speaks.
        most: u32,
    },
    /// An id that is not larger than the one before.
    #[error("{what} {id} is not after {last}")]
    Order {
        /// What the id names.
        what: &'static str,
        /// The id.
        id: u64,
        /// The largest so far.
        last: u64,
    },
    /// A stream that is not open.
    #[error("stream {0} is not open")]
    NoStream(u32),
    /// A buffer that was never announced, or is forgotten.
    #[error("buffer {0} was not announced")]
    NoBuffer(u64),
    /// A buffer that was retired.
    #[error("buffer {0} was retired")]
    Retired(u64),
    /// A buffer whose picture was not released yet.
    #[error("buffer {buffer} is out with picture {sequence}")]
    Out {
        /// The buffer.
        buffer: u64,
        /// What it holds.
        sequence: u64,
    },
    /// A release of a picture that is not out.
    #[error("buffer {buffer} is not out with picture {sequence}")]
    NotOut {
        /// The buffer.
        buffer: u64,
        /// The picture.
        sequence: u64,
    },
    /// Damage outside the picture.
    #[error("damage {}x{} at {},{} leaves the {width}x{height} picture", .rect.width, .rect.height, .rect.x, .rect.y)]
    Damage {
        /// The rectangle.
        rect: Rect,
        /// Columns of the picture.
        width: u32,
        /// Rows of the picture.
        height: u32,
    },
    /// A picture that is to be shown too late.
    #[error("a picture is to be shown in {0:?}")]
    Ahead(Duration),
    /// A picture with a media time in a stream that has no clock for it.
    #[error("a picture is at media time {0}, and its stream has no clock")]
    NoClock(i64),
    /// A picture that is said to equal one that was never sent.
    #[error("a picture of stream {0} is kept, and none was sent before it")]
    NothingKept(u32),
    /// A picture without a media time in a stream that has a clock for it.
    #[error("a picture of stream {0} is kept, and its clock's time of it is not known")]
    KeptClock(u32),
    /// What a later version brought.
    #[error("{what} belongs to version {since}, and version {spoken} is spoken")]
    Later {
        /// What it is.
        what: &'static str,
        /// The version that brought it.
        since: u32,
        /// The version that is spoken.
        spoken: u32,
    },
    /// A timeline that was never announced, or was retired.
    #[error("timeline {0} was not announced")]
    NoTimeline(u32),
    /// A timeline of a device that the other side did not name.
    #[error("timeline {0} is of a device that was not offered")]
    TimelineDevice(u32),
    /// A value that a timeline cannot come to.
    #[error("value {value} of timeline {timeline} is not 1 to {most}")]
    TimelineValue {
        /// The timeline.
        timeline: u32,
        /// The value.
        value: u64,
        /// The largest that may be named now.
        most: u64,
    },
    /// A descriptor that cannot be a timeline.
    #[error("timeline {timeline} is not a semaphore but {found:?}")]
    TimelineKind {
        /// The timeline.
        timeline: u32,
        /// What it is.
        found: FdKind,
    },
    /// Too many messages in too little time.
    #[error("messages come faster than {0} a second")]
    Flood(u32),
    /// Silence where there should be `Hello`.
    #[error("no hello came within {0:?}")]
    Silent(Duration),
    /// A peer of another user.
    #[error("user {theirs} is not user {ours}")]
    Stranger {
        /// The peer's user id.
        theirs: u32,
        /// This process's.
        ours: u32,
    },
}
