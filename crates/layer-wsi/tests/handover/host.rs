//! Hosts: one that looks at every picture, and one that keeps them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use ash::vk;
use zerohop_frame::{BoxError, Fallback, Frame, Observer, Source, SourceEvent, Stage};
use zerohop_sources::{Overflow, WireConfig, WireSource};
use zerohop_testkit::Layout;
use zerohop_testkit::check::{Checker, Picture};
use zerohop_testkit::pattern::Scene;
use zerohop_vulkan::{Device, ImportCache, Instance, InstanceOptions, Queue, read_back};
use zerohop_wire::{Listener, Peer, ToHost};

/// Longer than any player takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A socket path of a test's own.
pub(crate) fn socket(test: &str) -> PathBuf {
    let dir = zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{test}-{}", std::process::id()));
    // It may be there from a run that was killed.
    let _ = fs::remove_dir_all(&dir);
    dir.join("host")
}

/// What the source said: why pictures were dropped, and what fell back.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Told>);

/// Reasons of drops, what fell back, and the copies that the player made.
type Told = (Vec<String>, Vec<String>, Copied);

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Pictures, by the GPU.
    pub(crate) gpu: u64,
    /// Bytes, by the CPU.
    pub(crate) cpu_bytes: u64,
}

impl Notes {
    /// All of it, in order.
    pub(crate) fn told(&self) -> Told {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Notes {
    fn span(&self, _: u64, _: Stage, _: Duration, _: Duration) {}
    fn cpu_copy(&self, _: u64, bytes: u64, _: &'static str) {
        self.lock().2.cpu_bytes += bytes;
    }
    fn gpu_copy(&self, _: u64, _: &'static str) {
        self.lock().2.gpu += 1;
    }
    fn dropped(&self, _: u64, why: &'static str) {
        self.lock().0.push(why.to_owned());
    }
    fn fallback(&self, fallback: Fallback) {
        self.lock().1.push(fallback.what.into_owned());
    }
}

/// A host that reads every picture back and looks at it.
pub(crate) struct Viewer {
    source: WireSource,
    queue: Arc<Queue>,
    cache: ImportCache,
    format: vk::Format,
    pub(crate) notes: Arc<Notes>,
    pub(crate) checker: Checker,
    /// The numbers in the order in which they were seen.
    pub(crate) seen: Vec<u32>,
    /// After so many pictures of one number in a row, and each time that so many more were sent, the
    /// player is asked to look itself. 0: never.
    pub(crate) asks: usize,
    /// How many pictures it kept.
    pub(crate) kept: u64,
    /// How often pictures were kept and then one was sent.
    pub(crate) turns: usize,
    keeps: bool,
}

impl Viewer {
    /// Listens at `socket` for pictures of `format`.
    pub(crate) fn open(socket: &Path, format: vk::Format) -> Result<Self, BoxError> {
        let instance = Instance::new(InstanceOptions::from_env())?;
        let physical = instance.devices()?.into_iter().next().ok_or("no device")?;
        let device = Device::open(&physical)?;
        let notes = Arc::new(Notes::default());
        let source = WireSource::open(WireConfig {
            socket: socket.to_owned(),
            display: None,
            timelines: device.shares_timelines().then(|| device.id()).into_iter().collect(),
            overflow: Overflow::Wait,
            spin: false,
            observer: Arc::clone(&notes) as Arc<dyn Observer>,
        })?;
        Ok(Self {
            source,
            queue: Queue::new(&device),
            cache: ImportCache::new(&device),
            format,
            notes,
            checker: Checker::new(Scene::default()),
            seen: Vec::new(),
            asks: 0,
            kept: 0,
            turns: 0,
            keeps: false,
        })
    }

    /// Looks until `enough` pictures were seen, or the player has exited and all were.
    pub(crate) fn watch(&mut self, player: &mut Child, enough: usize) -> Result<(), BoxError> {
        let begin = Instant::now();
        let control = self.source.control();
        while self.seen.len() < enough {
            if player.try_wait()?.is_some() {
                control.application_exited();
            }
            match self.source.poll_event()? {
                Some(SourceEvent::Frame(frame)) => self.look(&Arc::new(frame))?,
                Some(SourceEvent::Ended) => return Ok(()),
                Some(SourceEvent::Kept(kept)) => {
                    self.kept += kept.count;
                    self.keeps = true;
                }
                Some(SourceEvent::Format(_)) => {}
                None if begin.elapsed() > PATIENCE => return Err("no end of pictures".into()),
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
        Ok(())
    }

    fn look(&mut self, frame: &Arc<Frame>) -> Result<(), BoxError> {
        self.turns += usize::from(std::mem::take(&mut self.keeps));
        let image = self.cache.get(frame.buffer())?.image;
        let bytes = read_back(&self.queue, frame, &image)?.bytes;
        let layout = Layout::of(self.format).ok_or("an unknown format")?;
        let picture = Picture::unpack(layout, image.extent(), &bytes).opaque();
        self.seen.extend(self.checker.take(&picture));
        self.cache.evict();
        let last = self.seen.last();
        let row = self.seen.iter().rev().take_while(|one| Some(*one) == last).count();
        if self.asks > 0 && row.is_multiple_of(self.asks) {
            frame.say_still(true);
        }
        Ok(())
    }
}

/// A host that welcomes a producer, takes its pictures and never gives one back.
pub(crate) struct Hoarder {
    peer: Peer,
    /// How many pictures it has.
    pub(crate) frames: usize,
}

impl Hoarder {
    /// Waits for a producer.
    pub(crate) fn accept(listener: &Listener) -> Result<Self, BoxError> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(peer) = listener.accept()? {
                return Ok(Self { peer, frames: 0 });
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err("no producer came".into())
    }

    /// Takes pictures until the producer is gone.
    pub(crate) fn hoard(&mut self) {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            match self.peer.poll() {
                Ok(Some(ToHost::Frame(_))) => self.frames += 1,
                Ok(Some(_)) => {}
                Ok(None) => thread::sleep(Duration::from_millis(1)),
                Err(_) => return,
            }
        }
    }
}

/// Waits for a player, and fails with what it said unless it succeeded.
pub(crate) fn reap(mut player: Child) -> Result<(), BoxError> {
    let begin = Instant::now();
    while player.try_wait()?.is_none() {
        if begin.elapsed() > PATIENCE {
            player.kill()?;
            break;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let status = player.wait()?;
    let mut said = String::new();
    if let Some(mut pipe) = player.stderr.take() {
        pipe.read_to_string(&mut said)?;
    }
    if status.success() { Ok(()) } else { Err(format!("{said} ({status})").into()) }
}
