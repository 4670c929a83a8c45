//! What a shader found, as its workgroups tell it: a word for each, with a bit for each of its eight
//! tasks whose tile changed.
//!
//! The words lie in the host's memory, also where that is across a bus: a workgroup writes its word once, and
//! only where something changed, and the host, which reads them all, writes the zeros. So an unchanged
//! picture moves nothing over the bus, the dispatch needs no command before it or after it, and the
//! host finds its zeros in its own cache.

use std::sync::Arc;

use zerohop_vulkan::{Buffer, Device};

use crate::{Error, Grid, TileSet};

/// Tasks of a workgroup.
const EACH: usize = 8;
/// Bytes that are read at once.
const CHUNK: usize = 4096;

/// How tasks are spread over workgroups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Every workgroup has tiles of one row of the picture: [`groups_of_tiles`] without a list.
    ///
    /// [`groups_of_tiles`]: crate::shader::groups_of_tiles
    Rows,
    /// One after the other.
    Line,
}

/// The words of all workgroups.
pub(crate) struct Found {
    words: Arc<Buffer>,
    grid: Grid,
}

impl Found {
    /// For pictures of `grid`. Nothing is found yet.
    pub(crate) fn new(device: &Arc<Device>, grid: Grid) -> Result<Self, Error> {
        let most = groups_of_row(grid) * grid.rows() as usize;
        Ok(Self { words: Arc::new(Buffer::read_back(device, most as u64 * 4)?), grid })
    }

    /// What shaders write.
    pub(crate) fn words(&self) -> &Arc<Buffer> {
        &self.words
    }

    /// The tiles of `looked` that have changed, as the shader said that looked at them in that `order`.
    /// It is done, and what it said is forgotten.
    pub(crate) fn take(&self, looked: &TileSet, order: Order) -> TileSet {
        let mut tiles = TileSet::none(self.grid);
        let told = self.told();
        match order {
            Order::Rows => told.iter().for_each(|(group, bits)| {
                let (row, x) = (group / groups_of_row(self.grid), group % groups_of_row(self.grid));
                tiles.insert_eight(row * self.grid.columns() as usize + x * EACH, *bits as u8);
            }),
            Order::Line if told.is_empty() => {}
            Order::Line => {
                let list: Vec<_> = looked.iter().collect();
                for (group, bits) in told {
                    let some = list.iter().skip(group * EACH).take(EACH).enumerate();
                    some.filter(|(i, _)| bits >> i & 1 != 0).for_each(|(_, it)| tiles.insert(*it));
                }
            }
        }
        tiles
    }

    /// The workgroups that found something, and their words, which become zeros.
    fn told(&self) -> Vec<(usize, u32)> {
        let size = self.words.size() as usize;
        let mut told = Vec::new();
        let mut chunk = [0; CHUNK];
        for start in (0..size).step_by(CHUNK) {
            let some = &mut chunk[..CHUNK.min(size - start)];
            self.words.read_into(start as u64, some);
            for (place, word) in some.as_chunks().0.iter().enumerate() {
                let bits = u32::from_ne_bytes(*word);
                if bits != 0 {
                    let group = start / 4 + place;
                    self.words.write(group as u64 * 4, &[0; 4]);
                    told.push((group, bits));
                }
            }
        }
        told
    }
}

fn groups_of_row(grid: Grid) -> usize {
    (grid.columns() as usize).div_ceil(EACH)
}
