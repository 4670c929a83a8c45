//! Bytes and descriptors to messages. Says what is malformed; whether the message fits what was
//! said before is the [`Session`](crate::Session)'s to say.

use std::os::fd::OwnedFd;
use std::vec;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Damage, DeviceId, Extent, Fourcc, FrameDescriptor, MAX_PLANES, MAX_RECTS,
    MAX_VIEW_FORMATS, MediaClock, MediaTime, MemoryHandle, Modifier, OpaqueImage, PlaneLayout,
    Ratio, Rect, Siting,
};
use zerohop_kernel::SyncFile;

use crate::bytes::Reader;
use crate::kind::{self, Kind, copied, flag, memory, point};
use crate::{
    Copies, FrameMessage, HostDisplay, KeptMessage, MAX_DEVICES, MAX_POINTS, MAX_REFRESH, MAX_SIDE,
    Point, SharedTimeline, StreamId, ToHost, ToProducer, Violation, WireBufferId, WireTimelineId,
};

impl ToHost {
    /// Reads a message of a producer.
    ///
    /// # Errors
    ///
    /// What is wrong with it; its descriptors are closed.
    pub fn decode(bytes: &[u8], fds: Vec<OwnedFd>) -> Result<Self, Violation> {
        let mut reader = Reader::new(bytes, &kind::TO_HOST)?;
        let mut fds = Fds { kind: reader.kind(), came: fds.len(), left: fds.into_iter() };
        let message = match reader.kind() {
            kind::HELLO => Self::Hello { version: reader.u32(), name: reader.text()? },
            kind::OPEN_STREAM => {
                let (stream, name) = (StreamId(reader.u32()), reader.text()?);
                Self::OpenStream { stream, name, clock: media_clock(&mut reader)? }
            }
            kind::CLOSE_STREAM => {
                let stream = StreamId(reader.u32());
                reader.zero(4)?;
                Self::CloseStream { stream }
            }
            kind::ANNOUNCE => announce(&mut reader, &mut fds)?,
            kind::RETIRE => Self::Retire { buffer: WireBufferId(reader.u64()) },
            kind::FRAME => Self::Frame(frame(&mut reader, &mut fds)?),
            kind::FALLBACK => Self::Fallback {
                what: reader.text()?,
                reason: reader.text()?,
                cost: reader.text()?,
            },
            kind::TIMELINE => Self::Timeline(timeline(&mut reader, &mut fds)?),
            kind::RETIRE_TIMELINE => Self::RetireTimeline { timeline: retired(&mut reader)? },
            kind::KEPT => Self::Kept(kept(&mut reader)),
            _ => Self::Reclaim,
        };
        reader.done();
        fds.done()?;
        Ok(message)
    }
}

impl ToProducer {
    /// Reads a message of a host.
    ///
    /// # Errors
    ///
    /// What is wrong with it; its descriptors are closed.
    pub fn decode(bytes: &[u8], fds: Vec<OwnedFd>) -> Result<Self, Violation> {
        let mut reader = Reader::new(bytes, &kind::TO_PRODUCER)?;
        let mut fds = Fds { kind: reader.kind(), came: fds.len(), left: fds.into_iter() };
        let message = match reader.kind() {
            kind::WELCOME => {
                Self::Welcome { version: reader.u32(), display: display(&mut reader)? }
            }
            kind::REFUSED => Self::Refused { reason: reader.text()? },
            kind::BUSY => {
                reader.zero(8)?;
                Self::Busy
            }
            kind::DEVICES => Self::Devices { devices: devices(&mut reader)? },
            kind::HOST_TIMELINE => Self::Timeline(timeline(&mut reader, &mut fds)?),
            kind::RETIRE_HOST_TIMELINE => Self::RetireTimeline { timeline: retired(&mut reader)? },
            kind::STILL => {
                let stream = StreamId(reader.u32());
                Self::Still { stream, still: reader.flag("still")? }
            }
            _ => release(&mut reader, &mut fds)?,
        };
        reader.done();
        fds.done()?;
        Ok(message)
    }
}

fn display(reader: &mut Reader<'_>) -> Result<Option<HostDisplay>, Violation> {
    let most = MAX_SIDE as usize;
    let width = reader.count("the width of a display", most)? as u32;
    if width == 0 {
        return reader.zero(kind::DISPLAY - 4).map(|()| None);
    }
    let height = reader.range("the height of a display", most)?;
    let refresh_mhz = reader.range("the refresh of a display in mHz", MAX_REFRESH as usize)?;
    let size_mm = [reader.u32(), reader.u32()];
    let flags = reader.u32();
    if flags & !flag::PACES != 0 {
        return Err(unknown("a flag of", flags));
    }
    let (extent, paces) = (Extent { width, height }, flags & flag::PACES != 0);
    Ok(Some(HostDisplay { name: reader.text()?, extent, refresh_mhz, size_mm, paces }))
}

/// The descriptors of one message, each taken once.
struct Fds {
    kind: Kind,
    came: usize,
    left: vec::IntoIter<OwnedFd>,
}

impl Fds {
    fn next(&mut self) -> Result<OwnedFd, Violation> {
        self.left.next().ok_or(self.wrong(self.came + 1))
    }

    fn done(self) -> Result<(), Violation> {
        let used = self.came - self.left.len();
        if used == self.came { Ok(()) } else { Err(self.wrong(used)) }
    }

    fn wrong(&self, expected: usize) -> Violation {
        Violation::Fds { kind: self.kind.name, expected, received: self.came }
    }
}

fn device(reader: &mut Reader<'_>) -> DeviceId {
    DeviceId { device_uuid: reader.array(), driver_uuid: reader.array() }
}

fn devices(reader: &mut Reader<'_>) -> Result<ArrayVec<DeviceId, MAX_DEVICES>, Violation> {
    let count = reader.count("the number of devices", MAX_DEVICES)?;
    reader.zero(4)?;
    let devices = (0..count).map(|_| device(reader)).collect();
    reader.zero((MAX_DEVICES - count) * size_of::<DeviceId>())?;
    Ok(devices)
}

fn timeline(reader: &mut Reader<'_>, fds: &mut Fds) -> Result<SharedTimeline, Violation> {
    let timeline = WireTimelineId(reader.u32());
    reader.zero(4)?;
    let value = reader.u64();
    Ok(SharedTimeline { timeline, value, device: device(reader), fd: fds.next()? })
}

fn retired(reader: &mut Reader<'_>) -> Result<WireTimelineId, Violation> {
    let timeline = WireTimelineId(reader.u32());
    reader.zero(4)?;
    Ok(timeline)
}

fn announce(reader: &mut Reader<'_>, fds: &mut Fds) -> Result<ToHost, Violation> {
    let buffer = WireBufferId(reader.u64());
    let stream = StreamId(reader.u32());
    let descriptor = shape(reader)?;
    let number = reader.u32();
    let objects = reader.count("the number of memory objects", MAX_PLANES)?;
    if fds.came != objects {
        return Err(fds.wrong(objects));
    }
    let mut memory = ArrayVec::new();
    if number == memory::OPAQUE {
        if objects != 1 {
            let (value, what) = (objects as u64, "the number of opaque memory objects");
            return Err(Violation::Range { what, value, least: 1, most: 1 });
        }
        memory.push(opaque(reader, fds.next()?)?);
    } else {
        reader.zero(108)?;
        for _ in 0..objects {
            memory.push(match number {
                memory::DMA_BUF => MemoryHandle::DmaBuf(fds.next()?),
                memory::SHM => MemoryHandle::Shm(fds.next()?),
                _ => return Err(unknown("memory kind", number)),
            });
        }
    }
    let copies = copies(reader)?;
    Ok(ToHost::Announce { buffer, stream, descriptor, memory, copies })
}

fn copies(reader: &mut Reader<'_>) -> Result<Copies, Violation> {
    let bits = reader.u32();
    if bits & !(copied::BY_GPU | copied::BY_CPU) != 0 {
        return Err(unknown("a bit of copies", bits));
    }
    Ok(Copies { gpu: bits & copied::BY_GPU != 0, cpu: bits & copied::BY_CPU != 0 })
}

fn media_clock(reader: &mut Reader<'_>) -> Result<Option<MediaClock>, Violation> {
    let flags = reader.u32();
    if flags & flag::CLOCK == 0 {
        reader.zero(20)?;
        return if flags == 0 { Ok(None) } else { Err(unknown("a flag of", flags)) };
    }
    if flags & !(flag::CLOCK | flag::FAST) != 0 {
        return Err(unknown("a flag of", flags));
    }
    let mut ratio = || Ratio { numerator: reader.u32(), denominator: reader.u32() };
    let (tick, pixel_aspect) = (ratio(), ratio());
    reader.zero(4)?;
    Ok(Some(MediaClock { tick, pixel_aspect, fast: flags & flag::FAST != 0 }))
}

fn shape(reader: &mut Reader<'_>) -> Result<FrameDescriptor, Violation> {
    let extent = Extent { width: reader.u32(), height: reader.u32() };
    let fourcc = Fourcc(reader.u32());
    let modifier = Modifier(reader.u64());
    let [primaries, transfer, matrix, range] = reader.array();
    let siting = (range >> 4).checked_sub(1).map(|site| Siting::ALL.get(usize::from(site)));
    if range & 0xe != 0 || siting == Some(None) {
        return Err(unknown("colour range", u32::from(range)));
    }
    let count = reader.count("the number of planes", MAX_PLANES)?;
    let mut planes = ArrayVec::new();
    for _ in 0..count {
        let object = reader.u32() as usize;
        planes.push(PlaneLayout { object, offset: reader.u32(), stride: reader.u32() });
        reader.zero(4)?;
    }
    reader.zero((MAX_PLANES - count) * 16)?;
    let color = Color {
        primaries,
        transfer,
        matrix,
        full_range: range & 1 == 1,
        siting: siting.flatten().copied(),
    };
    Ok(FrameDescriptor { extent, fourcc, modifier, planes, color })
}

fn opaque(reader: &mut Reader<'_>, fd: OwnedFd) -> Result<MemoryHandle, Violation> {
    let device = device(reader);
    let size = reader.u64();
    let memory_type = reader.u32();
    let mut image = OpaqueImage {
        format: reader.u32(),
        flags: reader.u32(),
        usage: reader.u32(),
        tiling: reader.u32(),
        array_layers: reader.u32(),
        dedicated: reader.flag("dedicated")?,
        ..OpaqueImage::default()
    };
    let count = reader.count("the number of view formats", MAX_VIEW_FORMATS)?;
    image.view_formats.extend((0..count).map(|_| reader.u32()));
    reader.zero((MAX_VIEW_FORMATS - count) * 4)?;
    image.queue_families = reader.u32();
    Ok(MemoryHandle::OpaqueFd { fd, device, size, memory_type, image })
}

fn frame(reader: &mut Reader<'_>, fds: &mut Fds) -> Result<FrameMessage, Violation> {
    let buffer = WireBufferId(reader.u64());
    let sequence = reader.u64();
    let timestamp = reader.time();
    let presented = reader.time();
    let flags = reader.u32();
    if flags & !(flag::REPLACEABLE | flag::DAMAGE) != 0 {
        return Err(unknown("a flag of", flags));
    }
    let known = flags & flag::DAMAGE != 0;
    let most = if known { MAX_RECTS } else { 0 };
    let count = reader.count("the number of damage rectangles", most)?;
    let acquire = sync_point(reader, fds)?;
    let mut rects = ArrayVec::new();
    for _ in 0..count {
        let (x, y) = (reader.u32(), reader.u32());
        rects.push(Rect { x, y, width: reader.u32(), height: reader.u32() });
    }
    reader.zero((MAX_RECTS - count) * 16)?;
    let damage = if known { Damage::Rects(rects) } else { Damage::Unknown };
    let replaceable = flags & flag::REPLACEABLE != 0;
    let media = MediaTime { pts: reader.u64().cast_signed(), duration: reader.u64() };
    Ok(FrameMessage { buffer, sequence, timestamp, presented, replaceable, damage, media, acquire })
}

fn kept(reader: &mut Reader<'_>) -> KeptMessage {
    KeptMessage {
        stream: StreamId(reader.u32()),
        count: reader.u32(),
        sequence: reader.u64(),
        timestamp: reader.time(),
    }
}

fn release(reader: &mut Reader<'_>, fds: &mut Fds) -> Result<ToProducer, Violation> {
    let buffer = WireBufferId(reader.u64());
    let sequence = reader.u64();
    let count = reader.count("the number of sync points", MAX_POINTS)?;
    reader.zero(4)?;
    let mut after = ArrayVec::new();
    for _ in 0..count {
        after.push(sync_point(reader, fds)?);
    }
    reader.zero((MAX_POINTS - count) * 16)?;
    Ok(ToProducer::Release { buffer, sequence, after })
}

fn sync_point(reader: &mut Reader<'_>, fds: &mut Fds) -> Result<Point, Violation> {
    let number = reader.u32();
    if number == point::TIMELINE {
        let timeline = WireTimelineId(reader.u32());
        return Ok(Point::Timeline { timeline, value: reader.u64() });
    }
    reader.zero(12)?;
    match number {
        point::SIGNALED => Ok(Point::Signaled),
        point::SYNC_FILE => Ok(Point::from(SyncFile::from(fds.next()?))),
        _ => Err(unknown("sync point kind", number)),
    }
}

fn unknown(what: &'static str, value: u32) -> Violation {
    Violation::Unknown { what, value: u64::from(value) }
}
