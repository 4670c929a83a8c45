//! How a decoded picture gets to the host: in the decoder's own memory where that can be, by one
//! copy where not.

use std::os::fd::AsFd as _;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrayvec::ArrayVec;
use zerohop_frame::{
    Extent, Fourcc, FrameDescriptor, MAX_PLANES, MemoryHandle, Modifier, PlaneLayout, SyncPoint,
};
use zerohop_wire::Copies;

use crate::av::{self, Frames, Picture};
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
    /// Keeps the surface from being written.
    pub(crate) picture: Picture,
}

/// Decides it, picture by picture.
pub(crate) struct Handover {
    /// Why pictures are copied, if they are.
    copies: Option<String>,
    /// Whether that was asked for.
    forced: bool,
    /// Whether it was said.
    said: bool,
    /// What they are copied to.
    pool: Arc<Pool>,
    /// What a device's pictures are in, and how many there were.
    frames: Option<Frames>,
    memories: u64,
}

impl Handover {
    /// As `force_linear` says, or as the first picture will tell.
    pub(crate) fn new(force_linear: bool) -> Self {
        let copies = force_linear.then(|| "--force-linear was asked for".to_owned());
        let pool = Arc::default();
        Self { copies, forced: force_linear, said: false, pool, frames: None, memories: 0 }
    }

    /// The picture, where the host can read it. Memory that `host` knows is not exported again.
    pub(crate) fn surface(
        &mut self,
        picture: Picture,
        pool: &Arc<Pool>,
        host: Option<&Host>,
    ) -> Result<Surface> {
        let on_device = !picture.raw().hw_frames_ctx.is_null();
        if !on_device {
            let direct = in_pool(&picture, pool).filter(|_| !self.forced);
            if let Some(surface) = direct {
                return plain(picture, &surface, host, Copies::default());
            }
            self.copies.get_or_insert("the decoder has memory of its own".to_owned());
        } else if self.copies.is_none() {
            match self.exported(&picture, host) {
                Ok((key, descriptor, memory)) => {
                    let acquire = av::finished(&picture)?;
                    let copies = Copies::default();
                    return Ok(Surface { key, descriptor, memory, copies, acquire, picture });
                }
                Err(why) => self.copies = Some(format!("{why:#}")),
            }
        }
        copied(&picture, &self.pool, host)
    }

    /// The memory of a picture that a device decoded.
    fn exported(
        &mut self,
        picture: &Picture,
        host: Option<&Host>,
    ) -> Result<(SurfaceKey, FrameDescriptor, Option<Memory>)> {
        if !self.frames.as_ref().is_some_and(|frames| frames.has(picture)) {
            self.frames = Frames::of(picture);
            self.memories += 1;
        }
        let key = SurfaceKey::Device(self.memories, av::surface_of(picture)?);
        let known = host.and_then(|host| host.shape(key));
        if let Some(known) = known.filter(|known| known.color == picture.color()) {
            return Ok((key, known.clone(), None));
        }
        let av::Exported { descriptor, memory } = av::export(picture)?;
        Ok((key, descriptor, Some(memory)))
    }

    /// Surfaces of ours that nobody will see again.
    pub(crate) fn take_gone(&self) -> Vec<pool::SurfaceId> {
        self.pool.take_gone()
    }

    /// Why pictures are copied, to be told once.
    pub(crate) fn news(&mut self) -> Option<String> {
        let news = self.copies.clone().filter(|_| !self.said);
        self.said |= news.is_some();
        news
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
    Ok(Surface { key, descriptor, memory, copies, acquire: SyncPoint::Signaled, picture })
}

fn shared(surface: &pool::Surface) -> Result<Memory> {
    let memfd = surface.memfd.as_fd().try_clone_to_owned().context("duplicate a descriptor")?;
    Ok(ArrayVec::from_iter([MemoryHandle::Shm(memfd)]))
}

/// The picture in a surface of ours, copied there.
fn copied(picture: &Picture, pool: &Arc<Pool>, host: Option<&Host>) -> Result<Surface> {
    let mut copy = Picture::new()?;
    let raw = copy.raw_mut();
    raw.format = av::plain_format(picture);
    (raw.width, raw.height) = (picture.raw().width, picture.raw().height);
    named(raw.format)?;
    av::surface_for(pool, raw).context("memory for a copy")?;
    copy.copy_from(picture).context("copy the picture")?;
    let surface = in_pool(&copy, pool).context("the copy is lost")?;
    plain(copy, &surface, host, Copies { cpu: true, gpu: false })
}

fn named(format: i32) -> Result<(ffmpeg_sys_next::AVPixelFormat, Fourcc)> {
    formats::of_frame(format).with_context(|| {
        format!("pictures in {}, which the wire has no name for", formats::name(format))
    })
}
