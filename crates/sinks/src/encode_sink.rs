//! A recording: an encoder and what takes its packets, on a thread of their own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use zerohop_encode::{Encoder, PacketSink};
use zerohop_frame::{BoxError, Direct, Fourcc, Frame, FrameSink, Modifier, Observer, Rect, Stage};
use zerohop_kernel::clock_monotonic;

use crate::Error;
use crate::worker::{Poke, Worker};

/// Pictures that may wait for the encoder. Whoever brings another one waits.
const WAITING: usize = 2;
/// How often the output hears that nothing happens.
const IDLE: Duration = Duration::from_millis(250);

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// When a recording does what.
pub struct Timing {
    /// The most time between two key pictures.
    pub key_interval: Duration,
    /// The most pictures from one key picture to the next, if they are counted.
    pub key_pictures: Option<u64>,
    /// What time it is, on the clock of the frames' timestamps.
    pub clock: Clock,
}

impl Default for Timing {
    /// A key picture every 4 s by `CLOCK_MONOTONIC`.
    fn default() -> Self {
        let key_interval = Duration::from_secs(4);
        Self { key_interval, key_pictures: None, clock: Arc::new(clock_monotonic) }
    }
}

/// Encodes frames and hands the packets on.
///
/// [`submit`](FrameSink::submit) queues the frame and returns, unless two are waiting: then it
/// blocks until the encoder takes one. The first failure ends the recording; the packets before it
/// are completed as a file, the next `submit` reports it, and those after it say that the
/// recording has ended.
pub struct EncodeSink {
    formats: Vec<(Fourcc, Modifier)>,
    direct: Option<Arc<Direct>>,
    clock: Clock,
    worker: Worker<Work>,
}

enum Work {
    Frame(Arc<Frame>, Option<Rect>),
    /// The encoder may have a packet.
    Packet,
    /// The time at which the last picture was still shown.
    Finish(Duration),
}

impl EncodeSink {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// [`Error::Thread`].
    pub fn start(
        encoder: Box<dyn Encoder>,
        out: Box<dyn PacketSink>,
        observer: Arc<dyn Observer>,
        timing: Timing,
    ) -> Result<Self, Error> {
        let (formats, direct) = (encoder.formats().to_vec(), encoder.direct());
        if let Some(fallback) = encoder.fallback() {
            observer.fallback(fallback);
        }
        let clock = Arc::clone(&timing.clock);
        let started = VecDeque::new();
        let mut recording =
            Recording { encoder, out, observer, timing, next_key: None, count: 0, started };
        let run = move |work: &Receiver<Work>, poke: Poke<Work>| {
            recording.encoder.on_packet(Arc::new(move || poke.poke(Work::Packet)));
            recording.run(work)
        };
        let worker = Worker::start("encode", WAITING, run)?;
        Ok(Self { formats, direct, clock, worker })
    }
}

impl FrameSink for EncodeSink {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &self.formats
    }

    fn direct(&self) -> Option<Arc<Direct>> {
        self.direct.clone()
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        let sequence = frame.info().sequence;
        self.worker.send(sequence, Work::Frame(frame, None)).map_err(BoxError::from)
    }

    fn submit_region(&mut self, frame: Arc<Frame>, rect: Rect) -> Result<(), BoxError> {
        let sequence = frame.info().sequence;
        self.worker.send(sequence, Work::Frame(frame, Some(rect))).map_err(BoxError::from)
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        // A thread that is gone says why when it is joined, or said so before.
        let sent = self.worker.send(u64::MAX, Work::Finish((self.clock)()));
        match sent {
            Err(Error::Ended { .. }) => Ok(()),
            sent => sent.and_then(|()| self.worker.join()).map_err(BoxError::from),
        }
    }
}

/// The thread's side.
struct Recording {
    encoder: Box<dyn Encoder>,
    out: Box<dyn PacketSink>,
    observer: Arc<dyn Observer>,
    timing: Timing,
    /// From when on a picture is a key picture.
    next_key: Option<Duration>,
    /// Pictures since the last key picture, itself among them.
    count: u64,
    /// Pictures that the encoder has, and since when.
    started: VecDeque<(u64, Duration)>,
}

impl Recording {
    fn run(&mut self, work: &Receiver<Work>) -> Result<(), Error> {
        let recorded = self.record(work);
        let end = *recorded.as_ref().unwrap_or(&(self.timing.clock)());
        let finished = self.out.finish(end).map_err(Error::Out);
        recorded.and(finished)
    }

    /// Records until the end, and says when that was.
    fn record(&mut self, work: &Receiver<Work>) -> Result<Duration, Error> {
        loop {
            match work.recv_timeout(IDLE) {
                Ok(Work::Frame(frame, rect)) => self.take(frame, rect)?,
                Ok(Work::Packet) => self.pump()?,
                Ok(Work::Finish(end)) => return self.flush().map(|()| end),
                Err(RecvTimeoutError::Disconnected) => {
                    return self.flush().map(|()| (self.timing.clock)());
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.pump()?;
                    self.out.idle((self.timing.clock)()).map_err(Error::Out)?;
                }
            }
        }
    }

    fn take(&mut self, frame: Arc<Frame>, rect: Option<Rect>) -> Result<(), Error> {
        let (sequence, timestamp) = (frame.info().sequence, frame.info().timestamp);
        let counted = self.timing.key_pictures.is_some_and(|most| self.count >= most);
        let key = counted || self.next_key.is_none_or(|due| timestamp >= due);
        if key {
            // Until its packet says the same. An encoder may be behind.
            self.next_key = Some(timestamp + self.timing.key_interval);
            self.count = 0;
        }
        self.count += 1;
        self.started.push_back((sequence, clock_monotonic()));
        let failed = |source| Error::Encode { sequence, source };
        let encoder = &mut self.encoder;
        let taken = match rect {
            None => encoder.encode(frame, key),
            Some(rect) => encoder.encode_region(frame, &rect, key),
        };
        taken.map_err(failed)?;
        self.pump()
    }

    /// Finishes what the encoder has.
    fn flush(&mut self) -> Result<(), Error> {
        let flushed = self.encoder.flush().map_err(|source| self.failed(source));
        self.pump().and(flushed)
    }

    /// Hands on every packet that is done.
    fn pump(&mut self) -> Result<(), Error> {
        while let Some(packet) = self.encoder.poll_packet().map_err(|source| self.failed(source))? {
            let sequence = packet.sequence;
            // Those before it were lost in the encoder.
            while self.started.front().is_some_and(|(before, _)| *before < sequence) {
                self.started.pop_front();
            }
            if let Some((_, begin)) = self.started.pop_front() {
                self.observer.span(sequence, Stage::Encode, begin, clock_monotonic());
            }
            if packet.key {
                self.next_key = Some(packet.pts + self.timing.key_interval);
            }
            self.out.write(&packet).map_err(Error::Out)?;
        }
        Ok(())
    }

    /// `source` came with the packet of the oldest picture that the encoder has.
    fn failed(&self, source: zerohop_encode::Error) -> Error {
        let sequence = self.started.front().map_or(0, |(sequence, _)| *sequence);
        Error::Encode { sequence, source }
    }
}
