//! A line for each picture.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::{BoxError, Extent, Fourcc, Frame, FrameSink, Modifier, Ratio};

use crate::md5::Md5;
use crate::{Error, pictures};

/// Writes the MD5 of every picture: of its codes as they are, rows and planes without padding, in
/// the format of FFmpeg's `framemd5` for raw video (as with its option `-bitexact`).
///
/// ```text
/// #format: frame checksums
/// #version: 2
/// #hash: MD5
/// #tb 0: 1/1000000000
/// #media_type 0: video
/// #codec_id 0: rawvideo
/// #dimensions 0: 1280x720
/// #sar 0: 1/1
/// #stream#, dts,        pts, duration,     size, hash
/// 0,  116666667,  116666667,        0,  3686400, 57edf4a22be3c955ac49da2e2107b67a
/// ```
///
/// Times and durations are those of the stream's own clock, where it has one. Where not, the time
/// base (`tb`) is nanoseconds from the first picture on, and no duration is given.
///
/// Reads pictures in memfds, `LINEAR`, on the caller's thread: a sink for tests.
///
/// # References
///
/// `libavformat/framehash.c` and `framecrcenc` of FFmpeg: `"%d, %10s, %10s, %8d, %8d, "`.
pub struct Checksum {
    path: PathBuf,
    lines: BufWriter<File>,
    written: u64,
    /// When the first picture was shown, once there was one.
    origin: Option<Duration>,
}

impl Checksum {
    /// Into a new file at `path`, or to the standard output for `-`.
    ///
    /// # Errors
    ///
    /// [`Error::Create`].
    pub fn create(path: &Path) -> Result<Self, Error> {
        let standard = path.as_os_str() == "-";
        let file = if standard {
            io::stdout().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::create(path)
        };
        let path = if standard { "the standard output".into() } else { path.to_owned() };
        match file {
            Ok(file) => Ok(Self { path, lines: BufWriter::new(file), written: 0, origin: None }),
            Err(source) => Err(Error::Create { path, source }),
        }
    }

    /// What comes before the first line: it has the size of the first picture.
    fn header(&mut self, frame: &Frame) -> Result<(), Error> {
        let Extent { width, height } = frame.buffer().descriptor().extent;
        let one = Ratio { numerator: 1, denominator: 1 };
        let nanosecond = Ratio { numerator: 1, denominator: 1_000_000_000 };
        let of_stream = frame.media().map(|(clock, _)| (clock.tick, clock.pixel_aspect));
        let (tick, aspect) = of_stream.unwrap_or((nanosecond, one));
        self.line(&format!(
            "#format: frame checksums\n#version: 2\n#hash: MD5\n#tb 0: {tick}\n\
             #media_type 0: video\n#codec_id 0: rawvideo\n#dimensions 0: {width}x{height}\n\
             #sar 0: {aspect}\n#stream#, dts,        pts, duration,     size, hash\n"
        ))
    }

    /// When the picture is shown and for how long, in the ticks that the header says.
    fn time(&mut self, frame: &Frame) -> Result<(i64, u64), Error> {
        let timestamp = frame.info().timestamp;
        let origin = match self.origin {
            Some(origin) => origin,
            None => {
                self.header(frame)?;
                *self.origin.insert(timestamp)
            }
        };
        Ok(match frame.media() {
            Some((_, time)) => (time.pts, time.duration),
            None => {
                let since = timestamp.saturating_sub(origin).as_nanos();
                (i64::try_from(since).unwrap_or(i64::MAX), 0)
            }
        })
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
        let shape = frame.buffer().descriptor();
        let memory = pictures::open(&frame)?;
        let rows = pictures::rows(shape, &memory.objects());
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
        let (time, duration) = self.time(&frame)?;
        let sum = md5.finish();
        let line = format!("0, {time:>10}, {time:>10}, {duration:>8}, {bytes:>8}, {sum}\n");
        self.line(&line).map_err(BoxError::from)
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        let flushed = self.lines.flush();
        self.done(flushed).map_err(BoxError::from)
    }
}
