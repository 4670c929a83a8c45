//! Pictures of colours in another size and format, in memory that somebody else shows: a card's own.
//!
//! Each pixel is a mean of those that it covers (`taps.rs`), of codes as they are; half floats become
//! codes of 10 bits before. Of the same size and bits the codes stay the same. Shader and twin agree in
//! every bit that counts.

mod cpu;
mod gpu;
mod taps;

use std::ops::Range;

use zerohop_frame::{Extent, Fourcc, FrameDescriptor, Rect};
use zerohop_vulkan::{Channel, PixelFormat, PixelLayout};

use crate::convert::curve::{Curve, maxima};
use crate::{Error, Rows};
use taps::Taps;

pub use gpu::{FitShader, FitTarget};

/// Writes pictures into a part of others.
pub struct Fit(Job);

/// What is written where.
struct Job {
    shape: FrameDescriptor,
    format: PixelFormat,
    curve: Curve,
    across: Taps,
    down: Taps,
    /// Whether pixels are written as they are, but for their alpha.
    same: bool,
    /// What the code of each colour weighs, times 2^22, when it has 6 bits behind its point.
    weights: [u32; 3],
    /// R, G and B in a pixel that is written, and its bytes.
    channels: [Channel; 3],
    bytes: usize,
    /// Bytes to the first pixel that is written, and from row to row.
    start: usize,
    stride: usize,
}

impl Fit {
    /// For pictures of `shape`, to be written into `place` of pictures of another one. Where two pixels
    /// are a word, the place begins at an even column.
    ///
    /// # Errors
    ///
    /// [`Error::NotRgb`] of either, or of one with more than 8 bits that is to be written;
    /// [`Error::Device`] names a format that nobody knows; [`Error::TooLarge`].
    ///
    /// # Panics
    ///
    /// When the place is not within the picture that is written, or empty.
    pub fn new(shape: &FrameDescriptor, to: &FrameDescriptor, place: Rect) -> Result<Self, Error> {
        let (format, written) = (rgb(shape.fourcc)?, rgb(to.fourcc)?);
        let (bytes, channels) = match written.layout() {
            PixelLayout::Packed { bytes, channels: [r, g, b, _] } if g.bits <= 8 => {
                (bytes, [r, g, b])
            }
            _ => return Err(Error::NotRgb(to.fourcc)),
        };
        check_sizes(shape.extent, to.extent, place)?;
        let (layout, left) = (&to.planes[0], place.x as usize & !(4 / bytes - 1));
        let max = maxima(format);
        let across = Taps::new(shape.extent.width, place.width);
        let down = Taps::new(shape.extent.height, place.height);
        let same = across.is_copy() && down.is_copy() && places(format) == Some(channels);
        Ok(Self(Job {
            shape: shape.clone(),
            format,
            curve: Curve::of(&shape.color),
            same,
            across,
            down,
            weights: std::array::from_fn(|i| weight(max[i], channels[i].max())),
            channels,
            bytes,
            start: (layout.offset + place.y * layout.stride) as usize + left * bytes,
            stride: layout.stride as usize,
        }))
    }

    /// The bytes of each row of pixels that is written.
    pub fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        let (row, start, stride) =
            (self.0.across.len() * self.0.bytes, self.0.start, self.0.stride);
        (0..self.0.down.len()).map(move |y| start + y * stride..start + y * stride + row)
    }

    /// The end of the last pixel that is written, in whole words of 4 bytes.
    pub fn end(&self) -> u64 {
        self.0.end()
    }

    /// Writes a picture by the CPU into `out`. The picture is complete.
    ///
    /// # Panics
    ///
    /// When `picture` is of another shape, or `out` is too small.
    pub fn paint(&self, picture: &impl Rows, out: &mut [u8]) {
        cpu::paint(picture, &self.0, out);
    }
}

impl Job {
    /// The end of the last pixel that is written, in bytes.
    fn end(&self) -> u64 {
        let rows = self.down.len().saturating_sub(1) * self.stride;
        ((self.start + rows + self.across.len() * self.bytes) as u64).next_multiple_of(4)
    }
}

/// Checks that the place is within the picture that is written, and that sizes fit what is counted.
fn check_sizes(from: Extent, to: Extent, place: Rect) -> Result<(), Error> {
    const MAX: u32 = 1 << 14;
    if [from.width, from.height, to.width, to.height].iter().any(|side| *side > MAX) {
        return Err(Error::TooLarge(from));
    }
    let (right, bottom) = (place.x + place.width, place.y + place.height);
    assert!(place.width > 0 && place.height > 0, "a place with pixels");
    assert!(right <= to.width && bottom <= to.height, "a place within the picture");
    Ok(())
}

/// Where R, G and B are in a word.
fn places(format: PixelFormat) -> Option<[Channel; 3]> {
    match format.layout() {
        PixelLayout::Packed { channels: [r, g, b, _], .. } => Some([r, g, b]),
        PixelLayout::Half { .. } => None,
    }
}

/// A format of colours.
fn rgb(fourcc: Fourcc) -> Result<PixelFormat, Error> {
    let format = PixelFormat::of(fourcc)?;
    if format.is_rgb() { Ok(format) } else { Err(Error::NotRgb(fourcc)) }
}

/// What a code up to `from` with 6 bits behind its point weighs as one up to `to`, times 2^22. The
/// product has at most 30 bits: `to` has 8.
fn weight(from: u32, to: u32) -> u32 {
    let (from, to) = (u64::from(from) << 6, u64::from(to) << 22);
    ((to + from / 2) / from) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_as_many_bits_stay_and_the_ends_meet() {
        let written = |code: u32, from: u32, to: u32| {
            (u64::from(code << 6) * u64::from(weight(from, to)) + (1 << 21)) >> 22
        };
        for max in [31, 63, 255, 1023] {
            assert!((0..=max).all(|code| written(code, max, max) == code.into()), "{max}");
            for to in [31, 63, 255] {
                assert_eq!([written(0, max, to), written(max, max, to)], [0, to.into()]);
                let near = |code: u32| {
                    let exact = f64::from(code) * f64::from(to) / f64::from(max);
                    (written(code, max, to) as f64 - exact).abs() < 0.51
                };
                assert!((0..=max).all(near), "{max} {to}");
            }
        }
    }
}
