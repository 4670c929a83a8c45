//! What a user may ask for.

mod encoding;
mod play;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use zerohop_frame::Extent;
use zerohop_kms::Saved;

use crate::failure::Failure;
use crate::look::Looker;
use crate::to::{self, To};

pub(crate) use encoding::{Encoding, Named};
pub(crate) use play::{Decode, Play, Probe};

const EXAMPLES: &str = "\
Examples:
  zerohop run -o cube.mp4 -- vkcube --c 300
      Record 300 pictures of vkcube. Without a display one is started for it.
  zerohop run -o page.mp4 --seconds 10 --report page.json -- chromium --enable-features=Vulkan \\
      --ignore-gpu-blocklist file:///page.html
      Record ten seconds of a page, and say what every picture cost.
  zerohop run --png frames --every 30 -- vkcube
      Keep every 30th picture as a file, exactly as it was presented.
  zerohop run --to kms -- vkcube
      Show it on the screen of a machine without a display server, copying nothing.
  zerohop play clip.mp4 --to checksum
      Decode a file, and print an MD5 of every picture, as ffmpeg's framemd5 does.
  zerohop doctor
      Try everything that a recording needs on this machine, and say why what does not work.";

const RUN_EXAMPLES: &str = "\
Examples:
  zerohop run -o cube.mp4 -- vkcube --c 300
  zerohop run -o cube.mp4 --seconds 5 --size 1920x1080 --rate 30 -- vkcube
  zerohop run --png frames --every 30 --frames 300 -- vkcube
  zerohop run --to mp4:cube.mp4 --to checksum:cube.md5 -- vkcube --c 300
  zerohop run --report cost.json --trace trace.json -- vkcube --present_mode 1 --c 1000
  zerohop run -o cube.mp4 --encoder nvenc --codec hevc --rc cbr --bitrate 8M -- vkcube
  zerohop run -o sky.mp4 --display none -- vkmark --winsys headless
  zerohop run -o wall.mp4 --size 1920x1080 --display none -- vkmark --winsys display

Exit code:
  that of the application; 128 + N when signal N ended it; 0 when --frames or --seconds ended it;
  130 after Ctrl-C; 125 when zerohop failed, 126 when the command cannot be run, 127 when it is
  not found. Ctrl-C ends the application and leaves a playable file; a second one does not wait.

Environment:
  ZEROHOP_LAYER_PATH  the layer's library, or the folder it is in, where it is not beside zerohop
  ZEROHOP_WSI         auto, always or never: whether the layer's surfaces and swapchains take the
                      place of the driver's; zerohop doctor says what auto decides, and why
  ZEROHOP_LOG         off, error, warn, info or debug: what the layer says in the application";

/// Carries the pictures of a Vulkan application to where they are used, without the CPU copying them.
#[derive(Debug, Parser)]
#[command(name = "zerohop", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an application and record what it presents
    Run(Run),
    /// Decode a file or a stream, and hand on its pictures in the decoder's own memory
    Play(Play),
    /// Say what is in a file, and how it can be decoded here
    Probe(Probe),
    /// Try what a recording needs on this machine, and say why what does not work
    Doctor(Doctor),
    /// Say what a Vulkan application sees of the layer (for the doctor)
    #[command(hide = true)]
    ProbeLayer,
    /// Clear up after a run whose zerohop was killed (started by every run)
    #[command(hide = true)]
    Guard {
        /// The run's folder
        folder: PathBuf,
    },
    /// Put back what was on the screen when zerohop was killed (started by runs --to kms)
    #[command(hide = true)]
    GuardScreen {
        /// What was on it
        saved: Saved,
    },
}

/// Run an application and record what it presents.
///
/// The application runs unmodified: a Vulkan layer hands each picture that it presents to zerohop, where it is looked at, converted and encoded in the very memory it was drawn in.
/// Pictures that equal the one before cost nothing more.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct Run {
    /// The same as --to mp4:FILE.mp4 (true timestamps); with -, to the standard output, and what the application writes there goes to the standard error
    #[arg(short, long, value_name = "FILE.mp4")]
    pub(crate) output: Option<PathBuf>,

    /// The same as --to png:DIR: numbered PNG files (copies each one)
    #[arg(long, value_name = "DIR")]
    pub(crate) png: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) capture: Capture,

    /// Size of the private display, where one is started, and of the one that VK_KHR_display finds [default: 1280x720, or that of the screen with --to kms]
    #[arg(long, value_name = "WxH", value_parser = extent)]
    pub(crate) size: Option<Extent>,

    /// Virtual refresh rate that the application is paced by [default: 60; with --to kms the screen paces it]
    #[arg(long, value_name = "HZ", value_parser = rate)]
    pub(crate) rate: Option<f64>,

    /// Display for the application: the user's, else a private one (auto), none, or this X display
    #[arg(long, value_name = "auto|none|:N", default_value = "auto", value_parser = display)]
    pub(crate) display: DisplayChoice,

    /// Who finds out that pictures stand still. A host is woken by each picture, which alone takes it 10 to 40 us of a processor; an application that is asked to (four pictures in a row were the same) looks on its own GPU, sends what changed only, and counts the others
    #[arg(long, value_enum, default_value_t)]
    pub(crate) look: Looker,

    /// The application and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// What becomes of the pictures, wherever they come from.
#[derive(Clone, Debug, Args)]
pub(crate) struct Capture {
    #[arg(long, value_name = "SPEC", value_parser = To::parse, help = to::help())]
    pub(crate) to: Vec<To>,

    /// End after N pictures, changed or not
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) frames: Option<u64>,

    /// End after S seconds
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub(crate) seconds: Option<Duration>,

    /// Write only every Nth picture to PNG files and checksums
    #[arg(long, value_name = "N", default_value = "1",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: u64,

    /// Use this device: a part of its name, its index, or its UUID as in `zerohop doctor`; a node such as /dev/dri/renderD128 is the one that decodes
    #[arg(long, value_name = "NAME|INDEX|UUID|NODE")]
    pub(crate) device: Option<String>,

    /// Write what every step cost to this file (JSON)
    #[arg(long, value_name = "FILE.json")]
    pub(crate) report: Option<PathBuf>,

    /// Write what happened to every picture to this file (Chrome trace format, for Perfetto); of several films the first one's has the waits of all
    #[arg(long, value_name = "FILE.json")]
    pub(crate) trace: Option<PathBuf>,

    /// Print the report as a table at the end
    #[arg(long)]
    pub(crate) table: bool,

    /// Keep a processor busy while pictures come, so that none waits for zerohop to wake up: that takes 30 to 60 us, and on virtual machines at times 300
    #[arg(long)]
    pub(crate) spin: bool,

    /// Check zerohop's own use of Vulkan with the Khronos validation layer; a message is a failure
    #[arg(long)]
    pub(crate) validation: bool,

    /// Do not show the live line
    #[arg(long)]
    pub(crate) no_progress: bool,

    #[command(flatten)]
    pub(crate) encoding: Encoding,
}

impl Capture {
    /// The same for the film with this number, of so many: its number takes the place of `{}` in the names of
    /// what each has for itself.
    pub(crate) fn of_film(&self, film: usize, films: usize) -> Result<Self, Failure> {
        if films == 1 {
            return Ok(self.clone());
        }
        let to = self.to.iter().map(|to| to.of_film(film, films)).collect::<Result<_, _>>()?;
        let trace = self.trace.as_deref().map(|path| to::numbered("--trace", path, film, films));
        Ok(Self { to, trace: trace.transpose()?, ..self.clone() })
    }
}

impl Run {
    /// Every place that the pictures go to, however it was written.
    pub(crate) fn places(&self) -> Vec<To> {
        let output = self.output.clone().map(To::Mp4);
        let png = self.png.clone().map(To::Png);
        output.into_iter().chain(png).chain(self.capture.to.iter().cloned()).collect()
    }
}

/// Try what a recording needs on this machine, and say why what does not work.
///
/// Each device is made to allocate a picture, to hand it to a second device and to give the same pixels there.
/// The exit code is 0 when a recording can work, else 1.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// Measure every way that pictures go, too: formats, layouts, kinds of memory and readers, and every decoder on a picture (10 to 30 seconds)
    #[arg(long)]
    pub(crate) matrix: bool,
}

/// Where the application's windows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DisplayChoice {
    /// On the user's display, or on a private one where there is none.
    Auto,
    /// Nowhere.
    None,
    /// On this X display.
    Named(String),
}

fn display(text: &str) -> Result<DisplayChoice, String> {
    match text {
        "auto" => Ok(DisplayChoice::Auto),
        "none" => Ok(DisplayChoice::None),
        name if name.contains(':') => Ok(DisplayChoice::Named(name.to_owned())),
        _ => Err("write auto, none, or a display as in :0".to_owned()),
    }
}

fn extent(text: &str) -> Result<Extent, String> {
    let sides = text.split_once(['x', 'X']);
    let sides = sides.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        // The protocol of X counts pixels in 16 bits with a sign.
        Some((width, height)) if (1..=32767).contains(&width) && (1..=32767).contains(&height) => {
            Ok(Extent { width, height })
        }
        _ => Err("write width x height, each 1 to 32767, as in 1280x720".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    rate.filter(|rate| *rate > 0.0 && *rate <= 1000.0)
        .ok_or_else(|| "write a number above 0, at most 1000, as in 60".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    seconds
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "write a number above 0, as in 2.5".to_owned())
}

fn bits(text: &str) -> Result<u32, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1.0), |digits| (digits, 1e6)),
    };
    let bits = digits.parse::<f64>().ok().map(|number| number * unit);
    bits.filter(|bits| (50e3..=240e6).contains(bits))
        .map(|bits| bits as u32)
        .ok_or_else(|| "write bits per second from 50k to 240M, as in 8M".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_an_example() {
        assert_eq!(extent("1x1"), Ok(Extent { width: 1, height: 1 }));
        for odd in ["", "x", "0x1", "1x0", "32768x1", "1280", "-1x5", "1280x720x24"] {
            assert!(extent(odd).unwrap_err().contains("1280x720"), "{odd}");
        }
        assert_eq!(rate("59.94"), Ok(59.94));
        for odd in ["0", "-60", "NaN", "inf", "1001", "fast"] {
            assert!(rate(odd).is_err(), "{odd}");
        }
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for odd in ["0", "-1", "NaN", "inf", "1e30"] {
            assert!(seconds(odd).is_err(), "{odd}");
        }
        assert_eq!(
            (bits("8M"), bits("500k"), bits("64000")),
            (Ok(8_000_000), Ok(500_000), Ok(64_000))
        );
        for odd in ["0", "M", "1G", "-8M", "NaN"] {
            assert!(bits(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_display_is_auto_none_or_named() {
        assert_eq!(display(":7"), Ok(DisplayChoice::Named(":7".to_owned())));
        assert_eq!(display("none"), Ok(DisplayChoice::None));
        assert!(display("7").is_err());
    }
}
