//! The one thread that the layer starts, and only for a swapchain whose pictures the CPU must copy:
//! waiting for the GPU and copying would otherwise stop the application at each present.
//!
//! ```text
//! present ── push ──► waiting ── thread: wait for the GPU, copy, send ──► host
//!                        │
//! acquire ── shed ◄──────┘   the oldest, when the application has no other image to draw into
//! ```
//!
//! It ends with its swapchain, gets no signals, and every wait of it has an end. In a child of
//! `fork` there is no such thread, and nobody waits for one.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, getpid};
use zerohop_frame::{Damage, SyncPoint};
use zerohop_kernel::spawn_deaf;
use zerohop_layer::{Doing, LayerError, chain_line, guard_or};
use zerohop_wire::FrameMessage;

use super::gate::Fence;
use super::handover::Host;
use super::line::Parcel;
use super::outlet::Outlet;
use super::ring::Fences;
use super::rotation::Rotation;
use super::staging::Staging;
use super::stream::{Key, Stream};

/// How long a picture may take on the GPU. A host would have to wait as long for any other.
const PATIENCE: Duration = Duration::from_secs(10);

/// A picture to be copied and sent.
pub(crate) struct Job {
    /// Signals when the GPU has finished with the picture.
    pub(crate) drawn: Arc<Fence>,
    /// Where it lies then, and where the host gets it.
    pub(crate) staging: Arc<Staging>,
    /// Whose picture it is.
    pub(crate) stream: Arc<Stream>,
    /// The image.
    pub(crate) image: Key,
    /// Where that goes back to.
    pub(crate) rotation: Arc<Rotation>,
    /// Which image of that.
    pub(crate) index: usize,
    /// What is sent.
    pub(crate) frame: FrameMessage,
    /// Where to.
    pub(crate) outlet: Outlet,
}

/// The thread of one swapchain.
pub(crate) struct Copier {
    line: Arc<Waiting>,
    thread: Option<JoinHandle<()>>,
    /// Whose thread it is.
    process: Pid,
}

/// What the thread has to do.
struct Waiting {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    /// Whether the thread is at one.
    works: bool,
    ended: bool,
    /// The damage of pictures that the host did not get, since the last that it got.
    lost: Damage,
}

impl Copier {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// `EAGAIN` when the process may have no more threads.
    pub(crate) fn start() -> io::Result<Self> {
        let state = State { jobs: VecDeque::new(), works: false, ended: false, lost: none() };
        let line = Arc::new(Waiting { state: Mutex::new(state), changed: Condvar::new() });
        let theirs = Arc::clone(&line);
        let thread = spawn_deaf("zerohop-copy", move || theirs.work())?;
        Ok(Self { line, thread: Some(thread), process: getpid() })
    }

    /// Lets a picture wait for its turn. In a child of `fork` it goes nowhere.
    pub(crate) fn push(&self, job: Job) {
        if !self.is_here() {
            return job.give_up();
        }
        self.line.lock().jobs.push_back(job);
        self.line.changed.notify_all();
    }

    /// Gives up the oldest picture that waits, if its image could be drawn into then. `false`:
    /// there is none.
    pub(crate) fn shed(&self, now: Duration) -> bool {
        if !self.is_here() {
            return false;
        }
        let mut state = self.line.lock();
        let free = |job: &Job| job.rotation.waits_for_copier(job.index, now);
        if !state.jobs.front().is_some_and(free) {
            return false;
        }
        let Some(mut job) = state.jobs.pop_front() else { return false };
        state.lose(&mut job);
        drop(state);
        job.give_up();
        true
    }

    /// Waits until every picture was sent, for `limit` at most.
    pub(crate) fn flush(&self, limit: Duration) {
        if !self.is_here() {
            return;
        }
        let busy = |state: &mut State| state.works || !state.jobs.is_empty();
        let state = self.line.lock();
        drop(self.line.changed.wait_timeout_while(state, limit, busy));
    }

    /// Whether the thread is one of this process, and not of the one that it was forked from.
    fn is_here(&self) -> bool {
        self.process == getpid()
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        if !self.is_here() {
            // Joining it would wait for ever.
            std::mem::forget(self.thread.take());
            return;
        }
        let jobs = {
            let mut state = self.line.lock();
            state.ended = true;
            std::mem::take(&mut state.jobs)
        };
        self.line.changed.notify_all();
        jobs.into_iter().for_each(Job::give_up);
        if let Some(thread) = self.thread.take() {
            // It is at one picture at most. A panic there was caught there.
            let _ = thread.join();
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            let mut job = job;
            let (rotation, index, sequence) =
                (Arc::clone(&job.rotation), job.index, job.frame.sequence);
            let sent = guard_or("copy a picture", false, || job.run());
            let mut state = self.lock();
            state.works = false;
            if !sent {
                state.lose(&mut job);
            }
            drop(state);
            if !sent {
                rotation.release(index, sequence, Fences::new());
            }
            self.changed.notify_all();
        }
    }

    /// The next picture, when there is one. `None`: there will be none.
    fn next(&self) -> Option<Job> {
        let idle = |state: &mut State| state.jobs.is_empty() && !state.ended;
        let waited = self.changed.wait_while(self.lock(), idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let mut job = state.jobs.pop_front()?;
        state.works = true;
        let lost = std::mem::replace(&mut state.lost, none());
        job.frame.damage = lost.join(&job.frame.damage);
        Some(job)
    }
}

impl State {
    /// The host does not get the picture of `job`: the next one's damage is against what was before.
    fn lose(&mut self, job: &mut Job) {
        let lost = std::mem::replace(&mut job.frame.damage, Damage::Unknown);
        match self.jobs.front_mut() {
            Some(next) => next.frame.damage = lost.join(&next.frame.damage),
            None => self.lost = self.lost.join(&lost),
        }
    }
}

impl Job {
    /// Copies the picture and sends it. `false`: the host does not have it.
    fn run(&mut self) -> bool {
        if let Err(err) = self.copy() {
            let cost = "the host misses pictures";
            Host::get().fall_back("handover", &chain_line(&err), cost);
            return false;
        }
        let mut flow = self.stream.lock();
        if !flow.passes(self.frame.sequence) {
            // A swapchain that took over was quicker.
            return false;
        }
        self.rotation.hand_on(self.index, self.frame.sequence);
        let parcel = Parcel {
            stream: &self.stream,
            image: self.image,
            rotation: &self.rotation,
            index: self.index,
            frame: self.frame.clone(),
            acquire: SyncPoint::Signaled,
        };
        self.outlet.send(parcel, || self.staging.export())
    }

    fn copy(&self) -> Result<(), LayerError> {
        self.drawn.wait(PATIENCE).doing("wait for a picture to be drawn")?;
        self.staging.fetch()
    }

    /// The host does not get it.
    fn give_up(self) {
        self.rotation.release(self.index, self.frame.sequence, Fences::new());
    }
}

fn none() -> Damage {
    Damage::Rects(Default::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a child does with the thread of its parent: it must come back from all of it.
    fn leave(copier: Copier) -> bool {
        let works = copier.shed(Duration::ZERO);
        copier.flush(Duration::MAX);
        let here = copier.is_here();
        drop(copier);
        !works && !here
    }

    #[test]
    fn a_child_of_fork_waits_for_no_thread() {
        let copier = Copier::start().unwrap();
        // SAFETY: the child takes no lock that another thread may have held, and returns nowhere.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: a child that waits all the same is ended by the signal.
            unsafe { libc::alarm(20) };
            let well = leave(copier);
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(i32::from(!well)) };
        }
        let mut status = 0;
        // SAFETY: our own child, and a local.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child waited, or took the thread for its own");
        assert!(copier.is_here());
        copier.flush(Duration::from_secs(10));
    }
}
