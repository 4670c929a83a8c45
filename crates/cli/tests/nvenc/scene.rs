//! A stage with an encoder on it.

use std::fs;
use std::path::Path;
use std::process::Command;

use zerohop_testkit_nvenc::{BEHAVIOUR, JOURNAL, Journal, LIBRARY, PICTURES, install};

use crate::run::{Ended, Lack, Stage, library};

/// A folder for one test.
pub(crate) struct Scene(pub(crate) Stage);

/// What FFmpeg says of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Probed {
    pub(crate) codec: String,
    pub(crate) size: String,
    /// Matrix and range.
    pub(crate) color: String,
    pub(crate) packets: u32,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let stage = Stage::new();
        install(&library(LIBRARY), &stage.path("lib")).unwrap();
        fs::create_dir(stage.path("pictures")).unwrap();
        Self(stage)
    }

    /// What there is to be, and is not.
    pub(crate) fn lacks() -> Option<Lack> {
        if !library(LIBRARY).exists() {
            return Some(("layer", format!("{LIBRARY} is not built")));
        }
        let ffprobe = Path::new("/usr/bin/ffprobe").exists();
        let missing = || Some(("ffmpeg", "there is no /usr/bin/ffprobe".to_owned()));
        Stage::lacks().or_else(|| if ffprobe { None } else { missing() })
    }

    /// `zerohop run -o DIR/out.mp4 OPTIONS -- zerohop-pattern PATTERN`, with a library that is
    /// `behaviour`.
    pub(crate) fn command(&self, behaviour: &str, options: &[&str], pattern: &[&str]) -> Command {
        let options = [&["-o", "DIR/out.mp4"], options].concat();
        let mut command = self.0.pattern(&options, pattern);
        command.env(BEHAVIOUR, behaviour).env(JOURNAL, self.0.path("journal"));
        command.env(PICTURES, self.0.path("pictures"));
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, behaviour: &str, options: &[&str], pattern: &[&str]) -> Ended {
        self.0.run(self.command(behaviour, options, pattern))
    }

    /// What the library wrote down; nothing of it is a fault.
    pub(crate) fn journal(&self) -> Journal {
        let journal = Journal::read(&self.0.path("journal")).unwrap_or_default();
        assert_eq!(journal.faults(), [""; 0]);
        journal
    }

    /// What FFmpeg says of the recording, `count` packets or pictures.
    fn ffprobe(&self, name: &str, count: &str) -> Probed {
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(["-v", "error", count, "-of", "default=nw=1:nk=0", "-show_entries"]);
        ffprobe.arg(
            "stream=codec_name,width,height,color_space,color_range,nb_read_packets,nb_read_frames",
        );
        let output = ffprobe.arg(self.0.path(name)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let value = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default().to_owned()
        };
        let read = if count == "-count_frames" { "nb_read_frames" } else { "nb_read_packets" };
        Probed {
            codec: value("codec_name"),
            size: format!("{}x{}", value("width"), value("height")),
            color: format!("{} {}", value("color_space"), value("color_range")),
            packets: value(read).parse().unwrap_or(0),
        }
    }

    /// What FFmpeg says of the recording, every picture decoded.
    pub(crate) fn decoded(&self) -> Probed {
        self.decoded_of("out.mp4")
    }

    /// The same of another file.
    pub(crate) fn decoded_of(&self, name: &str) -> Probed {
        self.ffprobe(name, "-count_frames")
    }

    /// What FFmpeg says of the recording, whose pictures nobody can decode.
    pub(crate) fn unpacked(&self) -> Probed {
        self.ffprobe("out.mp4", "-count_packets")
    }

    /// The MD5 of each picture that the first session was given, in order.
    pub(crate) fn given(&self, count: u32, format: &str) -> Vec<String> {
        self.given_to(1, count, format)
    }

    /// The same of another session.
    pub(crate) fn given_to(&self, session: u32, count: u32, format: &str) -> Vec<String> {
        let md5 = |number| {
            let path = self.0.path("pictures").join(format!("{session}-{number}.{format}"));
            let output = Command::new("md5sum").arg(path).output().unwrap();
            String::from_utf8(output.stdout).unwrap()[..32].to_owned()
        };
        (1..=count).map(md5).collect()
    }

    /// The MD5 of each picture that was drawn, in order, of `--to checksum:DIR/sums`.
    pub(crate) fn drawn(&self) -> Vec<String> {
        let sums = fs::read_to_string(self.0.path("sums")).unwrap();
        let lines = sums.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit(", ").next().unwrap().trim().to_owned()).collect()
    }
}
