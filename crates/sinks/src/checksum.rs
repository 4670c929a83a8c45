//! A line for each picture.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zerohop_frame::{BoxError, Fourcc, Frame, FrameSink, Modifier};

use crate::md5::Md5;
use crate::{Error, pictures};

/// Writes the MD5 of every picture: of its codes as they are, rows and planes without padding, as
/// FFmpeg's `framemd5` has them for raw video of the same format.
///
/// ```text
/// #sequence, nanoseconds, fourcc, width, height, bytes, md5
/// 7, 116666667, XR24, 1280, 720, 3686400, 57edf4a22be3c955ac49da2e2107b67a
/// ```
///
/// Reads pictures in memfds, `LINEAR`, on the caller's thread: a sink for tests.
pub struct Checksum {
    path: PathBuf,
    lines: BufWriter<File>,
    written: u64,
}

impl Checksum {
    /// Into a new file at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::Create`].
    pub fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path);
        let file = file.map_err(|source| Error::Create { path: path.to_owned(), source })?;
        let mut sink = Self { path: path.to_owned(), lines: BufWriter::new(file), written: 0 };
        sink.line("#sequence, nanoseconds, fourcc, width, height, bytes, md5\n")?;
        Ok(sink)
    }

    fn line(&mut self, line: &str) -> Result<(), Error> {
        let written = self.lines.write_all(line.as_bytes());
        self.done(written)?;
        self.written += line.len() as u64;
        Ok(())
    }

    fn done(&self, result: io::Result<()>) -> Result<(), Error> {
        let (path, written) = (&self.path, self.written);
        result.map_err(|source| Error::Write { path: path.clone(), written, source })
    }
}

impl FrameSink for Checksum {
    /// None: it reads what comes.
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &[]
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        let (shape, info) = (frame.buffer().descriptor(), frame.info());
        let memory = pictures::open(&frame)?;
        let rows = pictures::rows(shape, memory.as_slice());
        let rows = rows.ok_or(Error::Format { fourcc: shape.fourcc })?;
        let (mut md5, mut bytes) = (Md5::new(), 0);
        for row in rows {
            md5.update(row);
            bytes += row.len();
        }
        if !frame.is_intact() {
            // What was read of a picture that was taken back may be of the next one.
            return Ok(());
        }
        let (time, sum) = (info.timestamp.as_nanos(), md5.finish());
        let (fourcc, width, height) = (shape.fourcc, shape.extent.width, shape.extent.height);
        let line =
            format!("{}, {time}, {fourcc}, {width}, {height}, {bytes}, {sum}\n", info.sequence);
        self.line(&line).map_err(BoxError::from)
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        let flushed = self.lines.flush();
        self.done(flushed).map_err(BoxError::from)
    }
}
