//! The host, as this process sees it: one connection that all swapchains share.
//!
//! ```text
//!          connect, Hello               Welcome
//! away ─────────────────────► greeting ─────────► listening ──► away (closed, refused, stalled)
//!      at most once a second
//! ```
//!
//! Nothing is sent before the host has answered, so one that is stopped gets no image. Buffers and
//! streams are announced before their first use on each connection. No thread runs here: the
//! host's messages are taken in by whoever presents, or waits for an image.

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zerohop_frame::{DeviceId, Timeline};
use zerohop_kernel::{clock_monotonic, wait_readable};
use zerohop_layer::{LayerError, Level, chain_line, config, log};
use zerohop_wire::{Error as WireError, HostDisplay, ToHost, ToProducer, text};

use super::hint::Asking;
use super::line::{Exported, Line, Parcel, Unsent};
use super::stream::{Key, Stream};

/// How long a host may keep all images without a word.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);

/// The same for a host that has said that it keeps pictures for long, and for the device of one that has
/// released an image; and how long the first swapchain waits for the host's answer, once. Scheduling may
/// hold up both of us on a machine that is busy too.
pub(crate) const PATIENCE_WITH_BUSY: Duration = Duration::from_secs(2);

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_secs(1);

/// The same after the host has refused us.
const RETRY_REFUSED: Duration = Duration::from_secs(10);

/// The most messages that are heard at a time: a host that says more does not hold us up.
const TURN: usize = 64;

/// The most fallbacks that are told. Nobody reads more.
const MAX_FALLBACKS: usize = 32;

/// The host.
pub(crate) struct Host {
    path: Option<PathBuf>,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    line: Option<Line>,
    tried: bool,
    /// Whether its display was asked for.
    asked: bool,
    /// The display of the host that answered last.
    display: Option<HostDisplay>,
    retry_at: Duration,
    /// When the host last said something.
    heard: Duration,
    /// Whether it keeps pictures for long.
    busy: bool,
    /// Whether a thread waits at the socket, for all that wait.
    watched: bool,
    /// What was told, or would have been, to be told again after a reconnection.
    fallbacks: Vec<[String; 3]>,
}

impl Host {
    /// The host of this process.
    pub(crate) fn get() -> &'static Self {
        static HOST: LazyLock<Host> = LazyLock::new(|| Host::at(config::get().socket.clone()));
        &HOST
    }

    fn at(path: Option<PathBuf>) -> Self {
        Self { path, state: Mutex::default(), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects, if nobody has tried yet, and gives the host a moment to answer, so that it sees
    /// the first picture.
    pub(crate) fn greet(&self) {
        if self.path.is_none() || std::mem::replace(&mut self.lock().tried, true) {
            return;
        }
        let deadline = clock_monotonic() + PATIENCE_WITH_BUSY;
        while !self.listens() && self.lock().line.is_some() && clock_monotonic() < deadline {
            self.wait(deadline);
        }
    }

    /// The host's display, if it has one. Only the first call may wait: an application that finds
    /// none has nowhere to go, so a busy host gets time to answer.
    pub(crate) fn display(&self) -> Option<HostDisplay> {
        let deadline = clock_monotonic() + PATIENCE_WITH_BUSY;
        let first = !std::mem::replace(&mut self.lock().asked, true);
        while !self.listens() && first && self.is_connected() && clock_monotonic() < deadline {
            self.wait(deadline);
        }
        self.lock().display.clone()
    }

    /// Whether pictures can be sent now. Takes in what the host has said, and connects if it is
    /// time to.
    pub(crate) fn listens(&self) -> bool {
        let Some(path) = &self.path else { return false };
        let mut state = self.lock();
        if state.line.is_none() {
            let now = clock_monotonic();
            if now < state.retry_at {
                return false;
            }
            state.retry_at = now + RETRY;
            match Line::connect(path) {
                Ok(line) => state.line = Some(line),
                Err(err) => log(Level::Debug, format_args!("no host: {}", chain_line(&err))),
            }
        }
        state.hear();
        state.line.as_ref().is_some_and(|line| line.producer.is_welcome())
    }

    /// Whether pictures could be sent when this was looked at last.
    pub(crate) fn still_listens(&self) -> bool {
        let state = self.lock();
        state.line.as_ref().is_some_and(|line| line.producer.is_welcome())
    }

    /// Whether the host keeps time: it has pictures on a real screen, and gives each back when the
    /// next one has taken its place.
    pub(crate) fn is_paced(&self) -> bool {
        if self.path.is_none() {
            return false;
        }
        let state = self.lock();
        state.line.is_some() && state.display.as_ref().is_some_and(|display| display.paces)
    }

    /// Whether the host takes timelines of `device`.
    pub(crate) fn takes_timelines_of(&self, device: DeviceId) -> bool {
        let state = self.lock();
        state.line.as_ref().is_some_and(|line| line.producer.takes_timelines_of(device))
    }

    /// Timelines of ours are no more.
    pub(crate) fn forget(&self, timelines: &[Arc<Timeline>]) {
        if self.path.is_none() || timelines.is_empty() {
            return;
        }
        if let Some(line) = &mut self.lock().line {
            timelines.iter().for_each(|timeline| line.forget(timeline.id()));
        }
    }

    /// Whether there is a connection to wait at.
    pub(crate) fn is_connected(&self) -> bool {
        self.path.is_some() && self.lock().line.is_some()
    }

    /// Sends a picture. `false`: the host did not get it, and holds nothing.
    pub(crate) fn send(
        &self,
        parcel: Parcel<'_>,
        export: impl FnOnce() -> Result<Exported, LayerError>,
    ) -> bool {
        let mut state = self.lock();
        let Some(line) = &mut state.line else { return false };
        match line.send(parcel, export) {
            Ok(()) => return true,
            Err(Unsent::Wire(WireError::Full)) => {}
            Err(Unsent::Export(err)) => state.lose(&err),
            Err(Unsent::Wire(err @ WireError::Invalid(_))) => state.lose(&err),
            Err(Unsent::Wire(err)) => {
                // The host's last words say more than a broken pipe.
                state.hear();
                state.hang_up(&err);
            }
        }
        false
    }

    /// As [`Outlet::keep`](super::Outlet::keep).
    pub(crate) fn keep(&self, stream: &Stream, asking: Asking, picture: (u64, Duration)) -> bool {
        self.lock().line.as_mut().is_some_and(|line| line.keep(stream, asking, picture))
    }

    /// Tells the host what was kept of the stream, if it has not heard.
    pub(crate) fn tell(&self, stream: &Stream) {
        if let Some(line) = &mut self.lock().line {
            line.tell(stream);
        }
    }

    /// The images will not be sent again.
    pub(crate) fn retire(&self, images: impl Iterator<Item = Key>) {
        let mut state = self.lock();
        let Some(line) = &mut state.line else { return };
        images.for_each(|image| line.retire(image));
    }

    /// No picture of the stream will follow.
    pub(crate) fn close(&self, stream: &Stream) {
        let mut state = self.lock();
        if let Some(line) = &mut state.line {
            line.close(stream);
        }
    }

    /// Says once that `what` takes a worse path because of `reason`, and what that costs: to the
    /// host, and here while nobody listens.
    pub(crate) fn fall_back(&self, what: &str, reason: &str, cost: &str) {
        self.lock().fall_back([what, reason, cost]);
    }

    /// Gives up on a host that has kept images since `since` and said nothing for
    /// [`PATIENCE`]. Otherwise says when that would be; `None` when no host is there.
    pub(crate) fn stall(&self, since: Duration) -> Option<Duration> {
        let mut state = self.lock();
        state.line.as_ref()?;
        let patience = if state.busy { PATIENCE_WITH_BUSY } else { PATIENCE };
        let limit = since.max(state.heard) + patience;
        if clock_monotonic() < limit {
            return Some(limit);
        }
        state.hang_up(&Stalled(patience));
        None
    }

    /// Goes on without a host that reads for too long: every image is ours again, and it is told so.
    pub(crate) fn forsake(&self, why: &'static str) {
        self.lock().hang_up(&Forsaken(why));
    }

    /// Sleeps until the host may have said something, `until` at the latest, and takes it in.
    pub(crate) fn wait(&self, until: Duration) {
        let left = || until.saturating_sub(clock_monotonic());
        let mut state = self.lock();
        let Some(line) = &state.line else {
            drop(state);
            return std::thread::sleep(left());
        };
        let readiness = Arc::clone(&line.readiness);
        if state.watched {
            drop(self.moved.wait_timeout(state, left()));
            return;
        }
        state.watched = true;
        drop(state);
        let ready = wait_readable(&*readiness, left());
        state = self.lock();
        state.watched = false;
        if !ready.is_ok_and(|ready| !ready) {
            state.hear();
        }
        self.moved.notify_all();
    }
}

impl State {
    fn fall_back(&mut self, fallback: [&str; 3]) {
        if self.fallbacks.len() == MAX_FALLBACKS || self.fallbacks.iter().any(|it| *it == fallback)
        {
            return;
        }
        self.fallbacks.push(fallback.map(str::to_owned));
        let line = self.line.as_mut().filter(|line| line.producer.is_welcome());
        let level = if line.is_some() { Level::Info } else { Level::Warn };
        let [what, reason, cost] = fallback;
        log(level, format_args!("{what}: {reason}: {cost}"));
        if let Some(line) = line {
            line.say(to_host(fallback));
        }
    }

    /// A picture cannot be sent, and the next of its kind neither.
    fn lose(&mut self, why: &(dyn Error + 'static)) {
        let why = chain_line(why);
        self.fall_back(["handover", &why, "the host does not see these pictures"]);
    }

    /// Takes in what the host has said.
    fn hear(&mut self) {
        for _ in 0..TURN {
            let Some(line) = &mut self.line else { return };
            match line.producer.poll() {
                Ok(Some(message)) => self.take(message),
                Ok(None) => return,
                Err(err) => self.hang_up(&err),
            }
        }
    }

    fn take(&mut self, message: ToProducer) {
        self.heard = clock_monotonic();
        let Some(line) = &mut self.line else { return };
        match message {
            ToProducer::Welcome { display, .. } => {
                self.display = display;
                self.begin();
            }
            ToProducer::Release { buffer, sequence, after } => {
                line.release(buffer, sequence, after);
            }
            ToProducer::Busy => self.busy = true,
            ToProducer::Devices { .. } => self.begin(),
            ToProducer::Timeline(shared) => line.learn(shared),
            ToProducer::RetireTimeline { timeline } => line.unlearn(timeline),
            ToProducer::Still { stream, still } => line.hint(stream, still),
            // `Producer::poll` makes an error of it.
            ToProducer::Refused { .. } => {}
        }
    }

    /// The host's answer has come, perhaps not all of it.
    fn begin(&mut self) {
        let Some(line) = self.line.as_mut().filter(|line| line.producer.is_welcome()) else {
            return;
        };
        log(Level::Info, format_args!("the host listens"));
        for [what, reason, cost] in &self.fallbacks {
            line.say(to_host([what, reason, cost]));
        }
    }

    /// Ends the connection. All images are ours again.
    fn hang_up(&mut self, why: &(dyn Error + 'static)) {
        let Some(mut line) = self.line.take() else { return };
        line.abandon();
        self.busy = false;
        let refused = matches!(why.downcast_ref(), Some(WireError::Refused(_)));
        self.retry_at = clock_monotonic() + if refused { RETRY_REFUSED } else { RETRY };
        let level = if refused || line.producer.is_welcome() { Level::Warn } else { Level::Debug };
        let why = chain_line(why);
        log(level, format_args!("{why}; the application goes on unseen"));
    }
}

/// A host that does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the host has kept every image for {} ms without a word", .0.as_millis())]
struct Stalled(Duration);

/// A host that reads for too long.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Forsaken(&'static str);

fn to_host([what, reason, cost]: [&str; 3]) -> ToHost {
    ToHost::Fallback { what: text(what), reason: text(reason), cost: text(cost) }
}
