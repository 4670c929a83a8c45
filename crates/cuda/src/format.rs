//! What CUDA's arrays call the pixels of a picture.

use zerohop_frame::{Extent, Fourcc};

use crate::Error;
use crate::abi::{ArrayDesc, HALF, UINT8, UINT16, UINT32};

/// Format and channels of an element that is one pixel of a picture with one plane. Packed words of
/// 10 bits a channel are one number to CUDA, as only their size matters to a copy.
fn element(fourcc: Fourcc) -> Option<(u32, u32)> {
    Some(match fourcc {
        Fourcc::XRGB8888 | Fourcc::ARGB8888 | Fourcc::XBGR8888 | Fourcc::ABGR8888 => (UINT8, 4),
        Fourcc::XRGB2101010 | Fourcc::ARGB2101010 | Fourcc::XBGR2101010 | Fourcc::ABGR2101010 => {
            (UINT32, 1)
        }
        Fourcc::RGB565 | Fourcc::R16 => (UINT16, 1),
        Fourcc::XBGR16161616F | Fourcc::ABGR16161616F => (HALF, 4),
        Fourcc::R8 => (UINT8, 1),
        Fourcc::GR88 => (UINT8, 2),
        Fourcc::GR1616 => (UINT16, 2),
        _ => return None,
    })
}

/// The array of a picture, and the bytes of a pixel.
pub(crate) fn array_of(
    fourcc: Fourcc,
    extent: Extent,
    flags: u32,
) -> Result<(ArrayDesc, usize), Error> {
    let Extent { width, height } = extent;
    if width == 0 || height == 0 {
        return Err(Error::Empty(extent));
    }
    let (format, channels) = element(fourcc).ok_or(Error::Format(fourcc))?;
    let (width, height) = (width as usize, height as usize);
    let desc = ArrayDesc { width, height, depth: 0, format, channels, flags };
    Ok((desc, bytes_of(format) * channels as usize))
}

/// Bytes of one channel.
fn bytes_of(format: u32) -> usize {
    match format {
        UINT8 => 1,
        UINT32 => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_as_large_as_a_pixel() {
        let extent = Extent { width: 3, height: 2 };
        for fourcc in [
            Fourcc::XRGB8888,
            Fourcc::ABGR2101010,
            Fourcc::RGB565,
            Fourcc::ABGR16161616F,
            Fourcc::R8,
            Fourcc::GR88,
            Fourcc::GR1616,
        ] {
            let (desc, bytes) = array_of(fourcc, extent, 0).unwrap();
            let planes = fourcc.planes().unwrap();
            assert_eq!(planes[0].row_bytes(extent), (desc.width * bytes) as u64, "{fourcc}");
        }
        assert!(matches!(array_of(Fourcc::NV12, extent, 0), Err(Error::Format(Fourcc::NV12))));
    }
}
