//! How shaders get the words of pixels.

use zerohop_vulkan::{Device, Image, PixelFormat, PixelLayout, Sight};

use super::{is_half, scale};
use crate::Route;

/// How a shader gets the words of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// 8888 or 2101010 with blue in the lowest bits.
    Bgr,
    /// The same with red there.
    Rgb,
    /// Half floats.
    Half,
    /// The same, by a shader with subgroups.
    FastHalf,
    /// Any other words.
    Any,
    /// A plane in a buffer.
    Plane,
    /// Words of images that show them, gathered: of 8888, 2101010 and half floats.
    EightWords,
    TenWords,
    HalfWords,
    /// Planes of one component, gathered.
    One,
    /// Planes in buffers whose rows begin at multiples of four bytes.
    Lines,
}

impl Source {
    /// The one made for `format`.
    pub(crate) fn of(format: PixelFormat) -> Self {
        let PixelLayout::Packed { bytes, channels: [r, g, b, _] } = format.layout() else {
            return Self::Half;
        };
        match (bytes, r.shift, g.shift, b.shift) {
            (4, 16 | 20, 8 | 10, 0) => Self::Bgr,
            (4, 0, 8 | 10, 16 | 20) => Self::Rgb,
            _ => Self::Any,
        }
    }

    /// The one for a shader that looks at `image`, whose first plane has `format`.
    pub(crate) fn best(image: &Image, format: PixelFormat, route: Route) -> Self {
        let fast = route == Route::Gpu && is_fast(image.device());
        let half = is_half(format);
        match image.sight() {
            Some(Sight::Buffers) if fast && has_lines(image) => Self::Lines,
            Some(Sight::Buffers) => Self::Plane,
            _ if fast && image.has_words() && half => Self::HalfWords,
            _ if fast && image.has_words() && bits(format) == 10 => Self::TenWords,
            _ if fast && image.has_words() => Self::EightWords,
            _ if fast && is_one(format) => Self::One,
            _ if fast && half => Self::FastHalf,
            _ if fast => Self::of(format),
            _ if half => Self::Half,
            _ => Self::Any,
        }
    }

    /// What it sees of pictures.
    pub(crate) fn sight(self) -> Sight {
        match self {
            Self::EightWords | Self::TenWords | Self::HalfWords => Sight::Words,
            Self::Plane | Self::Lines => Sight::Buffers,
            _ => Sight::Images,
        }
    }

    /// What each channel of a texel is multiplied by; 0 for what does not count.
    pub(super) fn scale(self, format: PixelFormat) -> [f32; 4] {
        let mut scale = scale(format);
        let PixelLayout::Packed { channels: [r, g, b, a], .. } = format.layout() else {
            return scale;
        };
        let third = match self {
            Self::Bgr => r.shift,
            Self::Rgb => b.shift,
            _ => return scale,
        };
        scale[1] *= (1_u32 << g.shift) as f32;
        if a.bits > 0 {
            scale[3] *= (1_u32 << (a.shift - third)) as f32;
        }
        scale
    }
}

/// Bits of a colour.
fn bits(format: PixelFormat) -> u32 {
    match format.layout() {
        PixelLayout::Packed { channels: [r, ..], .. } => r.bits,
        PixelLayout::Half { .. } => 16,
    }
}

/// Whether the first plane lies in whole words of a buffer.
fn has_lines(image: &Image) -> bool {
    let place = image.planes()[0].place();
    place.is_some_and(|at| at.offset % 4 == 0 && at.stride % 4 == 0)
}

/// Whether a pixel has one component, as samples of a plane do.
fn is_one(format: PixelFormat) -> bool {
    let PixelLayout::Packed { channels: [one, rest @ ..], .. } = format.layout() else {
        return false;
    };
    one.shift == 0 && rest.iter().all(|channel| channel.bits == 0)
}

/// Whether shaders for GPUs may use subgroups and numbers of 64 bits.
fn is_fast(device: &Device) -> bool {
    let can = device.capabilities();
    can.int64 && can.shuffles.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_two_channels_fit_the_fraction_of_a_float() {
        for format in PixelFormat::all() {
            let source = Source::of(*format);
            if !matches!(source, Source::Bgr | Source::Rgb) {
                continue;
            }
            let PixelLayout::Packed { channels, .. } = format.layout() else { unreachable!() };
            let [r, g, b, a] = source.scale(*format);
            let (low, third, shift) = match source {
                Source::Bgr => (b, r, channels[0].shift),
                _ => (r, b, channels[2].shift),
            };
            assert!(low + g < 8_388_608.0 && third + a < 8_388_608.0, "{}", format.fourcc());
            let all = (low + g) as u32 | ((third + a) as u32) << shift;
            let mask = channels.iter().fold(0, |all, one| all | one.max() << one.shift);
            assert_eq!(all, mask, "{}", format.fourcc());
        }
    }
}
