//! Which screen the user means.

use std::path::PathBuf;
use std::str::FromStr;

use zerohop_frame::Extent;

/// A screen in words: `[CARD][,connector=NAME][,mode=WxH[@HZ]][,fit=auto|fill][,copy=auto|gpu|cpu]
/// [,api=atomic|legacy]`. What is left out is chosen: the first card with a connected screen, the first
/// connected connector, the mode that the screen prefers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// The card's device file, as in `/dev/dri/card0`.
    pub card: Option<PathBuf>,
    /// The connector, as in `HDMI-A-1`.
    pub connector: Option<String>,
    /// The mode.
    pub mode: Option<ModeSpec>,
    /// Whether pictures fill the screen even if they are copied for that: else what the card's plane
    /// does not scale is shown where it lies, in the middle.
    pub fill: bool,
    /// Who copies pictures that the card does not show where they lie.
    pub copy: Copier,
    /// Whether to use the calls from before atomic modesetting, also where the driver has it.
    pub legacy: bool,
}

/// Who copies pictures into memory of the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Copier {
    /// The GPU where it can; the CPU where it cannot, or is the GPU.
    #[default]
    Best,
    /// The device that reads pictures, also where that is the CPU.
    Gpu,
    /// The CPU.
    Cpu,
}

/// A mode in words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModeSpec {
    /// Pixels.
    pub extent: Extent,
    /// Refreshes per second; the nearest is taken. `None`: the fastest.
    pub hertz: Option<f64>,
}

/// Words that are no [`Spec`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word}: {todo}")]
pub struct SpecError {
    word: String,
    todo: &'static str,
}

const KEYS: &str = "write a card as in /dev/dri/card0, then any of connector=NAME, mode=WxH@HZ, \
                    fit=auto or fill, copy=auto, gpu or cpu, and api=atomic or legacy, with commas \
                    between them";
const MODE: &str = "write width x height, and the rate if it matters, as in 1280x720@60";

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut spec = Self::default();
        let words = text.split(',').filter(|word| !word.is_empty());
        for (place, word) in words.enumerate() {
            let wrong = |todo| SpecError { word: word.to_owned(), todo };
            match word.split_once('=') {
                None if place == 0 && word.starts_with('/') => spec.card = Some(word.into()),
                Some(("connector", name)) if !name.is_empty() => {
                    spec.connector = Some(name.to_owned());
                }
                Some(("mode", mode)) => spec.mode = Some(parse_mode(mode).ok_or(wrong(MODE))?),
                Some(("fit", "fill")) => spec.fill = true,
                Some(("fit", "auto")) => spec.fill = false,
                Some(("copy", "auto")) => spec.copy = Copier::Best,
                Some(("copy", "gpu")) => spec.copy = Copier::Gpu,
                Some(("copy", "cpu")) => spec.copy = Copier::Cpu,
                Some(("api", "legacy")) => spec.legacy = true,
                Some(("api", "atomic")) => spec.legacy = false,
                _ => return Err(wrong(KEYS)),
            }
        }
        Ok(spec)
    }
}

fn parse_mode(text: &str) -> Option<ModeSpec> {
    let (size, hertz) = match text.split_once('@') {
        None => (text, None),
        Some((size, hertz)) => (size, Some(hertz.parse::<f64>().ok()?)),
    };
    let (width, height) = size.split_once(['x', 'X'])?;
    let extent = Extent { width: width.parse().ok()?, height: height.parse().ok()? };
    let sane = extent.width > 0 && extent.height > 0 && hertz.is_none_or(|hertz| hertz > 0.0);
    sane.then_some(ModeSpec { extent, hertz })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_named_by_card_connector_and_mode_in_any_part() {
        let all: Spec = "/dev/dri/card1,connector=DP-2,mode=1920x1080@59.94".parse().unwrap();
        assert_eq!(all.card, Some("/dev/dri/card1".into()));
        assert_eq!(all.connector.as_deref(), Some("DP-2"));
        let extent = Extent { width: 1920, height: 1080 };
        assert_eq!(all.mode, Some(ModeSpec { extent, hertz: Some(59.94) }));
        assert_eq!("".parse(), Ok(Spec::default()));
        let legacy: Spec = ",mode=640x480,api=legacy".parse().unwrap();
        assert_eq!(legacy.mode.map(|mode| mode.hertz), Some(None));
        assert!(legacy.legacy && legacy.card.is_none());
        let filled: Spec = "fit=fill,copy=gpu".parse().unwrap();
        assert_eq!((filled.fill, filled.copy), (true, Copier::Gpu));
        assert_eq!("fit=auto,copy=auto,api=atomic".parse(), Ok(Spec::default()));
    }

    #[test]
    fn words_that_name_no_screen_are_refused_with_an_example() {
        for odd in [
            "card0",
            "connector=",
            "mode=fast",
            "mode=0x1",
            "mode=1x1@-1",
            "api=x",
            "copy=x",
            "a=b",
        ] {
            let err = odd.parse::<Spec>().unwrap_err().to_string();
            assert!(err.starts_with(odd) && err.contains("as in"), "{err}");
        }
        assert!("mode=1x1,/dev/dri/card0".parse::<Spec>().is_err(), "the card comes first");
    }
}
