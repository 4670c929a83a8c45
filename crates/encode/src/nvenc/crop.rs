//! The part of a picture that is encoded by itself.

use zerohop_frame::{Extent, Rect};

/// `rect` as the chip takes it: of even sides, as large as `least` at least, within a picture of
/// `whole`.
pub(super) fn fitted(rect: &Rect, whole: Extent, least: Extent) -> Rect {
    let side = |at: u32, length: u32, least: u32, whole: u32| {
        let whole = whole & !1;
        let length = (length.max(least).next_multiple_of(2)).min(whole);
        (at.min(whole - length), length)
    };
    let (x, width) = side(rect.x, rect.width, least.width, whole.width);
    let (y, height) = side(rect.y, rect.height, least.height, whole.height);
    Rect { x, y, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_even_and_within_the_picture() {
        let whole = Extent { width: 641, height: 360 };
        let least = Extent { width: 64, height: 32 };
        let of = |x, y, width, height| {
            let Rect { x, y, width, height } = fitted(&Rect { x, y, width, height }, whole, least);
            (x, y, width, height)
        };
        assert_eq!(of(32, 48, 320, 160), (32, 48, 320, 160));
        assert_eq!(of(592, 0, 49, 360), (576, 0, 64, 360), "at the right edge");
        assert_eq!(of(0, 336, 48, 24), (0, 328, 64, 32), "smaller than the chip takes");
        assert_eq!(of(0, 0, 641, 360), (0, 0, 640, 360));
    }
}
