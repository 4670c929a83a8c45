//! The way back of one announced buffer.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use zerohop_frame::{Recycle, Release, Stage};
use zerohop_kernel::clock_monotonic;
use zerohop_wire::{Peer, WireBufferId};

use crate::shared::Shared;

/// The connection stands.
const OPEN: u8 = 0;
/// What is in the buffer stays.
const KEPT: u8 = 1;
/// The producer may write the buffer at any time.
const TAKEN_BACK: u8 = 2;

/// How often it is looked whether the thread has seen the end of a connection, and how long in
/// between. It sees it at once, unless the machine is very busy.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(1);

/// Knows the producer of a buffer, and the picture that is out in it.
pub(crate) struct Home {
    peer: Arc<Peer>,
    buffer: WireBufferId,
    out: Mutex<Option<Out>>,
    fate: AtomicU8,
    shared: Arc<Shared>,
}

/// A picture that is out.
struct Out {
    /// As its producer counts.
    sequence: u64,
    received: Duration,
    /// Whether the pipeline has it.
    delivered: bool,
}

impl Home {
    pub(crate) fn new(peer: Arc<Peer>, buffer: WireBufferId, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { peer, buffer, out: Mutex::new(None), fate: AtomicU8::new(OPEN), shared })
    }

    /// Notes that the picture `sequence` came.
    pub(crate) fn leave(&self, sequence: u64, received: Duration) {
        *self.out() = Some(Out { sequence, received, delivered: false });
    }

    /// Notes that the pipeline takes the picture.
    pub(crate) fn deliver(&self) {
        if let Some(out) = self.out().as_mut() {
            out.delivered = true;
        }
    }

    /// Whether a picture is out.
    pub(crate) fn is_out(&self) -> bool {
        self.out().is_some()
    }

    /// Notes that the producer will not write the buffer again: what is in it stays.
    pub(crate) fn keep(&self) {
        self.decide(KEPT);
    }

    /// Notes that the connection is over. A producer that goes on has its buffers back, and draws
    /// into them; one that has ended draws no more.
    pub(crate) fn part(&self, producer_lives: bool) {
        self.decide(if producer_lives { TAKEN_BACK } else { KEPT });
    }

    fn decide(&self, fate: u8) {
        // What was decided first stays: a stream that was closed, and then its connection.
        let _ = self.fate.compare_exchange(OPEN, fate, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Whether the producer has the buffer back although its picture was never released.
    pub(crate) fn is_taken_back(&self) -> bool {
        for _ in 0..TRIES {
            match self.fate.load(Ordering::Acquire) {
                OPEN if self.peer.is_hung_up() => thread::sleep(PAUSE),
                fate => return fate == TAKEN_BACK,
            }
        }
        false
    }

    fn out(&self) -> MutexGuard<'_, Option<Out>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recycle for Home {
    /// Sends the release from the thread that drops the frame. What its producer has no room for
    /// is left to the source's thread.
    fn recycle(&self, release: Release) {
        // Before the producer hears of it: its next picture may come at once.
        let Some(out) = self.out().take() else { return };
        if out.delivered {
            let now = clock_monotonic();
            self.shared.observer.span(release.sequence, Stage::Release, out.received, now);
        }
        // A producer that is gone needs no release, and the thread finds out by itself.
        let _ = self.peer.release(self.buffer, out.sequence, release.after);
        if self.peer.has_unsent() {
            self.shared.wake.ring();
        }
    }
}
