//! Numbered PNG files, for looking at pictures one by one.
//!
//! Every code of a picture is in its file: formats of up to 8 bits a channel become 8-bit files,
//! all others 16-bit ones. Compressing them costs the CPU far more than a recording does.

mod pixels;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use ::png::chunk::ChunkType;
use ::png::{BitDepth, ColorType, Compression, Encoder, SrgbRenderingIntent};
use zerohop_frame::{BoxError, Color, Fourcc, Frame, FrameSink, Modifier};

use crate::worker::Worker;
use crate::{Error, pictures};
use pixels::Pixels;

/// Pictures that may wait to be compressed. Whoever brings another one waits.
const WAITING: usize = 4;

/// Writes each picture to a PNG named after its sequence, such as `000042.png`, in a folder.
///
/// Takes pictures in memfds, `LINEAR`, of every RGB format there is. Codes are written as they are;
/// of half floats, what is not in 0..=1 is cut off. A thread of its own compresses them, which
/// takes longer than a refresh: `submit` blocks while four are waiting, each in its frame.
pub struct Png {
    worker: Worker<Arc<Frame>>,
}

/// Everything that [`Pixels`] can read.
const FORMATS: [(Fourcc, Modifier); 11] = [
    (Fourcc::XRGB8888, Modifier::LINEAR),
    (Fourcc::ARGB8888, Modifier::LINEAR),
    (Fourcc::XBGR8888, Modifier::LINEAR),
    (Fourcc::ABGR8888, Modifier::LINEAR),
    (Fourcc::XRGB2101010, Modifier::LINEAR),
    (Fourcc::ARGB2101010, Modifier::LINEAR),
    (Fourcc::XBGR2101010, Modifier::LINEAR),
    (Fourcc::ABGR2101010, Modifier::LINEAR),
    (Fourcc::RGB565, Modifier::LINEAR),
    (Fourcc::XBGR16161616F, Modifier::LINEAR),
    (Fourcc::ABGR16161616F, Modifier::LINEAR),
];

impl Png {
    /// Into `folder`, which is made when it is not there.
    ///
    /// # Errors
    ///
    /// [`Error::Create`] when nothing can be written there, [`Error::Thread`].
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Create { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        // Found out now, and not at the first picture.
        let probe = folder.join(".zerohop");
        File::create(&probe).map_err(failed)?;
        fs::remove_file(probe).map_err(failed)?;
        let folder = folder.to_owned();
        let worker = Worker::start("png", WAITING, move |frames, _| write_all(&folder, frames))?;
        Ok(Self { worker })
    }
}

impl FrameSink for Png {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &FORMATS
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        self.worker.send(frame.info().sequence, frame).map_err(BoxError::from)
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        self.worker.join().map_err(BoxError::from)
    }
}

fn write_all(folder: &Path, frames: &Receiver<Arc<Frame>>) -> Result<(), Error> {
    for frame in frames {
        let bytes = encode(&frame)?;
        let path = folder.join(format!("{:06}.png", frame.info().sequence));
        // What was read of a picture that was taken back meanwhile may be of the next one.
        let intact = frame.is_intact();
        drop(frame);
        if intact {
            write(path, &bytes)?;
        }
    }
    Ok(())
}

/// Writes a whole file, or leaves none.
fn write(path: PathBuf, bytes: &[u8]) -> Result<(), Error> {
    fs::write(&path, bytes).map_err(|source| {
        let _ = fs::remove_file(&path);
        Error::Write { path, written: 0, source }
    })
}

/// The picture as a PNG.
fn encode(frame: &Frame) -> Result<Vec<u8>, Error> {
    let shape = frame.buffer().descriptor();
    let memory = pictures::open(frame)?;
    let [bytes] = memory.objects()[..] else { return Err(Error::Format { fourcc: shape.fourcc }) };
    let pixels = Pixels::new(shape, bytes);
    let pixels = pixels.ok_or(Error::Format { fourcc: shape.fourcc })?;
    let sequence = frame.info().sequence;
    compress(&pixels, shape.color)
        .map_err(|source| Error::Unreadable { sequence, source: source.into() })
}

fn compress(pixels: &Pixels<'_>, color: Color) -> io::Result<Vec<u8>> {
    let (extent, mut bytes) = (pixels.extent(), Vec::new());
    let mut encoder = Encoder::new(&mut bytes, extent.width, extent.height);
    encoder.set_color(if pixels.has_alpha() { ColorType::Rgba } else { ColorType::Rgb });
    encoder.set_depth(if pixels.is_deep() { BitDepth::Sixteen } else { BitDepth::Eight });
    encoder.set_compression(Compression::Fast);
    if color == Color::SRGB {
        encoder.set_source_srgb(SrgbRenderingIntent::RelativeColorimetric);
    }
    let mut writer = encoder.write_header()?;
    if color != Color::SRGB {
        let range = u8::from(color.full_range);
        let codes = [color.primaries, color.transfer, color.matrix, range];
        writer.write_chunk(ChunkType(*b"cICP"), &codes)?;
    }
    writer.write_image_data(&pixels.samples())?;
    writer.finish()?;
    Ok(bytes)
}
