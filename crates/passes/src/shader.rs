//! What the shaders of all passes have in common.

use zerohop_frame::Extent;
use zerohop_vulkan::{Device, Image, PixelFormat, PixelLayout, Sight};

use crate::Grid;
use crate::classify::lift;

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));

/// How a pass gets at a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Route {
    /// The best one for the device and the picture: in place where the CPU can read it there,
    /// a shader for GPUs everywhere else. On a CPU device without such a picture, the shader for
    /// CPUs.
    #[default]
    Best,
    /// By the CPU, in the memory where the picture lies. What cannot be read there goes to a
    /// shader.
    InPlace,
    /// By a shader made for GPUs.
    Gpu,
    /// By a shader made for GPUs without subgroups or numbers of 64 bits.
    Plain,
    /// By a shader made for devices whose threads are few and wide.
    Cpu,
}

impl Route {
    /// The route of `image`; never [`Best`](Self::Best).
    pub(crate) fn of(self, image: &Image) -> Self {
        let shader = if image.device().is_cpu() { Self::Cpu } else { Self::Gpu };
        match self {
            Self::Best | Self::InPlace if image.pixels().is_some() => Self::InPlace,
            Self::Best | Self::InPlace => shader,
            other => other,
        }
    }
}

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
    fn scale(self, format: PixelFormat) -> [f32; 4] {
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

/// The start of a job over `count` tiles of `grid`: what all shaders over tiles are told.
pub(crate) fn job(source: Source, format: PixelFormat, grid: Grid, count: u32, flags: u32) -> Push {
    let shift = match format.layout() {
        PixelLayout::Packed { channels, .. } => channels.map(|one| one.shift | one.bits << 16),
        PixelLayout::Half { .. } => [0; 4],
    };
    let push = match source {
        _ if source.sight() == Sight::Words => Push::default().words([0; 4]),
        _ => Push::default().floats(source.scale(format)),
    };
    push.words(shift).tiles(format, grid, count, flags)
}

/// The same over the first plane, where shaders see it in a buffer or all bits of it in an image.
pub(crate) fn plane_job(
    image: &Image,
    format: PixelFormat,
    grid: Grid,
    count: u32,
    flags: u32,
) -> Push {
    let place = image.planes()[0].place().map_or([0; 2], |at| [at.offset, at.stride]);
    let bytes = format.bytes() as u32;
    let push = Push::default().words(place).words([0; 4]).words([bytes, 8 * bytes]);
    push.tiles(format, grid, count, flags)
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
pub(crate) fn is_fast(device: &Device) -> bool {
    let can = device.capabilities();
    can.int64 && can.shuffles.is_some()
}

/// Push constants, word by word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Push(Vec<u8>);

impl Push {
    pub(crate) fn floats(mut self, values: [f32; 4]) -> Self {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    pub(crate) fn words<const N: usize>(mut self, values: [u32; N]) -> Self {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// Of which picture, which tiles, and where these are listed (`job.wgsl`).
    pub(crate) fn tiles(self, format: PixelFormat, grid: Grid, count: u32, flags: u32) -> Self {
        let Extent { width, height } = grid.extent();
        let last = 1 << lift(format);
        let first = if is_half(format) { 1 } else { last };
        self.words([width, height]).list(grid, count, flags).words([first, last])
    }

    pub(crate) fn then(mut self, more: &Self) -> Self {
        self.0.extend(&more.0);
        self
    }

    /// Which tiles, and whether they are listed (`tiles.wgsl`).
    pub(crate) fn list(self, grid: Grid, count: u32, flags: u32) -> Self {
        self.words([grid.columns(), count, flags, 0])
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// [`Push::tiles`]: there is no list, since it would have all tiles in order.
pub(crate) const EVERY: u32 = 1;
/// [`Push::tiles`]: without a list, all tiles are stale.
pub(crate) const STALE: u32 = 2;

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

    #[test]
    fn a_long_line_of_groups_is_folded() {
        assert_eq!(groups(8, 8), [1, 1, 1]);
        assert_eq!(groups(65535, 1), [65535, 1, 1]);
        assert_eq!(groups(65536, 1), [65535, 2, 1]);
    }
}
