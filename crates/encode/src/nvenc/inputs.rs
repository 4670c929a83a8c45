//! The application's images, as the encoder knows them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use zerohop_cuda::{ImportCache, Picture, Rows, Stacked, Stream};
use zerohop_frame::{BufferId, Extent, Frame, SharedBuffer};
use zerohop_nvenc::{Encoder, Input};

use crate::Error;

/// Each buffer's registration, from the first sight of the buffer until it is gone.
pub(super) struct Inputs {
    pictures: ImportCache,
    known: HashMap<BufferId, (Weak<SharedBuffer>, Arc<Input>)>,
}

impl Inputs {
    pub(super) fn new(stream: &Stream) -> Self {
        Self { pictures: ImportCache::new(stream.device()), known: HashMap::new() }
    }

    /// The picture of `frame`, imported and registered when its buffer is seen for the first time.
    pub(super) fn of<T: Send + 'static>(
        &mut self,
        frame: &Frame,
        encoder: &Encoder<T>,
    ) -> Result<Arc<Input>, Error> {
        let extent = frame.buffer().descriptor().extent;
        self.once(frame, |all| Ok(encoder.register(all.picture(frame)?, extent)?))
    }

    /// The rows of `frame`, which our passes wrote on this GPU, as [`of`](Self::of). The chip is told of the
    /// rows between luma and chroma too: it finds the chroma below as many rows as are registered.
    pub(super) fn stacked<T: Send + 'static>(
        &mut self,
        frame: &Frame,
        encoder: &Encoder<T>,
    ) -> Result<Arc<Input>, Error> {
        let buffer = frame.buffer();
        self.once(frame, |all| {
            let stacked = Stacked::import(all.pictures.device(), buffer)?;
            let width = buffer.descriptor().extent.width;
            let extent = Extent { width, height: stacked.luma_rows() };
            Ok(encoder.register(stacked, extent)?)
        })
    }

    /// What is known of the buffer of `frame`, or what `register` makes of it now.
    fn once(
        &mut self,
        frame: &Frame,
        register: impl FnOnce(&mut Self) -> Result<Arc<Input>, Error>,
    ) -> Result<Arc<Input>, Error> {
        let buffer = frame.buffer();
        if let Some((_, input)) = self.known.get(&buffer.id()) {
            return Ok(Arc::clone(input));
        }
        self.known.retain(|_, (buffer, _)| buffer.strong_count() > 0);
        let input = register(self)?;
        self.known.insert(buffer.id(), (Arc::downgrade(buffer), Arc::clone(&input)));
        Ok(input)
    }

    /// The picture of `frame`, imported when its buffer is seen for the first time.
    pub(super) fn picture(&mut self, frame: &Frame) -> Result<Arc<Picture>, Error> {
        let buffer = frame.buffer();
        let rows = buffer.opaque_rows().map(|(offset, pitch)| Rows { offset, pitch });
        Ok(self.pictures.get(buffer, rows)?.picture)
    }

    /// Forgets the registrations, which were with an encoder that is no more.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}
