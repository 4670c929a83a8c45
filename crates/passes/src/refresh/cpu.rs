//! The twin of the shader that finds hashes and writes what is new: the same from the same codes.

use zerohop_kernel::{VectorWork, vectorized};

use crate::classify::{Hash, Keys, hash_of, lift};
use crate::convert::Conversion;
use crate::convert::cpu::{Job, convert_tile};
use crate::convert::decode::{Decode, Tiles, decoded};
use crate::{Rows, TileSet};

/// What is known of a picture, and what was written of it.
pub(super) struct Kept<'a> {
    pub(super) keys: &'a Keys,
    pub(super) hashes: &'a mut [Hash],
    pub(super) stale: &'a mut TileSet,
    pub(super) out: &'a mut [u8],
}

/// Looks at the tiles in `look` and at those that are stale, writes what changed and what was stale,
/// and returns what changed.
pub(super) fn look(
    picture: &impl Rows,
    conversion: &Conversion,
    look: &TileSet,
    kept: Kept<'_>,
) -> TileSet {
    let Kept { keys, hashes, stale, out } = kept;
    let mut tiles = look.clone();
    tiles.union_with(stale);
    let mut changed = TileSet::none(look.grid());
    let job = &conversion.twin();
    let (tiles, changes) = (&tiles, &mut changed);
    vectorized(Work { picture, job, keys, hashes, tiles, stale: &*stale, out, changed: changes });
    stale.clear();
    changed
}

struct Work<'a, R> {
    picture: &'a R,
    job: &'a Job<'a>,
    keys: &'a Keys,
    hashes: &'a mut [Hash],
    tiles: &'a TileSet,
    stale: &'a TileSet,
    out: &'a mut [u8],
    changed: &'a mut TileSet,
}

impl<R: Rows> VectorWork for Work<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let job = self.job;
        decoded(job, self);
    }
}

impl<R: Rows> Tiles for Work<'_, R> {
    #[inline(always)]
    fn each<D: Decode>(&mut self, decode: D) {
        let (grid, lift) = (self.tiles.grid(), lift(self.job.format));
        for index in self.tiles.iter() {
            let rect = grid.rect(index);
            let hash = hash_of::<D::Words>(self.picture, &rect, self.keys, lift);
            let is_new = self.hashes[index] != hash;
            if is_new {
                self.hashes[index] = hash;
                self.changed.insert(index);
            }
            if is_new || self.stale.contains(index) {
                convert_tile(decode, self.picture, self.job, &rect, self.out);
            }
        }
    }
}
