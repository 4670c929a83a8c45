//! Sets of tiles.

use zerohop_frame::Rect;

use crate::{Grid, TILE};

/// Some of the tiles of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileSet {
    grid: Grid,
    /// One bit for each tile, the lowest first; bits past the last tile are 0.
    words: Vec<u32>,
}

impl TileSet {
    /// No tile.
    pub fn none(grid: Grid) -> Self {
        Self { grid, words: vec![0; grid.len().div_ceil(32)] }
    }

    /// Every tile.
    pub fn all(grid: Grid) -> Self {
        let mut set = Self::none(grid);
        set.fill();
        set
    }

    /// The tiles that `rect` touches.
    pub fn touching(grid: Grid, rect: &Rect) -> Self {
        let mut set = Self::none(grid);
        set.insert_rect(rect);
        set
    }

    /// The grid.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// Adds every tile.
    pub fn fill(&mut self) {
        self.words.fill(u32::MAX);
        self.trim();
    }

    /// Removes bits past the last tile.
    fn trim(&mut self) {
        let rest = self.grid.len() % 32;
        if let (Some(last), 1..) = (self.words.last_mut(), rest) {
            *last &= (1 << rest) - 1;
        }
    }

    /// Removes every tile.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Adds tile `index`.
    ///
    /// # Panics
    ///
    /// When there is no such tile.
    pub fn insert(&mut self, index: usize) {
        assert!(index < self.grid.len(), "tile {index} of {}", self.grid.len());
        self.words[index / 32] |= 1 << (index % 32);
    }

    /// Adds those of eight tiles from tile `first` on whose bit is set, the lowest bit first; where there
    /// is no such tile, nothing.
    pub(crate) fn insert_eight(&mut self, first: usize, bits: u8) {
        let bits = u64::from(bits) << (first % 32);
        let halves = [bits as u32, (bits >> 32) as u32];
        let words = self.words.iter_mut().skip(first / 32);
        words.zip(halves).for_each(|(word, half)| *word |= half);
        self.trim();
    }

    /// Adds the tiles that `rect` touches.
    pub fn insert_rect(&mut self, rect: &Rect) {
        let rect = rect.clamp_to(self.grid.extent());
        if rect.is_empty() {
            return;
        }
        let (left, top) = (rect.x / TILE, rect.y / TILE);
        let (right, bottom) = (rect.x + rect.width - 1, rect.y + rect.height - 1);
        for row in top..=bottom / TILE {
            for column in left..=right / TILE {
                self.insert((row * self.grid.columns() + column) as usize);
            }
        }
    }

    /// Adds every `step`th tile from tile `first` on.
    pub fn insert_every(&mut self, first: usize, step: usize) {
        (first..self.grid.len()).step_by(step).for_each(|index| self.insert(index));
    }

    /// Adds the tiles of `other`.
    ///
    /// # Panics
    ///
    /// When `other` is of another grid.
    pub fn union_with(&mut self, other: &Self) {
        assert_eq!(self.grid, other.grid, "sets of one picture");
        self.words.iter_mut().zip(&other.words).for_each(|(all, more)| *all |= more);
    }

    /// Whether tile `index` is in it.
    pub fn contains(&self, index: usize) -> bool {
        self.words.get(index / 32).is_some_and(|word| word & (1 << (index % 32)) != 0)
    }

    /// Whether every tile of `other` is in it.
    pub fn contains_all(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).all(|(all, some)| some & !all == 0)
    }

    /// These tiles and all beside them.
    #[must_use]
    pub fn grown(&self) -> Self {
        let mut grown = self.clone();
        if self.is_empty() || self.is_full() {
            return grown;
        }
        let (columns, rows) = (self.grid.columns() as usize, self.grid.rows() as usize);
        for index in self.iter() {
            let (column, row) = (index % columns, index / columns);
            for row in row.saturating_sub(1)..=(row + 1).min(rows - 1) {
                for column in column.saturating_sub(1)..=(column + 1).min(columns - 1) {
                    grown.insert(row * columns + column);
                }
            }
        }
        grown
    }

    /// Whether no tile is in it.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Whether every tile is in it.
    pub fn is_full(&self) -> bool {
        self.len() == self.grid.len()
    }

    /// How many tiles are in it.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The tiles in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(place, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 32).then_some(place * 32 + bit as usize)
            })
        })
    }

    /// The smallest rectangle around all tiles, in pixels of the picture.
    pub fn bounds(&self) -> Rect {
        let columns = self.grid.columns() as usize;
        let (mut left, mut right) = (usize::MAX, 0);
        let (mut top, mut bottom) = (usize::MAX, 0);
        for index in self.iter() {
            let (column, row) = (index % columns, index / columns);
            (left, right) = (left.min(column), right.max(column + 1));
            (top, bottom) = (top.min(row), bottom.max(row + 1));
        }
        if right == 0 {
            return Rect::default();
        }
        let side = |tiles: usize| tiles as u32 * TILE;
        Rect { x: side(left), y: side(top), width: side(right - left), height: side(bottom - top) }
            .clamp_to(self.grid.extent())
    }
}

#[cfg(test)]
mod tests {
    use zerohop_frame::Extent;

    use super::*;

    fn grid() -> Grid {
        Grid::of(Extent { width: 1366, height: 768 })
    }

    #[test]
    fn a_set_knows_its_tiles_and_their_bounds() {
        let mut set = TileSet::none(grid());
        assert!(set.is_empty() && set.bounds().is_empty());
        set.insert_rect(&Rect { x: 15, y: 16, width: 2, height: 1 });
        assert_eq!(set.iter().collect::<Vec<_>>(), [86, 87]);
        assert_eq!(set.bounds(), Rect { x: 0, y: 16, width: 32, height: 16 });
        set.insert(4127);
        assert_eq!(set.bounds(), Rect { x: 0, y: 16, width: 1366, height: 752 });
        assert!(set.contains(4127) && !set.contains(4126));
    }

    #[test]
    fn a_set_grows_by_the_tiles_beside_it_and_not_around_corners_of_the_picture() {
        let mut set = TileSet::none(grid());
        set.insert(85);
        assert_eq!(set.grown().iter().collect::<Vec<_>>(), [84, 85, 170, 171]);
        set.clear();
        set.insert(87);
        assert_eq!(set.grown().len(), 9);
        assert_eq!(TileSet::all(grid()).grown().len(), 4128);
    }

    #[test]
    fn every_tile_is_no_more_than_every_tile() {
        let all = TileSet::all(grid());
        assert_eq!((all.len(), all.iter().last()), (4128, Some(4127)));
        assert!(all.is_full() && !all.contains(4128));
        assert_eq!(all.bounds(), Rect::of(grid().extent()));
    }

    #[test]
    fn eight_tiles_come_at_once_and_none_past_the_last() {
        let mut set = TileSet::none(grid());
        set.insert_eight(28, 0b1001_0001);
        assert_eq!(set.iter().collect::<Vec<_>>(), [28, 32, 35]);
        set.insert_eight(4127, 0b11);
        set.insert_eight(5000, 0xff);
        assert_eq!(set.iter().last(), Some(4127));
        assert_eq!(set.len(), 4);
    }

    #[test]
    fn a_rectangle_from_outside_touches_nothing() {
        let far = Rect { x: 5000, y: 1, width: u32::MAX, height: 9 };
        assert!(TileSet::touching(grid(), &far).is_empty());
    }
}
