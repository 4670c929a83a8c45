//! A file from its first picture to its last.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use zerohop_frame::{MediaClock, MediaTime, Ratio};

use crate::args::Arguments;
use crate::av::{AvError, Copying, Packet, Picture, Upload};
use crate::formats;
use crate::handover::{Handover, Sources, Surface};
use crate::host::{Host, SurfaceKey, When};
use crate::opened::{Attempt, Opened};
use crate::pace::Pace;
use crate::played::Played;
use crate::timeline::Timeline;
use crate::watchdog::{Doing, Watchdog};

/// Errors in a row, at the end of a file, after which a decoder has no more to say.
const MAX_ERRORS: u32 = 1000;

/// How many pictures a device may be copying while the next one is decoded: each holds a surface of the
/// decoder's.
const COPYING: usize = 2;

/// Plays the film of `arguments` to the host at `socket`. The connection is shown to `connected`.
pub(crate) fn play(
    arguments: &Arguments,
    dog: &Watchdog,
    socket: &Path,
    connected: impl FnOnce(BorrowedFd<'_>),
) -> Result<Played> {
    let Attempt { opened, failed } = Opened::first(arguments, dog)?;
    let video = opened.input.video().context("the stream is gone")?;
    let begin = opened.input.start() + micros(arguments.start);
    let timeline = Timeline::new(video.tick, video.rate, begin);
    let aspect = video.pixel_aspect;
    let pixel_aspect = match (u32::try_from(aspect.num), u32::try_from(aspect.den)) {
        (Ok(numerator), Ok(denominator)) if denominator > 0 => Ratio { numerator, denominator },
        _ => Ratio { numerator: 0, denominator: 1 },
    };
    let clock = MediaClock { tick: timeline.tick(), pixel_aspect, fast: !arguments.realtime };
    let name = arguments.input().to_string_lossy();
    let mut host = Host::connect(socket, arguments.ring, &name, clock)?;
    connected(host.as_fd());
    if !failed.is_empty() {
        let reason = failed.join("; ");
        host.fallback("decode", &reason, "the CPU decodes, and its memory is read over the bus")?;
    }
    let handover = Handover::new(arguments.force_linear);
    let upload = upload(arguments)?;
    let mut player = Player {
        arguments,
        dog,
        opened,
        timeline,
        host,
        handover,
        upload,
        pace: Pace::new(arguments.realtime),
        played: Played::default(),
        copied: VecDeque::new(),
    };
    player.run()?;
    Ok(player.played)
}

/// The device that pictures of the CPU go to, if that was asked for.
pub(crate) fn upload(arguments: &Arguments) -> Result<Option<Upload>> {
    let Some(way) = arguments.upload else { return Ok(None) };
    let upload = Upload::to(way, arguments.device.as_deref());
    upload.with_context(|| format!("open the device for --upload {way}"))
}

/// Whole microseconds.
pub(crate) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2)
}

/// A file that is played.
struct Player<'a> {
    arguments: &'a Arguments,
    dog: &'a Watchdog,
    opened: Opened,
    timeline: Timeline,
    host: Host,
    handover: Handover,
    /// Where pictures go before, if that was asked for.
    upload: Option<Upload>,
    pace: Pace,
    played: Played,
    /// What a device may still copy, in order: the decoder goes on meanwhile.
    copied: VecDeque<(Surface, When)>,
}

impl Player<'_> {
    fn run(&mut self) -> Result<()> {
        if let Some(first) = self.opened.ahead.take() {
            self.pass(first)?;
        }
        loop {
            let before = self.played.pictures;
            self.round()?;
            let nothing = self.played.pictures == before;
            if !self.arguments.again || (nothing && self.played.pictures > 0) {
                break;
            }
            if self.played.pictures == 0 {
                break;
            }
            self.opened.rewind(self.arguments, self.dog)?;
            self.timeline.again();
        }
        if self.played.pictures == 0 {
            bail!("not one picture could be decoded: {}", self.played.why_nothing());
        }
        self.host.finish()
    }

    /// From where the file is to its end.
    fn round(&mut self) -> Result<()> {
        let mut packet = Packet::new()?;
        loop {
            self.drain(false)?;
            match self.dog.watch(Doing::Reading, || self.opened.input.read(&mut packet)) {
                Ok(()) => self.feed(&packet)?,
                Err(err) => {
                    if err != AvError::END {
                        self.played.failed(err);
                    }
                    // The end goes to the decoder as well; it may have said so already.
                    let _ = self.opened.decoder.send(None);
                    self.drain(true)?;
                    return self.hand_over(0);
                }
            }
        }
    }

    fn feed(&mut self, packet: &Packet) -> Result<()> {
        loop {
            match self.dog.watch(Doing::Decoding, || self.opened.decoder.send(Some(packet))) {
                Ok(()) | Err(AvError::END) => return Ok(()),
                Err(AvError::AGAIN) => self.drain(false)?,
                Err(err) => {
                    self.played.failed(err);
                    return Ok(());
                }
            }
        }
    }

    /// Passes every picture that the decoder has; at the end of the file, whatever it complains of.
    fn drain(&mut self, end: bool) -> Result<()> {
        let mut errors = 0;
        loop {
            match self.dog.watch(Doing::Decoding, || self.opened.decoder.receive()) {
                Ok(picture) => self.pass(picture)?,
                Err(AvError::AGAIN | AvError::END) => return Ok(()),
                Err(err) => {
                    self.played.failed(err);
                    errors += 1;
                    if !end || errors > MAX_ERRORS {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Hands a picture over, if it is not before the beginning.
    fn pass(&mut self, picture: Picture) -> Result<()> {
        let raw = picture.raw();
        #[cfg(before_ffmpeg_6)]
        let duration = raw.pkt_duration;
        #[cfg(not(before_ffmpeg_6))]
        let duration = raw.duration;
        let Some(shown) = self.timeline.place(raw.best_effort_timestamp, duration) else {
            return Ok(());
        };
        let damaged = picture.is_damaged();
        let surface = self.surface(picture)?;
        #[cfg(not(before_ffmpeg_6))]
        let duration = shown.media.duration;
        // As ffmpeg's own lines have it before that version: one tick, however long.
        #[cfg(before_ffmpeg_6)]
        let duration = 1;
        let media = MediaTime { duration, ..shown.media };
        let when = When { timestamp: self.pace.time_of(&shown, &mut self.host)?, media };
        self.copied.push_back((surface, when));
        self.played.passed(damaged);
        // What is shown at its time, or comes as it is made, is not held up.
        let at_once = self.arguments.realtime || self.opened.input.is_live();
        self.hand_over(if at_once { 0 } else { COPYING })
    }

    /// Where the host reads a picture, known to it by the time that this returns.
    fn surface(&mut self, picture: Picture) -> Result<Surface> {
        let pool = self.opened.decoder.pool();
        let (picture, device) = match &mut self.upload {
            Some(upload) => {
                let name = || format!("put {} on the device", formats::name(picture.raw().format));
                let uploaded = upload.upload(&picture).with_context(name)?;
                (uploaded, Some(upload.device()))
            }
            None => (picture, self.opened.decoder.device()),
        };
        let sources = Sources { pool, device, host: Some(&self.host) };
        // It may open a device, or wait for another film that does.
        let surface =
            self.dog.watch(Doing::Importing, || self.handover.surface(picture, &sources))?;
        let mut gone = pool.take_gone();
        gone.extend(self.handover.take_gone());
        if !gone.is_empty() {
            self.hand_over(0)?;
        }
        gone.into_iter().try_for_each(|gone| self.host.retire(SurfaceKey::Pool(gone)))?;
        if let Some((why, cost)) = self.handover.news() {
            self.host.fallback("handover", &why, cost)?;
        }
        Ok(surface)
    }

    /// Hands over what is complete, and waits for all but `left` of the rest.
    fn hand_over(&mut self, left: usize) -> Result<()> {
        while let Some((surface, _)) = self.copied.front() {
            let waits = self.copied.len() <= left;
            if waits && !surface.copying.as_ref().map_or(Ok(true), Copying::is_done)? {
                return Ok(());
            }
            let Some((surface, when)) = self.copied.pop_front() else { return Ok(()) };
            let queued: Vec<_> = self.copied.iter().map(|(surface, _)| surface.key).collect();
            self.host.pass(surface, when, &queued)?;
        }
        Ok(())
    }
}
