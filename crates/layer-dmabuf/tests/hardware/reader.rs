//! Another process that gets a descriptor and looks at the picture in it.

use std::env;
use std::os::fd::{AsRawFd, FromRawFd as _, OwnedFd};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use rustix::io::{FdFlags, fcntl_setfd};
use zerohop_frame::{
    BoxError, Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MemoryHandle,
    Modifier, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{FdKind, kind_of};
use zerohop_manifest::DMABUF;
use zerohop_testkit::layers::{self, VALIDATION};
use zerohop_testkit::rig::{Copier, Owner};
use zerohop_vulkan::{Device, DeviceChoice, Image, Instance, InstanceOptions, Queue, read_back};

use crate::child::{finish, folder, in_application};
use crate::picture::{Asked, Picture, pattern, region};
use crate::{Outcome, mesa};

/// The first argument of a reader.
pub(crate) const FLAG: &str = "--read";

/// How a reader opens its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Through {
    /// As the host does: no layer of ours, and the handle is what the kernel says.
    Nothing,
    /// Under our layer, as a dma-buf whatever the kernel says.
    Layer,
    /// As a compositor does, by GBM on a card.
    Gbm,
    /// As a compositor does, by EGL.
    Egl,
}

const WAYS: [Through; 4] = [Through::Nothing, Through::Layer, Through::Gbm, Through::Egl];

/// A picture that leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) format: vk::Format,
    pub(crate) extent: Extent,
    pub(crate) offset: u64,
    pub(crate) stride: u64,
    /// Which picture of the pattern it is.
    pub(crate) frame: u32,
}

/// Lets another process look at the picture in `fd`, and says what it found wrong.
pub(crate) fn look(fd: &OwnedFd, sent: &Sent, through: Through) -> Outcome {
    let fd = fd.try_clone()?;
    fcntl_setfd(&fd, FdFlags::empty())?;
    let mut command = Command::new(env::current_exe()?);
    let numbers = [
        u64::try_from(fd.as_raw_fd())?,
        u64::try_from(sent.format.as_raw())?,
        sent.extent.width.into(),
        sent.extent.height.into(),
        sent.offset,
        sent.stride,
        sent.frame.into(),
        through as u64,
    ];
    command.arg(FLAG).args(numbers.map(|number| number.to_string()));
    let names: &[&str] = match through {
        Through::Layer => &[VALIDATION, DMABUF.name],
        _ => &[VALIDATION],
    };
    layers::stack(&mut command, &folder(), names)?;
    command.env("ZEROHOP_DMABUF", "always");
    finish(command)
}

/// Looks, in a process of its own; the arguments follow [`FLAG`].
pub(crate) fn run(args: &[String]) -> ExitCode {
    match read(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            println!("reader: {err}: {:?}", err.source());
            ExitCode::FAILURE
        }
    }
}

fn read(args: &[String]) -> Outcome {
    let numbers: Vec<u64> = args.iter().map(|arg| arg.parse()).collect::<Result<_, _>>()?;
    let [fd, format, width, height, offset, stride, picture, way] = numbers[..] else {
        return Err("a reader takes eight numbers".into());
    };
    let format = vk::Format::from_raw(i32::try_from(format)?);
    let extent = Extent { width: u32::try_from(width)?, height: u32::try_from(height)? };
    // SAFETY: whoever started us left it open for us alone.
    let fd = unsafe { OwnedFd::from_raw_fd(i32::try_from(fd)?) };
    let (offset, stride) = (u32::try_from(offset)?, u32::try_from(stride)?);
    let plane = PlaneLayout { object: 0, offset, stride };
    let way = WAYS.get(usize::try_from(way)?).ok_or("no such way")?;
    let seen = match way {
        Through::Nothing => as_host(format, extent, plane, fd)?,
        Through::Layer => as_application(format, extent, plane, fd)?,
        Through::Gbm => mesa::by_gbm(&*buffer(format, extent, plane, fd)?)?,
        Through::Egl => mesa::by_egl(&frame(buffer(format, extent, plane, fd)?))?,
    };
    let expected = pattern(format, extent, u32::try_from(picture)?).ok_or("no such pattern")?;
    let wrong = seen.iter().zip(&expected).filter(|(one, other)| one != other).count();
    if seen.len() != expected.len() || wrong > 0 {
        return Err(format!("{wrong} of {} bytes are wrong", expected.len()).into());
    }
    Ok(())
}

/// Through the host's own import.
fn as_host(
    format: vk::Format,
    extent: Extent,
    plane: PlaneLayout,
    fd: OwnedFd,
) -> Result<Vec<u8>, BoxError> {
    let buffer = buffer(format, extent, plane, fd)?;
    let instance = Instance::new(InstanceOptions { validation: true })?;
    let physical = DeviceChoice::Any.pick(&instance)?;
    let device = Device::open(&physical)?;
    loaded()?;
    let image = Arc::new(Image::import(&device, &buffer)?);
    let bytes = read_back(&Queue::new(&device), &frame(buffer), &image)?.bytes;
    drop((image, device));
    let messages = instance.messages().map(|messages| messages.texts()).unwrap_or_default();
    match messages.first() {
        Some(first) => Err(format!("{} messages: {first}", messages.len()).into()),
        None => Ok(bytes),
    }
}

fn buffer(
    format: vk::Format,
    extent: Extent,
    plane: PlaneLayout,
    fd: OwnedFd,
) -> Result<Arc<SharedBuffer>, BoxError> {
    let handle = match kind_of(&fd)? {
        FdKind::DmaBuf { .. } => MemoryHandle::DmaBuf(fd),
        _ => MemoryHandle::Shm(fd),
    };
    let descriptor = FrameDescriptor {
        extent,
        fourcc: fourcc(format)?,
        modifier: Modifier::LINEAR,
        planes: [plane].into_iter().collect(),
        color: Color::SRGB,
    };
    Ok(SharedBuffer::new(descriptor, [handle].into_iter().collect())?)
}

fn frame(buffer: Arc<SharedBuffer>) -> Arc<Frame> {
    /// Nobody waits for the picture.
    struct Nobody;
    impl Recycle for Nobody {
        fn recycle(&self, _: Release) {}
    }
    let info = FrameInfo {
        sequence: 0,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody)))
}

/// As any application imports a dma-buf, which our layer makes possible.
fn as_application(
    format: vk::Format,
    extent: Extent,
    plane: PlaneLayout,
    fd: OwnedFd,
) -> Result<Vec<u8>, BoxError> {
    let layout = [vk::SubresourceLayout {
        offset: plane.offset.into(),
        row_pitch: plane.stride.into(),
        ..Default::default()
    }];
    in_application(|device| {
        let picture = Picture::new(device, format, extent, Asked::Explicit(0, &layout))?;
        let picture = picture.import(fd).map_err(|(code, _)| code)?;
        let length = pattern(format, extent, 0).ok_or("no such pattern")?.len();
        let outside = Owner::Outside(vk::QUEUE_FAMILY_FOREIGN_EXT);
        let all = [region(vk::ImageAspectFlags::COLOR, extent, 0)];
        let mut copier = Copier::new(device, length)?;
        Ok(copier.read(picture.image, (outside, outside), &all)?.to_vec())
    })
}

fn loaded() -> Outcome {
    let missing = layers::missing();
    if missing.is_empty() { Ok(()) } else { Err(format!("not loaded: {missing:?}").into()) }
}

fn fourcc(format: vk::Format) -> Result<Fourcc, BoxError> {
    Ok(match format {
        vk::Format::B8G8R8A8_UNORM => Fourcc::ARGB8888,
        vk::Format::R8G8B8A8_UNORM => Fourcc::ABGR8888,
        vk::Format::A2B10G10R10_UNORM_PACK32 => Fourcc::ABGR2101010,
        other => return Err(format!("{other:?} has no fourcc here").into()),
    })
}
