//! What is looked at, and what is made of it: damage, lost pictures, verdicts.

use std::sync::Arc;

use zerohop_frame::{Damage, Fallback, Frame, Kept, Observer};

use crate::{Error, Grid, Route, TileSet, Tracker, Verdict};

/// In how many pictures each tile outside of the damage is looked at once.
const ROUNDS: usize = 16;

/// Looks at tiles, and says which have changed.
pub(crate) type Eyes<'a> = dyn FnMut(&TileSet) -> Result<TileSet, Error> + 'a;

/// Follows the pictures of one stream.
pub(crate) struct Watch {
    grid: Grid,
    observer: Arc<dyn Observer>,
    tracker: Tracker,
    /// The picture before; `None` when what is known is of none.
    seen: Option<Seen>,
    /// Whether the source's damage was right so far.
    trusted: bool,
    /// Which of the tiles outside of the damage are next.
    turn: usize,
}

/// A picture whose hashes are known.
struct Seen {
    sequence: u64,
    route: Route,
}

impl Watch {
    pub(crate) fn new(grid: Grid, observer: Arc<dyn Observer>) -> Self {
        let tracker = Tracker::new(grid);
        Self { grid, observer, tracker, seen: None, trusted: true, turn: 0 }
    }

    /// Whether the hashes of the picture before are known where `route` reads.
    pub(crate) fn knows(&self, route: Route) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.route == route)
    }

    /// What `frame` is worth, as `eyes` see it. After an error everything counts as changed.
    pub(crate) fn judge(
        &mut self,
        frame: &Frame,
        route: Route,
        eyes: &mut Eyes<'_>,
    ) -> Result<Verdict, Error> {
        let now = Seen { sequence: frame.info().sequence, route };
        let before = self.seen.take().filter(|before| before.route == now.route);
        let tiles = match before {
            None => {
                let all = TileSet::all(self.grid);
                eyes(&all)?;
                all
            }
            Some(before) if before.sequence.checked_add(1) == Some(now.sequence) => {
                self.look_at_damage(frame, eyes)?
            }
            // A picture was lost, and with it what its damage said.
            Some(_) => eyes(&TileSet::all(self.grid))?,
        };
        self.seen = Some(now);
        Ok(self.verdict(tiles, frame))
    }

    /// Notes pictures that equal the one before them, and did not come: damage of the next one is against
    /// that one too, if it was seen.
    pub(crate) fn keep(&mut self, kept: &Kept) {
        if let Some(seen) = &mut self.seen
            && seen.sequence.checked_add(kept.count) == Some(kept.sequence)
        {
            seen.sequence = kept.sequence;
        }
    }

    /// Forgets the picture before, of which somebody lacks what was seen: the next one is all new.
    pub(crate) fn forget(&mut self) {
        self.seen = None;
    }

    fn look_at_damage(&mut self, frame: &Frame, eyes: &mut Eyes<'_>) -> Result<TileSet, Error> {
        let rects = match &frame.info().damage {
            Damage::Rects(rects) if self.trusted => rects,
            _ => return eyes(&TileSet::all(self.grid)),
        };
        let mut look = TileSet::none(self.grid);
        rects.iter().for_each(|rect| look.insert_rect(rect));
        let damage = look.clone();
        look.insert_every(self.turn, ROUNDS);
        self.turn = (self.turn + 1) % ROUNDS;
        let mut changed = eyes(&look)?;
        if !damage.contains_all(&changed) {
            self.distrust(frame);
            changed.union_with(&eyes(&TileSet::all(self.grid))?);
        }
        Ok(changed)
    }

    fn distrust(&mut self, frame: &Frame) {
        self.trusted = false;
        let sequence = frame.info().sequence;
        self.observer.fallback(Fallback {
            what: "damage".into(),
            reason: format!("picture {sequence} changed outside of the damage it came with"),
            cost: "every tile of every picture is looked at".into(),
        });
    }

    fn verdict(&mut self, tiles: TileSet, frame: &Frame) -> Verdict {
        let region = self.tracker.observe(&tiles, frame.info().timestamp);
        if tiles.is_empty() {
            return Verdict::Unchanged;
        }
        match region {
            Some(region) => Verdict::Region { tiles, region },
            None => Verdict::Changed { rect: tiles.bounds(), tiles },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use arrayvec::ArrayVec;
    use zerohop_frame::{
        Color, Extent, Fourcc, FrameDescriptor, FrameInfo, MemoryHandle, Modifier, PlaneLayout,
        Rect, Recycle, Release, SharedBuffer, Stage, SyncPoint,
    };

    use super::*;

    const EXTENT: Extent = Extent { width: 1024, height: 16 };

    struct Nobody;

    impl Recycle for Nobody {
        fn recycle(&self, _: Release) {}
    }

    impl Observer for Nobody {
        fn span(&self, _: u64, _: Stage, _: Duration, _: Duration) {}
        fn cpu_copy(&self, _: u64, _: u64, _: &'static str) {}
        fn gpu_copy(&self, _: u64, _: &'static str) {}
        fn dropped(&self, _: u64, _: &'static str) {}
        fn fallback(&self, _: Fallback) {}
    }

    /// A picture with damage in its first tile.
    fn frame(sequence: u64) -> Frame {
        let descriptor = FrameDescriptor {
            extent: EXTENT,
            fourcc: Fourcc::XRGB8888,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 4096 }]),
            color: Color::SRGB,
        };
        let memory = MemoryHandle::Shm(std::fs::File::open("/dev/null").expect("Linux").into());
        let buffer = SharedBuffer::new(descriptor, ArrayVec::from_iter([memory]));
        let rects = ArrayVec::from_iter([Rect { x: 0, y: 0, width: 1, height: 1 }]);
        let info = FrameInfo {
            sequence,
            timestamp: Duration::ZERO,
            presented: Duration::ZERO,
            damage: Damage::Rects(rects),
        };
        Frame::new(buffer.expect("a buffer"), info, SyncPoint::Signaled, Arc::new(Nobody))
    }

    #[test]
    fn damage_is_against_a_kept_picture_if_the_one_before_it_was_seen() {
        let looked_at = |kept: &[(u64, u64)], next| {
            let mut watch = Watch::new(Grid::of(EXTENT), Arc::new(Nobody));
            let none = |_: &TileSet| Ok(TileSet::none(Grid::of(EXTENT)));
            watch.judge(&frame(0), Route::InPlace, &mut { none }).expect("seen");
            for &(count, sequence) in kept {
                watch.keep(&Kept { count, sequence, timestamp: Duration::ZERO });
            }
            let mut looked = 0;
            let mut eyes = |look: &TileSet| {
                looked = look.len();
                none(look)
            };
            watch.judge(&frame(next), Route::InPlace, &mut eyes).expect("seen");
            looked
        };
        let (all, some) = (64, 1 + 64 / ROUNDS);
        assert!((2..=some).contains(&looked_at(&[], 1)));
        assert_eq!(looked_at(&[], 5), all, "four were lost");
        assert!((2..=some).contains(&looked_at(&[(3, 3), (1, 4)], 5)));
        assert_eq!(looked_at(&[(3, 4)], 5), all, "one between them was lost");
        assert_eq!(looked_at(&[(3, 3)], 5), all, "one after them was lost");
    }
}
