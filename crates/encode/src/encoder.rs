//! The doors of the room: what takes frames and what takes packets.

use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::{BoxError, Color, Direct, Extent, Fallback, Fourcc, Frame, Modifier, Rect};
use zerohop_nvenc::Codec;

use crate::Error;

/// One compressed picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it is.
    pub codec: Codec,
    /// H.264 and HEVC: an access unit in Annex B form, each NAL unit after a start code `00 00 00 01`.
    /// AV1: a temporal unit of OBUs with their sizes. A key picture brings its headers along.
    pub data: Vec<u8>,
    /// When the picture is shown: the frame's timestamp (`CLOCK_MONOTONIC`). Packets come in the
    /// order in which they are shown.
    pub pts: Duration,
    /// Whether decoding can start here (an IDR picture).
    pub key: bool,
    /// The frame's sequence.
    pub sequence: u64,
    /// Size of the picture. Changes at key pictures only.
    pub extent: Extent,
    /// What the picture's numbers mean. Changes at key pictures only.
    pub color: Color,
}

/// Somebody who wants to know that there is a packet.
pub type Notify = Arc<dyn Fn() + Send + Sync>;

/// Compresses frames, one after the other.
pub trait Encoder: Send {
    /// What reports call it.
    fn name(&self) -> &'static str;

    /// What is worse about it than it could be, if anything.
    fn fallback(&self) -> Option<Fallback> {
        None
    }

    /// What it reads as it is, best first.
    fn formats(&self) -> &[(Fourcc, Modifier)];

    /// What it reads besides in the memory where it was drawn, if anything.
    fn direct(&self) -> Option<Arc<Direct>> {
        None
    }

    /// Has `notify` called, from any thread, whenever [`poll_packet`](Self::poll_packet) may have
    /// something that it had not when [`encode`](Self::encode) returned.
    fn on_packet(&mut self, notify: Notify) {
        // Who is done when `encode` returns has nothing to tell.
        drop(notify);
    }

    /// Takes a picture, as one to start decoding at if `key`. The frame goes home when the
    /// encoder has read it.
    ///
    /// # Errors
    ///
    /// The picture is lost; the next one may work, and decodes without it.
    fn encode(&mut self, frame: Arc<Frame>, key: bool) -> Result<(), Error>;

    /// Takes the part `rect` of a picture that it reads where it was drawn ([`direct`](Self::direct)),
    /// as a picture of its own: a little larger where the encoder takes nothing so small.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode); [`Error::Region`] of one that cannot.
    fn encode_region(&mut self, frame: Arc<Frame>, rect: &Rect, key: bool) -> Result<(), Error> {
        let _ = (frame, rect, key);
        Err(Error::Region(self.name()))
    }

    /// The next packet, if one is done. Never blocks.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode), for an encoder that works beside the caller.
    fn poll_packet(&mut self) -> Result<Option<Packet>, Error>;

    /// Finishes what was taken: afterwards [`poll_packet`](Self::poll_packet) has all of it.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    fn flush(&mut self) -> Result<(), Error>;
}

/// A taker of packets: a file, a stream.
///
/// Calls come from one thread: `write` for each packet, `idle` now and then when there is none,
/// `finish` once. After an error only `finish` is of use.
pub trait PacketSink: Send {
    /// Takes a packet.
    ///
    /// # Errors
    ///
    /// The packet is lost, and so are those that follow.
    fn write(&mut self, packet: &Packet) -> Result<(), BoxError>;

    /// Says that it is `now` (`CLOCK_MONOTONIC`) and that the last picture is still shown.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn idle(&mut self, now: Duration) -> Result<(), BoxError>;

    /// Completes the output. The last picture was shown until `end` (`CLOCK_MONOTONIC`).
    ///
    /// # Errors
    ///
    /// The output may be incomplete.
    fn finish(&mut self, end: Duration) -> Result<(), BoxError>;
}
