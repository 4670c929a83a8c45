//! How pictures are encoded. The names are those that FFmpeg's `h264_nvenc` has for the same.

use std::time::Duration;

use clap::{Args, ValueEnum};
use zerohop_encode::{Choice, Codec, Options, Preset, Rate, Refresh, Tuning};

use super::bits;
use crate::failure::Failure;

/// What the help puts above all of this.
const HEADING: &str = "Encoding";

/// How pictures are encoded.
#[derive(Clone, Debug, Args)]
pub(crate) struct Encoding {
    /// Which encoder: the best that works (auto), NVIDIA's on the GPU that drew the picture, or OpenH264 on the CPU; one that is named is taken, or the run ends
    #[arg(help_heading = HEADING, long, value_enum, default_value = "auto")]
    pub(crate) encoder: Named,

    /// What it makes; OpenH264 makes h264 only
    #[arg(help_heading = HEADING, long, value_enum, default_value = "h264")]
    pub(crate) codec: CodecName,

    /// Bits per second that the encoder aims at, as in 8M or 500k; without, all pictures have the same quality
    #[arg(help_heading = HEADING, long, value_name = "BITS", value_parser = bits)]
    pub(crate) bitrate: Option<u32>,

    /// What decides the size of the packets: the same quantizer for each, or --bitrate over time (vbr) or all the time (cbr) [default: constqp, or vbr with --bitrate]
    #[arg(help_heading = HEADING, long, value_enum)]
    pub(crate) rc: Option<RateControl>,

    /// The quantizer of constqp, 0 (finest) to 51 (coarsest): six more are about half the bits [default: 24]
    #[arg(help_heading = HEADING, long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=51))]
    pub(crate) qp: Option<u8>,

    /// Bits per second that vbr may take for a while (nvenc) [default: half as many again as --bitrate]
    #[arg(help_heading = HEADING, long, value_name = "BITS", value_parser = bits)]
    pub(crate) maxrate: Option<u32>,

    /// Bits that may wait to be sent (nvenc) [default: those of one picture for cbr with low latency]
    #[arg(help_heading = HEADING, long, value_name = "BITS", value_parser = bits)]
    pub(crate) bufsize: Option<u32>,

    /// Begin anew after N pictures at most, so that a player can start there; after four seconds in any case
    #[arg(help_heading = HEADING, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) gop: Option<u64>,

    /// How hard it tries: p1 (fastest) to p7 (smallest) (nvenc)
    #[arg(help_heading = HEADING, long, value_name = "p1..p7", default_value = "p4", value_parser = preset)]
    pub(crate) preset: Preset,

    /// What it is tuned for: high quality, low latency, or ultra-low latency (nvenc)
    #[arg(help_heading = HEADING, long, value_enum, default_value = "ll")]
    pub(crate) tune: Tune,

    /// Refresh the picture piece by piece every N pictures, in place of whole key pictures (nvenc)
    #[arg(help_heading = HEADING, long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) intra_refresh: Option<u32>,
}

/// `--encoder`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the help says it")]
pub(crate) enum Named {
    Auto,
    Nvenc,
    #[value(name = "openh264")]
    OpenH264,
}

/// `--codec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the help says it")]
pub(crate) enum CodecName {
    H264,
    Hevc,
    Av1,
}

/// `--rc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the help says it")]
pub(crate) enum RateControl {
    Constqp,
    Vbr,
    Cbr,
}

/// `--tune`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the help says it")]
pub(crate) enum Tune {
    Hq,
    Ll,
    Ull,
}

impl Encoding {
    /// Which encoder was asked for.
    pub(crate) fn choice(&self) -> Choice {
        match self.encoder {
            Named::Auto => Choice::Auto,
            Named::Nvenc => Choice::Nvenc,
            Named::OpenH264 => Choice::OpenH264,
        }
    }

    /// What to ask of it, for at most `hertz` pictures a second.
    pub(crate) fn options(&self, hertz: u32) -> Result<Options, Failure> {
        let codec = match self.codec {
            CodecName::H264 => Codec::H264,
            CodecName::Hevc => Codec::Hevc,
            CodecName::Av1 => Codec::Av1,
        };
        let tuning = match self.tune {
            Tune::Hq => Tuning::HighQuality,
            Tune::Ll => Tuning::LowLatency,
            Tune::Ull => Tuning::UltraLowLatency,
        };
        let refresh = self.intra_refresh.map(|period| Refresh { period, pictures: period - 1 });
        Ok(Options { codec, rate: self.rate()?, hertz, preset: self.preset, tuning, refresh })
    }

    /// The most time between two key pictures.
    pub(crate) fn key_interval(&self) -> Duration {
        // Refreshed piece by piece there is nothing to begin anew for: a day is for ever.
        let seconds = if self.intra_refresh.is_some() { 24 * 3600 } else { 4 };
        Duration::from_secs(seconds)
    }

    fn rate(&self) -> Result<Rate, Failure> {
        let by_bits = if self.bitrate.is_some() { RateControl::Vbr } else { RateControl::Constqp };
        let mode = self.rc.unwrap_or(by_bits);
        let refuse = |what: &'static str, why: &'static str, todo: &'static str| {
            Err(Failure::new(what, why, todo))
        };
        if mode == RateControl::Constqp {
            if self.bitrate.or(self.maxrate).or(self.bufsize).is_some() {
                let why = "pictures of one quality take as many bits as they take";
                return refuse(
                    "--rc constqp",
                    why,
                    "leave --bitrate, --maxrate and --bufsize away",
                );
            }
            return Ok(self.qp.map_or_else(Rate::default, Rate::Quantizer));
        }
        if self.qp.is_some() {
            let why = "the quantizer follows from the bits";
            return refuse("--qp", why, "leave it away, or say --rc constqp");
        }
        let Some(bits) = self.bitrate else {
            return refuse("--rc", "how many bits a second is not said", "add --bitrate 8M, say");
        };
        let buffer = self.bufsize;
        if mode == RateControl::Vbr {
            if self.maxrate.is_some_and(|most| most < bits) {
                return refuse(
                    "--maxrate",
                    "it is less than --bitrate",
                    "make it as much at least",
                );
            }
            return Ok(Rate::Variable { bits, most: self.maxrate, buffer });
        }
        if self.maxrate.is_some() {
            return refuse("--maxrate", "cbr takes --bitrate all the time", "say --rc vbr");
        }
        Ok(Rate::Constant { bits, buffer })
    }
}

fn preset(text: &str) -> Result<Preset, String> {
    let number = text.strip_prefix('p').and_then(|number| number.parse().ok());
    number.and_then(Preset::new).ok_or_else(|| "write p1 to p7".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        encoding: Encoding,
    }

    fn rate(line: &str) -> Result<Rate, String> {
        let words = ["zerohop"].into_iter().chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|err| err.to_string())?;
        line.encoding.options(60).map(|options| options.rate).map_err(|err| err.to_string())
    }

    #[test]
    fn what_decides_the_size_of_packets_is_said_once() {
        assert_eq!(rate(""), Ok(Rate::Quantizer(24)));
        assert_eq!(rate("--qp 30"), Ok(Rate::Quantizer(30)));
        assert_eq!(rate("--bitrate 8M"), Ok(Rate::bits(8_000_000)));
        assert_eq!(
            rate("--rc cbr --bitrate 8M --bufsize 200k"),
            Ok(Rate::Constant { bits: 8_000_000, buffer: Some(200_000) })
        );
        assert_eq!(
            rate("--bitrate 8M --maxrate 9M"),
            Ok(Rate::Variable { bits: 8_000_000, most: Some(9_000_000), buffer: None })
        );
        for odd in [
            "--rc vbr",
            "--rc constqp --bitrate 8M",
            "--bufsize 1M",
            "--bitrate 8M --qp 20",
            "--bitrate 8M --maxrate 7M",
            "--rc cbr --bitrate 8M --maxrate 9M",
            "--qp 52",
            "--preset p8",
            "--intra-refresh 1",
        ] {
            assert!(rate(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn presets_are_p1_to_p7() {
        assert_eq!(preset("p7"), Ok(Preset::new(7).unwrap()));
        for odd in ["", "p", "p0", "p8", "7", "slow"] {
            assert!(preset(odd).is_err(), "{odd}");
        }
    }
}
