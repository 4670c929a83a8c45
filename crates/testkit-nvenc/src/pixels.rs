//! Pictures as OpenH264 reads them.

use std::borrow::Cow;

use zerohop_frame::Extent;
use zerohop_nvenc::{Format, sys};

/// Y, Cb and Cr in planes of their own, of even sides.
pub(crate) struct Planes {
    pub(crate) planes: [Vec<u8>; 3],
    pub(crate) strides: [u32; 2],
}

/// R, G and B of a pixel, 8 bits each.
fn rgb(word: u32, format: Format) -> [i32; 3] {
    let eight = |shift: u32| (word >> shift & 0xff) as i32;
    let ten = |shift: u32| (word >> (shift + 2) & 0xff) as i32;
    match format.0 {
        sys::NV_ENC_BUFFER_FORMAT_ARGB => [eight(16), eight(8), eight(0)],
        sys::NV_ENC_BUFFER_FORMAT_ABGR => [eight(0), eight(8), eight(16)],
        sys::NV_ENC_BUFFER_FORMAT_ARGB10 => [ten(20), ten(10), ten(0)],
        _ => [ten(0), ten(10), ten(20)],
    }
}

/// The rows of a picture of `seen` in `bytes`, which are all rows of a surface of `registered`.
pub(crate) fn visible(
    bytes: &[u8],
    format: Format,
    (registered, seen): (Extent, Extent),
) -> Cow<'_, [u8]> {
    if registered == seen {
        return Cow::Borrowed(bytes);
    }
    let (_, row) = format.rows(registered);
    let (luma, chroma) = bytes.split_at(registered.height as usize * row);
    let height = seen.height as usize;
    Cow::Owned([&luma[..height * row], &chroma[..height / 2 * row]].concat())
}

/// The picture in `bytes`, whose rows lie without padding. RGB is converted as the chip does, by
/// BT.601 in limited range; of 10 bits the higher 8 are kept.
pub(crate) fn planes(bytes: &[u8], extent: Extent, format: Format) -> Planes {
    let (width, height) = (extent.width as usize, extent.height as usize);
    let planes = if format.is_rgb() {
        of_rgb(bytes, (width, height), format)
    } else {
        of_ycbcr(bytes, (width, height), format.has_ten_bits())
    };
    Planes { planes, strides: [extent.width, extent.width / 2] }
}

fn of_rgb(bytes: &[u8], (width, height): (usize, usize), format: Format) -> [Vec<u8>; 3] {
    let pixel = |x: usize, y: usize| {
        let at = (y * width + x) * 4;
        let word: [u8; 4] = bytes[at..at + 4].try_into().expect("four bytes");
        rgb(u32::from_le_bytes(word), format)
    };
    // ITU-R BT.601, in 16ths of 4096ths of a code.
    let weigh = |[r, g, b]: [i32; 3], [wr, wg, wb]: [i32; 3], offset: i32| {
        ((wr * r + wg * g + wb * b + (offset << 16) + (1 << 15)) >> 16) as u8
    };
    let mut luma = Vec::with_capacity(width * height);
    for y in 0..height {
        luma.extend((0..width).map(|x| weigh(pixel(x, y), [16_829, 33_039, 6_416], 16)));
    }
    let chroma = |weights: [i32; 3]| {
        let mut plane = Vec::with_capacity(width * height / 4);
        for y in (0..height).step_by(2) {
            for x in (0..width).step_by(2) {
                let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(i, j)| pixel(x + i, y + j));
                let mean =
                    std::array::from_fn(|c| (four.iter().map(|p| p[c]).sum::<i32>() + 2) / 4);
                plane.push(weigh(mean, weights, 128));
            }
        }
        plane
    };
    [luma, chroma([-9_714, -19_070, 28_784]), chroma([28_784, -24_103, -4_681])]
}

fn of_ycbcr(bytes: &[u8], (width, height): (usize, usize), wide: bool) -> [Vec<u8>; 3] {
    // Of 16 bits the higher byte comes second.
    let code = |index: usize| if wide { bytes[index * 2 + 1] } else { bytes[index] };
    let luma = (0..width * height).map(code).collect();
    let chroma = |first: usize| {
        let begin = width * height + first;
        (begin..width * height * 3 / 2).step_by(2).map(code).collect()
    };
    [luma, chroma(0), chroma(1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { width: 2, height: 2 };

    fn of(word: u32, format: u32) -> [u8; 3] {
        let bytes: Vec<u8> = (0..4).flat_map(|_| word.to_le_bytes()).collect();
        let Planes { planes, .. } = planes(&bytes, EXTENT, Format(format));
        assert_eq!(planes.each_ref().map(Vec::len), [4, 1, 1]);
        [planes[0][3], planes[1][0], planes[2][0]]
    }

    #[test]
    fn colours_have_the_codes_of_bt_601() {
        let argb = sys::NV_ENC_BUFFER_FORMAT_ARGB;
        assert_eq!(of(0xffff_ffff, argb), [235, 128, 128]);
        assert_eq!(of(0xff00_0000, argb), [16, 128, 128]);
        assert_eq!(of(0xffff_0000, argb), [81, 90, 240]);
        assert_eq!(of(0xffff_0000, sys::NV_ENC_BUFFER_FORMAT_ABGR), [41, 240, 110], "blue");
        assert_eq!(of(0xfff0_0000, sys::NV_ENC_BUFFER_FORMAT_ARGB10), [81, 90, 240], "red");
    }

    #[test]
    fn chroma_comes_apart() {
        let bytes = [1, 2, 3, 4, 5, 6];
        let Planes { planes, .. } = planes(&bytes, EXTENT, Format(sys::NV_ENC_BUFFER_FORMAT_NV12));
        assert_eq!(planes, [vec![1, 2, 3, 4], vec![5], vec![6]]);
    }
}
