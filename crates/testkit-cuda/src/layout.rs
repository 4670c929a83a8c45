//! How llvmpipe lays out what it exports.
//!
//! # References
//!
//! Mesa, `src/gallium/drivers/llvmpipe/lp_texture.c`: `llvmpipe_texture_layout` pads rows to whole
//! blocks of 4x4 pixels and to cache lines; `llvmpipe_allocate_memory_fd` puts a page of its own before
//! the memory.

use zerohop_cuda::abi::{ArrayDesc, UINT8, UINT32};

/// Bytes before the memory.
pub(crate) const HEADER: usize = 4096;

/// Pixels of a block, across and down.
const BLOCK: usize = 4;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Where the rows of an image lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes of a row's pixels.
    pub(crate) row_bytes: usize,
    /// Rows.
    pub(crate) rows: usize,
    /// Bytes from row to row.
    pub(crate) pitch: usize,
}

impl Layout {
    /// Of a plane; `None` for what no picture of ours is.
    pub(crate) fn of(desc: &ArrayDesc) -> Option<Self> {
        let channel = match desc.format {
            UINT8 => 1,
            UINT32 => 4,
            0x02 | 0x10 => 2,
            _ => return None,
        };
        if !matches!(desc.channels, 1 | 2 | 4) || desc.depth != 0 {
            return None;
        }
        let pixel = channel * desc.channels as usize;
        let padded = desc.width.checked_next_multiple_of(BLOCK)?.checked_mul(pixel)?;
        let pitch = padded.checked_next_multiple_of(LINE)?;
        Some(Self { row_bytes: desc.width.checked_mul(pixel)?, rows: desc.height, pitch })
    }

    /// Bytes of all rows.
    pub(crate) fn size(&self) -> Option<usize> {
        self.pitch.checked_mul(self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_with_a_cache_line() {
        let desc =
            ArrayDesc { width: 17, height: 3, depth: 0, format: UINT8, channels: 4, flags: 0 };
        assert_eq!(Layout::of(&desc), Some(Layout { row_bytes: 68, rows: 3, pitch: 128 }));
        assert_eq!(Layout::of(&ArrayDesc { channels: 3, ..desc }), None);
        assert_eq!(Layout::of(&ArrayDesc { format: 99, ..desc }), None);
    }
}
