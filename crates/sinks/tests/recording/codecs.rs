//! Codecs other than H.264: streams of encoders that are not ours, boxed by us, read by FFmpeg.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use zerohop_encode::{Codec, Packet, PacketSink as _, nal_units};
use zerohop_frame::Color;
use zerohop_sinks::Mp4;

use crate::record::{SIZE, START};
use crate::with_ffmpeg;

/// Pictures of each stream.
const COUNT: u32 = 12;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        with_ffmpeg("hevc_in_a_file_is_what_it_was_as_a_stream", hevc),
        with_ffmpeg("hevc_of_ten_bits_is_too", hevc_deep),
        with_ffmpeg("av1_in_a_file_is_what_it_was_as_a_stream", av1),
    ]
}

fn hevc() {
    let x265 =
        ["-c:v", "libx265", "-x265-params", "log-level=none:bframes=0:keyint=6:repeat-headers=1"];
    round_trip(Codec::Hevc, "yuv420p", &x265, "hevc");
}

fn hevc_deep() {
    let x265 =
        ["-c:v", "libx265", "-x265-params", "log-level=none:bframes=0:keyint=6:repeat-headers=1"];
    round_trip(Codec::Hevc, "yuv420p10le", &x265, "hevc");
}

fn av1() {
    let aom = ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-lag-in-frames", "0"];
    round_trip(Codec::Av1, "yuv420p", &[&aom[..], &["-g", "6", "-crf", "40"]].concat(), "obu");
}

/// Encodes by `encoder`, boxes the packets, and compares what FFmpeg decodes of both.
fn round_trip(codec: Codec, format: &str, encoder: &[&str], stream: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (raw, boxed) = (folder.path().join("stream"), folder.path().join("boxed.mp4"));
    let source = format!("testsrc=size={}x{}:rate=30", SIZE.width, SIZE.height);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", &source, "-frames:v", &COUNT.to_string()]);
    ffmpeg.args(["-pix_fmt", format]).args(encoder).args(["-f", stream]).arg(&raw);
    let output = ffmpeg.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let units = match codec {
        Codec::Av1 => temporal_units(&std::fs::read(&raw).unwrap()),
        _ => access_units(&std::fs::read(&raw).unwrap()),
    };
    assert_eq!(units.len(), COUNT as usize, "units of a picture each");
    let mut mp4 = Mp4::create(&boxed).unwrap();
    for (sequence, (data, key)) in (0..).zip(units) {
        let pts = START + Duration::from_secs(1) * sequence / 30;
        let (extent, color, sequence) = (SIZE, Color::BT709, sequence.into());
        mp4.write(&Packet { codec, data, pts, key, sequence, extent, color }).unwrap();
    }
    mp4.finish(START + Duration::from_secs(1) * COUNT / 30).unwrap();
    let hashes = decoded(&boxed, &[]);
    assert_eq!(hashes.len(), COUNT as usize);
    assert_eq!(hashes, decoded(&raw, &["-f", stream]));
}

/// The MD5 of each picture.
fn decoded(path: &Path, options: &[&str]) -> Vec<String> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error"]).args(options).arg("-i").arg(path);
    let output = ffmpeg.args(["-f", "framemd5", "-"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let lines = said.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

/// The access units of an HEVC stream, each with whether it is a key picture.
fn access_units(stream: &[u8]) -> Vec<(Vec<u8>, bool)> {
    let mut units: Vec<(Vec<u8>, bool)> = Vec::new();
    let mut is_open = false;
    for unit in nal_units(stream) {
        let kind = unit[0] >> 1 & 0x3f;
        let is_slice = kind < 32;
        // A picture has one slice here, and what comes after it belongs to the next.
        if !is_open {
            units.push((Vec::new(), false));
        }
        is_open = !is_slice;
        let (data, key) = units.last_mut().unwrap();
        data.extend([0, 0, 0, 1]);
        data.extend(unit);
        *key |= (16..=21).contains(&kind);
    }
    units
}

/// The temporal units of an AV1 stream of OBUs with sizes, each with whether it has a sequence.
fn temporal_units(stream: &[u8]) -> Vec<(Vec<u8>, bool)> {
    let mut units: Vec<(Vec<u8>, bool)> = Vec::new();
    let mut at = 0;
    while at < stream.len() {
        let begin = at;
        let kind = stream[at] >> 3 & 0xf;
        at += 1;
        let (mut size, mut shift) = (0, 0);
        loop {
            let byte = stream[at];
            at += 1;
            size |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        at += size;
        if kind == 2 {
            units.push((Vec::new(), false));
        }
        let (data, key) = units.last_mut().unwrap();
        data.extend(&stream[begin..at]);
        *key |= kind == 1;
    }
    units
}
