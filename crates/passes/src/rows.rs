//! Pictures as the CPU twins read them.

use zerohop_vulkan::Pixels;

/// Rows of raw codes.
pub trait Rows {
    /// `N` bytes from byte `offset` of row `row` on.
    fn read<const N: usize>(&self, row: usize, offset: usize) -> [u8; N];
}

impl Rows for Pixels<'_> {
    #[inline(always)]
    fn read<const N: usize>(&self, row: usize, offset: usize) -> [u8; N] {
        Pixels::read(self, row, offset)
    }
}

/// A picture in a slice.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'a> {
    /// The raw codes.
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

impl Rows for Plain<'_> {
    #[inline(always)]
    fn read<const N: usize>(&self, row: usize, offset: usize) -> [u8; N] {
        let start = row * self.stride + offset;
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[start..start + N]);
        out
    }
}
