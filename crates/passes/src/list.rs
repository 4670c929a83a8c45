//! Words that a shader is told.
//!
//! Where the host's memory lies across a bus, a shader reads memory of the device, and a copy
//! brings the words there: a word that each of a thousand workgroups asks for over the bus
//! costs more than the picture.

use std::sync::Arc;

use zerohop_vulkan::{Buffer, Device, Queue, Recording};

use crate::Error;

/// Words of the host, and where shaders see them.
pub(crate) struct Words {
    host: Arc<Buffer>,
    near: Option<Arc<Buffer>>,
}

impl Words {
    /// Room for `count` words of 4 bytes. `far` is whether the host lies across a bus.
    pub(crate) fn new(device: &Arc<Device>, count: usize, far: bool) -> Result<Self, Error> {
        let size = count as u64 * 4;
        let near = far.then(|| Buffer::new(device, size).map(Arc::new)).transpose()?;
        Ok(Self { host: Arc::new(Buffer::read_back(device, size)?), near })
    }

    /// Such that never change, where shaders see them.
    pub(crate) fn constant(
        queue: &Arc<Queue>,
        words: &[u32],
        far: bool,
    ) -> Result<Arc<Buffer>, Error> {
        let made = Self::new(queue.device(), words.len(), far)?;
        let mut recording = Recording::begin(queue)?;
        made.send(&mut recording, &bytes(words));
        if far {
            let _ = recording.submit_and_wait()?;
        }
        Ok(Arc::clone(made.buffer()))
    }

    /// What shaders bind.
    pub(crate) fn buffer(&self) -> &Arc<Buffer> {
        self.near.as_ref().unwrap_or(&self.host)
    }

    /// Writes the first words, for what is recorded next.
    pub(crate) fn send(&self, recording: &mut Recording, words: &[u8]) {
        self.host.write(0, words);
        if let (Some(near), 1..) = (&self.near, words.len()) {
            recording.copy_ranges(&self.host, near, &[(0, words.len() as u64)]);
            recording.barrier();
        }
    }
}

/// The words in a row.
pub(crate) fn bytes(words: &[u32]) -> Vec<u8> {
    packed(words.iter().copied(), words.len())
}

/// The words in a row, at most `most` of them. Each at once: byte by byte, the 32400 tiles of a
/// picture of 3840x2160 would take 0.3 ms, and not 0.07.
pub(crate) fn packed(words: impl Iterator<Item = u32>, most: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(most * 4);
    words.for_each(|word| bytes.extend_from_slice(&word.to_ne_bytes()));
    bytes
}
