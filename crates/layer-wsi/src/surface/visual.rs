//! How the pixels of an X11 window look, from what the server said when the connection began.

use ash::vk;

/// `XCB_VISUAL_CLASS_TRUE_COLOR`.
const TRUE_COLOR: u8 = 4;
/// `XCB_VISUAL_CLASS_DIRECT_COLOR`.
const DIRECT_COLOR: u8 = 5;

/// A visual and the depth that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visual {
    /// Its name on the server.
    pub(super) id: u32,
    /// Bits of a pixel that mean something.
    depth: u8,
    class: u8,
    /// Which bits of a pixel are red, green and blue.
    masks: [u32; 3],
}

impl Visual {
    /// Whether pixels are colours, not indices.
    pub(super) fn is_direct(&self) -> bool {
        matches!(self.class, TRUE_COLOR | DIRECT_COLOR)
    }

    /// Whether pixels have bits besides the colours.
    pub(super) fn has_alpha(&self) -> bool {
        let used = u32::MAX.checked_shr(32 - u32::from(self.depth.min(32))).unwrap_or(0);
        let [red, green, blue] = self.masks;
        used & !(red | green | blue) != 0
    }

    /// Whether images of `format` hold their colours where the window does.
    pub(super) fn takes(&self, format: vk::Format) -> bool {
        masks(format) == Some(self.masks)
    }

    /// The visual called `id` in `setup`, an `xcb_setup_t` with all that follows it.
    ///
    /// # References
    ///
    /// X Window System Protocol, "Connection Setup"; `<xcb/xproto.h>`.
    pub(super) fn find(setup: &[u8], id: u32) -> Option<Self> {
        let mut at = Reader { bytes: setup, at: 24 };
        let vendor = usize::from(at.u16()?);
        at.skip(2);
        let screens = at.u8()?;
        let formats = usize::from(at.u8()?);
        at.at = 40 + vendor.next_multiple_of(4) + 8 * formats;
        for _ in 0..screens {
            at.skip(39);
            for _ in 0..at.u8()? {
                let depth = at.u8()?;
                at.skip(1);
                let visuals = at.u16()?;
                at.skip(4);
                for _ in 0..visuals {
                    let (this, class) = (at.u32()?, at.u8()?);
                    at.skip(3);
                    let masks = [at.u32()?, at.u32()?, at.u32()?];
                    at.skip(4);
                    if this == id {
                        return Some(Self { id, depth, class, masks });
                    }
                }
            }
        }
        None
    }
}

/// Where a format keeps red, green and blue in a pixel read as a little-endian number.
fn masks(format: vk::Format) -> Option<[u32; 3]> {
    match format {
        vk::Format::B8G8R8A8_SRGB | vk::Format::B8G8R8A8_UNORM => {
            Some([0x00ff_0000, 0x0000_ff00, 0x0000_00ff])
        }
        vk::Format::R8G8B8A8_SRGB | vk::Format::R8G8B8A8_UNORM => {
            Some([0x0000_00ff, 0x0000_ff00, 0x00ff_0000])
        }
        vk::Format::A2R10G10B10_UNORM_PACK32 => Some([0x3ff0_0000, 0x000f_fc00, 0x0000_03ff]),
        vk::Format::A2B10G10R10_UNORM_PACK32 => Some([0x0000_03ff, 0x000f_fc00, 0x3ff0_0000]),
        vk::Format::R5G6B5_UNORM_PACK16 => Some([0xf800, 0x07e0, 0x001f]),
        _ => None,
    }
}

/// Reads numbers in the byte order of this machine, as libxcb has the server send them.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = self.bytes.get(self.at..self.at + N)?.try_into().ok();
        self.at += N;
        bytes
    }

    fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_ne_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_ne_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_ne_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A setup with a 3-byte vendor, one pixmap format and one screen, which has a depth without
    /// visuals and then one of 32 bits with visuals 7 and 9.
    fn setup() -> Vec<u8> {
        let mut bytes = vec![0; 40];
        bytes[24] = 3;
        bytes[28..30].copy_from_slice(&[1, 1]);
        bytes.extend([b'X'; 4]);
        bytes.extend([0; 8]);
        bytes.extend([0; 39]);
        bytes.push(2);
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([32, 0]);
        bytes.extend(2u16.to_ne_bytes());
        bytes.extend([0; 4]);
        for (id, class) in [(7u32, 3u8), (9, TRUE_COLOR)] {
            bytes.extend(id.to_ne_bytes());
            bytes.extend([class, 8, 0, 0]);
            for mask in [0x00ff_0000u32, 0x0000_ff00, 0x0000_00ff, 0] {
                bytes.extend(mask.to_ne_bytes());
            }
        }
        bytes
    }

    #[test]
    fn a_visual_is_found_with_its_depth() {
        let visual = Visual::find(&setup(), 9).unwrap();
        assert!(visual.is_direct() && visual.has_alpha());
        assert!(visual.takes(vk::Format::B8G8R8A8_SRGB));
        assert!(!visual.takes(vk::Format::R8G8B8A8_SRGB));
        assert!(!Visual::find(&setup(), 7).unwrap().is_direct());
        assert_eq!(Visual::find(&setup(), 8), None);
    }

    #[test]
    fn a_setup_cut_short_has_no_visual() {
        let whole = setup();
        for len in 0..whole.len() - 4 {
            assert_eq!(Visual::find(&whole[..len], 9), None, "{len} bytes");
        }
    }

    #[test]
    fn a_depth_of_24_has_no_alpha() {
        let mut visual = Visual::find(&setup(), 9).unwrap();
        visual.depth = 24;
        assert!(!visual.has_alpha());
    }
}
