//! What the library is told to be.

use std::sync::OnceLock;

use zerohop_nvenc::{Codec, Version};

/// Commas between any of these words:
///
/// | word | what happens |
/// |---|---|
/// | `no-chip` | no session opens: `NV_ENC_ERR_UNSUPPORTED_DEVICE`, as on A100, H100 and H200 |
/// | `api=M.N` | the newest version it speaks; 13.0 without |
/// | `codec=hevc` | the only codec of the chip, as `h264`, `hevc` or `av1`; may be given again |
/// | `sessions=N` | more than these do not open |
/// | `lost=N` | from the Nth picture on, the device is gone |
/// | `no-rgb` | it reads `NV12` and `YUV420_10BIT` only |
/// | `no-resize` | it does not change its size in place |
/// | `busy=N` | each picture is refused N times before it is taken |
/// | `most=WxH` | the largest pictures; 4096x4096 without |
/// | `least=WxH` | the smallest pictures; 32x16 without |
/// | `stall=N` | the bitstream of the Nth picture never comes |
/// | `slow=N` | that of the Nth picture comes after three seconds |
/// | `ahead=N` | it wants more pictures before it encodes the Nth |
pub const BEHAVIOUR: &str = "ZEROHOP_NVENC";

/// What the library is told to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Behaviour {
    pub(crate) no_chip: bool,
    pub(crate) api: (u32, u32),
    pub(crate) codecs: Vec<Codec>,
    pub(crate) sessions: Option<usize>,
    pub(crate) lost: Option<u64>,
    pub(crate) stall: Option<u64>,
    pub(crate) slow: Option<u64>,
    pub(crate) ahead: Option<u64>,
    pub(crate) rgb: bool,
    pub(crate) resizes: bool,
    pub(crate) busy: u32,
    pub(crate) least: (u32, u32),
    pub(crate) most: (u32, u32),
}

impl Behaviour {
    /// That of this process.
    pub(crate) fn get() -> &'static Self {
        static TOLD: OnceLock<Behaviour> = OnceLock::new();
        TOLD.get_or_init(|| Self::of(&std::env::var(BEHAVIOUR).unwrap_or_default()))
    }

    /// What `text` says. A word that is not known is one of a test that tests nothing.
    fn of(text: &str) -> Self {
        let mut all = Self {
            no_chip: false,
            api: (13, 0),
            codecs: Vec::new(),
            sessions: None,
            lost: None,
            stall: None,
            slow: None,
            ahead: None,
            rgb: true,
            resizes: true,
            busy: 0,
            least: (32, 16),
            most: (4096, 4096),
        };
        for word in text.split(',').filter(|word| !word.is_empty()) {
            assert!(all.take(word).is_some(), "testkit-nvenc does not know {word:?}");
        }
        if all.codecs.is_empty() {
            all.codecs = Codec::ALL.to_vec();
        }
        // AV1 came with 12.0.
        all.codecs.retain(|codec| *codec != Codec::Av1 || all.api >= (12, 0));
        all
    }

    fn take(&mut self, word: &str) -> Option<()> {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "no-chip" => self.no_chip = true,
            "api" => self.api = pair(value, '.')?,
            "codec" => self.codecs.push(codec(value)?),
            "sessions" => self.sessions = Some(value.parse().ok()?),
            "lost" => self.lost = Some(value.parse().ok()?),
            "stall" => self.stall = Some(value.parse().ok()?),
            "slow" => self.slow = Some(value.parse().ok()?),
            "ahead" => self.ahead = Some(value.parse().ok()?),
            "no-rgb" => self.rgb = false,
            "no-resize" => self.resizes = false,
            "busy" => self.busy = value.parse().ok()?,
            "least" => self.least = pair(value, 'x')?,
            "most" => self.most = pair(value, 'x')?,
            _ => return None,
        }
        Some(())
    }

    /// Whether it knows structures of `version`.
    pub(crate) fn speaks(&self, version: Version) -> bool {
        version.number() <= self.api
    }
}

fn pair(text: &str, between: char) -> Option<(u32, u32)> {
    let (one, two) = text.split_once(between)?;
    Some((one.parse().ok()?, two.parse().ok()?))
}

fn codec(name: &str) -> Option<Codec> {
    Some(match name {
        "h264" => Codec::H264,
        "hevc" => Codec::Hevc,
        "av1" => Codec::Av1,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_others_refused() {
        let old = Behaviour::of("api=11.1,busy=2,no-rgb");
        assert_eq!((old.api, old.busy, old.rgb), ((11, 1), 2, false));
        assert_eq!(old.codecs, [Codec::H264, Codec::Hevc], "AV1 is younger");
        assert_eq!(Behaviour::of("codec=hevc").codecs, [Codec::Hevc]);
        assert_eq!(Behaviour::of("most=64x32").most, (64, 32));
        assert!(std::panic::catch_unwind(|| Behaviour::of("no-chips")).is_err());
    }
}
