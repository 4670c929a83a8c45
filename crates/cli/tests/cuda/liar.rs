//! An application that lies: memory that is no image, and a value that never comes.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use zerohop_frame::{
    BoxError, Color, Damage, DeviceId, Extent, Fourcc, FrameDescriptor, MediaTime, MemoryHandle,
    Modifier, OpaqueImage, PlaneLayout, with_causes,
};
use zerohop_kernel::{Memfd, clock_monotonic, wait_readable};
use zerohop_layer_timeline::Counter;
use zerohop_wire::{
    Copies, Error, FrameMessage, Point, Producer, SharedTimeline, StreamId, ToHost, ToProducer,
    WireBufferId, WireTimelineId, text,
};

use crate::run::{LIAR, Stage};

const EXTENT: Extent = Extent { width: 64, height: 32 };

/// Longer than the host waits for anything.
const LONG: Duration = Duration::from_secs(60);

/// The run goes on, and says of each lie what it was.
pub(crate) fn lies(stage: &Stage) {
    let mut command = stage.zerohop(&["--display", "none", "--to", "null,view=cuda"]);
    command.arg("--").arg(std::env::current_exe().unwrap()).arg(LIAR);
    stage.shares_timelines(&mut command);
    let begin = Instant::now();
    let ended = stage.run(command).well();
    assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
    assert_eq!((ended.number("/cuda/pictures"), ended.number("/cuda/device_waits")), (1, 1));
    let refused = ended.report["refused"].to_string();
    assert!(refused.contains("waited for it in vain"), "{:#}", ended.report);
    let fallbacks = ended.report["fallbacks"].to_string();
    assert!(fallbacks.contains("no memory of this device"), "{:#}", ended.report);
}

/// The application.
pub(crate) fn main() -> ExitCode {
    match lie() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("the liar: {}", with_causes(&*err));
            ExitCode::FAILURE
        }
    }
}

fn lie() -> Result<(), BoxError> {
    let path = std::env::var_os("ZEROHOP_SOCKET").ok_or("no host")?;
    let mut host = Producer::connect(path.as_ref(), "liar")?;
    let device = devices(&mut host)?.ok_or("the host takes no timelines")?;
    let (stream, clock) = (StreamId(1), None);
    host.send(&ToHost::OpenStream { stream, name: text("lies"), clock })?;
    let opaque = MemoryHandle::OpaqueFd {
        fd: File::open("/dev/null")?.into(),
        device,
        size: u64::from(EXTENT.width * EXTENT.height * 4),
        memory_type: 0,
        image: OpaqueImage::default(),
    };
    announce(&mut host, 1, (opaque, Modifier::LINEAR, EXTENT.width * 4))?;
    let memfd = Memfd::create("picture", u64::from(EXTENT.width * EXTENT.height * 4))?;
    announce(&mut host, 2, (MemoryHandle::Shm(memfd.into()), Modifier::LINEAR, EXTENT.width * 4))?;
    let (counter, timeline) = (Counter::new(3)?, WireTimelineId(1));
    let fd = counter.as_fd().try_clone_to_owned()?;
    host.send(&ToHost::Timeline(SharedTimeline { timeline, value: 3, device, fd }))?;
    let never = Point::Timeline { timeline, value: 4 };
    for (sequence, (buffer, acquire)) in
        (1..).zip([(1, Point::Signaled), (2, Point::Signaled), (2, never)])
    {
        host.send(&ToHost::Frame(frame(buffer, sequence, acquire)))?;
        hear(&mut host)?;
    }
    Ok(())
}

/// The device whose timelines the host takes.
fn devices(host: &mut Producer) -> Result<Option<DeviceId>, BoxError> {
    loop {
        wait_readable(&*host, LONG)?;
        while let Some(message) = host.poll()? {
            if let ToProducer::Devices { devices } = message {
                return Ok(devices.first().copied());
            }
        }
    }
}

/// Waits until the last picture is home, or the host has had enough.
fn hear(host: &mut Producer) -> Result<(), BoxError> {
    let begin = Instant::now();
    while host.out() > 0 && begin.elapsed() < LONG {
        wait_readable(&*host, LONG)?;
        match host.poll() {
            Ok(_) => {}
            Err(Error::Refused(_) | Error::Closed) => return Ok(()),
            Err(err) => return Err(err.into()),
        }
    }
    if host.out() == 0 { Ok(()) } else { Err("the host says nothing".into()) }
}

fn announce(
    host: &mut Producer,
    buffer: u64,
    (memory, modifier, stride): (MemoryHandle, Modifier, u32),
) -> Result<(), Error> {
    let planes = std::iter::once(PlaneLayout { object: 0, offset: 0, stride }).collect();
    let (extent, fourcc, color) = (EXTENT, Fourcc::XRGB8888, Color::SRGB);
    host.send(&ToHost::Announce {
        buffer: WireBufferId(buffer),
        stream: StreamId(1),
        descriptor: FrameDescriptor { extent, fourcc, modifier, planes, color },
        memory: std::iter::once(memory).collect(),
        copies: Copies::default(),
    })
}

fn frame(buffer: u64, sequence: u64, acquire: Point) -> FrameMessage {
    FrameMessage {
        buffer: WireBufferId(buffer),
        sequence,
        timestamp: clock_monotonic(),
        presented: clock_monotonic(),
        replaceable: false,
        damage: Damage::Unknown,
        media: MediaTime::default(),
        acquire,
    }
}
