//! Some rows of a surface.

use std::sync::Arc;

use crate::{Place, Surface};

/// Rows of a surface, or their first bytes: a plane of a picture that has several.
pub struct Part<S> {
    surface: Arc<S>,
    first: usize,
    rows: usize,
    row_bytes: usize,
}

impl<S: Surface> Part<S> {
    /// `rows` rows of `surface` from row `first` on, and `row_bytes` bytes of each; `None` where it has
    /// fewer. Arrays have no parts.
    pub fn new(surface: &Arc<S>, first: usize, rows: usize, row_bytes: usize) -> Option<Arc<Self>> {
        let end = first.checked_add(rows)?;
        let is_array = matches!(surface.place(), Place::Array(_));
        let fits = end <= surface.rows() && row_bytes <= surface.row_bytes() && !is_array;
        let surface = Arc::clone(surface);
        fits.then(|| Arc::new(Self { surface, first, rows, row_bytes }))
    }
}

// SAFETY: the rows are among those of `surface`, which is held.
unsafe impl<S: Surface> Surface for Part<S> {
    fn place(&self) -> Place {
        match self.surface.place() {
            Place::Device { pointer, pitch } => {
                Place::Device { pointer: pointer + (self.first * pitch) as u64, pitch }
            }
            Place::Host { pointer, pitch } => {
                Place::Host { pointer: pointer.wrapping_add(self.first * pitch), pitch }
            }
            array @ Place::Array(_) => array,
        }
    }

    fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rows;

    // SAFETY: nobody reads them.
    unsafe impl Surface for Rows {
        fn place(&self) -> Place {
            Place::Device { pointer: 1000, pitch: 64 }
        }
        fn row_bytes(&self) -> usize {
            40
        }
        fn rows(&self) -> usize {
            6
        }
    }

    #[test]
    fn a_part_is_within_the_whole() {
        let all = Arc::new(Rows);
        let chroma = Part::new(&all, 4, 2, 38).unwrap();
        assert_eq!(chroma.place(), Place::Device { pointer: 1256, pitch: 64 });
        assert_eq!((chroma.rows(), chroma.row_bytes()), (2, 38));
        assert!(Part::new(&all, 4, 3, 40).is_none());
        assert!(Part::new(&all, 0, 6, 41).is_none());
        assert!(Part::new(&all, usize::MAX, 2, 1).is_none());
    }
}
