//! The timelines of one producer, and what becomes of one that does not keep to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use zerohop_frame::{SyncPoint, Timeline, Writer};
use zerohop_wire::{Peer, Point, SharedTimeline, WireTimelineId};

use crate::report::{MAX_KEPT, Refusal};
use crate::shared::Shared;

/// See the module.
#[derive(Default)]
pub(crate) struct Promises(BTreeMap<WireTimelineId, Arc<Timeline>>);

/// The producer that signals a timeline.
struct Promiser {
    peer: Arc<Peer>,
    name: String,
    shared: Arc<Shared>,
}

impl Promises {
    /// Takes in one that `name` behind `peer` has announced.
    pub(crate) fn announce(
        &mut self,
        announced: SharedTimeline,
        peer: &Arc<Peer>,
        name: &str,
        shared: &Arc<Shared>,
    ) {
        let (peer, name, shared) = (Arc::clone(peer), name.to_owned(), Arc::clone(shared));
        let writer = Box::new(Promiser { peer, name, shared });
        let timeline = Timeline::new(announced.device, announced.fd, Some(writer));
        self.0.insert(announced.timeline, timeline);
    }

    /// How many descriptors they hold: each its own, and that of the timeline that it is answered with.
    pub(crate) fn descriptors(&self) -> usize {
        2 * self.0.len()
    }

    /// No point will name it any more.
    pub(crate) fn retire(&mut self, timeline: WireTimelineId) {
        self.0.remove(&timeline);
    }

    /// The moment that `point` means. `None` for a timeline that was not announced, which a [`Peer`]
    /// refuses.
    pub(crate) fn moment(&self, point: Point) -> Option<SyncPoint> {
        Some(match point {
            Point::Signaled => SyncPoint::Signaled,
            Point::SyncFile(file) => SyncPoint::SyncFile(file),
            Point::Timeline { timeline, value } => {
                SyncPoint::Timeline { which: Arc::clone(self.0.get(&timeline)?), value }
            }
        })
    }
}

impl Writer for Promiser {
    fn lives(&self) -> bool {
        self.peer.is_connected()
    }

    fn refuse(&self, why: &str) {
        if !self.lives() {
            return;
        }
        self.peer.dismiss(why);
        let (pid, name) = (self.peer.credentials().pid, self.name.clone());
        let mut report = self.shared.report();
        report.refused_count += 1;
        if report.refused.len() < MAX_KEPT {
            report.refused.push(Refusal { pid, name, reason: why.to_owned() });
        }
        drop(report);
        self.shared.wake.ring();
    }
}
