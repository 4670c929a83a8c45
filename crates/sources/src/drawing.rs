//! What the pattern looks like.

use zerohop_frame::Extent;

/// Bits of the sequence at the bottom of each picture, lowest first, white for 1.
pub(crate) const BITS: u32 = 32;

/// Draws picture `sequence` into rows of `extent.width` words.
pub(crate) fn draw(pixels: &mut [u8], extent: Extent, sequence: u64) {
    let Extent { width, height } = extent;
    let side = (width.min(height) / 4).max(1);
    let left = (sequence * 4 % u64::from(width)) as u32;
    let top = (height - side) / 2;
    let bits_from = height - height / 8;
    let square = left..left.saturating_add(side);
    for (y, row) in (0..height).zip(pixels.chunks_exact_mut(width as usize * 4)) {
        let crosses = (top..top + side).contains(&y);
        for (x, pixel) in (0..width).zip(row.chunks_exact_mut(4)) {
            let color = if y >= bits_from {
                bit_color(sequence, u64::from(x) * u64::from(BITS) / u64::from(width))
            } else if crosses && square.contains(&x) {
                [0, 160, 255, 255]
            } else {
                [(x * 255 / width) as u8, (y * 255 / height) as u8, 96, 255]
            };
            pixel.copy_from_slice(&color);
        }
    }
}

/// White for a bit that is set, black for one that is not.
fn bit_color(sequence: u64, bit: u64) -> [u8; 4] {
    let level = if sequence >> bit & 1 == 1 { 255 } else { 0 };
    [level, level, level, 255]
}
