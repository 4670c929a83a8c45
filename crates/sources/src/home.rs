//! The way back of one announced buffer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zerohop_frame::{Recycle, Release, Stage};
use zerohop_kernel::clock_monotonic;
use zerohop_wire::{Peer, StreamId, WireBufferId};

use crate::shared::Shared;

/// How long the thread may take to hear the last words of a producer. It waits for nobody.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Knows the producer of a buffer, and the picture that is out in it.
pub(crate) struct Home {
    peer: Arc<Peer>,
    stream: StreamId,
    buffer: WireBufferId,
    out: Mutex<Option<Out>>,
    /// Whether the producer will not write the buffer again.
    retired: AtomicBool,
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
    pub(crate) fn new(
        peer: Arc<Peer>,
        stream: StreamId,
        buffer: WireBufferId,
        shared: Arc<Shared>,
    ) -> Arc<Self> {
        let (out, retired) = (Mutex::new(None), AtomicBool::new(false));
        Arc::new(Self { peer, stream, buffer, out, retired, shared })
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

    /// Notes that no picture will follow in the buffer.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Whether a picture is out.
    pub(crate) fn is_out(&self) -> bool {
        self.out().is_some()
    }

    /// What the producer has no room for is left to whoever hears it.
    fn leave_unsent(&self) {
        if self.peer.has_unsent() {
            self.shared.wake.ring();
        }
    }

    fn out(&self) -> MutexGuard<'_, Option<Out>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recycle for Home {
    /// Sends the release from the thread that drops the frame.
    fn recycle(&self, release: Release) {
        // Before the producer hears of it: its next picture may come at once.
        let Some(out) = self.out().take() else { return };
        if out.delivered {
            let now = clock_monotonic();
            self.shared.observer.span(release.sequence, Stage::Release, out.received, now);
        }
        // A producer that is gone needs no release, and the thread finds out by itself.
        let _ = self.peer.release(self.buffer, out.sequence, release.after);
        self.leave_unsent();
    }

    fn say_still(&self, still: bool) {
        // A producer that is gone keeps nothing.
        let _ = self.peer.say_still(self.stream, still);
        self.leave_unsent();
    }

    /// A producer writes no buffer that is out while it is connected, and never one that it had
    /// retired. Afterwards it may, unless its process has ended and did not say before that it
    /// takes them back. What it said is known once its last words were heard.
    fn is_intact(&self) -> bool {
        self.peer.is_connected()
            || self.peer.has_left(LAST_WORDS)
            || self.retired.load(Ordering::Acquire)
    }
}
