//! Messages to bytes and back: the same for every value, and byte by byte as `PROTOCOL.md` says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use arrayvec::ArrayVec;
use proptest::collection::vec;
use proptest::prelude::*;
use zerohop_frame::{
    Color, Damage, DeviceId, Extent, Fourcc, FrameDescriptor, MediaClock, MediaTime, MemoryHandle,
    Modifier, OpaqueImage, PlaneLayout, Ratio, Rect, Siting,
};
use zerohop_kernel::SyncFile;
use zerohop_wire::{
    Copies, FrameMessage, HostDisplay, KeptMessage, MAX_DEVICES, MAX_POINTS, Point, SharedTimeline,
    StreamId, ToHost, ToProducer, Violation, WireBufferId, WireTimelineId, text,
};

fn null() -> OwnedFd {
    std::fs::File::open("/dev/null").unwrap().into()
}

fn duplicates(fds: &[BorrowedFd<'_>]) -> Vec<OwnedFd> {
    fds.iter().map(|fd| fd.try_clone_to_owned().unwrap()).collect()
}

/// Through the bytes and back.
fn carried(message: &ToHost) -> ToHost {
    let packet = message.encode().unwrap();
    ToHost::decode(&packet.bytes, duplicates(&packet.fds)).unwrap()
}

fn descriptors() -> impl Strategy<Value = FrameDescriptor> {
    let plane = (0..4usize, any::<u32>(), any::<u32>())
        .prop_map(|(object, offset, stride)| PlaneLayout { object, offset, stride });
    let siting = prop::option::of(prop::sample::select(&Siting::ALL[..]));
    let color = (any::<u8>(), any::<u8>(), any::<u8>(), any::<bool>(), siting);
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>());
    (numbers, vec(plane, 0..=4), color).prop_map(|(numbers, planes, color)| {
        let (width, height, fourcc, modifier) = numbers;
        let (primaries, transfer, matrix, full_range, siting) = color;
        FrameDescriptor {
            extent: Extent { width, height },
            fourcc: Fourcc(fourcc),
            modifier: Modifier(modifier),
            planes: planes.into_iter().collect(),
            color: Color { primaries, transfer, matrix, full_range, siting },
        }
    })
}

fn images() -> impl Strategy<Value = OpaqueImage> {
    (any::<[u32; 6]>(), any::<bool>(), vec(any::<u32>(), 0..=8)).prop_map(
        |([format, flags, usage, tiling, array_layers, queue_families], dedicated, views)| {
            OpaqueImage {
                format,
                flags,
                usage,
                tiling,
                array_layers,
                queue_families,
                dedicated,
                view_formats: views.into_iter().collect(),
            }
        },
    )
}

fn damages() -> impl Strategy<Value = Damage> {
    let rect = any::<[u32; 4]>();
    let rect = rect.prop_map(|[x, y, width, height]| Rect { x, y, width, height });
    let known = vec(rect, 0..=16).prop_map(|rects| Damage::Rects(rects.into_iter().collect()));
    prop_oneof![Just(Damage::Unknown), known]
}

/// Each kind of point, without the descriptor of a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Signaled,
    Fence,
    Timeline(u32, u64),
}

impl Kind {
    fn point(self) -> Point {
        match self {
            Self::Signaled => Point::Signaled,
            Self::Fence => SyncFile::from(null()).into(),
            Self::Timeline(timeline, value) => {
                Point::Timeline { timeline: WireTimelineId(timeline), value }
            }
        }
    }

    fn of(point: &Point) -> Self {
        match point {
            Point::Signaled => Self::Signaled,
            Point::SyncFile(_) => Self::Fence,
            Point::Timeline { timeline, value } => Self::Timeline(timeline.0, *value),
        }
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    let timeline = (any::<u32>(), any::<u64>()).prop_map(|(id, value)| Kind::Timeline(id, value));
    prop_oneof![Just(Kind::Signaled), Just(Kind::Fence), timeline]
}

fn devices() -> impl Strategy<Value = DeviceId> {
    any::<[[u8; 16]; 2]>()
        .prop_map(|[device_uuid, driver_uuid]| DeviceId { device_uuid, driver_uuid })
}

fn shared(timeline: u32, value: u64, device: DeviceId) -> SharedTimeline {
    SharedTimeline { timeline: WireTimelineId(timeline), value, device, fd: null() }
}

/// Through the bytes of a host's message and back.
fn answered(message: &ToProducer) -> ToProducer {
    let packet = message.encode().unwrap();
    ToProducer::decode(&packet.bytes, duplicates(&packet.fds)).unwrap()
}

proptest! {
    #[test]
    fn any_timeline_is_carried_both_ways(timeline: u32, value: u64, device in devices()) {
        let same = |got: &SharedTimeline| {
            (got.timeline.0, got.value, got.device) == (timeline, value, device)
        };
        let got = carried(&ToHost::Timeline(shared(timeline, value, device)));
        prop_assert!(matches!(&got, ToHost::Timeline(got) if same(got)));
        let got = answered(&ToProducer::Timeline(shared(timeline, value, device)));
        prop_assert!(matches!(&got, ToProducer::Timeline(got) if same(got)));
        let timeline = WireTimelineId(timeline);
        let got = carried(&ToHost::RetireTimeline { timeline });
        let ToHost::RetireTimeline { timeline: got } = got else { panic!("a timeline") };
        prop_assert_eq!(got, timeline);
        let got = answered(&ToProducer::RetireTimeline { timeline });
        let ToProducer::RetireTimeline { timeline: got } = got else { panic!("a timeline") };
        prop_assert_eq!(got, timeline);
    }

    #[test]
    fn any_kept_picture_and_any_hint_is_carried(
        stream: u32, count: u32, sequence: u64, timestamp: u64, still: bool,
    ) {
        let (stream, timestamp) = (StreamId(stream), Duration::from_nanos(timestamp));
        let kept = KeptMessage { stream, count, sequence, timestamp };
        let ToHost::Kept(got) = carried(&ToHost::Kept(kept)) else { panic!("kept pictures") };
        prop_assert_eq!(got, kept);
        let got = answered(&ToProducer::Still { stream, still });
        let ToProducer::Still { stream: s, still: told } = got else { panic!("a hint") };
        prop_assert_eq!((s, told), (stream, still));
    }

    #[test]
    fn any_devices_are_carried(devices in vec(devices(), 0..=MAX_DEVICES)) {
        let sent = ToProducer::Devices { devices: devices.iter().copied().collect() };
        let ToProducer::Devices { devices: got } = answered(&sent) else { panic!("devices") };
        prop_assert_eq!(&got[..], &devices[..]);
    }

    #[test]
    fn any_opaque_buffer_is_carried(
        buffer: u64, stream: u32, descriptor in descriptors(), image in images(),
        device_uuid: [u8; 16], driver_uuid: [u8; 16], size: u64, memory_type: u32,
        gpu: bool, cpu: bool,
    ) {
        let copies = Copies { gpu, cpu };
        let device = DeviceId { device_uuid, driver_uuid };
        let handle =
            MemoryHandle::OpaqueFd { fd: null(), device, size, memory_type, image: image.clone() };
        let memory = ArrayVec::from_iter([handle]);
        let (buffer, stream) = (WireBufferId(buffer), StreamId(stream));
        let shape = descriptor.clone();
        let sent = ToHost::Announce { buffer, stream, descriptor: shape, memory, copies };
        let ToHost::Announce { buffer: b, stream: s, descriptor: d, memory, copies: c } =
            carried(&sent)
        else {
            panic!("an announcement");
        };
        prop_assert_eq!((b, s, d, c), (buffer, stream, descriptor, copies));
        let [MemoryHandle::OpaqueFd { device: d, size: s, memory_type: t, image: i, .. }] =
            &memory[..] else { panic!("opaque memory") };
        prop_assert_eq!((*d, *s, *t, i), (device, size, memory_type, &image));
    }

    #[test]
    fn any_picture_is_carried(
        numbers: (u64, u64, u64, u64, i64, u64), replaceable: bool, damage in damages(),
        kind in kinds(),
    ) {
        let (buffer, sequence, timestamp, presented, pts, duration) = numbers;
        let media = MediaTime { pts, duration };
        let acquire = kind.point();
        let sent = ToHost::Frame(FrameMessage {
            buffer: WireBufferId(buffer),
            sequence,
            timestamp: Duration::from_nanos(timestamp),
            presented: Duration::from_nanos(presented),
            replaceable,
            damage: damage.clone(),
            media,
            acquire,
        });
        let ToHost::Frame(got) = carried(&sent) else { panic!("a picture") };
        prop_assert_eq!((got.buffer.0, got.sequence), (buffer, sequence));
        prop_assert_eq!(got.timestamp, Duration::from_nanos(timestamp));
        prop_assert_eq!(got.presented, Duration::from_nanos(presented));
        prop_assert_eq!(got.media, media);
        prop_assert_eq!((got.replaceable, got.damage), (replaceable, damage));
        prop_assert_eq!(Kind::of(&got.acquire), kind);
    }

    #[test]
    fn any_clock_is_carried(
        stream: u32, tick: (u32, u32), aspect: (u32, u32), fast: bool, none: bool,
    ) {
        let ratio = |(numerator, denominator)| Ratio { numerator, denominator };
        let clock = MediaClock { tick: ratio(tick), pixel_aspect: ratio(aspect), fast };
        let clock = (!none).then_some(clock);
        let sent = ToHost::OpenStream { stream: StreamId(stream), name: text("a.mp4"), clock };
        let ToHost::OpenStream { stream: s, clock: c, .. } = carried(&sent) else {
            panic!("a stream");
        };
        prop_assert_eq!((s.0, c), (stream, clock));
    }

    #[test]
    fn any_release_is_carried(buffer: u64, sequence: u64, kinds in vec(kinds(), 0..=4)) {
        let after: ArrayVec<_, MAX_POINTS> = kinds.iter().map(|kind| kind.point()).collect();
        let sent = ToProducer::Release { buffer: WireBufferId(buffer), sequence, after };
        let ToProducer::Release { buffer: b, sequence: s, after } = answered(&sent) else {
            panic!("a release");
        };
        prop_assert_eq!((b.0, s), (buffer, sequence));
        prop_assert_eq!(after.iter().map(Kind::of).collect::<Vec<_>>(), kinds);
    }

    #[test]
    fn any_text_is_carried(what: String, reason: String, cost: String) {
        let sent =
            ToHost::Fallback { what: text(&what), reason: text(&reason), cost: text(&cost) };
        let ToHost::Fallback { what: w, reason: r, cost: c } = carried(&sent) else {
            panic!("a fallback");
        };
        prop_assert_eq!([w, r, c], [text(&what), text(&reason), text(&cost)]);
    }

    #[test]
    fn any_bytes_are_refused_or_say_the_same_again(bytes in vec(any::<u8>(), 0..400), number in 1..12u32) {
        let mut bytes = bytes;
        let length = bytes.len() as u32;
        if let Some(header) = bytes.get_mut(..8) {
            header[..4].copy_from_slice(&number.to_le_bytes());
            header[4..].copy_from_slice(&length.to_le_bytes());
        }
        if let Ok(message) = ToHost::decode(&bytes, Vec::new()) {
            prop_assert_eq!(&message.encode().unwrap().bytes[..], &bytes[..]);
        }
    }
}

/// The bytes of a message that are not zero, as `offset:byte`.
fn shown(bytes: &[u8]) -> String {
    let shown = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0);
    shown.map(|(at, byte)| format!("{at}:{byte:x}")).collect::<Vec<_>>().join(" ")
}

/// A change here is a change of the protocol, and needs a new version.
#[test]
fn the_bytes_are_those_of_version_1() {
    let bytes = |message: ToHost| {
        let packet = message.encode().unwrap();
        (packet.bytes.len(), shown(&packet.bytes))
    };
    let expect = |length: usize, shown: &str| (length, shown.to_owned());
    let hello = ToHost::Hello { version: 1, name: text("ab") };
    assert_eq!(bytes(hello), expect(272, "0:1 4:10 5:1 8:1 12:2 16:61 17:62"));
    let open = |clock| ToHost::OpenStream { stream: StreamId(3), name: text("c"), clock };
    assert_eq!(bytes(open(None)), expect(296, "0:2 4:28 5:1 8:3 12:1 16:63"));
    let ratio = |numerator, denominator| Ratio { numerator, denominator };
    let clock = MediaClock { tick: ratio(4, 5), pixel_aspect: ratio(6, 7), fast: true };
    let shown = "0:2 4:28 5:1 8:3 12:1 16:63 272:3 276:4 280:5 284:6 288:7";
    assert_eq!(bytes(open(Some(clock))), expect(296, shown));
    let close = ToHost::CloseStream { stream: StreamId(0x0102) };
    assert_eq!(bytes(close), expect(16, "0:3 4:10 8:2 9:1"));
    let retire = ToHost::Retire { buffer: WireBufferId(0x0102_0000_0000) };
    assert_eq!(bytes(retire), expect(16, "0:5 4:10 12:2 13:1"));
    let fallback = ToHost::Fallback { what: text("a"), reason: text("b"), cost: text("c") };
    let texts = "0:7 4:14 5:3 8:1 12:61 268:1 272:62 528:1 532:63";
    assert_eq!(bytes(fallback), expect(788, texts));
    assert_eq!(bytes(ToHost::Reclaim), expect(8, "0:8 4:8"));
    assert_eq!(bytes(opaque()), expect(232, OPAQUE));
    assert_eq!(bytes(picture()), expect(336, PICTURE));
}

#[test]
fn the_bytes_of_a_host_are_those_of_version_1() {
    let bytes = |message: ToProducer| {
        let packet = message.encode().unwrap();
        (packet.bytes.len(), shown(&packet.bytes))
    };
    let expect = |length: usize, shown: &str| (length, shown.to_owned());
    let welcome = ToProducer::Welcome { version: 1, display: None };
    assert_eq!(bytes(welcome), expect(296, "0:1 1:1 4:28 5:1 8:1"));
    let welcome = ToProducer::Welcome { version: 1, display: Some(display()) };
    let shown = "0:1 1:1 4:28 5:1 8:1 12:2 16:3 20:4 24:5 28:6 32:1 36:1 40:61";
    assert_eq!(bytes(welcome), expect(296, shown));
    let refused = ToProducer::Refused { reason: text("no") };
    assert_eq!(bytes(refused), expect(268, "0:2 1:1 4:c 5:1 8:2 12:6e 13:6f"));
    let after = ArrayVec::from_iter([Point::Signaled, SyncFile::from(null()).into()]);
    let release = ToProducer::Release { buffer: WireBufferId(7), sequence: 8, after };
    assert_eq!(bytes(release), expect(96, "0:3 1:1 4:60 8:7 16:8 24:2 48:1"));
    assert_eq!(bytes(ToProducer::Busy), expect(16, "0:4 1:1 4:10"));
}

/// A change here is a change of the protocol, and needs a new version.
#[test]
fn the_bytes_that_version_2_brought_are_those() {
    let shown = |packet: zerohop_wire::Packet<'_>| {
        (packet.bytes.len(), shown(&packet.bytes), packet.fds.len())
    };
    let expect = |length: usize, shown: &str, fds| (length, shown.to_owned(), fds);
    let (mut device_uuid, mut driver_uuid) = ([0; 16], [0; 16]);
    (device_uuid[0], driver_uuid[15]) = (0xaa, 0xbb);
    let device = DeviceId { device_uuid, driver_uuid };
    let timeline = WireTimelineId(3);
    let ours = ToHost::Timeline(shared(3, 4, device));
    let rest = "4:38 8:3 16:4 24:aa 55:bb";
    assert_eq!(shown(ours.encode().unwrap()), expect(56, &format!("0:9 {rest}"), 1));
    let hosts = ToProducer::Timeline(shared(3, 4, device));
    assert_eq!(shown(hosts.encode().unwrap()), expect(56, &format!("0:6 1:1 {rest}"), 1));
    let ours = ToHost::RetireTimeline { timeline };
    assert_eq!(shown(ours.encode().unwrap()), expect(16, "0:a 4:10 8:3", 0));
    let hosts = ToProducer::RetireTimeline { timeline };
    assert_eq!(shown(hosts.encode().unwrap()), expect(16, "0:7 1:1 4:10 8:3", 0));
    let devices = ToProducer::Devices { devices: ArrayVec::from_iter([device]) };
    assert_eq!(shown(devices.encode().unwrap()), expect(144, "0:5 1:1 4:90 8:1 16:aa 47:bb", 0));
    let after = ArrayVec::from_iter([Point::Timeline { timeline, value: 5 }]);
    let release = ToProducer::Release { buffer: WireBufferId(7), sequence: 8, after };
    let bytes = "0:3 1:1 4:60 8:7 16:8 24:1 32:2 36:3 40:5";
    assert_eq!(shown(release.encode().unwrap()), expect(96, bytes, 0));
    let (stream, timestamp) = (StreamId(3), Duration::from_nanos(6));
    let kept = ToHost::Kept(KeptMessage { stream, count: 4, sequence: 5, timestamp });
    let bytes = "0:b 4:20 8:3 12:4 16:5 24:6";
    assert_eq!(shown(kept.encode().unwrap()), expect(32, bytes, 0));
    let still = |still| ToProducer::Still { stream, still };
    assert_eq!(shown(still(true).encode().unwrap()), expect(16, "0:8 1:1 4:10 8:3 12:1", 0));
    assert_eq!(shown(still(false).encode().unwrap()), expect(16, "0:8 1:1 4:10 8:3", 0));
}

fn display() -> HostDisplay {
    let extent = Extent { width: 2, height: 3 };
    HostDisplay { name: text("a"), extent, refresh_mhz: 4, size_mm: [5, 6], paces: true }
}

#[test]
fn a_display_is_carried_whole_and_within_its_limits() {
    let sent = |display| ToProducer::Welcome { version: 1, display };
    for display in [None, Some(display())] {
        let message = sent(display.clone());
        let bytes = message.encode().unwrap().bytes;
        let got = ToProducer::decode(&bytes, Vec::new()).unwrap();
        assert!(matches!(got, ToProducer::Welcome { display: got, .. } if got == display));
    }
    let refused = |change: &dyn Fn(&mut HostDisplay), why: &str| {
        let mut display = display();
        change(&mut display);
        let bytes = sent(Some(display)).encode().unwrap().bytes;
        assert_eq!(ToProducer::decode(&bytes, Vec::new()).unwrap_err().to_string(), why);
    };
    refused(&|it| it.extent.width = 16385, "the width of a display is 16385, not 0 to 16384");
    refused(&|it| it.extent.height = 0, "the height of a display is 0, not 1 to 16384");
    refused(&|it| it.refresh_mhz = 0, "the refresh of a display in mHz is 0, not 1 to 1000000");
    refused(&|it| it.extent.width = 0, "byte 16 of welcome is not used and not zero");
}

const OPAQUE: &str = "0:4 4:e8 8:1 16:2 20:3 24:4 28:58 29:52 30:32 31:34 \
    32:ff 33:ff 34:ff 35:ff 36:ff 37:ff 38:ff 40:1 41:d 43:1 44:1 112:2 116:1 \
    120:aa 135:ab 136:ba 151:bb 152:5 160:6 164:7 168:8 172:9 176:1 180:b 184:1 188:2 192:c 196:d 224:e 228:3";

fn opaque() -> ToHost {
    let (mut device_uuid, mut driver_uuid) = ([0; 16], [0; 16]);
    (device_uuid[0], device_uuid[15]) = (0xaa, 0xab);
    (driver_uuid[0], driver_uuid[15]) = (0xba, 0xbb);
    let image = OpaqueImage {
        format: 7,
        flags: 8,
        usage: 9,
        tiling: 1,
        array_layers: 11,
        queue_families: 14,
        view_formats: ArrayVec::from_iter([12, 13]),
        dedicated: true,
    };
    let device = DeviceId { device_uuid, driver_uuid };
    let memory = MemoryHandle::OpaqueFd { fd: null(), device, size: 5, memory_type: 6, image };
    let descriptor = FrameDescriptor {
        extent: Extent { width: 3, height: 4 },
        fourcc: Fourcc::XRGB8888,
        modifier: Modifier::INVALID,
        planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]),
        color: Color::SRGB,
    };
    let memory = ArrayVec::from_iter([memory]);
    let copies = Copies { gpu: true, cpu: true };
    let (buffer, stream) = (WireBufferId(1), StreamId(2));
    ToHost::Announce { buffer, stream, descriptor, memory, copies }
}

const PICTURE: &str = "0:6 4:50 5:1 8:1 16:2 24:3 32:4 40:3 44:2 48:1 \
    64:5 68:6 72:7 76:8 80:9 84:a 88:b 92:c 320:d 328:e";

fn picture() -> ToHost {
    let rects =
        [Rect { x: 5, y: 6, width: 7, height: 8 }, Rect { x: 9, y: 10, width: 11, height: 12 }];
    ToHost::Frame(FrameMessage {
        buffer: WireBufferId(1),
        sequence: 2,
        timestamp: Duration::from_nanos(3),
        presented: Duration::from_nanos(4),
        replaceable: true,
        damage: Damage::Rects(ArrayVec::from_iter(rects)),
        media: MediaTime { pts: 13, duration: 14 },
        acquire: SyncFile::from(null()).into(),
    })
}

#[test]
fn memory_of_two_kinds_is_not_sent() {
    let ToHost::Announce { buffer, stream, descriptor, mut memory, copies } = opaque() else {
        panic!("an announcement");
    };
    memory.push(MemoryHandle::Shm(null()));
    let sent = ToHost::Announce { buffer, stream, descriptor, memory, copies };
    let err = sent.encode().unwrap_err();
    assert_eq!(err, Violation::Unsendable("a buffer with two kinds of memory"));
    assert_eq!(err.to_string(), "a buffer with two kinds of memory cannot be sent");
}

#[test]
fn descriptors_keep_their_order() {
    let files: Vec<OwnedFd> =
        (0..4).map(|_| zerohop_kernel::Memfd::create("test", 1).unwrap().into()).collect();
    let inode = |fd: BorrowedFd<'_>| rustix::fs::fstat(fd).unwrap().st_ino;
    let sent: Vec<_> = files.iter().map(|fd| inode(fd.as_fd())).collect();
    let ToHost::Announce { buffer, stream, descriptor, copies, .. } = opaque() else {
        panic!("an announcement");
    };
    let memory = files.into_iter().map(MemoryHandle::Shm).collect();
    let message = carried(&ToHost::Announce { buffer, stream, descriptor, memory, copies });
    let ToHost::Announce { memory, .. } = message else { panic!("an announcement") };
    assert_eq!(memory.iter().map(|handle| inode(handle.as_fd())).collect::<Vec<_>>(), sent);
}
