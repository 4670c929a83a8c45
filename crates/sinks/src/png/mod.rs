//! Numbered PNG files, for looking at pictures one by one.
//!
//! Every code of a picture is in its file: formats of up to 8 bits a channel become 8-bit files,
//! all others 16-bit ones. Reading pictures and compressing them costs the CPU far more than a
//! recording does.

mod pixels;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zerohop_frame::{BoxError, Fourcc, Frame, FrameSink, MemoryHandle, Modifier, SharedBuffer};
use zerohop_kernel::{Mapping, Memfd};

use crate::Error;
use pixels::Pixels;

/// Writes each picture to `NNNNNNNN.png`, after its sequence number, in a folder.
///
/// Takes pictures in memfds, `LINEAR`, of every RGB format there is. Codes are written as they are;
/// of half floats, what is not in 0..=1 is cut off.
pub struct Png {
    folder: PathBuf,
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
    /// [`Error::Create`] when nothing can be written there.
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Create { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        // Found out now, and not at the first picture.
        let probe = folder.join(".zerohop");
        File::create(&probe).map_err(failed)?;
        fs::remove_file(probe).map_err(failed)?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn write(&self, sequence: u64, buffer: &SharedBuffer) -> Result<(), BoxError> {
        let descriptor = buffer.descriptor();
        let [MemoryHandle::Shm(fd)] = buffer.memory() else {
            return Err(Error::Format { fourcc: descriptor.fourcc }.into());
        };
        let mapping = Mapping::new(&Memfd::try_from(fd.try_clone()?)?)?;
        let pixels = Pixels::new(descriptor, mapping.as_slice())
            .ok_or(Error::Format { fourcc: descriptor.fourcc })?;
        let path = self.folder.join(format!("{sequence:08}.png"));
        let failed = |source| Error::Write { path: path.clone(), written: 0, source };
        let mut file = BufWriter::new(File::create(&path).map_err(failed)?);
        encode(&pixels, &mut file).map_err(failed)?;
        Ok(file.flush().map_err(failed)?)
    }
}

impl FrameSink for Png {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &FORMATS
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        while !frame.acquire().wait(std::time::Duration::from_secs(1))? {}
        self.write(frame.info().sequence, frame.buffer())
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}

fn encode(pixels: &Pixels<'_>, file: &mut impl io::Write) -> io::Result<()> {
    let extent = pixels.extent();
    let mut encoder = png::Encoder::new(file, extent.width, extent.height);
    encoder.set_color(if pixels.has_alpha() { png::ColorType::Rgba } else { png::ColorType::Rgb });
    encoder.set_depth(if pixels.is_deep() { png::BitDepth::Sixteen } else { png::BitDepth::Eight });
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header()?.write_image_data(&pixels.samples()).map_err(io::Error::from)
}
