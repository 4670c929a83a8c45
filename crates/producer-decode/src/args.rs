//! What the program may be asked for. `zerohop play` and `zerohop probe` write these lines.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::Parser;

use crate::av::Way;

/// Decodes files or streams into memory that a zerohop host reads where it lies.
///
/// Started by `zerohop play` and `zerohop probe`. The host is at ZEROHOP_SOCKET; the second of several films goes to
/// ZEROHOP_SOCKET.1, and so on.
#[derive(Clone, Debug, Parser)]
#[command(name = "zerohop-decode", version)]
pub(crate) struct Arguments {
    /// Paths, or addresses that FFmpeg knows; several films are decoded beside each other
    #[arg(required = true, value_name = "FILE|URL")]
    inputs: Vec<OsString>,

    /// Say what is in it and which decoders there are for it, as JSON; nobody needs to listen
    #[arg(long)]
    pub(crate) probe: bool,

    /// auto, vaapi, cuda, vulkan or software
    #[arg(long, default_value = "auto", value_parser = ways)]
    pub(crate) decode: Ways,

    /// The device that decodes: a render node for VA-API, an index for the others
    #[arg(long)]
    pub(crate) device: Option<String>,

    /// vulkan or cuda: put what the CPU has decoded into memory of that device first, and hand it
    /// over as what a decoder there would give
    #[arg(long, value_parser = target)]
    pub(crate) upload: Option<Way>,

    /// How many pictures the host may have at a time
    #[arg(long, default_value = "8", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) ring: u8,

    /// Give up when the file, the stream or the decoder does not answer for so many seconds
    #[arg(long, default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Begin here, in seconds
    #[arg(long, default_value = "0", value_parser = seconds)]
    pub(crate) start: Duration,

    /// How many threads decode on the CPU; as many as there are cores without
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) threads: Option<u8>,

    /// Begin again at the end
    #[arg(long = "loop")]
    pub(crate) again: bool,

    /// Hand each picture over when it is time for it
    #[arg(long)]
    pub(crate) realtime: bool,

    /// Hand over rows in shared memory, by the CPU's copy where the decoder has memory of its own
    #[arg(long)]
    pub(crate) force_linear: bool,

    /// Let FFmpeg say what it thinks of the file; twice, all that it does
    #[arg(long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Arguments {
    /// What is decoded: the first of several.
    pub(crate) fn input(&self) -> &OsStr {
        &self.inputs[0]
    }

    /// The same for each film alone.
    pub(crate) fn each(&self) -> impl ExactSizeIterator<Item = Self> + '_ {
        let alone = |input: &OsString| Self { inputs: vec![input.clone()], ..self.clone() };
        self.inputs.iter().map(alone)
    }
}

/// The ways to try, in order.
#[derive(Clone, Debug)]
pub(crate) struct Ways(pub(crate) Vec<Way>);

fn ways(text: &str) -> Result<Ways, String> {
    if text == "auto" {
        return Ok(Ways(Way::ALL.to_vec()));
    }
    let one = Way::ALL.into_iter().find(|way| way.to_string() == text);
    one.map(|way| Ways(vec![way]))
        .ok_or_else(|| "write auto, vaapi, cuda, vulkan or software".into())
}

fn target(text: &str) -> Result<Way, String> {
    let one = [Way::Vulkan, Way::Cuda].into_iter().find(|way| way.to_string() == text);
    one.ok_or_else(|| "write vulkan or cuda".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "write seconds, as in 2.5".to_owned())
}
