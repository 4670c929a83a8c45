//! How recordings get to the device, and who hears when they are done.

use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::{Frame, SyncPoint};

use crate::laps::Laps;
use crate::queue::Signals;
use crate::timeline::Count;
use crate::{Error, Recording};

impl Recording {
    /// Submits. Every picture read is held until the returned point, at which also all that was
    /// written is complete, for the CPU too. Where no point leaves the device that the maker of each
    /// picture takes, waits for it.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Timeout`]. Frames go home either way.
    pub fn submit(mut self) -> Result<SyncPoint, Error> {
        let (device, id) = (Arc::clone(self.device()), self.device().id());
        let in_kind = |frame: &Arc<Frame>| frame.takes_timelines_of(id);
        let frames = &self.slot().frames;
        let fence =
            if frames.is_empty() { device.has_sync_files() } else { !frames.iter().all(in_kind) };
        if fence && !device.has_sync_files() || !fence && !device.shares_timelines() {
            return self.submit_and_wait().map(|_| SyncPoint::Signaled);
        }
        let (counts, answers) = self.counts(fence)?;
        self.finish()?;
        let slot = self.slot_mut();
        if fence {
            let _ = slot.signal()?;
        }
        let values = slot.submit(Signals { fence, counts: &counts })?;
        let points = counts.into_iter().zip(values);
        let points: Vec<_> = points
            .map(|(count, value)| SyncPoint::Timeline { which: count.shared, value })
            .collect();
        let file = match fence.then(|| slot.signal()?.export()).transpose() {
            Ok(file) => file,
            Err(err) => {
                // Nobody would know when the pictures are read.
                slot.wait()?;
                return Err(err);
            }
        };
        for (frame, answer) in slot.frames.drain(..).zip(answers) {
            let point = answer.map_or(file.as_ref(), |at| points.get(at));
            point.into_iter().for_each(|point| frame.hold_until(point.clone()));
        }
        Ok(file.or_else(|| points.into_iter().next()).unwrap_or_default())
    }

    /// The timelines that a submission counts on: ours, unless a `fence` says when it is done, and those
    /// of the pictures' makers; and which of them is for each picture.
    fn counts(&self, fence: bool) -> Result<(Vec<Count>, Vec<Option<usize>>), Error> {
        let device = self.device();
        let mut counts = if fence { Vec::new() } else { vec![device.count()?] };
        let mut answers = Vec::new();
        for frame in &self.slot().frames {
            let SyncPoint::Timeline { which, .. } = frame.acquire() else {
                answers.push(None);
                continue;
            };
            if which.device() != device.id() {
                answers.push(None);
                continue;
            }
            let count = device.count_for(which)?;
            let known = counts.iter().position(|one| one.shared.id() == count.shared.id());
            answers.push(known.or(Some(counts.len())));
            if known.is_none() {
                counts.push(count);
            }
        }
        Ok((counts, answers))
    }

    /// Submits and waits for the device. Returns how long it worked, where it can tell.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    pub fn submit_and_wait(mut self) -> Result<Option<Duration>, Error> {
        self.finish()?;
        self.run()?;
        let slot = self.slot_mut();
        let time = slot.gpu_time();
        slot.laps.iter_mut().for_each(Laps::read);
        Ok(time)
    }

    /// Submits what is recorded and finished, and waits for the device.
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        let slot = self.slot_mut();
        slot.submit(Signals::default())?;
        slot.wait()?;
        slot.check_waits()?;
        slot.frames.clear();
        Ok(())
    }
}
