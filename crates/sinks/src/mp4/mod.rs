//! MP4 files that can be played at any moment while they grow.
//!
//! ```text
//! ftyp moov | moof mdat | moof mdat | … | mfra
//!  at the      a fragment: half a second     at the end: where the key pictures are
//!  first       of pictures, or what there
//!  picture     is when nothing moves
//! ```
//!
//! A fragment is in the file as a whole or not at all, so that whoever kills the process leaves a
//! file that plays up to the last one. Each picture has its true time (in ticks of 1/90000 s, the first
//! one at 0) and lasts until the next. A picture that is still shown when its fragment is written
//! gets the duration it has had so far; that number is brought up to date later, or in a pipe, the
//! next fragment leaves a gap in which players keep showing it.

mod av1;
mod avc;
mod boxes;
mod fragment;
mod header;
mod hevc;
mod index;
mod output;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use zerohop_encode::{Packet, PacketSink};
use zerohop_frame::BoxError;

use crate::Error;
use fragment::{Fragment, duration};
use header::{Header, Stream, header, mehd};
use index::index;
use output::Output;

/// Ticks a second. Whole numbers of them make a picture at every usual rate.
const TIMESCALE: u32 = 90_000;
/// A fragment is written once it holds so many ticks of pictures.
const FRAGMENT: u64 = TIMESCALE as u64 / 2;
/// Pictures on their way to us may have been shown so many ticks ago.
const IN_FLIGHT: u64 = TIMESCALE as u64 / 5;
/// The last picture lasts so many ticks at least.
const LAST: u64 = TIMESCALE as u64 / 60;

/// A [`PacketSink`] that writes a track of H.264, HEVC or AV1 as fragmented MP4.
///
/// Without a single packet there is no video: [`finish`](PacketSink::finish) then removes the
/// file (a pipe stays empty). After an error the file holds every fragment before it.
pub struct Mp4 {
    out: Output,
    started: Option<Started>,
    fragment: Fragment,
    /// The last picture, when it is in the file already.
    held: Option<Held>,
    /// Time and place of each fragment that starts with a key picture.
    keys: Vec<(u64, u64)>,
    fragments: u32,
}

/// What is known from the first packet on.
struct Started {
    /// The first picture's time.
    origin: Duration,
    header: Header,
}

/// A written picture that may still be shown.
struct Held {
    /// When it was first shown, in ticks.
    at: u64,
    /// Where in the file its duration is.
    duration_at: u64,
}

impl Mp4 {
    /// A new file at `path`, or the standard output for `-`. What was in the file is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Create`], before any picture is lost to it.
    pub fn create(path: &Path) -> Result<Self, Error> {
        if path.as_os_str() == "-" {
            let fd = io::stdout().as_fd().try_clone_to_owned();
            let fd = fd.map_err(|source| Error::Create { path: path.into(), source })?;
            return Ok(Self::pipe(fd.into(), "the standard output"));
        }
        Output::create(path).map(Self::new)
    }

    /// Into a pipe, called `name` in errors. Plays as it comes; its duration is not in it.
    pub fn pipe(file: File, name: &str) -> Self {
        Self::new(Output::pipe(file, name))
    }

    fn new(out: Output) -> Self {
        let (fragment, keys) = (Fragment::default(), Vec::new());
        Self { out, started: None, fragment, held: None, keys, fragments: 0 }
    }

    /// Takes a packet: see [`PacketSink::write`].
    fn add(&mut self, packet: &Packet) -> Result<(), Error> {
        let origin = match &self.started {
            Some(started) => started.origin,
            None => self.start(packet)?,
        };
        let last = self.fragment.last().or(self.held.as_ref().map(|held| held.at));
        let at = last.map_or(0, |last| ticks(origin, packet.pts).max(last + 1));
        self.hold_until(at)?;
        let begun = self.fragment.first();
        if begun.is_some_and(|first| packet.key || at - first >= FRAGMENT) {
            self.flush(at)?;
            self.held = None;
        }
        self.fragment.push(at, packet);
        Ok(())
    }

    /// Writes the header, which says what is in the first packet.
    fn start(&mut self, packet: &Packet) -> Result<Duration, Error> {
        let stream = Stream::of(packet).ok_or(Error::NoStart { sequence: packet.sequence })?;
        let header = header(&stream);
        self.out.append(&header.bytes)?;
        let started = self.started.insert(Started { origin: packet.pts, header });
        Ok(started.origin)
    }

    /// Writes the fragment, whose last picture is shown until `end` as far as is known.
    fn flush(&mut self, end: u64) -> Result<(), Error> {
        let Some((first, at)) = self.fragment.first().zip(self.fragment.last()) else {
            return Ok(());
        };
        let (start, key) = (self.out.written(), self.fragment.starts_with_key());
        self.fragments += 1;
        let mut written = self.fragment.take(self.fragments, end);
        self.out.append_fragment(&mut written.bytes)?;
        if key {
            self.keys.push((first, start));
        }
        self.held = Some(Held { at, duration_at: start + written.last_duration as u64 });
        Ok(())
    }

    /// The picture that is in the file already was shown until `end`.
    fn hold_until(&mut self, end: u64) -> Result<(), Error> {
        let Some(held) = self.held.as_ref().filter(|_| self.fragment.first().is_none()) else {
            return Ok(());
        };
        self.out.patch(held.duration_at, &duration(held.at, end).to_be_bytes())
    }

    /// Brings the file up to date: see [`PacketSink::idle`].
    fn still(&mut self, now: Duration) -> Result<(), Error> {
        let Some(started) = &self.started else { return Ok(()) };
        let now = ticks(started.origin, now);
        let seen = now.saturating_sub(IN_FLIGHT);
        match (self.fragment.first(), self.fragment.last()) {
            (Some(first), Some(last)) if now.saturating_sub(first) >= FRAGMENT => {
                self.flush(seen.max(last + 1))
            }
            (Some(_), _) => Ok(()),
            _ => match &self.held {
                Some(held) if seen > held.at => self.hold_until(seen),
                _ => Ok(()),
            },
        }
    }

    /// Completes the file: see [`PacketSink::finish`].
    fn complete(&mut self, end: Duration) -> Result<(), Error> {
        let Some(started) = &self.started else { return self.out.discard() };
        let last = self.fragment.last().or(self.held.as_ref().map(|held| held.at));
        let end = ticks(started.origin, end).max(last.unwrap_or(0) + LAST);
        self.hold_until(end)?;
        self.flush(end)?;
        self.say_duration(end)?;
        self.out.append(&index(&self.keys))
    }

    /// Writes into the header how long it all is, where that is possible.
    fn say_duration(&mut self, ticks: u64) -> Result<(), Error> {
        let Some(Started { header, .. }) = self.started.as_ref().filter(|_| self.out.seekable())
        else {
            return Ok(());
        };
        for at in &header.durations {
            self.out.patch(*at, &ticks.to_be_bytes())?;
        }
        self.out.patch(header.mehd, &mehd(ticks))
    }
}

impl PacketSink for Mp4 {
    fn write(&mut self, packet: &Packet) -> Result<(), BoxError> {
        self.add(packet).map_err(BoxError::from)
    }

    fn idle(&mut self, now: Duration) -> Result<(), BoxError> {
        self.still(now).map_err(BoxError::from)
    }

    fn finish(&mut self, end: Duration) -> Result<(), BoxError> {
        self.complete(end).map_err(BoxError::from)
    }
}

/// The time since `origin`, to the nearest tick.
fn ticks(origin: Duration, time: Duration) -> u64 {
    let nanos = time.saturating_sub(origin).as_nanos();
    let ticks = (nanos * u128::from(TIMESCALE) + 500_000_000) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_usual_rates_last_whole_ticks() {
        for (hertz, wanted) in [(24, 3750), (30, 3000), (60, 1500), (90, 1000), (144, 625)] {
            for n in 0..1000 {
                let time = |n: u64| Duration::from_nanos(n * 1_000_000_000 / hertz);
                let origin = Duration::from_nanos(123_456_789);
                assert_eq!(ticks(origin, origin + time(n)), n * wanted, "{hertz} Hz");
            }
        }
    }
}
