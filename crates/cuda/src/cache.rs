//! Imports that are made once.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use zerohop_frame::{BufferId, SharedBuffer, with_causes};

use crate::{Device, Error, Picture, Rows};

/// Each buffer's picture, from the first sight of the buffer until it is gone.
///
/// An import that failed is remembered as well: it is not tried again for every picture.
pub struct ImportCache {
    device: Arc<Device>,
    pictures: HashMap<BufferId, Entry>,
}

struct Entry {
    buffer: Weak<SharedBuffer>,
    picture: Result<Arc<Picture>, String>,
}

/// A picture out of the cache.
pub struct Cached {
    /// The picture.
    pub picture: Arc<Picture>,
    /// How long its import took, if it was imported just now.
    pub imported: Option<Duration>,
}

impl ImportCache {
    /// An empty cache.
    pub fn new(device: &Arc<Device>) -> Self {
        Self { device: Arc::clone(device), pictures: HashMap::new() }
    }

    /// Whose pictures they are.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// The picture of `buffer`; see [`Picture::import`].
    ///
    /// # Errors
    ///
    /// Why the import failed; [`Error::Latched`] when it failed before; [`Error::Lost`].
    pub fn get(&mut self, buffer: &Arc<SharedBuffer>, rows: Option<Rows>) -> Result<Cached, Error> {
        if let Some(entry) = self.pictures.get(&buffer.id()) {
            return match &entry.picture {
                Ok(picture) => Ok(Cached { picture: Arc::clone(picture), imported: None }),
                Err(why) => Err(Error::Latched(why.clone())),
            };
        }
        // A new buffer is when old ones have gone.
        self.evict();
        let begin = Instant::now();
        let picture = Picture::import(&self.device, buffer, rows).map(Arc::new);
        if picture.as_ref().is_err_and(Error::is_lost) {
            return picture.map(|picture| Cached { picture, imported: None });
        }
        let kept = picture.as_ref().map(Arc::clone).map_err(|err| with_causes(err));
        let entry = Entry { buffer: Arc::downgrade(buffer), picture: kept };
        self.pictures.insert(buffer.id(), entry);
        picture.map(|picture| Cached { picture, imported: Some(begin.elapsed()) })
    }

    /// Forgets the pictures whose buffers are gone. Those that streams still read live on until
    /// these are done.
    pub fn evict(&mut self) {
        self.pictures.retain(|_, entry| entry.buffer.strong_count() > 0);
    }

    /// How many buffers are remembered.
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }
}
