//! A line for each picture.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
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
/// Several streams may write to one file, each picture's line with its stream's number
/// ([`of_stream`](Self::of_stream)).
///
/// Reads pictures in memfds, `LINEAR`, on the caller's thread: a sink for tests.
///
/// # References
///
/// `libavformat/framehash.c` and `framecrcenc` of FFmpeg: `"%d, %10s, %10s, %8d, %8d, "`.
pub struct Checksum {
    lines: Arc<Mutex<Lines>>,
    /// The stream's number in each line.
    stream: usize,
    /// When the first picture was shown, once there was one.
    origin: Option<Duration>,
}

/// The file that all streams write to.
struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
    written: u64,
}

impl Checksum {
    /// Into a new file at `path`, or to the standard output for `-`: the pictures of stream 0.
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
            Ok(file) => {
                let lines = Lines { path, file: BufWriter::new(file), written: 0 };
                Ok(Self { lines: Arc::new(Mutex::new(lines)), stream: 0, origin: None })
            }
            Err(source) => Err(Error::Create { path, source }),
        }
    }

    /// The same file for the pictures of another `stream`.
    #[must_use]
    pub fn of_stream(&self, stream: usize) -> Self {
        Self { lines: Arc::clone(&self.lines), stream, origin: None }
    }

    /// What comes before the first line of a stream: it has the size of the first picture.
    fn header(&self, frame: &Frame) -> String {
        let Extent { width, height } = frame.buffer().descriptor().extent;
        let one = Ratio { numerator: 1, denominator: 1 };
        let nanosecond = Ratio { numerator: 1, denominator: 1_000_000_000 };
        let of_stream = frame.media().map(|(clock, _)| (clock.tick, clock.pixel_aspect));
        let (tick, aspect) = of_stream.unwrap_or((nanosecond, one));
        let stream = self.stream;
        format!(
            "#tb {stream}: {tick}\n#media_type {stream}: video\n#codec_id {stream}: rawvideo\n\
             #dimensions {stream}: {width}x{height}\n#sar {stream}: {aspect}\n\
             #stream#, dts,        pts, duration,     size, hash\n"
        )
    }

    /// When the picture is shown and for how long, in the ticks that the header says.
    fn time(frame: &Frame, origin: Duration) -> (i64, u64) {
        match frame.media() {
            Some((_, time)) => (time.pts, time.duration),
            None => {
                let since = frame.info().timestamp.saturating_sub(origin).as_nanos();
                (i64::try_from(since).unwrap_or(i64::MAX), 0)
            }
        }
    }
}

impl Lines {
    /// Writes the lines of one picture.
    fn write(&mut self, lines: &str) -> Result<(), Error> {
        const BEGIN: &str = "#format: frame checksums\n#version: 2\n#hash: MD5\n";
        let begin = if self.written == 0 { BEGIN } else { "" };
        let written =
            [begin, lines].into_iter().try_for_each(|text| self.file.write_all(text.as_bytes()));
        self.done(written)?;
        self.written += (begin.len() + lines.len()) as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let flushed = self.file.flush();
        self.done(flushed)
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
        let header = if self.origin.is_none() { self.header(&frame) } else { String::new() };
        let origin = *self.origin.get_or_insert(frame.info().timestamp);
        let (time, duration) = Self::time(&frame, origin);
        let (stream, sum) = (self.stream, md5.finish());
        let line = format!("{stream}, {time:>10}, {time:>10}, {duration:>8}, {bytes:>8}, {sum}\n");
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.write(&(header + &line)).map_err(BoxError::from)
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.flush().map_err(BoxError::from)
    }
}
