//! Peers that break the rules: each is told why, loses its connection, and leaves nothing behind.
//!
//! Long because every rule is broken once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arrayvec::ArrayVec;
use common::{announce, announce_with, descriptor, frame, open, open_fds, say, shm};
use zerohop_frame::{
    Damage, DeviceId, MediaClock, MediaTime, MemoryHandle, Modifier, OpaqueImage, PlaneLayout,
    Ratio, Rect,
};
use zerohop_kernel::{Eventfd, Socket, SyncFile, clock_monotonic};
use zerohop_wire::{
    Copies, Error, FrameMessage, MAX_MESSAGE, MAX_TIMELINES, Peer, Point, SharedTimeline, StreamId,
    ToHost, ToProducer, VERSION, WireBufferId, WireTimelineId, text,
};

/// Counting descriptors takes a process without other tests at the time.
static ALONE: Mutex<()> = Mutex::new(());

/// Lets a stranger talk, and expects the host's reason for ending it.
#[track_caller]
fn refused(reason: &str, talk: impl FnOnce(&Socket)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = open_fds();
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::new(ours, None, ArrayVec::from_iter([DEVICE])).unwrap();
    talk(&theirs);
    let err = std::iter::repeat_with(|| peer.poll()).find_map(Result::err).unwrap();
    assert!(matches!(err, Error::Violation(_)), "{err}");
    assert_eq!(last_words(&theirs), reason);
    drop((theirs, peer));
    assert_eq!(open_fds(), before, "descriptors stayed open");
}

/// What the host says before it closes.
#[track_caller]
fn last_words(socket: &Socket) -> String {
    let mut words = None;
    let mut bytes = [0; MAX_MESSAGE];
    loop {
        let received = socket.receive(&mut bytes).unwrap();
        if received.length == 0 {
            return words.expect("the host closed without a reason");
        }
        let message = ToProducer::decode(&bytes[..received.length], received.fds).unwrap();
        if let ToProducer::Refused { reason } = message {
            words = Some(reason.to_string());
        }
    }
}

/// The same after a proper beginning: `Hello`, and stream 1.
#[track_caller]
fn refused_later(reason: &str, talk: impl FnOnce(&Socket)) {
    refused(reason, |socket| {
        say(socket, &hello());
        say(socket, &open(1));
        talk(socket);
    });
}

fn hello() -> ToHost {
    ToHost::Hello { version: VERSION, name: text("stranger") }
}

/// Sends `message` with `bytes` in place of its own at `offset`.
fn say_patched(socket: &Socket, message: &ToHost, offset: usize, bytes: &[u8]) {
    let packet = message.encode().unwrap();
    let mut patched = packet.bytes.to_vec();
    patched[offset..offset + bytes.len()].copy_from_slice(bytes);
    socket.send(&patched, &packet.fds).unwrap();
}

/// Announces with one number changed.
#[track_caller]
fn refused_announce(reason: &str, offset: usize, value: u32) {
    refused_later(reason, |socket| {
        say_patched(socket, &announce(1), offset, &value.to_le_bytes());
    });
}

fn null() -> OwnedFd {
    std::fs::File::open("/dev/null").unwrap().into()
}

#[test]
fn what_is_no_message_is_refused() {
    refused("a message of 3 bytes has no header", |socket| socket.send(b"GET", &[]).unwrap());
    refused("message type 0x20544547 is unknown", |socket| {
        socket.send(b"GET / HTTP/1.1\r\n", &[]).unwrap();
    });
    refused("message type 0x103 is unknown", |socket| {
        say_patched(socket, &hello(), 0, &0x103u32.to_le_bytes());
    });
    refused("the message is longer than 1024 bytes", |socket| {
        socket.send(&[1; MAX_MESSAGE + 1], &[]).unwrap();
    });
}

#[test]
fn half_a_message_is_refused_at_once() {
    refused("hello has 272 bytes; 272 were declared and 136 came", |socket| {
        socket.send(&hello().encode().unwrap().bytes[..136], &[]).unwrap();
    });
    refused("hello has 272 bytes; 136 were declared and 136 came", |socket| {
        let mut bytes = hello().encode().unwrap().bytes.to_vec();
        bytes[4..8].copy_from_slice(&136u32.to_le_bytes());
        socket.send(&bytes[..136], &[]).unwrap();
    });
    refused("hello has 272 bytes; 4294967295 were declared and 272 came", |socket| {
        say_patched(socket, &hello(), 4, &[0xff; 4]);
    });
}

#[test]
fn silence_is_refused_after_a_while() {
    refused("no hello came within 2s", |_| std::thread::sleep(Duration::from_millis(2001)));
}

#[test]
fn a_wrong_beginning_is_refused() {
    refused("open stream came before hello", |socket| say(socket, &open(1)));
    refused("version 0 is not 1 to 2", |socket| say_patched(socket, &hello(), 8, &[0; 4]));
    refused_later("hello came twice", |socket| say(socket, &hello()));
}

#[test]
fn a_text_that_could_fool_a_terminal_is_refused() {
    let name = 8 + 4 + 4;
    refused("a text of hello is not printable UTF-8", |socket| {
        say_patched(socket, &hello(), name, b"\x1b[2J");
    });
    refused("a text of hello is not printable UTF-8", |socket| {
        say_patched(socket, &hello(), name, b"\xff");
    });
    refused("the length of a text is 257, not 0 to 256", |socket| {
        say_patched(socket, &hello(), 12, &257u32.to_le_bytes());
    });
    refused("byte 40 of hello is not used and not zero", |socket| {
        say_patched(socket, &hello(), 40, b"x");
    });
}

#[test]
fn descriptors_must_be_as_many_as_the_message_says() {
    let fds = |count: usize| {
        refused_later(&format!("announce came with {count} descriptors, not 1"), |socket| {
            let (packet, null) = (announce(1), null());
            let many: Vec<BorrowedFd<'_>> = (0..count).map(|_| null.as_fd()).collect();
            socket.send(&packet.encode().unwrap().bytes, &many).unwrap();
        });
    };
    fds(0);
    fds(2);
    fds(16);
    refused_later("open stream came with 1 descriptors, not 0", |socket| {
        socket.send(&open(2).encode().unwrap().bytes, &[null().as_fd()]).unwrap();
    });
    refused_later("frame came with 1 descriptors, not 0", |socket| {
        let message = ToHost::Frame(frame(1, 1));
        socket.send(&message.encode().unwrap().bytes, &[null().as_fd()]).unwrap();
    });
}

#[test]
fn numbers_outside_their_range_are_refused() {
    refused_announce("the width is 0, not 1 to 16384", 20, 0);
    refused_announce("the height is 16385, not 1 to 16384", 24, 16385);
    refused_announce("the number of planes is 5, not 0 to 4", 44, 5);
    refused_later("the XR24 picture has no plane", |socket| {
        let mut flat = descriptor();
        flat.planes.clear();
        say(socket, &announce_with(1, flat, shm(64)));
    });
    refused_announce("plane 0 is in object 7, but the buffer has 1", 48, 7);
    refused_announce("byte 60 of announce is not used and not zero", 60, 1);
    refused_announce("byte 64 of announce is not used and not zero", 64, 1);
    refused_announce("byte 224 of announce is not used and not zero", 224, 1);
    refused_announce("a bit of copies 4 is unknown", 228, 4);
    refused_announce("memory kind 9 is unknown", 112, 9);
    refused_announce("the number of memory objects is 5, not 0 to 4", 116, 5);
    refused_announce("colour range 2 is unknown", 40, 0x0200_0000);
    refused_announce("for this memory, modifier 1 is unknown", 32, 1);
}

#[test]
fn an_unknown_format_is_taken_and_its_shape_still_checked() {
    refused_announce("plane 0 ends at byte 80 of object 0, which has 64", 56, 20);
    let mut unknown = descriptor();
    unknown.fourcc = zerohop_frame::Fourcc(u32::from_le_bytes(*b"????"));
    refused_later("plane 0 ends at byte 68 of object 0, which has 64", |socket| {
        say(socket, &announce_with(1, unknown.clone(), shm(64)));
        unknown.planes[0].stride = 17;
        say(socket, &announce_with(2, unknown, shm(64)));
    });
}

#[test]
fn memory_that_is_too_small_is_refused() {
    refused_later("plane 0 ends at byte 64 of object 0, which has 63", |socket| {
        say(socket, &announce_with(1, descriptor(), shm(63)));
    });
    refused_announce("plane 0 has a stride of 15 bytes, and its rows have 16", 56, 15);
    refused_announce("plane 0 ends at byte 4294967359 of object 0, which has 64", 52, u32::MAX);
    refused_announce("plane 0 ends at byte 17179869180 of object 0, which has 64", 56, u32::MAX);
}

#[test]
fn memory_that_can_shrink_is_refused() {
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
    refused_later(
        "object 0 is a memfd of 4096 bytes that is not sealed against shrinking",
        |socket| {
            let loose = memfd_create("loose", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC);
            let loose = loose.unwrap();
            ftruncate(&loose, 4096).unwrap();
            say(socket, &announce_with(1, descriptor(), MemoryHandle::Shm(loose)));
        },
    );
}

#[test]
fn a_descriptor_of_another_kind_is_refused() {
    let wrong = |expected: &str, memory: &dyn Fn() -> MemoryHandle| {
        refused_later(expected, |socket| say(socket, &announce_with(1, descriptor(), memory())));
    };
    wrong("object 0 is not a memfd but Other", &|| MemoryHandle::Shm(null()));
    wrong("object 0 is not a dma-buf but Other", &|| MemoryHandle::DmaBuf(null()));
    wrong("object 0 is not a dma-buf but Memfd { size: 64, keeps_size: true }", &|| {
        let MemoryHandle::Shm(memfd) = shm(64) else { unreachable!("shm makes a memfd") };
        MemoryHandle::DmaBuf(memfd)
    });
    wrong("object 0 is not a memfd but Other", &|| {
        MemoryHandle::Shm(std::fs::File::open("/dev/shm").unwrap().into())
    });
}

#[test]
fn a_fence_must_be_a_fence() {
    refused_later("a sync point is not a sync_file", |socket| {
        say(socket, &announce(1));
        let bell = Eventfd::new().unwrap().as_fd().try_clone_to_owned().unwrap();
        let acquire = Point::from(SyncFile::from(bell));
        say(socket, &ToHost::Frame(FrameMessage { acquire, ..frame(1, 1) }));
    });
}

#[test]
fn opaque_memory_is_checked_as_far_as_it_can_be() {
    let wrong = |expected: &str, change: &dyn Fn(&mut OpaqueImage, &mut PlaneLayout)| {
        refused_later(expected, |socket| {
            let MemoryHandle::Shm(fd) = shm(64) else { unreachable!("shm makes a memfd") };
            say(socket, &opaque(fd, change));
        });
    };
    wrong("object 0 has 64 bytes, not 65", &|_, _| ());
    refused_later(
        "object 0 is a memfd of 0 bytes that is not sealed against shrinking",
        |socket| {
            let flags = rustix::fs::MemfdFlags::CLOEXEC;
            let fd = rustix::fs::memfd_create("unsealable", flags).unwrap();
            say(socket, &opaque(fd, &|_, _| ()));
        },
    );
    wrong("the image tiling is 2, not 0 to 1", &|image, _| image.tiling = 2);
    wrong("the number of array layers is 0, not 1 to 2048", &|image, _| image.array_layers = 0);
    wrong("the image format is 0, not 1 to 4294967295", &|image, _| image.format = 0);
    wrong("the stride of opaque memory is 16, not 0 to 0", &|_, plane| plane.stride = 16);
}

#[test]
fn opaque_rows_lie_in_their_memory_and_are_no_image() {
    let wrong = |expected: &str, image: OpaqueImage, offset: u32| {
        refused_later(expected, |socket| {
            let MemoryHandle::Shm(fd) = shm(65) else { unreachable!("shm makes a memfd") };
            let ToHost::Announce { mut descriptor, memory, .. } = opaque(fd, &|_, _| ()) else {
                unreachable!("an announcement")
            };
            descriptor.modifier = Modifier::LINEAR;
            descriptor.planes[0] = PlaneLayout { offset, ..self::descriptor().planes[0] };
            let fd = memory[0].as_fd().try_clone_to_owned().unwrap();
            let device = DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] };
            let memory = MemoryHandle::OpaqueFd { fd, device, size: 65, memory_type: 0, image };
            say(socket, &announce_with(1, descriptor, memory));
        });
    };
    let image = OpaqueImage { usage: 1, ..Default::default() };
    wrong("opaque memory with modifier LINEAR holds rows and no image", image, 0);
    wrong("plane 0 ends at byte 66 of object 0, which has 65", OpaqueImage::default(), 2);
}

/// Opaque memory of 65 bytes, changed.
fn opaque(fd: OwnedFd, change: &dyn Fn(&mut OpaqueImage, &mut PlaneLayout)) -> ToHost {
    let mut shape = descriptor();
    shape.modifier = Modifier::INVALID;
    shape.planes[0].stride = 0;
    let mut image = OpaqueImage { format: 44, usage: 1, array_layers: 1, ..Default::default() };
    change(&mut image, &mut shape.planes[0]);
    let device = DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] };
    let memory = MemoryHandle::OpaqueFd { fd, device, size: 65, memory_type: 0, image };
    announce_with(1, shape, memory)
}

#[test]
fn a_picture_in_a_buffer_that_is_not_there_is_refused() {
    refused_later("buffer 3 was not announced", |socket| {
        say(socket, &ToHost::Frame(frame(3, 1)));
    });
    refused_later("buffer 1 is out with picture 5", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::Frame(frame(1, 6)));
    });
    refused_later("buffer 1 was retired", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::Retire { buffer: WireBufferId(1) });
        say(socket, &ToHost::Frame(frame(1, 6)));
    });
    refused_later("buffer 1 was not announced", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::CloseStream { stream: StreamId(1) });
        say(socket, &ToHost::Frame(frame(1, 1)));
    });
}

#[test]
fn ids_and_sequences_only_grow() {
    refused_later("stream 1 is not after 1", |socket| say(socket, &open(1)));
    refused_later("stream 2 is not open", |socket| {
        say(socket, &ToHost::CloseStream { stream: StreamId(2) });
    });
    refused_later("buffer 4 is not after 4", |socket| {
        say(socket, &announce(4));
        say(socket, &announce(4));
    });
    refused_later("picture 5 is not after 5", |socket| {
        say(socket, &announce(1));
        say(socket, &announce(2));
        say(socket, &ToHost::Frame(frame(1, 5)));
        say(socket, &ToHost::Frame(frame(2, 5)));
    });
}

#[test]
fn damage_and_time_must_make_sense() {
    let rect = Rect { x: 3, y: 0, width: 2, height: 1 };
    refused_later("damage 2x1 at 3,0 leaves the 4x4 picture", |socket| {
        say(socket, &announce(1));
        let damage = Damage::Rects(ArrayVec::from_iter([rect]));
        say(socket, &ToHost::Frame(FrameMessage { damage, ..frame(1, 1) }));
    });
    refused_later("the number of damage rectangles is 17, not 0 to 16", |socket| {
        let damage = Damage::Rects(ArrayVec::new());
        let message = ToHost::Frame(FrameMessage { damage, ..frame(1, 1) });
        say_patched(socket, &message, 44, &17u32.to_le_bytes());
    });
    refused_later("a flag of 4 is unknown", |socket| {
        say_patched(socket, &ToHost::Frame(frame(1, 1)), 40, &4u32.to_le_bytes());
    });
    refused_later("sync point kind 3 is unknown", |socket| {
        say_patched(socket, &ToHost::Frame(frame(1, 1)), 48, &3u32.to_le_bytes());
    });
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    [hello(), open(1), announce(1)].iter().for_each(|message| say(&theirs, message));
    let timestamp = clock_monotonic() + Duration::from_secs(100);
    say(&theirs, &ToHost::Frame(FrameMessage { timestamp, ..frame(1, 1) }));
    while peer.poll().is_ok() {}
    let words = last_words(&theirs);
    assert!(words.starts_with("a picture is to be shown in 99."), "{words}");
}

#[test]
fn a_clock_must_tick_and_a_stream_without_one_has_no_media_time() {
    let with = |change: fn(&mut MediaClock)| {
        let one = Ratio { numerator: 1, denominator: 1 };
        let mut clock = MediaClock { tick: one, pixel_aspect: one, fast: true };
        change(&mut clock);
        ToHost::OpenStream { stream: StreamId(2), name: text("file"), clock: Some(clock) }
    };
    refused_later("the numerator of a tick is 0, not 1 to 4294967295", |socket| {
        say(socket, &with(|clock| clock.tick.numerator = 0));
    });
    refused_later("the denominator of a pixel's aspect is 0, not 1 to 4294967295", |socket| {
        say(socket, &with(|clock| clock.pixel_aspect.denominator = 0));
    });
    refused_later("a flag of 2 is unknown", |socket| {
        say_patched(socket, &open(2), 272, &2u32.to_le_bytes());
    });
    refused_later("a picture is at media time 7, and its stream has no clock", |socket| {
        say(socket, &announce(1));
        let media = MediaTime { pts: 7, duration: 0 };
        say(socket, &ToHost::Frame(FrameMessage { media, ..frame(1, 1) }));
    });
}

#[test]
fn no_time_is_too_far_in_a_file() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let one = Ratio { numerator: 1, denominator: 1 };
    let clock = Some(MediaClock { tick: one, pixel_aspect: one, fast: true });
    let open = ToHost::OpenStream { stream: StreamId(2), name: text("file"), clock };
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    let ToHost::Announce { buffer, descriptor, memory, copies, .. } = announce(1) else { return };
    let announce = ToHost::Announce { buffer, stream: StreamId(2), descriptor, memory, copies };
    [hello(), open, announce].iter().for_each(|message| say(&theirs, message));
    let (timestamp, media) = (Duration::from_secs(1 << 40), MediaTime { pts: -7, duration: 1 });
    let late = FrameMessage { timestamp, media, ..frame(1, 1) };
    say(&theirs, &ToHost::Frame(late));
    (0..3).for_each(|_| drop(peer.poll().unwrap().unwrap()));
    assert!(matches!(peer.poll(), Ok(Some(ToHost::Frame(_)))));
}

#[test]
fn hoarding_is_refused() {
    refused("the number of streams is 65, not 0 to 64", |socket| {
        say(socket, &hello());
        (1..=65).for_each(|stream| say(socket, &open(stream)));
    });
    refused_later("the number of buffers of a stream is 65, not 0 to 64", |socket| {
        (1..=65).for_each(|buffer| say(socket, &announce(buffer)));
    });
    refused("the number of memory objects is 260, not 0 to 256", |socket| {
        say(socket, &hello());
        let mut buffer = 0;
        for stream in 1..=2 {
            say(socket, &open(stream));
            for _ in 0..33 {
                buffer += 1;
                say(socket, &four_objects(buffer, stream));
            }
        }
    });
}

/// A buffer of four memory objects, with a plane in each.
fn four_objects(buffer: u64, stream: u32) -> ToHost {
    let mut descriptor = descriptor();
    descriptor.fourcc = zerohop_frame::Fourcc(1);
    descriptor.planes =
        (0..4).map(|object| PlaneLayout { object, offset: 0, stride: 16 }).collect();
    let memory = (0..4).map(|_| shm(64)).collect();
    let (buffer, stream) = (WireBufferId(buffer), StreamId(stream));
    ToHost::Announce { buffer, stream, descriptor, memory, copies: Copies::default() }
}

#[test]
fn flooding_is_refused() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (theirs, ours) = Socket::pair().unwrap();
    let peer = Peer::over(ours).unwrap();
    say(&theirs, &hello());
    let mut stream = 0;
    let err = loop {
        stream += 1;
        assert!(stream < 100_000, "nobody stopped the flood");
        say(&theirs, &open(stream));
        say(&theirs, &ToHost::CloseStream { stream: StreamId(stream) });
        if let Some(err) = std::iter::repeat_with(|| peer.poll())
            .take_while(|polled| !matches!(polled, Ok(None)))
            .find_map(Result::err)
        {
            break err;
        }
    };
    assert!(matches!(err, Error::Violation(_)), "{err}");
    assert_eq!(last_words(&theirs), "messages come faster than 65536 a second");
}

/// The host may lie as well.
// Long because there is much to lie about.
#[test]
fn a_host_that_breaks_the_rules_is_left() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let left = |expected: &str, talk: &dyn Fn(&Socket)| {
        let (ours, host) = Socket::pair().unwrap();
        let mut producer = zerohop_wire::Producer::over(ours, "test").unwrap();
        talk(&host);
        let err = std::iter::repeat_with(|| producer.poll()).find_map(Result::err).unwrap();
        let Error::Violation(violation) = err else { panic!("{err}") };
        assert_eq!(violation.to_string(), expected);
        assert!(producer.is_over());
    };
    let tell = |host: &Socket, message: ToProducer| {
        let packet = message.encode().unwrap();
        host.send(&packet.bytes, &packet.fds).unwrap();
    };
    let release = |after: ArrayVec<Point, 4>| ToProducer::Release {
        buffer: WireBufferId(1),
        sequence: 2,
        after,
    };
    let bell = || Eventfd::new().unwrap().as_fd().try_clone_to_owned().unwrap();
    left("version 3 is not 1 to 2", &|host| {
        tell(host, ToProducer::Welcome { version: 3, display: None });
    });
    left("welcome came twice", &|host| {
        tell(host, ToProducer::Welcome { version: 1, display: None });
        tell(host, ToProducer::Welcome { version: 1, display: None });
    });
    left("buffer 1 is not out with picture 2", &|host| tell(host, release(ArrayVec::new())));
    left("a sync point is not a sync_file", &|host| {
        let after = ArrayVec::from_iter([Point::from(SyncFile::from(bell()))]);
        tell(host, release(after));
    });
    left("message type 0x1 is unknown", &|host| say(host, &hello()));
    let welcome = |version| ToProducer::Welcome { version, display: None };
    let devices = || ToProducer::Devices { devices: ArrayVec::from_iter([DEVICE]) };
    left("devices belongs to version 2, and version 1 is spoken", &|host| {
        tell(host, welcome(1));
        tell(host, devices());
    });
    left("devices came twice", &|host| {
        [welcome(2), devices(), devices()].into_iter().for_each(|message| tell(host, message));
    });
    left("timeline 1 is of a device that was not offered", &|host| {
        tell(host, welcome(2));
        tell(host, ToProducer::Timeline(timeline(1, DEVICE)));
    });
    left("timeline 1 was not announced", &|host| {
        let point = Point::Timeline { timeline: WireTimelineId(1), value: 1 };
        [welcome(2), release(ArrayVec::from_iter([point]))]
            .into_iter()
            .for_each(|message| tell(host, message));
    });
}

const DEVICE: DeviceId = DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] };

fn timeline(timeline: u32, device: DeviceId) -> SharedTimeline {
    let MemoryHandle::Shm(fd) = shm(64) else { unreachable!("shm makes a memfd") };
    SharedTimeline { timeline: WireTimelineId(timeline), value: 7, device, fd }
}

/// A picture that is complete at a value of a timeline.
fn at(timeline: u32, value: u64) -> ToHost {
    let acquire = Point::Timeline { timeline: WireTimelineId(timeline), value };
    ToHost::Frame(FrameMessage { acquire, ..frame(1, 1) })
}

#[test]
fn a_timeline_must_be_announced_and_of_a_device_that_the_host_takes() {
    refused_later("timeline 1 is of a device that was not offered", |socket| {
        let device = DeviceId { device_uuid: [3; 16], ..DEVICE };
        say(socket, &ToHost::Timeline(timeline(1, device)));
    });
    refused_later("timeline 1 is not after 1", |socket| {
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
    });
    refused_later("the number of timelines is 17, not 0 to 16", |socket| {
        for one in 0..=MAX_TIMELINES as u32 {
            say(socket, &ToHost::Timeline(timeline(one, DEVICE)));
        }
    });
    refused_later("timeline 2 was not announced", |socket| {
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
        say(socket, &ToHost::RetireTimeline { timeline: WireTimelineId(2) });
    });
    refused_later("timeline came with 0 descriptors, not 1", |socket| {
        let message = ToHost::Timeline(timeline(1, DEVICE));
        socket.send(&message.encode().unwrap().bytes, &[]).unwrap();
    });
    refused_later("byte 12 of timeline is not used and not zero", |socket| {
        say_patched(socket, &ToHost::Timeline(timeline(1, DEVICE)), 12, &[1]);
    });
}

#[test]
fn a_point_names_a_timeline_and_a_value_that_it_can_come_to() {
    refused_later("timeline 4 was not announced", |socket| {
        say(socket, &announce(1));
        say(socket, &at(4, 1));
    });
    refused_later("timeline 1 was not announced", |socket| {
        say(socket, &announce(1));
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
        say(socket, &ToHost::RetireTimeline { timeline: WireTimelineId(1) });
        say(socket, &at(1, 8));
    });
    for value in [0, 8 + (1 << 30), u64::MAX] {
        let reason = format!("value {value} of timeline 1 is not 1 to {}", 7 + (1 << 30));
        refused_later(&reason, |socket| {
            say(socket, &announce(1));
            say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
            say(socket, &at(1, value));
        });
    }
}

#[test]
fn what_version_2_brought_is_not_said_in_version_1() {
    let reason = "timeline belongs to version 2, and version 1 is spoken";
    refused(reason, |socket| {
        say(socket, &ToHost::Hello { version: 1, name: text("old") });
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
    });
}
