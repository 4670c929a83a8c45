//! The codes of a picture as PNG has them.

use zerohop_frame::{Extent, Fourcc, FrameDescriptor, Modifier};

/// How a pixel lies in memory: whole numbers in a little-endian word, or half floats.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Bytes of the word; the lowest bit and the bits of R, G, B and A. No bits: no such channel.
    Packed(usize, [(u32, u32); 4]),
    /// R, G, B, A.
    Half,
}

/// A picture in plain memory.
#[derive(Debug)]
pub(super) struct Pixels<'a> {
    bytes: &'a [u8],
    stride: usize,
    extent: Extent,
    layout: Layout,
    alpha: bool,
}

impl<'a> Pixels<'a> {
    /// The picture that `descriptor` describes in `memory`; `None` when it is of no RGB format, not
    /// in rows, or larger than its memory.
    pub(super) fn new(descriptor: &FrameDescriptor, memory: &'a [u8]) -> Option<Self> {
        let (layout, alpha) = layout(descriptor.fourcc)?;
        let [plane] = descriptor.planes[..] else { return None };
        let (extent, stride) = (descriptor.extent, plane.stride as usize);
        let pixels = Self { bytes: &[], stride, extent, layout, alpha };
        let row = pixels.bytes_per_pixel() * extent.width as usize;
        let size = stride.checked_mul(extent.height as usize - 1)?.checked_add(row)?;
        let bytes = memory.get(plane.offset as usize..)?.get(..size)?;
        let sound = descriptor.modifier == Modifier::LINEAR && stride >= row;
        sound.then_some(Self { bytes, ..pixels })
    }

    pub(super) fn extent(&self) -> Extent {
        self.extent
    }

    /// Whether there is a fourth channel.
    pub(super) fn has_alpha(&self) -> bool {
        self.alpha
    }

    /// Whether 8 bits are too few.
    pub(super) fn is_deep(&self) -> bool {
        match self.layout {
            Layout::Packed(_, channels) => channels.iter().any(|(_, bits)| *bits > 8),
            Layout::Half => true,
        }
    }

    /// All samples, row by row: R, G, B and, if there is one, A; of 16 bits the high byte first.
    pub(super) fn samples(&self) -> Vec<u8> {
        let row = self.bytes_per_pixel() * self.extent.width as usize;
        let channels = if self.alpha { 4 } else { 3 };
        let (deep, count) = (self.is_deep(), self.extent.width as usize * channels);
        let mut out = Vec::with_capacity(count * self.extent.height as usize * 2);
        for line in self.bytes.chunks(self.stride) {
            for pixel in line[..row].chunks_exact(self.bytes_per_pixel()) {
                for sample in &self.sample(pixel)[..channels] {
                    if deep {
                        out.extend(sample.to_be_bytes());
                    } else {
                        out.push((sample >> 8) as u8);
                    }
                }
            }
        }
        out
    }

    fn bytes_per_pixel(&self) -> usize {
        match self.layout {
            Layout::Packed(bytes, _) => bytes,
            Layout::Half => 8,
        }
    }

    /// One pixel, each channel stretched to 16 bits.
    fn sample(&self, pixel: &[u8]) -> [u16; 4] {
        match self.layout {
            Layout::Packed(_, channels) => {
                let word = pixel.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
                channels.map(|(shift, bits)| stretch(word >> shift & ((1 << bits) - 1), bits))
            }
            Layout::Half => [0, 2, 4, 6].map(|at| {
                let value = half(u16::from_le_bytes([pixel[at], pixel[at + 1]]));
                (value.clamp(0.0, 1.0) * 65535.0).round() as u16
            }),
        }
    }
}

/// A code of `bits` bits as one of 16: the nearest in `code / (2^bits - 1)`.
fn stretch(code: u32, bits: u32) -> u16 {
    let max = (1 << bits) - 1;
    (code * 65535 + max / 2).checked_div(max).map_or(u16::MAX, |code| code as u16)
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        // No number: black is as good as anything.
        31 => 0.0,
        _ => (1024.0 + fraction) * 2.0_f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

fn layout(fourcc: Fourcc) -> Option<(Layout, bool)> {
    let packed = |bytes, channels| Layout::Packed(bytes, channels);
    let eight = |r, g, b, a| packed(4, [(r, 8), (g, 8), (b, 8), a]);
    let ten = |r, g, b, a| packed(4, [(r, 10), (g, 10), (b, 10), a]);
    const NONE: (u32, u32) = (0, 0);
    Some(match fourcc {
        Fourcc::XRGB8888 => (eight(16, 8, 0, NONE), false),
        Fourcc::ARGB8888 => (eight(16, 8, 0, (24, 8)), true),
        Fourcc::XBGR8888 => (eight(0, 8, 16, NONE), false),
        Fourcc::ABGR8888 => (eight(0, 8, 16, (24, 8)), true),
        Fourcc::XRGB2101010 => (ten(20, 10, 0, NONE), false),
        Fourcc::ARGB2101010 => (ten(20, 10, 0, (30, 2)), true),
        Fourcc::XBGR2101010 => (ten(0, 10, 20, NONE), false),
        Fourcc::ABGR2101010 => (ten(0, 10, 20, (30, 2)), true),
        Fourcc::RGB565 => (packed(2, [(11, 5), (5, 6), (0, 5), NONE]), false),
        // One sample for all three.
        Fourcc::R8 => (packed(1, [(0, 8), (0, 8), (0, 8), NONE]), false),
        Fourcc::BGR888 => (packed(3, [(0, 8), (8, 8), (16, 8), NONE]), false),
        Fourcc::RGB888 => (packed(3, [(16, 8), (8, 8), (0, 8), NONE]), false),
        Fourcc::XBGR16161616F => (Layout::Half, false),
        Fourcc::ABGR16161616F => (Layout::Half, true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;
    use zerohop_frame::{Color, PlaneLayout};

    use super::*;

    fn descriptor(fourcc: Fourcc, width: u32, height: u32, stride: u32) -> FrameDescriptor {
        FrameDescriptor {
            extent: Extent { width, height },
            fourcc,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]),
            color: Color::SRGB,
        }
    }

    fn samples(fourcc: Fourcc, bytes: &[u8]) -> Vec<u8> {
        let shape = descriptor(fourcc, 1, 1, bytes.len() as u32);
        Pixels::new(&shape, bytes).unwrap().samples()
    }

    #[test]
    fn eight_bit_codes_stay_as_they_are() {
        for code in 0..=255 {
            assert_eq!(samples(Fourcc::XRGB8888, &[code, 2, 3, 9]), [3, 2, code]);
            assert_eq!(samples(Fourcc::ABGR8888, &[1, 2, 3, code]), [1, 2, 3, code]);
        }
    }

    #[test]
    fn the_largest_and_the_smallest_code_are_white_and_black() {
        assert_eq!(samples(Fourcc::RGB565, &[0xff, 0xff]), [255; 3]);
        assert_eq!(samples(Fourcc::RGB565, &[0, 0xf8]), [255, 0, 0]);
        assert_eq!(samples(Fourcc::XRGB2101010, &[0xff; 4]), [255; 6]);
        assert_eq!(samples(Fourcc::ABGR2101010, &[0; 4]), [0; 8]);
        let red = 0x3ff_u32.to_le_bytes();
        assert_eq!(samples(Fourcc::XBGR2101010, &red), [255, 255, 0, 0, 0, 0]);
    }

    #[test]
    fn half_floats_are_cut_off_outside_of_0_to_1() {
        let pixel = |values: [u16; 4]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        // 1, -1, 2 and not a number.
        let bytes: Vec<u8> = pixel([0x3c00, 0xbc00, 0x4000, 0x7e00]);
        assert_eq!(samples(Fourcc::ABGR16161616F, &bytes), [255, 255, 0, 0, 255, 255, 0, 0]);
        assert_eq!(
            (half(0x3800), half(0x0001), half(0x7c00)),
            (0.5, 2.0_f32.powi(-24), f32::INFINITY)
        );
    }

    #[test]
    fn padding_at_the_end_of_rows_is_left_out() {
        let shape = descriptor(Fourcc::XBGR8888, 1, 2, 8);
        let bytes = [1, 2, 3, 0, 9, 9, 9, 9, 4, 5, 6, 0];
        assert_eq!(Pixels::new(&shape, &bytes).unwrap().samples(), [1, 2, 3, 4, 5, 6]);
        assert!(Pixels::new(&shape, &bytes[..11]).is_none(), "the last row is cut short");
        assert!(Pixels::new(&descriptor(Fourcc::NV12, 1, 1, 8), &bytes).is_none());
    }
}
