//! Which level a stream declares.

use openh264_sys2 as sys;
use sys::ELevelIdc;
use zerohop_frame::Extent;

/// `MaxMBPS` (macroblocks a second) and `MaxFS` (macroblocks a picture) of the levels from 3.1 on;
/// smaller streams gain nothing from a smaller number.
///
/// # References
///
/// ITU-T H.264 table A-1.
const LEVELS: [(u64, u64, ELevelIdc); 7] = [
    (108_000, 3_600, sys::LEVEL_3_1),
    (216_000, 5_120, sys::LEVEL_3_2),
    (245_760, 8_192, sys::LEVEL_4_0),
    (522_240, 8_704, sys::LEVEL_4_2),
    (589_824, 22_080, sys::LEVEL_5_0),
    (983_040, 36_864, sys::LEVEL_5_1),
    (2_073_600, 36_864, sys::LEVEL_5_2),
];

/// The smallest level that allows pictures of `extent`, `hertz` of them a second; the
/// largest that OpenH264 knows when none does.
pub(crate) fn of(extent: Extent, hertz: u32) -> ELevelIdc {
    let blocks = u64::from(extent.width.div_ceil(16)) * u64::from(extent.height.div_ceil(16));
    let rate = blocks.saturating_mul(u64::from(hertz));
    let fits = |&&(most, largest, _): &&(u64, u64, ELevelIdc)| rate <= most && blocks <= largest;
    LEVELS.iter().find(fits).map_or(sys::LEVEL_5_2, |&(_, _, level)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_sizes_get_their_usual_levels() {
        let level = |width, height, hertz| of(Extent { width, height }, hertz);
        assert_eq!(level(1280, 720, 30), sys::LEVEL_3_1);
        assert_eq!(level(1280, 720, 60), sys::LEVEL_3_2);
        assert_eq!(level(1920, 1080, 30), sys::LEVEL_4_0);
        assert_eq!(level(1920, 1080, 60), sys::LEVEL_4_2);
        assert_eq!(level(3840, 2160, 60), sys::LEVEL_5_2);
        assert_eq!(level(16, 16, 60), sys::LEVEL_3_1);
    }
}
