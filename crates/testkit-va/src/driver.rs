//! The objects of a display, known by numbers, and what is done with them.

use std::collections::BTreeMap;

use crate::abi::{
    Id, MatricesH264, MatricesJpeg, PrimeSurface, SliceParametersH264, SliceParametersJpeg, buffer,
    profile,
};
use crate::error::Error;
#[cfg(feature = "ffmpeg")]
use crate::ffmpeg::Ffmpeg;
use crate::format::Format;
use crate::h264::{self, H264};
use crate::jpeg;
use crate::shape::Shape;
use crate::surface::Surface;

/// Profiles that are decoded.
pub(crate) const PROFILES: &[i32] = if cfg!(feature = "ffmpeg") {
    &[
        profile::H264_CONSTRAINED_BASELINE,
        profile::JPEG_BASELINE,
        profile::H264_MAIN,
        profile::H264_HIGH,
        profile::VP9_0,
        profile::VP9_2,
    ]
} else {
    &[profile::H264_CONSTRAINED_BASELINE, profile::JPEG_BASELINE]
};

/// What a buffer holds.
pub(crate) struct Buffer {
    pub(crate) kind: u32,
    /// Bytes of one element.
    pub(crate) size: usize,
    /// All elements. Its allocation stays where it is, since the program may have mapped it.
    pub(crate) bytes: Box<[u8]>,
    /// The surface whose memory this is; then there are no bytes.
    pub(crate) of_surface: Option<Id>,
}

/// A stream's decoder, and the picture that is being handed over.
pub(crate) struct Context {
    stream: Stream,
    target: Option<Id>,
    buffers: Vec<Id>,
}

/// By profile.
enum Stream {
    H264(Box<H264>),
    Jpeg,
    #[cfg(feature = "ffmpeg")]
    Vp9(Ffmpeg),
}

/// All objects of a display.
pub(crate) struct Driver {
    shape: Shape,
    last: Id,
    pub(crate) configs: BTreeMap<Id, i32>,
    pub(crate) contexts: BTreeMap<Id, Context>,
    pub(crate) surfaces: BTreeMap<Id, Surface>,
    pub(crate) buffers: BTreeMap<Id, Buffer>,
    /// Images by their numbers, with their buffers.
    pub(crate) images: BTreeMap<Id, crate::abi::Image>,
}

impl Driver {
    /// Without any object.
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            last: 0,
            configs: BTreeMap::new(),
            contexts: BTreeMap::new(),
            surfaces: BTreeMap::new(),
            buffers: BTreeMap::new(),
            images: BTreeMap::new(),
        }
    }

    /// A number that nobody has.
    pub(crate) fn number(&mut self) -> Id {
        self.last += 1;
        self.last
    }

    pub(crate) fn surface(&mut self, id: Id) -> Result<&mut Surface, Error> {
        self.surfaces.get_mut(&id).ok_or(Error::InvalidSurface)
    }

    pub(crate) fn create_surface(
        &mut self,
        width: u32,
        height: u32,
        format: &'static Format,
    ) -> Result<Id, Error> {
        let surface = Surface::new(width, height, format, &self.shape)?;
        let id = self.number();
        self.surfaces.insert(id, surface);
        Ok(id)
    }

    pub(crate) fn create_context(&mut self, config: Id) -> Result<Id, Error> {
        let stream = match self.configs.get(&config).ok_or(Error::InvalidConfig)? {
            &profile::JPEG_BASELINE => Stream::Jpeg,
            #[cfg(feature = "ffmpeg")]
            &(profile::VP9_0 | profile::VP9_2) => Stream::Vp9(Ffmpeg::vp9()?),
            other => Stream::H264(Box::new(H264::new(*other)?)),
        };
        let id = self.number();
        self.contexts.insert(id, Context { stream, target: None, buffers: Vec::new() });
        Ok(id)
    }

    /// A buffer with those bytes, or with zeros.
    pub(crate) fn create_buffer(&mut self, kind: u32, size: usize, bytes: Box<[u8]>) -> Id {
        let id = self.number();
        self.buffers.insert(id, Buffer { kind, size, bytes, of_surface: None });
        id
    }

    pub(crate) fn begin(&mut self, context: Id, target: Id) -> Result<(), Error> {
        let _ = self.surface(target)?;
        let context = self.contexts.get_mut(&context).ok_or(Error::InvalidContext)?;
        context.target = Some(target);
        context.buffers.clear();
        Ok(())
    }

    pub(crate) fn render(&mut self, context: Id, buffers: &[Id]) -> Result<(), Error> {
        if buffers.iter().any(|id| !self.buffers.contains_key(id)) {
            return Err(Error::InvalidBuffer);
        }
        let context = self.contexts.get_mut(&context).ok_or(Error::InvalidContext)?;
        context.buffers.extend_from_slice(buffers);
        Ok(())
    }

    /// Decodes what was handed over since `begin`.
    pub(crate) fn end(&mut self, context: Id) -> Result<(), Error> {
        let context = self.contexts.get_mut(&context).ok_or(Error::InvalidContext)?;
        let target = context.target.take().ok_or(Error::InvalidContext)?;
        let target = self.surfaces.get_mut(&target).ok_or(Error::InvalidSurface)?;
        let given = Given {
            buffers: context.buffers.iter().filter_map(|id| self.buffers.get(id)).collect(),
        };
        let outcome = match &mut context.stream {
            Stream::H264(stream) => given.h264().and_then(|it| stream.decode(&it, target)),
            #[cfg(feature = "ffmpeg")]
            Stream::Vp9(stream) => given.data().and_then(|it| stream.decode(it, target)),
            Stream::Jpeg => given.jpeg().and_then(|it| jpeg::decode(&it, target)),
        };
        target.outcome = outcome;
        outcome
    }

    pub(crate) fn export(&mut self, id: Id, composed: bool) -> Result<PrimeSurface, Error> {
        self.surface(id)?.export(composed)
    }
}

/// The buffers of one picture.
struct Given<'a> {
    buffers: Vec<&'a Buffer>,
}

impl<'a> Given<'a> {
    fn h264(&self) -> Result<h264::Picture<'a>, Error> {
        let slices = self.slices::<SliceParametersH264>(|it| (it.offset, it.size))?;
        // Some programs give none where all is flat.
        let matrices = self.find::<MatricesH264>(buffer::IQ_MATRIX).ok();
        Ok(h264::Picture { parameters: self.find(buffer::PICTURE)?, matrices, slices })
    }

    /// A picture that is all in one piece.
    #[cfg(feature = "ffmpeg")]
    fn data(&self) -> Result<&'a [u8], Error> {
        let slices = self.slices::<crate::abi::SliceParameters>(|it| (it.offset, it.size))?;
        slices.first().map(|(_, data)| *data).ok_or(Error::Decoding)
    }

    fn jpeg(&self) -> Result<jpeg::Picture<'a>, Error> {
        let slices = self.slices::<SliceParametersJpeg>(|it| (it.offset, it.size))?;
        let (slice, data) = *slices.first().ok_or(Error::Decoding)?;
        let matrices = self.find(buffer::IQ_MATRIX)?;
        let huffman = self.find(buffer::HUFFMAN)?;
        let parameters = self.find(buffer::PICTURE)?;
        Ok(jpeg::Picture { parameters, matrices, huffman, slice, data })
    }

    fn find<T: Plain>(&self, kind: u32) -> Result<T, Error> {
        let found = self.buffers.iter().find(|buffer| buffer.kind == kind);
        at(&found.ok_or(Error::InvalidBuffer)?.bytes, 0)
    }

    /// Each slice's parameters with its bytes, which are in the next buffer of data.
    fn slices<T: Plain>(&self, place: fn(&T) -> (u32, u32)) -> Result<Vec<(T, &'a [u8])>, Error> {
        let mut slices = Vec::new();
        let mut parameters: Option<&Buffer> = None;
        for buffer in &self.buffers {
            match (buffer.kind, parameters) {
                (buffer::SLICE, _) => parameters = Some(buffer),
                (buffer::SLICE_DATA, Some(described)) => {
                    for start in (0..described.bytes.len()).step_by(described.size.max(1)) {
                        let one: T = at(&described.bytes, start)?;
                        let (offset, size) = place(&one);
                        let (offset, size) = (offset as usize, size as usize);
                        let data = buffer.bytes.get(offset..offset.saturating_add(size));
                        slices.push((one, data.ok_or(Error::InvalidBuffer)?));
                    }
                    parameters = None;
                }
                _ => {}
            }
        }
        Ok(slices)
    }
}

/// A structure of numbers, for which all bytes are valid.
///
/// # Safety
///
/// It is `repr(C)`, has only integers and arrays of them, and no reference.
unsafe trait Plain: Copy {}

// SAFETY: integers and arrays of them, as all below.
unsafe impl Plain for crate::abi::PictureParametersH264 {}
// SAFETY: as above.
unsafe impl Plain for SliceParametersH264 {}
// SAFETY: as above.
unsafe impl Plain for crate::abi::PictureParametersJpeg {}
// SAFETY: as above.
unsafe impl Plain for SliceParametersJpeg {}
// SAFETY: as above.
unsafe impl Plain for MatricesH264 {}
// SAFETY: as above.
#[cfg(feature = "ffmpeg")]
unsafe impl Plain for crate::abi::SliceParameters {}
// SAFETY: as above.
unsafe impl Plain for MatricesJpeg {}
// SAFETY: as above.
unsafe impl Plain for crate::abi::HuffmanJpeg {}

/// The structure that begins at byte `start`.
fn at<T: Plain>(bytes: &[u8], start: usize) -> Result<T, Error> {
    let part = bytes.get(start..).filter(|part| part.len() >= size_of::<T>());
    let pointer = part.ok_or(Error::InvalidBuffer)?.as_ptr().cast::<T>();
    // SAFETY: enough bytes, any of which are a `T`.
    Ok(unsafe { pointer.read_unaligned() })
}
