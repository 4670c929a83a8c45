//! What the shaders of all passes have in common.

mod push;
mod source;

use zerohop_vulkan::{PixelFormat, PixelLayout};

pub(crate) use push::{EVERY, Push, STALE, job, plane_job};
pub(crate) use source::Source;

use crate::Grid;

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));

/// The largest code of each channel as a shader multiplies by it; 0 for what does not count.
pub(crate) fn scale(format: PixelFormat) -> [f32; 4] {
    match format.layout() {
        PixelLayout::Packed { channels, .. } => channels.map(|one| one.max() as f32),
        PixelLayout::Half { alpha } => [1.0, 1.0, 1.0, f32::from(u8::from(alpha))],
    }
}

/// Whether the pixels are half floats.
pub(crate) fn is_half(format: PixelFormat) -> bool {
    matches!(format.layout(), PixelLayout::Half { .. })
}

/// Workgroups of a shader that works on `each` tiles with each: on `count` of a list, or on every tile,
/// row by row.
pub(crate) fn groups_of_tiles(grid: Grid, count: usize, flags: u32, each: u32) -> [u32; 3] {
    if flags & EVERY == 0 {
        return groups(count, each as usize);
    }
    [grid.columns().div_ceil(each), grid.rows(), 1]
}

/// Workgroups for `count` pieces of which each does `each`: a line of them, folded where it would
/// be longer than every device allows (`maxComputeWorkGroupCount` is at least 65535).
pub(crate) fn groups(count: usize, each: usize) -> [u32; 3] {
    const LONGEST: u32 = 65535;
    let count = u32::try_from(count.div_ceil(each)).unwrap_or(u32::MAX);
    let across = count.clamp(1, LONGEST);
    [across, count.div_ceil(across).max(1), 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_of_groups_is_folded() {
        assert_eq!(groups(8, 8), [1, 1, 1]);
        assert_eq!(groups(65535, 1), [65535, 1, 1]);
        assert_eq!(groups(65536, 1), [65535, 2, 1]);
    }
}
