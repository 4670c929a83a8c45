//! What was on a screen before, so that it can be put back.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::str::FromStr;

use drm_ffi::{drm_mode_crtc as CrtcInfo, drm_mode_modeinfo as ModeInfo};

use crate::error::Doing as _;
use crate::{Card, Connector, Error};

/// The state of a CRTC. As text it can be handed to another process, which restores it through a
/// duplicate of the descriptor that the screen was driven by.
///
/// Planes over the primary one stay off: who had them sets them anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    crtc: u32,
    connector: u32,
    framebuffer: u32,
    x: u32,
    y: u32,
    /// `struct drm_mode_modeinfo` in words of two bytes, if the CRTC was on.
    mode: Option<[u16; 34]>,
}

impl Saved {
    /// What `crtc` shows now.
    pub(crate) fn read(card: &Card, crtc: u32, connector: &Connector) -> Result<Self, Error> {
        let info = drm_ffi::mode::get_crtc(card.as_fd(), crtc).doing("look at a CRTC")?;
        let CrtcInfo { fb_id: framebuffer, x, y, mode_valid, mode, .. } = info;
        let on = mode_valid != 0 && framebuffer != 0 && connector.crtc == Some(crtc);
        let mode = on.then(|| words(&mode));
        Ok(Self { crtc, connector: connector.id, framebuffer, x, y, mode })
    }

    /// Puts it back: the mode and the picture that were there, or darkness. What cannot be put back,
    /// because who made it is gone, is left to the kernel, which shows its console once nobody has
    /// the card open any more.
    ///
    /// # Errors
    ///
    /// [`Error::Lost`] when somebody else drives the card by now, [`Error::Call`].
    pub fn restore(&self, card: BorrowedFd<'_>) -> Result<(), Error> {
        let Self { crtc, connector, framebuffer, x, y, mode } = *self;
        let dark = || drm_ffi::mode::set_crtc(card, crtc, 0, 0, 0, &[], None);
        let done = match mode {
            Some(mode) => {
                let mode = Some(info(&mode));
                drm_ffi::mode::set_crtc(card, crtc, framebuffer, x, y, &[connector], mode)
                    .or_else(|_| dark())
            }
            None => dark(),
        };
        done.map(drop).doing("put the screen back")
    }
}

/// Numbers with spaces between them.
impl std::fmt::Display for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { crtc, connector, framebuffer, x, y, mode } = self;
        write!(f, "{crtc} {connector} {framebuffer} {x} {y}")?;
        let mut words = mode.iter().flatten();
        words.try_for_each(|word| write!(f, " {word}"))
    }
}

impl FromStr for Saved {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let mut next = || words.next().unwrap_or_default().parse::<u32>();
        let [crtc, connector, framebuffer, x, y] = [next()?, next()?, next()?, next()?, next()?];
        let words = words.map(str::parse).collect::<Result<Vec<u16>, _>>()?;
        Ok(Self { crtc, connector, framebuffer, x, y, mode: words.try_into().ok() })
    }
}

fn words(mode: &ModeInfo) -> [u16; 34] {
    let bytes = crate::atomic::bytes(&crate::Mode::new(*mode));
    std::array::from_fn(|place| u16::from_ne_bytes([bytes[place * 2], bytes[place * 2 + 1]]))
}

fn info(words: &[u16; 34]) -> ModeInfo {
    let wide = |place: usize| {
        let [a, b] = words[place].to_ne_bytes();
        let [c, d] = words[place + 1].to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d])
    };
    let mut mode = ModeInfo {
        clock: wide(0),
        hdisplay: words[2],
        hsync_start: words[3],
        hsync_end: words[4],
        htotal: words[5],
        hskew: words[6],
        vdisplay: words[7],
        vsync_start: words[8],
        vsync_end: words[9],
        vtotal: words[10],
        vscan: words[11],
        vrefresh: wide(12),
        flags: wide(14),
        type_: wide(16),
        ..ModeInfo::default()
    };
    let name = words[18..].iter().flat_map(|word| word.to_ne_bytes());
    mode.name.iter_mut().zip(name).for_each(|(to, from)| *to = from as std::ffi::c_char);
    mode
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::tests::mode;

    #[test]
    fn a_state_survives_as_text() {
        let mut raw = mode(1280, 720, 60, true).info();
        raw.name[0] = b'x' as std::ffi::c_char;
        (raw.flags, raw.vscan) = (0x8000_0005, 3);
        let on =
            Saved { crtc: 38, connector: 39, framebuffer: 47, x: 1, y: 2, mode: Some(words(&raw)) };
        let off = Saved { framebuffer: 0, mode: None, ..on };
        for saved in [on, off] {
            assert_eq!(saved.to_string().parse(), Ok(saved));
        }
        let back = info(&on.mode.unwrap());
        assert_eq!((back.clock, back.flags, back.vscan), (raw.clock, raw.flags, 3));
        assert_eq!(back.name, raw.name);
        assert!("1 2 3".parse::<Saved>().is_err());
    }
}
