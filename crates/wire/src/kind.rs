//! The kinds of message, and the numbers and lengths that stand for them.

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// What messages and errors call it.
    pub(crate) name: &'static str,
    /// Its type on the wire.
    pub(crate) number: u32,
    /// Bytes, with the header.
    pub(crate) length: usize,
}

/// Bytes of the header: type and length.
pub(crate) const HEADER: usize = 8;

/// Bytes of a text: its length, then [`MAX_TEXT`](crate::MAX_TEXT) bytes.
const TEXT: usize = 4 + crate::MAX_TEXT;

/// Bytes of a display: size in pixels, refresh, size in millimetres, flags, name.
pub(crate) const DISPLAY: usize = 6 * 4 + TEXT;

/// Bytes of a device: its UUID and its driver's.
const DEVICE: usize = 2 * 16;

/// Bytes of a timeline: its name, 0, the value that it is at, its device.
const SHARED: usize = 4 + 4 + 8 + DEVICE;

const fn kind(name: &'static str, number: u32, body: usize) -> Kind {
    Kind { name, number, length: HEADER + body }
}

pub(crate) const HELLO: Kind = kind("hello", 1, 4 + TEXT);
pub(crate) const OPEN_STREAM: Kind = kind("open stream", 2, 4 + TEXT + 24);
pub(crate) const CLOSE_STREAM: Kind = kind("close stream", 3, 8);
pub(crate) const ANNOUNCE: Kind = kind("announce", 4, 224);
pub(crate) const RETIRE: Kind = kind("retire", 5, 8);
pub(crate) const FRAME: Kind = kind("frame", 6, 328);
pub(crate) const FALLBACK: Kind = kind("fallback", 7, 3 * TEXT);
pub(crate) const RECLAIM: Kind = kind("reclaim", 8, 0);

pub(crate) const TIMELINE: Kind = kind("timeline", 9, SHARED);
pub(crate) const RETIRE_TIMELINE: Kind = kind("retire timeline", 10, 8);
pub(crate) const KEPT: Kind = kind("kept", 11, 24);

pub(crate) const WELCOME: Kind = kind("welcome", 0x101, 4 + DISPLAY);
pub(crate) const REFUSED: Kind = kind("refused", 0x102, TEXT);
pub(crate) const RELEASE: Kind = kind("release", 0x103, 88);
pub(crate) const BUSY: Kind = kind("busy", 0x104, 8);
pub(crate) const DEVICES: Kind = kind("devices", 0x105, 8 + crate::MAX_DEVICES * DEVICE);
pub(crate) const HOST_TIMELINE: Kind = kind("timeline", 0x106, SHARED);
pub(crate) const RETIRE_HOST_TIMELINE: Kind = kind("retire timeline", 0x107, 8);
pub(crate) const STILL: Kind = kind("still", 0x108, 8);

/// What a producer may say.
pub(crate) const TO_HOST: [Kind; 11] = [
    HELLO,
    OPEN_STREAM,
    CLOSE_STREAM,
    ANNOUNCE,
    RETIRE,
    FRAME,
    FALLBACK,
    RECLAIM,
    TIMELINE,
    RETIRE_TIMELINE,
    KEPT,
];

/// What a host may say.
pub(crate) const TO_PRODUCER: [Kind; 8] =
    [WELCOME, REFUSED, RELEASE, BUSY, DEVICES, HOST_TIMELINE, RETIRE_HOST_TIMELINE, STILL];

/// `memory_kind` of an announced buffer.
pub(crate) mod memory {
    pub(crate) const DMA_BUF: u32 = 1;
    pub(crate) const OPAQUE: u32 = 2;
    pub(crate) const SHM: u32 = 3;
}

/// `kind` of a sync point.
pub(crate) mod point {
    pub(crate) const SIGNALED: u32 = 0;
    pub(crate) const SYNC_FILE: u32 = 1;
    pub(crate) const TIMELINE: u32 = 2;
}

/// `copies` of an announced buffer.
pub(crate) mod copied {
    pub(crate) const BY_GPU: u32 = 1;
    pub(crate) const BY_CPU: u32 = 2;
}

/// `flags` of a frame, of a stream, and of a display.
pub(crate) mod flag {
    pub(crate) const REPLACEABLE: u32 = 1;
    pub(crate) const DAMAGE: u32 = 2;
    /// Of `open stream`: it has a clock.
    pub(crate) const CLOCK: u32 = 1;
    /// Of `open stream`: timestamps count from its beginning.
    pub(crate) const FAST: u32 = 2;
    /// Of a display: it is a real screen, which keeps time.
    pub(crate) const PACES: u32 = 1;
}
