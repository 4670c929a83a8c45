//! Words that pass between the host and a shader: what it is to do, and what it found.
//!
//! Where the host's memory lies across a bus, a shader works in memory of the device, and a copy
//! brings the words there or back: a word that each of a thousand workgroups asks for over the bus
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

    /// Writes zeros, for what is recorded next.
    pub(crate) fn clear(&self, recording: &mut Recording) {
        match &self.near {
            Some(near) => {
                recording.clear(near);
                recording.barrier();
            }
            None => self.host.clear(),
        }
    }

    /// Writes the zeros that recorded commands do not write: where shaders see the host's memory.
    pub(crate) fn clear_here(&self) {
        if self.near.is_none() {
            self.host.clear();
        }
    }

    /// Brings the words to the host, once what was recorded is done.
    pub(crate) fn fetch(&self, recording: &mut Recording) {
        if let Some(near) = &self.near {
            recording.barrier();
            recording.copy_ranges(near, &self.host, &[(0, near.size())]);
        }
    }

    /// Reads the first words, after what was recorded is done.
    pub(crate) fn read(&self, out: &mut [u32]) {
        let mut bytes = [0; 256];
        for (index, words) in out.chunks_mut(bytes.len() / 4).enumerate() {
            let some = &mut bytes[..words.len() * 4];
            self.host.read_into((index * 256) as u64, some);
            let read = some.as_chunks().0.iter().map(|word| u32::from_ne_bytes(*word));
            words.iter_mut().zip(read).for_each(|(word, read)| *word = read);
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
