//! The one thread that the layer starts, and only for a swapchain whose pictures the CPU must copy,
//! or whose pictures stand still: waiting for the GPU, and copying or deciding then, would otherwise
//! stop the application at each present.
//!
//! ```text
//! present ── push ──► waiting ── thread: wait for the GPU, copy or decide, send or keep ──► host
//!                        │
//! acquire ── shed ◄──────┘   the oldest copy, when the application has no other image to draw into
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
use zerohop_frame::Damage;
use zerohop_kernel::spawn_deaf;
use zerohop_layer::guard_or;

use super::handover::Host;
use super::job::{End, Job};
use super::line::TELL;
use super::stream::Stream;

/// What must be made before pictures can be looked at.
pub(crate) type Make = Box<dyn FnOnce() + Send>;

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
    /// Done when there is no picture.
    make: Option<Make>,
    /// Whether the thread is at a picture.
    works: bool,
    ended: bool,
    /// The damage of pictures that the host did not get, since the last that it got.
    lost: Damage,
    /// A stream with pictures that were kept, of which the host may not have heard.
    untold: Option<Arc<Stream>>,
}

/// What the thread does next.
enum Next {
    Picture(Job),
    Make(Make),
    /// Tells the host what was kept.
    Tell(Arc<Stream>),
}

impl Copier {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// `EAGAIN` when the process may have no more threads.
    pub(crate) fn start() -> io::Result<Self> {
        let state = State {
            jobs: VecDeque::new(),
            make: None,
            works: false,
            ended: false,
            lost: none(),
            untold: None,
        };
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

    /// Lets `make` be done when there is no picture. In a child of `fork` it never is.
    pub(crate) fn prepare(&self, make: Make) {
        if self.is_here() {
            self.line.lock().make = Some(make);
            self.line.changed.notify_all();
        }
    }

    /// What a picture is damaged besides that goes its own way now, without overtaking another. `None`:
    /// there are pictures before it, so that it must be [`push`](Self::push)ed.
    pub(crate) fn overtake(&self) -> Option<Damage> {
        if !self.is_here() {
            return Some(Damage::Unknown);
        }
        let mut state = self.line.lock();
        let idle = !state.works && state.jobs.is_empty();
        idle.then(|| std::mem::replace(&mut state.lost, none()))
    }

    /// Gives up the oldest picture that waits, if it is to be copied and its image could be drawn into
    /// then. `false`: there is none.
    pub(crate) fn shed(&self, now: Duration) -> bool {
        if !self.is_here() {
            return false;
        }
        let mut state = self.line.lock();
        let free = |job: &Job| job.is_copy() && job.rotation.waits_for_copier(job.index, now);
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
            state.make = None;
            std::mem::take(&mut state.jobs)
        };
        self.line.changed.notify_all();
        jobs.iter().for_each(Job::give_up);
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
        while let Some(next) = self.next() {
            match next {
                Next::Picture(job) => self.picture(job),
                Next::Make(make) => guard_or("prepare to look at pictures", (), make),
                Next::Tell(stream) => Host::get().tell(&stream),
            }
        }
    }

    fn picture(&self, mut job: Job) {
        let end = guard_or("copy or look at a picture", End::Lost, || job.run());
        let mut state = self.lock();
        state.works = false;
        match end {
            End::Sent => {}
            End::Kept => state.untold = Some(Arc::clone(&job.stream)),
            End::Lost => state.lose(&mut job),
        }
        drop(state);
        if end != End::Sent {
            job.give_up();
        }
        self.changed.notify_all();
    }

    /// What is next, when there is something. `None`: there will be nothing.
    fn next(&self) -> Option<Next> {
        let idle =
            |state: &mut State| state.jobs.is_empty() && state.make.is_none() && !state.ended;
        let mut state = self.lock();
        if state.untold.is_some() {
            let waited = self.changed.wait_timeout_while(state, TELL, idle);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if idle(&mut state) {
                return state.untold.take().map(Next::Tell);
            }
        }
        let waited = self.changed.wait_while(state, idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let Some(mut job) = state.jobs.pop_front() else {
            return state.make.take().map(Next::Make);
        };
        state.works = true;
        let lost = std::mem::replace(&mut state.lost, none());
        job.frame.damage = lost.join(&job.frame.damage);
        Some(Next::Picture(job))
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

fn none() -> Damage {
    Damage::Rects(Default::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a child does with the thread of its parent: it must come back from all of it.
    fn leave(copier: Copier) -> bool {
        let works = copier.shed(Duration::ZERO) || copier.overtake() != Some(Damage::Unknown);
        copier.prepare(Box::new(|| ()));
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
