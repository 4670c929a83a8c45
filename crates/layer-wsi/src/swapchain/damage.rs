//! Where a present says that its picture changed (`VK_KHR_incremental_present`).

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{Damage, Extent, Rect};

/// The damage that the rectangles of one present tell. No rectangle means all of the picture
/// (`VkPresentRegionKHR::rectangleCount`); those of other layers than the first are not ours.
pub(crate) fn of(rectangles: &[vk::RectLayerKHR], extent: Extent) -> Damage {
    if rectangles.is_empty() {
        return Damage::Unknown;
    }
    let mut all = Damage::Rects(ArrayVec::new());
    for rectangle in rectangles.iter().filter(|rectangle| rectangle.layer == 0) {
        let rect = clip(rectangle, extent);
        if !rect.is_empty() {
            all = all.join(&Damage::Rects(ArrayVec::from_iter([rect])));
        }
    }
    all
}

/// The part of a rectangle inside the picture, also when it begins left of it or above it.
fn clip(rectangle: &vk::RectLayerKHR, extent: Extent) -> Rect {
    let side = |offset: i32, length: u32| {
        let begin = i64::from(offset).max(0);
        let end = (i64::from(offset) + i64::from(length)).max(begin);
        let known = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
        (known(begin), known(end - begin))
    };
    let (x, width) = side(rectangle.offset.x, rectangle.extent.width);
    let (y, height) = side(rectangle.offset.y, rectangle.extent.height);
    Rect { x, y, width, height }.clamp_to(extent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { width: 100, height: 50 };

    fn rectangle(x: i32, y: i32, width: u32, height: u32) -> vk::RectLayerKHR {
        let (offset, extent) = (vk::Offset2D { x, y }, vk::Extent2D { width, height });
        vk::RectLayerKHR { offset, extent, layer: 0 }
    }

    #[test]
    fn no_rectangle_is_not_no_damage() {
        assert_eq!(of(&[], EXTENT), Damage::Unknown);
    }

    #[test]
    fn rectangles_are_clipped_on_every_side() {
        let wild = [rectangle(-10, -5, 20, 10), rectangle(90, 45, u32::MAX, u32::MAX)];
        let Damage::Rects(rects) = of(&wild, EXTENT) else { panic!("it is known") };
        let inside = [
            Rect { x: 0, y: 0, width: 10, height: 5 },
            Rect { x: 90, y: 45, width: 10, height: 5 },
        ];
        assert_eq!(rects[..], inside);
    }

    #[test]
    fn rectangles_outside_are_no_damage() {
        let outside = [rectangle(-20, 0, 10, 10), rectangle(100, 0, 1, 1), rectangle(0, 0, 0, 9)];
        assert_eq!(of(&outside, EXTENT), Damage::Rects(ArrayVec::new()));
    }

    #[test]
    fn more_rectangles_than_fit_are_still_covered() {
        let many: Vec<_> = (0..40).map(|i| rectangle(i, i, 1, 1)).collect();
        let Damage::Rects(rects) = of(&many, EXTENT) else { panic!("they are known") };
        let last = Rect { x: 39, y: 39, width: 1, height: 1 };
        assert!(rects.iter().any(|rect| rect.contains(&last)));
    }
}
