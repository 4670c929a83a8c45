//! What the shaders of all passes have in common.

use zerohop_vulkan::{Image, PixelFormat, PixelLayout};

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

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The largest code of each channel as a shader multiplies by it; 0 for what does not count.
pub(crate) fn scale(format: PixelFormat) -> [f32; 4] {
    match format.layout() {
        PixelLayout::Packed { channels, .. } => channels.map(|one| one.max() as f32),
        PixelLayout::Half { alpha } => [1.0, 1.0, 1.0, f32::from(u8::from(alpha))],
    }
}

/// The lowest bit of each channel.
pub(crate) fn shift(format: PixelFormat) -> [u32; 4] {
    match format.layout() {
        PixelLayout::Packed { channels, .. } => channels.map(|one| one.shift),
        PixelLayout::Half { .. } => [0; 4],
    }
}

/// Whether the pixels are half floats.
pub(crate) fn is_half(format: PixelFormat) -> bool {
    matches!(format.layout(), PixelLayout::Half { .. })
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
