//! Where on the screen a picture goes.

use zerohop_frame::{Extent, Rect};

/// The whole picture, somewhere on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Size of the picture.
    pub(crate) picture: Extent,
    /// What it covers of the screen.
    pub(crate) screen: Rect,
}

/// The places to try for a picture, best first: the whole screen, scaled as far as its shape
/// allows; centred as it is, unless it is to `fill` the screen.
pub(crate) fn places(picture: Extent, screen: Extent, fill: bool) -> Vec<Placement> {
    let place = |fill| Placement { picture, screen: middle(picture, screen, fill) };
    let mut places = vec![place(true), place(fill)];
    places.dedup();
    places
}

/// The middle of the screen: as it is, or scaled as far as its shape allows if it is to `fill` the screen or
/// is too large.
pub(crate) fn middle(picture: Extent, screen: Extent, fill: bool) -> Rect {
    let fits = picture.width <= screen.width && picture.height <= screen.height;
    centred(if fits && !fill { picture } else { fitted(picture, screen) }, screen)
}

/// The largest extent of the shape of `picture` that is within `screen`.
fn fitted(picture: Extent, screen: Extent) -> Extent {
    let wide = |a: Extent, b: Extent| u64::from(a.width) * u64::from(b.height);
    let scale = |side: u32, by: u32, to: u32| {
        let scaled = u64::from(side) * u64::from(by) / u64::from(to.max(1));
        u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
    };
    if wide(picture, screen) >= wide(screen, picture) {
        Extent { width: screen.width, height: scale(picture.height, screen.width, picture.width) }
    } else {
        Extent { width: scale(picture.width, screen.height, picture.height), height: screen.height }
    }
}

/// `extent` in the middle of `screen`, which it does not exceed.
fn centred(extent: Extent, screen: Extent) -> Rect {
    let Extent { width, height } = extent;
    let (x, y) = ((screen.width - width) / 2, (screen.height - height) / 2);
    Rect { x, y, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screens(width: u32, height: u32) -> Vec<(u32, u32, u32, u32)> {
        let screen = Extent { width: 1024, height: 768 };
        let places = places(Extent { width, height }, screen, false);
        let rect = |place: &Placement| place.screen;
        places.iter().map(rect).map(|r| (r.x, r.y, r.width, r.height)).collect()
    }

    #[test]
    fn a_picture_of_the_screens_size_has_one_place() {
        assert_eq!(screens(1024, 768), [(0, 0, 1024, 768)]);
    }

    #[test]
    fn a_smaller_picture_is_scaled_or_centred() {
        assert_eq!(screens(500, 500), [(128, 0, 768, 768), (262, 134, 500, 500)]);
        assert_eq!(screens(512, 200), [(0, 184, 1024, 400), (256, 284, 512, 200)]);
    }

    #[test]
    fn one_that_fills_the_screen_has_no_other_place() {
        let screen = Extent { width: 1024, height: 768 };
        let places = places(Extent { width: 500, height: 500 }, screen, true);
        let wide: Vec<_> = places.iter().map(|place| place.screen.width).collect();
        assert_eq!(wide, [768]);
    }

    #[test]
    fn a_larger_picture_can_only_be_scaled() {
        assert_eq!(screens(2048, 768), [(0, 192, 1024, 384)]);
        assert_eq!(screens(1, 16384), [(511, 0, 1, 768)]);
        assert_eq!(screens(1025, 769), [(0, 0, 1023, 768)]);
    }
}
