//! Pictures that say which one they are.
//!
//! Column 0 of every row carries the low 16 bits of the picture's number and column 1 the high
//! ones, in the top 5, 6 and 5 bits of red, green and blue, which every swapchain format keeps.
//! So each row can be told apart alone, which finds torn pictures. The other pixels are noise from
//! number, column and row: one pixel from the wrong picture or the wrong place is seen.

use zerohop_frame::Rect;

/// Red, green, blue and alpha, 16 bits each. A format keeps the top bits.
pub type Pixel = [u16; 4];

/// The pixel of picture `frame` at column `x` of row `y`.
pub fn pixel(frame: u32, x: u32, y: u32) -> Pixel {
    let [low, high] = [frame & 0xffff, frame >> 16];
    match x {
        0 => tag(low),
        1 => tag(high),
        _ => noise(row_seed(frame, y), x),
    }
}

/// The number that a row says it belongs to, from its first two pixels (from its first, for a
/// picture of one column: then numbers repeat after 65535).
pub fn frame_of_row(row: &[Pixel]) -> u32 {
    let low = row.first().map_or(0, untag);
    let high = row.get(1).map_or(0, untag);
    high << 16 | low
}

/// Which picture each row shows, for an application that redraws only a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The only part that changes; outside is picture 0. `None` for all of it. It must begin at
    /// column 0, where the number is.
    pub moving: Option<Rect>,
    /// Every picture has one colour, which the device fills in, and shows no number.
    pub plain: bool,
}

impl Scene {
    /// The pixel of picture `frame` in this scene.
    pub fn pixel(&self, frame: u32, x: u32, y: u32) -> Pixel {
        pixel(self.frame_at(frame, x, y), x, y)
    }

    /// The row `y` of picture `frame` in this scene, from column 0 on.
    pub fn row(&self, frame: u32, y: u32) -> impl Iterator<Item = Pixel> + use<> {
        let (moving, still) = ((frame, row_seed(frame, y)), (0, row_seed(0, y)));
        let edge = match self.moving {
            None => u32::MAX,
            Some(rect) if self.row_moves(y) => rect.width,
            Some(_) => 0,
        };
        (0..).map(move |x| {
            let (frame, seed) = if x < edge { moving } else { still };
            if x < 2 { pixel(frame, x, y) } else { noise(seed, x) }
        })
    }

    /// The number whose pattern is seen at a place of picture `frame`.
    pub fn frame_at(&self, frame: u32, x: u32, y: u32) -> u32 {
        match &self.moving {
            Some(rect) if !rect.contains(&Rect { x, y, width: 1, height: 1 }) => 0,
            _ => frame,
        }
    }

    /// Whether row `y` carries the picture's number.
    pub fn row_moves(&self, y: u32) -> bool {
        self.frame_at(1, 0, y) == 1
    }
}

/// 16 bits as a colour that a 5:6:5 format keeps whole.
fn tag(bits: u32) -> Pixel {
    let channel = |value: u32, bits: u32| u16::try_from(value << (16 - bits)).unwrap_or(u16::MAX);
    [channel(bits & 31, 5), channel(bits >> 5 & 63, 6), channel(bits >> 11 & 31, 5), u16::MAX]
}

/// The 16 bits of a [`tag`].
fn untag(pixel: &Pixel) -> u32 {
    let [r, g, b, _] = pixel.map(u32::from);
    (b >> 11) << 11 | (g >> 10) << 5 | r >> 11
}

fn row_seed(frame: u32, y: u32) -> u64 {
    mix(u64::from(frame) << 32 | u64::from(y))
}

fn noise(seed: u64, x: u32) -> Pixel {
    let bytes = mix(seed ^ u64::from(x)).to_le_bytes();
    std::array::from_fn(|i| u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]))
}

/// The finalizer of SplitMix64: every bit of the input moves every bit of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_knows_its_picture() {
        for frame in [0, 1, 31, 32, 65_535, 65_536, 123_456_789] {
            let row: Vec<_> = Scene::default().row(frame, 7).take(4).collect();
            assert_eq!(frame_of_row(&row), frame);
            assert_eq!(row[3], pixel(frame, 3, 7));
        }
    }

    #[test]
    fn a_picture_of_one_column_still_counts() {
        assert_eq!(frame_of_row(&[pixel(41, 0, 0)]), 41);
    }

    #[test]
    fn outside_the_moving_part_is_picture_0() {
        let moving = Rect { x: 0, y: 2, width: 3, height: 2 };
        let scene = Scene { moving: Some(moving), plain: false };
        assert_eq!(scene.pixel(9, 2, 3), pixel(9, 2, 3));
        assert_eq!(scene.pixel(9, 3, 3), pixel(0, 3, 3));
        assert!(scene.row_moves(2) && !scene.row_moves(1));
    }
}
