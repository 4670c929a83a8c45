//! What a user may ask of `zerohop play` and `zerohop probe`.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use zerohop_pipeline::Filter;

use super::{Capture, seconds};
use crate::to::To;

const PLAY_EXAMPLES: &str = "\
Examples:
  zerohop play clip.mp4 --to checksum
      An MD5 of every picture, as `ffmpeg -i clip.mp4 -bitexact -f framemd5 -` prints it.
  zerohop play clip.mkv --start 60 --frames 300 --to null --table
      How fast 300 pictures are decoded, and what it costs.
  zerohop play clip.mp4 --filter luma,diff --to png:changes --every 25
      What changed, as grey pictures, one for each second.
  zerohop play one.mp4 two.mp4 three.mp4 --filter luma,diff --to png:changes-{} --report all.json
      Three films beside each other; their pictures go to changes-0, changes-1 and changes-2.
  zerohop play rtsp://camera/stream --realtime --timeout 5 --to kms
      A camera on the screen; ended when it is silent for five seconds.
  zerohop play clip.mp4 --decode vaapi --device /dev/dri/renderD128 --to null --report cost.json
      Decoded there or not at all.

Exit code:
  0 at the end of the file, or when --frames or --seconds ended it; 128 + N after signal N; 125 when
  it, or one of several, cannot be played, with the reason, also when a limit ended the others.

Environment:
  ZEROHOP_DECODER  the program that decodes, zerohop-decode, where it is not beside zerohop";

const PROBE_EXAMPLES: &str = "\
Examples:
  zerohop probe clip.mp4
  zerohop probe --json clip.mp4 | jq '.decoders[] | select(.works)'";

/// Decode a file or a stream, and hand on its pictures in the decoder's own memory.
///
/// What decodes is a program of its own over FFmpeg's libraries. It announces each surface that it decodes into once, and decodes into it again when everybody has read it.
#[derive(Debug, Args)]
#[command(after_help = PLAY_EXAMPLES)]
pub(crate) struct Play {
    /// Paths, or addresses that FFmpeg knows. Several are films beside each other, in one process that decodes and one that takes the pictures, which is what a GPU does best; {} in the name of an output is the film's number, from 0
    #[arg(value_name = "FILE|URL", required = true)]
    pub(crate) inputs: Vec<OsString>,

    #[command(flatten)]
    pub(crate) decode: Decode,

    /// How many pictures may be on their way at a time
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) ring: u8,

    /// Passes that each picture goes through, in order: as R'G'B' (the default where pictures are wanted), as its luma, as what changed
    #[arg(long, value_name = "PASS[,PASS]", value_delimiter = ',', value_parser = filter)]
    pub(crate) filter: Vec<Filter>,

    /// Begin again at the end
    #[arg(long = "loop")]
    pub(crate) again: bool,

    /// Show each picture at its time, as a screen wants it (the default with --to kms)
    #[arg(long, conflicts_with = "fast")]
    pub(crate) realtime: bool,

    /// Take pictures as fast as they can be had, and lose none (the default without a screen)
    #[arg(long)]
    pub(crate) fast: bool,

    #[command(flatten)]
    pub(crate) capture: Capture,
}

/// Say what is in a file, and how it can be decoded here.
///
/// Each way to decode is tried on the first picture, in a process of its own: which decoder does it, in what memory the picture comes, and if it does not work, why. The picture is then imported into Vulkan and read, and what comes out compared with what FFmpeg says is in it.
#[derive(Debug, Args)]
#[command(after_help = PROBE_EXAMPLES)]
pub(crate) struct Probe {
    /// A path, or an address that FFmpeg knows
    #[arg(value_name = "FILE|URL")]
    pub(crate) input: OsString,

    #[command(flatten)]
    pub(crate) decode: Decode,

    /// The device that decodes: a render node for VA-API, an index for the others
    #[arg(long, value_name = "NODE|INDEX")]
    pub(crate) device: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a file is decoded.
#[derive(Clone, Debug, Args)]
pub(crate) struct Decode {
    /// Where to decode: the first of vaapi, cuda, vulkan and software that works (auto), or one of them
    #[arg(long, value_name = "WAY", default_value = "auto",
          value_parser = ["auto", "vaapi", "cuda", "vulkan", "software"])]
    pub(crate) decode: String,

    /// Hand over rows in shared memory, by the CPU's copy where the decoder has memory of its own
    #[arg(long)]
    pub(crate) force_linear: bool,

    /// Give up when the file, the stream or the decoder does not answer for so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Put what the CPU has decoded into memory of this device first, vulkan or cuda, and hand it over from there, as what its decoder has decoded
    #[arg(long, value_name = "WAY", value_parser = ["vulkan", "cuda"])]
    pub(crate) upload: Option<String>,

    /// How many threads decode on the CPU; without, as many as there are cores
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) threads: Option<u8>,

    /// Begin there, exactly, in seconds from the start
    #[arg(long, visible_alias = "ss", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) start: Option<Duration>,
}

fn filter(text: &str) -> Result<Filter, String> {
    match text {
        "rgba" => Ok(Filter::Rgba),
        "luma" => Ok(Filter::Luma),
        "diff" => Ok(Filter::Diff),
        _ => Err("write rgba, luma or diff, or several of them with commas between".to_owned()),
    }
}

impl Play {
    /// The passes that pictures go through: what was asked for, else what the places need.
    pub(crate) fn filters(&self) -> Vec<Filter> {
        let as_they_are = self.capture.to.iter().all(|to| matches!(to, To::Null | To::Checksum(_)));
        if self.filter.is_empty() && !as_they_are {
            return vec![Filter::Rgba];
        }
        self.filter.clone()
    }

    /// Whether what comes out of them goes to places that read it where it lies.
    pub(crate) fn is_straight(&self) -> bool {
        let reads = |to: &To| matches!(to, To::Null | To::Checksum(_) | To::Png(_));
        self.capture.to.iter().all(reads)
    }

    /// Whether each picture is shown at its time.
    pub(crate) fn in_real_time(&self) -> bool {
        let screen = self.capture.to.iter().any(|to| matches!(to, To::Kms(_)));
        self.realtime || (screen && !self.fast)
    }

    /// The device that reads the pictures, if one is named.
    pub(crate) fn vulkan_device(&self) -> Option<&str> {
        self.capture.device.as_deref().filter(|name| !is_of_decoder(name))
    }

    /// The device that decodes, if a node is named.
    pub(crate) fn node(&self) -> Option<&str> {
        self.capture.device.as_deref().filter(|name| is_of_decoder(name))
    }
}

/// Whether a device is one that decodes: a node, or an X display.
fn is_of_decoder(name: &str) -> bool {
    name.starts_with(['/', ':'])
}
