//! The grid of tiles over a picture.

use zerohop_frame::{Extent, Rect};

/// Width and height of a tile in pixels. Those at the right and lower edge may be cut.
pub const TILE: u32 = 16;

/// The tiles of a picture, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    extent: Extent,
    columns: u32,
    rows: u32,
}

impl Grid {
    /// The tiles that cover a picture of `extent`.
    pub fn of(extent: Extent) -> Self {
        let (columns, rows) = (extent.width.div_ceil(TILE), extent.height.div_ceil(TILE));
        Self { extent, columns, rows }
    }

    /// Size of the picture in pixels.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Tiles in a row.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// Rows of tiles.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// How many tiles there are.
    pub fn len(&self) -> usize {
        self.columns as usize * self.rows as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pixels of tile `index`, as far as they are in the picture.
    pub fn rect(&self, index: usize) -> Rect {
        let columns = self.columns as usize;
        let (x, y) = ((index % columns) as u32 * TILE, (index / columns) as u32 * TILE);
        Rect { x, y, width: TILE, height: TILE }.clamp_to(self.extent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edge_tiles_are_cut() {
        let grid = Grid::of(Extent { width: 1366, height: 768 });
        assert_eq!((grid.columns(), grid.rows(), grid.len()), (86, 48, 4128));
        assert_eq!(grid.rect(85), Rect { x: 1360, y: 0, width: 6, height: 16 });
        assert_eq!(Grid::of(Extent { width: 1, height: 1 }).len(), 1);
    }
}
