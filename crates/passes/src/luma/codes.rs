//! What luma is made of, and what its parts weigh.

use zerohop_frame::{Color, Fourcc, FrameDescriptor, YCbCr};
use zerohop_vulkan::{Image, PixelFormat};

use crate::Error;
use crate::convert::curve::{Curve, maxima};
use crate::shader::{self, Push};
use crate::ycbcr::{Kind, Range, push_planes};

/// Bits after the point.
pub(super) const POINT: u32 = 24;

/// What luma is made of.
pub(crate) enum Codes {
    /// A plane that is luma.
    YCbCr(Plane),
    /// R', G' and B'.
    Rgb {
        /// How they lie.
        format: PixelFormat,
        /// What they weigh, times 2^24.
        weights: [u32; 3],
        /// The codes of half floats.
        curve: Curve,
    },
}

/// A plane of luma codes.
pub(crate) struct Plane {
    /// How they lie.
    pub(crate) format: YCbCr,
    /// The largest that counts.
    pub(crate) most: u32,
    /// What one weighs, times 2^24.
    pub(crate) weight: u32,
}

impl Codes {
    /// Of pictures of `descriptor`'s format and colour.
    pub(crate) fn of(descriptor: &FrameDescriptor) -> Result<Self, Error> {
        let fourcc = descriptor.fourcc;
        if let Some(format) = fourcc.ycbcr() {
            return Ok(Self::YCbCr(of_ycbcr(format, descriptor)));
        }
        let format = PixelFormat::of(fourcc)?;
        if [Fourcc::GR88, Fourcc::GR1616].contains(&fourcc) {
            return Err(Error::NotRgb(fourcc));
        }
        Ok(of_pixels(format, &descriptor.color))
    }

    /// What the luma's codes mean.
    pub(crate) fn color(&self, descriptor: &FrameDescriptor) -> Color {
        match self {
            Self::YCbCr(_) => Color { siting: None, ..descriptor.color },
            Self::Rgb { .. } => {
                Color { matrix: 1, full_range: true, siting: None, ..descriptor.color }
            }
        }
    }

    /// What a shader is told: `LumaOf` of `luma_of.wgsl`.
    pub(crate) fn push(&self, image: &Image) -> Push {
        match self {
            Self::YCbCr(plane) => push_planes(Push::default(), image, &plane.format).words([
                plane.most,
                plane.weight,
                0,
                0,
            ]),
            Self::Rgb { format, weights: [r, g, b], .. } => {
                Push::default().floats(shader::scale(*format)).words([*r, *g, *b, 0])
            }
        }
    }
}

/// What a code of the luma plane weighs.
fn of_ycbcr(format: YCbCr, descriptor: &FrameDescriptor) -> Plane {
    let range = Range::of(descriptor.color.full_range, format.bits);
    let most = if descriptor.color.full_range { range.luma } else { 255 << (format.bits - 8) };
    let weight = weight(1.0, most);
    Plane { format, most, weight }
}

fn of_pixels(format: PixelFormat, color: &Color) -> Codes {
    if !format.is_rgb() {
        // One component that is luma already.
        let bits = if format.bytes() == 1 { 8 } else { 16 };
        let one = YCbCr { bits, shift: 0, shared: (1, 1), interleaved: true, swapped: false };
        let most = if color.full_range { (1 << bits) - 1 } else { 255 << (bits - 8) };
        return Codes::YCbCr(Plane { format: one, most, weight: weight(1.0, most) });
    }
    let kind = Kind::of_rgb(color);
    let max = maxima(format);
    let parts = [kind.red, kind.green(), kind.blue];
    let weights = std::array::from_fn(|i| weight(parts[i], max[i]));
    Codes::Rgb { format, weights, curve: Curve::of(color) }
}

/// `part * 255 / most`, times 2^24. Rounded down, so that no sum is above 255.
fn weight(part: f64, most: u32) -> u32 {
    (part * 255.0 * f64::from(1 << POINT) / f64::from(most)) as u32
}
