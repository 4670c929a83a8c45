//! Messages to bytes and descriptors.

use std::os::fd::{AsFd, BorrowedFd};

use arrayvec::ArrayVec;
use zerohop_frame::{
    Damage, DeviceId, Extent, FrameDescriptor, MAX_PLANES, MAX_RECTS, MediaClock, MemoryHandle,
};

use crate::bytes::Writer;
use crate::kind::{self, Kind, copied, flag, memory, point};
use crate::{
    Copies, FrameMessage, HostDisplay, KeptMessage, MAX_DEVICES, MAX_MESSAGE, MAX_POINTS, Point,
    SharedTimeline, StreamId, ToHost, ToProducer, Violation, WireBufferId, WireTimelineId,
};

/// One message as it travels.
#[derive(Debug)]
pub struct Packet<'a> {
    /// Its bytes.
    pub bytes: ArrayVec<u8, MAX_MESSAGE>,
    /// Its descriptors.
    pub fds: ArrayVec<BorrowedFd<'a>, MAX_POINTS>,
}

impl Packet<'_> {
    fn plain(bytes: ArrayVec<u8, MAX_MESSAGE>) -> Self {
        Self { bytes, fds: ArrayVec::new() }
    }
}

impl ToHost {
    /// The message as it travels.
    ///
    /// # Errors
    ///
    /// [`Violation::Unsendable`] for memory or sync points that the wire has no form for.
    // Long because each message is a few lines.
    pub fn encode(&self) -> Result<Packet<'_>, Violation> {
        match self {
            Self::Hello { version, name } => {
                let mut writer = Writer::new(kind::HELLO);
                writer.u32(*version);
                writer.text(name);
                Ok(Packet::plain(writer.done(kind::HELLO)))
            }
            Self::OpenStream { stream: StreamId(stream), name, clock } => {
                let mut writer = Writer::new(kind::OPEN_STREAM);
                writer.u32(*stream);
                writer.text(name);
                media_clock(&mut writer, clock.as_ref());
                Ok(Packet::plain(writer.done(kind::OPEN_STREAM)))
            }
            Self::CloseStream { stream: StreamId(stream) } => {
                let mut writer = Writer::new(kind::CLOSE_STREAM);
                writer.u32(*stream);
                writer.zero(4);
                Ok(Packet::plain(writer.done(kind::CLOSE_STREAM)))
            }
            Self::Announce { buffer, stream, descriptor, memory, copies: made } => {
                let mut writer = Writer::new(kind::ANNOUNCE);
                writer.u64(buffer.0);
                writer.u32(stream.0);
                announce(writer, descriptor, memory, *made)
            }
            Self::Retire { buffer: WireBufferId(buffer) } => {
                let mut writer = Writer::new(kind::RETIRE);
                writer.u64(*buffer);
                Ok(Packet::plain(writer.done(kind::RETIRE)))
            }
            Self::Frame(message) => frame(message),
            Self::Fallback { what, reason, cost } => {
                let mut writer = Writer::new(kind::FALLBACK);
                [what, reason, cost].into_iter().for_each(|text| writer.text(text));
                Ok(Packet::plain(writer.done(kind::FALLBACK)))
            }
            Self::Reclaim => Ok(Packet::plain(Writer::new(kind::RECLAIM).done(kind::RECLAIM))),
            Self::Timeline(shared) => Ok(timeline(kind::TIMELINE, shared)),
            Self::RetireTimeline { timeline } => Ok(retire(kind::RETIRE_TIMELINE, *timeline)),
            Self::Kept(message) => Ok(kept(message)),
        }
    }
}

impl ToProducer {
    /// The message as it travels.
    ///
    /// # Errors
    ///
    /// [`Violation::Unsendable`] for sync points that the wire has no form for.
    pub fn encode(&self) -> Result<Packet<'_>, Violation> {
        match self {
            Self::Welcome { version, display: shown } => {
                let mut writer = Writer::new(kind::WELCOME);
                writer.u32(*version);
                display(&mut writer, shown.as_ref());
                Ok(Packet::plain(writer.done(kind::WELCOME)))
            }
            Self::Refused { reason } => {
                let mut writer = Writer::new(kind::REFUSED);
                writer.text(reason);
                Ok(Packet::plain(writer.done(kind::REFUSED)))
            }
            Self::Release { buffer, sequence, after } => Ok(release(*buffer, *sequence, after)),
            Self::Busy => {
                let mut writer = Writer::new(kind::BUSY);
                writer.zero(8);
                Ok(Packet::plain(writer.done(kind::BUSY)))
            }
            Self::Devices { devices } => {
                let mut writer = Writer::new(kind::DEVICES);
                writer.u32(devices.len() as u32);
                writer.zero(4);
                devices.iter().for_each(|one| device(&mut writer, one));
                writer.zero((MAX_DEVICES - devices.len()) * size_of::<DeviceId>());
                Ok(Packet::plain(writer.done(kind::DEVICES)))
            }
            Self::Timeline(shared) => Ok(timeline(kind::HOST_TIMELINE, shared)),
            Self::RetireTimeline { timeline } => Ok(retire(kind::RETIRE_HOST_TIMELINE, *timeline)),
            Self::Still { stream: StreamId(stream), still } => {
                let mut writer = Writer::new(kind::STILL);
                writer.u32(*stream);
                writer.u32(u32::from(*still));
                Ok(Packet::plain(writer.done(kind::STILL)))
            }
        }
    }
}

fn device(writer: &mut Writer, device: &DeviceId) {
    writer.bytes(&device.device_uuid);
    writer.bytes(&device.driver_uuid);
}

fn timeline(kind: Kind, shared: &SharedTimeline) -> Packet<'_> {
    let mut writer = Writer::new(kind);
    writer.u32(shared.timeline.0);
    writer.zero(4);
    writer.u64(shared.value);
    device(&mut writer, &shared.device);
    Packet { bytes: writer.done(kind), fds: ArrayVec::from_iter([shared.fd.as_fd()]) }
}

fn retire(kind: Kind, WireTimelineId(timeline): WireTimelineId) -> Packet<'static> {
    let mut writer = Writer::new(kind);
    writer.u32(timeline);
    writer.zero(4);
    Packet::plain(writer.done(kind))
}

fn display(writer: &mut Writer, display: Option<&HostDisplay>) {
    let Some(display) = display else { return writer.zero(kind::DISPLAY) };
    let Extent { width, height } = display.extent;
    let [width_mm, height_mm] = display.size_mm;
    let flags = if display.paces { flag::PACES } else { 0 };
    for number in [width, height, display.refresh_mhz, width_mm, height_mm, flags] {
        writer.u32(number);
    }
    writer.text(&display.name);
}

fn announce<'a>(
    mut writer: Writer,
    descriptor: &FrameDescriptor,
    memory: &'a [MemoryHandle],
    made: Copies,
) -> Result<Packet<'a>, Violation> {
    shape(&mut writer, descriptor);
    let numbers = memory.iter().map(|handle| match handle {
        MemoryHandle::DmaBuf(_) => Ok(memory::DMA_BUF),
        MemoryHandle::OpaqueFd { .. } => Ok(memory::OPAQUE),
        MemoryHandle::Shm(_) => Ok(memory::SHM),
        _ => Err(Violation::Unsendable("this kind of memory")),
    });
    let numbers = numbers.collect::<Result<ArrayVec<u32, MAX_PLANES>, _>>()?;
    let number = *numbers.first().ok_or(Violation::Unsendable("a buffer without memory"))?;
    if numbers.iter().any(|&other| other != number) {
        return Err(Violation::Unsendable("a buffer with two kinds of memory"));
    }
    writer.u32(number);
    writer.u32(memory.len() as u32);
    opaque(&mut writer, memory)?;
    writer.u32(copies(made));
    let fds = memory.iter().map(AsFd::as_fd).collect();
    Ok(Packet { bytes: writer.done(kind::ANNOUNCE), fds })
}

fn copies(made: Copies) -> u32 {
    let bit = |set, bit| if set { bit } else { 0 };
    bit(made.gpu, copied::BY_GPU) | bit(made.cpu, copied::BY_CPU)
}

fn media_clock(writer: &mut Writer, clock: Option<&MediaClock>) {
    let Some(MediaClock { tick, pixel_aspect, fast }) = clock else { return writer.zero(24) };
    writer.u32(flag::CLOCK | if *fast { flag::FAST } else { 0 });
    for ratio in [tick, pixel_aspect] {
        writer.u32(ratio.numerator);
        writer.u32(ratio.denominator);
    }
    writer.zero(4);
}

fn shape(writer: &mut Writer, descriptor: &FrameDescriptor) {
    let color = descriptor.color;
    writer.u32(descriptor.extent.width);
    writer.u32(descriptor.extent.height);
    writer.u32(descriptor.fourcc.0);
    writer.u64(descriptor.modifier.0);
    let siting = color.siting.map_or(0, |siting| siting as u8 + 1);
    let range = u8::from(color.full_range) | siting << 4;
    writer.bytes(&[color.primaries, color.transfer, color.matrix, range]);
    writer.u32(descriptor.planes.len() as u32);
    for plane in &descriptor.planes {
        writer.u32(u32::try_from(plane.object).unwrap_or(u32::MAX));
        writer.u32(plane.offset);
        writer.u32(plane.stride);
        writer.zero(4);
    }
    writer.zero((MAX_PLANES - descriptor.planes.len()) * 16);
}

fn opaque(writer: &mut Writer, memory: &[MemoryHandle]) -> Result<(), Violation> {
    let [MemoryHandle::OpaqueFd { device: owner, size, memory_type, image, .. }] = memory else {
        if memory.iter().any(|handle| matches!(handle, MemoryHandle::OpaqueFd { .. })) {
            return Err(Violation::Unsendable("opaque memory in several objects"));
        }
        writer.zero(108);
        return Ok(());
    };
    device(writer, owner);
    writer.u64(*size);
    let layers = image.array_layers;
    let numbers = [*memory_type, image.format, image.flags, image.usage, image.tiling, layers];
    numbers.into_iter().for_each(|number| writer.u32(number));
    writer.u32(u32::from(image.dedicated));
    writer.u32(image.view_formats.len() as u32);
    image.view_formats.iter().for_each(|&format| writer.u32(format));
    writer.zero((image.view_formats.capacity() - image.view_formats.len()) * 4);
    writer.u32(image.queue_families);
    Ok(())
}

fn frame(message: &FrameMessage) -> Result<Packet<'_>, Violation> {
    let mut writer = Writer::new(kind::FRAME);
    writer.u64(message.buffer.0);
    writer.u64(message.sequence);
    writer.time(message.timestamp);
    writer.time(message.presented);
    let (damage, rects) = match &message.damage {
        Damage::Unknown => (0, &[][..]),
        Damage::Rects(rects) => (flag::DAMAGE, &rects[..]),
    };
    writer.u32(damage | if message.replaceable { flag::REPLACEABLE } else { 0 });
    writer.u32(rects.len() as u32);
    let mut fds = ArrayVec::new();
    sync_point(&mut writer, &message.acquire, &mut fds);
    for rect in rects {
        [rect.x, rect.y, rect.width, rect.height].into_iter().for_each(|side| writer.u32(side));
    }
    writer.zero((MAX_RECTS - rects.len()) * 16);
    writer.u64(message.media.pts.cast_unsigned());
    writer.u64(message.media.duration);
    Ok(Packet { bytes: writer.done(kind::FRAME), fds })
}

fn kept(message: &KeptMessage) -> Packet<'static> {
    let mut writer = Writer::new(kind::KEPT);
    writer.u32(message.stream.0);
    writer.u32(message.count);
    writer.u64(message.sequence);
    writer.time(message.timestamp);
    Packet::plain(writer.done(kind::KEPT))
}

fn release(buffer: WireBufferId, sequence: u64, after: &[Point]) -> Packet<'_> {
    let mut writer = Writer::new(kind::RELEASE);
    writer.u64(buffer.0);
    writer.u64(sequence);
    writer.u32(after.len() as u32);
    writer.zero(4);
    let mut fds = ArrayVec::new();
    for one in after {
        sync_point(&mut writer, one, &mut fds);
    }
    writer.zero((MAX_POINTS - after.len()) * 16);
    Packet { bytes: writer.done(kind::RELEASE), fds }
}

fn sync_point<'a>(
    writer: &mut Writer,
    from: &'a Point,
    fds: &mut ArrayVec<BorrowedFd<'a>, MAX_POINTS>,
) {
    let (number, timeline, value) = match from {
        Point::Signaled => (point::SIGNALED, 0, 0),
        Point::SyncFile(file) => {
            fds.push(file.as_fd());
            (point::SYNC_FILE, 0, 0)
        }
        Point::Timeline { timeline, value } => (point::TIMELINE, timeline.0, *value),
    };
    writer.u32(number);
    writer.u32(timeline);
    writer.u64(value);
}
