//! The timelines that one side of a connection has announced.

use std::collections::BTreeMap;

use zerohop_frame::DeviceId;

use crate::{MAX_STEP, MAX_TIMELINES, Point, SharedTimeline, Violation, WireTimelineId};

/// See the module. No descriptor is in here.
#[derive(Debug, Default)]
pub(crate) struct Timelines {
    /// The devices whose timelines the other side takes.
    devices: Vec<DeviceId>,
    /// Each with the farthest value that was named of it.
    known: BTreeMap<WireTimelineId, u64>,
    last: Option<WireTimelineId>,
}

impl Timelines {
    /// From now on, timelines of `device` may be announced.
    pub(crate) fn take(&mut self, device: DeviceId) {
        if !self.takes(device) {
            self.devices.push(device);
        }
    }

    /// Whether they may.
    pub(crate) fn takes(&self, device: DeviceId) -> bool {
        self.devices.contains(&device)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether `shared` may be announced.
    pub(crate) fn check_announce(&self, shared: &SharedTimeline) -> Result<(), Violation> {
        let SharedTimeline { timeline, device, .. } = shared;
        if let Some(last) = self.last.filter(|last| timeline <= last) {
            let (id, last) = (u64::from(timeline.0), u64::from(last.0));
            return Err(Violation::Order { what: "timeline", id, last });
        }
        if !self.takes(*device) {
            return Err(Violation::TimelineDevice(timeline.0));
        }
        if self.len() >= MAX_TIMELINES {
            let (value, most) = (self.len() as u64 + 1, MAX_TIMELINES as u64);
            return Err(Violation::Range {
                what: "the number of timelines",
                value,
                least: 0,
                most,
            });
        }
        Ok(())
    }

    /// Notes that it was.
    pub(crate) fn announce(&mut self, shared: &SharedTimeline) {
        self.last = Some(shared.timeline);
        self.known.insert(shared.timeline, shared.value);
    }

    /// Whether a timeline was announced and not retired.
    pub(crate) fn check(&self, timeline: WireTimelineId) -> Result<u64, Violation> {
        self.known.get(&timeline).copied().ok_or(Violation::NoTimeline(timeline.0))
    }

    /// Whether `value` is so far beyond what was named of `timeline` that it must be announced anew.
    pub(crate) fn is_far(&self, timeline: WireTimelineId, value: u64) -> bool {
        self.check(timeline).is_ok_and(|farthest| value > farthest.saturating_add(MAX_STEP))
    }

    /// Notes that it is retired.
    pub(crate) fn retire(&mut self, timeline: WireTimelineId) {
        self.known.remove(&timeline);
    }

    /// Whether `point` may be named.
    pub(crate) fn check_point(&self, point: &Point) -> Result<(), Violation> {
        let Point::Timeline { timeline, value } = *point else { return Ok(()) };
        let most = self.check(timeline)?.saturating_add(MAX_STEP);
        match value {
            1.. if value <= most => Ok(()),
            _ => Err(Violation::TimelineValue { timeline: timeline.0, value, most }),
        }
    }

    /// Notes that it was.
    pub(crate) fn note_point(&mut self, point: &Point) {
        if let Point::Timeline { timeline, value } = point
            && let Some(farthest) = self.known.get_mut(timeline)
        {
            *farthest = value.max(farthest).to_owned();
        }
    }
}
