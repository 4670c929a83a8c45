//! Conversations to fuzz with: valid ones from a seed, then changed here and there.

use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, FrameDescriptor, MediaClock, MediaTime, MemoryHandle, Modifier,
    OpaqueImage, PlaneLayout, Ratio, Rect,
};
use zerohop_kernel::clock_monotonic;
use zerohop_wire::{
    Copies, FrameMessage, HostDisplay, KeptMessage, Point, SharedTimeline, StreamId, ToHost,
    ToProducer, VERSION, WireBufferId, WireTimelineId, text,
};

use crate::target::{DEVICE, RELEASE, TO_HOST, TO_PRODUCER, choose};

/// SplitMix64: small, and good enough to choose with.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// One record of an input.
type Record = (u8, u8, Vec<u8>);

/// An input for the target: valid in one case of four.
pub(crate) fn input(random: &mut Random) -> Vec<u8> {
    let mut records = conversation(random);
    for _ in 0..random.below(4) {
        change(random, &mut records);
    }
    let mut input = Vec::new();
    for (what, fds, bytes) in records {
        input.extend([what, fds]);
        input.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes());
        input.extend(bytes);
    }
    input
}

fn to_host(message: &ToHost) -> Record {
    let packet = message.encode().expect("valid messages can be encoded");
    (TO_HOST, packet.fds.len() as u8, packet.bytes.to_vec())
}

fn conversation(random: &mut Random) -> Vec<Record> {
    let mut records = vec![to_host(&ToHost::Hello { version: VERSION, name: text("fuzz") })];
    let (mut buffer, mut sequence) = (0, 0);
    let timelines = random.below(3) as u32;
    records.extend((1..=timelines).map(|one| to_host(&ToHost::Timeline(timeline(one)))));
    for stream in (1..=1 + random.below(3) as u32).map(StreamId) {
        let clock = clock(random);
        records.push(to_host(&ToHost::OpenStream { stream, name: text("window"), clock }));
        let first = buffer + 1;
        for _ in 0..1 + random.below(4) {
            buffer += 1;
            records.push(to_host(&announce(random, buffer, stream)));
        }
        for _ in 0..random.below(8) {
            sequence += 1;
            let buffer = first + random.below((buffer - first + 1) as usize) as u64;
            records.push(to_host(&ToHost::Frame(frame(random, buffer, sequence, timelines))));
            records.push((RELEASE, 0, Vec::new()));
            if clock.is_none() && random.below(2) == 0 {
                let count = 1 + random.below(3) as u32;
                sequence += u64::from(count);
                let timestamp = clock_monotonic();
                let kept = KeptMessage { stream, count, sequence, timestamp };
                records.push(to_host(&ToHost::Kept(kept)));
            }
        }
        match random.below(5) {
            0 => records.push(to_host(&ToHost::CloseStream { stream })),
            3 if stream.0 <= timelines => {
                let timeline = WireTimelineId(stream.0);
                records.push(to_host(&ToHost::RetireTimeline { timeline }));
            }
            2 => records.push(to_host(&ToHost::Reclaim)),
            1 => records.push(to_host(&ToHost::Retire { buffer: WireBufferId(buffer) })),
            _ => records.push(fallback()),
        }
        records.push(from_host(random));
    }
    records
}

fn fallback() -> Record {
    let (what, reason) = (text("sync"), text("no SYNC_FD"));
    to_host(&ToHost::Fallback { what, reason, cost: text("waits") })
}

fn from_host(random: &mut Random) -> Record {
    let message = match random.below(8) {
        0 => ToProducer::Welcome { version: VERSION, display: display(random) },
        3 => ToProducer::Devices { devices: ArrayVec::from_iter([DEVICE]) },
        4 => ToProducer::Timeline(timeline(1)),
        5 => ToProducer::RetireTimeline { timeline: WireTimelineId(1) },
        1 => ToProducer::Refused { reason: text("buffer 3 was not announced") },
        2 => ToProducer::Busy,
        6 => ToProducer::Still { stream: StreamId(1), still: random.below(2) == 0 },
        _ => {
            let at = Point::Timeline { timeline: WireTimelineId(1), value: 5 };
            let after = ArrayVec::from_iter([Point::Signaled, at]);
            ToProducer::Release { buffer: WireBufferId(1), sequence: 1, after }
        }
    };
    let packet = message.encode().expect("valid messages can be encoded");
    (TO_PRODUCER, packet.fds.len() as u8, packet.bytes.to_vec())
}

fn timeline(timeline: u32) -> SharedTimeline {
    let fd = choose(1)[0].try_clone_to_owned().expect("a fuzzer has free descriptors");
    SharedTimeline { timeline: WireTimelineId(timeline), value: 0, device: DEVICE, fd }
}

fn display(random: &mut Random) -> Option<HostDisplay> {
    let extent = Extent { width: 1 + random.below(64) as u32, height: 1 + random.below(64) as u32 };
    let display = HostDisplay {
        name: text("DP-1"),
        extent,
        refresh_mhz: 60_000,
        size_mm: [0; 2],
        paces: true,
    };
    (random.below(2) == 0).then_some(display)
}

fn announce(random: &mut Random, buffer: u64, stream: StreamId) -> ToHost {
    let opaque = random.below(3) == 0;
    let extent = Extent { width: 1 + random.below(64) as u32, height: 1 + random.below(64) as u32 };
    let stride = if opaque { 0 } else { 256 };
    let modifier = if opaque { Modifier::INVALID } else { Modifier::LINEAR };
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]);
    let (fourcc, color) = (Fourcc::XRGB8888, Color::SRGB);
    let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
    let fd = choose(1)[0].try_clone_to_owned().expect("a fuzzer has free descriptors");
    let memory = if opaque {
        let device = DEVICE;
        let image =
            OpaqueImage { format: 44, usage: 0x17, array_layers: 1, ..OpaqueImage::default() };
        MemoryHandle::OpaqueFd { fd, device, size: 4096, memory_type: 0, image }
    } else {
        MemoryHandle::Shm(fd)
    };
    let memory = ArrayVec::from_iter([memory]);
    let copies = Copies { gpu: random.below(2) == 0, cpu: random.below(2) == 0 };
    ToHost::Announce { buffer: WireBufferId(buffer), stream, descriptor, memory, copies }
}

fn frame(random: &mut Random, buffer: u64, sequence: u64, timelines: u32) -> FrameMessage {
    let timeline = WireTimelineId(random.below(timelines as usize + 1) as u32);
    let at = Point::Timeline { timeline, value: sequence };
    let rects = (0..random.below(4)).map(|x| Rect { x: x as u32, y: 0, width: 0, height: 1 });
    FrameMessage {
        buffer: WireBufferId(buffer),
        sequence,
        timestamp: clock_monotonic() + Duration::from_millis(16),
        presented: clock_monotonic(),
        replaceable: random.below(2) == 0,
        damage: if random.below(2) == 0 { Damage::Unknown } else { Damage::Rects(rects.collect()) },
        media: MediaTime::default(),
        acquire: if timeline.0 > 0 { at } else { Point::Signaled },
    }
}

fn clock(random: &mut Random) -> Option<MediaClock> {
    let mut ratio = || Ratio { numerator: 1, denominator: 1 + random.below(90_000) as u32 };
    let (tick, pixel_aspect) = (ratio(), ratio());
    let clock = MediaClock { tick, pixel_aspect, fast: random.below(2) == 0 };
    (random.below(2) == 0).then_some(clock)
}

/// Makes one thing different.
fn change(random: &mut Random, records: &mut Vec<Record>) {
    const NUMBERS: [u32; 10] = [0, 1, 2, 4, 255, 4096, 16385, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    let at = random.below(records.len());
    let other = random.below(records.len());
    let fields = records[at].2.len() / 4;
    match random.below(8) {
        0 => drop(records.remove(at)),
        1 => records.insert(other, records[at].clone()),
        2 => records.swap(at, other),
        3 => records[at].1 = random.next() as u8,
        4 => {
            let keep = random.below(records[at].2.len() + 1);
            records[at].2.truncate(keep);
        }
        5 if fields > 0 => {
            let (bit, byte) = (random.below(8), random.below(fields * 4));
            records[at].2[byte] ^= 1 << bit;
        }
        _ if fields > 0 => {
            let field = random.below(fields) * 4;
            let number = NUMBERS[random.below(NUMBERS.len())];
            records[at].2[field..field + 4].copy_from_slice(&number.to_le_bytes());
        }
        _ => {}
    }
    if records.is_empty() {
        records.push((TO_HOST, 0, Vec::new()));
    }
}
