//! Which level a stream declares.

use openh264::encoder::Level;
use zerohop_frame::Extent;

/// `MaxMBPS` (macroblocks a second) and `MaxFS` (macroblocks a picture) of the levels from 3.1 on;
/// smaller streams gain nothing from a smaller number.
///
/// # References
///
/// ITU-T H.264 table A-1.
const LEVELS: [(u64, u64, Level); 7] = [
    (108_000, 3_600, Level::Level_3_1),
    (216_000, 5_120, Level::Level_3_2),
    (245_760, 8_192, Level::Level_4_0),
    (522_240, 8_704, Level::Level_4_2),
    (589_824, 22_080, Level::Level_5_0),
    (983_040, 36_864, Level::Level_5_1),
    (2_073_600, 36_864, Level::Level_5_2),
];

/// The smallest level that allows pictures of `extent`, `hertz` of them a second; the
/// largest that OpenH264 knows when none does.
pub(crate) fn of(extent: Extent, hertz: u32) -> Level {
    let blocks = u64::from(extent.width.div_ceil(16)) * u64::from(extent.height.div_ceil(16));
    let rate = blocks.saturating_mul(u64::from(hertz));
    let fits = |&&(most, largest, _): &&(u64, u64, Level)| rate <= most && blocks <= largest;
    LEVELS.iter().find(fits).map_or(Level::Level_5_2, |&(_, _, level)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_sizes_get_their_usual_levels() {
        let level = |width, height, hertz| format!("{:?}", of(Extent { width, height }, hertz));
        assert_eq!(level(1280, 720, 30), "Level_3_1");
        assert_eq!(level(1280, 720, 60), "Level_3_2");
        assert_eq!(level(1920, 1080, 30), "Level_4_0");
        assert_eq!(level(1920, 1080, 60), "Level_4_2");
        assert_eq!(level(3840, 2160, 60), "Level_5_2");
        assert_eq!(level(16, 16, 60), "Level_3_1");
    }
}
