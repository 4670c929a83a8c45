//! What a picture on a device is made of.

use std::sync::Arc;

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{MAX_PLANES, OpaqueImage, PlaneLayout};

use crate::copy_out::places;
use crate::lines::Lines;
use crate::pixels::Mapping;
use crate::plane::Place;
use crate::shown::{Part, Shown};
use crate::unbound::{Bound, may_view};
use crate::{Buffer, Copies, Device, Error, Plane, Sight};

/// What a picture is made of.
pub(crate) enum Body {
    /// Images over its memory: one of all planes, or one for each.
    Images(ArrayVec<Bound, MAX_PLANES>),
    /// Its memory as buffers.
    Buffers(Objects),
    /// An image of ours, and the memory that it is copied from.
    Upload(Bound, Upload),
    /// Images over its memory, and the linear memory of ours that they are copied to.
    Copied(ArrayVec<Bound, MAX_PLANES>, Copied),
}

/// Memory objects as buffers, and where the planes lie in them.
pub(crate) struct Objects {
    pub(crate) lines: ArrayVec<Lines, MAX_PLANES>,
    pub(crate) layouts: ArrayVec<PlaneLayout, MAX_PLANES>,
}

impl Objects {
    /// Each plane's layout with the object it is in.
    pub(crate) fn planes(&self) -> impl Iterator<Item = (&PlaneLayout, &Lines)> {
        self.layouts.iter().map(|at| (at, &self.lines[at.object]))
    }
}

/// The memory of a picture of one plane, to be copied to an image.
pub(crate) struct Upload {
    pub(crate) lines: Lines,
    /// Where the rows lie.
    pub(crate) layout: PlaneLayout,
}

/// Linear memory of ours that planes are copied to.
pub(crate) struct Copied {
    pub(crate) buffer: Arc<Buffer>,
    pub(crate) places: ArrayVec<Place, MAX_PLANES>,
}

impl Copied {
    pub(crate) fn new(device: &Arc<Device>, planes: &[Plane]) -> Result<Self, Error> {
        let (places, needs) = places(planes, |_, plane| plane.row_bytes() as u32);
        let most = device.longest_buffer();
        if needs > most {
            return Err(Error::TooLarge { needs, most });
        }
        // Shaders read whole words.
        Ok(Self { buffer: Arc::new(Buffer::new(device, needs.next_multiple_of(4))?), places })
    }
}

impl Body {
    /// The images that lie in the picture's memory, or are uploaded to.
    pub(crate) fn images(&self) -> &[Bound] {
        match self {
            Self::Images(images) | Self::Copied(images, _) => images,
            Self::Upload(image, _) => std::slice::from_ref(image),
            Self::Buffers(_) => &[],
        }
    }

    /// Where plane `index` of `count` is in the images.
    pub(crate) fn part(&self, index: usize, count: usize) -> Option<Part> {
        const PLANES: [vk::ImageAspectFlags; 3] = [
            vk::ImageAspectFlags::PLANE_0,
            vk::ImageAspectFlags::PLANE_1,
            vk::ImageAspectFlags::PLANE_2,
        ];
        let images = self.images();
        let one = images.len() == 1;
        let image = images.get(if one { 0 } else { index })?.image.raw();
        let several = one && count > 1;
        let aspect = if several { *PLANES.get(index)? } else { vk::ImageAspectFlags::COLOR };
        Some(Part { image, aspect })
    }

    /// Whether the CPU has a part in opening the picture, and so must wait for it.
    pub(crate) fn needs_cpu(&self) -> bool {
        match self {
            Self::Images(_) | Self::Copied(..) => false,
            Self::Buffers(objects) => objects.lines.iter().any(Lines::needs_cpu),
            Self::Upload(_, upload) => upload.lines.needs_cpu(),
        }
    }

    /// What it costs to open the picture for a shader.
    pub(crate) fn copies(&self) -> Copies {
        let add = |all: Copies, lines: &Lines| Copies {
            cpu_bytes: all.cpu_bytes + lines.copies().cpu_bytes,
            gpu: all.gpu,
        };
        match self {
            Self::Images(_) => Copies::default(),
            Self::Buffers(objects) => objects.lines.iter().fold(Copies::default(), add),
            Self::Upload(_, upload) => add(Copies { cpu_bytes: 0, gpu: 1 }, &upload.lines),
            Self::Copied(..) => Copies { cpu_bytes: 0, gpu: 1 },
        }
    }

    /// Where the CPU reads each of `planes` in place; nothing when it cannot.
    pub(crate) fn map(&self, planes: &[Plane]) -> Result<ArrayVec<Mapping, MAX_PLANES>, Error> {
        let row = |lines: &Lines, plane: &Plane, layout: &PlaneLayout| {
            lines.map(*layout, plane.row_bytes(), plane.extent().height)
        };
        let mut all = ArrayVec::new();
        match self {
            Self::Images(images) | Self::Copied(images, _) => {
                for image in images {
                    all.extend(image.map()?.into_iter().take(planes.len() - all.len()));
                }
            }
            Self::Buffers(objects) => {
                let each = planes.iter().zip(objects.planes());
                let rows: Option<Vec<_>> =
                    each.map(|(plane, (at, lines))| row(lines, plane, at)).collect();
                all.extend(rows.unwrap_or_default());
            }
            Self::Upload(_, Upload { lines, layout }) => {
                all.extend(planes.first().and_then(|plane| row(lines, plane, layout)));
            }
        }
        Ok(all)
    }

    /// Where shaders find the planes, when they see buffers.
    pub(crate) fn places(&self) -> ArrayVec<Place, MAX_PLANES> {
        let place = |at: &PlaneLayout| Place { offset: at.offset, stride: at.stride };
        match self {
            Self::Buffers(objects) => objects.layouts.iter().map(place).collect(),
            Self::Copied(_, copied) => copied.places.clone(),
            Self::Images(_) | Self::Upload(..) => ArrayVec::new(),
        }
    }

    /// What shaders see; nothing of an image that they may not read.
    pub(crate) fn show(
        &self,
        device: &Arc<Device>,
        planes: &[Plane],
    ) -> Result<Option<Shown>, Error> {
        match self {
            Self::Buffers(objects) => {
                let buffers = objects.planes().map(|(_, lines)| lines.buffer());
                Shown::buffers(device, buffers).map(Some)
            }
            Self::Copied(_, copied) => {
                let buffers = planes.iter().map(|_| &copied.buffer);
                Shown::buffers(device, buffers).map(Some)
            }
            Self::Images(_) | Self::Upload(..) => {
                let sampled = vk::ImageUsageFlags::SAMPLED;
                if !self.images().iter().all(|one| one.image.usage().contains(sampled)) {
                    return Ok(None);
                }
                let part = |(index, plane): (usize, &Plane)| {
                    self.part(index, planes.len()).map(|part| (part, plane.format().raw()))
                };
                let parts = planes.iter().enumerate().filter_map(part);
                Shown::images(device, Sight::Images, parts).map(Some)
            }
        }
    }

    /// Shows the words of the only plane's pixels, where its image may be viewed as such.
    pub(crate) fn show_words(
        &self,
        device: &Arc<Device>,
        planes: &[Plane],
        opaque: &OpaqueImage,
    ) -> Result<Option<Shown>, Error> {
        let (Self::Images(images), [plane]) = (self, planes) else { return Ok(None) };
        let sampled = |one: &Bound| one.image.usage().contains(vk::ImageUsageFlags::SAMPLED);
        let words = plane.format().words().filter(|words| may_view(opaque, *words));
        match (words, self.part(0, 1)) {
            (Some(words), Some(part)) if images.iter().all(sampled) => {
                Shown::images(device, Sight::Words, std::iter::once((part, words))).map(Some)
            }
            _ => Ok(None),
        }
    }
}
