//! Where pictures go: `--to SPEC`.

use std::path::{Path, PathBuf};

use zerohop_kms::Spec;

use crate::failure::Failure;

/// One place that pictures go to, as `--to` names it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum To {
    /// A fragmented MP4 file; `-` is the standard output.
    Mp4(PathBuf),
    /// The region that alone keeps changing, in a fragmented MP4 file.
    Region(PathBuf),
    /// Numbered PNG files in this folder.
    Png(PathBuf),
    /// One line with the checksum of each picture into this file; `-` is the standard output.
    Checksum(PathBuf),
    /// This screen.
    Kms(Spec),
    /// Nowhere.
    Null,
    /// Nowhere, converted as an encoder would have it.
    NullNv12,
    /// There, as CUDA sees the pictures: nowhere, PNG files or checksums.
    ByCuda(Box<To>),
}

/// Every place there is, as it is written, with what it makes of the pictures.
const ALL: [(&str, &str); 7] = [
    ("mp4:FILE", "--codec in a fragmented MP4 file; - is the standard output"),
    (
        "region:FILE",
        "the region that alone keeps changing, such as a video on a page, by a second encoder; the other \
         files rest while it does (nvenc, fragmented MP4)",
    ),
    ("png:DIR", "numbered PNG files in this folder, as they came (copies each one)"),
    (
        "checksum[:FILE]",
        "an MD5 for each picture, in ffmpeg's framemd5 format; to the standard output without FILE",
    ),
    (
        "kms[:SCREEN]",
        "on a screen, without a display server, in the memory that they were drawn in. SCREEN is any \
         of /dev/dri/cardN,connector=NAME,mode=WxH@HZ; `zerohop doctor` lists them. With fit=fill \
         pictures fill it, also where only a copy can scale them (otherwise they are in the middle); \
         copy=gpu or cpu says who copies what the card does not take",
    ),
    ("null[:nv12]", "nowhere, to measure the way there; with nv12, to where an encoder reads them"),
    (
        "…,view=cuda",
        "null, png and checksum as CUDA sees the pictures on an NVIDIA GPU, in the memory that they were \
         drawn in: null waits until each one is complete there, the others read it back (copies each one)",
    ),
];

/// What ends the name of a place that sees pictures through CUDA.
const BY_CUDA: &str = ",view=cuda";

/// What `--help` says about the places.
pub(crate) fn help() -> String {
    let lines = ALL.map(|(spec, what)| format!("\n  {spec:<15}  {what}"));
    format!("Send the pictures there; may be given several times:{}", lines.concat())
}

impl To {
    /// Reads `spec`, as in `mp4:cube.mp4`. What is wrong with it comes with a list of what there is.
    pub(crate) fn parse(spec: &str) -> Result<Self, String> {
        if let Some(place) = spec.strip_suffix(BY_CUDA) {
            return match Self::parse(place)? {
                place @ (Self::Null | Self::Png(_) | Self::Checksum(_)) => {
                    Ok(Self::ByCuda(Box::new(place)))
                }
                _ => Err("view=cuda goes with null, png and checksum".to_owned()),
            };
        }
        let (kind, place) = match spec.split_once(':') {
            Some((kind, place)) => (kind, Some(place).filter(|place| !place.is_empty())),
            None => (spec, None),
        };
        match (kind, place) {
            ("mp4", Some(file)) => Ok(Self::Mp4(file.into())),
            ("region", Some(file)) => Ok(Self::Region(file.into())),
            ("png", Some(folder)) => Ok(Self::Png(folder.into())),
            ("checksum", file) => Ok(Self::Checksum(file.unwrap_or("-").into())),
            ("kms", screen) => {
                let screen = screen.unwrap_or_default().parse();
                screen.map(Self::Kms).map_err(|err: zerohop_kms::SpecError| err.to_string())
            }
            ("null", None) => Ok(Self::Null),
            ("null", Some("nv12")) => Ok(Self::NullNv12),
            _ => Err(format!("write one of {}", ALL.map(|(spec, _)| spec).join(", "))),
        }
    }

    /// Where the film with this number goes, of several that are played beside each other: `{}` in a name is
    /// the number. Checksums of all of them go to one place, each line with the film's number.
    pub(crate) fn of_film(&self, film: usize, films: usize) -> Result<Self, Failure> {
        let numbered = |kind, path| numbered(&format!("--to {kind}"), path, film, films);
        Ok(match self {
            Self::Mp4(path) => Self::Mp4(numbered("mp4", path)?),
            Self::Region(path) => Self::Region(numbered("region", path)?),
            Self::Png(path) => Self::Png(numbered("png", path)?),
            Self::ByCuda(place) => Self::ByCuda(Box::new(place.of_film(film, films)?)),
            Self::Kms(_) => {
                let why = format!("a screen shows one film, and these are {films}");
                return Err(Failure::new("--to kms", why, "start zerohop once for each screen"));
            }
            Self::Checksum(_) | Self::Null | Self::NullNv12 => self.clone(),
        })
    }

    /// The file or folder that is written.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Mp4(path) | Self::Region(path) | Self::Png(path) | Self::Checksum(path) => {
                Some(path)
            }
            Self::ByCuda(place) => place.path(),
            Self::Kms(_) | Self::Null | Self::NullNv12 => None,
        }
    }

    /// Whether it needs the standard output for itself.
    pub(crate) fn is_standard_output(&self) -> bool {
        let is_stream = match self {
            Self::ByCuda(place) => return place.is_standard_output(),
            place => matches!(place, Self::Mp4(_) | Self::Region(_) | Self::Checksum(_)),
        };
        is_stream && self.path().is_some_and(|path| path.as_os_str() == "-")
    }

    /// Whether it is a screen, which shows pictures at its own pace.
    pub(crate) fn is_screen(&self) -> bool {
        matches!(self, Self::Kms(_))
    }

    /// Whether CUDA sees every picture before it.
    pub(crate) fn is_by_cuda(&self) -> bool {
        matches!(self, Self::ByCuda(_))
    }

    /// Whether it is shown every picture as it came, changed or not, so that none may be lost.
    pub(crate) fn wants_all(&self) -> bool {
        match self {
            Self::ByCuda(place) => place.wants_all(),
            place => matches!(place, Self::Png(_) | Self::Checksum(_)),
        }
    }
}

/// `path` with the film's number in the place of `{}`.
pub(crate) fn numbered(
    what: &str,
    path: &Path,
    film: usize,
    films: usize,
) -> Result<PathBuf, Failure> {
    let name = path.to_string_lossy();
    if !name.contains("{}") {
        let why = format!("{films} films do not go into one {name}");
        let todo = "write {} where the film's number is to be, as in film-{}.mp4";
        return Err(Failure::new(what, why, todo));
    }
    Ok(name.replace("{}", &film.to_string()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_with_what_belongs_to_it() {
        assert_eq!(To::parse("mp4:a:b.mp4"), Ok(To::Mp4("a:b.mp4".into())));
        assert_eq!(To::parse("region:a.mp4"), Ok(To::Region("a.mp4".into())));
        assert_eq!(To::parse("png:frames"), Ok(To::Png("frames".into())));
        assert_eq!(To::parse("null"), Ok(To::Null));
        let by_cuda = |place| Ok(To::ByCuda(Box::new(place)));
        assert_eq!(To::parse("null,view=cuda"), by_cuda(To::Null));
        assert_eq!(To::parse("png:a,b,view=cuda"), by_cuda(To::Png("a,b".into())));
        assert!(To::parse("checksum,view=cuda").unwrap().is_standard_output());
        assert!(To::parse("mp4:a.mp4,view=cuda").unwrap_err().contains("null, png and checksum"));
        assert_eq!(To::parse("kms"), Ok(To::Kms(Spec::default())));
        let card = Spec { card: Some("/dev/dri/card1".into()), ..Spec::default() };
        assert_eq!(To::parse("kms:/dev/dri/card1"), Ok(To::Kms(card)));
        assert!(To::parse("kms:mode=big").unwrap_err().contains("1280x720@60"));
        let checksum = To::parse("checksum").unwrap();
        assert_eq!(checksum, To::Checksum("-".into()));
        assert!(checksum.is_standard_output());
        assert!(!To::parse("checksum:sums").unwrap().is_standard_output());
    }

    #[test]
    fn an_unknown_place_is_answered_with_all_there_are() {
        for odd in [",view=cuda", "", "mp4", "mp4:", "png", "null:x", "avi:a.avi", "MP4:a.mp4"] {
            let said = To::parse(odd).unwrap_err();
            assert!(ALL.iter().all(|(spec, _)| said.contains(spec)), "{odd}: {said}");
        }
    }
}
