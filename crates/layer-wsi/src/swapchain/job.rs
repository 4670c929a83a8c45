//! What the thread does with one picture.

use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::{SyncPoint, waiting};
use zerohop_layer::{Doing, LayerError, chain_line};
use zerohop_wire::FrameMessage;

use super::chain::Seen;
use super::gate::Fence;
use super::handover::Host;
use super::hint::Asking;
use super::image::Image;
use super::line::Parcel;
use super::looks::{Looking, Looks};
use super::outlet::Outlet;
use super::plan::SwapchainPlan;
use super::ring::Fences;
use super::rotation::Rotation;
use super::staging::Staging;
use super::stream::{Flow, Stream};
use crate::device::{DeviceState, QueueState};
use crate::trace;

/// How long a picture may take on the GPU. A host would have to wait as long for any other.
const PATIENCE: Duration = Duration::from_secs(10);

/// A picture that does not go directly.
pub(crate) struct Job {
    /// What is to be done.
    pub(crate) task: Task,
    /// Whose picture it is.
    pub(crate) stream: Arc<Stream>,
    /// The image.
    pub(crate) image: Arc<Image>,
    /// How that was made.
    pub(crate) plan: Arc<SwapchainPlan>,
    /// Where it goes back to.
    pub(crate) rotation: Arc<Rotation>,
    /// Which image of that.
    pub(crate) index: usize,
    /// What is sent.
    pub(crate) frame: FrameMessage,
    /// Where to.
    pub(crate) outlet: Outlet,
    /// What was seen of the pictures before it.
    pub(crate) looks: Arc<Looks>,
}

/// See [`Job`].
pub(crate) enum Task {
    /// The CPU copies it, once this signals.
    Copy(Arc<Fence>, Arc<Staging>),
    /// It was looked at, as will be known when it is drawn, and is sent if it changed.
    Look {
        /// When it is drawn.
        drawn: Drawn,
        /// With what.
        with: Looking,
        /// When the host may read it.
        acquire: SyncPoint,
    },
    /// It is sent after those before it, to be read from this point on.
    Send(SyncPoint),
}

/// When a picture is drawn.
pub(crate) enum Drawn {
    /// When this signals.
    Fence(Arc<Fence>),
    /// When the timeline of the queue comes to this value.
    Count(Arc<DeviceState>, Arc<QueueState>, u64),
}

/// What became of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The host has it.
    Sent,
    /// It is the picture that the host has.
    Kept,
    /// The host does not have it.
    Lost,
}

impl Drawn {
    fn wait(&self) -> Result<(), LayerError> {
        let wait = || match self {
            Self::Fence(fence) => fence.wait(PATIENCE).doing("wait for a picture to be drawn"),
            Self::Count(device, queue, value) => device.wait_for(queue, *value, PATIENCE),
        };
        waiting("a picture to be looked at", wait)
    }
}

impl Job {
    /// Whether it must be drawn to be of use, so that it can be given up before.
    pub(super) fn is_copy(&self) -> bool {
        matches!(self.task, Task::Copy(..))
    }

    /// Does it.
    pub(super) fn run(&mut self) -> End {
        match std::mem::replace(&mut self.task, Task::Send(SyncPoint::Signaled)) {
            Task::Copy(drawn, staging) => self.copy(&drawn, &staging),
            Task::Look { drawn, with, acquire } => self.look(&drawn, &with, acquire),
            Task::Send(acquire) => self.send(&mut self.stream.lock(), acquire),
        }
    }

    fn copy(&self, drawn: &Fence, staging: &Staging) -> End {
        let drawn = drawn.wait(PATIENCE).doing("wait for a picture to be drawn");
        match drawn.and_then(|()| staging.fetch()) {
            Ok(()) => self.send(&mut self.stream.lock(), SyncPoint::Signaled),
            Err(err) => self.miss(&err),
        }
    }

    fn look(&self, drawn: &Drawn, with: &Looking, acquire: SyncPoint) -> End {
        if self.stream.hint.now() != Some(with.asking) {
            // The host wants it whatever it holds. When to read it, it knows.
            return self.send(&mut self.stream.lock(), acquire);
        }
        if let Err(err) = drawn.wait() {
            return self.miss(&err);
        }
        let (number, asking) = (with.number, with.asking);
        let seen = Seen { number, same: !with.looker.differs(self.index), asking };
        let (mut chain, mut flow) = (self.looks.chain(), self.stream.lock());
        if chain.may_keep(seen, &self.stream.hint, flow.got) && self.keep(&mut flow, asking) {
            return End::Kept;
        }
        let end = self.send(&mut flow, acquire);
        chain.sent((end == End::Sent).then_some(self.frame.sequence), asking);
        end
    }

    /// Counts it as one that the host has. `false`: it does not.
    fn keep(&self, flow: &mut Flow, asking: Asking) -> bool {
        let (sequence, at) = (self.frame.sequence, self.frame.timestamp);
        let kept = flow.is_next(sequence) && self.outlet.keep(&self.stream, asking, (sequence, at));
        if kept {
            flow.keep(sequence);
            trace::step("kept", sequence);
        }
        kept
    }

    fn send(&self, flow: &mut Flow, acquire: SyncPoint) -> End {
        let sequence = self.frame.sequence;
        if !flow.passes(sequence) {
            // A swapchain that took over was quicker.
            return End::Lost;
        }
        self.rotation.hand_on(self.index, sequence);
        let parcel = Parcel {
            stream: &self.stream,
            image: self.image.key(),
            rotation: &self.rotation,
            index: self.index,
            frame: self.frame.clone(),
            acquire,
        };
        if !self.outlet.send(parcel, || self.image.export(&self.plan)) {
            return End::Lost;
        }
        trace::step("sent", sequence);
        End::Sent
    }

    fn miss(&self, err: &LayerError) -> End {
        Host::get().fall_back("handover", &chain_line(err), "the host misses pictures");
        End::Lost
    }

    /// Gives the image back: the host does not get the picture.
    pub(super) fn give_up(&self) {
        self.rotation.release(self.index, self.frame.sequence, Fences::new());
    }
}
