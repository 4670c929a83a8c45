//! Learns the part of the picture that alone keeps changing.
//!
//! # The rule
//!
//! A *changed present* is one with at least one changed tile. A rectangle of tiles is the
//! **region** when
//!
//! 1. it is the smallest rectangle around the tiles that changed in 4 or more of the last 20
//!    changed presents;
//! 2. 17 or more of these changed nothing outside of it;
//! 3. these 20 span at least 0.3 seconds and at most four: a video changes several times a second
//!    for a while, a blinking cursor does so twice, and a burst is over soon;
//! 4. it is at least 3 tiles wide and high, and covers at most three quarters of the picture:
//!    below, nothing is gained; above, it is the picture itself that moves, as on a scrolling page.
//!
//! It stays the region until 7 of the last 32 changed presents changed something outside, or until
//! nothing inside changed for two seconds. Then the search begins anew.
//!
//! What the region shows does not matter: a cube that turns on a still background is one as well.
//! Its borders are those of tiles, so it may be up to 15 pixels larger than what moves on each side.

use std::time::Duration;

use zerohop_frame::Rect;

use crate::{Grid, TILE, TileSet};

/// How many changed presents a region is found in.
const SEEN: u32 = 20;
/// In how many of them a tile must have changed to count.
const OFTEN: u32 = 4;
/// How many of them may have changed something outside.
const ELSEWHERE: u32 = 3;
/// How long they take at least and at most.
const SPAN: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(300)..=Duration::from_secs(4);
/// How many of the last 32 changed presents may change something outside before the region is lost.
const OUTSIDE: u32 = 6;
/// The bits of a history that a region is found in.
const LAST: u32 = (1 << SEEN) - 1;
/// The least width and height, in tiles.
const LEAST: u32 = 3;
/// How long the region may be still.
const STILL: Duration = Duration::from_secs(2);

/// Watches which tiles change, present by present.
#[derive(Debug)]
pub struct Tracker {
    grid: Grid,
    /// For each tile, in which of the last 32 changed presents it changed: bit 0 is the latest.
    tiles: Vec<u32>,
    /// When the last changed presents were, the latest last.
    times: std::collections::VecDeque<Duration>,
    region: Option<Region>,
}

#[derive(Debug)]
struct Region {
    tiles: TileSet,
    rect: Rect,
    /// Which of the last changed presents changed something outside.
    outside: u32,
    /// When something inside changed last.
    moved: Duration,
}

impl Tracker {
    /// Knows nothing yet.
    pub fn new(grid: Grid) -> Self {
        Self { grid, tiles: vec![0; grid.len()], times: Default::default(), region: None }
    }

    /// The region, in pixels.
    pub fn region(&self) -> Option<Rect> {
        self.region.as_ref().map(|region| region.rect)
    }

    /// Takes note of a present at `now` that changed `tiles`, none if it is empty. Returns the
    /// region when all of them are inside.
    ///
    /// # Panics
    ///
    /// When `tiles` is of another grid.
    pub fn observe(&mut self, tiles: &TileSet, now: Duration) -> Option<Rect> {
        assert_eq!(self.grid, tiles.grid(), "tiles of one picture");
        self.forget_if_still(now);
        if tiles.is_empty() {
            return None;
        }
        self.remember(tiles, now);
        match &mut self.region {
            Some(region) => {
                let inside = region.tiles.contains_all(tiles);
                region.outside = region.outside << 1 | u32::from(!inside);
                if inside {
                    region.moved = now;
                }
                if region.outside.count_ones() > OUTSIDE {
                    self.forget();
                }
            }
            None => self.region = self.search(now),
        }
        let region = self.region.as_ref().filter(|region| region.tiles.contains_all(tiles));
        region.map(|region| region.rect)
    }

    fn remember(&mut self, tiles: &TileSet, now: Duration) {
        for history in &mut self.tiles {
            *history <<= 1;
        }
        for index in tiles.iter() {
            self.tiles[index] |= 1;
        }
        if self.times.len() == SEEN as usize {
            self.times.pop_front();
        }
        self.times.push_back(now);
    }

    fn forget_if_still(&mut self, now: Duration) {
        let still = |region: &Region| now.saturating_sub(region.moved) > STILL;
        if self.region.as_ref().is_some_and(still) {
            self.forget();
        }
    }

    /// Begins anew: what was seen before says nothing about what comes.
    fn forget(&mut self) {
        self.region = None;
        self.times.clear();
        self.tiles.fill(0);
    }

    /// The region by the rule above.
    fn search(&self, now: Duration) -> Option<Region> {
        let first = *self.times.front()?;
        let full = self.times.len() == SEEN as usize;
        if !full || !SPAN.contains(&now.saturating_sub(first)) {
            return None;
        }
        let mut often = TileSet::none(self.grid);
        for (index, history) in self.tiles.iter().enumerate() {
            if (history & LAST).count_ones() >= OFTEN {
                often.insert(index);
            }
        }
        let rect = often.bounds();
        if !self.is_sized(&rect) {
            return None;
        }
        let tiles = TileSet::touching(self.grid, &rect);
        let outside = self.outside(&tiles);
        let quiet = outside.count_ones() <= ELSEWHERE;
        quiet.then_some(Region { tiles, rect, outside, moved: now })
    }

    /// Which of the last changed presents changed a tile that is not in `region`.
    fn outside(&self, region: &TileSet) -> u32 {
        let others = self.tiles.iter().enumerate().filter(|(index, _)| !region.contains(*index));
        others.fold(0, |all, (_, history)| all | history) & LAST
    }

    fn is_sized(&self, rect: &Rect) -> bool {
        let (columns, rows) = (rect.width.div_ceil(TILE), rect.height.div_ceil(TILE));
        let area = u64::from(columns) * u64::from(rows);
        columns >= LEAST && rows >= LEAST && area * 4 <= self.grid.len() as u64 * 3
    }
}

#[cfg(test)]
mod tests {
    use zerohop_frame::Extent;

    use super::*;

    const VIDEO: Rect = Rect { x: 320, y: 160, width: 640, height: 368 };

    fn grid() -> Grid {
        Grid::of(Extent { width: 1280, height: 720 })
    }

    /// Presents `rects` in turn, `each` apart, and returns what came out.
    struct Show {
        tracker: Tracker,
        now: Duration,
        each: Duration,
    }

    impl Show {
        fn at(rate: u32) -> Self {
            let each = Duration::from_secs(1) / rate;
            Self { tracker: Tracker::new(grid()), now: Duration::from_secs(100), each }
        }

        fn present(&mut self, rects: &[Rect]) -> Option<Rect> {
            let mut tiles = TileSet::none(grid());
            rects.iter().for_each(|rect| tiles.insert_rect(rect));
            self.now += self.each;
            self.tracker.observe(&tiles, self.now)
        }

        /// How many of `count` presents were in a region.
        fn run(&mut self, count: u32, mut rects: impl FnMut(u32) -> Vec<Rect>) -> usize {
            (0..count).filter(|i| self.present(&rects(*i)).is_some()).count()
        }
    }

    #[test]
    fn a_video_on_a_still_page_is_the_region() {
        let mut show = Show::at(30);
        assert_eq!(show.run(19, |_| vec![VIDEO]), 0, "too early to tell");
        assert_eq!(show.run(281, |_| vec![VIDEO]), 281);
        assert_eq!(show.tracker.region(), Some(VIDEO));
    }

    #[test]
    fn unchanged_presents_in_between_do_not_matter() {
        let mut show = Show::at(60);
        let found = show.run(600, |i| if i % 2 == 0 { vec![VIDEO] } else { vec![] });
        assert_eq!(found, 300 - 19);
    }

    #[test]
    fn a_video_of_which_parts_change_is_the_region_around_them() {
        let mut show = Show::at(30);
        let part = |i: u32| Rect { x: 320 + i % 4 * 160, y: 160, width: 160, height: 368 };
        assert!(show.run(300, |i| vec![part(i)]) > 260);
        assert_eq!(show.tracker.region(), Some(VIDEO));
    }

    #[test]
    fn a_blinking_cursor_beside_a_video_does_not_end_it() {
        let mut show = Show::at(30);
        let cursor = Rect { x: 40, y: 40, width: 2, height: 18 };
        let rects = |i: u32| if i.is_multiple_of(15) { vec![VIDEO, cursor] } else { vec![VIDEO] };
        let found = show.run(300, rects);
        assert!(found >= 300 - 19 - 20, "{found}");
        assert_eq!(show.tracker.region(), Some(VIDEO));
    }

    #[test]
    fn a_blinking_cursor_alone_is_no_region() {
        let mut show = Show::at(2);
        let cursor = Rect { x: 40, y: 40, width: 2, height: 18 };
        assert_eq!(show.run(600, |_| vec![cursor]), 0);
        // Not even a large one: twice a second is no video.
        assert_eq!(show.run(600, |_| vec![VIDEO]), 0);
    }

    #[test]
    fn a_scrolling_page_is_no_region() {
        let mut show = Show::at(60);
        let page = Rect { x: 0, y: 80, width: 1264, height: 640 };
        assert_eq!(show.run(300, |_| vec![page]), 0);
    }

    #[test]
    fn scrolling_ends_the_region_and_rest_brings_it_back() {
        let mut show = Show::at(30);
        show.run(60, |_| vec![VIDEO]);
        let page = Rect { x: 0, y: 80, width: 1264, height: 640 };
        assert_eq!(show.run(30, |_| vec![page]), 0, "each changes something outside");
        assert_eq!(show.tracker.region(), None);
        let elsewhere = Rect { y: 240, ..VIDEO };
        show.run(64, |_| vec![elsewhere]);
        assert_eq!(show.tracker.region(), Some(elsewhere));
    }

    #[test]
    fn a_video_that_stops_is_forgotten() {
        let mut show = Show::at(30);
        show.run(60, |_| vec![VIDEO]);
        assert!(show.tracker.region().is_some());
        show.run(61, |_| vec![]);
        assert_eq!(show.tracker.region(), None);
    }

    /// Of pictures that stand still and are kept where they are made nobody is told.
    #[test]
    fn a_video_that_stops_unseen_is_forgotten_as_well() {
        let mut show = Show::at(30);
        show.run(60, |_| vec![VIDEO]);
        show.now += STILL;
        assert_eq!(show.present(&[VIDEO]), None);
    }

    #[test]
    fn the_rectangle_moves_with_the_video() {
        let mut show = Show::at(30);
        show.run(60, |_| vec![VIDEO]);
        let moved = Rect { x: 0, y: 0, ..VIDEO };
        show.run(64, |_| vec![moved]);
        assert_eq!(show.tracker.region(), Some(moved));
    }
}
