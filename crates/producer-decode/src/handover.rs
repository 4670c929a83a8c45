//! How a decoded picture gets to the host: in the decoder's own memory where that can be, by one
//! copy where not.

use std::any::Any;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use arrayvec::ArrayVec;
use zerohop_frame::{
    Extent, Fourcc, FrameDescriptor, MAX_PLANES, MemoryHandle, Modifier, PlaneLayout, SyncPoint,
};
use zerohop_wire::Copies;

use crate::av::{self, Copied, Copier, Copying, Device, Frames, Picture};
use crate::fences::Fences;
use crate::formats;
use crate::host::{Host, SurfaceKey};
use crate::pool::{self, Pool};

/// The memory objects of a surface.
pub(crate) type Memory = ArrayVec<MemoryHandle, MAX_PLANES>;

/// A picture in memory that can be handed over.
pub(crate) struct Surface {
    pub(crate) key: SurfaceKey,
    pub(crate) descriptor: FrameDescriptor,
    /// Its memory, where the host does not know it yet.
    pub(crate) memory: Option<Memory>,
    pub(crate) copies: Copies,
    pub(crate) acquire: SyncPoint,
    /// What must be done before it is handed over.
    pub(crate) copying: Option<Copying>,
    /// Keeps the surface from being written.
    pub(crate) keep: Box<dyn Any>,
}

/// Whose memory a picture is in, besides that of a device.
pub(crate) struct Sources<'a> {
    /// What a decoder on the CPU writes to.
    pub(crate) pool: &'a Arc<Pool>,
    /// Where pictures are decoded, or uploaded to.
    pub(crate) device: Option<&'a Device>,
    /// Who may know the memory already.
    pub(crate) host: Option<&'a Host>,
}

/// Decides it, picture by picture.
pub(crate) struct Handover {
    /// Why pictures are copied by the CPU, if they are.
    copies: Option<String>,
    /// Whether that was asked for.
    forced: bool,
    /// What is to be said.
    news: Option<(String, &'static str)>,
    /// What they are copied to.
    pool: Arc<Pool>,
    /// What a device's pictures are in, and how many there were.
    frames: Option<Frames>,
    memories: u64,
    /// Where their pictures begin.
    begin: Extent,
    /// When they may be read.
    fences: Fences,
    /// What a device copies by itself.
    copier: Option<Copier>,
}

/// What it costs that the CPU copies.
const BY_CPU: &str = "the CPU copies each picture to shared memory";

/// What it costs that the device copies.
const BY_DEVICE: &str = "the device copies each picture beside its own memory";

impl Handover {
    /// As `force_linear` says, or as the first picture will tell.
    pub(crate) fn new(force_linear: bool) -> Self {
        let (pool, forced) = (Arc::default(), force_linear);
        let (copies, news, frames, copier) = (None, None, None, None);
        let (fences, begin) = (Fences::default(), Extent { width: 0, height: 0 });
        Self { copies, forced, news, pool, frames, memories: 0, begin, fences, copier }
    }

    /// The picture, where the host can read it. Memory that the host knows is not exported again.
    pub(crate) fn surface(&mut self, picture: Picture, from: &Sources<'_>) -> Result<Surface> {
        if picture.raw().hw_frames_ctx.is_null() {
            let direct = in_pool(&picture, from.pool).filter(|_| !self.forced);
            if let Some(surface) = direct {
                return plain(picture, &surface, from.host, Copies::default());
            }
            let format = picture.raw().format;
            self.by_cpu(&match av::expanded(format) {
                Some(_) => {
                    format!("pixels of {} are no codes by themselves", formats::name(format))
                }
                None => "the decoder has memory of its own".to_owned(),
            });
        } else if self.copies.is_none() {
            match self.on_device(&picture, from)? {
                Ok(surface) => return Ok(surface),
                Err(why) => self.by_cpu(&format!("{why:#}")),
            }
        }
        copied(&picture, &self.pool, from.host)
    }

    /// From now on the CPU copies.
    fn by_cpu(&mut self, why: &str) {
        if self.copies.is_none() {
            let why = if self.forced { "--force-linear was asked for" } else { why };
            self.copies = Some(why.to_owned());
            self.news = Some((why.to_owned(), BY_CPU));
        }
    }

    /// A device's picture, in its memory or copied there; why not within, if neither can be.
    fn on_device(
        &mut self,
        picture: &Picture,
        from: &Sources<'_>,
    ) -> Result<Result<Surface, anyhow::Error>> {
        if self.forced {
            return Ok(Err(anyhow!("--force-linear was asked for")));
        }
        if self.copier.is_none() {
            match Copier::of(picture, from.device) {
                Ok(None) => return Ok(self.in_place(picture, from.host)),
                Ok(Some(copier)) => self.copier = Some(copier),
                Err(why) => return Ok(Err(why)),
            }
            let why = format!("FFmpeg's {} is its own", av::memory_of(picture));
            self.news = Some((why, BY_DEVICE));
        }
        let Some(copier) = &mut self.copier else { return Ok(Err(anyhow!("nobody copies"))) };
        let (_, fourcc) = named(av::plain_format(picture))?;
        let knows = |id, shape: &FrameDescriptor| {
            from.host.is_some_and(|host| host.knows(SurfaceKey::Pool(id), shape))
        };
        let Copied { id, descriptor, memory, keep, copying } =
            copier.copy(picture, fourcc, knows)?;
        let memory = memory.map(|memory| ArrayVec::from_iter([memory]));
        let copies = Copies { cpu: false, gpu: true };
        let (key, acquire) = (SurfaceKey::Pool(id), SyncPoint::Signaled);
        Ok(Ok(Surface { key, descriptor, memory, copies, acquire, copying, keep }))
    }

    /// The very memory that a device has decoded to.
    fn in_place(&mut self, picture: &Picture, host: Option<&Host>) -> Result<Surface> {
        let (key, descriptor, memory) = self.exported(picture, host)?;
        if let Some(memory) = &memory {
            self.fences.know(key, memory)?;
        }
        let acquire = self.fences.acquire(key, || av::finish(picture))?;
        let (keep, copies) = (Box::new(picture.again()?), Copies::default());
        Ok(Surface { key, descriptor, memory, copies, acquire, copying: None, keep })
    }

    /// The memory of a picture that a device decoded.
    fn exported(
        &mut self,
        picture: &Picture,
        host: Option<&Host>,
    ) -> Result<(SurfaceKey, FrameDescriptor, Option<Memory>)> {
        let (begin, extent) = picture.visible();
        if self.begin != begin || !self.frames.as_ref().is_some_and(|frames| frames.has(picture)) {
            self.frames = Frames::of(picture);
            self.begin = begin;
            self.memories += 1;
            self.fences = Fences::default();
        }
        let key = SurfaceKey::Device(self.memories, av::surface_of(picture)?);
        let known = host.and_then(|host| host.shape(key));
        let is_same =
            |known: &&FrameDescriptor| known.color == picture.color() && known.extent == extent;
        if let Some(known) = known.filter(is_same) {
            return Ok((key, known.clone(), None));
        }
        let av::Exported { descriptor, memory } = av::export(picture)?;
        Ok((key, descriptor, Some(memory)))
    }

    /// Surfaces of ours that nobody will see again.
    pub(crate) fn take_gone(&mut self) -> Vec<pool::SurfaceId> {
        let mut gone = self.pool.take_gone();
        gone.extend(self.copier.iter_mut().flat_map(Copier::take_gone));
        gone
    }

    /// Why pictures are copied, and what that costs, to be told once.
    pub(crate) fn news(&mut self) -> Option<(String, &'static str)> {
        self.news.take()
    }
}

/// The surface of ours that a picture is in, rows from the top to the bottom.
fn in_pool(picture: &Picture, pool: &Pool) -> Option<Arc<pool::Surface>> {
    let surface = pool.find(picture.memory()?)?;
    let planes = &picture.raw().linesize[..surface.places.len()];
    planes.iter().all(|stride| *stride > 0).then_some(surface)
}

/// A picture in a surface of ours.
fn plain(
    picture: Picture,
    surface: &pool::Surface,
    host: Option<&Host>,
    copies: Copies,
) -> Result<Surface> {
    let raw = picture.raw();
    let (_, fourcc) = named(raw.format)?;
    let base = surface.base() as usize;
    let planes = (0..surface.places.len()).map(|plane| {
        // Where a picture is cut at its top or left, it begins later. It is within the surface.
        let offset = (raw.data[plane] as usize).wrapping_sub(base) as u32;
        PlaneLayout { object: 0, offset, stride: raw.linesize[plane].unsigned_abs() }
    });
    let descriptor = FrameDescriptor {
        extent: Extent { width: raw.width.unsigned_abs(), height: raw.height.unsigned_abs() },
        fourcc,
        modifier: Modifier::LINEAR,
        planes: planes.collect(),
        color: picture.color(),
    };
    let key = SurfaceKey::Pool(surface.id);
    let known = host.is_some_and(|host| host.knows(key, &descriptor));
    let memory = if known { None } else { Some(shared(surface)?) };
    let keep = Box::new(picture);
    let (acquire, copying) = (SyncPoint::Signaled, None);
    Ok(Surface { key, descriptor, memory, copies, acquire, copying, keep })
}

fn shared(surface: &pool::Surface) -> Result<Memory> {
    let memfd = surface.memfd.as_fd().try_clone_to_owned().context("duplicate a descriptor")?;
    Ok(ArrayVec::from_iter([MemoryHandle::Shm(memfd)]))
}

/// The pixels of `picture`, as FFmpeg itself copies them: rows without padding, plane after plane.
pub(crate) fn pixels(picture: &Picture) -> Result<Vec<u8>> {
    let (_, fourcc) = named(av::plain_format(picture))?;
    let planes = fourcc.planes().context("planes that are not known")?;
    copy(picture, &Arc::default())?.rows(&planes).context("a plane is missing")
}

/// The picture, copied to a surface of `pool`.
fn copy(picture: &Picture, pool: &Arc<Pool>) -> Result<Picture> {
    let mut copy = Picture::new()?;
    let raw = copy.raw_mut();
    raw.format = av::plain_format(picture);
    (raw.width, raw.height) = (picture.raw().width, picture.raw().height);
    named(raw.format)?;
    av::surface_for(pool, raw).context("memory for a copy")?;
    copy.copy_from(picture).context("copy the picture")?;
    Ok(copy)
}

/// The picture in a surface of ours, copied there.
fn copied(picture: &Picture, pool: &Arc<Pool>, host: Option<&Host>) -> Result<Surface> {
    let copy = copy(picture, pool)?;
    let surface = in_pool(&copy, pool).context("the copy is lost")?;
    plain(copy, &surface, host, Copies { cpu: true, gpu: false })
}

fn named(format: i32) -> Result<(ffmpeg_sys_next::AVPixelFormat, Fourcc)> {
    formats::of_frame(format).with_context(|| {
        format!("pictures in {}, which the wire has no name for", formats::name(format))
    })
}
