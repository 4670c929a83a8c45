//! The ways to get at a picture.

use zerohop_vulkan::Image;

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
