//! Parts of a picture.

use arrayvec::ArrayVec;

use crate::Extent;

/// The most rectangles that a [`Damage`] holds.
pub const MAX_RECTS: usize = 16;

/// A rectangle in pixels, half open: `x..x + width`, `y..y + height`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Rect {
    /// The whole of a picture.
    pub fn of(extent: Extent) -> Self {
        Self { x: 0, y: 0, width: extent.width, height: extent.height }
    }

    /// Whether it holds no pixel.
    pub fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// The smallest rectangle around both. An empty one adds nothing.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return *other;
        }
        if other.is_empty() {
            return *self;
        }
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = self.right().max(other.right());
        let bottom = self.bottom().max(other.bottom());
        let side = |from: u32, to: u64| u32::try_from(to - u64::from(from)).unwrap_or(u32::MAX);
        Self { x, y, width: side(x, right), height: side(y, bottom) }
    }

    /// Whether every pixel of `other` is in it.
    pub fn contains(&self, other: &Self) -> bool {
        other.is_empty()
            || (self.x <= other.x
                && self.y <= other.y
                && self.right() >= other.right()
                && self.bottom() >= other.bottom())
    }

    /// The part inside a picture of `extent`.
    #[must_use]
    pub fn clamp_to(&self, extent: Extent) -> Self {
        let (x, y) = (self.x.min(extent.width), self.y.min(extent.height));
        Self {
            x,
            y,
            width: self.width.min(extent.width - x),
            height: self.height.min(extent.height - y),
        }
    }

    /// One past the last column.
    fn right(&self) -> u64 {
        u64::from(self.x) + u64::from(self.width)
    }

    /// One past the last row.
    fn bottom(&self) -> u64 {
        u64::from(self.y) + u64::from(self.height)
    }
}

/// Where a picture may differ from the one before it in the same stream.
///
/// A hint that saves work. Whoever skips pixels because of it must find out when it was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Damage {
    /// The source did not say. This is not "everything": a look may find that nothing changed.
    #[default]
    Unknown,
    /// Inside these rectangles only. None at all: nowhere.
    Rects(ArrayVec<Rect, MAX_RECTS>),
}

impl Damage {
    /// The damage over two pictures, for when the one in between was never seen.
    #[must_use]
    pub fn join(&self, next: &Self) -> Self {
        let (Self::Rects(a), Self::Rects(b)) = (self, next) else { return Self::Unknown };
        let mut all = a.clone();
        for rect in b {
            if let Err(full) = all.try_push(*rect) {
                let last = all.len() - 1;
                all[last] = all[last].union(&full.element());
            }
        }
        Self::Rects(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Rect = Rect { x: 1, y: 2, width: 3, height: 4 };

    #[test]
    fn a_union_is_the_smallest_rectangle_around_both() {
        let b = Rect { x: 10, y: 0, width: 1, height: 1 };
        let both = A.union(&b);
        assert_eq!(both, Rect { x: 1, y: 0, width: 10, height: 6 });
        assert!(both.contains(&A) && both.contains(&b) && !A.contains(&both));
        assert_eq!(A.union(&Rect::default()), A);
    }

    #[test]
    fn a_rectangle_from_outside_never_leaves_the_picture() {
        let extent = Extent { width: 3, height: 3 };
        let wild = Rect { x: 2, y: u32::MAX, width: u32::MAX, height: u32::MAX };
        assert_eq!(wild.clamp_to(extent), Rect { x: 2, y: 3, width: 1, height: 0 });
        assert!(wild.union(&A).contains(&A));
    }

    #[test]
    fn joined_damage_covers_both_and_unknown_wins() {
        let one = Damage::Rects(ArrayVec::from_iter([A; MAX_RECTS]));
        let far = Rect { x: 90, y: 90, width: 1, height: 1 };
        let Damage::Rects(rects) = one.join(&Damage::Rects(ArrayVec::from_iter([far]))) else {
            panic!("both are known");
        };
        assert!(rects.iter().any(|rect| rect.contains(&far)));
        assert_eq!(one.join(&Damage::Unknown), Damage::Unknown);
    }
}
