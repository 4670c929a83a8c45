//! Decoded pictures: luma, R'G'B', and what changed.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MemoryHandle, Modifier,
    PlaneLayout, SharedBuffer, Siting, SyncPoint,
};
use zerohop_passes::{Diff, Grid, Luma, Rgba, Route, TileSet};
use zerohop_vulkan::{Buffer, Error, Image, Recording, Sight, Way, opaque_for, write_picture};

use crate::WARM;
use crate::cases::done;
use crate::common::{Home, Machine, Notes, noise};
use crate::stage::turns;

/// A pass over decoded pictures, and how it sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    work: Work,
    sight: Sight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Luma,
    Rgba,
    /// Every tile changed, or none.
    Diff(bool),
}

const fn case(name: &'static str, work: Work, sight: Sight) -> Case {
    Case { name, work, sight }
}

/// Everything that is measured.
pub(crate) const CASES: [Case; 8] = [
    case("luma", Work::Luma, Sight::Images),
    case("rgba", Work::Rgba, Sight::Images),
    case("diff none", Work::Diff(false), Sight::Images),
    case("diff all", Work::Diff(true), Sight::Images),
    case("rows luma", Work::Luma, Sight::Buffers),
    case("rows rgba", Work::Rgba, Sight::Buffers),
    case("rows diff none", Work::Diff(false), Sight::Buffers),
    case("rows diff all", Work::Diff(true), Sight::Buffers),
];

/// What decoders write.
pub(crate) const FORMATS: [Fourcc; 3] = [Fourcc::NV12, Fourcc::P010, Fourcc::YUV420];

/// Times of a pass, and the bytes that it reads and writes of each picture.
pub(crate) struct Found {
    pub(crate) times: Vec<Duration>,
    pub(crate) read: u64,
    pub(crate) written: u64,
}

impl Case {
    /// The times of so many pictures.
    fn run(self, machine: &Machine, all: &Pictures, pictures: usize) -> Found {
        let Pictures { descriptor, same, other, .. } = all;
        let other = if self.work == Work::Diff(true) { other } else { same };
        let notes = Arc::<Notes>::default();
        let device = &machine.device;
        let tiles = TileSet::all(Grid::of(descriptor.extent));
        let shown = |turn: usize| if turn.is_multiple_of(2) { same } else { other };
        let times = match self.work {
            Work::Luma => {
                let luma = Luma::new(device, descriptor, notes).expect("a known format");
                let mut luma = luma.with_route(Route::Gpu);
                each(machine, shown, pictures, |frame, image| {
                    let made = luma.luma(frame, image, &tiles).expect("a device that works");
                    done(&made.expect("a free buffer"));
                })
            }
            Work::Rgba => {
                let rgba = Rgba::new(device, descriptor, Siting::Left, notes);
                let mut rgba = rgba.expect("a known format").with_route(Route::Gpu);
                each(machine, shown, pictures, |frame, image| {
                    let made = rgba.convert(frame, image, &tiles).expect("a device that works");
                    done(&made.expect("a free buffer"));
                })
            }
            Work::Diff(_) => {
                let diff = Diff::new(device, descriptor, notes).expect("a known format");
                let mut diff = diff.with_route(Route::Gpu);
                each(machine, shown, pictures, |frame, image| {
                    let made = diff.diff(frame, image).expect("a device that works").picture;
                    done(&made.expect("a free buffer"));
                })
            }
        };
        let (read, written) = self.bytes(descriptor);
        Found { times, read, written }
    }

    /// What the pass reads and writes.
    fn bytes(self, descriptor: &FrameDescriptor) -> (u64, u64) {
        let Extent { width, height } = descriptor.extent;
        let pixels = u64::from(width) * u64::from(height);
        let luma = pixels * if descriptor.fourcc == Fourcc::P010 { 2 } else { 1 };
        match self.work {
            Work::Luma => (luma, pixels),
            Work::Rgba => (luma * 3 / 2, pixels * 4),
            Work::Diff(_) => (luma, pixels),
        }
    }
}

/// Measures all passes over pictures of one format, and tells of each as soon as it is done.
pub(crate) fn measure(
    machine: &Machine,
    (fourcc, extent): (Fourcc, Extent),
    pictures: usize,
    wake: &mut dyn FnMut(),
    tell: &mut dyn FnMut(Case, &Found),
) {
    for sight in [Sight::Images, Sight::Buffers] {
        let Ok(all) = Pictures::new(machine, describe(fourcc, extent), sight) else { continue };
        for case in CASES.into_iter().filter(|case| case.sight == sight) {
            wake();
            tell(case, &case.run(machine, &all, pictures));
        }
    }
}

/// Pictures that take turns: some show one thing, some another.
struct Pictures {
    descriptor: FrameDescriptor,
    same: Vec<Decoded>,
    other: Vec<Decoded>,
}

impl Pictures {
    fn new(machine: &Machine, descriptor: FrameDescriptor, sight: Sight) -> Result<Self, Error> {
        let bytes = descriptor.end(descriptor.planes.len() - 1);
        let count = turns(machine.device.is_cpu(), bytes);
        let made = |seed| {
            let noise = noise(seed, bytes as usize);
            let made = (0..count).map(|_| Decoded::new(machine, &descriptor, sight, &noise));
            made.collect::<Result<Vec<_>, Error>>()
        };
        let (same, other) = (made(1)?, made(2)?);
        Ok(Self { descriptor, same, other })
    }
}

/// A decoded picture in memory of the device.
struct Decoded {
    image: Arc<Image>,
    buffer: Arc<SharedBuffer>,
    home: Arc<Home>,
}

impl Decoded {
    fn new(
        machine: &Machine,
        descriptor: &FrameDescriptor,
        sight: Sight,
        noise: &[u8],
    ) -> Result<Self, Error> {
        let (device, extent, fourcc) = (&machine.device, descriptor.extent, descriptor.fourcc);
        let shared = |memory| {
            let buffer = SharedBuffer::new(descriptor.clone(), ArrayVec::from_iter([memory]));
            buffer.expect("a sound descriptor")
        };
        let (image, buffer) = if sight == Sight::Images {
            let opaque = opaque_for(device, fourcc, extent)?;
            let image = Arc::new(Image::create_for(device, extent, fourcc, &opaque)?);
            write_picture(&machine.queue, &image, &noise[..image.bytes() as usize])?;
            let buffer = shared(image.export()?);
            (image, buffer)
        } else {
            let buffer = shared(rows(machine, noise)?);
            (Arc::new(Image::import_by(device, &buffer, &[Way::Buffers])?), buffer)
        };
        Ok(Self { image, buffer, home: Arc::default() })
    }

    fn frame(&self, sequence: u64) -> Arc<Frame> {
        let now = Duration::from_millis(16) * sequence as u32;
        let damage = Damage::Unknown;
        let info = FrameInfo { sequence, timestamp: now, presented: now, damage };
        let (buffer, home) = (Arc::clone(&self.buffer), Arc::clone(&self.home));
        Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, home))
    }
}

/// Planes one after the other, rows as NVDEC lays them: from multiples of 256 bytes on.
fn describe(fourcc: Fourcc, extent: Extent) -> FrameDescriptor {
    let mut end = 0_u32;
    let planes = fourcc.planes().expect("a known format");
    let place = |plane: &zerohop_frame::FormatPlane| {
        let (offset, stride) = (end, (plane.row_bytes(extent) as u32).next_multiple_of(256));
        end = offset + stride * plane.extent(extent).height;
        PlaneLayout { object: 0, offset, stride }
    };
    let planes = planes.iter().map(place).collect();
    FrameDescriptor { extent, fourcc, modifier: Modifier::LINEAR, planes, color: Color::BT709 }
}

/// `noise` in a buffer of the device that can leave it.
fn rows(machine: &Machine, noise: &[u8]) -> Result<MemoryHandle, Error> {
    let size = noise.len() as u64;
    let out = Arc::new(Buffer::exportable(&machine.device, size)?);
    let from = Arc::new(Buffer::read_back(&machine.device, size)?);
    from.write(0, noise);
    let mut recording = Recording::begin(&machine.queue)?;
    recording.write(&out);
    recording.copy_ranges(&from, &out, &[(0, size)]);
    let _ = recording.submit_and_wait()?;
    out.export()
}

/// Shows pictures in turn, and takes what the device measured: all dispatches of a picture count as one.
fn each<'a>(
    machine: &Machine,
    shown: impl Fn(usize) -> &'a Vec<Decoded>,
    pictures: usize,
    mut work: impl FnMut(&Arc<Frame>, &Arc<Image>),
) -> Vec<Duration> {
    for turn in 0..WARM + pictures + 1 {
        if turn == WARM {
            let _ = machine.device.take_measured();
        }
        let all = shown(turn);
        let picture = &all[turn % all.len()];
        work(&picture.frame(turn as u64 + 1), &picture.image);
    }
    let measured = machine.device.take_measured();
    let dispatches = measured.len().div_ceil(pictures + 1).max(1);
    // What was submitted without a wait is found to be done by the next submission.
    let times = measured.chunks_exact(dispatches).map(|all| all.iter().sum());
    times.take(pictures).collect()
}
