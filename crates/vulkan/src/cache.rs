//! Imports that are made once.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use zerohop_frame::{BufferId, SharedBuffer, with_causes};

use crate::{Device, Error, Image, Way};

/// Each buffer's image, from the first sight of the buffer until it is gone.
///
/// An import that failed is remembered as well: it is not tried again for every picture.
pub struct ImportCache {
    device: Arc<Device>,
    ways: &'static [Way],
    images: HashMap<BufferId, Entry>,
}

struct Entry {
    buffer: Weak<SharedBuffer>,
    image: Result<Arc<Image>, String>,
}

/// An image out of the cache.
pub struct Cached {
    /// The picture.
    pub image: Arc<Image>,
    /// Whether it was imported just now.
    pub fresh: bool,
}

impl ImportCache {
    /// An empty cache.
    pub fn new(device: &Arc<Device>) -> Self {
        Self::by(device, &Way::ALL)
    }

    /// An empty cache of images that come in by one of `ways` ([`Image::import_by`]).
    pub fn by(device: &Arc<Device>, ways: &'static [Way]) -> Self {
        Self { device: Arc::clone(device), ways, images: HashMap::new() }
    }

    /// The image of `buffer`.
    ///
    /// # Errors
    ///
    /// Why the import failed; [`Error::Latched`] when it failed before.
    pub fn get(&mut self, buffer: &Arc<SharedBuffer>) -> Result<Cached, Error> {
        if let Some(entry) = self.images.get(&buffer.id()) {
            return match &entry.image {
                Ok(image) => Ok(Cached { image: Arc::clone(image), fresh: false }),
                Err(why) => Err(Error::Latched(why.clone())),
            };
        }
        // A new buffer is when old ones have gone.
        self.evict();
        let image = Image::import_by(&self.device, buffer, self.ways).map(Arc::new);
        let kept = image.as_ref().map(Arc::clone).map_err(|err| with_causes(err));
        let entry = Entry { buffer: Arc::downgrade(buffer), image: kept };
        self.images.insert(buffer.id(), entry);
        image.map(|image| Cached { image, fresh: true })
    }

    /// Forgets the images whose buffers are gone. Those that submissions still read live on until
    /// these are done.
    pub fn evict(&mut self) {
        self.images.retain(|_, entry| entry.buffer.strong_count() > 0);
    }

    /// How many buffers are remembered.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }
}
