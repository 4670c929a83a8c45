//! Timelines that are imported once.

use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Weak};

use zerohop_frame::{Timeline, TimelineId};

use crate::{Device, Error, Semaphore, SemaphoreKind, Uuid};

/// Each timeline's semaphore, from its first sight until it is gone.
pub struct Timelines {
    device: Arc<Device>,
    known: HashMap<TimelineId, (Weak<Timeline>, Arc<Semaphore>)>,
}

impl Timelines {
    /// An empty cache.
    pub fn new(device: &Arc<Device>) -> Self {
        Self { device: Arc::clone(device), known: HashMap::new() }
    }

    /// The semaphore of `timeline`.
    ///
    /// # Errors
    ///
    /// [`Error::Forsaken`] when its values mean nothing any more; [`Error::NotImportable`] when it is
    /// another device's; [`Error::Call`].
    pub fn get(&mut self, timeline: &Arc<Timeline>) -> Result<Arc<Semaphore>, Error> {
        if let Some(why) = timeline.forsaken() {
            return Err(Error::Forsaken(why.to_owned()));
        }
        if let Some((_, semaphore)) = self.known.get(&timeline.id()) {
            return Ok(Arc::clone(semaphore));
        }
        let owner = Uuid(timeline.device().device_uuid);
        if owner != self.device.gpu().uuid {
            return Err(Error::NotImportable(format!("a timeline of another device, {owner}")));
        }
        self.known.retain(|_, (timeline, _)| timeline.strong_count() > 0);
        let semaphore = Semaphore::import(&self.device, timeline.as_fd(), SemaphoreKind::Timeline)?;
        let entry = (Arc::downgrade(timeline), Arc::clone(&semaphore));
        self.known.insert(timeline.id(), entry);
        Ok(semaphore)
    }
}
