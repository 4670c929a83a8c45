//! Pictures that take turns.

use zerohop_frame::{Color, Damage, Extent, Fourcc};
use zerohop_vulkan::PixelFormat;

use crate::common::{Canvas, Machine, Tiling, noise};

/// Bytes of pictures that take turns: more than three times the second cache of an H200.
const TURNS: u64 = 192 << 20;

/// How many things of `bytes` take turns.
pub(crate) fn turns(is_cpu: bool, bytes: u64) -> usize {
    if is_cpu { 2 } else { TURNS.div_ceil(bytes.max(1)).clamp(2, 48) as usize }
}

/// Pictures of one shape, on a device.
pub(crate) struct Stage<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) extent: Extent,
    pub(crate) format: PixelFormat,
    pub(crate) content: [Vec<u8>; 2],
}

impl<'a> Stage<'a> {
    pub(crate) fn new(machine: &'a Machine, extent: Extent, format: PixelFormat) -> Self {
        let bytes = extent.width as usize * extent.height as usize * format.bytes();
        Self { machine, extent, format, content: [noise(1, bytes), noise(2, bytes)] }
    }

    /// Size and format.
    pub(crate) fn shape(&self) -> (Extent, Fourcc) {
        (self.extent, self.format.fourcc())
    }

    /// Bytes of a picture.
    pub(crate) fn bytes(&self) -> u64 {
        self.content[0].len() as u64
    }

    /// Pictures that take turns. Those with even numbers show one thing, those with odd ones another
    /// if `change`.
    pub(crate) fn canvases(&self, tiling: Tiling, change: bool) -> Vec<Canvas> {
        let count = turns(self.machine.device.is_cpu(), self.bytes()).next_multiple_of(2);
        let canvas = |turn: usize| {
            let color = Color::SRGB;
            let mut canvas = Canvas::new(self.machine, self.extent, self.format, tiling, color);
            let content = if change { turn % 2 } else { 0 };
            let _ = canvas.show(self.machine, &self.content[content], Damage::Unknown);
            canvas
        };
        (0..count).map(canvas).collect()
    }
}
